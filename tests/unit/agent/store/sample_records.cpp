#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {

sqlite_database open(const std::filesystem::path& path, const sqlite_options& options) {
  return must(sqlite_database::open(must(try_lock(path)), options));
}

wall_time at_second(std::int64_t seconds) {
  return wall_time(std::chrono::seconds(seconds)) + std::chrono::milliseconds(7);
}

domain::request_id request(int n) {
  return must(domain::request_id::parse(fmt::format("0DV{:012}", n)));
}

domain::org_key org(int n) {
  return must(domain::org_key::parse(fmt::format("00D{:012}", n)));
}

rollout_key rollout(int n) {
  return {"devhub", must(domain::version_id::parse("04t000000000001")), n};
}

decision_record sample_decision(std::int64_t id, std::string rule) {
  decision_record record;
  record.id = id;
  record.key = {rollout(), 2, decision_mode::enforce, "production", std::move(rule)};
  record.decided_at = at_second(1000);
  record.actor = "pushguard";
  record.reason = "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)";
  record.failed = 17;
  record.started = 100;
  record.excluded = 2;
  record.in_flight = 5;
  record.still_to_start = 3;
  record.observed_ratio = 0.17;
  record.lower_bound_ratio = 0.066;
  record.threshold_ratio = 0.05;
  record.configuration_hash = "c0ffee";
  record.agent_version = "0.1.0";
  record.signatures = {{"DeployError: 'O\"Neil\n\xC3\xA4", 12, {org(1), org(2)}}, {"Unknown", 5, {}}};
  record.plan = {{request(1), domain::push_status::in_progress, plan_action::attempt, plan_step::settled,
                  request_outcome::refused, "INVALID_STATUS", "Can't abort; it's running", at_second(1001)},
                 {request(2), domain::push_status::pending, plan_action::cancel, plan_step::planned,
                  std::nullopt, "", "", at_second(1000)}};
  return record;
}

audit_entry sample_audit(int n) {
  return {.at = at_second(1000 + n),
          .kind = audit_kind::called,
          .hub = "devhub",
          .rollout = "04t000000000001/1",
          .decision = 7,
          .actor = "O\"Neil\n\xC3\xA4",
          .details = fmt::format(R"({{"n":{}}})", n)};
}

watched_rollout sample_watched(int n) {
  watched_rollout watched;
  watched.key = rollout(n);
  watched.epoch = 3;
  watched.requests = {request(2), request(1)};
  watched.rules = {
      {"production", "budget", arming::breached_before_arming, at_second(10), decision_mode::enforce},
      {"production", "failure-rate", arming::armed, at_second(11), decision_mode::dry_run}};
  watched.epoch_since = at_second(9);
  watched.last_activity = at_second(12);
  return watched;
}

alerts::alert_record sample_alert(const std::string& id) {
  alerts::alert_record record;
  record.content.id = id;
  record.content.name = "PushRolloutBreached";
  record.content.labels = {{"hub", "devhub"}};
  record.content.summary = "it's bad";
  record.content.starts_at = at_second(20);
  record.content.updated_at = at_second(21);
  record.receivers = {"oncall"};
  record.notified_at = at_second(22);
  return record;
}

alerts::outbox_row sample_notification(alerts::outbox_id id, const std::string& receiver) {
  alerts::outbox_row row;
  row.id = id;
  row.receiver = receiver;
  row.kind = alerts::notification_kind::updated;
  row.content = sample_alert(fmt::format("alert-{}", id)).content;
  row.created_at = at_second(30);
  row.attempts = 2;
  row.next_attempt_at = at_second(40);
  return row;
}

}  // namespace pushguard::store::test
