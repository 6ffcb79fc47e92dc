#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <csignal>
#include <fstream>
#include <map>

#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using simulator::push_state;
using test::bad_rollout;
using test::child_process;
using test::running_world;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct outcome {
  int exit_code = -1;
  std::string output;
};

/// Runs the program to its end; standard output and error together.
outcome run_program(std::vector<std::string> arguments,
                    std::vector<std::pair<std::string, std::string>> environment = {}) {
  arguments.insert(arguments.begin(), PUSHGUARD_PROGRAM);
  child_process process(arguments,
                        {.directory = {}, .environment = std::move(environment), .joins_stderr = true});
  outcome out;
  out.output = process.read_all(60s);
  out.exit_code = process.wait(10s).value_or(-1);
  return out;
}

std::map<std::string, std::size_t> outcomes_of(const boost::json::value& decision) {
  std::map<std::string, std::size_t> out;
  for (const boost::json::value& entry : decision.at("plan").as_array()) {
    const auto& ended = entry.at("outcome");
    ++out[ended.is_string() ? std::string(ended.as_string()) : ""];
  }
  return out;
}

TEST(Agent, KilledInTheMiddleOfAContainmentComesToTheSameEnd) {
  simulator::scenario plan = bad_rollout();
  // The wave that runs goes on running, however long the next agent takes to come.
  plan.push.request_end_lag = {1h, 1h};
  running_world world(plan);
  world.start_agent(world.configuration());
  ASSERT_TRUE(world.agent().read_line_with("event=abort_decided", running_world::patience));
  world.kill_agent();

  world.start_agent(world.configuration());
  ASSERT_TRUE(world.wait_for_the_end());
  const auto decisions = world.decisions();
  ASSERT_EQ(decisions.as_array().size(), 1U);
  EXPECT_EQ(decisions.at(0).at("outcome"), "confirmed");
  EXPECT_EQ(outcomes_of(decisions.at(0))["canceled"], 3U);
  EXPECT_EQ(outcomes_of(decisions.at(0))["refused"], 1U);
  const simulator::hub_truth truth = world.hub().truth();
  EXPECT_EQ(decisions.at(0).at("spared_orgs").to_number<std::size_t>(), truth.spared_orgs.size());
  EXPECT_EQ(simulator::count_of(truth.rollout_jobs, push_state::canceled), truth.spared_orgs.size());
}

TEST(Agent, EndsInOrderOnSigtermAndSaysGoodbyeToTheStream) {
  running_world world(bad_rollout());
  world.start_agent(world.configuration());
  ASSERT_TRUE(world.wait_for([&] { return world.hub().truth().open_sessions == 1; }));
  EXPECT_EQ(world.agent().terminate(10s), 0);
  EXPECT_EQ(world.hub().truth().open_sessions, 0U);
  EXPECT_EQ(world.hub().truth().disconnects, 1U);
}

TEST(Agent, WaitsForAStoreThatAnotherAgentHoldsAndTakesItOver) {
  running_world world(bad_rollout());
  world.start_agent(world.configuration());
  ASSERT_TRUE(world.wait_for([&] { return world.get(world.agent_address(), "/-/ready").has_value(); }));
  const auto file = world.write_file("second.yaml", world.configuration());
  child_process second({PUSHGUARD_PROGRAM, "run", "--config", file.string()},
                       {.directory = {}, .environment = {}, .joins_stderr = true});
  ASSERT_TRUE(second.read_line_with("event=store_lock_waited_for", running_world::patience));
  second.signal(SIGHUP);
  EXPECT_TRUE(second.read_line_with("event=configuration_loaded", running_world::patience))
      << "it loads its configuration anew as it waits";
  world.kill_agent();
  EXPECT_TRUE(second.read_line_with("event=api_version_chosen", running_world::patience))
      << "it did not take over";
  EXPECT_EQ(second.terminate(10s), 0);
}

TEST(Agent, LoadsItsConfigurationAnewOnSighup) {
  running_world world(bad_rollout());
  std::string careful = world.configuration();
  const std::string limit = "above: 5%";
  ASSERT_NE(careful.find(limit), std::string::npos);
  careful.replace(careful.find(limit), limit.size(), "above: 90%");
  world.start_agent(careful);
  world.write_file("pushguard.yaml", "hubs: 5\n");
  world.agent().signal(SIGHUP);
  const auto refused =
      world.agent().read_line_with("event=configuration_not_loaded", running_world::patience);
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused, AllOf(HasSubstr("actor=SIGHUP"), HasSubstr("pushguard.yaml:1:7")));
  EXPECT_THAT(world.get(world.agent_address(), "/metrics").value_or(""),
              HasSubstr("pushguard_config_last_reload_successful 0\n"));

  world.write_file("pushguard.yaml", world.configuration());
  world.agent().signal(SIGHUP);
  ASSERT_TRUE(world.agent().read_line_with("event=configuration_loaded", running_world::patience));
  EXPECT_THAT(world.get(world.agent_address(), "/metrics").value_or(""),
              HasSubstr("pushguard_config_last_reload_successful 1\n"));
  ASSERT_TRUE(world.wait_for_the_end());
  const auto decisions = world.decisions();
  ASSERT_EQ(decisions.as_array().size(), 1U) << "by the limit that was reloaded";
  EXPECT_EQ(world.agent().terminate(10s), 0);
}

