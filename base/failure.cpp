#include "base/failure.hpp"

namespace pushguard {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "pushguard"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::timed_out:
        return "timed out";
      case errc::closed:
        return "connection closed";
      case errc::unreachable:
        return "unreachable";
      case errc::untrusted:
        return "certificate not trusted";
      case errc::too_large:
        return "too large";
      case errc::malformed:
        return "malformed";
      case errc::rejected:
        return "rejected";
      case errc::unauthorized:
        return "unauthorized";
      case errc::unavailable:
        return "unavailable";
      case errc::not_found:
        return "not found";
      case errc::invalid:
        return "invalid";
      case errc::conflict:
        return "conflict";
      case errc::storage:
        return "storage failure";
    }
    return "unknown failure";
  }
};

}  // namespace

const std::error_category& pushguard_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), pushguard_category()};
}

}  // namespace pushguard
