#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include "tests/interop/recording_server.hpp"
#include "tests/interop/terminal_program.hpp"
#include "tests/support/child_process.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::child_process;
using test::recording_server;
using test::terminal_program;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto patience = 30s;
const std::string version_id = "04t000000000001AAA";
const std::string give_back = "\x1b[?7h\x1b[?1049l\x1b[?25h";

/// What an agent with one rollout would answer; its numbers grow with each look until it has ended.
class canned_agent {
 public:
  [[nodiscard]] std::string url() const { return server_->url(); }
  void end_rollout() { has_ended_ = true; }
  /// Nobody listens any more.
  void die() { server_.reset(); }
  [[nodiscard]] std::vector<http_request> seen() const { return server_->seen(); }

 private:
  [[nodiscard]] std::string rollout(bool has_details) const {
    const int finished = has_ended_ ? 100 : 40;
    const std::string progress = R"("jobs":{"succeeded":)" + std::to_string(finished - 4) +
                                 R"(,"failed":4,"in_progress":)" + (has_ended_ ? "0" : "10") +
                                 R"(},"progress":{"orgs":100,"started":)" + (has_ended_ ? "100" : "50") +
                                 R"(,"finished":)" + std::to_string(finished) +
                                 R"(,"failed":4,"spared":0,"rate_per_minute":12.5,"estimated_end":null})";
    std::string out = R"({"hub":"devhub","id":")" + version_id +
                      R"(/1","package_name":"Acme \u001b[31mCRM","package_version":"4.2.0","open":)" +
                      (has_ended_ ? "false" : "true") + R"(,"state":")" + (has_ended_ ? "ended" : "running") +
                      R"(","verdict":"warning","held":false,)" + progress +
                      R"(,"waves":[{"id":"0DV000000000001AAA","status":")" +
                      (has_ended_ ? "succeeded" : "in_progress") + R"(",)" + progress + "}]";
    if (has_details)
      out += R"(,"rules":[{"policy":"production","rule":"failure-rate","verdict":"warning","armed":true,
        "follows":"alert","failed":4,"started":50,"observed_ratio":0.08,"lower_bound_ratio":0.035,
        "threshold_ratio":0.05,"reason":"failed 4 of 50"}],"decisions":[]})";
    return out + "}";
  }

  http_reply answer(const http_request& request) const {
    http_reply reply;
    reply.headers.set("Content-Type", "application/json");
    if (request.path() == "/api/v1/stream") {
      reply.headers.set("Content-Type", "text/event-stream");
      const auto last = request.headers.find("Last-Event-ID");
      reply.body = last ? "event: hub\nid: " + std::string(*last) + "1\ndata: {}\n\n"
                        : "retry: 10\n\nevent: reset\nid: 1\ndata: {\"now\": null}\n\n";
    } else if (request.path() == "/api/v1/overview") {
      reply.body = R"({"now":"2026-11-29T07:00:00.000Z","agent":{"version":"1.4.0","leader":true},
        "hubs":[{"name":"devhub","tried":true,"up":true,"blind":false,"last_reconcile":"2026-11-29T06:59:58.000Z",
        "api_budget":{"allowed":3000,"made":120},"channels":[]}],"rollouts":[)" +
                   rollout(false) + R"(],"alerts_firing":1})";
    } else if (request.path().ends_with("/failures")) {
      reply.body = R"({"failed":4,"groups":[{"value":"ApexTestFailure","failed":4}],"others":0})";
    } else {
      reply.body = rollout(true);
      reply.body.pop_back();
    }
    return reply;
  }

  std::atomic<bool> has_ended_ = false;
  std::unique_ptr<recording_server> server_ =
      std::make_unique<recording_server>([this](const http_request& request) { return answer(request); });
};