/// With a token file of the same name beside it.
std::string with_tokens(std::string configuration) {
  const std::string before = "http: { ";
  return configuration.insert(configuration.find(before) + before.size(), "api_tokens_file: api.tokens, ");
}

TEST(Operator, HoldsReleasesAndAbortsFromTheCommandLine) {
  running_world world(bad_rollout());
  world.write_file("api.tokens", "alice:alices-own-token-1\n");
  const auto token = world.write_file("token", "alices-own-token-1\n");
  world.start_agent(with_tokens(world.configuration()));
  std::string rollout;
  ASSERT_TRUE(world.wait_for([&] {
    const auto known = world.get_json(world.agent_address(), "/api/v1/rollouts");
    if (!known || known->at("rollouts").as_array().empty())
      return false;
    rollout = known->at("rollouts").at(0).at("id").as_string();
    return true;
  }));
  const auto ask = [&](std::vector<std::string> arguments) {
    return run_program(std::move(arguments),
                       {{"PUSHGUARD_URL", "http://" + world.agent_address().authority()},
                        {"PUSHGUARD_TOKEN_FILE", token.string()}});
  };
  const outcome held = ask({"hold", rollout, "--for", "1h", "--reason", "let me look"});
  EXPECT_EQ(held.exit_code, 0) << held.output;
  EXPECT_THAT(held.output, AllOf(HasSubstr("devhub " + rollout), HasSubstr("is held until")));
  EXPECT_THAT(ask({"status"}).output, HasSubstr("by alice: let me look"));
  const outcome again = ask({"resume", rollout});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.output, HasSubstr("is not aborted: there is nothing to resume"));
  const outcome other_hub = ask({"release", rollout, "--hub", "other"});
  EXPECT_EQ(other_hub.exit_code, 1);
  EXPECT_THAT(other_hub.output, HasSubstr("of hub other"));
  const outcome aborted = ask({"abort", rollout, "--reason", "customers call", "--json"});
  EXPECT_EQ(aborted.exit_code, 0) << aborted.output;
  EXPECT_EQ(boost::json::parse(aborted.output).at("decision").at("actor"), "alice");
  EXPECT_EQ(ask({"release", rollout}).exit_code, 0);
  ASSERT_TRUE(world.wait_for_the_end());
  EXPECT_EQ(world.decisions().as_array().back().at("mode"), "manual");

  const auto wrong = world.write_file("wrong", "alices-own-token-2\n");
  const outcome refused = ask(
      {"hold", "production/failure-rate", "--for", "1h", "--reason", "x", "--token-file", wrong.string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("the token is none of http.api_tokens_file"),
                                    Not(HasSubstr("alices-own-token"))));
  const outcome without = run_program({"hold", rollout, "--for", "1h", "--reason", "x"});
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.output, HasSubstr("hold needs a token: "));
  EXPECT_EQ(world.agent().terminate(10s), 0);
}

TEST(Operator, IsToldThatAnAgentThatWaitsForTheStoreDoesNothing) {
  running_world world(bad_rollout());
  world.write_file("api.tokens", "alice:alices-own-token-1\n");
  const auto token = world.write_file("token", "alices-own-token-1\n");
  world.start_agent(world.configuration());
  ASSERT_TRUE(world.wait_for([&] { return world.get(world.agent_address(), "/-/ready").has_value(); }));
  const auto file = world.write_file("second.yaml", with_tokens(world.configuration()));
  child_process second({PUSHGUARD_PROGRAM, "run", "--config", file.string()},
                       {.directory = {}, .environment = {}, .joins_stderr = true});
  const auto started = second.read_line_with("event=agent_started", running_world::patience);
  ASSERT_TRUE(started);
  const auto begin = started->find("listen=http://") + 7;
  const outcome told =
      run_program({"hold", "production/failure-rate", "--for", "1h", "--reason", "x", "--token-file",
                   token.string(), "--url", started->substr(begin, started->find(' ', begin) - begin)});
  EXPECT_EQ(told.exit_code, 1);
  EXPECT_THAT(told.output, HasSubstr("this agent waits for the lock of its store"));
  EXPECT_EQ(second.terminate(10s), 0);
}

