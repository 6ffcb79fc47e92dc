#pragma once

#include <boost/json/fwd.hpp>

#include "agent/domain/rows.hpp"
#include "agent/salesforce/queries.hpp"
#include "base/result.hpp"

/// One record of a query answer to one row. The record's own id, those it cannot be placed without, and
/// its status must be there; the rest may be missing or of another type than promised, and is left empty
/// then. errc::malformed says which field was wrong.
/// Texts are cut to what is worth keeping. Pure.
namespace pushguard::salesforce {

[[nodiscard]] result<package_row> decode_package(const boost::json::value& record);
[[nodiscard]] result<domain::request_row> decode_request(const boost::json::value& record);
[[nodiscard]] result<domain::job_row> decode_job(const boost::json::value& record);
[[nodiscard]] result<domain::error_row> decode_error(const boost::json::value& record);
[[nodiscard]] result<domain::subscriber_row> decode_subscriber(const boost::json::value& record);
[[nodiscard]] result<job_count> decode_job_count(const boost::json::value& record);
[[nodiscard]] result<package_version_row> decode_package_version(const boost::json::value& record);

}  // namespace pushguard::salesforce