std::vector<std::string> command(const canned_agent& agent, std::vector<std::string> more = {}) {
  std::vector<std::string> out{PUSHGUARD_PROGRAM, "watch", "--interval", "200ms", "--url", agent.url()};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

const std::vector<std::pair<std::string, std::string>> plain_terminal{
    {"TERM", "xterm"}, {"LC_ALL", "C"}, {"NO_COLOR", "1"}};

TEST(Watch, ShowsTheFrameInATerminalOfAnySize) {
  canned_agent agent;
  terminal_program watch(command(agent), 80, 24, plain_terminal);
  ASSERT_TRUE(watch.wait_for_text("40 of 100 finished, 4 failed, 0 spared, 10 running")) << watch.text();
  EXPECT_THAT(watch.written(), StartsWith("\x1b[?1049h\x1b[?25l"));
  const auto rows = watch.screen();
  EXPECT_THAT(rows.front(), AllOf(StartsWith("Pushguard 1.4.0  http://127.0.0.1:"), EndsWith(" UTC")));
  EXPECT_THAT(rows[2], StartsWith("RUNNING  warning  Acme  [31mCRM 4.2.0  " + version_id + "/1  devhub"))
      << "what Salesforce tells cannot steer the terminal";
  EXPECT_THAT(watch.text(),
              HasSubstr("~ warning  production/failure-rate        4/50   8.0%   3.5%   5.0% armed"));
  EXPECT_THAT(watch.text(), HasSubstr("100%  ApexTestFailure"));
  EXPECT_THAT(rows.back(), StartsWith("q quits"));

  watch.resize(200, 60);
  ASSERT_TRUE(watch.wait_for([&] { return watch.screen().back().starts_with("q quits"); })) << watch.text();
  EXPECT_THAT(watch.text(), HasSubstr("armed      failed 4 of 50")) << "wide windows show the reason";
  watch.resize(20, 3);
  ASSERT_TRUE(watch.wait_for([&] { return watch.screen().back().starts_with("40 of 100 finished"); }))
      << watch.text();
}

TEST(Watch, QuitsAndGivesTheTerminalBack) {
  for (const char* key : {"q", "\x03", "\x04"}) {
    canned_agent agent;
    terminal_program watch(command(agent), 80, 24, plain_terminal);
    ASSERT_TRUE(watch.wait_for_text("WAVES"));
    EXPECT_FALSE(watch.is_cooked());
    watch.press(key);
    EXPECT_EQ(watch.wait(), 0);
    EXPECT_THAT(watch.written(), EndsWith(give_back));
    EXPECT_TRUE(watch.is_cooked());
  }
  for (const int signal : {SIGTERM, SIGHUP}) {
    canned_agent agent;
    terminal_program watch(command(agent), 80, 24, plain_terminal);
    ASSERT_TRUE(watch.wait_for_text("WAVES"));
    watch.signal(signal);
    EXPECT_EQ(watch.wait(), 128 + signal);
    EXPECT_THAT(watch.written(), EndsWith(give_back));
    EXPECT_TRUE(watch.is_cooked());
  }
}

TEST(Watch, GivesTheTerminalBackWhileItIsStopped) {
  canned_agent agent;
  terminal_program watch(command(agent), 80, 24, plain_terminal);
  ASSERT_TRUE(watch.wait_for_text("WAVES"));
  watch.press("\x1a");
  ASSERT_TRUE(watch.wait_until_stopped());
  EXPECT_TRUE(watch.is_cooked());
  ASSERT_TRUE(watch.wait_for([&] { return watch.written().ends_with(give_back); }));
  watch.signal(SIGCONT);
  ASSERT_TRUE(watch.wait_for_text("WAVES")) << "it draws everything anew";
  EXPECT_FALSE(watch.is_cooked());
  watch.press("q");
  EXPECT_EQ(watch.wait(), 0);
}

TEST(Watch, SaysThatTheAgentDoesNotAnswerAndKeepsItsLastNumbersAsOld) {
  canned_agent agent;
  terminal_program watch(command(agent), 80, 24, plain_terminal);
  ASSERT_TRUE(watch.wait_for_text("WAVES"));
  agent.die();
  ASSERT_TRUE(watch.wait_for_text("!! NO ANSWER from http://127.0.0.1:")) << watch.text();
  EXPECT_THAT(watch.text(), AllOf(HasSubstr("the numbers below are old"), HasSubstr("OLD  RUNNING"),
                                  HasSubstr("40 of 100 finished")));
  watch.press("q");
  EXPECT_EQ(watch.wait(), 0);
}

TEST(Watch, GivesTheTerminalBackBeforeItSaysThatThereIsNoSuchRollout) {
  canned_agent agent;
  terminal_program watch(command(agent, {"04t000000000009"}), 80, 24, plain_terminal);
  EXPECT_EQ(watch.wait(), 1);
  EXPECT_THAT(watch.written(),
              EndsWith(give_back + "pushguard: the agent knows no rollout 04t000000000009\r\n"));
}

TEST(Watch, WritesAPlainLineForEachChangeIntoAPipeUntilTheRolloutHasEnded) {
  canned_agent agent;
  child_process watch(command(agent, {version_id}),
                      {.directory = {}, .environment = {{"TERM", "xterm"}}, .joins_stderr = true});
  const auto first = watch.read_line_with("wave 1", patience);
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "2026-11-29T07:00:00.000Z  devhub " + version_id +
                        "/1  wave 1 0DV000000000001AAA  in_progress  40 of 100 finished, 4 failed, 0 spared");
  const auto rule = watch.read_line(patience);
  EXPECT_THAT(rule.value_or(""), HasSubstr("rule production/failure-rate  warning  failed 4 of 50"));
  agent.end_rollout();
  const auto rest = watch.read_all(patience);
  EXPECT_THAT(rest, AllOf(HasSubstr("ended, verdict warning"), HasSubstr("100 of 100 finished"),
                          Not(HasSubstr("\x1b"))));
  EXPECT_EQ(watch.wait(patience), 0);
}