TEST(Agent, NamesEveryProblemOfItsConfigurationAtOnce) {
  running_world world(bad_rollout());
  const auto file =
      world.write_file("bad.yaml", "hubs: []\nstate: nowhere\nhttp: { listen: there }\nnonsense: 1\n");
  const outcome ended = run_program({"check", "--config", file.string()});
  EXPECT_EQ(ended.exit_code, 1);
  for (const char* expected : {":1:", ":2:", ":3:", ":4:", "nonsense"})
    EXPECT_THAT(ended.output, HasSubstr(expected));
  EXPECT_EQ(run_program({"run", "--config", file.string()}).output, ended.output)
      << "run says what check says";
}

TEST(Check, AsksEachHubAndTellsWhatIsWrongThere) {
  running_world world(bad_rollout());
  const std::string good = world.configuration();
  const auto file = world.write_file("pushguard.yaml", good);
  const outcome well = run_program({"check", "--online", "--config", file.string()});
  EXPECT_EQ(well.exit_code, 0) << well.output;
  EXPECT_THAT(well.output, AllOf(HasSubstr("is valid"), HasSubstr("\nhub devhub\nok    login "),
                                 HasSubstr("\nok    channel "), HasSubstr("hub devhub: 0 problems, ")));
  EXPECT_THAT(well.output, Not(HasSubstr("simulated-secret")));
  EXPECT_EQ(world.hub().truth().open_sessions, 0U);

  std::string text = good;
  const std::string channel = "/event/Push_Upgrade__e";
  text.replace(text.find(channel), channel.size(), "/event/Nowhere__e");
  const auto wrong = world.write_file("wrong.yaml", text);
  const outcome refused = run_program({"check", "--online", "--json", "--config", wrong.string()});
  EXPECT_EQ(refused.exit_code, 1);
  const auto answer = boost::json::parse(refused.output);
  EXPECT_EQ(answer.at("valid"), true);
  const auto& hub = answer.at("hubs").at(0);
  EXPECT_EQ(hub.at("name"), "devhub");
  EXPECT_EQ(hub.at("problems").to_number<int>(), 1);
  const auto& last = hub.at("findings").as_array().back();
  EXPECT_EQ(last.at("level"), "problem");
  EXPECT_EQ(last.at("what"), "channel");
  EXPECT_THAT(std::string(last.at("text").as_string()), HasSubstr("/event/Nowhere__e is refused: "));
}

