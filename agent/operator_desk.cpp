#include "agent/operator_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/alert_texts.hpp"
#include "agent/audit_trail.hpp"
#include "agent/decision_making.hpp"
#include "agent/hold_book.hpp"
#include "agent/policy/abort_plan.hpp"
#include "agent/view_making.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

using domain::operator_action;

// An operator who asks again waits for the first answer; so many at once are a script gone wild.
constexpr std::size_t waiting_max = 100;

operator_answer not_stored(const failure& why) {
  return {.outcome = operator_outcome::unavailable,
          .text = fmt::format("nothing was done, as it could not be recorded: {}", why.text())};
}

operator_answer closed_answer() {
  return {.outcome = operator_outcome::unavailable,
          .text = "the agent is ending; what it has recorded it carries out when it is back"};
}

std::string count_text(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

/// `of devhub 04t…/1: 2 requests are being cancelled, 1 that is running is tried, …`.
std::string plan_text(const store::decision_record& decision) {
  const auto planned = [&](store::plan_action action) {
    return static_cast<std::size_t>(std::ranges::count(decision.plan, action, &store::plan_entry::action));
  };
  const std::size_t cancelled = planned(store::plan_action::cancel);
  const std::size_t tried = planned(store::plan_action::attempt);
  return fmt::format(
      "{} to be cancelled; {} running already, which Salesforce refuses to cancel as far as is "
      "known, and which {} tried all the same",
      count_text(cancelled, "request"), count_text(tried, "request"), tried == 1 ? "is" : "are");
}

}  // namespace

asio::awaitable<operator_answer> operator_desk::ask(operator_command command) {
  if (is_closed_)
    co_return closed_answer();
  if (waiting_.size() >= waiting_max) {
    co_return operator_answer{.outcome = operator_outcome::unavailable,
                              .text = "too many commands wait; nothing was done"};
  }
  const auto mine = std::make_shared<visitor>(std::move(command));
  waiting_.push_back(mine);
  parts_.mark_changed();
  while (!mine->answer)
    co_await mine->answered.wait();
  co_return *mine->answer;
}

asio::awaitable<void> operator_desk::serve() {
  while (!waiting_.empty()) {
    // In the queue until it is answered, so that close() finds it where this coroutine is cancelled.
    const std::shared_ptr<visitor> next = waiting_.front();
    operator_answer answer = co_await perform(next->command);
    parts_.views.flush(parts_.agent.time.wall_now());
    next->answer = std::move(answer);
    waiting_.pop_front();
    next->answered.notify_all();
  }
}

void operator_desk::close() {
  is_closed_ = true;
  for (const std::shared_ptr<visitor>& each : std::exchange(waiting_, {})) {
    each->answer = closed_answer();
    each->answered.notify_all();
  }
}

asio::awaitable<operator_answer> operator_desk::perform(operator_command command) {
  const std::string& hub = parts_.agent.hub.name;
  std::optional<tracker::request_index> request;
  std::optional<tracker::rollout_index> rollout;
  if (const auto* id = std::get_if<domain::request_id>(&command.target)) {
    request = parts_.tracked.find(*id);
    if (request)
      rollout = parts_.tracked.at(*request).rollout;
  } else if (const auto* target = std::get_if<rollout_target>(&command.target)) {
    rollout = parts_.tracked.find(target->rollout);
  }
  if (!rollout) {
    co_return operator_answer{.outcome = operator_outcome::not_found,
                              .text = fmt::format("this agent knows no {}", target_text(command))};
  }
  const domain::rollout_id id = parts_.tracked.at(*rollout).id;
  switch (command.action) {
    case operator_action::abort:
      co_return co_await abort(std::move(command), *rollout, request);
    case operator_action::hold:
      co_return co_await parts_.agent.holds.put(std::move(command), {stored_rollout(hub, id), "", ""});
    case operator_action::release:
      co_return co_await parts_.agent.holds.remove(std::move(command), {stored_rollout(hub, id), "", ""});
    case operator_action::resume:
      co_return co_await resume(std::move(command), id);
    case operator_action::arm:
      co_return co_await arm(std::move(command), id);
    case operator_action::ack:
    case operator_action::mute:
      break;  // of alerts, which are the alert center's
  }
  co_return closed_answer();
}

trail_entry operator_desk::entry_of(store::audit_kind kind, const operator_command& command,
                                    const domain::rollout_id& rollout) const {
  return {.kind = kind,
          .at = parts_.agent.time.wall_now(),
          .actor = command.actor,
          .hub = parts_.agent.hub.name,
          .rollout = rollout.text(),
          .policy = "",
          .rule = "",
          .target = fmt::format("{} {}", parts_.agent.hub.name, rollout.text()),
          .reason = command.reason};
}

// ---- abort ----

