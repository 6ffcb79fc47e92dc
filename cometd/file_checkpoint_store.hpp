#pragma once

#include <filesystem>
#include <memory>

#include "cometd/checkpoint_store.hpp"

namespace pushguard::cometd {

/// Keeps checkpoints in a file of JSON, for one client at a time: the file beside it that ends in `.lock` is
/// locked until the store is destroyed, so that a second client cannot move the positions of the first.
/// Each save writes a new file, flushes it to the disk and puts it in the old one's place, so that a crash
/// leaves the one or the other. Blocks its thread for that long (a fraction of a millisecond on most disks).
///
/// Fails with errc::conflict where another process holds the lock, errc::storage where the file cannot be
/// opened, read or understood.
[[nodiscard]] result<std::unique_ptr<checkpoint_store>> open_checkpoint_file(
    const std::filesystem::path& file);

}  // namespace pushguard::cometd
