#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <set>

#include "tests/interop/recording_server.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::recording_server;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct outcome {
  int exit_code = -1;
  std::string output;
};

class AlertTest : public testing::Test {
 protected:
  /// A configuration with `receivers`, lines of a list.
  void use(const std::string& receivers) {
    std::ofstream(config_) << R"(hubs:
  - name: devhub
    login_url: http://127.0.0.1:9
    auth: { client_credentials: { client_id: i, client_secret: s } }
    proxy: none
alerts:
  receivers:)" << (receivers.empty() ? " []\n" : "\n" + receivers)
                           << "state: sqlite:///nowhere/at/all/state.db\n";
  }
  outcome run(std::vector<std::string> arguments = {}) {
    std::vector<std::string> command{PUSHGUARD_PROGRAM, "alert-test", "--config", config_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    test::child_process program(command,
                                {.directory = {}, .environment = {{"USER", "alice"}}, .joins_stderr = true});
    outcome out;
    out.output = program.read_all(60s);
    out.exit_code = program.wait(10s).value_or(-1);
    return out;
  }
  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }
  /// One receiver of each kind, all at `url`.
  static std::string every_kind(const std::string& url) {
    return fmt::format(R"(    - name: oncall
      pagerduty: {{ routing_key: 0123456789abcdef0123456789abcdef, url: "{0}", proxy: none }}
    - name: chat
      slack: {{ webhook_url: "{0}/services/s3cret", proxy: none }}
    - name: bus
      webhook: {{ url: "{0}/hook", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, proxy: none }}
    - name: prometheus
      alertmanager: {{ urls: ["{0}"] }}
)",
                       url);
  }

  test::scratch_directory directory_;
  std::string config_ = (directory_.path() / "pushguard.yaml").string();
};

TEST_F(AlertTest, TellsEveryReceiverOfAnAlertAndItsEnd) {
  const recording_server server;
  use(every_kind(server.url()));
  const outcome ended = run();
  EXPECT_EQ(ended.exit_code, 0) << ended.output;
  const std::string answer = fmt::format(": sent: {} answered 200 OK", server.url());
  EXPECT_THAT(lines_of(ended.output),
              UnorderedElementsAre(
                  "oncall (pagerduty) fired" + answer, "oncall (pagerduty) resolved" + answer,
                  "chat (slack) fired" + answer, "chat (slack) resolved" + answer,
                  "bus (webhook) fired" + answer, "bus (webhook) resolved" + answer,
                  "prometheus (alertmanager) fired" + answer, "prometheus (alertmanager) resolved" + answer));
  std::vector<std::string> pages;
  std::set<std::string> dedup_keys;
  std::set<std::string> hook_ids;
  std::vector<std::string> hooks;
  for (const http_request& each : server.seen()) {
    const json::value body = json::parse(each.body);
    if (each.target == "/v2/enqueue") {
      pages.emplace_back(body.at("event_action").as_string());
      dedup_keys.emplace(body.at("dedup_key").as_string());
      if (pages.back() == "trigger") {
        EXPECT_EQ(body.at("payload").at("severity"), "warning");
        EXPECT_THAT(std::string(body.at("payload").at("summary").as_string()),
                    testing::StartsWith("[test] alice on "));
      }
    } else if (each.target == "/hook") {
      hooks.emplace_back(body.at("type").as_string());
      hook_ids.emplace(each.headers.find("webhook-id").value());
      EXPECT_EQ(body.at("data").at("name"), "PushguardTest");
    }
  }
  EXPECT_THAT(pages, ElementsAre("trigger", "resolve"));
  EXPECT_THAT(dedup_keys, SizeIs(1));
  EXPECT_THAT(hooks, ElementsAre("alert.fired", "alert.resolved"));
  EXPECT_THAT(hook_ids, SizeIs(2));
}

