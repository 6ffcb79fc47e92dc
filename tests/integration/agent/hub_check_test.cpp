#include "agent/hub_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <functional>

#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "simulator/hub.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

/// `pushguard check --online` against a simulated hub, in simulated time: one thing is wrong with it at a
/// time.
namespace pushguard {

namespace agent {
void PrintTo(const finding& of, std::ostream* out) {
  *out << to_string(of.level) << " " << of.what << ": " << of.text;
}
}  // namespace agent

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using agent::finding;
using agent::finding_level;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

simulator::scenario scenario() {
  simulator::scenario plan;
  plan.waves = {{.created = 0s, .start = 1h, .orgs = 20}, {.created = 0s, .start = 2h, .orgs = 20}};
  return plan;
}

/// In every answer of a describe, what stands first is replaced by what stands second, which does not hold
/// it.
using replacement = std::pair<std::string, std::string>;

/// A simulated hub on a network, and a configuration that names it.
class checked_hub {
 public:
  explicit checked_hub(simulator::scenario plan, std::vector<replacement> described = {})
      : plan_(std::move(plan)), described_(std::move(described)) {
    hub_ = simulator::make_hub(plan_, world_->time(), log_);
    listener_ = world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0).value();
    configured.name = "devhub";
    configured.login =
        salesforce::client_credentials{.login_url = parse_url(listener_->local().text()).value(),
                                       .client_id = plan_.credentials.client_id,
                                       .client_secret = secret(plan_.credentials.client_secret)};
    configured.channels.emplace_back().wanted.channel = plan_.stream.channel;
    asio::co_spawn(
        world_->context(), life(*this),
        asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr&) { has_ended_ = true; }));
  }
  ~checked_hub() {
    stop_.emit(asio::cancellation_type::terminal);
    // Requests under way are given some time to end.
    const auto wait = [](time_source& time) -> asio::awaitable<void> { co_await time.sleep_for(1min); };
    world_->run(wait(world_->time()));
    while (!has_ended_ && world_->context().run_one_for(10s) > 0) {
    }
  }

  /// Runs `task` with a connection of its own.
  void with_connection(const std::function<asio::awaitable<void>(agent::hub_connection&)>& task) {
    random_engine random{1};
    agent::hub_connection connection(
        configured, {.network = world_->net(), .time = world_->time(), .log = log_, .random = random});
    world_->run(task(connection));
  }

  std::vector<finding> check(agent::hub_check_options options = {}) {
    random_engine random{1};
    std::vector<finding> found;
    const auto ask = [](const configuration::hub& hub, agent::hub_connection_parts parts,
                        agent::hub_check_options with, std::vector<finding>& out) -> asio::awaitable<void> {
      auto all = co_await agent::check_hub(hub, std::move(parts), with);
      out = std::move(all);
    };
    const steady_time began = world_->time().steady_now();
    world_->run(ask(configured,
                    {.network = world_->net(), .time = world_->time(), .log = log_, .random = random},
                    options, found));
    took = std::chrono::floor<duration>(world_->time().steady_now() - began);
    for (const finding& each : found)
      EXPECT_THAT(each.text, Not(HasSubstr(plan_.credentials.client_secret)));
    return found;
  }

  simulator::hub& hub() { return *hub_; }
  simulator::hub_truth truth() const { return hub_->truth(); }

  configuration::hub configured;
  bool is_silent = false;  ///< nothing is answered
  duration took{};         ///< of the last check

 private:
  static asio::awaitable<void> life(checked_hub& self) {
    const http_handler gate =
        [&self, inner = self.hub_->handler()](const http_request& request) -> asio::awaitable<http_reply> {
      if (self.is_silent)
        co_await self.world_->time().sleep_for(24h);
      auto reply = co_await inner(request);
      if (request.target.ends_with("/describe")) {
        for (const auto& [from, to] : self.described_) {
          for (auto at = reply.body.find(from); at != std::string::npos; at = reply.body.find(from))
            reply.body.replace(at, from.size(), to);
        }
      }
      co_return reply;
    };
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(self.hub_->run());
    tasks.spawn(serve_http(*self.listener_, gate, {}, self.world_->time(), self.log_));
    co_await tasks.join();
  }

  test::recording_logger log_;
  std::unique_ptr<test::net_world> world_ = test::make_pipe_world();
  simulator::scenario plan_;
  std::vector<replacement> described_;
  std::unique_ptr<simulator::hub> hub_;
  std::unique_ptr<listener> listener_;
  asio::cancellation_signal stop_;
  bool has_ended_ = false;
};

std::vector<finding> those_of(std::vector<finding> all, finding_level level) {
  std::erase_if(all, [level](const finding& each) { return each.level != level; });
  return all;
}

