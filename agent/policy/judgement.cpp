#include "agent/policy/judgement.hpp"

namespace pushguard::policy {

std::string_view to_string(verdict value) noexcept {
  switch (value) {
    case verdict::insufficient_data:
      return "insufficient_data";
    case verdict::ok:
      return "ok";
    case verdict::warning:
      return "warning";
    case verdict::breached:
      return "breached";
    case verdict::blind:
      return "blind";
  }
  return "blind";
}

std::string_view to_string(consequence value) noexcept {
  switch (value) {
    case consequence::nothing:
      return "nothing";
    case consequence::alert:
      return "alert";
    case consequence::abort:
      return "abort";
    case consequence::would_abort:
      return "would_abort";
    case consequence::held:
      return "held";
    case consequence::breached_before_arming:
      return "breached_before_arming";
  }
  return "nothing";
}

}  // namespace pushguard::policy
