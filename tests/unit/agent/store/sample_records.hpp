#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "agent/store/sqlite_database.hpp"

namespace pushguard::store::test {

/// A directory of its own for one test, gone with it.
class scratch_directory {
 public:
  scratch_directory();
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  [[nodiscard]] std::filesystem::path database() const { return path_ / "state.db"; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Throws std::runtime_error with the failure's text.
template <class T>
T must(result<T> got) {
  if (!got)
    throw std::runtime_error(got.error().text());
  return std::move(*got);
}

[[nodiscard]] sqlite_database open(const std::filesystem::path& path, const sqlite_options& options = {});

[[nodiscard]] wall_time at_second(std::int64_t seconds);
/// `0DV00000000000n`, and so on: ids that differ by `n`.
[[nodiscard]] domain::request_id request(int n);
[[nodiscard]] domain::org_key org(int n);
[[nodiscard]] rollout_key rollout(int n = 1);

/// A decision with every field set.
[[nodiscard]] decision_record sample_decision(std::int64_t id, std::string rule = "failure-rate");
[[nodiscard]] watched_rollout sample_watched(int n = 1);
[[nodiscard]] alerts::alert_record sample_alert(const std::string& id);
[[nodiscard]] alerts::outbox_row sample_notification(alerts::outbox_id id, const std::string& receiver);

}  // namespace pushguard::store::test