std::vector<finding> problems_of(const std::vector<finding>& all) {
  return those_of(all, finding_level::problem);
}

std::vector<finding> warnings_of(const std::vector<finding>& all) {
  return those_of(all, finding_level::warning);
}

auto found(const std::string& what, const testing::Matcher<std::string>& text) {
  return AllOf(Field("what", &finding::what, what), Field("text", &finding::text, text));
}

std::vector<std::string> whats_of(const std::vector<finding>& all) {
  std::vector<std::string> whats;
  for (const finding& each : all)
    whats.push_back(each.what);
  return whats;
}

TEST(HubCheck, FindsAllWellAndChangesNothing) {
  checked_hub world(scenario());
  const auto all = world.check();
  EXPECT_THAT(all, Each(Field(&finding::level, finding_level::ok)));
  EXPECT_THAT(whats_of(all),
              ElementsAre("login", "api_version", "object", "object", "object", "object", "object", "object",
                          "statuses", "statuses", "error_types", "abort", "changes", "package", "package",
                          "requests", "api_calls", "channel"));
  EXPECT_THAT(all[0].text, AllOf(StartsWith("client_credentials as user 005"), HasSubstr(" of org 00D"),
                                 HasSubstr("http://127.0.0.1")));
  EXPECT_THAT(all[8].text, HasSubstr("InProgress"));
  EXPECT_THAT(all[13].text, AllOf(StartsWith("033"), HasSubstr("2GP"), HasSubstr("1.4.0"), HasSubstr("04t")));
  EXPECT_THAT(all[15].text, AllOf(StartsWith("2 open push requests: 0DV"), HasSubstr("Created")));
  EXPECT_THAT(all[16].text, AllOf(HasSubstr("of 100000 calls"), HasSubstr("gives the agent 20000")));
  EXPECT_THAT(all[17].text, HasSubstr("/event/Push_Upgrade__e"));
  const simulator::hub_truth truth = world.truth();
  EXPECT_EQ(truth.open_sessions, 0U) << "it said goodbye to the stream";
  EXPECT_EQ(truth.disconnects, 1U);
  EXPECT_EQ(truth.logins, 1U);
  for (const simulator::request_truth& request : truth.requests)
    EXPECT_NE(request.state, simulator::push_state::canceled);
  EXPECT_LT(world.took, 1min);
}

TEST(HubCheck, KnowsTheOtherSpellingOfTheStatuses) {
  simulator::scenario plan = scenario();
  plan.api.spelling = simulator::in_progress_spelling::spaced;
  checked_hub world(plan);
  const auto all = world.check();
  EXPECT_THAT(all, Each(Field(&finding::level, finding_level::ok)));
  EXPECT_THAT(all[8].text, HasSubstr("In Progress"));
}

TEST(HubCheck, TellsWhyALoginIsRefused) {
  checked_hub world(scenario());
  std::get<salesforce::client_credentials>(world.configured.login).client_secret = secret("not-the-secret");
  const auto all = world.check();
  ASSERT_THAT(all, SizeIs(1)) << "nothing else can be looked at";
  EXPECT_EQ(all[0].level, finding_level::problem);
  EXPECT_THAT(all[0], found("login", AllOf(StartsWith("client_credentials: "), HasSubstr("invalid_client"),
                                           Not(HasSubstr("not-the-secret")))));
}

TEST(HubCheck, TellsThatAnApiVersionIsNotOffered) {
  checked_hub world(scenario());
  world.configured.api_version = "999.0";
  EXPECT_THAT(problems_of(world.check()), ElementsAre(found("api_version", HasSubstr("999.0"))));
}

TEST(HubCheck, NamesTheRightBehindEachHiddenObject) {
  for (const char* object : {"PackagePushRequest", "PackagePushJob", "PackagePushError", "PackageSubscriber",
                             "MetadataPackage", "MetadataPackageVersion"}) {
    simulator::scenario plan = scenario();
    plan.api.hidden_objects = {object};
    checked_hub world(plan);
    const auto problems = problems_of(world.check());
    ASSERT_THAT(problems, Not(IsEmpty())) << object;
    EXPECT_THAT(problems[0],
                found("object", AllOf(StartsWith(std::string(object) + " is hidden"),
                                      HasSubstr("Upload AppExchange Packages"),
                                      HasSubstr("Create and Update Second-Generation Packages"))));
  }
}

