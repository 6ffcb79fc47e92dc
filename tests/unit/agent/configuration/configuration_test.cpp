#include "agent/configuration/configuration.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// One line for each key, so that a case can replace a line and say where the problem stands.
constexpr std::string_view complete =
    R"(hubs:
  - name: devhub
    login_url: https://acme.my.salesforce.com
    auth:
      client_credentials:
        client_id: consumer
        client_secret: s3cret
    api_version: "61.0"
    packages: [033000000000001]
    tls:
      ca_file: ca.pem
    streaming:
      channels:
        - channel: /event/Push_Upgrade__e
          replay:
            first: earliest
            when_lost: latest
          fields:
            request_id: payload.Request_Id__c
            status: payload.Status__c
    reconcile:
      active_interval: 10s
      idle_interval: 1m
      call_budget: 50%
      blind_after: 2m
rollout_gap: 3d
policies:
  - name: production
    match:
      packages: [033000000000001]
      org_types: [Sandbox]
    scope: request
    contain: matching
    mode: enforce
    in_progress: try
    exclude_errors:
      types: [LimitExceeded]
      titles: [Gone]
    rules:
      - name: rate
        failure_rate:
          above: 5%
          confidence: 95%
          min_started: 7
          warn_at: 3%
          by: sf_instance
        action: abort
        severity: error
      - name: budget
        failure_budget:
          above: 0.1
          of: 2000
          min_failed: 3
alerts:
  receivers:
    - name: prometheus
      alertmanager:
        urls: [http://127.0.0.1:9093]
  routes:
    - severity: [critical]
      receivers: [prometheus]
  repeat_interval: 1h
  runbook_url: https://wiki.example.com/{{ rule }}
state: sqlite:data/state.db
on_store_failure: act
http:
  listen: 0.0.0.0:9000
org_series:
  mode: failed
  limit: 10
  keep_after_end: 1h
log:
  level: debug
  format: json
)";

constexpr std::string_view smallest =
    "hubs:\n"
    "  - name: h\n"
    "    login_url: http://localhost:8080\n"
    "    auth: { client_credentials: { client_id: i, client_secret: s } }\n";

std::string replaced(std::string_view text, std::string_view line, std::string_view with) {
  std::string out(text);
  const auto at = out.find(line);
  if (at == std::string::npos || out.find(line, at + 1) != std::string::npos) {
    ADD_FAILURE() << "not exactly once: " << line;
    return out;
  }
  return out.replace(at, line.size(), with);
}

class ReadConfiguration : public testing::Test {
 protected:
  ReadConfiguration() { files_.write("ca.pem", certificate); }

  std::expected<configuration, problem_list> read(std::string_view text) {
    return read_configuration(text, files_.file(), fixed_environment({}));
  }

  /// The problems without the directory: `f.yaml:line:column: message`.
  problem_list problems_of(std::string_view text) {
    const auto made = read(text);
    problem_list out;
    if (made)
      return out;
    const std::string directory = files_.directory().string() + "/";
    for (const std::string& line : made.error()) {
      EXPECT_TRUE(line.starts_with(directory)) << line;
      out.push_back(line.substr(directory.size()));
    }
    return out;
  }

  configuration_files files_;
};

TEST_F(ReadConfiguration, ReadsEveryKey) {
  const auto made = read(complete);
  ASSERT_TRUE(made) << fmt::format("{}", fmt::join(made.error(), "\n"));
  ASSERT_EQ(made->hubs.size(), 1U);
  const hub& hub = made->hubs.front();
  EXPECT_EQ(hub.name, "devhub");
  const auto& login = std::get<salesforce::client_credentials>(hub.login);
  EXPECT_EQ(login.login_url.text(), "https://acme.my.salesforce.com/");
  EXPECT_EQ(login.client_id, "consumer");
  EXPECT_EQ(login.client_secret.reveal(), "s3cret");
  EXPECT_EQ(hub.api_version, "61.0");
  EXPECT_EQ(hub.packages.front().text(), "033000000000001");
  EXPECT_EQ(hub.ca_file, files_.directory() / "ca.pem");
  ASSERT_EQ(hub.channels.size(), 1U);
  EXPECT_EQ(hub.channels[0].wanted.channel, "/event/Push_Upgrade__e");
  EXPECT_EQ(hub.channels[0].wanted.first, cometd::replay_start::earliest);
  EXPECT_EQ(hub.channels[0].wanted.when_lost, cometd::replay_start::latest);
  EXPECT_EQ(hub.channels[0].fields.request_id, "payload.Request_Id__c");
  EXPECT_EQ(hub.channels[0].fields.status, "payload.Status__c");
  EXPECT_EQ(hub.channels[0].fields.job_id, "");
  EXPECT_EQ(hub.reconcile.active_interval, 10s);
  EXPECT_EQ(hub.reconcile.idle_interval, 1min);
  EXPECT_EQ(hub.reconcile.call_budget, 0.5);
  EXPECT_EQ(hub.reconcile.blind_after, 2min);
  EXPECT_EQ(made->rollout_gap, 72h);
  EXPECT_EQ(made->state, files_.directory() / "data/state.db");
  EXPECT_EQ(made->on_store_failure, store_failure_handling::act);
  EXPECT_EQ(made->listen.text(), "0.0.0.0:9000");
  EXPECT_EQ(made->series.mode, org_series_mode::failed);
  EXPECT_EQ(made->series.limit, 10U);
  EXPECT_EQ(made->series.keep_after_end, 1h);
  EXPECT_EQ(made->log.level, log_level::debug);
  EXPECT_EQ(made->log.format, log_format::json);
  EXPECT_EQ(made->hash, hash_configuration(complete));
}

