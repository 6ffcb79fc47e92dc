#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "tests/interop/recording_server.hpp"
#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::child_process;
using test::running_world;

const std::filesystem::path source = PUSHGUARD_SOURCE_DIR;

class OpenApi : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::find_program("node"))
      FAIL() << "Node.js is not installed: these tests need the program node";
    if (!std::filesystem::exists(source / "tests/interop/node_modules/ajv"))
      FAIL() << "the packages of tests/interop are not installed: run npm ci there, or ./dev test";
  }

  /// Runs a script of this folder; what it prints is what is wrong.
  static void expect_nothing_to_say(const std::string& script, const std::string& argument) {
    child_process node({"node", (source / "tests/interop" / script).string(), argument},
                       {.directory = {}, .environment = {}, .joins_stderr = true});
    const std::string said = node.read_all(200s);
    EXPECT_EQ(node.wait(10s), 0) << said;
  }
};

TEST_F(OpenApi, DocumentIsValidClosedAndRightInItsExamples) {
  expect_nothing_to_say("openapi_document.js", (source / "docs/openapi.yaml").string());
}

/// Names actor-0 and so on: each may ask only so often.
constexpr int actors = 16;
std::string token_of(int actor) {
  return fmt::format("token-of-the-actor-{}", actor);
}

/// With tokens, orgs whose customers are known, and a receiver that refuses for good what it is sent.
std::string full_configuration(const running_world& world, const std::string& refusing) {
  std::string tokens;
  for (int i = 0; i < actors; ++i)
    tokens += fmt::format("actor{}:{}\n", i, token_of(i));
  world.write_file("api.tokens", tokens);
  world.write_file("customers.csv",
                   "org_key,customer,tier,contact\n00D000000000001,ACME,gold,ann@example.com\n");
  std::string text = world.configuration({refusing});
  const std::string http = "http: { ";
  return "orgs_file: customers.csv\n" +
         text.insert(text.find(http) + http.size(), "api_tokens_file: api.tokens, ");
}

TEST_F(OpenApi, TellsWhatTheAgentAnswers) {
  simulator::scenario plan = test::bad_rollout();
  plan.time_scale = 60;  // long enough to be looked at while it runs
  running_world world(plan);
  const test::recording_server refusing([](const http_request&) { return http_reply{.status = 400}; });
  const std::string text = full_configuration(world, refusing.url());
  world.start_agent(text);

  world.write_file(
      "web.yml",
      "basic_auth_users: { alice: $2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW }\n");
  std::string guarded = text;
  const std::string http = "http: { ";
  const auto waiting_file = world.write_file(
      "waiting.yaml", guarded.insert(guarded.find(http) + http.size(), "web_config_file: web.yml, "));
  child_process waiting({PUSHGUARD_PROGRAM, "run", "--config", waiting_file.string()},
                        {.directory = {}, .environment = {}, .joins_stderr = true});
  const auto started = waiting.read_line_with("event=agent_started", running_world::patience);
  ASSERT_TRUE(started);
  const auto begin = started->find("listen=http://") + 7;

  json::array tokens;
  for (int i = 0; i < actors; ++i)
    tokens.emplace_back(token_of(i));
  expect_nothing_to_say(
      "openapi_agent.js",
      json::serialize(json::object{
          {"document", (source / "docs/openapi.yaml").string()},
          {"agent", world.agent_address().text()},
          {"waiting", started->substr(begin, started->find(' ', begin) - begin)},
          {"configuration", json::object{{"agent", (world.directory() / "pushguard.yaml").string()},
                                         {"waiting", waiting_file.string()}}},
          {"tokens", std::move(tokens)}}));
  EXPECT_EQ(waiting.terminate(10s), 0);
  EXPECT_EQ(world.agent().terminate(10s), 0);
}

}  // namespace
}  // namespace pushguard
