#pragma once

#include <filesystem>
#include <utility>

#include "base/result.hpp"

namespace pushguard::store {

/// The right to open one database, held by one process at a time: a lock on the file beside it
/// (`state.db.lock`, which stays). The system lets go of it when the process ends, however it ends.
class store_lock {
 public:
  store_lock(store_lock&& other) noexcept
      : database_(std::move(other.database_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  store_lock& operator=(store_lock&& other) noexcept {
    std::swap(database_, other.database_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~store_lock();

  /// The database it is for.
  [[nodiscard]] const std::filesystem::path& database() const noexcept { return database_; }

 private:
  friend result<store_lock> try_lock(const std::filesystem::path& database);
  store_lock(std::filesystem::path database, int descriptor)
      : database_(std::move(database)), descriptor_(descriptor) {}

  std::filesystem::path database_;
  int descriptor_;
};

/// Takes the lock without waiting. errc::conflict while another agent holds it (the text names its
/// process); errc::storage where the lock file cannot be made.
[[nodiscard]] result<store_lock> try_lock(const std::filesystem::path& database);

}  // namespace pushguard::store