TEST(Watch, TellsInAPipeThatTheAgentIsGone) {
  canned_agent agent;
  child_process watch(command(agent), {.directory = {}, .environment = {}, .joins_stderr = true});
  ASSERT_TRUE(watch.read_line_with("wave 1", patience));
  agent.die();
  const auto told = watch.read_line_with("NO ANSWER from http://127.0.0.1:", patience);
  ASSERT_TRUE(told);
  EXPECT_THAT(*told, HasSubstr(" since "));
}

TEST(Watch, EndsQuietlyWhenNobodyReadsItsPipe) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{"watch"}, {"watch", "--json"}}) {
    canned_agent agent;
    std::string line = PUSHGUARD_PROGRAM;
    for (const std::string& word : more)
      line += " " + word;
    child_process shell(
        {"/bin/sh", "-c",
         "exec 3>&1; { " + line + " --url " + agent.url() + " 2>&3; echo ended $? >&3; } | head -n 1"},
        {.directory = {}, .environment = {}, .joins_stderr = true});
    EXPECT_THAT(shell.read_all(patience), HasSubstr("ended 0\n")) << line;
  }
}

TEST(Watch, PrintsEachEventAsJsonAndGoesOnWhereItWas) {
  canned_agent agent;
  child_process watch({PUSHGUARD_PROGRAM, "watch", "--json", "--url", agent.url()},
                      {.directory = {}, .environment = {}, .joins_stderr = true});
  EXPECT_EQ(watch.read_line(patience), R"({"event":"reset","id":"1","data":{"now": null}})");
  EXPECT_THAT(watch.read_line(patience).value_or(""),
              EndsWith("the agent closed it; connecting again after event 1"));
  EXPECT_EQ(watch.read_line(patience), R"({"event":"hub","id":"11","data":{}})");
}

}  // namespace
}  // namespace pushguard
