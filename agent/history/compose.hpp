#pragma once

#include "agent/history/past_push.hpp"

namespace pushguard::history {

/// Personal data of customers: org names, and messages and details of errors.
enum class texts : unsigned char { kept, left_out };

/// What a hub answered about one push request.
struct push_rows {
  domain::request_row request;
  std::vector<domain::job_row> jobs;
  std::vector<domain::error_row> errors;            ///< of any of the jobs
  std::vector<domain::subscriber_row> subscribers;  ///< of any orgs
  bool lacks_rows = false;                          ///< some could not be decoded
};

/// Where and when they were read.
struct push_source {
  std::string pushguard_version;
  wall_time read_at{};
  std::string hub;
  domain::org_key hub_org;
};

/// Puts a past push together: each job with its org and its errors, in order. Rows of other requests, jobs
/// and packages are ignored, and so is a second row of one job.
[[nodiscard]] past_push compose(const push_source& source, push_rows rows, texts wanted = texts::kept);

}  // namespace pushguard::history
