#pragma once

#include <optional>
#include <string>
#include <variant>

#include "agent/policy/abort_plan.hpp"
#include "base/backoff.hpp"

namespace pushguard::agent {

/// One request's way through read, PATCH, read, as a pure machine: the caller does what resume() asks
/// and tells it what came of it. Nothing Salesforce answers to the PATCH is believed; only a status read
/// afterwards decides. Every step may be repeated after a crash: it begins with reading.
class cancellation {
 public:
  struct read_status {};  ///< ask Salesforce for the request's status
  struct send_cancel {};  ///< PATCH it to Canceled
  struct wait {           ///< try again after this long
    duration length;
  };
  /// `unconfirmed`: for a day Salesforce could not be asked, or did not do what it accepted.
  struct done {
    policy::cancel_outcome outcome;
  };
  using action = std::variant<read_status, send_cancel, wait, done>;

  struct status_read {
    domain::push_status status;
  };
  struct cancel_answered {
    bool is_accepted;
    std::string error_code;  ///< Salesforce's own, verbatim
    std::string message;
  };
  struct failed {};  ///< the call did not reach Salesforce, or its answer did not reach us
  struct waited {};
  using event = std::variant<status_read, cancel_answered, failed, waited>;

  /// Given up after `patience` without a decision.
  explicit cancellation(steady_time began, duration patience = std::chrono::hours(24));

  /// The first action, also after a restart.
  [[nodiscard]] static action begin() { return read_status{}; }
  [[nodiscard]] action resume(const event& happened, steady_time now, random_engine& random);

  /// Salesforce's own words at the last refusal; empty if it never refused.
  [[nodiscard]] const std::string& refusal_code() const noexcept { return refusal_code_; }
  [[nodiscard]] const std::string& refusal_message() const noexcept { return refusal_message_; }
  [[nodiscard]] unsigned patches_sent() const noexcept { return patches_sent_; }

 private:
  [[nodiscard]] action on_status(domain::push_status status, steady_time now, random_engine& random);
  [[nodiscard]] action retry(steady_time now, random_engine& random);

  steady_time give_up_at_;
  backoff backoff_{{.first = std::chrono::seconds(1), .longest = std::chrono::seconds(30)}};
  bool was_asked_ = false;  ///< a PATCH was answered since the last status was read
  unsigned patches_sent_ = 0;
  std::string refusal_code_;
  std::string refusal_message_;
};

}  // namespace pushguard::agent
