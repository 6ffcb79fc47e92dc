#include "agent/salesforce/queries.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <charconv>
#include <span>
#include <unordered_set>

#include "agent/salesforce/rows.hpp"

namespace pushguard::salesforce {
namespace {

namespace asio = boost::asio;

// SOQL may have 100 000 characters, but a query travels in the URL, which Salesforce cuts off at 16 384
// bytes: 200 ids percent-encoded take 5 400.
constexpr std::size_t ids_per_query_max = 200;

constexpr std::string_view request_columns =
    "Id, PackageVersionId, PackageVersion.Name, PackageVersion.MajorVersion, PackageVersion.MinorVersion, "
    "PackageVersion.PatchVersion, PackageVersion.BuildNumber, PackageVersion.MetadataPackageId, "
    "PackageVersion.MetadataPackage.Name, PackageVersion.MetadataPackage.PackageCategory, "
    "ScheduledStartTime, Status, StartTime, EndTime";
constexpr std::string_view job_columns =
    "Id, PackagePushRequestId, SubscriberOrganizationKey, Status, StartTime, EndTime";
constexpr std::string_view error_columns =
    "PackagePushJobId, ErrorSeverity, ErrorType, ErrorTitle, ErrorMessage, ErrorDetails";
constexpr std::string_view subscriber_columns =
    "OrgKey, OrgName, OrgType, OrgStatus, InstanceName, MetadataPackageId, MetadataPackageVersionId";
// By the complement, because the value of "In Progress" is written in two ways.
constexpr std::string_view not_ended = "Status NOT IN ('Succeeded', 'Failed', 'Canceled')";

/// `field IN ('a', 'b')` for as many ids as one query takes, and as often as needed.
template <class Id>
std::vector<std::string> in_conditions(std::string_view field, std::span<const Id> ids) {
  std::vector<std::string> conditions;
  while (!ids.empty()) {
    const auto taken = ids.first(std::min(ids.size(), ids_per_query_max));
    std::string list;
    for (const Id& id : taken) {
      list += list.empty() ? "" : ", ";
      list += soql_quote(id.text());
    }
    conditions.push_back(fmt::format("{} IN ({})", field, list));
    ids = ids.subspan(taken.size());
  }
  return conditions;
}

/// Decodes every record of a query.
template <class Row>
asio::awaitable<api_result<read<Row>>> collect(rest_client& rest, std::string soql,
                                               result<Row> (*decode)(const boost::json::value&)) {
  read<Row> collected;
  const auto take_page = [&collected, decode](const boost::json::array& records) {
    collected.rows.reserve(collected.rows.size() + records.size());
    for (const boost::json::value& record : records) {
      auto row = decode(record);
      if (row)
        collected.rows.push_back(std::move(*row));
      else if (collected.malformed++ == 0)
        collected.malformed_example = row.error().text();
    }
  };
  const auto summary = co_await rest.query(std::move(soql), take_page);
  if (!summary)
    co_return std::unexpected(summary.error());
  co_return collected;
}

template <class Row>
void append(read<Row>& to, read<Row> more) {
  to.rows.insert(to.rows.end(), std::make_move_iterator(more.rows.begin()),
                 std::make_move_iterator(more.rows.end()));
  if (to.malformed == 0)
    to.malformed_example = std::move(more.malformed_example);
  to.malformed += more.malformed;
}

/// The rows of several queries that differ in their conditions. All or a failure.
template <class Row>
asio::awaitable<api_result<read<Row>>> collect_each(rest_client& rest, std::string select,
                                                    std::vector<std::string> conditions,
                                                    result<Row> (*decode)(const boost::json::value&)) {
  read<Row> all;
  for (const std::string& condition : conditions) {
    auto some = co_await collect(rest, fmt::format("{} WHERE {}", select, condition), decode);
    if (!some)
      co_return std::unexpected(some.error());
    append(all, std::move(*some));
  }
  co_return all;
}

/// What callers outside this folder need to know of a failure.
template <class T>
result<T> plain(api_result<T> read) {
  if (!read)
    return std::unexpected(read.error().cause);
  return std::move(*read);
}

bool is_about_a_field(const api_failure& failed) {
  return failed.kind == api_error_kind::invalid_field || failed.kind == api_error_kind::malformed_query;
}

struct version_number {
  int major = 0;
  int minor = 0;