TEST(HubCheck, NamesEachHiddenFieldThatIsRead) {
  for (const auto& [object, field] :
       {std::pair{"PackagePushRequest", "StartTime"}, std::pair{"PackagePushRequest", "Status"},
        std::pair{"PackagePushJob", "EndTime"}, std::pair{"PackagePushError", "ErrorType"},
        std::pair{"PackageSubscriber", "InstanceName"}, std::pair{"MetadataPackage", "PackageCategory"},
        std::pair{"MetadataPackageVersion", "BuildNumber"}}) {
    simulator::scenario plan = scenario();
    plan.api.hidden_fields = {std::string(object) + "." + field};
    checked_hub world(plan);
    const auto problems = problems_of(world.check());
    ASSERT_THAT(problems, Not(IsEmpty())) << object << "." << field;
    EXPECT_THAT(problems[0],
                found("object", StartsWith(std::string(object) + " hides " + field + " from this user")));
  }
}

/// Whether everything that the agent asks of a hub is answered.
asio::awaitable<void> ask_all(agent::hub_connection& hub, bool& is_answered) {
  const auto version = co_await hub.queries().choose_version(std::nullopt);
  EXPECT_TRUE(version);
  const auto packages = co_await hub.queries().packages();
  const auto requests = co_await hub.queries().requests(wall_time{});
  const std::vector some{domain::request_id::parse("0DV5g0000000001GAA").value()};
  const auto counts = co_await hub.queries().job_counts(some);
  const auto jobs = co_await hub.queries().jobs(some);
  const auto errors = co_await hub.queries().errors_of_requests(some);
  const auto subscribers =
      co_await hub.queries().subscribers_of_package(domain::package_id::parse("0335g0000000001AAA").value());
  is_answered = packages && requests && counts && jobs && errors && subscribers;
}

asio::awaitable<void> list_fields(agent::hub_connection& hub, std::vector<std::string>& fields) {
  const auto version = co_await hub.queries().choose_version(std::nullopt);
  EXPECT_TRUE(version);
  for (const char* object : {"PackagePushRequest", "PackagePushJob", "PackagePushError", "PackageSubscriber",
                             "MetadataPackage", "MetadataPackageVersion"}) {
    const auto described = co_await hub.rest().describe(object);
    EXPECT_TRUE(described);
    for (const salesforce::field_description& field : described->fields)
      fields.push_back(std::string(object) + "." + field.name);
  }
}

TEST(HubCheck, CallsExactlyThoseFieldsHiddenWithoutWhichAQueryFails) {
  std::vector<std::string> fields;
  checked_hub(scenario()).with_connection([&](agent::hub_connection& hub) {
    return list_fields(hub, fields);
  });
  ASSERT_GT(fields.size(), 40U);
  for (const std::string& field : fields) {
    simulator::scenario plan = scenario();
    plan.api.hidden_fields = {field};
    checked_hub world(plan);
    bool is_answered = false;
    world.with_connection([&](agent::hub_connection& hub) { return ask_all(hub, is_answered); });
    const auto all = world.check();
    const bool is_called_hidden = std::ranges::any_of(all, [](const finding& each) {
      return each.what == "object" && each.level == finding_level::problem;
    });
    EXPECT_EQ(is_called_hidden, !is_answered) << field;
  }
}

TEST(HubCheck, WarnsOfPicklistValuesThatItDoesNotKnow) {
  checked_hub world(scenario(), {{"\"InProgress\"", "\"Sleeping\""}, {"\"PACError\"", "\"MoonPhase\""}});
  const auto all = world.check();
  EXPECT_THAT(problems_of(all), IsEmpty());
  EXPECT_THAT(warnings_of(all),
              ElementsAre(found("statuses", StartsWith("PackagePushRequest has Sleeping, which")),
                          found("statuses", StartsWith("PackagePushJob has Sleeping, which")),
                          found("error_types", StartsWith("PackagePushError has MoonPhase, which"))));
}

TEST(HubCheck, TellsThatNothingCanBeCancelled) {
  checked_hub world(scenario(), {{"\"updateable\":true", "\"updateable\":false"}});
  EXPECT_THAT(problems_of(world.check()), ElementsAre(found("abort", HasSubstr("nothing can be cancelled"))));
  const auto watching = world.check({.aborts = false});
  EXPECT_THAT(problems_of(watching), IsEmpty()) << "who only watches needs no such right";
  EXPECT_THAT(warnings_of(watching), ElementsAre(found("abort", HasSubstr("nothing can be cancelled"))));
}

TEST(HubCheck, WarnsWhereChangesCannotBeFiltered) {
  for (const auto use : {simulator::modstamp_filter::refused, simulator::modstamp_filter::absent}) {
    simulator::scenario plan = scenario();
    plan.api.system_modstamp = use;
    checked_hub world(plan);
    const auto all = world.check();
    EXPECT_THAT(problems_of(all), IsEmpty());
    EXPECT_THAT(warnings_of(all), ElementsAre(found("changes", AllOf(HasSubstr("PackagePushRequest and "),
                                                                     HasSubstr("more API calls")))));
  }
}

