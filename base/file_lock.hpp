#pragma once

#include <filesystem>
#include <utility>

#include "base/result.hpp"

namespace pushguard {

/// The right to use one file, held by one process at a time: a lock on the file beside it (`state.db.lock`,
/// which stays). The system lets go of it when the process ends, however it ends.
class file_lock {
 public:
  file_lock(file_lock&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  file_lock& operator=(file_lock&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~file_lock();

  /// The file it is for.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  friend result<file_lock> try_lock(const std::filesystem::path& file);
  file_lock(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::filesystem::path path_;
  int descriptor_;
};

/// Takes the lock without waiting. errc::conflict while another process holds it (the text
/// names it); errc::storage where the lock file cannot be made.
[[nodiscard]] result<file_lock> try_lock(const std::filesystem::path& file);

}  // namespace pushguard
