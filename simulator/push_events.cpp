#include "simulator/push_events.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "simulator/token_desk.hpp"

namespace pushguard::simulator {
std::uint64_t subject_of(const job_change& change) noexcept {
  return std::uint64_t{change.job} * all_push_states.size() + static_cast<std::uint64_t>(change.state);
}

void append_push_event(std::string& out, const database& data, const event_log& log,
                       const logged_event& event) {
  const scenario& plan = data.rows.plan();
  const auto index = static_cast<row_index>(event.subject / all_push_states.size());
  const auto state = static_cast<push_state>(event.subject % all_push_states.size());
  const job_row& job = data.rows.jobs()[index];
  fmt::format_to(std::back_inserter(out),
                 R"({{"schema":"5E5OtZj5_Gm6Vax9XMXH9A","payload":{{"CreatedDate":"{}","CreatedById":"{}",)"
                 R"("Request_Id__c":"{}")",
                 format_time(event.published), hub_user_id(), request_id_of(job.request));
  if (plan.stream.detail == event_detail::job) {
    const bool tells_error = state == push_state::failed &&
                             plan.stream.error_type == event_error_type::included && job.error_count > 0;
    fmt::format_to(std::back_inserter(out),
                   R"(,"Job_Id__c":"{}","Org_Key__c":"{}","Status__c":"{}","Error_Type__c":)",
                   job_id_of(index), data.rows.org_key(job.org), to_salesforce(state, plan.api.spelling));
    if (tells_error)
      append_json_string(out, data.rows.error_type_of(job));
    else
      out += "null";
  }
  fmt::format_to(std::back_inserter(out), R"(}},"event":{{"EventUuid":"{}","replayId":{}}}}})",
                 log.event_uuid(event), log.replay_id(event));
}

}  // namespace pushguard::simulator
