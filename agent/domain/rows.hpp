#pragma once

#include <optional>
#include <string>

#include "agent/domain/ids.hpp"
#include "agent/domain/status.hpp"
#include "base/time.hpp"

/// What Salesforce answered, decoded: plain data on its way into the tracker.
namespace pushguard::domain {

/// First-generation packages have a Setup page with an Abort button; the others have no page at all.
enum class package_generation : unsigned char { unknown, first, second };

struct request_row {
  request_id id;
  package_id package;
  version_id version;
  std::string package_name;
  std::string version_number;  ///< `4.2.0.7`, or the version's name where numbers are missing
  package_generation generation = package_generation::unknown;
  push_status status = push_status::unrecognized;
  std::string status_text;  ///< as Salesforce wrote it
  std::optional<wall_time> scheduled_start;
  std::optional<wall_time> start;
  std::optional<wall_time> end;
  std::optional<wall_time> modified;  ///< SystemModstamp

  friend bool operator==(const request_row&, const request_row&) = default;
};

struct job_row {
  job_id id;
  request_id request;
  org_key org;
  push_status status = push_status::unrecognized;
  std::string status_text;  ///< as Salesforce wrote it, only where the status is unrecognized
  std::optional<wall_time> start;
  std::optional<wall_time> end;
  std::optional<wall_time> modified;  ///< SystemModstamp

  friend bool operator==(const job_row&, const job_row&) = default;
};

struct error_row {
  job_id job;
  error_severity severity = error_severity::error;
  error_type type = error_type::unknown;
  std::string title;
  std::string message;
  std::string details;

  friend bool operator==(const error_row&, const error_row&) = default;
};

struct subscriber_row {
  org_key org;
  package_id package;
  std::string name;
  org_type type = org_type::production;
  std::string sf_instance;
  std::string org_status;
  std::optional<version_id> version;  ///< installed when it was read

  friend bool operator==(const subscriber_row&, const subscriber_row&) = default;
};

/// What one stream event says, after field mapping. Everything but the times may be missing; an event
/// that names no job with its status is only a hint to look sooner.
struct push_event {
  std::optional<request_id> request;
  std::optional<job_id> job;
  std::optional<org_key> org;
  std::optional<push_status> status;
  std::optional<error_type> error;
};

}  // namespace pushguard::domain
