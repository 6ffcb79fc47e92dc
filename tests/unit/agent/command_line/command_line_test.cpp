#include "agent/command_line/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace pushguard::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using words = std::vector<std::string>;

constexpr const char* version_id = "04t000000000001";
constexpr const char* request_id = "0DV000000000001";

std::expected<command, early_exit> parse(const words& arguments,
                                         std::map<std::string, std::string, std::less<>> variables = {}) {
  return parse_command_line(arguments, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

template <class Options>
Options parsed(const words& arguments, std::map<std::string, std::string, std::less<>> variables = {}) {
  const auto made = parse(arguments, std::move(variables));
  if (!made) {
    ADD_FAILURE() << made.error().text;
    return {};
  }
  if (!std::holds_alternative<Options>(*made)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<Options>(*made);
}

TEST(CommandLine, ReadsRun) {
  EXPECT_EQ(parsed<run_options>({"run", "--config", "a.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<run_options>({"run", "--config=a b.yaml"}).config, "a b.yaml");
}

TEST(CommandLine, ReadsCheck) {
  EXPECT_EQ(parsed<check_options>({"check", "--config", "a.yaml"}).output, output_form::text);
  EXPECT_FALSE(parsed<check_options>({"check", "--config", "a.yaml"}).asks_hubs);
  EXPECT_TRUE(parsed<check_options>({"check", "--online", "--config", "a.yaml"}).asks_hubs);
  const auto json = parsed<check_options>({"check", "--json", "--config", "a.yaml"});
  EXPECT_EQ(json.config, "a.yaml");
  EXPECT_EQ(json.output, output_form::json);
}

TEST(CommandLine, ReadsDemo) {
  const auto bare = parsed<demo_options>({"demo"});
  EXPECT_EQ(bare.orgs, std::nullopt);
  EXPECT_EQ(bare.waves, std::nullopt);
  EXPECT_EQ(bare.failure_rate, std::nullopt);
  EXPECT_EQ(bare.speed, std::nullopt);
  EXPECT_FALSE(bare.ends_with_rollout);
  const auto full = parsed<demo_options>(
      {"demo", "--orgs", "500", "--waves", "4", "--failure-rate", "8%", "--speed", "60.5", "--once"});
  EXPECT_EQ(full.orgs, 500U);
  EXPECT_EQ(full.waves, 4U);
  EXPECT_EQ(full.failure_rate, 0.08);
  EXPECT_EQ(full.speed, 60.5);
  EXPECT_TRUE(full.ends_with_rollout);
  EXPECT_EQ(parsed<demo_options>({"demo", "--failure-rate", "0"}).failure_rate, 0.0);
  EXPECT_EQ(parsed<demo_options>({"demo", "--failure-rate", "100%"}).failure_rate, 1.0);
  EXPECT_EQ(parsed<demo_options>({"demo", "--orgs", "3", "--waves", "3"}).waves, 3U);
}

TEST(CommandLine, ReadsWatch) {
  using namespace std::chrono_literals;
  const auto bare = parsed<watch_options>({"watch"});
  EXPECT_FALSE(bare.rollout);
  EXPECT_EQ(bare.interval, 1s);
  EXPECT_EQ(bare.colours, colour_choice::automatic);
  EXPECT_EQ(bare.output, output_form::text);
  const auto full = parsed<watch_options>({"watch", std::string(version_id) + "/2", "--hub", "a",
                                           "--interval", "200ms", "--color=never", "--url", "http://x"});
  EXPECT_EQ(full.rollout->number, 2U);
  EXPECT_EQ(full.hub, "a");
  EXPECT_EQ(full.interval, 200ms);
  EXPECT_EQ(full.colours, colour_choice::never);
  EXPECT_EQ(full.connection.url.origin.host, "x");
  EXPECT_EQ(parsed<watch_options>({"watch", "--json"}).output, output_form::json);
  EXPECT_EQ(parsed<watch_options>({"watch", "--interval", "1h"}).interval, 1h);
  const std::map<words, const char*> wrong{
      {{"watch", "--interval", "199ms"}, "--interval must be a duration from 200ms to 1h"},
      {{"watch", "--interval", "61m"}, "--interval must be a duration from 200ms to 1h"},
      {{"watch", "--interval", "often"}, "--interval must be a duration from 200ms to 1h"},
      {{"watch", "--color", "blue"}, "--color must be auto, always or never"},
      {{"watch", "--hub", "a"}, "--hub goes with a rollout only"},
      {{"watch", "--json", version_id}, "--json tells every event as it comes"},
      {{"watch", "0DV000000000001"}, "04t"}};
  for (const auto& [arguments, told] : wrong) {
    const auto made = parse(arguments);
    ASSERT_FALSE(made) << told;
    EXPECT_EQ(made.error().exit_code, 2);
    EXPECT_THAT(made.error().text, HasSubstr(told));
  }
}

TEST(CommandLine, ReadsSimulate) {
  const auto made = parsed<simulate_options>({"simulate", "--listen", "127.0.0.1:0", "--scenario", "s.yaml"});
  EXPECT_EQ(made.listen, (configuration::listen_address{"127.0.0.1", 0}));
  EXPECT_EQ(made.scenario, "s.yaml");
  EXPECT_EQ(made.speed, std::nullopt);
  EXPECT_EQ(
      parsed<simulate_options>({"simulate", "--listen", "[::1]:8080", "--scenario", "s", "--speed", "2"})
          .speed,
      2);
}

TEST(CommandLine, ReadsStatus) {
  const auto bare = parsed<status_options>({"status"});
  EXPECT_TRUE(std::holds_alternative<std::monostate>(bare.target));
  EXPECT_FALSE(bare.shows_decisions);
  EXPECT_EQ(bare.output, output_form::text);
  const auto rollout = parsed<status_options>({"status", "04t000000000001/2", "--decisions", "--json"});
  EXPECT_EQ(std::get<domain::rollout_id>(rollout.target).number, 2U);
  EXPECT_TRUE(rollout.shows_decisions);
  EXPECT_EQ(rollout.output, output_form::json);
  const auto latest = parsed<status_options>({"status", version_id});
  EXPECT_EQ(std::get<domain::rollout_id>(latest.target).number, 0U);
  const auto request = parsed<status_options>({"status", request_id});
  EXPECT_EQ(std::get<domain::request_id>(request.target).text(), request_id);
}

TEST(CommandLine, ReadsOrgs) {
  const auto bare = parsed<orgs_options>({"orgs", version_id});
  EXPECT_EQ(bare.rollout.version.text(), version_id);
  EXPECT_EQ(bare.filter, orgs_filter::all);
  EXPECT_EQ(bare.format, orgs_format::table);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--failed"}).filter, orgs_filter::failed);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--succeeded"}).filter, orgs_filter::succeeded);
  EXPECT_EQ(parsed<orgs_options>({"orgs", "--spared", version_id}).filter, orgs_filter::spared);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--running"}).filter, orgs_filter::running);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--format", "table"}).format, orgs_format::table);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--format", "csv"}).format, orgs_format::csv);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--format=ids"}).format, orgs_format::ids);
  EXPECT_EQ(parsed<orgs_options>({"orgs", version_id, "--json"}).format, orgs_format::json);
}

