#pragma once

#include <array>
#include <string_view>

namespace pushguard::domain {

/// The status of a push request or a push job. Both picklists have the same values.
enum class push_status : unsigned char {
  created,
  pending,
  in_progress,
  succeeded,
  failed,
  canceled,
  unrecognized,  ///< a value this version does not know; the raw text is kept beside it
};

inline constexpr std::array all_push_statuses{
    push_status::created, push_status::pending,  push_status::in_progress, push_status::succeeded,
    push_status::failed,  push_status::canceled, push_status::unrecognized};

/// Reads Salesforce's text in any of its spellings: `In Progress`, `InProgress`, `Cancelled`, `Canceled`.
[[nodiscard]] push_status parse_push_status(std::string_view text) noexcept;

/// The label value: `in_progress`.
[[nodiscard]] std::string_view to_string(push_status status) noexcept;

/// Succeeded, failed or canceled: Salesforce never leaves these.
[[nodiscard]] constexpr bool is_terminal(push_status status) noexcept {
  return status == push_status::succeeded || status == push_status::failed || status == push_status::canceled;
}

/// A push request can be cancelled through the API only from these.
[[nodiscard]] constexpr bool is_cancelable(push_status status) noexcept {
  return status == push_status::created || status == push_status::pending;
}

/// The job has left the queue: what the failure rate counts.
[[nodiscard]] constexpr bool is_started(push_status status) noexcept {
  return status == push_status::in_progress || status == push_status::succeeded ||
         status == push_status::failed;
}

/// Why a push job failed, from PackagePushError.ErrorType.
enum class error_type : unsigned char {
  apex_test_failure,
  deploy_error,
  feature_missing,
  ineligible_upgrade,
  limit_exceeded,
  locking_failure,
  pac_error,
  unclassified_error,
  unknown,       ///< a failed job without error rows
  unrecognized,  ///< a value this version does not know
};

inline constexpr std::array all_error_types{error_type::apex_test_failure, error_type::deploy_error,
                                            error_type::feature_missing,   error_type::ineligible_upgrade,
                                            error_type::limit_exceeded,    error_type::locking_failure,
                                            error_type::pac_error,         error_type::unclassified_error,
                                            error_type::unknown,           error_type::unrecognized};

/// Exactly Salesforce's names; anything else is `unrecognized`.
[[nodiscard]] error_type parse_error_type(std::string_view text) noexcept;
/// Salesforce's name (`ApexTestFailure`), or `Unknown` and `Unrecognized`.
[[nodiscard]] std::string_view to_string(error_type type) noexcept;

enum class error_severity : unsigned char { error, warning };

/// Unknown text counts as an error: better one too many than one overlooked.
[[nodiscard]] error_severity parse_error_severity(std::string_view text) noexcept;

/// What an org is. Salesforce knows only these two; unknown text counts as Production.
enum class org_type : unsigned char { production, sandbox };

[[nodiscard]] org_type parse_org_type(std::string_view text) noexcept;
/// `Production` or `Sandbox`.
[[nodiscard]] std::string_view to_string(org_type type) noexcept;

}  // namespace pushguard::domain