TEST_F(ReadConfiguration, ReadsPolicies) {
  const auto made = read(complete);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->policies.size(), 1U);
  const auto& policy = made->policies.front();
  EXPECT_EQ(policy.name, "production");
  EXPECT_EQ(policy.match.packages.size(), 1U);
  EXPECT_THAT(policy.match.org_types, ElementsAre(domain::org_type::sandbox));
  EXPECT_EQ(policy.scope, policy::counting_scope::request);
  EXPECT_EQ(policy.contain, policy::containment::matching);
  EXPECT_EQ(policy.mode, policy::policy_mode::enforce);
  EXPECT_EQ(policy.in_progress, policy::in_progress_handling::try_cancel);
  EXPECT_THAT(policy.exclude_errors.types, ElementsAre(domain::error_type::limit_exceeded));
  EXPECT_THAT(policy.exclude_errors.titles, ElementsAre("Gone"));
  ASSERT_EQ(policy.rules.size(), 2U);
  const auto& rate = std::get<policy::failure_rate_rule>(policy.rules[0].test);
  EXPECT_EQ(rate.above, 0.05);
  EXPECT_EQ(rate.confidence, 0.95);
  EXPECT_EQ(rate.min_started, 7U);
  EXPECT_EQ(rate.warn_at, 0.03);
  EXPECT_EQ(rate.by, policy::segmentation::sf_instance);
  EXPECT_EQ(policy.rules[0].action, policy::rule_action::abort);
  EXPECT_EQ(policy.rules[0].severity, policy::rule_severity::error);
  const auto& budget = std::get<policy::failure_budget_rule>(policy.rules[1].test);
  EXPECT_EQ(budget.above, 0.1);
  EXPECT_EQ(budget.of, 2000U);
  EXPECT_EQ(budget.min_failed, 3U);
}

TEST_F(ReadConfiguration, ReadsAlerting) {
  const auto made = read(complete);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->alerts.receivers.size(), 1U);
  EXPECT_EQ(made->alerts.receivers[0].name, "prometheus");
  const auto& kind = std::get<alertmanager_receiver>(made->alerts.receivers[0].kind);
  ASSERT_EQ(kind.urls.size(), 1U);
  EXPECT_EQ(kind.urls[0].text(), "http://127.0.0.1:9093/");
  const alerts::route expected{.severities = {alerts::alert_severity::critical}, .receivers = {"prometheus"}};
  EXPECT_THAT(made->alerts.routes, ElementsAre(expected));
  EXPECT_EQ(made->alerts.repeat_interval, 1h);
  EXPECT_EQ(made->alerts.runbook_url, "https://wiki.example.com/{{ rule }}");
}

