#include "agent/cancellation.hpp"

namespace pushguard::agent {

using domain::push_status;
using policy::cancel_outcome;

cancellation::cancellation(steady_time began, duration patience) : give_up_at_(began + patience) {}

cancellation::action cancellation::resume(const event& happened, steady_time now, random_engine& random) {
  if (const auto* read = std::get_if<status_read>(&happened)) {
    return on_status(read->status, now, random);
  }
  if (const auto* answer = std::get_if<cancel_answered>(&happened)) {
    ++patches_sent_;
    was_asked_ = true;
    if (!answer->is_accepted) {
      refusal_code_ = answer->error_code;
      refusal_message_ = answer->message;
    }
    return read_status{};
  }
  if (std::holds_alternative<waited>(happened)) {
    return read_status{};
  }
  return retry(now, random);
}

cancellation::action cancellation::on_status(push_status status, steady_time now, random_engine& random) {
  switch (status) {
    case push_status::canceled:
      return done{cancel_outcome::canceled};
    case push_status::succeeded:
    case push_status::failed:
      return done{cancel_outcome::finished_first};
    case push_status::in_progress:
      // Asked at least once even when it is known to run: the refusal is Salesforce's to give.
      if (was_asked_)
        return done{cancel_outcome::refused};
      return send_cancel{};
    case push_status::created:
    case push_status::pending:
    case push_status::unrecognized:
      // Accepted but not done yet, or refused for a reason that passes (a locked row): tried on.
      if (!was_asked_)
        return send_cancel{};
      was_asked_ = false;
      return retry(now, random);
  }
  return retry(now, random);
}

cancellation::action cancellation::retry(steady_time now, random_engine& random) {
  if (now >= give_up_at_) {
    return done{cancel_outcome::unconfirmed};
  }
  return wait{backoff_.next(random)};
}

}  // namespace pushguard::agent
