#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "agent/store/sqlite_database.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard::store::test {

using pushguard::test::must;

/// A directory of its own for one test, with the name of a database in it.
class scratch_directory : public pushguard::test::scratch_directory {
 public:
  [[nodiscard]] std::filesystem::path database() const { return path() / "state.db"; }
};

[[nodiscard]] sqlite_database open(const std::filesystem::path& path, const sqlite_options& options = {});

[[nodiscard]] wall_time at_second(std::int64_t seconds);
/// `0DV00000000000n`, and so on: ids that differ by `n`.
[[nodiscard]] domain::request_id request(int n);
[[nodiscard]] domain::org_key org(int n);
[[nodiscard]] rollout_key rollout(int n = 1);

/// A decision with every field set.
[[nodiscard]] decision_record sample_decision(std::int64_t id, std::string rule = "failure-rate");
/// An entry with every field set, whose details name `n`.
[[nodiscard]] audit_entry sample_audit(int n);
[[nodiscard]] watched_rollout sample_watched(int n = 1);
[[nodiscard]] alerts::alert_record sample_alert(const std::string& id);
[[nodiscard]] alerts::outbox_row sample_notification(alerts::outbox_id id, const std::string& receiver);

}  // namespace pushguard::store::test