TEST(HubCheck, ReadsTheUsageFromTheAnswersWhereTheLimitsAreHidden) {
  simulator::scenario plan = scenario();
  plan.api.limits_visible = false;
  checked_hub world(plan);
  const auto all = world.check();
  EXPECT_THAT(problems_of(all), IsEmpty());
  EXPECT_THAT(warnings_of(all),
              ElementsAre(found("api_calls", AllOf(HasSubstr("View Setup and Configuration"),
                                                   HasSubstr("every answer of this org tells the usage")))));
  EXPECT_THAT(whats_of(all).back(), "channel");
}

TEST(HubCheck, WarnsWhereTheBudgetStretchesTheReads) {
  simulator::scenario plan = scenario();
  plan.api.daily_calls_max = 1'000;
  checked_hub world(plan);
  EXPECT_THAT(
      warnings_of(world.check()),
      ElementsAre(found("api_calls", AllOf(HasSubstr("of 1000 calls"), HasSubstr("gives the agent 200 "),
                                           HasSubstr("instead of 15s")))));
}

TEST(HubCheck, TellsThatAConfiguredPackageIsUnknown) {
  checked_hub world(scenario());
  world.configured.packages = {domain::package_id::parse("033000000000777").value()};
  const auto all = world.check();
  EXPECT_THAT(problems_of(all), ElementsAre(found("package", StartsWith("033000000000777"))));
  EXPECT_THAT(all[13].text, HasSubstr("not watched"));
}

TEST(HubCheck, RepeatsWhySalesforceRefusesAChannel) {
  checked_hub world(scenario());
  world.configured.channels.emplace_back().wanted.channel = "/event/Nowhere__e";
  const auto all = world.check();
  EXPECT_THAT(problems_of(all),
              ElementsAre(found(
                  "channel", AllOf(StartsWith("/event/Nowhere__e is refused: "), HasSubstr("Nowhere__e")))));
  EXPECT_EQ(all[17].level, finding_level::ok) << all[17].text;
  EXPECT_EQ(world.truth().open_sessions, 0U);
}

TEST(HubCheck, TellsWhatKeepsTheStreamFromBeginning) {
  simulator::scenario plan = scenario();
  plan.stream.clients_max = 0;
  checked_hub world(plan);
  EXPECT_THAT(problems_of(world.check()),
              ElementsAre(found("channel", AllOf(HasSubstr("no answer to a subscription within 45s: "),
                                                 HasSubstr("limit")))));
}

TEST(HubCheck, NeedsNoChannel) {
  checked_hub world(scenario());
  world.configured.channels.clear();
  const auto all = world.check();
  EXPECT_THAT(problems_of(all), IsEmpty());
  EXPECT_THAT(all.back(), found("channel", HasSubstr("polls")));
}

TEST(HubCheck, GivesUpAHubThatHangs) {
  checked_hub world(scenario());
  world.is_silent = true;
  const auto all = world.check({.patience = 20s});
  EXPECT_THAT(all,
              ElementsAre(found("time", AllOf(HasSubstr("given up after 20s"), HasSubstr("logging in")))));
  EXPECT_GE(world.took, 20s);
  EXPECT_LT(world.took, 30s);
}

TEST(HubCheck, TellsWhatItFoundBeforeTheHubHung) {
  simulator::scenario plan = scenario();
  plan.stream.faults.push_back(
      {.kind = simulator::fault_kind::never_answer, .on = simulator::request_kind::handshake});
  checked_hub world(plan);
  const auto all = world.check({.patience = 10s});
  EXPECT_THAT(problems_of(all), ElementsAre(found("time", HasSubstr("while subscribing to the channels"))));
  EXPECT_THAT(those_of(all, finding_level::ok), SizeIs(17));
  EXPECT_LT(world.took, 20s);
}

TEST(HubCheck, TellsThatNobodyIsThere) {
  checked_hub world(scenario());
  std::get<salesforce::client_credentials>(world.configured.login).login_url =
      parse_url("http://127.0.0.1:9").value();
  const auto all = world.check();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].level, finding_level::problem);
  EXPECT_THAT(all[0], found("login", HasSubstr("127.0.0.1:9")));
}

TEST(AbortingPolicy, EnforcesARuleThatAborts) {
  for (const auto mode : {policy::policy_mode::dry_run, policy::policy_mode::enforce}) {
    for (const auto action : {policy::rule_action::alert, policy::rule_action::abort}) {
      configuration::configuration of;
      policy::rule_specification rule;
      rule.action = action;
      policy::policy_specification each;
      each.mode = mode;
      each.rules.push_back(rule);
      of.policies.push_back(each);
      EXPECT_EQ(agent::has_aborting_policy(of),
                mode == policy::policy_mode::enforce && action == policy::rule_action::abort);
    }
  }
}

}  // namespace
}  // namespace pushguard