  friend auto operator<=>(const version_number&, const version_number&) = default;
};

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole ? std::optional(number) : std::nullopt;
}

/// Reads `62.0`; 0.0 for what is no version.
version_number parse_version(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos)
    return {};
  const auto major = parse_number(text.substr(0, dot));
  const auto minor = parse_number(text.substr(dot + 1));
  return major && minor ? version_number{*major, *minor} : version_number();
}

}  // namespace

std::string soql_quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    switch (c) {
      case '\'':
      case '\\':
        quoted += '\\';
        quoted += c;
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        quoted += c;
    }
  }
  quoted += '\'';
  return quoted;
}

asio::awaitable<result<std::string>> push_queries::choose_version(std::optional<std::string> wanted) {
  constexpr version_number first_with_start_times{51, 0};
  auto offered = co_await rest_.versions();
  if (!offered)
    co_return std::unexpected(offered.error().cause);
  std::string newest;
  for (const std::string& version : *offered) {
    if (wanted ? version == *wanted : parse_version(version) > parse_version(newest))
      newest = version;
  }
  if (newest.empty() && wanted)
    co_return fail(errc::invalid, fmt::format("the org does not offer API version {}", *wanted));
  if (parse_version(newest) < first_with_start_times)
    co_return fail(errc::invalid, fmt::format("API version 51.0 or later is needed; the org offers {}",
                                              newest.empty() ? "none" : newest));
  rest_.use_api_version(newest);
  co_return newest;
}

asio::awaitable<result<read<package_row>>> push_queries::packages() {
  auto read = co_await collect(
      rest_, "SELECT Id, Name, NamespacePrefix, PackageCategory FROM MetadataPackage", decode_package);
  co_return plain(std::move(read));
}

asio::awaitable<api_result<read<domain::request_row>>> push_queries::read_requests(
    std::vector<std::string> conditions, modstamp_use use) {
  std::string select = fmt::format("SELECT {}{} FROM PackagePushRequest", request_columns,
                                   use == modstamp_use::none ? "" : ", SystemModstamp");
  auto read = co_await collect_each(rest_, std::move(select), std::move(conditions), decode_request);
  co_return read;
}

asio::awaitable<api_result<read<domain::job_row>>> push_queries::read_jobs(
    std::vector<std::string> conditions, modstamp_use use) {
  std::string select = fmt::format("SELECT {}{} FROM PackagePushJob", job_columns,
                                   use == modstamp_use::none ? "" : ", SystemModstamp");
  auto read = co_await collect_each(rest_, std::move(select), std::move(conditions), decode_job);
  co_return read;
}

asio::awaitable<result<read<domain::request_row>>> push_queries::requests(wall_time ended_since) {
  const std::string since = format_time(ended_since);
  modstamp_use use = request_modstamp_;
  while (true) {
    // An ended request that had no ScheduledStartTime cannot be dated without SystemModstamp: read it too.
    std::vector<std::string> conditions{
        use == modstamp_use::filter
            ? fmt::format("{} OR SystemModstamp >= {}", not_ended, since)
            : fmt::format("{} OR ScheduledStartTime >= {} OR ScheduledStartTime = null", not_ended, since)};
    auto read = co_await read_requests(std::move(conditions), use);
    if (read)
      request_modstamp_ = use;
    if (read || !is_about_a_field(read.error()) || use == modstamp_use::none)
      co_return plain(std::move(read));
    use = less(use);
  }
}

asio::awaitable<result<read<domain::request_row>>> push_queries::requests_by_id(
    std::vector<domain::request_id> ids) {
  modstamp_use use = request_modstamp_;
  while (true) {
    auto read = co_await read_requests(in_conditions<domain::request_id>("Id", ids), use);
    if (read)
      request_modstamp_ = use;
    if (read || !is_about_a_field(read.error()) || use == modstamp_use::none)
      co_return plain(std::move(read));
    use = modstamp_use::none;
  }
}

asio::awaitable<result<domain::request_row>> push_queries::request_by_id(domain::request_id id) {
  std::vector<domain::request_id> ids{id};
  auto found = co_await requests_by_id(std::move(ids));
  if (!found)
    co_return std::unexpected(found.error());
  for (domain::request_row& row : found->rows) {
    if (row.id == id)
      co_return std::move(row);
  }
  if (found->malformed > 0)
    co_return fail(errc::malformed, fmt::format("reading {}: {}", id.text(), found->malformed_example));
  co_return fail(errc::not_found, fmt::format("the hub has no push request {}", id.text()));
}

