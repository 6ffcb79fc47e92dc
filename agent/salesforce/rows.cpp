#include "agent/salesforce/rows.hpp"

#include <fmt/format.h>

#include "agent/salesforce/json.hpp"

namespace pushguard::salesforce {
namespace {

using boost::json::value;

// Salesforce's names have at most 255 characters, of up to four bytes.
constexpr std::size_t name_bytes_max = 1024;
// Error texts can be stack traces; their beginning is what people and signatures use.
constexpr std::size_t error_text_bytes_max = 4096;
constexpr std::size_t status_bytes_max = 64;

template <class Id>
result<Id> id_at(const value& record, std::string_view name) {
  const auto text = text_view_at(record, name);
  if (!text)
    return fail(errc::malformed, fmt::format("{} is missing", name));
  auto parsed = Id::parse(*text);
  if (!parsed)
    return fail(errc::malformed, fmt::format("{}: {}", name, parsed.error().text()));
  return parsed;
}

/// An empty id where there is none, or none that is right.
template <class Id>
Id id_or_empty(const value* record, std::string_view name) {
  const auto parsed = record == nullptr ? result<Id>() : id_at<Id>(*record, name);
  return parsed ? *parsed : Id();
}

result<std::string> status_at(const value& record) {
  std::string status = text_at(record, "Status", status_bytes_max);
  if (status.empty())
    return fail(errc::malformed, "Status is missing");
  return status;
}

domain::package_generation generation_at(const value& package) {
  const auto category = text_view_at(package, "PackageCategory").value_or("");
  if (category == "Package")
    return domain::package_generation::first;
  if (category == "Package2")
    return domain::package_generation::second;
  return domain::package_generation::unknown;
}

/// `4.2.0.7`, as far as there are numbers; the version's name where there are none.
std::string version_number(const value& version) {
  const auto major = number_at(version, "MajorVersion");
  const auto minor = number_at(version, "MinorVersion");
  if (!major || !minor)
    return text_at(version, "Name", name_bytes_max);
  const auto patch = number_at(version, "PatchVersion");
  const auto build = number_at(version, "BuildNumber");
  std::string number = fmt::format("{}.{}", *major, *minor);
  if (patch || build)
    number += fmt::format(".{}", patch.value_or(0));
  if (build)
    number += fmt::format(".{}", *build);
  return number;
}

}  // namespace

result<package_row> decode_package(const value& record) {
  auto id = id_at<domain::package_id>(record, "Id");
  if (!id)
    return std::unexpected(id.error());
  package_row row;
  row.id = *id;
  row.name = text_at(record, "Name", name_bytes_max);
  row.namespace_prefix = text_at(record, "NamespacePrefix", name_bytes_max);
  row.generation = generation_at(record);
  return row;
}

result<domain::request_row> decode_request(const value& record) {
  auto id = id_at<domain::request_id>(record, "Id");
  if (!id)
    return std::unexpected(id.error());
  auto version = id_at<domain::version_id>(record, "PackageVersionId");
  if (!version)
    return std::unexpected(version.error());
  auto status = status_at(record);
  if (!status)
    return std::unexpected(status.error());
  domain::request_row row;
  row.id = *id;
  row.version = *version;
  row.status = domain::parse_push_status(*status);
  row.status_text = std::move(*status);
  row.scheduled_start = time_at(record, "ScheduledStartTime");
  row.start = time_at(record, "StartTime");
  row.end = time_at(record, "EndTime");
  row.modified = time_at(record, "SystemModstamp");
  const value* of_version = find(record, "PackageVersion");
  row.package = id_or_empty<domain::package_id>(of_version, "MetadataPackageId");
  if (of_version != nullptr)
    row.version_number = version_number(*of_version);
  if (const value* package = of_version == nullptr ? nullptr : find(*of_version, "MetadataPackage")) {
    row.package_name = text_at(*package, "Name", name_bytes_max);
    row.generation = generation_at(*package);
  }
  return row;
}

result<domain::job_row> decode_job(const value& record) {
  auto id = id_at<domain::job_id>(record, "Id");
  if (!id)
    return std::unexpected(id.error());
  auto request = id_at<domain::request_id>(record, "PackagePushRequestId");
  if (!request)
    return std::unexpected(request.error());
  auto org = id_at<domain::org_key>(record, "SubscriberOrganizationKey");
  if (!org)
    return std::unexpected(org.error());
  auto status = status_at(record);
  if (!status)
    return std::unexpected(status.error());
  domain::job_row row;
  row.id = *id;
  row.request = *request;
  row.org = *org;
  row.status = domain::parse_push_status(*status);
  if (row.status == domain::push_status::unrecognized)
    row.status_text = std::move(*status);
  row.start = time_at(record, "StartTime");
  row.end = time_at(record, "EndTime");
  row.modified = time_at(record, "SystemModstamp");
  return row;
}

result<domain::error_row> decode_error(const value& record) {
  auto job = id_at<domain::job_id>(record, "PackagePushJobId");
  if (!job)
    return std::unexpected(job.error());
  domain::error_row row;
  row.job = *job;
  row.severity = domain::parse_error_severity(text_view_at(record, "ErrorSeverity").value_or(""));
  row.type = domain::parse_error_type(text_view_at(record, "ErrorType").value_or(""));
  row.title = text_at(record, "ErrorTitle", name_bytes_max);
  row.message = text_at(record, "ErrorMessage", error_text_bytes_max);
  row.details = text_at(record, "ErrorDetails", error_text_bytes_max);
  return row;
}

result<domain::subscriber_row> decode_subscriber(const value& record) {
  auto org = id_at<domain::org_key>(record, "OrgKey");
  if (!org)
    return std::unexpected(org.error());
  auto package = id_at<domain::package_id>(record, "MetadataPackageId");
  if (!package)
    return std::unexpected(package.error());
  domain::subscriber_row row;
  row.org = *org;
  row.package = *package;
  row.name = text_at(record, "OrgName", name_bytes_max);
  row.type = domain::parse_org_type(text_view_at(record, "OrgType").value_or(""));
  row.sf_instance = text_at(record, "InstanceName", status_bytes_max);
  row.org_status = text_at(record, "OrgStatus", status_bytes_max);
  if (const auto version = id_at<domain::version_id>(record, "MetadataPackageVersionId"))
    row.version = *version;
  return row;
}

result<job_count> decode_job_count(const value& record) {
  auto request = id_at<domain::request_id>(record, "PackagePushRequestId");
  if (!request)
    return std::unexpected(request.error());
  const auto status = status_at(record);
  if (!status)
    return std::unexpected(status.error());
  const auto jobs = number_at(record, "expr0");
  if (!jobs)
    return fail(errc::malformed, "expr0 is not a count");
  return job_count{*request, domain::parse_push_status(*status), *jobs};
}

result<package_version_row> decode_package_version(const value& record) {
  auto id = id_at<domain::version_id>(record, "Id");
  if (!id)
    return std::unexpected(id.error());
  auto package = id_at<domain::package_id>(record, "MetadataPackageId");
  if (!package)
    return std::unexpected(package.error());
  package_version_row row;
  row.id = *id;
  row.package = *package;
  row.name = text_at(record, "Name", name_bytes_max);
  row.number = version_number(record);
  row.numbers = {number_at(record, "MajorVersion").value_or(0), number_at(record, "MinorVersion").value_or(0),
                 number_at(record, "PatchVersion").value_or(0), number_at(record, "BuildNumber").value_or(0)};
  row.is_released = text_view_at(record, "ReleaseState") == "Released";
  row.is_deprecated = is_true_at(record, "IsDeprecated");
  return row;
}

}  // namespace pushguard::salesforce