TEST_F(AlertTest, TellsOnlyTheReceiverThatIsNamed) {
  const recording_server server;
  use(every_kind(server.url()));
  const outcome ended = run({"chat"});
  EXPECT_EQ(ended.exit_code, 0) << ended.output;
  EXPECT_THAT(lines_of(ended.output), ElementsAre(testing::StartsWith("chat (slack) fired: sent"),
                                                  testing::StartsWith("chat (slack) resolved: sent")));
  EXPECT_THAT(server.seen(), SizeIs(2));
}

TEST_F(AlertTest, FailsWhereOneReceiverDoesNotTakeIt) {
  const recording_server server([](const http_request& request) {
    return http_reply{.status = request.target == "/v2/enqueue" ? 401 : 200};
  });
  use(every_kind(server.url()));
  const outcome ended = run();
  EXPECT_EQ(ended.exit_code, 1);
  const auto lines = lines_of(ended.output);
  EXPECT_THAT(lines, SizeIs(8));
  for (const char* step : {"fired", "resolved"})
    EXPECT_THAT(lines,
                testing::Contains(fmt::format("oncall (pagerduty) {}: retry (auth_error): {} answered 401 "
                                              "Unauthorized",
                                              step, server.url())));
  EXPECT_THAT(ended.output, AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("0123456789abcdef"))));
  EXPECT_THAT(server.seen(), SizeIs(8)) << "nothing is tried again";
}

TEST_F(AlertTest, FailsWhereNobodyListens) {
  std::string url;
  {
    const recording_server gone;
    url = gone.url();
  }
  use(every_kind(url));
  const outcome ended = run({"bus"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(lines_of(ended.output),
              ElementsAre(AllOf(HasSubstr("bus (webhook) fired: retry (network): "), HasSubstr("refused")),
                          HasSubstr("bus (webhook) resolved: retry (network): ")));
}

TEST_F(AlertTest, AnswersInJson) {
  const recording_server server([](const http_request& request) {
    return http_reply{.status = request.target == "/hook" ? 400 : 202};
  });
  use(every_kind(server.url()));
  const outcome ended = run({"--json"});
  EXPECT_EQ(ended.exit_code, 1);
  const json::object answer = json::parse(ended.output).as_object();
  EXPECT_EQ(answer.at("sent"), false);
  std::vector<std::string> told;
  for (const json::value& each : answer.at("deliveries").as_array())
    told.push_back(fmt::format("{} {} {} {}", std::string_view(each.at("receiver").as_string()),
                               std::string_view(each.at("kind").as_string()),
                               std::string_view(each.at("step").as_string()),
                               std::string_view(each.at("verdict").as_string())));
  EXPECT_THAT(told, ElementsAre("oncall pagerduty fired sent", "oncall pagerduty resolved sent",
                                "chat slack fired sent", "chat slack resolved sent", "bus webhook fired drop",
                                "bus webhook resolved drop", "prometheus alertmanager fired sent",
                                "prometheus alertmanager resolved sent"));
  EXPECT_EQ(answer.at("deliveries").at(4).at("reason"), "client_error");
  EXPECT_EQ(answer.at("deliveries").at(4).at("detail").as_string(),
            server.url() + " answered 400 Bad Request");
}

TEST_F(AlertTest, SaysWhichReceiversThereAre) {
  const recording_server server;
  use(every_kind(server.url()));
  const outcome ended = run({"pager"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.output, fmt::format("pushguard: {} has no receiver named 'pager', only oncall, chat, bus, "
                                      "prometheus\n",
                                      config_));
  EXPECT_THAT(server.seen(), IsEmpty());
}

TEST_F(AlertTest, FailsWithoutReceiversAndWithoutAValidFile) {
  use("");
  outcome ended = run();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.output, fmt::format("pushguard: {} has no receivers\n", config_));
  use("    - name: chat\n");
  ended = run();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(
      ended.output,
      fmt::format("{}:8:7: a receiver is exactly one of alertmanager, pagerduty, slack, webhook\n", config_));
}

}  // namespace
}  // namespace pushguard
