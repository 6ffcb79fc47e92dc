#pragma once

#include <filesystem>
#include <functional>

#include "agent/store/records.hpp"
#include "base/result.hpp"

namespace pushguard::store {

/// Reads the audit trail of the database at `path`, oldest first, until `take` says false. Writes nothing and
/// needs no lock: an agent may be at work on it, and a copy will do. What is read is one state of it. Fails
/// with errc::storage, naming the file: there is none, it is none of Pushguard's, has no trail yet, is
/// damaged.
[[nodiscard]] result<> read_audit(const std::filesystem::path& path,
                                  const std::function<bool(const audit_row&)>& take);

}  // namespace pushguard::store
