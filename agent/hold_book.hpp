#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/hold_watch.hpp"
#include "agent/operator_command.hpp"
#include "agent/policy/judge.hpp"
#include "agent/store/store.hpp"
#include "base/backoff.hpp"
#include "base/condition.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// References outlive the book.
struct hold_book_parts {
  store::store& store;
  time_source& time;
  logger& log;
  random_engine& random;
  hold_watch& watch;
  std::function<void(std::vector<hold_view>)> publish;  ///< all holds, whenever they change
};

/// The holds of all hubs: durable before they are in force, and gone when they expire. For one executor
/// without concurrency.
class hold_book {
 public:
  hold_book(hold_book_parts parts, std::vector<store::hold_record> known);

  /// Called whenever what is held has changed.
  void on_change(std::function<void()> call) { on_change_ = std::move(call); }

  /// Holds `target` as `command` says, in place of an earlier hold of the same target.
  [[nodiscard]] boost::asio::awaitable<operator_answer> put(operator_command command,
                                                            store::hold_target target);
  /// Ends the hold of exactly this target.
  [[nodiscard]] boost::asio::awaitable<operator_answer> remove(operator_command command,
                                                               store::hold_target target);

  /// What is held in a hub at `now`.
  [[nodiscard]] std::vector<policy::known_hold> of(std::string_view hub, wall_time now) const;

  /// Ends holds when they expire, until cancelled.
  [[nodiscard]] boost::asio::awaitable<void> run();

 private:
  [[nodiscard]] std::vector<store::hold_record>::iterator find(const store::hold_target& target);
  /// One change at a time, or the store and the memory could end with different ones.
  class turn;
  [[nodiscard]] boost::asio::awaitable<turn> take_turn();
  void changed();
  std::optional<wall_time> look() { return parts_.watch.look(holds_, parts_.time.wall_now()); }
  void end_expired();
  [[nodiscard]] boost::asio::awaitable<void> forget_ended();

  hold_book_parts parts_;
  std::vector<store::hold_record> holds_;
  std::vector<store::hold_record> ended_;  ///< expired, and in the store still
  bool is_changing_ = false;
  condition free_;
  condition wake_;
  std::function<void()> on_change_;
};

}  // namespace pushguard::agent
