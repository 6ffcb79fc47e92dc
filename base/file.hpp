#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard {

/// The whole of a file of at most `size_max` bytes. Fails with errc::not_found, errc::too_large or
/// errc::storage, and names the file and the reason.
[[nodiscard]] result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max);

/// What tells one state of a file from another: which file it is, and when it was written. All zero where
/// there is none. Symbolic links are followed.
struct file_stamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified = 0;  ///< in nanoseconds of the file system's clock
  std::int64_t changed = 0;   ///< the same of its owner, its rights and its content

  friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

[[nodiscard]] file_stamp stamp_of(const std::filesystem::path& path) noexcept;

/// Puts `content` in the place of `path`, readable by its owner alone: written beside it, flushed to the disk
/// and renamed, so that a crash leaves the old file or the new one. Fails with errc::storage, and names the
/// file and the reason; the old file is then still there.
[[nodiscard]] result<> replace_file(const std::filesystem::path& path, std::string_view content);

}  // namespace pushguard
