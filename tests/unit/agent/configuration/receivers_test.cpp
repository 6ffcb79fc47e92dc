// The receivers of alerts, and what goes wrong with them.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* routing_key = "0123456789abcdef0123456789abcdef";

class Receivers : public testing::Test {
 protected:
  /// A configuration with one receiver whose kind is `text`.
  std::expected<configuration, problem_list> read(const std::string& text) {
    const std::string whole = R"(hubs:
  - name: h
    login_url: http://127.0.0.1:8080
    auth: { client_credentials: { client_id: i, client_secret: s } }
    proxy: none
alerts:
  receivers:
    - name: r
      )" + text + "\n";
    return read_configuration(whole, files_.file(), fixed_environment(variables_));
  }
  template <class Kind>
  Kind kind_of(const std::string& text) {
    const auto made = read(text);
    if (!made) {
      ADD_FAILURE() << text << fmt::format("{}", fmt::join(made.error(), "\n"));
      return {};
    }
    return std::get<Kind>(made->alerts.receivers.front().kind);
  }
  problem_list problems_of(const std::string& text) {
    const auto made = read(text);
    return made ? problem_list{} : made.error();
  }

  configuration_files files_;
  std::map<std::string, std::string, std::less<>> variables_;
};

TEST_F(Receivers, OfPagerdutyHaveAKeyAndAnAddress) {
  files_.write("pd.key", std::string(routing_key) + "\n");
  auto made = kind_of<pagerduty_receiver>("pagerduty: { routing_key_file: pd.key }");
  EXPECT_EQ(made.routing_key.reveal(), routing_key);
  EXPECT_EQ(made.base.text(), "https://events.pagerduty.com/");
  made = kind_of<pagerduty_receiver>(
      fmt::format("pagerduty: {{ routing_key: {}, url: https://events.eu.pagerduty.com }}", routing_key));
  EXPECT_EQ(made.base.origin.host, "events.eu.pagerduty.com");
}

TEST_F(Receivers, OfPagerdutySayWhatIsWrongWithoutTheKey) {
  for (const char* wrong :
       {"s3cret", "0123456789abcdef0123456789abcdef0", "0123456789abcdef0123456789abcde!"}) {
    const auto problems = problems_of(fmt::format("pagerduty: {{ routing_key: \"{}\" }}", wrong));
    EXPECT_THAT(problems, ElementsAre(HasSubstr("routing_key must be the 32 characters"))) << wrong;
    EXPECT_THAT(problems, ElementsAre(Not(HasSubstr(wrong))));
  }
  files_.write("pd.key", "s3cret");
  EXPECT_THAT(problems_of("pagerduty: { routing_key_file: pd.key }"),
              ElementsAre(HasSubstr("f.yaml:9:38: routing_key_file must be the 32 characters")));
  EXPECT_THAT(problems_of("pagerduty: { }"), ElementsAre(HasSubstr("routing_key")));
  EXPECT_THAT(
      problems_of(fmt::format("pagerduty: {{ routing_key: {}, url: http://pd.example.com }}", routing_key)),
      ElementsAre(HasSubstr("url must be https://")));
  EXPECT_THAT(problems_of(fmt::format("pagerduty: {{ routing_key: {}, url: https://pd.example.com/v2 }}",
                                      routing_key)),
              ElementsAre(HasSubstr("url must have no path")));
  EXPECT_THAT(problems_of(fmt::format("pagerduty: {{ routing_key: {}, severity: x }}", routing_key)),
              ElementsAre(HasSubstr("unknown key 'severity'")));
}

TEST_F(Receivers, OfSlackHaveASecretUrl) {
  files_.write("slack.url", "https://hooks.slack.com/services/T0/B0/s3cret\n");
  EXPECT_EQ(kind_of<slack_receiver>("slack: { webhook_url_file: slack.url }").webhook_url.reveal(),
            "https://hooks.slack.com/services/T0/B0/s3cret");
  EXPECT_EQ(kind_of<slack_receiver>("slack: { webhook_url: http://127.0.0.1:9/x }").webhook_url.reveal(),
            "http://127.0.0.1:9/x");
  for (const char* wrong : {"s3cret", "http://hooks.slack.com/s3cret", "ftp://hooks.slack.com/s3cret"}) {
    const auto problems = problems_of(fmt::format("slack: {{ webhook_url: \"{}\" }}", wrong));
    ASSERT_THAT(problems, SizeIs(1)) << wrong;
    EXPECT_THAT(problems, ElementsAre(Not(HasSubstr("s3cret"))));
  }
}

TEST_F(Receivers, OfWebhooksHaveKeysToSignWith) {
  const std::string one = "whsec_" + encode_base64(std::string(24, 'a'));
  const std::string two = "whsec_" + encode_base64(std::string(24, 'b'));
  files_.write("hook.secret", one + "\n" + two + "\n");
  const auto made =
      kind_of<webhook_receiver>("webhook: { url: http://bus.internal/hook, secret_file: hook.secret }");
  EXPECT_EQ(made.target.reveal(), "http://bus.internal/hook");
  ASSERT_THAT(made.secrets, SizeIs(2));
  EXPECT_EQ(made.secrets.front().reveal(), std::string(24, 'a'));
  EXPECT_THAT(problems_of("webhook: { url: https://bus.example.com/, secret: s3cret }"),
              ElementsAre(testing::AllOf(HasSubstr("the webhook's secret: line 1 must be whsec_"),
                                         Not(HasSubstr("s3cret")))));
  EXPECT_THAT(problems_of("webhook: { url: https://bus.example.com/ }"), ElementsAre(HasSubstr("secret")));
  EXPECT_THAT(problems_of("webhook: { secret: " + one + " }"), ElementsAre(HasSubstr("url")));
}

