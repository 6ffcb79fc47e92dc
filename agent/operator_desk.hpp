#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "agent/enforcement.hpp"
#include "agent/operator_command.hpp"
#include "agent/operator_trail.hpp"
#include "base/condition.hpp"

namespace pushguard::agent {

/// What serving operators needs of a hub's agent. Everything outlives the desk.
struct operator_desk_parts {
  const hub_agent_parts& agent;
  enforcement& acting;
  tracker::tracker& tracked;
  policy::judge& judge;
  publisher& views;
  std::function<alert_context(const domain::rollout_id&)> context_of;
  std::function<void()> mark_changed;  ///< wakes who calls serve()
};

/// Does what operators ask of one hub, one thing after the other, between two evaluations of the judge: so
/// nothing is decided on a rollout while its epoch changes. Everything is stored before it is in force and
/// before it is answered. For one executor without concurrency.
class operator_desk {
 public:
  explicit operator_desk(operator_desk_parts parts) : parts_(std::move(parts)) {}

  /// Waits for serve(), and answers what it did. The desk need not outlive the wait, if it was closed.
  [[nodiscard]] boost::asio::awaitable<operator_answer> ask(operator_command command);
  /// Serves everyone who waits.
  [[nodiscard]] boost::asio::awaitable<void> serve();
  /// Sends away everyone who waits, and who comes later.
  void close();

 private:
  struct visitor {
    operator_command command;
    std::optional<operator_answer> answer{};
    condition answered{};
  };

  [[nodiscard]] boost::asio::awaitable<operator_answer> perform(operator_command command);
  [[nodiscard]] boost::asio::awaitable<operator_answer> abort(operator_command command,
                                                              tracker::rollout_index rollout,
                                                              std::optional<tracker::request_index> request);
  [[nodiscard]] boost::asio::awaitable<operator_answer> resume(operator_command command,
                                                               domain::rollout_id rollout);
  [[nodiscard]] boost::asio::awaitable<operator_answer> arm(operator_command command,
                                                            domain::rollout_id rollout);
  [[nodiscard]] std::optional<operator_answer> refuse_to_resume(const domain::rollout_id& rollout) const;
  void forget_judgements(const domain::rollout_id& rollout);
  /// Stores `changed`, which the memory has already, or undoes it.
  [[nodiscard]] boost::asio::awaitable<result<>> remember(const domain::rollout_id& rollout,
                                                          std::optional<store::watched_rollout> before,
                                                          trail_entry entry);
  [[nodiscard]] trail_entry entry_of(store::audit_kind kind, const operator_command& command,
                                     const domain::rollout_id& rollout) const;
  [[nodiscard]] std::vector<planned_view> plan_of(const store::decision_record& decision) const;

  operator_desk_parts parts_;
  std::deque<std::shared_ptr<visitor>> waiting_;
  bool is_closed_ = false;
};

}  // namespace pushguard::agent
