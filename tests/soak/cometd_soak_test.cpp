// Real processes and sockets, random faults, and a client that is stopped and killed again and again: in the
// end every event is there, in order and once. PUSHGUARD_SOAK_SECONDS says for how long (60);
// PUSHGUARD_SOAK_SEED repeats a run's faults.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <set>
#include <thread>

#include "program/server_thread.hpp"
#include "simulator/streaming_org.hpp"
#include "tests/soak/soak_store.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/quick_time.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard::soak {
namespace {

using namespace std::chrono_literals;
using test::child_process;

// The longest wait of the client is half an hour, for a limit of the org.
constexpr int factor = 60;
// For the last events, on a machine that does something else as well.
constexpr auto patience = 180s;

const std::vector<std::string> channels{"/event/Push__e", "/data/License__ChangeEvent"};

std::int64_t number_from_environment(const char* name, std::int64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoll(text);
}

/// The org on a thread and a port of its own.
class served_org {
 public:
  explicit served_org(const simulator::streaming_plan& plan)
      : org_(simulator::make_streaming_org(plan, time_, null_logger())),
        listener_(thread_.listen(*net_, "127.0.0.1", 0).value()) {
    thread_.run(simulator::serve_streaming_org(*org_, *listener_, time_, null_logger()));
  }
  ~served_org() { thread_.stop(); }
  served_org(const served_org&) = delete;
  served_org& operator=(const served_org&) = delete;

  template <class Act>
  auto ask(Act act) {
    return thread_.ask([&] { return act(*org_); });
  }
  [[nodiscard]] std::uint16_t port() const { return listener_->local().port; }

 private:
  test::quick_time time_{factor};
  std::unique_ptr<network> net_ = make_socket_network(time_);
  std::unique_ptr<simulator::streaming_org> org_;
  program::server_thread thread_;
  std::unique_ptr<listener> listener_;
};

class CometdSoak : public testing::Test {
 protected:
  CometdSoak() {
    seed_ = static_cast<std::uint64_t>(number_from_environment("PUSHGUARD_SOAK_SEED", 1));
    random_.seed(seed_);
    simulator::streaming_plan plan;
    plan.seed = seed_;
    plan.channels.clear();
    for (const auto& name : channels)
      plan.channels.push_back({.name = name});
    plan.chaos = simulator::random_faults{.odds = 0.1};
    org_ = std::make_unique<served_org>(plan);
  }

  /// Numbers that were published and did not come.
  [[nodiscard]] std::vector<int> missing_in(const std::vector<int>& found) const {
    const std::set<int> there(found.begin(), found.end());
    std::vector<int> missing;
    for (int i = 0; i < published_; ++i) {
      if (!there.contains(i))
        missing.push_back(i);
    }
    return missing;
  }

  unsigned up_to(unsigned most) { return static_cast<unsigned>(random_() % most); }

  void publish(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      const std::string payload = R"({"Number__c":)" + std::to_string(published_) + "}";
      org_->ask([&](simulator::streaming_org& org) {
        for (const auto& name : channels)
          org.publish(name, payload);
        return 0;
      });
      ++published_;
    }
  }

  void start_client() {
    std::vector<std::string> command{PUSHGUARD_SOAK_CLIENT, std::to_string(org_->port()), database_,
                                     std::to_string(factor)};
    command.insert(command.end(), channels.begin(), channels.end());
    client_ = std::make_unique<child_process>(command);
  }

  void end_client() {
    if (up_to(3) == 0) {
      EXPECT_EQ(client_->terminate(), 0) << "it ends in order when asked";
      ++stopped_;
    } else {
      client_->signal(SIGKILL);
      EXPECT_EQ(client_->wait(5s), 128 + SIGKILL);
      ++killed_;
    }
  }

  /// Asks again and again; the client's silence is the pause between.
  bool wait_until(const std::function<bool()>& is_so) {
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (!is_so() && std::chrono::steady_clock::now() < latest)
      (void)client_->read_line(100ms);
    return is_so();
  }

  void upset_the_org() {
    org_->ask([this](simulator::streaming_org& org) {
      up_to(2) == 0 ? org.end_sessions() : org.revoke_tokens();
      return 0;
    });
  }

  std::uint64_t seed_ = 0;
  random_engine random_;
  test::scratch_directory scratch_;
  std::string database_ = (scratch_.path() / "soak.db").string();
  std::unique_ptr<served_org> org_;
  std::unique_ptr<child_process> client_;
  int published_ = 0;
  int killed_ = 0;
  int stopped_ = 0;
};

TEST_F(CometdSoak, LosesNothingAndRepeatsNothing) {
  const std::chrono::seconds length(number_from_environment("PUSHGUARD_SOAK_SECONDS", 60));
  soak_store store(database_);
  start_client();
  // What is published before a channel was ever subscribed to belongs to nobody.
  ASSERT_TRUE(wait_until([&] { return store.positions() == channels.size(); }));
  const auto end = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < end) {
    publish(up_to(20));
    // The pace of the load, not a wait for anything.
    const auto pause = std::chrono::milliseconds(up_to(200));
    (void)client_->read_line(pause);
    if (up_to(40) == 0)
      upset_the_org();
    if (up_to(30) == 0) {
      end_client();
      publish(up_to(50));
      start_client();
    }
  }

  const std::size_t expected = channels.size() * static_cast<std::size_t>(published_);
  EXPECT_TRUE(wait_until([&] { return store.size() >= expected; }));
  EXPECT_EQ(client_->terminate(), 0);
  const auto found = store.numbers();
  std::vector<int> everything;
  for (int i = 0; i < published_; ++i)
    everything.push_back(i);
  for (const auto& name : channels) {
    ASSERT_TRUE(found.contains(name));
    EXPECT_THAT(missing_in(found.at(name)), testing::IsEmpty()) << name << ", seed " << seed_;
    EXPECT_EQ(found.at(name).size(), everything.size()) << name << ", seed " << seed_;
    EXPECT_TRUE(found.at(name) == everything) << name << ", in another order, seed " << seed_;
  }
  const auto faults = org_->ask([](simulator::streaming_org& org) { return org.faults_happened(); });
  std::size_t happened = 0;
  for (const auto& [kind, times] : faults)
    happened += times;
  EXPECT_GT(happened, 10U) << "too quiet to prove anything";
  EXPECT_GT(killed_, 0);
  std::cout << "seed " << seed_ << ": " << expected << " events, " << happened << " faults of "
            << faults.size() << " kinds, killed " << killed_ << " and stopped " << stopped_ << " times\n";
}

}  // namespace
}  // namespace pushguard::soak
