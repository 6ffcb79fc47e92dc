#include "simulator/push_events.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

class PushEvents : public testing::Test {
 protected:
  /// The first event of a job that failed with error rows.
  json::value failed_event() {
    world simulated(plan_);
    simulated.advance_to(10min);
    const calendar times{start_of_test().wall, 1};
    row_index job = 0;
    while (simulated.jobs()[job].state != push_state::failed || simulated.jobs()[job].error_count == 0)
      ++job;
    job_ = job_id_of(job);
    org_ = org_key_of(simulated.jobs()[job].org);
    type_ = simulated.error_type_of(simulated.jobs()[job]);
    std::string text;
    event_log log(plan_.seed, plan_.stream.retention);
    const logged_event& event =
        log.append(subject_of({.job = job, .state = push_state::failed}), {}, start_of_test());
    replay_id_ = event.number;
    append_push_event(text, {simulated, times}, log, event);
    return json::parse(text);
  }

  scenario plan_ = small_scenario(50, 0.5);
  std::string job_;
  std::string org_;
  std::string type_;
  std::uint64_t replay_id_ = 0;
};

TEST_F(PushEvents, NameTheJobAndItsStatus) {
  const json::value event = failed_event();
  const json::value& payload = event.at("payload");
  EXPECT_EQ(text_of(payload.at("Request_Id__c")), request_id_of(0));
  EXPECT_EQ(text_of(payload.at("Job_Id__c")), job_);
  EXPECT_EQ(text_of(payload.at("Org_Key__c")), org_);
  EXPECT_EQ(payload.at("Status__c"), "Failed");
  EXPECT_EQ(text_of(payload.at("Error_Type__c")), type_);
  EXPECT_EQ(payload.at("CreatedDate"), "2026-03-10T12:00:00.000Z");
  EXPECT_EQ(event.at("event").at("replayId"), replay_id_);
  EXPECT_EQ(event.at("event").at("EventUuid").as_string().size(), 36U);
  EXPECT_TRUE(event.at("schema").is_string());
}

TEST_F(PushEvents, CanLeaveTheErrorTypeOut) {
  plan_.stream.error_type = event_error_type::omitted;
  EXPECT_TRUE(failed_event().at("payload").at("Error_Type__c").is_null());
}

TEST_F(PushEvents, CanBeHintsThatNameNoJob) {
  plan_.stream.detail = event_detail::hint;
  const json::value event = failed_event();
  EXPECT_EQ(text_of(event.at("payload").at("Request_Id__c")), request_id_of(0));
  EXPECT_FALSE(event.at("payload").as_object().contains("Job_Id__c"));
  EXPECT_FALSE(event.at("payload").as_object().contains("Status__c"));
}

}  // namespace
}  // namespace pushguard::simulator