std::vector<planned_view> operator_desk::plan_of(const store::decision_record& decision) const {
  const alert_context context = parts_.context_of(rollout_of(decision.key.rollout));
  std::vector<planned_view> plan;
  for (const store::plan_entry& entry : decision.plan) {
    plan.push_back({.request = entry.request,
                    .status = std::string(domain::to_string(entry.status_at_decision)),
                    .step = std::string(store::to_string(entry.action)),
                    .setup_page = setup_page_url(context, entry.request)});
  }
  return plan;
}

asio::awaitable<operator_answer> operator_desk::abort(operator_command command,
                                                      tracker::rollout_index rollout,
                                                      std::optional<tracker::request_index> request) {
  const domain::rollout_id id = parts_.tracked.at(rollout).id;
  std::optional<domain::request_id> request_id;
  if (request)
    request_id = parts_.tracked.at(*request).row.id;
  const std::string target = request_id ? fmt::format("request {}", request_id->text())
                                        : fmt::format("{} {}", parts_.agent.hub.name, id.text());
  store::decision_key key =
      manual_key(stored_rollout(parts_.agent.hub.name, id), parts_.judge.epoch(id), request_id);
  if (const store::decision_record* known = parts_.acting.memory().find(key)) {
    co_return operator_answer{
        .outcome = operator_outcome::repeated,
        .text = fmt::format("{} was aborted by {} at {}: decision {}, {}", target, known->actor,
                            format_time(known->decided_at), known->id,
                            known->outcome ? store::to_string(*known->outcome) : "under way"),
        .decision = make_decision_view(*known),
        .plan = plan_of(*known)};
  }
  const policy::abort_plan plan =
      request ? policy::make_request_plan(parts_.tracked, *request, manual_specification().in_progress)
              : policy::make_abort_plan(parts_.tracked, rollout, manual_specification());
  if (request && !plan.has_calls()) {
    co_return operator_answer{
        .outcome = operator_outcome::conflict,
        .text = fmt::format("{} has ended ({}): there is nothing to cancel", target,
                            domain::to_string(parts_.tracked.present_status(*request)))};
  }
  const decision_origin origin{.hub = parts_.agent.hub.name,
                               .actor = command.actor,
                               .configuration_hash = parts_.agent.configuration->hash,
                               .agent_version = parts_.agent.agent_version};
  store::decision_record decision =
      make_manual_decision(parts_.agent.numbers.take(), origin, std::move(key), command.reason,
                           parts_.agent.time.wall_now(), plan, parts_.tracked, rollout);
  store::batch batch;
  batch.decisions.push_back(decision);
  batch.audit.push_back(audit_decided(decision));
  trail_entry entry = entry_of(store::audit_kind::abort_requested, command, id);
  entry.policy = decision.key.policy;
  entry.rule = decision.key.rule;
  entry.target = target;
  entry.decision = decision.id;
  const auto committed =
      co_await commit_action(parts_.agent.store, parts_.agent.log, std::move(batch), std::move(entry));
  if (!committed)
    co_return not_stored(committed.error());
  if (!committed->is_applied()) {
    co_return operator_answer{
        .outcome = operator_outcome::conflict,
        .text = fmt::format("{} was aborted before, by another agent on this store", target)};
  }
  operator_answer answer{
      .outcome = operator_outcome::begun,
      .text = fmt::format("aborting {}, decision {}: {}", target, decision.id, plan_text(decision)),
      .decision = make_decision_view(decision),
      .plan = plan_of(decision),
      .reach = abort_reach{.spared = plan.spared.size(),
                           .in_flight = plan.in_flight.size(),
                           .still_to_start = plan.still_to_start}};
  // After the commit: one that is refused must not have told anybody. Its end tells it again.
  parts_.agent.alerts.raise(
      make_containment_alert(parts_.context_of(id), *answer.decision, alerts::alert_severity::critical));
  parts_.acting.start(std::move(decision));
  co_return answer;
}

// ---- epochs and armings ----

asio::awaitable<result<>> operator_desk::remember(const domain::rollout_id& rollout,
                                                  std::optional<store::watched_rollout> before,
                                                  trail_entry entry) {
  hub_memory& memory = parts_.acting.memory();
  store::batch batch;
  batch.watched = memory.take_changes();
  const std::vector<store::watched_rollout> watched = batch.watched;
  const auto committed =
      co_await commit_action(parts_.agent.store, parts_.agent.log, std::move(batch), std::move(entry));
  if (committed)
    co_return result<>{};
  if (before)
    memory.replace(rollout, std::move(*before));
  memory.put_back(watched);
  co_return std::unexpected(committed.error());
}

