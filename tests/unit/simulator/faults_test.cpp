#include "simulator/faults.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

constexpr answer_shape one_event{.messages = 2, .events = 1};
constexpr answer_shape no_event{.messages = 1};

/// Passes a request through a script; the kind of the fault that hit it, "" where none did.
std::string pass(fault_script& script, request_kind kind, answer_shape shape = no_event,
                 std::vector<std::string> channels = {}) {
  const fault_passage passage = script.admit(kind, std::move(channels));
  if (const auto early = script.strike(passage))
    return std::string(name_of(early->plan.kind));
  if (const auto late = script.strike(passage, shape))
    return std::string(name_of(late->plan.kind));
  return "";
}

TEST(FaultKinds, HaveNamesThatAreFoundAgain) {
  std::set<std::string_view> names;
  for (const fault_kind kind : all_fault_kinds()) {
    EXPECT_EQ(find_fault_kind(name_of(kind)), kind);
    EXPECT_TRUE(names.insert(name_of(kind)).second) << name_of(kind);
    EXPECT_TRUE(can_hit(kind, request_kind::any));
  }
  EXPECT_EQ(find_fault_kind("nonsense"), std::nullopt);
  EXPECT_EQ(find_fault_kind(""), std::nullopt);
}

TEST(FaultScript, LetsRequestsPassAndThenHitsSome) {
  fault_script script(1, {{.kind = fault_kind::busy, .on = request_kind::connect, .skip = 2, .times = 2}},
                      {});
  std::vector<std::string> seen;
  for (int request = 0; request < 6; ++request) {
    EXPECT_EQ(pass(script, request_kind::subscribe), "") << "it waits for connects";
    EXPECT_EQ(script.pending(), request < 4 ? 1U : 0U);
    seen.push_back(pass(script, request_kind::connect));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"", "", "busy", "busy", "", ""}));
  EXPECT_EQ(script.happened(), (std::map<fault_kind, std::size_t>{{fault_kind::busy, 2}}));
}

TEST(FaultScript, TheFirstOfTheListThatFitsHits) {
  fault_script script(1, {{.kind = fault_kind::busy}, {.kind = fault_kind::login_page}}, {});
  script.add({.kind = fault_kind::client_limit});
  EXPECT_EQ(pass(script, request_kind::connect), "busy");
  EXPECT_EQ(pass(script, request_kind::connect), "login_page");
  EXPECT_EQ(pass(script, request_kind::connect), "") << "a client limit hits handshakes";
  EXPECT_EQ(pass(script, request_kind::handshake), "client_limit");
  EXPECT_TRUE(script.is_idle());
}

TEST(FaultScript, ARequestThatWasHitDoesNotCountForLaterFaults) {
  fault_script script(1, {{.kind = fault_kind::busy}, {.kind = fault_kind::login_page, .skip = 1}}, {});
  EXPECT_EQ(pass(script, request_kind::connect), "busy");
  EXPECT_EQ(pass(script, request_kind::connect), "");
  EXPECT_EQ(pass(script, request_kind::connect), "login_page");
}

TEST(FaultScript, SomeFaultsWaitForEvents) {
  fault_script script(1,
                      {{.kind = fault_kind::duplicate_delivery},
                       {.kind = fault_kind::http_status, .with_events = true},
                       {.kind = fault_kind::lone_object}},
                      {});
  EXPECT_EQ(pass(script, request_kind::connect), "lone_object") << "nothing else can happen to no event";
  EXPECT_EQ(pass(script, request_kind::connect, one_event), "duplicate_delivery");
  EXPECT_EQ(pass(script, request_kind::connect), "");
  EXPECT_EQ(pass(script, request_kind::connect, one_event), "http_status");
  EXPECT_TRUE(script.is_idle());
}

TEST(FaultScript, AnswersWithoutMessagesAreLeftAlone) {
  fault_script script(1, {{.kind = fault_kind::cut_body}}, {});
  EXPECT_EQ(pass(script, request_kind::connect, {}), "");
  EXPECT_EQ(script.pending(), 1U);
}

TEST(FaultScript, MayHitTheSubscribesToOneChannelOnly) {
  fault_script script(1, {{.kind = fault_kind::quota, .channel = "/topic/X"}}, {});
  EXPECT_EQ(pass(script, request_kind::connect), "");
  EXPECT_EQ(pass(script, request_kind::subscribe, no_event, {"/topic/Y"}), "");
  EXPECT_EQ(pass(script, request_kind::subscribe, no_event, {"/topic/Y", "/topic/X"}), "quota");
}

TEST(FaultScript, GivesEveryFaultItsDelay) {
  fault_script script(1,
                      {{.kind = fault_kind::late_reply},
                       {.kind = fault_kind::late_reply, .delay = 1s},
                       {.kind = fault_kind::busy}},
                      {});
  std::vector<duration> delays;
  for (int request = 0; request < 3; ++request) {
    const fault_passage passage = script.admit(request_kind::connect, {});
    auto hit = script.strike(passage);
    if (!hit)
      hit = script.strike(passage, no_event);
    delays.push_back(hit->plan.delay.value());
  }
  EXPECT_EQ(delays, (std::vector<duration>{0s, 5s, 1s})) << "busy comes before the answer is made";
}

std::vector<std::string> chaos(std::uint64_t seed, random_faults plan, std::size_t requests) {
  fault_script script(seed, {}, std::move(plan));
  std::vector<std::string> seen;
  for (std::size_t request = 0; request < requests; ++request)
    seen.push_back(
        pass(script, request % 3 == 0 ? request_kind::subscribe : request_kind::connect, one_event));
  return seen;
}

TEST(RandomFaults, AreThoseOfTheirSeed) {
  EXPECT_EQ(chaos(7, {.odds = 0.3}, 500), chaos(7, {.odds = 0.3}, 500));
  EXPECT_NE(chaos(7, {.odds = 0.3}, 500), chaos(8, {.odds = 0.3}, 500));
}

TEST(RandomFaults, ComeAsOftenAsTheirOddsSay) {
  const auto seen = chaos(1, {.odds = 0.1, .kinds = {fault_kind::busy, fault_kind::cut_body}}, 10'000);
  const auto count = [&seen](std::string_view name) { return std::count(seen.begin(), seen.end(), name); };
  EXPECT_NEAR(static_cast<double>(count("busy")), 500, 100);
  EXPECT_NEAR(static_cast<double>(count("cut_body")), 500, 100);
  EXPECT_EQ(count("busy") + count("cut_body") + count(""), 10'000);
}

TEST(RandomFaults, AreAllOfThemWhereNoneIsNamed) {
  const auto seen = chaos(1, {.odds = 1}, 20'000);
  const std::set<std::string> kinds(seen.begin(), seen.end());
  for (const fault_kind kind : all_fault_kinds()) {
    const bool is_possible = can_hit(kind, request_kind::subscribe) || can_hit(kind, request_kind::connect);
    EXPECT_EQ(kinds.contains(std::string(name_of(kind))), is_possible && kind != fault_kind::lone_object)
        << name_of(kind);
  }
}

TEST(RandomFaults, LeaveRequestsAloneThatTheyCannotHit) {
  for (const std::string& each : chaos(1, {.odds = 1, .kinds = {fault_kind::client_limit}}, 100))
    EXPECT_EQ(each, "");
}

}  // namespace
}  // namespace pushguard::simulator
