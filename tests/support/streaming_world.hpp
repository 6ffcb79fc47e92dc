#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/hub_instruments.hpp"
#include "base/fake_time.hpp"
#include "cometd/client.hpp"
#include "simulator/streaming_org.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::test {

/// Gives out the org's own tokens, and counts how often a new one was asked for.
class org_tokens final : public cometd::token_provider {
 public:
  explicit org_tokens(simulator::streaming_org& org) : org_(org) {}

  [[nodiscard]] boost::asio::awaitable<result<cometd::access>> current() override;
  [[nodiscard]] boost::asio::awaitable<result<cometd::access>> renew() override;

  origin endpoint;
  std::string org_id = "00D000000000001";
  int renewals = 0;

 private:
  simulator::streaming_org& org_;
  std::string token_;
};

/// Keeps the numbers that the events of each channel carry, in the order they come. It outlives clients, and
/// knows an event that an earlier one brought already.
class number_keeper final : public cometd::event_consumer {
 public:
  [[nodiscard]] boost::asio::awaitable<result<>> consume(cometd::delivery batch) override;

  /// Forgets the numbers, and the keys of all events but those of the last two calls.
  void forget();

  std::map<std::string, std::vector<int>> numbers;  ///< by wanted channel
  std::size_t repeated = 0;                         ///< known already, and passed over
  int failures_left = 0;

 private:
  std::set<std::string> keys_;
  std::set<std::string> older_keys_;
};

/// A checkpoint store whose saves can be lost, as they are when a process is killed before it wrote.
class losable_checkpoints final : public cometd::checkpoint_store {
 public:
  [[nodiscard]] boost::asio::awaitable<result<std::vector<cometd::checkpoint>>> load() override;
  [[nodiscard]] boost::asio::awaitable<result<>> save(std::vector<cometd::checkpoint> batch) override;

  cometd::memory_checkpoint_store kept;
  bool loses_saves = false;
};

/// The instruments of the agent, fed by the client as the agent feeds them.
class measuring_observer final : public cometd::client_observer {
 public:
  explicit measuring_observer(agent::hub_instruments& into) : into_(into) {}

  void channel_changed(const cometd::channel_status&) override {}
  void handshake_begun(cometd::handshake_reason reason) override;
  void gap_found(const cometd::gap& found) override;
  void event_delivered(std::string_view channel) override;
  void duplicate_dropped(std::string_view channel) override;
  void problem_found(cometd::problem_kind kind) override;
  void trouble_changed(std::string_view) override {}
  void poll_ended(wall_time) override { ++polls; }

  int polls = 0;

 private:
  agent::hub_instruments& into_;
};

/// A network whose connections fail while told to, as when a name cannot be resolved.
class failing_network final : public network {
 public:
  explicit failing_network(network& of) : of_(of) {}

  [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<transport>>> connect(
      origin to, connect_options options) override;
  [[nodiscard]] result<std::unique_ptr<listener>> listen(const boost::asio::any_io_executor& executor,
                                                         std::string_view host, std::uint16_t port) override {
    return of_.listen(executor, host, port);
  }

  int failures_left = 0;

 private:
  network& of_;
};

/// The client and a simulated streaming org, on pipes and in simulated time. Every failed expectation is
/// told with the client's log.
class streaming_world {
 public:
  /// `client.session.channels` names the channels that events are published to.
  streaming_world(const simulator::streaming_plan& plan, cometd::client_options client);
  ~streaming_world();
  streaming_world(const streaming_world&) = delete;
  streaming_world& operator=(const streaming_world&) = delete;

  void start();
  /// Ends the client as SIGTERM does.
  void stop();
  /// Ends it as kill -9 does: what it had not stored is lost.
  void kill();
  /// Opens another address of the same org, as a new instance is.
  [[nodiscard]] origin open_address();

  /// Publishes the next `count` numbers on every channel.
  void publish(int count);
  void publish_on(const std::string& channel, int count);
  void inject(simulator::fault_kind kind, simulator::request_kind on = simulator::request_kind::any,
              std::size_t times = 1);
  void inject(simulator::fault_plan fault) { org->inject(std::move(fault)); }

  void until(const std::function<bool()>& is_so, duration within);
  /// Every number came that was published, within that time, in order and once.
  void expect_everything(duration within = std::chrono::hours(1));
  /// The same, and then forgets what came and what was logged, so that long runs stay small.
  void expect_everything_and_forget(duration within = std::chrono::hours(1));
  void pass(duration length);
  [[nodiscard]] bool is_live() const { return client && client->snapshot().is_live; }
  void until_live(duration within = std::chrono::hours(1));

  /// The sum of a counter's series that have this value of that label.
  [[nodiscard]] double metric(std::string_view family, std::string_view label, std::string_view value) const;

  fake_time time;
  boost::asio::io_context context{1};
  recording_logger log;
  std::unique_ptr<simulator::streaming_org> org;
  org_tokens tokens;
  number_keeper consumer;
  losable_checkpoints checkpoints;
  agent::hub_instruments instruments;
  measuring_observer observer;
  cometd::client_options options;
  std::unique_ptr<cometd::client> client;
  std::map<std::string, int> published;  ///< by channel

 private:
  class task;
  [[nodiscard]] bool has_everything() const;
  [[nodiscard]] int forgotten_of(const std::string& channel) const;

  std::map<std::string, int> forgotten_;  // how many numbers of each channel were there, and are gone

  std::unique_ptr<network> pipes_;
  random_engine random_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::vector<std::unique_ptr<task>> servers_;
  std::unique_ptr<task> running_;

 public:
  failing_network net{*pipes_};
};

}  // namespace pushguard::test
