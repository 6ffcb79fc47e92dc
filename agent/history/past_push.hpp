#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/domain/rows.hpp"

/// Past pushes as files (docs/history-format.md): one push request, every job of it and why jobs failed, as
/// the rows that a tracker takes, so that what was recorded can be judged again.
namespace pushguard::history {

inline constexpr std::string_view format_name = "pushguard-history";
/// A newer minor version only adds keys, which are ignored; a newer major one cannot be read.
inline constexpr unsigned format_major = 1;
inline constexpr unsigned format_minor = 0;

/// Bytes of a line without its end. The fullest real job has a few KiB; a file may come from anywhere.
inline constexpr std::size_t line_bytes_max = 1024 * 1024;
/// Bytes of one text: what the queries keep of an error's message.
inline constexpr std::size_t text_bytes_max = 4096;
/// Error rows of one job. A tracker keeps fewer, and more of them say nothing new.
inline constexpr std::size_t errors_per_job_max = 100;

/// The first line. Empty texts and ids are what is not known.
struct history_header {
  std::string pushguard_version;  ///< that wrote it
  wall_time written_at{};
  std::string hub;          ///< its name in the configuration that was used
  domain::org_key hub_org;  ///< its id
  domain::request_row request;
  std::uint64_t jobs = 0;    ///< lines that follow
  bool is_complete = false;  ///< nothing of the push can change any more, and no row was left out
  bool has_texts = true;     ///< false: org names and error texts were left out

  friend bool operator==(const history_header&, const history_header&) = default;
};

struct history_error {
  domain::error_row row;
  /// In the place of message and details that were left out: 16 hex digits, equal where
  /// domain::error_signature is equal. Empty with the texts.
  std::string signature_hash;

  friend bool operator==(const history_error&, const history_error&) = default;
};

/// One push job with its org.
struct history_job {
  domain::job_row row;
  /// The org as it was when the file was written; nothing where it does not have the package any more. Its
  /// `version` is what was installed before the push, as far as that can still be known.
  std::optional<domain::subscriber_row> subscriber;
  std::vector<history_error> errors;  ///< in Salesforce's order
  std::uint64_t errors_omitted = 0;   ///< error rows that had no room

  friend bool operator==(const history_job&, const history_job&) = default;
};

struct past_push {
  history_header header;
  std::vector<history_job> jobs;  ///< in the order of stands_before()

  friend bool operator==(const past_push&, const past_push&) = default;
};

/// The order of the lines: by end, equal ends by job id, jobs without an end last.
[[nodiscard]] bool stands_before(const domain::job_row& a, const domain::job_row& b) noexcept;

/// What a tracker is to be told of a job's errors. Where the texts were left out the hash is the message,
/// so that equal causes are still counted as equal.
[[nodiscard]] std::vector<domain::error_row> errors_to_replay(const history_job& job);

}  // namespace pushguard::history
