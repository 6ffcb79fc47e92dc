#pragma once

#include <random>
#include <string>

#include "agent/history/compose.hpp"

namespace pushguard::history::test {

/// The id with this number: `0DX000000000007`.
template <class Id>
Id make_id(std::string_view prefix, unsigned number) {
  std::string digits = std::to_string(number);
  return Id::parse(std::string(prefix) + std::string(12 - digits.size(), '0') + digits).value();
}

[[nodiscard]] domain::request_row sample_request();
[[nodiscard]] domain::job_row sample_job(unsigned number, domain::push_status status);
[[nodiscard]] domain::error_row sample_error(unsigned job);
[[nodiscard]] domain::subscriber_row sample_subscriber(unsigned org);
[[nodiscard]] push_source sample_source();

/// `2025-03-01T10:00:00Z` and that much later.
[[nodiscard]] wall_time at(duration later);

/// Rows of one request with hostile texts, missing instants and orgs, and any statuses.
[[nodiscard]] push_rows random_rows(std::mt19937& random);

/// The whole file.
[[nodiscard]] std::string write(const past_push& push);

}  // namespace pushguard::history::test
