#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "alerts/outbox_store.hpp"
#include "base/condition.hpp"

namespace pushguard::test {

/// A store in memory that outlives the outboxes of a test, with faults.
class memory_outbox_store final : public alerts::outbox_store {
 public:
  boost::asio::awaitable<result<alerts::outbox_page>> load_rows(std::string receiver,
                                                                std::size_t rows_max) override {
    ++row_loads;
    co_await pass();
    if (fails_to_load) {
      co_return fail(errc::storage, "reading rows: the disk is on fire");
    }
    alerts::outbox_page page;
    for (const auto& [id, row] : rows) {
      if (row.receiver == receiver) {
        ++page.total;
        if (page.rows.size() < rows_max) {
          page.rows.push_back(row);
        }
      }
    }
    largest_page = std::max(largest_page, page.rows.size());
    co_return page;
  }

  boost::asio::awaitable<result<std::vector<alerts::alert_record>>> load_alerts(
      wall_time resolved_since) override {
    co_await pass();
    if (fails_to_load) {
      co_return fail(errc::storage, "reading alerts: the disk is on fire");
    }
    std::vector<alerts::alert_record> out;
    for (const auto& [id, record] : records) {
      if (record.content.state == alerts::alert_state::firing ||
          record.content.resolved_at >= resolved_since) {
        out.push_back(record);
      }
    }
    co_return out;
  }

  boost::asio::awaitable<result<>> settle(alerts::outbox_changes changes) override {
    ++settlings;
    co_await pass();
    if (fails_to_settle) {
      co_return fail(errc::storage, "settling: the disk is full");
    }
    for (const alerts::outbox_done& each : changes.done) {
      rows.erase(each.id);
      ended[each.id] = each.end;
    }
    for (const alerts::outbox_retry& each : changes.retried) {
      const auto found = rows.find(each.id);
      if (found != rows.end()) {
        found->second.attempts = each.attempts;
        found->second.next_attempt_at = each.next_attempt_at;
      }
    }
    co_return result<>{};
  }

  /// What the owner's own commit does: the record and its rows together.
  void commit(const alerts::notification& from, const std::vector<alerts::outbox_row>& made) {
    records[from.record.content.id] = from.record;
    for (const alerts::outbox_row& row : made) {
      rows[row.id] = row;
    }
  }

  /// Operations wait until release() while this is set.
  bool hangs = false;
  void release() {
    hangs = false;
    released_.notify_all();
  }

  bool fails_to_load = false;
  bool fails_to_settle = false;
  int row_loads = 0;
  int settlings = 0;
  std::size_t largest_page = 0;
  std::map<alerts::outbox_id, alerts::outbox_row> rows;
  std::map<alerts::outbox_id, alerts::outbox_end> ended;
  std::map<std::string, alerts::alert_record> records;

 private:
  boost::asio::awaitable<void> pass() {
    while (hangs) {
      co_await released_.wait();
    }
  }

  condition released_;
};

}  // namespace pushguard::test
