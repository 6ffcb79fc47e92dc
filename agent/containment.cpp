#include "agent/containment.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <set>

#include "agent/audit_trail.hpp"
#include "agent/decision_making.hpp"
#include "agent/view_making.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

// How long the end of a containment waits for Salesforce to name the spared orgs; then memory must do.
constexpr duration spared_patience = std::chrono::minutes(10);

/// A wave of the rollout reached the org, before or after this abort.
bool was_pushed(const tracker::tracker& tracked, const tracker::org_record& org,
                tracker::rollout_index rollout) {
  for (tracker::job_index job = org.newest_job; job != tracker::no_job; job = tracked.at(job).next_of_org) {
    const tracker::job_record& record = tracked.at(job);
    if (tracked.at(record.request).rollout == rollout && domain::is_started(record.status))
      return true;
  }
  return false;
}

}  // namespace

asio::awaitable<void> containment::run() {
  const auto executor = co_await asio::this_coro::executor;
  task_group calls(executor);
  for (std::size_t i = 0; i < decision_.plan.size(); ++i) {
    const store::plan_entry& entry = decision_.plan[i];
    if (entry.action != store::plan_action::leave && entry.step != store::plan_step::settled) {
      calls.spawn(cancel_one(i));
    }
  }
  co_await calls.join();
  if (calls.was_cancelled()) {
    co_return;  // the next run of the agent goes on from what is stored
  }
  co_await finish();
}

asio::awaitable<cancellation::event> containment::carry_out(const cancellation::action& asked,
                                                            std::size_t entry) {
  const domain::request_id request = decision_.plan[entry].request;
  if (std::holds_alternative<cancellation::read_status>(asked)) {
    const wall_time sent = parts_.hub_clock.wall_now();
    const auto row = co_await parts_.queries.request_by_id(request);
    if (!row) {
      parts_.log.warning("abort_status_unread",
                         {{"request_id", request.text()}, {"error", row.error().text()}});
      co_return cancellation::failed{};
    }
    parts_.on_changes(parts_.tracked.apply(std::span(&*row, 1), sent));
    co_return cancellation::status_read{row->status};
  }
  if (std::holds_alternative<cancellation::send_cancel>(asked)) {
    const cancellation::event answered = co_await send_cancel(entry);
    co_return answered;
  }
  if (const auto* pause = std::get_if<cancellation::wait>(&asked)) {
    co_await parts_.time.sleep_for(pause->length);
  }
  co_return cancellation::waited{};
}

asio::awaitable<cancellation::event> containment::send_cancel(std::size_t entry) {
  const domain::request_id request = decision_.plan[entry].request;
  const auto answer = co_await parts_.rest.cancel(request);
  const wall_time now = parts_.time.wall_now();
  parts_.audit.add(audit_called(decision_, request, answer, now));
  decision_.plan[entry].step = store::plan_step::asked;
  decision_.plan[entry].updated_at = now;
  if (answer) {
    parts_.log.info("abort_call_answered", {{"request_id", request.text()},
                                            {"http_status", answer->http_status},
                                            {"code", answer->error_code},
                                            {"message", answer->message}});
  } else {
    parts_.log.warning("abort_call_failed",
                       {{"request_id", request.text()}, {"error", answer.error().cause.text()}});
  }
  store::batch batch;
  batch.decision_updates.push_back(
      {.id = decision_.id, .plan = {decision_.plan[entry]}, .outcome = {}, .ended_at = {}});
  const auto committed = co_await commit(std::move(batch));
  if (!committed) {
    // The call was made, and its entry waits for a commit that succeeds.
    parts_.log.error("abort_step_not_stored",
                     {{"decision", decision_.id}, {"error", committed.error().text()}});
  }
  if (!answer)
    co_return cancellation::failed{};
  co_return cancellation::cancel_answered{answer->is_accepted(), answer->error_code, answer->message};
}

asio::awaitable<result<>> containment::commit(store::batch changes) {
  audit_backlog::luggage audited = parts_.audit.take();
  changes.audit = audited.entries();
  store::batch late = changes;
  auto committed = co_await parts_.store.commit(std::move(changes));
  if (!committed && committed.error().is(errc::not_found)) {
    // It was acted on although it could not be recorded (on_store_failure: act). Now it can be, as it stands.
    late.decision_updates.clear();
    late.decisions.push_back(decision_);
    committed = co_await parts_.store.commit(std::move(late));
    if (committed && committed->is_applied())
      parts_.log.warning("decision_recorded_late", {{"decision", decision_.id}});
  }
  if (!committed)
    co_return std::unexpected(committed.error());
  if (!committed->is_applied())
    co_return fail(errc::conflict, "the decision is recorded already");
  audited.stored();
  co_return result<>();
}

asio::awaitable<void> containment::cancel_one(std::size_t entry) {
  cancellation machine(parts_.time.steady_now());
  cancellation::action asked = cancellation::begin();
  while (!std::holds_alternative<cancellation::done>(asked)) {
    const cancellation::event happened = co_await carry_out(asked, entry);
    asked = machine.resume(happened, parts_.time.steady_now(), parts_.random);
  }
  co_await settle(entry, machine, std::get<cancellation::done>(asked).outcome);
}

