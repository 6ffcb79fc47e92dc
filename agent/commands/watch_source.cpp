#include "agent/commands/watch_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>

#include "agent/commands/addressing.hpp"
#include "agent/commands/json_members.hpp"
#include "agent/commands/render.hpp"
#include "agent/commands/watch_reading.hpp"
#include "base/url.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Who watches wants to know soon that nobody answers.
constexpr http_limits limits{.write = std::chrono::seconds(5),
                             .header = std::chrono::seconds(5),
                             .body = std::chrono::seconds(10),
                             .body_size = 64UZ * 1024 * 1024};

std::string path_of(const rollout_key& key) {
  return fmt::format("/api/v1/rollouts/{}/{}", percent_encode(key.first), key.second);
}

const watch_rollout* find_in(const watch_overview& overview, const rollout_key& key) {
  const auto found = std::ranges::find(overview.rollouts, key, &watch_rollout::key);
  return found == overview.rollouts.end() ? nullptr : &*found;
}

}  // namespace

watch_source::watch_source(agent_channel& channel, time_source& time, std::string agent,
                           watch_details details, std::optional<domain::rollout_id> wanted,
                           std::optional<std::string> hub)
    : channel_(channel), time_(time), details_(details), wanted_(wanted), hub_(std::move(hub)) {
  state_.agent = std::move(agent);
}

const watch_state& watch_source::state() {
  state_.now = time_.wall_now();
  return state_;
}

asio::awaitable<result<>> watch_source::refresh() {
  const auto answer = co_await channel_.get("/api/v1/overview", limits);
  if (!answer) {
    note_trouble(answer.error());
    co_return result<>{};
  }
  auto overview = read_overview(*answer);
  if (!overview) {
    note_trouble(overview.error());
    co_return result<>{};
  }
  const wall_time answered = time_.wall_now();
  if (auto found = find_wanted(*overview, *answer); !found)
    co_return std::unexpected(found.error());
  const auto focus = choose_focus(*overview, wanted_key_);
  if (focus != state_.focus)
    state_.failures.reset();
  state_.focus = focus;
  new_failures_ = state_.failures;
  const auto detailed = co_await ask_details(*overview);
  if (!detailed) {
    note_trouble(detailed.error());
    co_return result<>{};
  }
  state_.overview = std::move(*overview);
  state_.failures = std::move(new_failures_);
  state_.answered = answered;
  state_.silent_since.reset();
  state_.trouble.clear();
  co_return result<>{};
}

void watch_source::note_trouble(const failure& why) {
  if (!state_.silent_since)
    state_.silent_since = state_.answered.value_or(time_.wall_now());
  state_.trouble = printable(why.text());
}

result<> watch_source::find_wanted(const watch_overview& overview, const json::value& answer) {
  if (!wanted_ || wanted_key_)
    return {};
  json::array named;  // without what would make find_rollout_path throw
  for (const json::value& each : answer.as_object().at("rollouts").as_array()) {
    const auto* rollout = each.if_object();
    if (rollout != nullptr && !text_of(*rollout, "hub").empty() && !text_of(*rollout, "id").empty())
      named.push_back(each);
  }
  const auto path = find_rollout_path(named, *wanted_, hub_);
  if (!path)
    return std::unexpected(path.error());
  for (const watch_rollout& each : overview.rollouts) {
    if (path_of(each.key) == *path)
      wanted_key_ = each.key;
  }
  return {};
}

bool watch_source::wants_details(const watch_rollout& rollout) const {
  if (wanted_key_ || details_ == watch_details::of_focus)
    return rollout.key == state_.focus;
  // Those that were open a moment ago have their end to tell.
  const auto* before = state_.overview ? find_in(*state_.overview, rollout.key) : nullptr;
  return rollout.is_open || (before != nullptr && (before->is_open || before->state != rollout.state));
}

asio::awaitable<result<>> watch_source::ask_details(watch_overview& overview) {
  for (watch_rollout& each : overview.rollouts) {
    if (!wants_details(each)) {
      if (const auto* before = state_.overview ? find_in(*state_.overview, each.key) : nullptr) {
        each.rules = before->rules;
        each.decisions = before->decisions;
      }
      continue;
    }
    const auto answer = co_await channel_.get(path_of(each.key), limits);
    // A rollout may be forgotten between two questions.
    if (!answer && !answer.error().is(errc::not_found))
      co_return std::unexpected(answer.error());
    if (answer)
      add_details(each, *answer);
    if (details_ != watch_details::of_focus)
      continue;
    const auto failures = co_await channel_.get(path_of(each.key) + "/failures", limits);
    if (!failures && !failures.error().is(errc::not_found))
      co_return std::unexpected(failures.error());
    if (failures)
      new_failures_ = read_failures(*failures);
  }
  co_return result<>{};
}

}  // namespace pushguard::agent
