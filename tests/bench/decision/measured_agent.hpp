#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "agent/running_agent.hpp"
#include "base/http_client.hpp"
#include "tests/bench/decision/forward_time.hpp"
#include "tests/bench/decision/served_hub.hpp"
#include "tests/bench/decision/timing_store.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard::bench {

using nanoseconds = std::chrono::nanoseconds;

/// One breach, as it went. The agent's own time is in `asking` and `acting`; between them it waits for the
/// hub.
struct breach_sample {
  nanoseconds asking;      ///< from the event to the first call that it causes, which confirms the breach
  nanoseconds confirming;  ///< from that call to the last answer about it
  nanoseconds commit;      ///< of the decision
  nanoseconds acting;      ///< from that answer to the first call of the containment, less the commit
  nanoseconds total;       ///< from the event to the first call of the containment
  nanoseconds cancelling;  ///< from that call to the answer that the last request is cancelled
};

/// The whole agent in this process, on threads of its own, with a store on the disk, against a served hub of
/// 100 000 orgs and small rollouts to be contained one after the other. Throws std::runtime_error where
/// something does not come to pass that should.
class measured_agent {
 public:
  explicit measured_agent(const hub_size& size);
  ~measured_agent();
  measured_agent(const measured_agent&) = delete;
  measured_agent& operator=(const measured_agent&) = delete;

  /// A PATCH of the hub's over the kept connection of a bare client of this thread.
  [[nodiscard]] nanoseconds bare_patch();

  /// Waits until the agent reads nothing any more, and then lets the next rollout of one request go bad.
  [[nodiscard]] breach_sample breach_in_quiet();
  /// Lets it go bad so long after the agent was given occasion to read, whatever it is doing.
  [[nodiscard]] breach_sample breach_after(duration pause);
  /// As in quiet, of a rollout of many requests.
  [[nodiscard]] breach_sample breach_of_many();

  /// GETs from the agent and drops the answer; from the request to the last byte.
  [[nodiscard]] nanoseconds scrape(std::string_view target);

  [[nodiscard]] served_hub& hub() noexcept { return *hub_; }
  [[nodiscard]] const origin& address() const noexcept { return address_; }

 private:
  void let_read();
  breach_sample breach(const small_rollout& rollout);
  nanoseconds exchange(http_client& with, http_request request);

  test::scratch_directory directory_;
  forward_time time_;
  commit_clock commits_;
  std::unique_ptr<served_hub> hub_;
  std::unique_ptr<logger> log_;
  std::unique_ptr<agent::running_agent> agent_;
  origin address_;
  std::unique_ptr<test::net_world> sockets_ = test::make_socket_world();
  std::unique_ptr<http_client> bare_;
  std::unique_ptr<http_client> scraping_;
  std::size_t next_of_one_ = 0;
  std::size_t next_of_many_ = 0;
};

/// GETs one page of the agent, back to back, on a thread of its own, until destroyed.
class scraper {
 public:
  scraper(const origin& agent, std::string target);
  ~scraper();
  scraper(const scraper&) = delete;
  scraper& operator=(const scraper&) = delete;

  [[nodiscard]] std::uint64_t scrapes() const noexcept { return scrapes_; }

 private:
  void scrape_forever(const origin& agent, const std::string& target);

  std::atomic<bool> is_over_ = false;
  std::atomic<std::uint64_t> scrapes_ = 0;
  std::thread thread_;
};

}  // namespace pushguard::bench
