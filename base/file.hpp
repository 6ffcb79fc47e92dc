#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard {

/// The whole of a file of at most `size_max` bytes. Fails with errc::not_found, errc::too_large or
/// errc::storage, and names the file and the reason.
[[nodiscard]] result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max);

/// Puts `content` in the place of `path`, readable by its owner alone: written beside it, flushed to the disk
/// and renamed, so that a crash leaves the old file or the new one. Fails with errc::storage, and names the
/// file and the reason; the old file is then still there.
[[nodiscard]] result<> replace_file(const std::filesystem::path& path, std::string_view content);

}  // namespace pushguard