TEST_F(Receivers, MayBeToldByAWatchdog) {
  const std::string hook =
      "webhook: { url: https://bus.example.com/, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }";
  const std::string alertmanager = "alertmanager: { urls: [http://127.0.0.1:9093] }";
  const auto duty_of = [&](const std::string& text) {
    const auto made = read(text);
    return made ? made->alerts.watchdog : std::nullopt;
  };
  EXPECT_EQ(duty_of(hook), std::nullopt);
  for (const std::string& kind : {hook, alertmanager}) {
    EXPECT_EQ(duty_of(kind + "\n  watchdog: { receiver: r }"),
              (watchdog_settings{.receiver = "r", .interval = std::chrono::minutes(1)}));
    EXPECT_EQ(duty_of(kind + "\n  watchdog: { receiver: r, interval: 10s }"),
              (watchdog_settings{.receiver = "r", .interval = std::chrono::seconds(10)}));
    EXPECT_EQ(duty_of(kind + "\n  watchdog: { receiver: r, interval: 1h }"),
              (watchdog_settings{.receiver = "r", .interval = std::chrono::hours(1)}));
  }
}

TEST_F(Receivers, SayWhatIsWrongWithAWatchdog) {
  const std::string alertmanager = "alertmanager: { urls: [http://127.0.0.1:9093] }\n  watchdog: ";
  const std::pair<const char*, const char*> table[] = {
      {"{ }", "f.yaml:10:13: missing key 'receiver' in watchdog"},
      {"{ receiver: s }", "f.yaml:10:25: no receiver has this name"},
      {"{ receiver: r, interval: 9s }", "f.yaml:10:38: interval must be from 10s to 1h"},
      {"{ receiver: r, interval: 61m }", "f.yaml:10:38: interval must be from 10s to 1h"},
      {"{ receiver: r, every: 1m }", "f.yaml:10:28: unknown key 'every' in watchdog"},
  };
  for (const auto& [text, problem] : table)
    EXPECT_THAT(problems_of(alertmanager + text), ElementsAre(HasSubstr(problem))) << text;
  EXPECT_THAT(problems_of(fmt::format("pagerduty: {{ routing_key: {} }}\n  watchdog: {{ receiver: r }}",
                                      routing_key)),
              ElementsAre(HasSubstr(
                  "f.yaml:10:25: a watchdog must be told to an alertmanager or a webhook: in PagerDuty")));
  EXPECT_THAT(problems_of("slack: { webhook_url: http://127.0.0.1:9/x }\n  watchdog: { receiver: r }"),
              ElementsAre(HasSubstr(
                  "f.yaml:10:25: a watchdog must be told to an alertmanager or a webhook: in Slack")));
}

TEST_F(Receivers, AreOfExactlyOneKind) {
  EXPECT_THAT(problems_of(""),
              ElementsAre(HasSubstr("a receiver is exactly one of alertmanager, pagerduty")));
  EXPECT_THAT(problems_of("slack: { webhook_url: http://127.0.0.1:9/x }\n      alertmanager: { urls: "
                          "[http://127.0.0.1:9093] }"),
              ElementsAre(HasSubstr("a receiver is exactly one of")));
}

TEST_F(Receivers, GoThroughTheProxyOfTheEnvironmentOrTheirOwn) {
  const std::string slack = "slack: { webhook_url: https://hooks.slack.com/x";
  EXPECT_FALSE(kind_of<slack_receiver>(slack + " }").proxies.via);
  variables_.emplace("HTTPS_PROXY", "http://proxy:3128");
  const auto to = parse_url("https://hooks.slack.com/").value().origin;
  const auto by_environment = kind_of<slack_receiver>(slack + " }").proxies;
  ASSERT_NE(by_environment.on_the_way_to(to), nullptr);
  EXPECT_EQ(by_environment.on_the_way_to(to)->at.host, "proxy");
  EXPECT_EQ(kind_of<slack_receiver>(slack + ", proxy: none }").proxies.on_the_way_to(to), nullptr);
  const auto own = kind_of<slack_receiver>(slack + ", proxy: http://other:3128 }").proxies;
  ASSERT_NE(own.on_the_way_to(to), nullptr);
  EXPECT_EQ(own.on_the_way_to(to)->at.host, "other");
  EXPECT_THAT(problems_of(slack + ", proxy: nonsense }"), ElementsAre(HasSubstr("proxy: ")));
  variables_.insert_or_assign("HTTPS_PROXY", "http://");
  EXPECT_THAT(problems_of(slack + " }"), ElementsAre(HasSubstr("`proxy: none` does without it")));
}

TEST_F(Receivers, DifferWhereASecretDoes) {
  const auto receiver_of = [&](const std::string& text) { return read(text)->alerts.receivers.front(); };
  EXPECT_EQ(receiver_of("slack: { webhook_url: http://127.0.0.1:9/x }"),
            receiver_of("slack: { webhook_url: http://127.0.0.1:9/x }"));
  EXPECT_NE(receiver_of("slack: { webhook_url: http://127.0.0.1:9/x }"),
            receiver_of("slack: { webhook_url: http://127.0.0.1:9/y }"));
}

}  // namespace
}  // namespace pushguard::configuration