TEST_F(ReadConfiguration, HasTheDefaultsOfTheDesign) {
  const auto made = read(smallest);
  ASSERT_TRUE(made);
  const hub& hub = made->hubs.front();
  EXPECT_EQ(hub.api_version, std::nullopt);
  EXPECT_THAT(hub.packages, IsEmpty());
  EXPECT_EQ(hub.ca_file, std::nullopt);
  EXPECT_THAT(hub.channels, IsEmpty());
  EXPECT_EQ(hub.reconcile.active_interval, 15s);
  EXPECT_EQ(hub.reconcile.idle_interval, 5min);
  EXPECT_EQ(hub.reconcile.call_budget, 0.2);
  EXPECT_EQ(hub.reconcile.blind_after, 3min);
  EXPECT_EQ(made->rollout_gap, 7 * 24h);
  EXPECT_THAT(made->policies, IsEmpty());
  EXPECT_THAT(made->alerts.receivers, IsEmpty());
  EXPECT_THAT(made->alerts.routes, IsEmpty());
  EXPECT_EQ(made->alerts.repeat_interval, 4h);
  EXPECT_EQ(made->alerts.runbook_url, "");
  EXPECT_EQ(made->alerts.dashboard_url, "");
  EXPECT_EQ(made->external_url, "");
  EXPECT_EQ(made->orgs, nullptr);
  EXPECT_EQ(made->state, "/var/lib/pushguard/state.db");
  EXPECT_EQ(made->on_store_failure, store_failure_handling::refuse);
  EXPECT_EQ(made->listen.text(), "127.0.0.1:9595");
  EXPECT_EQ(made->series.mode, org_series_mode::all);
  EXPECT_EQ(made->series.limit, 200'000U);
  EXPECT_EQ(made->series.keep_after_end, 24h);
  EXPECT_EQ(made->log.level, log_level::info);
  EXPECT_EQ(made->log.format, log_format::logfmt);
}

TEST_F(ReadConfiguration, HasTheDefaultsOfPolicies) {
  const auto made = read(std::string(smallest) +
                         "    streaming: { channels: [{ channel: /event/A__e }] }\n"
                         "policies:\n  - name: p\n    rules:\n"
                         "      - { name: a, failure_rate: { above: 5% }, action: abort }\n"
                         "      - { name: b, failure_budget: { above: 5% } }\n");
  ASSERT_TRUE(made) << fmt::format("{}", fmt::join(made.error(), "\n"));
  EXPECT_EQ(made->hubs[0].channels[0].wanted.first, cometd::replay_start::latest);
  EXPECT_EQ(made->hubs[0].channels[0].wanted.when_lost, cometd::replay_start::earliest);
  const auto& policy = made->policies.front();
  EXPECT_THAT(policy.match.packages, IsEmpty());
  EXPECT_THAT(policy.match.org_types, IsEmpty());
  EXPECT_EQ(policy.scope, policy::counting_scope::rollout);
  EXPECT_EQ(policy.contain, policy::containment::rollout);
  EXPECT_EQ(policy.mode, policy::policy_mode::dry_run);
  EXPECT_EQ(policy.in_progress, policy::in_progress_handling::leave);
  EXPECT_THAT(policy.exclude_errors.types, ElementsAre(domain::error_type::ineligible_upgrade));
  EXPECT_THAT(policy.exclude_errors.titles,
              ElementsAre("Package Uninstalled", "Salesforce Subscription Expired"));
  EXPECT_EQ(policy.exclude_errors.usual, 0.05);
  const auto& rate = std::get<policy::failure_rate_rule>(policy.rules[0].test);
  EXPECT_EQ(rate.confidence, 0.99);
  EXPECT_EQ(rate.min_started, 20U);
  EXPECT_EQ(rate.warn_at, std::nullopt);
  EXPECT_EQ(rate.by, std::nullopt);
  EXPECT_EQ(policy.rules[0].severity, policy::rule_severity::critical);
  const auto& budget = std::get<policy::failure_budget_rule>(policy.rules[1].test);
  EXPECT_EQ(budget.of, std::nullopt);
  EXPECT_EQ(budget.min_failed, 1U);
  EXPECT_EQ(policy.rules[1].action, policy::rule_action::alert);
  EXPECT_EQ(policy.rules[1].severity, policy::rule_severity::warning);
}

TEST_F(ReadConfiguration, RoutesEverythingToEveryReceiverWhereNoRoutesAreGiven) {
  const auto made = read(std::string(smallest) +
                         "alerts:\n  receivers:\n    - { name: a, alertmanager: { urls: [http://a] } }\n"
                         "    - { name: b, alertmanager: { urls: [http://b, http://c] } }\n");
  ASSERT_TRUE(made);
  const alerts::route expected{.severities = {}, .receivers = {"a", "b"}};
  EXPECT_THAT(made->alerts.routes, ElementsAre(expected));
}

TEST_F(ReadConfiguration, RoutesByPolicyAndByPackageInEitherLength) {
  const auto routed = [&](const std::string& keys) {
    return read(replaced(complete, "    - severity: [critical]\n      receivers: [prometheus]\n",
                         "    - " + keys + "\n      receivers: [prometheus]\n"));
  };
  const std::string policy = read(complete)->policies.front().name;
  const auto made =
      routed("policy: [" + policy + ", manual]\n      package: [\"033000000000001\", Acme Billing]");
  ASSERT_TRUE(made) << fmt::format("{}", fmt::join(made.error(), "\n"));
  const alerts::route expected{
      .severities = {},
      .matchers = {{.labels = {"policy"}, .values = {policy, "manual"}},
                   {.labels = {"package_id", "package_name"},
                    .values = {"033000000000001", "033000000000001AAA", "Acme Billing"}}},
      .receivers = {"prometheus"}};
  EXPECT_THAT(made->alerts.routes, ElementsAre(expected));
  const auto problems_of = [&](const std::string& keys) { return routed(keys).error(); };
  EXPECT_THAT(problems_of("policy: [prodution]"), ElementsAre(HasSubstr("no policy has this name")));
  EXPECT_THAT(problems_of("policy: []"), ElementsAre(HasSubstr("policy must not be empty")));
  EXPECT_THAT(problems_of("package: []"), ElementsAre(HasSubstr("package must not be empty")));
}

TEST_F(ReadConfiguration, ReadsHowManyExcludedOrgsAreUsual) {
  const auto made = read(replaced(complete, "titles: [Gone]", "usual: 12%"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->policies[0].exclude_errors.usual, 0.12);
  EXPECT_EQ(made->policies[0].exclude_errors.titles.size(), 2U);
}

TEST_F(ReadConfiguration, KeepsAnEmptyExclusion) {
  const auto made = read(
      replaced(replaced(complete, "types: [LimitExceeded]", "types: []"), "titles: [Gone]", "titles: []"));
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->policies[0].exclude_errors.empty());
  const auto types_only = read(replaced(complete, "      titles: [Gone]\n", ""));
  ASSERT_TRUE(types_only);
  EXPECT_EQ(types_only->policies[0].exclude_errors.titles.size(), 2U);
}

struct wrong_line {
  const char* line;
  const char* with;
  const char* problem;  ///< begins with its position
};

constexpr wrong_line wrong_lines[] = {
    // hubs
    {"name: devhub", "name: dev hub", "2:11: name must be 1 to 64 letters, digits, '_', '.' or '-'"},
    {"name: devhub", "name: \"\"", "2:11: name must not be empty"},
    {"name: devhub", "nam: devhub", "2:5: missing key 'name' in an item of hubs"},
    {"https://acme.my.salesforce.com", "acme.my.salesforce.com", "3:16: login_url: "},
    {"https://acme.my.salesforce.com", "http://acme.my.salesforce.com",
     "3:16: login_url must be https://; http:// is accepted for loopback addresses only"},
    {"https://acme.my.salesforce.com", "https://acme.my.salesforce.com/services",
     "3:16: login_url must end after the host, without a path"},
    {"https://acme.my.salesforce.com", "https://login.salesforce.com",
     "3:16: login_url must be the org's My Domain"},
    {"https://acme.my.salesforce.com", "https://test.salesforce.com/",
     "3:16: login_url must be the org's My Domain"},
    {"https://acme.my.salesforce.com", "[x]", "3:16: login_url must be text, not a list"},
    {"        client_id: consumer\n", "", "6:9: missing key 'client_id' in client_credentials"},
    {"client_id: consumer", "client_id: ${ID}",
     "6:20: client_id: environment variables are read for secrets only"},
    {"        client_secret: s3cret\n", "",
     "6:9: client_credentials must have exactly one of client_secret, client_secret_file"},
    {"api_version: \"61.0\"", "api_version: 50.0",
     "8:18: api_version must be like \"62.0\", and 51.0 at least"},
    {"api_version: \"61.0\"", "api_version: v61.0", "8:18: api_version must be like"},
    {"api_version: \"61.0\"", "api_version: 61", "8:18: api_version must be like"},
    {"    packages: [033000000000001]\n    tls", "    packages: 033000000000001\n    tls",
     "9:15: packages must be a list, not text"},
    {"    packages: [033000000000001]\n    tls", "    packages: [04t000000000001]\n    tls", "9:16: "},
    {"ca_file: ca.pem", "ca_file: absent.pem", "11:16: ca_file: "},
    {"      ca_file: ca.pem\n", "      verify: false\n", "11:7: unknown key 'verify' in tls"},
    {"/event/Push_Upgrade__e", "/meta/connect",
     "14:20: channel must be a name below /event/, /data/, /topic/ or /u/"},
    {"/event/Push_Upgrade__e", "/event/", "14:20: channel must be a name below"},
    {"/event/Push_Upgrade__e", "Push_Upgrade__e", "14:20: channel must be a name below"},
    {"/event/Push_Upgrade__e", "/event/*", "14:20: channel must be a name below"},
    {"first: earliest", "first: oldest", "16:20: first must be latest or earliest, not 'oldest'"},
    {"when_lost: latest", "when_lost: -1", "17:24: when_lost must be latest or earliest, not '-1'"},
    {"request_id: payload.Request_Id__c", "request_id: payload..x",
     "19:25: request_id must be a path into the event"},
    {"status: payload.Status__c", "state: payload.Status__c",
     "20:13: unknown key 'state' in fields; did you mean 'status'?"},
    {"active_interval: 10s", "active_interval: 10",
     "22:24: active_interval must be a duration like 30s, 5m, 4h or 7d, not '10'"},
    {"active_interval: 10s", "active_interval: 99ms",
     "22:24: active_interval must be from 100ms to 1h, not '99ms'"},
    {"active_interval: 10s", "active_interval: 2h",
     "22:24: active_interval must be from 100ms to 1h, not '2h'"},
    {"idle_interval: 1m", "idle_interval: 9s",
     "23:22: idle_interval (9s) must not be shorter than active_interval (10s)"},
    {"idle_interval: 1m", "idle_interval: 25h", "23:22: idle_interval must be from 100ms to 1d, not '25h'"},
    {"call_budget: 50%", "call_budget: 0%", "24:20: call_budget must be from 0.1% to 100%, not '0%'"},
    {"call_budget: 50%", "call_budget: 101%", "24:20: call_budget must be from 0.1% to 100%, not '101%'"},
    {"blind_after: 2m", "blind_after: 0s", "25:20: blind_after must be from 1s to 1d, not '0s'"},
    {"    reconcile:\n", "    reconcil:\n",
     "21:5: unknown key 'reconcil' in an item of hubs; did you mean 'reconcile'?"},
    {"rollout_gap: 3d", "rollout_gap: 59s", "26:14: rollout_gap must be from 1m to 365d, not '59s'"},
    // policies
    {"name: production", "name: a/b", "28:11: name must be 1 to 64 letters"},
    {"      packages: [033000000000001]\n      org", "      packages: [x]\n      org", "30:18: "},
    {"[Sandbox]", "[sandbox]", "31:19: an item of org_types must be Production or Sandbox, not 'sandbox'"},
    {"scope: request", "scope: hub", "32:12: scope must be request or rollout or package, not 'hub'"},
    {"contain: matching", "contain: all", "33:14: contain must be rollout or package or matching, not 'all'"},
    {"mode: enforce", "mode: dry-run", "34:11: mode must be dry_run or enforce, not 'dry-run'"},
    {"in_progress: try", "in_progress: true", "35:18: in_progress must be leave or try, not 'true'"},
    {"types: [LimitExceeded]", "types: [Unknown]", "37:15: an item of types must be ApexTestFailure or "},
    {"titles: [Gone]", "titles: [\"\"]", "38:16: an item of titles must not be empty"},
    {"name: rate", "name: budget", "49:15: another rule of this policy is named 'budget' too"},
    {"above: 5%", "above: 5", "42:18: above: 5 without a percent sign is a ratio; write 5% for a percentage"},
    {"above: 5%", "above: 0%", "42:18: above must be above 0% and below 100%, not '0%'"},
    {"above: 5%", "above: 100%", "42:18: above must be above 0% and below 100%, not '100%'"},
    {"          above: 5%\n", "", "42:11: missing key 'above' in failure_rate"},
    {"confidence: 95%", "confidence: 50%", "43:23: confidence must be above 50% and below 100%, not '50%'"},
    {"confidence: 95%", "confidence: 100%", "43:23: confidence must be above 50% and below 100%, not '100%'"},
    {"min_started: 7", "min_started: 0", "44:24: min_started must be from 1 to 10000000, not '0'"},
    {"min_started: 7", "min_started: 10000001", "44:24: min_started must be from 1 to 10000000"},
    {"min_started: 7", "min_started: 7.5", "44:24: min_started must be a whole number, not '7.5'"},
    {"warn_at: 3%", "warn_at: 5%", "45:20: warn_at must be below above"},
    {"warn_at: 3%", "warn_at: 0%", "45:20: warn_at must be above 0% and below 100%"},
    {"by: sf_instance", "by: instance",
     "46:15: by must be sf_instance or org_type or from_version or request, not 'instance'"},
    {"by: sf_instance", "window: 5m", "46:11: unknown key 'window' in failure_rate"},
    {"action: abort", "action: stop", "47:17: action must be alert or abort, not 'stop'"},
    {"severity: error", "severity: page",
     "48:19: severity must be critical or error or warning or info, not 'page'"},
    {"        failure_budget:\n", "        failure_budgets:\n",
     "49:9: an item of rules must have exactly one of failure_rate, failure_budget"},
    {"above: 0.1", "above: -0.1", "51:18: above must be above 0% and below 100%, not '-0.1'"},
    {"of: 2000", "of: 0", "52:15: of must be from 1 to 10000000, not '0'"},
    {"min_failed: 3", "min_failed: 0", "53:23: min_failed must be from 1 to 10000000, not '0'"},
    // alerts
    {"name: prometheus", "name: \"a b\"", "56:13: name must be 1 to 64 letters"},
    {"urls: [http://127.0.0.1:9093]", "urls: []", "58:15: urls must not be empty"},
    {"urls: [http://127.0.0.1:9093]", "urls: [127.0.0.1:9093]", "58:16: an item of urls: "},
    {"urls: [http://127.0.0.1:9093]", "url: http://127.0.0.1:9093",
     "58:9: unknown key 'url' in alertmanager; did you mean 'urls'?"},
    {"severity: [critical]", "severity: [page]",
     "60:18: an item of severity must be critical or error or warning or info, not 'page'"},
    {"severity: [critical]", "severity: []",
     "60:17: severity must not be empty; leave it out to route every severity"},
    {"receivers: [prometheus]", "receivers: [pager]", "61:19: no receiver has this name"},
    {"receivers: [prometheus]", "receivers: []", "61:18: receivers must not be empty"},
    {"repeat_interval: 1h", "repeat_interval: 59s",
     "62:20: repeat_interval must be from 1m to 7d, not '59s'"},
    {"https://wiki.example.com/{{ rule }}", "https://wiki.example.com/{{ policy }}",
     "63:16: runbook_url: it may hold {{ rule }} and no other placeholder"},
    {"https://wiki.example.com/{{ rule }}", "https://wiki.example.com/{{ rule",
     "63:16: runbook_url: it has {{ without }} behind it"},
    {"runbook_url: https://wiki.example.com/{{ rule }}", "dashboard_url: https://d/{{ hub }}/{{ team }}",
     "63:18: dashboard_url: it may hold {{ hub }}, {{ rollout }}, {{ policy }}, {{ rule }} and no other"},
    {"runbook_url: https://wiki.example.com/{{ rule }}", "dashboard_url: https://{{ rollout }}.example.com/",
     "63:18: dashboard_url: the URL's host is neither a host name nor an address"},
    {"https://wiki.example.com/{{ rule }}", "wiki/{{ rule }}", "63:16: runbook_url: "},
    // the agent
    {"state: sqlite:data/state.db", "state: data/state.db",
     "64:8: state must be sqlite:///absolute/path or sqlite:relative/path of a file"},
    {"state: sqlite:data/state.db", "state: \"sqlite:\"", "64:8: state must be"},
    {"state: sqlite:data/state.db", "state: sqlite://host/path", "64:8: state must be"},
    {"state: sqlite:data/state.db", "state: sqlite:///tmp/", "64:8: state must be"},
    {"state: sqlite:data/state.db", "state: postgres://host/db", "64:8: state must be"},
    {"on_store_failure: act", "on_store_failure: ignore",
     "65:19: on_store_failure must be refuse or act, not 'ignore'"},
    {"listen: 0.0.0.0:9000", "listen: \":9000\"", "67:11: listen: write an address and a port"},
    {"listen: 0.0.0.0:9000", "external_url: push.example.com",
     "67:17: external_url: the URL does not begin with https:// or http://"},
    {"listen: 0.0.0.0:9000", "external_url: https://push.example.com/",
     "67:17: external_url must not end with a slash: paths are added to it"},
    {"listen: 0.0.0.0:9000", "external_url: https://push.example.com/guard/",
     "67:17: external_url must not end"},
    {"listen: 0.0.0.0:9000", "external_url: https://push.example.com/?a=b",
     "67:17: external_url must have no query and no fragment: paths are added to it"},
    {"listen: 0.0.0.0:9000", "external_url: https://push.example.com#top",
     "67:17: external_url must have no query"},
    {"listen: 0.0.0.0:9000", "external_url: https://me:pw@push.example.com",
     "67:17: external_url: the URL carries user information"},
    {"mode: failed", "mode: none", "69:9: mode must be all or failed or off, not 'none'"},
    {"limit: 10", "limit: 0", "70:10: limit must be from 1 to 5000000, not '0'"},
    {"limit: 10", "limit: 5000001", "70:10: limit must be from 1 to 5000000"},
    {"keep_after_end: 1h", "keep_after_end: 31d", "71:19: keep_after_end must be from 0s to 30d, not '31d'"},
    {"level: debug", "level: trace", "73:10: level must be debug or info or warning or error, not 'trace'"},
    {"format: json", "format: text", "74:11: format must be logfmt or json, not 'text'"},
    {"log:\n", "logs:\n", "72:1: unknown key 'logs' in the configuration; did you mean 'log'?"},
};

TEST_F(ReadConfiguration, SaysWhereEachKeyIsWrong) {
  for (const wrong_line& row : wrong_lines) {
    const auto problems = problems_of(replaced(complete, row.line, row.with));
    EXPECT_THAT(problems, testing::Contains(testing::StartsWith(std::string("f.yaml:") + row.problem)))
        << row.with;
  }
}

TEST_F(ReadConfiguration, AcceptsTheEndsOfRanges) {
  const std::pair<const char*, const char*> table[] = {
      {"active_interval: 10s", "active_interval: 100ms"},
      {"idle_interval: 1m", "idle_interval: 10s"},
      {"idle_interval: 1m", "idle_interval: 1d"},
      {"call_budget: 50%", "call_budget: 100%"},
      {"call_budget: 50%", "call_budget: 0.001"},
      {"blind_after: 2m", "blind_after: 1s"},
      {"rollout_gap: 3d", "rollout_gap: 365d"},
      {"confidence: 95%", "confidence: 50.1%"},
      {"confidence: 95%", "confidence: 99.99%"},
      {"warn_at: 3%", "warn_at: 4.9%"},
      {"min_started: 7", "min_started: 1"},
      {"keep_after_end: 1h", "keep_after_end: 0s"},
      {"api_version: \"61.0\"", "api_version: 51.0"},
      {"https://acme.my.salesforce.com", "http://127.0.0.1:8080"},
      {"https://acme.my.salesforce.com", "http://[::1]:8080"},
      {"/event/Push_Upgrade__e", "/data/ChangeEvents"},
      {"/event/Push_Upgrade__e", "/topic/Pushes"},
      {"/event/Push_Upgrade__e", "/u/notifications/Push"},
      {"sqlite:data/state.db", "sqlite:///tmp/state.db"},
      {"0.0.0.0:9000", "127.0.0.1:0"}};
  for (const auto& [line, with] : table)
    EXPECT_THAT(problems_of(replaced(complete, line, with)), IsEmpty()) << with;
}

TEST_F(ReadConfiguration, RefusesKeysThatALaterVersionWillKnow) {
  const std::pair<const char*, const char*> table[] = {
      {"rollout_gap: 3d\n", "timezone: UTC\n"},
  };
  for (const auto& [line, with] : table) {
    EXPECT_THAT(problems_of(replaced(complete, line, with)),
                ElementsAre(HasSubstr("is not supported by this version")))
        << with;
  }
}

TEST_F(ReadConfiguration, ReadsWhereAlertsLead) {
  const auto with = [&](const std::string& key, const std::string& value) {
    const auto made = read(
        replaced(complete, key == "external_url" ? "  listen: 0.0.0.0:9000\n" : "  repeat_interval: 1h\n",
                 "  " + key + ": " + value + "\n"));
    EXPECT_TRUE(made) << value;
    return made.value_or(configuration());
  };
  for (const char* link :
       {"https://d.example.com/{{hub}}?r={{ rollout }}&p={{ policy }}&n={{ rule }}", "http://d"})
    EXPECT_EQ(with("dashboard_url", link).alerts.dashboard_url, link);
  EXPECT_EQ(with("external_url", "https://push.example.com").external_url, "https://push.example.com");
  EXPECT_EQ(with("external_url", "HTTP://Push.example.com:8080/a/b").external_url,
            "http://push.example.com:8080/a/b");
}

TEST_F(ReadConfiguration, ReadsWhoseOrgsTheyAre) {
  files_.write("customers.csv", "org_key,customer,tier\n00D000000000001,Acme Ltd,gold\n");
  const auto made = read(replaced(complete, "rollout_gap: 3d\n", "orgs_file: customers.csv\n"));
  ASSERT_TRUE(made && made->orgs);
  const auto found = made->orgs->find(domain::org_key::parse("00D000000000001").value());
  EXPECT_EQ(found, (org_note{.customer = "Acme Ltd", .tier = "gold"}));
  EXPECT_EQ(read(complete)->orgs, nullptr);
}

TEST_F(ReadConfiguration, SaysWhatIsWrongWithTheOrgsFile) {
  const std::string text = replaced(complete, "rollout_gap: 3d\n", "orgs_file: customers.csv\n");
  EXPECT_THAT(problems_of(text), ElementsAre(AllOf(StartsWith("f.yaml:26:12: orgs_file: "),
                                                   HasSubstr("customers.csv"), HasSubstr("No such file"))));
  files_.write("customers.csv", "org_key,customer\n00D000000000001,Acme, Ltd\nx,y\n");
  EXPECT_THAT(
      problems_of(text),
      ElementsAre(
          AllOf(StartsWith("f.yaml:26:12: orgs_file: "), HasSubstr("customers.csv:2: the header has")),
          AllOf(StartsWith("f.yaml:26:12: orgs_file: "), HasSubstr("customers.csv:3: 'x' is not"))));
}

TEST_F(ReadConfiguration, ReportsEveryProblemAtOnceInTheOrderOfTheFile) {
  std::string text(complete);
  text = replaced(text, "format: json", "format: text\n  format: json");
  text = replaced(text, "mode: enforce", "mode: on");
  text = replaced(text, "name: devhub", "nmae: devhub");
  text = replaced(text, "receivers: [prometheus]", "receivers: [prometheus, pager, slack]");
  EXPECT_THAT(
      problems_of(text),
      ElementsAre("f.yaml:2:5: missing key 'name' in an item of hubs",
                  "f.yaml:2:5: unknown key 'nmae' in an item of hubs; did you mean 'name'?",
                  "f.yaml:34:11: mode must be dry_run or enforce, not 'on'",
                  "f.yaml:61:31: no receiver has this name", "f.yaml:61:38: no receiver has this name",
                  "f.yaml:74:11: format must be logfmt or json, not 'text'",
                  "f.yaml:75:3: duplicate key 'format'"));
}

TEST_F(ReadConfiguration, WantsNamesToDiffer) {
  const std::string second_hub =
      "  - name: h\n    login_url: http://localhost:8081\n"
      "    auth: { client_credentials: { client_id: i, client_secret: s } }\n";
  EXPECT_THAT(problems_of(std::string(smallest) + second_hub),
              ElementsAre("f.yaml:5:11: another hub is named 'h' too"));
  const std::string policy = "  - { name: p, rules: [{ name: r, failure_rate: { above: 5% } }] }\n";
  EXPECT_THAT(problems_of(std::string(smallest) + "policies:\n" + policy + policy),
              ElementsAre("f.yaml:7:13: another policy is named 'p' too"));
  const std::string receiver = "    - { name: r, alertmanager: { urls: [http://a] } }\n";
  EXPECT_THAT(problems_of(std::string(smallest) + "alerts:\n  receivers:\n" + receiver + receiver),
              ElementsAre("f.yaml:8:15: another receiver is named 'r' too"));
  const std::string channel = "{ channel: /event/A__e }";
  EXPECT_THAT(problems_of(std::string(smallest) + "    streaming: { channels: [" + channel + ", " + channel +
                          "] }\n"),
              ElementsAre("f.yaml:5:66: the channel /event/A__e stands here twice"));
}

TEST_F(ReadConfiguration, LetsRulesOfDifferentPoliciesShareNames) {
  EXPECT_THAT(problems_of(std::string(smallest) +
                          "policies:\n"
                          "  - { name: p, rules: [{ name: r, failure_rate: { above: 5% } }] }\n"
                          "  - { name: q, rules: [{ name: r, failure_rate: { above: 5% } }] }\n"),
              IsEmpty());
}

TEST_F(ReadConfiguration, WantsOneTestForEachRule) {
  EXPECT_THAT(
      problems_of(std::string(smallest) +
                  "policies:\n  - name: p\n    rules:\n"
                  "      - { name: r, failure_rate: { above: 5% }, failure_budget: { above: 5% } }\n"
                  "      - { name: s }\n"),
      ElementsAre(
          StartsWith("f.yaml:8:49: an item of rules must have exactly one of failure_rate, failure_budget"),
          StartsWith("f.yaml:9:9: an item of rules must have exactly one of failure_rate, failure_budget")));
}

TEST_F(ReadConfiguration, BoundsTheNumberOfHubs) {
  std::string text = "hubs:\n";
  for (int i = 0; i < 65; ++i)
    text += fmt::format(
        "  - {{ name: h{}, login_url: 'http://localhost', auth: {{ client_credentials: {{ client_id: i, "
        "client_secret: s }} }} }}\n",
        i);
  EXPECT_THAT(problems_of(text), ElementsAre("f.yaml:66:5: hubs may have at most 64 items"));
}

TEST_F(ReadConfiguration, RefusesFilesThatAreNoConfiguration) {
  EXPECT_THAT(problems_of(""), ElementsAre("f.yaml:1:1: the configuration must be a mapping, not empty"));
  EXPECT_THAT(problems_of("- a\n"),
              ElementsAre("f.yaml:1:1: the configuration must be a mapping, not a list"));
  EXPECT_THAT(problems_of("{}"), ElementsAre("f.yaml:1:1: missing key 'hubs' in the configuration"));
  EXPECT_THAT(problems_of("hubs: []"), ElementsAre("f.yaml:1:7: hubs must not be empty"));
  EXPECT_THAT(problems_of("hubs: [x]"),
              ElementsAre("f.yaml:1:8: an item of hubs must be a mapping, not text"));
  EXPECT_THAT(problems_of("hubs: [\n"), ElementsAre(HasSubstr("f.yaml:2:1: end of sequence flow not found")));
}

TEST_F(ReadConfiguration, NamesATrustFileThatHoldsNoCertificate) {
  files_.write("ca.pem", "nonsense");
  EXPECT_THAT(problems_of(complete), ElementsAre(HasSubstr("f.yaml:11:16: ca_file: ")));
}

TEST_F(ReadConfiguration, LoadsFromAFile) {
  files_.write("f.yaml", smallest);
  const auto made = load_configuration(files_.file(), fixed_environment({}));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->hash, hash_configuration(smallest));
}