TEST(CommandLine, ReadsWhatOperatorsAskFor) {
  using domain::operator_action;
  const auto held = parsed<control_options>({"hold", "production/failure-rate", "--for", "1h30m", "--reason",
                                             "known", "--token-file", "t", "--json"});
  EXPECT_EQ(held.action, operator_action::hold);
  EXPECT_EQ(std::get<rule_name>(held.target).policy, "production");
  EXPECT_EQ(std::get<rule_name>(held.target).rule, "failure-rate");
  EXPECT_EQ(held.length, std::chrono::minutes(90));
  EXPECT_EQ(held.reason, "known");
  EXPECT_EQ(held.output, output_form::json);
  EXPECT_EQ(held.connection.token_file, "t");
  const auto of_rollout = parsed<control_options>(
      {"hold", "04t000000000001/2", "--for", "1m", "--reason", "x", "--hub", "devhub"});
  EXPECT_EQ(std::get<domain::rollout_id>(of_rollout.target).number, 2U);
  EXPECT_EQ(of_rollout.hub, "devhub");
  const auto aborted = parsed<control_options>({"abort", request_id, "--reason", "x"});
  EXPECT_EQ(aborted.action, operator_action::abort);
  EXPECT_EQ(std::get<domain::request_id>(aborted.target).text(), request_id);
  for (const auto& [name, action] :
       {std::pair("release", operator_action::release), std::pair("resume", operator_action::resume),
        std::pair("arm", operator_action::arm)}) {
    const auto made = parsed<control_options>({name, version_id});
    EXPECT_EQ(made.action, action);
    EXPECT_EQ(std::get<domain::rollout_id>(made.target).number, 0U);
    EXPECT_EQ(made.reason, "");
  }
}

