#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace pushguard {

/// The whole of a file of at most `size_max` bytes. Fails with errc::not_found, errc::too_large or
/// errc::storage, and names the file and the reason.
[[nodiscard]] result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max);

}  // namespace pushguard
