#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "alerts/lane_queue.hpp"
#include "alerts/outbox.hpp"
#include "alerts/pace.hpp"
#include "alerts/settler.hpp"
#include "base/condition.hpp"

namespace pushguard::alerts {

/// What the lanes of an outbox share. What it refers to outlives the lanes.
struct lane_context {
  outbox_store& store;
  settler& settled;
  time_source& time;
  logger& log;
  outbox_observer& observer;
  random_engine& random;
  const outbox_options& options;
};

/// Delivers to one receiver; see outbox.
class lane {
 public:
  lane(std::unique_ptr<receiver> to, lane_context context);

  [[nodiscard]] const std::string& name() const noexcept { return receiver_->name(); }

  /// Takes a row that was committed, or leaves it in the store to be read later.
  void add(outbox_row row);

  /// Delivers until cancelled.
  [[nodiscard]] boost::asio::awaitable<void> run();

  [[nodiscard]] receiver_status status() const;

 private:
  [[nodiscard]] bool has_room() const { return queue_.size() < context_.options.rows_in_memory_max; }
  [[nodiscard]] boost::asio::awaitable<void> load();
  [[nodiscard]] boost::asio::awaitable<result<>> load_rows();
  [[nodiscard]] boost::asio::awaitable<result<>> load_alerts();
  [[nodiscard]] std::optional<steady_time> load_due() const;
  void take_in(outbox_page page, const std::set<outbox_id>& ended);
  void take_arrived_as_they_are();
  void insert(outbox_row row);
  void end_superseded(const std::vector<outbox_row>& rows);
  void end(const outbox_row& row, outbox_done how);

  [[nodiscard]] boost::asio::awaitable<void> deliver(std::vector<outbox_row> rows);
  void conclude(const outbox_row& row, const delivery& outcome);
  [[nodiscard]] boost::asio::awaitable<void> resend(outbox_row row);
  [[nodiscard]] boost::asio::awaitable<delivery> attempt(std::vector<outbox_row> rows);
  [[nodiscard]] duration wait_after(const delivery& outcome, unsigned attempts);
  void postpone(const outbox_row& row, duration wait);
  void note_failure(const delivery& outcome);
  void note_recovery();

  [[nodiscard]] boost::asio::awaitable<void> wait_until(std::optional<steady_time> when);
  [[nodiscard]] boost::asio::awaitable<result<>> woken();
  void wake();
  void report_queue();

  std::unique_ptr<receiver> receiver_;
  lane_context context_;
  lane_queue queue_;
  pace pace_;
  std::set<outbox_id> alone_;  ///< were refused together with others: which of them is at fault is to be seen

  // What the store holds beyond the queue.
  bool has_more_rows_ = true;
  bool has_more_alerts_;
  std::size_t rows_beyond_ = 0;
  // Rows that came while others may have to go first: the next load says.
  std::vector<outbox_row> arrived_;
  bool have_arrivals_overflowed_ = false;
  bool is_loading_ = false;
  unsigned load_failures_ = 0;
  steady_time next_load_{};

  // How the receiver is doing.
  unsigned failures_ = 0;
  std::optional<wall_time> failing_since_;
  steady_time paused_until_{};
  delivery_reason last_reason_ = delivery_reason::ok;
  std::string last_failure_;
  std::optional<wall_time> last_sent_at_;

  bool is_woken_ = false;
  condition wake_;
};

}  // namespace pushguard::alerts