TEST(CommandLine, ReadsWhatIsAskedOfAlerts) {
  const auto acknowledged = parsed<control_options>({"ack", "3f2a9c0d11e4b7aa", "--reason", "on it"});
  EXPECT_EQ(acknowledged.action, domain::operator_action::ack);
  EXPECT_EQ(std::get<alert_name>(acknowledged.target).text, "3f2a9c0d11e4b7aa");
  EXPECT_EQ(acknowledged.reason, "on it");
  const auto muted = parsed<control_options>({"mute", "containment:devhub:04t/1", "--for", "2h"});
  EXPECT_EQ(muted.action, domain::operator_action::mute);
  EXPECT_EQ(std::get<alert_name>(muted.target).text, "containment:devhub:04t/1");
  EXPECT_EQ(muted.length, std::chrono::hours(2));
  EXPECT_FALSE(parsed<alerts_options>({"alerts"}).shows_all);
  EXPECT_TRUE(parsed<alerts_options>({"alerts", "--all"}).shows_all);
}

TEST(CommandLine, ReadsExportHistory) {
  const auto bare =
      parsed<export_history_options>({"export-history", "--config", "a", "--request", request_id});
  EXPECT_EQ(bare.config, "a");
  EXPECT_EQ(bare.request.text(), request_id);
  EXPECT_EQ(bare.hub, std::nullopt);
  EXPECT_FALSE(bare.leaves_out_texts);
  const auto full =
      parsed<export_history_options>({"export-history", "--config", "a", "--request",
                                      bare.request.long_text(), "--hub", "devhub", "--without-texts"});
  EXPECT_EQ(full.request, bare.request);
  EXPECT_EQ(full.hub, "devhub");
  EXPECT_TRUE(full.leaves_out_texts);
}

TEST(CommandLine, ReadsAlertTest) {
  const auto bare = parsed<alert_test_options>({"alert-test", "--config", "a"});
  EXPECT_EQ(bare.config, "a");
  EXPECT_EQ(bare.receiver, std::nullopt);
  EXPECT_EQ(bare.output, output_form::text);
  const auto full = parsed<alert_test_options>({"alert-test", "--config", "a", "oncall", "--json"});
  EXPECT_EQ(full.receiver, "oncall");
  EXPECT_EQ(full.output, output_form::json);
}

