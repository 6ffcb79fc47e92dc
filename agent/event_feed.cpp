#include "agent/event_feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <memory>
#include <utility>

#include "agent/decision_api.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

std::size_t index_of(event_type type) noexcept {
  return static_cast<std::size_t>(type);
}

}  // namespace

std::string_view to_string(event_type type) noexcept {
  switch (type) {
    case event_type::hub:
      return "hub";
    case event_type::rollout:
      return "rollout";
    case event_type::rule:
      return "rule";
    case event_type::decision:
      return "decision";
    case event_type::job:
      return "job";
    case event_type::hold:
      return "hold";
    case event_type::alert:
      return "alert";
    case event_type::agent:
      return "agent";
  }
  return "agent";
}

event_types event_types::all() noexcept {
  event_types out;
  for (const event_type type : all_event_types)
    out.add(type);
  return out;
}

std::optional<event_types> event_types::parse(std::string_view names) {
  event_types out;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    const auto* const type = std::ranges::find(all_event_types, name, to_string);
    if (type == all_event_types.end())
      return std::nullopt;
    out.add(*type);
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return out;
}

// --- noting --------------------------------------------------------------------------------------

event_feed::event_feed(api_source from, std::function<agent_facts()> agent, std::string life)
    : from_(std::move(from)), agent_(std::move(agent)), life_(std::move(life)) {
  kept_from_.fill(next_id_);
}

/// Where nobody listens the change is not kept, and whoever comes back must know that it was there.
bool event_feed::has_listener(event_type type) {
  if (listeners_[index_of(type)] > 0)
    return true;
  kept_from_[index_of(type)] = ++next_id_;
  return false;
}

void event_feed::note_rollouts(const view_update& update) {
  if (update.rollouts.empty() && update.requests.empty() && update.rules.empty() && !update.holds)
    return;
  if (!has_listener(event_type::rollout))
    return;
  for (const rollout_view& rollout : update.rollouts)
    noted_.rollouts.emplace(rollout.hub, rollout.id);
  for (const request_view& request : update.requests)
    noted_.rollouts.emplace(request.hub, request.rollout);
  for (const rule_view& rule : update.rules)  // a verdict may be another
    noted_.rollouts.emplace(rule.key.hub, rule.key.rollout);
  if (update.holds) {
    for (const auto& [key, rollout] : from_.model.rollouts())
      noted_.rollouts.insert(key);
  }
}

void event_feed::note_jobs(const view_update& update) {
  if (update.jobs.empty() || !has_listener(event_type::job))
    return;
  for (const auto& [hub, jobs] : update.jobs) {
    for (const job_view& job : jobs)
      noted_.jobs[{hub, job.request}].insert(job.id);
  }
}

void event_feed::note(const view_update& update) {
  if (!update.forgotten_hubs.empty() && has_listener(event_type::hub))
    noted_.forgotten_hubs.insert(update.forgotten_hubs.begin(), update.forgotten_hubs.end());
  if (!update.forgotten_rules_of.empty() && has_listener(event_type::rule))
    noted_.forgotten_rules_of.insert(update.forgotten_rules_of.begin(), update.forgotten_rules_of.end());
  if (!update.hubs.empty() && has_listener(event_type::hub)) {
    for (const hub_view& hub : update.hubs)
      noted_.hubs.insert(hub.name);
  }
  note_rollouts(update);
  if (!update.rules.empty() && has_listener(event_type::rule)) {
    for (const rule_view& rule : update.rules)
      noted_.rules.insert(rule.key);
  }
  if (!update.decisions.empty() && has_listener(event_type::decision)) {
    for (const decision_view& decision : update.decisions)
      noted_.decisions.insert(decision.id);
  }
  note_jobs(update);
  if (update.holds && has_listener(event_type::hold))
    noted_.holds = true;
  if (update.alerting && has_listener(event_type::alert))
    noted_.alerts = true;
}

// --- making events -------------------------------------------------------------------------------

std::string event_feed::write_event(std::string_view name, const json::object& data,
                                    std::string_view id) const {
  std::string out;
  if (!id.empty())
    out += fmt::format("id: {}\n", id);
  // JSON has no line end outside of its escapes: one data line is enough.
  return out + fmt::format("event: {}\ndata: {}\n\n", name, json::serialize(data));
}

void event_feed::append(event_type type, std::string_view name, const json::object& data) {
  const std::uint64_t id = next_id_++;
  kept_.push_back({.id = id, .type = type, .text = write_event(name, data, fmt::format("{}-{}", life_, id))});
  kept_bytes_ += kept_.back().text.size();
  while (kept_bytes_ > kept_bytes_max) {
    const event& oldest = kept_.front();
    kept_from_[index_of(oldest.type)] = oldest.id + 1;
    kept_bytes_ -= oldest.text.size();
    kept_.pop_front();
  }
}

void event_feed::append_forgotten() {
  const auto names = [](const std::set<std::string>& hubs) {
    json::array out;
    for (const std::string& hub : hubs)
      out.emplace_back(hub);
    return out;
  };
  if (!noted_.forgotten_hubs.empty())
    append(event_type::hub, "forgotten",
           {{"hubs", names(noted_.forgotten_hubs)}, {"rules_of", json::array()}});
  if (!noted_.forgotten_rules_of.empty())
    append(event_type::rule, "forgotten",
           {{"hubs", json::array()}, {"rules_of", names(noted_.forgotten_rules_of)}});
}

