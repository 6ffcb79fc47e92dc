#include "simulator/push_events.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "simulator/dice.hpp"
#include "simulator/token_desk.hpp"

namespace pushguard::simulator {
namespace {

std::string event_uuid(std::uint64_t seed, std::int64_t replay_id) {
  dice roll(seed, draw::event, static_cast<std::uint64_t>(replay_id));
  const std::uint64_t high = roll.next();
  const std::uint64_t low = roll.next();
  // Version 4, variant 10 (RFC 9562 §5.4).
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                     high & 0xfffU, 0x8000U | (low >> 50U), low & 0xffff'ffff'ffffU);
}

}  // namespace

void append_push_event(std::string& out, const database& data, const logged_event& event) {
  const scenario& plan = data.rows.plan();
  const job_row& job = data.rows.jobs()[event.change.job];
  fmt::format_to(std::back_inserter(out),
                 R"({{"schema":"5E5OtZj5_Gm6Vax9XMXH9A","payload":{{"CreatedDate":"{}","CreatedById":"{}",)"
                 R"("Request_Id__c":"{}")",
                 format_time(event.published), hub_user_id(), request_id_of(job.request));
  if (plan.stream.detail == event_detail::job) {
    const bool tells_error = event.change.state == push_state::failed &&
                             plan.stream.error_type == event_error_type::included && job.error_count > 0;
    fmt::format_to(std::back_inserter(out),
                   R"(,"Job_Id__c":"{}","Org_Key__c":"{}","Status__c":"{}","Error_Type__c":)",
                   job_id_of(event.change.job), org_key_of(job.org),
                   to_salesforce(event.change.state, plan.api.spelling));
    if (tells_error)
      append_json_string(out, data.rows.error_type_of(job));
    else
      out += "null";
  }
  fmt::format_to(std::back_inserter(out), R"(}},"event":{{"EventUuid":"{}","replayId":{}}}}})",
                 event_uuid(plan.seed, event.replay_id), event.replay_id);
}

}  // namespace pushguard::simulator