TEST(Check, AsksNobodyWhereTheConfigurationIsWrong) {
  running_world world(bad_rollout());
  const auto file = world.write_file("bad.yaml", world.configuration() + "nonsense: 1\n");
  const outcome ended = run_program({"check", "--online", "--config", file.string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, AllOf(HasSubstr("nonsense"), Not(HasSubstr("hub devhub"))));
  EXPECT_EQ(world.hub().truth().logins, 0U);
}

TEST(Agent, SaysWhichPortIsInUse) {
  running_world world(bad_rollout());
  const auto file = world.write_file("taken.yaml", world.configuration({}, world.hub().local().authority()));
  const outcome ended = run_program({"run", "--config", file.string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, AllOf(HasSubstr("http.listen"), HasSubstr(world.hub().local().authority()),
                                  HasSubstr("in use")));
}

TEST(Agent, SaysWhichSecretFileItCannotReadAndNotWhatIsInIt) {
  running_world world(bad_rollout());
  std::string text = world.configuration();
  const auto secret = text.find("client_secret: ");
  text.replace(secret, text.find(' ', secret + 15) - secret, "client_secret_file: missing.secret");
  const auto file = world.write_file("unreadable.yaml", text);
  const outcome ended = run_program({"check", "--config", file.string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, HasSubstr("client_secret_file"));
}

TEST(Agent, RefusesAStoreThatIsNoDatabase) {
  running_world world(bad_rollout());
  world.write_file(
      "state.db", "this is not a database, whatever its name says, and it is long enough to be read as one.");
  const auto file = world.write_file("pushguard.yaml", world.configuration());
  const outcome ended = run_program({"run", "--config", file.string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, HasSubstr("state.db"));
}

TEST(Agent, GoesOnTryingWhenItsLoginIsRefusedAndSaysWhy) {
  running_world world(bad_rollout());
  std::string text = world.configuration();
  const auto secret = text.find("client_secret: ");
  text.replace(secret, text.find(' ', secret + 15) - secret, "client_secret: wrong");
  world.start_agent(text);
  const auto line = world.agent().read_line_with("event=hub_unreadable", running_world::patience);
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, AllOf(HasSubstr("invalid_client"), Not(HasSubstr("wrong"))));
  ASSERT_TRUE(world.wait_for([&] { return world.get(world.agent_address(), "/-/ready").has_value(); }));
  EXPECT_THAT(*world.get(world.agent_address(), "/-/ready"), HasSubstr("not readable"));
  EXPECT_EQ(world.agent().terminate(10s), 0);
}

TEST(Agent, SurvivesAChannelThatDoesNotExist) {
  running_world world(bad_rollout());
  std::string text = world.configuration();
  const std::string channel = "/event/Push_Upgrade__e";
  text.replace(text.find(channel), channel.size(), "/event/Nowhere__e");
  world.start_agent(text);
  ASSERT_TRUE(world.wait_for_the_end());
  EXPECT_EQ(world.decisions().at(0).at("outcome"), "confirmed") << "polling alone contains it";
  EXPECT_THAT(*world.get(world.agent_address(), "/metrics"),
              HasSubstr("pushguard_stream_channel_live{hub=\"devhub\",channel=\"/event/Nowhere__e\"} 0"));
}

TEST(Commands, StatusAndOrgsTellWhatTheAgentKnows) {
  running_world world(bad_rollout());
  world.start_agent(world.configuration());
  ASSERT_TRUE(world.wait_for_the_end());
  const std::string url = world.agent_address().text();
  const outcome status = run_program({"status", "--decisions", "--url", url});
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_THAT(status.output, AllOf(HasSubstr("production/failure-rate"), HasSubstr("confirmed"),
                                   HasSubstr("pending -> canceled")));

  const auto rollouts = world.get_json(world.agent_address(), "/api/v1/rollouts");
  const std::string rollout(rollouts->at("rollouts").at(0).at("id").as_string());
  const outcome spared = run_program({"orgs", rollout, "--spared", "--format", "ids", "--url", url});
  EXPECT_EQ(spared.exit_code, 0);
  std::string expected;
  std::vector<std::string> keys = world.hub().truth().spared_orgs;
  std::ranges::sort(keys);
  for (const std::string& key : keys)
    expected += key + "\n";
  EXPECT_EQ(spared.output, expected);

  const outcome unknown = run_program({"orgs", "04t000000000001", "--url", url});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.output, HasSubstr("04t000000000001"));
}

TEST(Commands, SayThatNoAgentAnswers) {
  running_world world(bad_rollout());
  const outcome ended = run_program({"status", "--url", world.free_address().text()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, HasSubstr("127.0.0.1"));
}

TEST(Demo, ContainsABadRolloutAndLetsAHealthyOneThrough) {
  // Nothing of a demonstration leaves the machine, whatever proxy its user has: dead or not understood.
  const outcome bad = run_program({"demo", "--once", "--orgs", "300", "--speed", "240"},
                                  {{"https_proxy", "http://127.0.0.1:1"}, {"no_proxy", ""}});
  EXPECT_EQ(bad.exit_code, 0) << bad.output;
  EXPECT_THAT(bad.output, AllOf(HasSubstr("containment confirmed"), HasSubstr("-> refused"),
                                HasSubstr("alertmanager <-")));
  const outcome healthy = run_program(
      {"demo", "--once", "--orgs", "200", "--waves", "2", "--failure-rate", "2%", "--speed", "240"},
      {{"https_proxy", "socks5://127.0.0.1:1"}});
  EXPECT_EQ(healthy.exit_code, 0) << healthy.output;
  EXPECT_THAT(healthy.output, HasSubstr("without an abort"));
}

TEST(Demo, FailsWhereTheOutcomeIsNotWhatTheScenarioExpects) {
  // So fast that all is over before the first read: nothing is left to contain.
  const outcome ended = run_program({"demo", "--once", "--orgs", "300", "--speed", "100000"});
  EXPECT_EQ(ended.exit_code, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("NOT AS EXPECTED"));
}

TEST(Simulate, ServesAScenarioUntilItIsAskedToEnd) {
  const std::string scenario = std::string(PUSHGUARD_SOURCE_DIR) + "/simulator/scenarios/bad-rollout.yaml";
  child_process hub({PUSHGUARD_PROGRAM, "simulate", "--listen", "127.0.0.1:0", "--scenario", scenario});
  const auto line = hub.read_line_with("listens on http://", running_world::patience);
  ASSERT_TRUE(line);
  running_world world(bad_rollout());
  const auto address = parse_url(line->substr(line->find("http://")));
  ASSERT_TRUE(address);
  EXPECT_THAT(world.get(address->origin, "/services/data").value_or(""), HasSubstr("/services/data/v"));
  EXPECT_EQ(hub.terminate(10s), 0);
}

TEST(Simulate, NamesWhatIsWrongWithAScenario) {
  running_world world(bad_rollout());
  const auto file = world.write_file("scenario.yaml", "waves: 3\nnonsense: 1\n");
  const outcome ended = run_program({"simulate", "--listen", "127.0.0.1:0", "--scenario", file.string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, AllOf(HasSubstr("scenario.yaml:1:"), HasSubstr("scenario.yaml:2:")));
}

}  // namespace
}  // namespace pushguard
