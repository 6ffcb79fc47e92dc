#include "agent/store/records.hpp"

namespace pushguard::store {

std::string_view to_string(decision_mode mode) noexcept {
  switch (mode) {
    case decision_mode::enforce:
      return "enforce";
    case decision_mode::dry_run:
      return "dry_run";
    case decision_mode::manual:
      return "manual";
  }
  return "unknown";
}

std::string_view to_string(plan_action action) noexcept {
  switch (action) {
    case plan_action::cancel:
      return "cancel";
    case plan_action::attempt:
      return "attempt";
    case plan_action::leave:
      return "leave";
  }
  return "unknown";
}

std::string_view to_string(plan_step step) noexcept {
  switch (step) {
    case plan_step::planned:
      return "planned";
    case plan_step::asked:
      return "asked";
    case plan_step::settled:
      return "settled";
  }
  return "unknown";
}

std::string_view to_string(request_outcome outcome) noexcept {
  switch (outcome) {
    case request_outcome::canceled:
      return "canceled";
    case request_outcome::refused:
      return "refused";
    case request_outcome::finished_first:
      return "finished_first";
    case request_outcome::unconfirmed:
      return "unconfirmed";
  }
  return "unknown";
}

std::string_view to_string(containment_outcome outcome) noexcept {
  switch (outcome) {
    case containment_outcome::confirmed:
      return "confirmed";
    case containment_outcome::partial:
      return "partial";
    case containment_outcome::refused:
      return "refused";
    case containment_outcome::nothing_to_cancel:
      return "nothing_to_cancel";
    case containment_outcome::failed:
      return "failed";
  }
  return "unknown";
}

std::string_view to_string(arming state) noexcept {
  switch (state) {
    case arming::armed:
      return "armed";
    case arming::breached_before_arming:
      return "breached_before_arming";
  }
  return "unknown";
}

std::string_view to_string(audit_kind kind) noexcept {
  switch (kind) {
    case audit_kind::decided:
      return "decided";
    case audit_kind::extended:
      return "extended";
    case audit_kind::called:
      return "called";
    case audit_kind::settled:
      return "settled";
    case audit_kind::ended:
      return "ended";
    case audit_kind::followed:
      return "followed";
    case audit_kind::held:
      return "held";
    case audit_kind::released:
      return "released";
    case audit_kind::hold_expired:
      return "hold_expired";
    case audit_kind::resumed:
      return "resumed";
    case audit_kind::armed:
      return "armed";
    case audit_kind::abort_requested:
      return "abort_requested";
    case audit_kind::not_recorded:
      return "not_recorded";
    case audit_kind::acknowledged:
      return "acknowledged";
    case audit_kind::muted:
      return "muted";
    case audit_kind::configuration_loaded:
      return "configuration_loaded";
    case audit_kind::agent_started:
      return "agent_started";
  }
  return "unknown";
}

}  // namespace pushguard::store
