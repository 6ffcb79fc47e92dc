#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "agent/commands/agent_channel.hpp"
#include "agent/commands/watch_state.hpp"
#include "agent/domain/rollout_id.hpp"

namespace pushguard::agent {

/// Of which rollouts rules and decisions are asked for.
enum class watch_details { of_focus, of_all_open };

/// Keeps a watch_state up to date by asking the agent. For one thread.
class watch_source {
 public:
  /// `channel` and `time` must outlive it. `wanted` without a number is the latest at the first answer.
  watch_source(agent_channel& channel, time_source& time, std::string agent, watch_details details,
               std::optional<domain::rollout_id> wanted, std::optional<std::string> hub);

  /// Asks once for everything. An agent that does not answer is a state, not a failure; a rollout that the
  /// agent does not know at its first answer, or that several hubs have, is one.
  [[nodiscard]] boost::asio::awaitable<result<>> refresh();

  /// With the clock as it is now.
  [[nodiscard]] const watch_state& state();
  /// The rollout that was asked for, once the agent told of it.
  [[nodiscard]] const std::optional<rollout_key>& wanted() const noexcept { return wanted_key_; }

 private:
  [[nodiscard]] result<> find_wanted(const watch_overview& overview, const boost::json::value& answer);
  [[nodiscard]] boost::asio::awaitable<result<>> ask_details(watch_overview& overview);
  [[nodiscard]] bool wants_details(const watch_rollout& rollout) const;
  void note_trouble(const failure& why);

  agent_channel& channel_;
  time_source& time_;
  watch_details details_;
  std::optional<domain::rollout_id> wanted_;
  std::optional<std::string> hub_;
  std::optional<rollout_key> wanted_key_;
  std::optional<watch_failures> new_failures_;
  watch_state state_;
};

}  // namespace pushguard::agent