TEST(CommandLine, ReadsAudit) {
  const auto bare = parsed<audit_options>({"audit", "verify"});
  EXPECT_EQ(bare.action, audit_action::verify);
  EXPECT_EQ(bare.state, std::nullopt);
  EXPECT_EQ(bare.file, std::nullopt);
  EXPECT_EQ(bare.expected_hash, "");
  EXPECT_EQ(bare.connection.url.origin.text(), "http://127.0.0.1:9595");
  const auto file = parsed<audit_options>(
      {"audit", "verify", "--file", "a.ndjson", "--json", "--expect-hash", std::string(64, 'A')});
  EXPECT_EQ(file.file, "a.ndjson");
  EXPECT_EQ(file.expected_hash, std::string(64, 'a'));
  EXPECT_EQ(file.output, output_form::json);
  const auto state =
      parsed<audit_options>({"audit", "export", "--state", "s.db"}, {{"PUSHGUARD_URL", "https://other"}});
  EXPECT_EQ(state.action, audit_action::export_trail);
  EXPECT_EQ(state.state, "s.db");
}

TEST(CommandLine, ReadsExplainAndBacktest) {
  EXPECT_EQ(parsed<explain_options>({"explain", "--config", "a", "--json"}).output, output_form::json);
  const auto bare = parsed<backtest_options>({"backtest", "--config", "a", "--history", "1", "2"});
  EXPECT_THAT(bare.histories, testing::ElementsAre("1", "2"));
  EXPECT_EQ(bare.sweep, std::nullopt);
  EXPECT_FALSE(bare.are_healthy);
  const auto full = parsed<backtest_options>({"backtest", "--config", "a", "--history", "1", "--history", "2",
                                              "--sweep", "p/r.above=1%,2%", "--healthy", "--json"});
  EXPECT_EQ(full.histories.size(), 2U);
  EXPECT_EQ(full.sweep, (configuration::sweep{{"p", "r", "above"}, "1%,2%"}));
  EXPECT_TRUE(full.are_healthy);
}

TEST(CommandLine, ReadsVersion) {
  EXPECT_EQ(parsed<version_options>({"version"}).output, output_form::text);
  EXPECT_EQ(parsed<version_options>({"version", "--json"}).output, output_form::json);
  EXPECT_EQ(parsed<version_options>({"--version"}).output, output_form::text);
}

TEST(CommandLine, FindsTheAgentByOptionThenVariableThenDefault) {
  const std::map<std::string, std::string, std::less<>> variables{{"PUSHGUARD_URL", "https://from-variable"},
                                                                  {"PUSHGUARD_TOKEN_FILE", "variable.token"}};
  const auto bare = parsed<status_options>({"status"}).connection;
  EXPECT_EQ(bare.url.text(), "http://127.0.0.1:9595/");
  EXPECT_EQ(bare.token_file, std::nullopt);
  EXPECT_EQ(bare.ca_file, std::nullopt);
  const auto from_variables = parsed<status_options>({"status"}, variables).connection;
  EXPECT_EQ(from_variables.url.text(), "https://from-variable/");
  EXPECT_EQ(from_variables.token_file, "variable.token");
  const auto from_options = parsed<orgs_options>({"orgs", version_id, "--url", "https://from-option:1",
                                                  "--token-file", "option.token", "--ca-file", "ca.pem"},
                                                 variables)
                                .connection;
  EXPECT_EQ(from_options.url.text(), "https://from-option:1/");
  EXPECT_EQ(from_options.token_file, "option.token");
  EXPECT_EQ(from_options.ca_file, "ca.pem");
  EXPECT_EQ(parsed<status_options>({"status"}, {{"PUSHGUARD_URL", ""}}).connection.url.text(),
            "http://127.0.0.1:9595/");
}