asio::awaitable<void> containment::settle(std::size_t index, const cancellation& machine,
                                          policy::cancel_outcome outcome) {
  store::plan_entry& entry = decision_.plan[index];
  entry.step = store::plan_step::settled;
  entry.outcome = stored_outcome(outcome);
  entry.salesforce_code = machine.refusal_code();
  entry.salesforce_message = machine.refusal_message();
  entry.updated_at = parts_.time.wall_now();
  parts_.log.info("abort_request_settled", {{"decision", decision_.id},
                                            {"request_id", entry.request.text()},
                                            {"outcome", store::to_string(*entry.outcome)},
                                            {"code", entry.salesforce_code}});
  parts_.views.note(decision_);
  parts_.views.flush(parts_.time.wall_now());
  store::batch batch;
  batch.decision_updates.push_back({.id = decision_.id, .plan = {entry}, .outcome = {}, .ended_at = {}});
  parts_.audit.add(audit_settled(decision_, entry));
  const auto committed = co_await commit(std::move(batch));
  if (!committed) {
    // Nothing is lost: the end of the containment writes every entry again, and a restart asks again.
    parts_.log.error("abort_step_not_stored",
                     {{"decision", decision_.id}, {"error", committed.error().text()}});
  }
}

/// The orgs of the cancelled requests: their jobs are cancelled with them, sooner or later.
asio::awaitable<std::vector<domain::org_key>> containment::find_spared() {
  std::vector<domain::request_id> canceled;
  for (const store::plan_entry& entry : decision_.plan) {
    if (entry.outcome == store::request_outcome::canceled)
      canceled.push_back(entry.request);
  }
  backoff retry;
  const steady_time patience = parts_.time.steady_now() + spared_patience;
  for (;;) {
    const auto read = co_await parts_.reader.read_requests_with_jobs(canceled);
    if (read)
      break;
    if (parts_.time.steady_now() >= patience) {
      parts_.log.error("spared_orgs_from_memory",
                       {{"decision", decision_.id}, {"error", read.error().text()}});
      break;
    }
    co_await parts_.time.sleep_for(retry.next(parts_.random));
  }
  std::set<domain::org_key> spared;
  for (const domain::request_id& id : canceled) {
    const auto request = parts_.tracked.find(id);
    if (!request)
      continue;
    for (const tracker::job_index job : parts_.tracked.at(*request).jobs) {
      const tracker::org_record& org = parts_.tracked.at(parts_.tracked.at(job).org);
      if (!was_pushed(parts_.tracked, org, parts_.tracked.at(*request).rollout))
        spared.insert(org.key);
    }
  }
  co_return std::vector(spared.begin(), spared.end());
}

asio::awaitable<void> containment::finish() {
  std::vector<domain::org_key> spared = co_await find_spared();
  const policy::containment_outcome outcome =
      outcome_of(decision_).value_or(policy::containment_outcome::failed);
  const bool is_first_end = decision_.is_open();  // later ends are those of requests that joined afterwards
  decision_.outcome = stored_outcome(outcome);
  decision_.ended_at = parts_.time.wall_now();
  decision_.spared_orgs = static_cast<std::int64_t>(spared.size());
  const domain::rollout_id rollout = rollout_of(decision_.key.rollout);
  parts_.alerts.raise(make_containment_alert(parts_.context_of(rollout), make_decision_view(decision_),
                                             parts_.severity_of(decision_.key)));
  parts_.audit.add(audit_ended(decision_));
  backoff retry;
  for (;;) {
    store::batch batch;
    batch.decision_updates.push_back({.id = decision_.id,
                                      .plan = decision_.plan,
                                      .outcome = decision_.outcome,
                                      .ended_at = decision_.ended_at});
    batch.spared.push_back({decision_.id, spared});
    alert_center::luggage told = parts_.alerts.take();
    told.add_to(batch);
    const auto committed = co_await commit(std::move(batch));
    if (committed) {
      parts_.alerts.stored(std::move(told));
      break;
    }
    parts_.alerts.put_back(std::move(told));
    parts_.log.error("abort_end_not_stored",
                     {{"decision", decision_.id}, {"error", committed.error().text()}});
    if (committed.error().is(errc::conflict)) {
      break;  // no repetition would change it
    }
    co_await parts_.time.sleep_for(retry.next(parts_.random));
  }
  if (is_first_end)
    parts_.instruments.abort_ended(decision_.key.policy, decision_.key.mode, outcome);
  parts_.views.note(decision_);
  parts_.views.note_spared(rollout, std::move(spared));
  parts_.views.flush(parts_.time.wall_now());
  tell_end();
}

void containment::tell_end() {
  const auto settled_as = [&](store::request_outcome outcome) {
    return std::ranges::count_if(decision_.plan,
                                 [&](const store::plan_entry& entry) { return entry.outcome == outcome; });
  };
  parts_.log.warning("abort_ended", {{"decision", decision_.id},
                                     {"rollout", rollout_of(decision_.key.rollout).text()},
                                     {"policy", decision_.key.policy},
                                     {"rule", decision_.key.rule},
                                     {"outcome", store::to_string(*decision_.outcome)},
                                     {"canceled", settled_as(store::request_outcome::canceled)},
                                     {"refused", settled_as(store::request_outcome::refused)},
                                     {"spared_orgs", decision_.spared_orgs}});
}

}  // namespace pushguard::agent
