#include "agent/view_making.hpp"

#include <algorithm>

#include "agent/domain/rollout_id.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

constexpr std::size_t shown_message_bytes_max = 300;  // what fits a table's cell; the whole is a query away

status_counts widen(const tracker::status_counts& counts) {
  status_counts out{};
  std::ranges::copy(counts, out.begin());
  return out;
}

}  // namespace

request_view make_request_view(const std::string& hub, const tracker::tracker& from,
                               tracker::request_index request, wall_time now) {
  const tracker::request_record& record = from.at(request);
  request_view view;
  view.hub = hub;
  view.row = record.row;
  view.row.status = from.present_status(request);
  view.rollout = from.at(record.rollout).id.text();
  view.jobs = widen(record.job_counts);
  view.last_progress = record.last_progress.get();
  view.is_stale = from.is_stale(request, now);
  if (from.is_complete(request, now)) {
    view.ended = record.row.end ? record.row.end : record.last_progress.get();
  }
  return view;
}

job_view make_job_view(const tracker::tracker& from, tracker::job_index index) {
  const tracker::job_record& record = from.at(index);
  job_view view;
  view.id = record.id;
  view.request = from.at(record.request).row.id;
  view.org = from.at(record.org).key;
  view.status = record.status;
  view.start = record.start.get();
  view.end = record.end.get();
  if (const auto from_version = domain::version_id::parse(from.at(record.from_version)))
    view.from_version = *from_version;
  if (record.status == domain::push_status::failed) {
    view.error = record.first_error;
    if (const auto errors = from.errors(index); !errors.empty()) {
      view.error_title = std::string(from.at(errors.front().title));
      view.error_message = std::string(cut_at_character(errors.front().message, shown_message_bytes_max));
    }
  }
  return view;
}

org_view make_org_view(const tracker::tracker& from, tracker::org_index index) {
  const tracker::org_record& record = from.at(index);
  return {record.key, record.name, record.type, std::string(from.at(record.sf_instance))};
}

rollout_view make_rollout_view(const std::string& hub, const tracker::tracker& from,
                               tracker::rollout_index index) {
  const tracker::rollout_record& record = from.at(index);
  rollout_view view;
  view.hub = hub;
  view.id = record.id.text();
  view.version = record.id.version;
  view.jobs = widen(from.job_counts(index));
  view.is_open = record.is_open();
  std::vector<tracker::request_index> waves = record.requests;
  std::ranges::sort(waves, {}, [&](tracker::request_index wave) { return from.at(wave).begins(); });
  for (const tracker::request_index wave : waves) {
    view.requests.push_back(from.at(wave).row.id);
    view.package_name = from.at(wave).row.package_name;
    view.version_number = from.at(wave).row.version_number;
  }
  return view;
}

rule_view make_rule_view(const std::string& hub, const policy::judgement& judged) {
  rule_view view;
  view.key = {hub,
              judged.key.rollout.text(),
              std::string(judged.key.request.text()),
              judged.key.policy,
              judged.key.rule,
              judged.key.segment};
  view.verdict = to_string(judged.value);
  view.reason = judged.reason;
  view.follows = to_string(judged.follows);
  view.is_armed = judged.armed == policy::arming::armed;
  view.failed = judged.numbers.failed;
  view.started = judged.numbers.started;
  view.excluded = judged.numbers.excluded;
  view.observed_ratio = judged.numbers.observed;
  view.lower_bound_ratio = judged.numbers.lower_bound;
  view.threshold_ratio = judged.numbers.threshold;
  view.evaluated = judged.at;
  return view;
}

hold_view make_hold_view(const store::hold_record& hold) {
  hold_view view;
  if (hold.target.rollout) {
    view.hub = hold.target.rollout->hub;
    view.rollout = domain::rollout_id{hold.target.rollout->version,
                                      static_cast<std::uint32_t>(hold.target.rollout->number)}
                       .text();
  }
  view.policy = hold.target.policy;
  view.rule = hold.target.rule;
  view.actor = hold.actor;
  view.reason = hold.reason;
  view.since = hold.since;
  view.until = hold.until;
  return view;
}

decision_view make_decision_view(const store::decision_record& decision) {
  decision_view view;
  view.id = decision.id;
  view.decided_at = decision.decided_at;
  view.hub = decision.key.rollout.hub;
  view.rollout = domain::rollout_id{decision.key.rollout.version,
                                    static_cast<std::uint32_t>(decision.key.rollout.number)}
                     .text();
  view.epoch = static_cast<int>(decision.key.epoch);
  view.mode = to_string(decision.key.mode);
  view.policy = decision.key.policy;
  view.rule = decision.key.rule;
  view.actor = decision.actor;
  view.reason = decision.reason;
  view.failed = static_cast<std::size_t>(decision.failed);
  view.started = static_cast<std::size_t>(decision.started);
  view.excluded = static_cast<std::size_t>(decision.excluded);
  view.in_flight = static_cast<std::size_t>(decision.in_flight);
  view.still_to_start = static_cast<std::size_t>(decision.still_to_start);
  view.observed_ratio = decision.observed_ratio;
  view.lower_bound_ratio = decision.lower_bound_ratio;
  view.threshold_ratio = decision.threshold_ratio;
  view.configuration_hash = decision.configuration_hash;
  view.version = decision.agent_version;
  for (const store::error_signature& signature : decision.signatures) {
    signature_view shown{signature.text, static_cast<std::size_t>(signature.orgs), {}};
    for (const domain::org_key& org : signature.sample_orgs) {
      shown.sample_orgs.emplace_back(org.text());
    }
    view.signatures.push_back(std::move(shown));
  }
  for (const store::plan_entry& entry : decision.plan) {
    view.plan.push_back({entry.request, std::string(domain::to_string(entry.status_at_decision)),
                         std::string(to_string(entry.action)),
                         entry.outcome ? std::string(to_string(*entry.outcome)) : "", entry.salesforce_code,
                         entry.salesforce_message});
  }
  view.outcome = decision.outcome ? std::string(to_string(*decision.outcome)) : "";
  view.spared_orgs = static_cast<std::size_t>(decision.spared_orgs);
  view.ended_at = decision.ended_at;
  if (decision.since) {
    view.since = {.counted_at = decision.since->counted_at,
                  .orgs = static_cast<std::size_t>(decision.since->orgs),
                  .started = static_cast<std::size_t>(decision.since->started),
                  .succeeded = static_cast<std::size_t>(decision.since->succeeded),
                  .failed = static_cast<std::size_t>(decision.since->failed),
                  .is_final = decision.since->is_final};
  }
  return view;
}

}  // namespace pushguard::agent