TEST_F(ReadConfiguration, SaysWhyAFileCannotBeRead) {
  const auto absent = load_configuration(files_.directory() / "absent.yaml", fixed_environment({}));
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error(),
              ElementsAre(HasSubstr("absent.yaml: cannot be read: No such file or directory")));
  const auto directory = load_configuration(files_.directory(), fixed_environment({}));
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error(), ElementsAre(HasSubstr("cannot be read: it is a directory")));
  files_.write("large.yaml", std::string(4 * 1024 * 1024 + 1, '#'));
  const auto large = load_configuration(files_.directory() / "large.yaml", fixed_environment({}));
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error(), ElementsAre(HasSubstr("large.yaml:1:1: the file is larger than 4 MiB")));
}

TEST(HashConfiguration, IsTheSameWhereverTheFileWasCheckedOut) {
  // printf abc | sha256sum
  EXPECT_EQ(hash_configuration("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_configuration("a\r\nb\r\n"), hash_configuration("a\nb\n"));
  EXPECT_EQ(hash_configuration("\xEF\xBB\xBFx"), hash_configuration("x"));
  EXPECT_NE(hash_configuration("a\rb"), hash_configuration("ab"));
  EXPECT_NE(hash_configuration("a\n"), hash_configuration("a"));
}

}  // namespace
}  // namespace pushguard::configuration