TEST(CommandLine, AnswersBadUsageWithOneSentenceAndTwo) {
  struct {
    words arguments;
    const char* text;
  } const table[] = {
      {{}, "pushguard: a command is missing; see pushguard --help"},
      {{"chekc"}, "pushguard: there is no command 'chekc'; did you mean 'check'?; see pushguard --help"},
      {{"whatever"}, "pushguard: there is no command 'whatever'; see pushguard --help"},
      {{""}, "pushguard: there is no command ''"},
      {{"--nonsense"}, "pushguard: "},
      {{"run"}, "pushguard run: --config is required; see pushguard run --help"},
      {{"run", "--config"}, "pushguard run: --config"},
      {{"run", "--config", ""}, "pushguard run: --config must name a file"},
      {{"run", "--config", "a", "--config", "b"}, "pushguard run: "},
      {{"run", "--config", "a", "extra"}, "pushguard run: "},
      {{"run", "--config", "a", "--json"}, "pushguard run: "},
      {{"run", "check", "--config", "a"}, "pushguard run: "},
      {{"check"}, "pushguard check: --config is required"},
      {{"demo", "--orgs", "0"}, "pushguard demo: --orgs must be a whole number from 1 to 100000"},
      {{"demo", "--orgs", "100001"}, "pushguard demo: --orgs must be a whole number from 1 to 100000"},
      {{"demo", "--orgs", "ten"}, "pushguard demo: --orgs must be a whole number"},
      {{"demo", "--waves", "101"}, "pushguard demo: --waves must be a whole number from 1 to 100"},
      {{"demo", "--waves", "-1"}, "pushguard demo: "},
      {{"demo", "--waves", "3", "--orgs", "2"}, "pushguard demo: --waves must not be more than --orgs"},
      {{"demo", "--failure-rate", "101%"}, "pushguard demo: --failure-rate must be a share from 0% to 100%"},
      {{"demo", "--failure-rate", "much"}, "pushguard demo: --failure-rate must be a share from 0% to 100%"},
      {{"demo", "--speed", "0"}, "pushguard demo: --speed must be a number above 0, 100000 at most"},
      {{"demo", "--speed", "nan"}, "pushguard demo: --speed must be a number"},
      {{"demo", "--speed", "100001"}, "pushguard demo: --speed must be a number above 0, 100000 at most"},
      {{"simulate", "--scenario", "s"}, "pushguard simulate: --listen is required"},
      {{"simulate", "--listen", "127.0.0.1:0"}, "pushguard simulate: --scenario is required"},
      {{"simulate", "--listen", "8080", "--scenario", "s"},
       "pushguard simulate: --listen: write an address and a port"},
      {{"status", "00D000000000001"},
       "pushguard status: TARGET must be a rollout (04t… or 04t…/2) or a push request (0DV…)"},
      {{"status", "04t"}, "pushguard status: "},
      {{"status", "0DV1"}, "pushguard status: "},
      {{"status", version_id, request_id}, "pushguard status: "},
      {{"status", "--url", "ftp://x"}, "pushguard status: --url: "},
      {{"status", "--url", "http://user:hunter2@x"}, "pushguard status: --url: "},
      {{"orgs"}, "pushguard orgs: ROLLOUT is required"},
      {{"orgs", request_id}, "pushguard orgs: "},
      {{"orgs", version_id, "--failed", "--spared"},
       "pushguard orgs: at most one of --failed, --succeeded, --spared and --running may be given"},
      {{"orgs", version_id, "--format", "xml"}, "pushguard orgs: --format must be table, csv or ids"},
      {{"orgs", version_id, "--format", "ids", "--json"},
       "pushguard orgs: --json and --format exclude each other"},
      {{"audit"}, "pushguard audit: ACTION is required"},
      {{"audit", "hunter2"}, "pushguard audit: ACTION must be export or verify"},
      {{"audit", "verify", "--state", "a", "--file", "b"},
       "pushguard audit: --state, --file and what names the agent (--url, …) exclude each other"},
      {{"audit", "export", "--state", "a", "--url", "http://b"},
       "pushguard audit: --state, --file and what names the agent (--url, …) exclude each other"},
      {{"audit", "export", "--file", "a"}, "pushguard audit: --file and --expect-hash are for audit verify"},
      {{"audit", "export", "--expect-hash", std::string(64, 'a')},
       "pushguard audit: --file and --expect-hash are for audit verify"},
      {{"audit", "verify", "--expect-hash", std::string(63, 'a')},
       "pushguard audit: --expect-hash must be 64 hex digits, as audit verify prints them"},
      {{"audit", "verify", "--expect-hash", std::string(64, 'g')},
       "pushguard audit: --expect-hash must be 64 hex digits, as audit verify prints them"},
      {{"abort"}, "pushguard abort: target is required"},
      {{"abort", version_id}, "pushguard abort: --reason must say why"},
      {{"abort", version_id, "--reason", ""}, "pushguard abort: --reason must say why"},
      {{"abort", version_id, "--reason", "  "}, "pushguard abort: --reason must not be empty"},
      {{"abort", version_id, "--reason", "a\nb"},
       "pushguard abort: --reason must be one line without control characters"},
      {{"abort", version_id, "--reason", std::string(1001, 'x')},
       "pushguard abort: --reason must have at most 1000 characters, not 1001"},
      {{"abort", version_id, "--reason", "x", "--for", "1h"}, "pushguard abort: "},
      {{"abort", "production/rate", "--reason", "x"},
       "pushguard abort: 'production/rate' is neither a rollout (04t… or 04t…/2) nor a push request (0DV…)"},
      {{"abort", request_id, "--reason", "x", "--hub", "a"},
       "pushguard abort: --hub goes with a rollout only"},
      {{"hold", version_id, "--reason", "x"}, "pushguard hold: --for must say how long"},
      {{"hold", version_id, "--for", "1h"}, "pushguard hold: --reason must say why"},
      {{"hold", version_id, "--reason", "x", "--for", "59s"}, "pushguard hold: --for must be from 1m to 30d"},
      {{"hold", version_id, "--reason", "x", "--for", "31d"}, "pushguard hold: --for must be from 1m to 30d"},
      {{"hold", version_id, "--reason", "x", "--for", "soon"}, "pushguard hold: --for must be a duration"},
      {{"hold", request_id, "--reason", "x", "--for", "1h"}, "pushguard hold: '0DV000000000001' is neither"},
      {{"hold", "a/b/c", "--reason", "x", "--for", "1h"}, "pushguard hold: 'a/b/c' is neither a rollout"},
      {{"hold", "/b", "--reason", "x", "--for", "1h"}, "pushguard hold: '/b' is neither"},
      {{"hold", "a/", "--reason", "x", "--for", "1h"}, "pushguard hold: 'a/' is neither"},
      {{"hold", "04t000000000001/x", "--reason", "x", "--for", "1h"},
       "pushguard hold: '04t000000000001/x' is"},
      {{"release", request_id}, "pushguard release: '0DV000000000001' is neither"},
      {{"resume", request_id}, "pushguard resume: "},
      {{"resume", "production/rate"}, "pushguard resume: "},
      {{"arm", version_id, "--for", "1h"}, "pushguard arm: "},
      {{"export-history", "--request", request_id}, "pushguard export-history: --config is required"},
      {{"export-history", "--config", "a"}, "pushguard export-history: --request is required"},
      {{"export-history", "--config", "", "--request", request_id},
       "pushguard export-history: --config must name a file"},
      {{"export-history", "--config", "a", "--request", version_id},
       "pushguard export-history: --request: '04t000000000001' is not a push request id"},
      {{"export-history", "--config", "a", "--request", request_id, "extra"}, "pushguard export-history: "},
      {{"alert-test", "oncall"}, "pushguard alert-test: --config is required"},
      {{"alert-test", "--config", "a", "oncall", "chat"}, "pushguard alert-test: "},
      {{"explain"}, "pushguard explain: --config is required"},
      {{"backtest", "--config", "a"}, "pushguard backtest: --history is required"},
      {{"backtest", "--config", "a", "--history", "b", "--sweep", "c"},
       "pushguard backtest: --sweep must be "},
      {{"version", "--config", "a"}, "pushguard version: "},
  };
  for (const auto& row : table) {
    const auto made = parse(row.arguments);
    ASSERT_FALSE(made) << row.text;
    const early_exit& answer = made.error();
    EXPECT_EQ(answer.exit_code, 2) << row.text;
    EXPECT_EQ(answer.stream, output_stream::standard_error);
    EXPECT_THAT(answer.text, StartsWith(row.text));
    EXPECT_THAT(answer.text, testing::EndsWith(" --help\n"));
    EXPECT_EQ(std::ranges::count(answer.text, '\n'), 1) << answer.text;
    EXPECT_THAT(answer.text, testing::Not(HasSubstr("hunter2")));
  }
}

