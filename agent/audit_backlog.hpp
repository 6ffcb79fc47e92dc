#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "base/backoff.hpp"
#include "base/condition.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// Entries of the audit trail on their way into the store. One that tells of something stored goes with that
/// commit; what a commit did not take with it, or could not write, is written by run(). For one executor
/// without concurrency; the references outlive it, and it outlives what was taken.
class audit_backlog {
 public:
  audit_backlog(store::store& store, time_source& time, logger& log, random_engine& random)
      : store_(store), time_(time), log_(log), random_(random) {}

  /// Entries that a caller commits with something of his own. Unless he says that they are stored, they go
  /// back to their place when this ends: also when his coroutine is cancelled.
  class luggage {
   public:
    explicit luggage(audit_backlog& from) : from_(from) { entries_.swap(from.waiting_); }
    ~luggage() {
      if (entries_.empty())
        return;
      from_.waiting_.merge(entries_);
      from_.added_.notify_all();
    }
    luggage(const luggage&) = delete;
    luggage& operator=(const luggage&) = delete;

    /// Oldest first.
    [[nodiscard]] std::vector<store::audit_entry> entries() const;
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    void stored() noexcept { entries_.clear(); }

   private:
    audit_backlog& from_;
    std::map<std::uint64_t, store::audit_entry> entries_;
  };

  /// Adds an entry at the end. Above 10 000 that wait it is lost, and the log says so.
  void add(store::audit_entry entry);

  /// Everything that waits.
  [[nodiscard]] luggage take() { return luggage(*this); }
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

  /// Writes what waits until cancelled; failures are repeated ever more slowly.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Tries once to write what waits; logs where that fails.
  [[nodiscard]] boost::asio::awaitable<bool> flush();

 private:
  store::store& store_;
  time_source& time_;
  logger& log_;
  random_engine& random_;
  std::map<std::uint64_t, store::audit_entry> waiting_;  ///< by the order in which they were added
  std::uint64_t next_ = 0;
  bool is_losing_ = false;
  std::string last_failure_;  ///< told; empty after a success
  condition added_;
};

}  // namespace pushguard::agent
