#include "agent/call_meter.hpp"

namespace pushguard::agent {

void call_meter::call_ended(salesforce::api_operation operation, salesforce::api_outcome outcome) {
  instruments_.call_ended(operation, outcome);
  const bool is_free =
      operation == salesforce::api_operation::login || operation == salesforce::api_operation::versions;
  if (is_free)
    return;
  ++calls_made_;
  budget_.spend(1, time_.steady_now());
  if (outcome == salesforce::api_outcome::limit_exceeded)
    budget_.refused(time_.steady_now());
}

void call_meter::usage_told(salesforce::api_usage usage) {
  instruments_.usage_told(usage);
  budget_.tell(usage);
}

void call_meter::clock_told(duration ahead) {
  constexpr duration of_an_answer = std::chrono::seconds(5);
  constexpr duration of_a_date = std::chrono::seconds(2);  // which tells whole seconds
  if (std::chrono::abs(ahead) < of_an_answer)
    clock_ahead_ = duration::zero();
  else if (std::chrono::abs(ahead - clock_ahead_) > of_a_date)
    clock_ahead_ = ahead;
}

}  // namespace pushguard::agent