asio::awaitable<result<std::vector<job_count>>> push_queries::job_counts(
    std::vector<domain::request_id> requests) {
  std::vector<job_count> counts;
  for (const std::string& condition : in_conditions<domain::request_id>("PackagePushRequestId", requests)) {
    auto some =
        co_await collect(rest_,
                         fmt::format("SELECT PackagePushRequestId, Status, COUNT(Id) FROM PackagePushJob "
                                     "WHERE {} GROUP BY PackagePushRequestId, Status",
                                     condition),
                         decode_job_count);
    if (!some)
      co_return std::unexpected(some.error().cause);
    // Counts that are incomplete would look like a change, or hide one.
    if (some->malformed > 0)
      co_return fail(errc::malformed, fmt::format("counting push jobs: {}", some->malformed_example));
    counts.insert(counts.end(), some->rows.begin(), some->rows.end());
  }
  co_return counts;
}

asio::awaitable<result<jobs_read>> push_queries::jobs(std::vector<domain::request_id> requests,
                                                      std::optional<wall_time> changed_since) {
  const auto of_requests = in_conditions<domain::request_id>("PackagePushRequestId", requests);
  modstamp_use use = job_modstamp_;
  while (true) {
    const bool is_filtered = changed_since.has_value() && use == modstamp_use::filter;
    std::vector<std::string> conditions = of_requests;
    if (is_filtered) {
      for (std::string& condition : conditions)
        condition += fmt::format(" AND SystemModstamp >= {}", format_time(*changed_since));
    }
    auto read = co_await read_jobs(std::move(conditions), use);
    if (read) {
      job_modstamp_ = use;
      co_return jobs_read{std::move(*read), is_filtered ? coverage::changes : coverage::complete};
    }
    if (!is_about_a_field(read.error()) || use == modstamp_use::none)
      co_return std::unexpected(read.error().cause);
    use = is_filtered ? modstamp_use::select : modstamp_use::none;
  }
}

asio::awaitable<result<read<domain::job_row>>> push_queries::jobs_by_id(std::vector<domain::job_id> ids) {
  modstamp_use use = job_modstamp_;
  while (true) {
    auto read = co_await read_jobs(in_conditions<domain::job_id>("Id", ids), use);
    if (read)
      job_modstamp_ = use;
    if (read || !is_about_a_field(read.error()) || use == modstamp_use::none)
      co_return plain(std::move(read));
    use = modstamp_use::none;
  }
}

asio::awaitable<result<read<domain::error_row>>> push_queries::errors_of_jobs(
    std::vector<domain::job_id> ids) {
  std::string select = fmt::format("SELECT {} FROM PackagePushError", error_columns);
  auto read = co_await collect_each(rest_, std::move(select),
                                    in_conditions<domain::job_id>("PackagePushJobId", ids), decode_error);
  co_return plain(std::move(read));
}

asio::awaitable<result<read<domain::error_row>>> push_queries::errors_of_requests(
    std::vector<domain::request_id> requests) {
  std::string select = fmt::format("SELECT {} FROM PackagePushError", error_columns);
  auto read = co_await collect_each(
      rest_, std::move(select),
      in_conditions<domain::request_id>("PackagePushJob.PackagePushRequestId", requests), decode_error);
  co_return plain(std::move(read));
}

asio::awaitable<result<read<domain::subscriber_row>>> push_queries::subscribers(
    domain::package_id package, std::vector<domain::org_key> orgs) {
  auto conditions = in_conditions<domain::org_key>("OrgKey", orgs);
  for (std::string& condition : conditions)
    condition += fmt::format(" AND MetadataPackageId = {}", soql_quote(package.text()));
  std::string select = fmt::format("SELECT {} FROM PackageSubscriber", subscriber_columns);
  auto found = co_await collect_each(rest_, std::move(select), std::move(conditions), decode_subscriber);
  if (found) {
    const std::unordered_set<domain::org_key> wanted(orgs.begin(), orgs.end());
    std::erase_if(found->rows, [&](const domain::subscriber_row& row) { return !wanted.contains(row.org); });
  }
  co_return plain(std::move(found));
}

asio::awaitable<result<read<domain::subscriber_row>>> push_queries::subscribers_of_package(
    domain::package_id package) {
  auto read = co_await collect(rest_,
                               fmt::format("SELECT {} FROM PackageSubscriber WHERE MetadataPackageId = {}",
                                           subscriber_columns, soql_quote(package.text())),
                               decode_subscriber);
  co_return plain(std::move(read));
}

}  // namespace pushguard::salesforce