TEST(CommandLine, SaysThatAVariableIsWrong) {
  const auto made = parse({"status"}, {{"PUSHGUARD_URL", "nonsense"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().exit_code, 2);
  EXPECT_THAT(made.error().text, StartsWith("pushguard status: PUSHGUARD_URL: "));
}

TEST(CommandLine, HelpsOnStandardOutputWithZero) {
  for (const char* flag : {"--help", "-h"}) {
    const auto made = parse({flag});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().exit_code, 0);
    EXPECT_EQ(made.error().stream, output_stream::standard_output);
    for (const char* name :
         {"run", "check", "demo", "simulate", "status", "orgs", "audit", "abort", "hold", "release", "resume",
          "arm", "explain", "backtest", "export-history", "alert-test", "version"})
      EXPECT_THAT(made.error().text, HasSubstr(std::string("  ") + name + " "));
  }
}

TEST(CommandLine, HelpsWithEachCommand) {
  const std::map<std::string, std::vector<std::string>> options{
      {"run", {"--config FILE"}},
      {"check", {"--config FILE", "--online", "--json"}},
      {"demo", {"--orgs N", "--waves N", "--failure-rate P", "--speed X", "--once"}},
      {"simulate", {"--listen ADDR", "--scenario FILE", "--speed X"}},
      {"status", {"TARGET", "--decisions", "--json", "--url URL", "--token-file FILE", "--ca-file FILE"}},
      {"orgs",
       {"ROLLOUT", "--failed", "--succeeded", "--spared", "--running", "--format FORMAT", "--json",
        "--url URL"}},
      {"audit",
       {"ACTION", "--state FILE", "--file FILE", "--expect-hash HASH", "--json", "--url URL",
        "--token-file FILE"}},
      {"abort",
       {"ROLLOUT|REQUEST", "--reason TEXT", "--hub NAME", "--json", "--url URL", "--token-file FILE"}},
      {"hold", {"ROLLOUT|POLICY/RULE", "--for DURATION", "--reason TEXT", "--hub NAME", "--token-file FILE"}},
      {"release", {"ROLLOUT|POLICY/RULE", "--reason TEXT", "--token-file FILE"}},
      {"resume", {"ROLLOUT", "--reason TEXT", "--token-file FILE"}},
      {"arm", {"ROLLOUT", "--reason TEXT", "--token-file FILE"}},
      {"explain", {"--config FILE", "--json"}},
      {"backtest", {"--config FILE", "--history FILE", "--sweep KEY=A..B", "--healthy", "--json"}},
      {"export-history", {"--config FILE", "--request ID", "--hub NAME", "--without-texts"}},
      {"alert-test", {"RECEIVER", "--config FILE", "--json"}},
      {"version", {"--json"}}};
  for (const auto& [name, expected] : options) {
    const auto made = parse({name, "--help"});
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().exit_code, 0) << name;
    EXPECT_THAT(made.error().text, HasSubstr("pushguard " + name)) << name;
    for (const std::string& option : expected)
      EXPECT_THAT(made.error().text, HasSubstr(option)) << name;
  }
}

}  // namespace
}  // namespace pushguard::agent
