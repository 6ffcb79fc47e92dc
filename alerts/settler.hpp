#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <set>

#include "alerts/outbox.hpp"
#include "base/condition.hpp"

namespace pushguard::alerts {

/// Writes into the store how deliveries ended, in batches: one commit runs, and what ends meanwhile goes
/// into the next. What could not be written is kept and tried again.
///
/// What is kept is bounded by the rows that the store itself has taken in.
class settler {
 public:
  /// The references must outlive it.
  settler(outbox_store& store, time_source& time, logger& log, random_engine& random,
          const outbox_options& options);

  void finish(outbox_done done);
  void postpone(outbox_retry row);

  /// Settles until cancelled.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Makes one last attempt, within `drain`.
  [[nodiscard]] boost::asio::awaitable<void> drain();

  /// The rows that have ended while the store may not know it yet.
  [[nodiscard]] std::set<outbox_id> ended() const;

 private:
  struct change {
    std::uint64_t number = 0;  ///< tells what a commit took in from what came after it began
    std::optional<outbox_done> end;
    outbox_retry retry;
  };

  [[nodiscard]] boost::asio::awaitable<result<>> save(duration timeout);
  void note(const result<>& saved);

  outbox_store& store_;
  time_source& time_;
  logger& log_;
  random_engine& random_;
  const outbox_options& options_;
  std::map<outbox_id, change> unsaved_;
  std::uint64_t changes_made_ = 0;
  unsigned failures_ = 0;
  condition changed_;
};

}  // namespace pushguard::alerts