void event_feed::append_jobs(const read_model::hub_and_request& request,
                             const std::set<domain::job_id>& jobs) {
  const auto* known = from_.model.jobs(request);
  const auto owner = from_.model.requests().find(request);
  if (known == nullptr || owner == from_.model.requests().end())
    return;
  if (jobs.size() > jobs_max) {
    append(event_type::job, "jobs",
           {{"hub", request.first}, {"request_id", request.second.text()}, {"count", jobs.size()}});
    return;
  }
  for (const domain::job_id& id : jobs) {
    const auto job = known->find(id);
    if (job == known->end())
      continue;
    json::object data = job_json(from_.model, request.first, job->second, nullptr);
    data.emplace("hub", request.first);
    data.emplace("rollout", owner->second.rollout);
    append(event_type::job, "job", data);
  }
}

void event_feed::append_agent() {
  agent_facts now = agent_();
  if (told_agent_ == now)
    return;
  // Who comes anew loads the first ones.
  const bool is_first = !std::exchange(told_agent_, std::move(now)).has_value();
  if (is_first || !has_listener(event_type::agent))
    return;
  append(event_type::agent, "agent", agent_json(*told_agent_));
}

void event_feed::flush() {
  append_forgotten();
  for (const std::string& name : noted_.hubs) {
    if (const auto hub = from_.model.hubs().find(name); hub != from_.model.hubs().end())
      append(event_type::hub, "hub", hub_json(hub->second));
  }
  for (const auto& key : noted_.rollouts) {
    if (const auto rollout = from_.model.rollouts().find(key); rollout != from_.model.rollouts().end())
      append(event_type::rollout, "rollout", rollout_json(from_, rollout->second));
  }
  for (const rule_key& key : noted_.rules) {
    const auto rule = from_.model.rules().find(key);
    if (rule == from_.model.rules().end())
      continue;
    json::object data = rule_json(rule->second);
    data.emplace("hub", key.hub);
    data.emplace("rollout", key.rollout);
    append(event_type::rule, "rule", data);
  }
  for (const auto& [request, jobs] : noted_.jobs)
    append_jobs(request, jobs);
  for (const std::int64_t id : noted_.decisions) {
    if (const auto decision = from_.model.decisions().find(id); decision != from_.model.decisions().end())
      append(event_type::decision, "decision", decision_json(decision->second));
  }
  if (noted_.holds) {
    json::array holds;
    for (const hold_view& hold : from_.model.holds())
      holds.push_back(hold_json(hold));
    append(event_type::hold, "hold", {{"holds", std::move(holds)}});
  }
  if (noted_.alerts)
    append(event_type::alert, "alert", {{"firing", count_firing(*from_.model.alerting())}});
  append_agent();
  noted_ = {};
  told_.notify_all();
}

void event_feed::close() noexcept {
  is_closed_ = true;
  told_.notify_all();
}

asio::awaitable<void> event_feed::run() {
  const std::unique_ptr<event_feed, void (*)(event_feed*)> closes(this,
                                                                  [](event_feed* feed) { feed->close(); });
  steady_time next_ping = from_.time.steady_now() + ping_interval;
  for (;;) {
    while (readers_ == 0)
      co_await joined_.wait();
    co_await from_.time.sleep_for(turn_interval);
    if (from_.time.steady_now() >= next_ping) {
      next_ping = from_.time.steady_now() + ping_interval;
      ++pings_;
    }
    flush();
  }
}

// --- reading -------------------------------------------------------------------------------------

event_feed::reader::reader(event_feed& feed, event_types wanted, std::string_view last_id)
    : feed_(feed), wanted_(wanted), next_(feed.next_id_), pings_(feed.pings_) {
  if (const auto dash = last_id.rfind('-');
      dash != std::string_view::npos && last_id.substr(0, dash) == feed.life_) {
    const std::string_view digits = last_id.substr(dash + 1);
    std::uint64_t last = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), last);
    if (error == std::errc() && end == digits.data() + digits.size() && last < feed.next_id_) {
      next_ = last + 1;
      needs_reset_ = is_behind();
    }
  }
  for (const event_type type : all_event_types)
    feed_.listeners_[index_of(type)] += wanted_.has(type) ? 1 : 0;
  ++feed_.readers_;
  feed_.joined_.notify_all();
}

event_feed::reader::~reader() {
  for (const event_type type : all_event_types)
    feed_.listeners_[index_of(type)] -= wanted_.has(type) ? 1 : 0;
  --feed_.readers_;
}

bool event_feed::reader::is_behind() const noexcept {
  return std::ranges::any_of(all_event_types, [this](event_type type) {
    return wanted_.has(type) && next_ < feed_.kept_from_[index_of(type)];
  });
}

std::string event_feed::reader::take(std::size_t bytes_min) {
  const json::object now{{"now", format_time(feed_.from_.time.wall_now())}};
  std::string out;
  if (needs_reset_ || is_behind()) {
    needs_reset_ = false;
    next_ = feed_.next_id_;
    out += feed_.write_event("reset", now, fmt::format("{}-{}", feed_.life_, next_ - 1));
  }
  auto at = std::ranges::lower_bound(feed_.kept_, next_, {}, &event::id);
  for (; at != feed_.kept_.end() && out.size() < bytes_min; ++at) {
    next_ = at->id + 1;
    if (wanted_.has(at->type))
      out += at->text;
  }
  if (std::exchange(pings_, feed_.pings_) != feed_.pings_)
    out += feed_.write_event("ping", now);
  return out;
}

asio::awaitable<void> event_feed::reader::wait() {
  if (!is_over())
    co_await feed_.told_.wait();
}

}  // namespace pushguard::agent
