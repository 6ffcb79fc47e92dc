// The client against servers that others wrote: the CometD project's for Node.js, and faye.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>

#include "cometd/client.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::cometd {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using pushguard::test::child_process;

// Starting Node on a busy machine takes seconds.
constexpr auto patience = 30s;
constexpr int events_a_run = 200;

class open_door final : public token_provider {
 public:
  explicit open_door(origin to) { access_.endpoint = std::move(to); }
  asio::awaitable<result<access>> current() override { co_return access_; }
  asio::awaitable<result<access>> renew() override { co_return access_; }

 private:
  access access_;
};

class collecting_consumer final : public event_consumer {
 public:
  asio::awaitable<result<>> consume(delivery batch) override {
    data.reserve(data.size() + batch.events.size());
    for (const auto& each : batch.events)
      data.push_back(each.data);
    co_return result<>{};
  }
  std::vector<std::string> data;
};

struct server_kind {
  std::string name;
  std::string script;
};

class CometdServer : public testing::TestWithParam<server_kind> {
 protected:
  void SetUp() override {
    const std::filesystem::path directory = std::filesystem::path(PUSHGUARD_SOURCE_DIR) / "tests/interop";
    if (!pushguard::test::find_program("node"))
      FAIL() << "Node.js is not installed: the interoperability tests need the program node";
    if (!std::filesystem::exists(directory / "node_modules"))
      FAIL() << "the packages of tests/interop are not installed: run npm ci there, or ./dev test";
    script_ = (directory / GetParam().script).string();
    serve("first", 0);
  }

  /// Starts the server; its events carry the name of the run.
  void serve(const std::string& run, std::uint16_t port) {
    server_.emplace(
        std::vector<std::string>{"node", script_, std::to_string(port), std::to_string(events_a_run), run});
    const auto line = server_->read_line_with("listening ", patience);
    ASSERT_TRUE(line.has_value()) << GetParam().script << " did not say where it listens";
    port_ = static_cast<std::uint16_t>(std::stoi(line->substr(line->find(' ') + 1)));
  }

  void start_client() {
    tokens_.emplace(origin{.security = security::plain, .host = "127.0.0.1", .port = port_});
    client_options options;
    options.path = "/bayeux";
    options.session.profile = profile::generic;
    options.session.poll_timeout = 20s;
    options.session.channels = {{.channel = "/updates"}};
    client_ = make_client(options, {.network = *network_,
                                    .time = *time_,
                                    .tokens = *tokens_,
                                    .checkpoints = store_,
                                    .consumer = consumer_,
                                    .observer = null_observer(),
                                    .log = log_,
                                    .random = random_});
    is_running_ = true;
    asio::co_spawn(context_, client_->run(),
                   asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr& error) {
                     EXPECT_FALSE(error);
                     is_running_ = false;
                   }));
  }

  [[nodiscard]] bool run_until(const std::function<bool()>& is_done) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!is_done() && std::chrono::steady_clock::now() < end)
      context_.run_one_until(end);
    return is_done();
  }

  void expect_run(const std::string& run) {
    const bool has_come = run_until([&] { return consumer_.data.size() >= events_a_run; });
    EXPECT_TRUE(has_come) << consumer_.data.size() << " events came\n" << log_.text();
    std::vector<std::string> expected;
    for (int i = 0; i < events_a_run; ++i)
      expected.push_back('"' + run + ':' + std::to_string(i) + '"');
    EXPECT_EQ(consumer_.data, expected);
    consumer_.data.clear();
  }

  std::string script_;
  std::optional<child_process> server_;
  std::uint16_t port_ = 0;

  asio::io_context context_{1};
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  std::optional<open_door> tokens_;
  memory_checkpoint_store store_;
  collecting_consumer consumer_;
  pushguard::test::recording_logger log_;
  random_engine random_{1};
  std::unique_ptr<client> client_;
  asio::cancellation_signal stop_;
  bool is_running_ = false;
};

TEST_P(CometdServer, DeliversInOrderIsFoundAgainAfterARestartAndSeesAGoodbye) {
  start_client();
  expect_run("first");
  EXPECT_TRUE(client_->snapshot().is_live);

  server_->terminate();
  serve("second", port_);
  expect_run("second");
  EXPECT_TRUE(server_->read_line_with("subscribed", patience).has_value());

  stop_.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([this] { return !is_running_; })) << "it did not stop";
  EXPECT_TRUE(server_->read_line_with("disconnected", 5s).has_value()) << "no goodbye reached the server";
  EXPECT_EQ(server_->terminate(), 0);
}

INSTANTIATE_TEST_SUITE_P(Servers, CometdServer,
                         testing::Values(server_kind{"Cometd", "cometd_server.js"},
                                         server_kind{"Faye", "faye_server.js"}),
                         [](const auto& param) { return param.param.name; });

TEST(ChildProcess, IsReadByLinesAndReaped) {
  child_process shell({"sh", "-c", "echo one; echo two; exit 3"});
  EXPECT_EQ(shell.read_line(patience), "one");
  EXPECT_EQ(shell.read_line(patience), "two");
  EXPECT_EQ(shell.read_line(patience), std::nullopt);
  EXPECT_EQ(shell.wait(patience), 3);
}

TEST(ChildProcess, IsKilledWhenItDoesNotEndWhenAsked) {
  child_process stubborn({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"});
  EXPECT_EQ(stubborn.read_line(patience), "ready");
  EXPECT_EQ(stubborn.read_line(10ms), std::nullopt);
  EXPECT_EQ(stubborn.terminate(100ms), 128 + SIGKILL);
}

TEST(ChildProcess, TakesADirectoryAndAnEnvironment) {
  child_process::options options;
  options.directory = "/";
  options.environment = {{"PUSHGUARD_TEST", "a b"}};
  child_process shell({"sh", "-c", "pwd; echo $PUSHGUARD_TEST"}, options);
  EXPECT_EQ(shell.read_all(patience), "/\na b\n");
}

TEST(ChildProcess, ThatDoesNotExistIsNamed) {
  try {
    child_process nothing({"no-such-program-anywhere"});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no-such-program-anywhere"));
  }
}

}  // namespace
}  // namespace pushguard::cometd
