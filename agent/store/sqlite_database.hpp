#pragma once

#include <memory>
#include <span>

#include "agent/store/store.hpp"

namespace pushguard::store {

/// The SQL: one connection, used by one thread at a time, every call blocking. The stores of store.hpp
/// are thin wraps around it.
class sqlite_database {
 public:
  /// As open_sqlite_store().
  [[nodiscard]] static result<sqlite_database> open(file_lock lock, const sqlite_options& options = {});

  sqlite_database(sqlite_database&&) noexcept;
  sqlite_database& operator=(sqlite_database&&) noexcept;
  ~sqlite_database();

  [[nodiscard]] result<commit_outcome> commit(const batch& changes);
  /// Writes several batches with one sync to the disk, each all or nothing on its own. Where that fails
  /// as a whole, each is tried by itself. One result for each batch, in order.
  [[nodiscard]] std::vector<result<commit_outcome>> commit_group(std::span<const batch> group);

  [[nodiscard]] result<loaded_state> load();
  [[nodiscard]] result<std::vector<decision_record>> decisions(const decision_query& query);
  [[nodiscard]] result<std::vector<audit_row>> audit_page(const audit_query& query);
  [[nodiscard]] result<std::vector<domain::org_key>> spared_orgs_of(const rollout_key& rollout);
  [[nodiscard]] result<std::vector<cometd::checkpoint>> checkpoints_of(const std::string& hub);
  [[nodiscard]] result<alerts::outbox_page> notifications_for(const std::string& receiver,
                                                              std::size_t rows_max);
  [[nodiscard]] result<std::vector<alerts::alert_record>> alert_records(wall_time resolved_since);

 private:
  struct connection;
  explicit sqlite_database(std::unique_ptr<connection> made);

  std::unique_ptr<connection> connection_;
};

}  // namespace pushguard::store
