#pragma once

#include <gtest/gtest.h>

#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.hpp"
#include "cometd/client.hpp"
#include "tests/interop/cometd_loop.hpp"
#include "tests/interop/cometd_relay.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::test {

enum class server_kind { cometd, faye };

struct server_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  duration hold = std::chrono::seconds(20);          ///< how long a connect is held
  duration max_interval = std::chrono::seconds(20);  ///< how long an idle session lives; with faye 2 · hold
  bool acknowledges = false;                         ///< the acknowledgement extension; faye has none
};

/// A server that others wrote, under Node.js, steered as tests/interop/scripted_server.js says.
class bayeux_server {
 public:
  /// Throws std::runtime_error where it does not come up.
  bayeux_server(socket_loop& loop, server_kind kind, const server_options& options);

  [[nodiscard]] const origin& address() const noexcept { return address_; }

  /// Has a command (a JSON object) carried out and answers what it said. Throws std::runtime_error where
  /// that takes longer than our patience.
  std::string tell(const std::string& command);
  /// Publishes `prefix:first` and the `count - 1` that follow it. `how`: `batch` or `spread`, or nothing.
  void publish(std::string_view channel, std::string_view prefix, int first, int count,
               std::string_view how = "batch");
  /// Publishes one event with this JSON as its data.
  void publish_json(std::string_view channel, std::string_view data);
  /// Spoils the next `times` requests of the meta channel `on`; `how` is a part of a JSON object.
  void spoil(std::string_view on, std::string_view how, int times = 1);

  /// Returns once the server has counted `what` so often.
  void wait_for(std::string_view what, std::size_t count);
  [[nodiscard]] std::size_t count_of(std::string_view what);

  /// Asks it to end; its exit status.
  int terminate() { return process_.terminate(); }
  /// Kills it as a crash would.
  void crash();

 private:
  socket_loop& loop_;
  child_process process_;
  origin address_;
  std::unique_ptr<http_client> control_;
};

/// The options of a generic client of /updates whose waits are short.
[[nodiscard]] cometd::client_options quick_options();

/// A client in the test's loop, with all that it needs of its own. It is stopped when it goes.
class subscriber final : private cometd::token_provider, private cometd::event_consumer {
 public:
  /// `renewed` is what a login gives instead of `bearer`.
  subscriber(socket_loop& loop, origin server, const cometd::client_options& options = quick_options(),
             secret bearer = {}, secret renewed = {});
  ~subscriber() override;

  /// Asks it to end, and returns when it did. False where that takes longer than our patience.
  [[nodiscard]] bool stop();
  [[nodiscard]] bool is_running() const noexcept { return is_running_; }
  [[nodiscard]] bool is_live() const { return client_->snapshot().is_live; }
  [[nodiscard]] cometd::client_snapshot snapshot() const { return client_->snapshot(); }

  [[nodiscard]] const std::vector<cometd::event>& events() const noexcept { return events_; }
  /// The data of all events, or of those of one channel.
  [[nodiscard]] std::vector<std::string> data(std::string_view channel = {}) const;
  /// Why each handshake was made, as its log tells.
  [[nodiscard]] std::vector<std::string> handshakes() const;
  [[nodiscard]] const recording_logger& log() const noexcept { return log_; }

 private:
  boost::asio::awaitable<result<cometd::access>> current() override;
  boost::asio::awaitable<result<cometd::access>> renew() override;
  boost::asio::awaitable<result<>> consume(cometd::delivery batch) override;

  socket_loop& loop_;
  cometd::access access_;
  secret renewed_;
  cometd::memory_checkpoint_store store_;
  recording_logger log_;
  random_engine random_{1};
  std::vector<cometd::event> events_;
  std::unique_ptr<cometd::client> client_;
  boost::asio::cancellation_signal stop_;
  bool is_running_ = true;
};

/// `"prefix:first"` and the `count - 1` that follow it, as JSON.
[[nodiscard]] std::vector<std::string> numbered(std::string_view prefix, int first, int count);

/// A server, a relay before it where a test wants one, and a client. They go in the right order.
class interop_test : public testing::Test {
 protected:
  explicit interop_test(server_kind kind) : kind_(kind) {}
  void SetUp() override;

  void serve(const server_options& options = {});
  /// Starts another server in the place of the present one, at its port, where that is known.
  void serve_again(server_options options = {});
  /// Puts a relay before the server.
  void relay();
  /// Starts the client: at the relay where there is one, else at the server.
  void subscribe(const cometd::client_options& options = quick_options());
  /// As subscribe(), and waits until the server holds a connect of a live client.
  void subscribe_and_wait(const cometd::client_options& options = quick_options());

  [[nodiscard]] bool run_until(const std::function<bool()>& is_done) { return loop_.run_until(is_done); }
  [[nodiscard]] bool comes_alive();
  /// Waits for as many events and expects these, each as JSON.
  void expect_events(const std::vector<std::string>& data, std::string_view channel = {});
  /// Publishes an event and expects it at the end of what has come: everything works.
  void expect_to_work();

  server_kind kind_;
  socket_loop loop_;
  std::optional<bayeux_server> server_;
  std::optional<spoiling_relay> relay_;
  std::optional<subscriber> client_;
  int probes_ = 0;
};

/// For what both servers can do.
class both_servers_test : public interop_test, public testing::WithParamInterface<server_kind> {
 protected:
  both_servers_test() : interop_test(GetParam()) {}
};
/// For what only the CometD project's server can do, or does in its own way.
class cometd_server_test : public interop_test {
 protected:
  cometd_server_test() : interop_test(server_kind::cometd) {}
};

[[nodiscard]] std::string name_of(const testing::TestParamInfo<server_kind>& info);

}  // namespace pushguard::test
