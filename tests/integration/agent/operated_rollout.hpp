#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string>
#include <string_view>

#include "tests/support/simulated_agent.hpp"

namespace pushguard::test {

/// The token of the operator `alice`.
inline constexpr const char* alice = "alices-own-token-1";

/// A rollout that an operator looks after: four waves, of which every fourth org fails unless said otherwise.
class operated_rollout : public testing::Test {
 protected:
  explicit operated_rollout(double failure_rate = 0.25)
      : operated_rollout(make_lifelike_rollout(failure_rate)) {}
  explicit operated_rollout(simulator::scenario plan) : world(std::move(plan)) {
    world.use_tokens(fmt::format("alice:{}\nbob:bobs-very-own-token\n", alice));
  }

  void run_until_seen() {
    ASSERT_TRUE(world.run_until([&] { return !world.model().rollouts().empty(); }));
  }
  void run_until_armed() { ASSERT_TRUE(world.run_until_armed()); }
  /// Starts the agent when the first wave is failing already, and runs until it has said so.
  void start_when_breached() {
    world.run_for(std::chrono::minutes(9));
    world.start();
    ASSERT_TRUE(world.run_until(
        [&] { return !world.model().rules().empty() && only_rule().follows == "breached_before_arming"; },
        std::chrono::minutes(30)));
    world.run_for(std::chrono::seconds(30));
  }
  const agent::rollout_view& only_rollout() { return world.model().rollouts().begin()->second; }
  const agent::rule_view& only_rule() { return world.model().rules().begin()->second; }
  std::string path(std::string_view action) {
    return fmt::format("/api/v1/rollouts/devhub/{}/{}", only_rollout().id, action);
  }
  boost::json::object ask(const std::string& target, const std::string& body, int status = 200) {
    const http_response reply = world.post(target, body, alice);
    EXPECT_EQ(reply.status, status) << target << " " << body << " " << reply.body;
    return boost::json::parse(reply.body).as_object();
  }
  static std::string message(const boost::json::object& answer) {
    const auto& from = answer.contains("error") ? answer.at("error").as_object() : answer;
    return std::string(from.at("message").as_string());
  }
  std::size_t waves_that_were(domain::push_status status) {
    return static_cast<std::size_t>(std::ranges::count_if(
        world.model().requests(), [&](const auto& each) { return each.second.row.status == status; }));
  }
  bool has_alert(std::string_view name, bool is_resolved = false) {
    return std::ranges::any_of(world.alerts(), [&](const told_alert& alert) {
      return alert.name == name && alert.is_resolved == is_resolved;
    });
  }
  void run_until_ended() {
    ASSERT_TRUE(world.run_until([&] {
      return !world.decisions().empty() && std::ranges::all_of(world.decisions(), [](const auto& decision) {
        return !decision.outcome.empty();
      });
    }));
    world.run_for(std::chrono::seconds(10));
  }

  simulated_agent world;
};

}  // namespace pushguard::test
