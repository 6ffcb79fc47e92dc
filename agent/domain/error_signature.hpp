#pragma once

#include <string>
#include <string_view>

#include "agent/domain/rows.hpp"

namespace pushguard::domain {

/// Texts of errors are Salesforce's and a package's own, of any length; a signature needs their beginning.
inline constexpr std::size_t error_signature_bytes_max = 240;

/// A message with what differs from org to org taken out, so that equal causes read alike: gack ids
/// (`731858695-80805 (-151184096)`) and record ids become `#`, as do line and column numbers; letters are
/// lower case and blanks single. At most `bytes_max` bytes of valid UTF-8.
[[nodiscard]] std::string normalize_error_message(std::string_view message,
                                                  std::size_t bytes_max = error_signature_bytes_max);

/// `DeployError: Deployment Failure: definition for js://hed.stg_cmp_header not found`: type, title and
/// normalised message. Parts that are empty are left out.
[[nodiscard]] std::string error_signature(error_type type, std::string_view title, std::string_view message);

}  // namespace pushguard::domain