std::optional<operator_answer> operator_desk::refuse_to_resume(const domain::rollout_id& rollout) const {
  const hub_memory& memory = parts_.acting.memory();
  const std::uint32_t epoch = parts_.judge.epoch(rollout);
  if (memory.abort_of(rollout, epoch) == nullptr) {
    return operator_answer{.outcome = operator_outcome::conflict,
                           .text = fmt::format("{} {} is not aborted: there is nothing to resume",
                                               parts_.agent.hub.name, rollout.text())};
  }
  for (const store::decision_record* decision : memory.decisions_of(rollout)) {
    if (decision->key.epoch != epoch || !memory.is_carried_out(decision->id))
      continue;
    return operator_answer{
        .outcome = operator_outcome::conflict,
        .text = fmt::format("decision {} of {} {} is still being carried out: resume when it has ended",
                            decision->id, parts_.agent.hub.name, rollout.text())};
  }
  return std::nullopt;
}

/// What was judged in the epoch before is told no more: its alerts end, and segments that may never come
/// again show nothing.
void operator_desk::forget_judgements(const domain::rollout_id& rollout) {
  for (policy::judgement judged : parts_.judge.current()) {
    if (judged.key.rollout != rollout)
      continue;
    judged.value = policy::verdict::insufficient_data;
    judged.reason = "the rollout was resumed; only orgs started since are counted";
    judged.numbers = {.threshold = judged.numbers.threshold};
    judged.follows = policy::consequence::nothing;
    const rule_view rule = make_rule_view(parts_.agent.hub.name, judged);
    parts_.views.note(judged);
    parts_.agent.alerts.end(warning_alert_id(rule.key));
    parts_.agent.alerts.end(breach_alert_id(rule.key));
    parts_.agent.alerts.end(unarmed_breach_alert_id(rule.key));
    parts_.acting.tell_held(judged, rule);
  }
}

asio::awaitable<operator_answer> operator_desk::resume(operator_command command, domain::rollout_id rollout) {
  if (auto refused = refuse_to_resume(rollout))
    co_return *std::move(refused);
  hub_memory& memory = parts_.acting.memory();
  const wall_time now = parts_.judge.hub_time(parts_.agent.time.wall_now());
  auto before = memory.find(rollout);
  memory.open_epoch(rollout, now);
  const auto stored =
      co_await remember(rollout, std::move(before), entry_of(store::audit_kind::resumed, command, rollout));
  if (!stored)
    co_return not_stored(stored.error());
  forget_judgements(rollout);
  parts_.judge.resume(parts_.tracked, rollout, now);
  parts_.acting.end_alerts_of_earlier_epochs(rollout);
  const int epoch = static_cast<int>(parts_.judge.epoch(rollout));
  parts_.views.note_epoch(rollout, epoch, now);
  co_return operator_answer{
      .outcome = operator_outcome::done,
      .text =
          fmt::format("{} {} goes on in epoch {}: requests that join are not cancelled, orgs that start from "
                      "now on are counted, and its rules may act again",
                      parts_.agent.hub.name, rollout.text(), epoch),
      .epoch = epoch};
}

asio::awaitable<operator_answer> operator_desk::arm(operator_command command, domain::rollout_id rollout) {
  std::set<std::tuple<std::string, std::string>> judged_by;
  std::vector<policy::known_arming> armings;
  std::vector<rule_key> unarmed;
  for (const policy::judgement& judged : parts_.judge.current()) {
    if (judged.key.rollout != rollout)
      continue;
    const bool is_new = judged_by.emplace(judged.key.policy, judged.key.rule).second;
    if (judged.armed == policy::arming::armed)
      continue;
    unarmed.push_back(make_rule_view(parts_.agent.hub.name, judged).key);
    if (is_new) {
      armings.push_back({rollout, judged.mode, judged.key.policy, judged.key.rule, policy::arming::armed});
    }
  }
  const std::string target = fmt::format("{} {}", parts_.agent.hub.name, rollout.text());
  if (judged_by.empty()) {
    co_return operator_answer{.outcome = operator_outcome::conflict,
                              .text = fmt::format("no rule judges {}: there is nothing to arm", target)};
  }
  if (armings.empty()) {
    co_return operator_answer{.outcome = operator_outcome::repeated,
                              .text = fmt::format("every rule of {} was armed already", target),
                              .armed = std::vector<std::string>{}};
  }
  hub_memory& memory = parts_.acting.memory();
  auto before = memory.find(rollout);
  memory.note(armings, parts_.agent.time.wall_now());
  const auto stored =
      co_await remember(rollout, std::move(before), entry_of(store::audit_kind::armed, command, rollout));
  if (!stored)
    co_return not_stored(stored.error());
  parts_.judge.arm(rollout);
  for (const rule_key& key : unarmed)
    parts_.agent.alerts.end(unarmed_breach_alert_id(key));
  std::vector<std::string> names;
  for (const policy::known_arming& arming : armings)
    names.push_back(fmt::format("{}/{}", arming.policy, arming.rule));
  std::string text =
      fmt::format("armed for {}: {}; what is breached acts now", target, fmt::join(names, ", "));
  co_return operator_answer{
      .outcome = operator_outcome::done, .text = std::move(text), .armed = std::move(names)};
}

}  // namespace pushguard::agent
