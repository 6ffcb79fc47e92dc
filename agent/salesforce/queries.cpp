#include "agent/salesforce/queries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <span>
#include <unordered_set>

#include "agent/salesforce/json.hpp"
#include "agent/salesforce/rows.hpp"

namespace pushguard::salesforce {

/// The rows of one object that a caller wants, in as many queries as it takes.
struct selection {
  std::string_view object;
  std::string columns;
  std::string_view id_field = {};     ///< which of `ids` a row must have; unused without any
  std::vector<std::string> ids = {};  ///< an empty list here means: not by ids
  std::string also = {};              ///< a further condition; may be empty
  std::string_view grouped_by = {};   ///< of an aggregate; it cannot be read in pieces
};

namespace {

namespace asio = boost::asio;

// SOQL may have 100 000 characters, but a query travels in the URL, which Salesforce cuts off at 16 384
// bytes: 200 ids percent-encoded take 5 400.
constexpr std::size_t ids_per_query_max = 200;

constexpr std::string_view request_object = "PackagePushRequest";
constexpr std::string_view job_object = "PackagePushJob";
constexpr std::string_view error_object = "PackagePushError";
constexpr std::string_view subscriber_object = "PackageSubscriber";

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

/// One for each list of ids that fits a query.
template <class Id>
std::vector<selection> selections_of(const selection& like, std::span<const Id> ids) {
  std::vector<selection> made;
  while (!ids.empty()) {
    const auto taken = ids.first(std::min(ids.size(), ids_per_query_max));
    selection& next = made.emplace_back(like);
    for (const Id& id : taken)
      next.ids.emplace_back(id.text());
    ids = ids.subspan(taken.size());
  }
  return made;
}

std::string condition_of(const selection& from) {
  if (from.ids.empty())
    return from.also;
  std::string list;
  for (const std::string& id : from.ids) {
    list += list.empty() ? "" : ", ";
    list += soql_quote(id);
  }
  std::string condition = fmt::format("{} IN ({})", from.id_field, list);
  if (!from.also.empty())
    condition += fmt::format(" AND {}", from.also);
  return condition;
}

std::string soql_of(const selection& from) {
  std::string soql = fmt::format("SELECT {} FROM {} WHERE {}", from.columns, from.object, condition_of(from));
  if (!from.grouped_by.empty())
    soql += fmt::format(" GROUP BY {}", from.grouped_by);
  return soql;
}

/// Asking for less may help.
bool is_too_much(const api_failure& failed) {
  return failed.kind == api_error_kind::query_timeout ||
         (failed.kind == api_error_kind::transport && failed.cause.is(errc::timed_out));
}

template <class Row>
using row_decoder = result<Row> (*)(const boost::json::value&);

/// Decodes every record of a query. One whose cursor is lost begins anew, a few times.
template <class Row>
asio::awaitable<api_result<read<Row>>> collect(rest_client& rest, std::string soql, row_decoder<Row> decode,
                                               std::string* last_id = nullptr) {
  constexpr unsigned beginnings_max = 3;
  for (unsigned beginning = 1;; ++beginning) {
    read<Row> collected;
    const auto take = [&collected, decode, last_id](std::span<const boost::json::value> records,
                                                    std::uint64_t total) {
      constexpr std::uint64_t rows_believed = 1'000'000;
      collected.rows.reserve(std::min(total, rows_believed));
      for (const boost::json::value& record : records) {
        auto row = decode(record);
        if (row)
          collected.rows.push_back(std::move(*row));
        else if (collected.malformed++ == 0)
          collected.malformed_example = row.error().text();
      }
      if (last_id != nullptr && !records.empty())
        *last_id = text_view_at(records.back(), "Id").value_or("");
    };
    const auto summary = co_await rest.query(soql, take);
    if (summary)
      co_return collected;
    if (summary.error().kind != api_error_kind::cursor_lost || beginning == beginnings_max)
      co_return std::unexpected(summary.error());
  }
}

template <class Row>
void append(read<Row>& to, read<Row> more) {
  if (to.rows.empty() && to.malformed == 0) {
    to = std::move(more);
    return;
  }
  to.rows.insert(to.rows.end(), std::make_move_iterator(more.rows.begin()),
                 std::make_move_iterator(more.rows.end()));
  if (to.malformed == 0)
    to.malformed_example = std::move(more.malformed_example);
  to.malformed += more.malformed;
}

/// All rows in the order of their ids, so many at a time that Salesforce can answer: each query goes on
/// behind the last id of the one before.
template <class Row>
asio::awaitable<api_result<read<Row>>> collect_in_pieces(rest_client& rest, selection from,
                                                         row_decoder<Row> decode) {
  constexpr std::uint64_t rows_first = 2000;
  constexpr std::uint64_t rows_least = 125;
  if (!from.columns.starts_with("Id,"))
    from.columns = "Id, " + from.columns;
  const std::string condition = condition_of(from);
  read<Row> all;
  std::string behind;
  for (std::uint64_t rows = rows_first;;) {
    std::string last_id;
    auto some = co_await collect(
        rest,
        fmt::format("SELECT {} FROM {} WHERE ({}){} ORDER BY Id LIMIT {}", from.columns, from.object,
                    condition, behind.empty() ? "" : fmt::format(" AND Id > {}", soql_quote(behind)), rows),
        decode, &last_id);
    if (!some && is_too_much(some.error()) && rows > rows_least) {
      rows /= 2;
      continue;
    }
    if (!some)
      co_return std::unexpected(some.error());
    const bool is_last = some->rows.size() + some->malformed < rows;
    append(all, std::move(*some));
    if (is_last)
      co_return all;
    if (last_id.empty() || last_id == behind)
      co_return std::unexpected(malformed_answer(fmt::format("querying {}", from.object), "a row has no Id"));
    behind = std::move(last_id);
  }
}

/// The rows of several selections. All or a failure. What Salesforce cannot answer in time is asked for
/// in halves, and at last in pieces.
template <class Row>
asio::awaitable<api_result<read<Row>>> collect_each(rest_client& rest, std::vector<selection> wanted,
                                                    row_decoder<Row> decode) {
  read<Row> all;
  std::ranges::reverse(wanted);  // a stack: the next one stands last
  while (!wanted.empty()) {
    selection next = std::move(wanted.back());
    wanted.pop_back();
    auto some = co_await collect(rest, soql_of(next), decode);
    if (!some && is_too_much(some.error()) && next.ids.size() > 1) {
      const auto middle = next.ids.begin() + static_cast<std::ptrdiff_t>(next.ids.size() / 2);
      selection second = next;
      second.ids.assign(std::make_move_iterator(middle), std::make_move_iterator(next.ids.end()));
      next.ids.erase(middle, next.ids.end());
      wanted.push_back(std::move(second));
      wanted.push_back(std::move(next));
      continue;
    }
    if (!some && is_too_much(some.error()) && next.grouped_by.empty())
      some = co_await collect_in_pieces(rest, std::move(next), decode);
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
  auto read = co_await collect<package_row>(
      rest_, "SELECT Id, Name, NamespacePrefix, PackageCategory FROM MetadataPackage", decode_package);
  co_return plain(std::move(read));
}

asio::awaitable<api_result<read<domain::request_row>>> push_queries::read_requests(
    std::vector<selection> wanted, modstamp_use use) {
  for (selection& each : wanted)
    each.columns = fmt::format("{}{}", request_columns, use == modstamp_use::none ? "" : ", SystemModstamp");
  auto read = co_await collect_each<domain::request_row>(rest_, std::move(wanted), decode_request);
  co_return read;
}

asio::awaitable<api_result<read<domain::job_row>>> push_queries::read_jobs(std::vector<selection> wanted,
                                                                           modstamp_use use) {
  for (selection& each : wanted)
    each.columns = fmt::format("{}{}", job_columns, use == modstamp_use::none ? "" : ", SystemModstamp");
  auto read = co_await collect_each<domain::job_row>(rest_, std::move(wanted), decode_job);
  co_return read;
}

asio::awaitable<result<push_probe>> push_queries::probe() {
  push_probe found;
  for (const std::string_view object : {request_object, job_object}) {
    const auto described = co_await rest_.describe(std::string(object));
    if (!described)
      co_return std::unexpected(described.error().cause);
    modstamp_use use = modstamp_use::none;
    for (const field_description& field : described->fields) {
      if (field.name == "SystemModstamp")
        use = field.is_filterable ? modstamp_use::filter : modstamp_use::select;
      if (field.name != "Status")
        continue;
      for (const std::string& value : field.picklist) {
        if (domain::parse_push_status(value) == domain::push_status::unrecognized)
          found.unknown_statuses.push_back(fmt::format("{}: {}", object, value));
      }
      if (object == request_object)
        found.can_cancel = field.is_updateable;
    }
    (object == request_object ? request_modstamp_ : job_modstamp_) = use;
  }
  found.reads_changes = job_modstamp_ == modstamp_use::filter;
  co_return found;
}

asio::awaitable<result<read<domain::request_row>>> push_queries::requests(wall_time ended_since) {
  const std::string since = format_time(ended_since);
  modstamp_use use = request_modstamp_;
  while (true) {
    // An ended request that had no ScheduledStartTime cannot be dated without SystemModstamp: read it too.
    selection wanted{.object = request_object, .columns = {}};
    wanted.also =
        use == modstamp_use::filter
            ? fmt::format("{} OR SystemModstamp >= {}", not_ended, since)
            : fmt::format("{} OR ScheduledStartTime >= {} OR ScheduledStartTime = null", not_ended, since);
    std::vector<selection> once;
    once.push_back(std::move(wanted));
    auto read = co_await read_requests(std::move(once), use);
    if (read)
      request_modstamp_ = use;
    if (read || !is_about_a_field(read.error()) || use == modstamp_use::none)
      co_return plain(std::move(read));
    use = less(use);
  }
}

asio::awaitable<result<read<domain::request_row>>> push_queries::requests_by_id(
    std::vector<domain::request_id> ids) {
  const selection like{.object = request_object, .columns = {}, .id_field = "Id"};
  modstamp_use use = request_modstamp_;
  while (true) {
    auto read = co_await read_requests(selections_of<domain::request_id>(like, ids), use);
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

asio::awaitable<result<job_counts_read>> push_queries::job_counts(std::vector<domain::request_id> requests) {
  job_counts_read counted;
  const selection like{.object = job_object,
                       .columns = "PackagePushRequestId, Status, COUNT(Id)",
                       .id_field = "PackagePushRequestId",
                       .grouped_by = "PackagePushRequestId, Status"};
  std::span<const domain::request_id> rest = requests;
  std::size_t taken_max = ids_per_query_max;
  while (!rest.empty()) {
    const auto taken = rest.first(std::min(rest.size(), taken_max));
    auto some = co_await collect_each<job_count>(rest_, selections_of<domain::request_id>(like, taken),
                                                 decode_job_count);
    if (!some && is_too_much(some.error())) {
      // Salesforce cannot even count the jobs of one of these: one by one, then, to see of which.
      if (taken.size() > 1) {
        taken_max = 1;
        continue;
      }
      counted.uncounted.push_back(taken.front());
    } else if (!some) {
      co_return std::unexpected(some.error().cause);
    } else {
      // Counts that are incomplete would look like a change, or hide one.
      if (some->malformed > 0)
        co_return fail(errc::malformed, fmt::format("counting push jobs: {}", some->malformed_example));
      counted.counts.insert(counted.counts.end(), some->rows.begin(), some->rows.end());
    }
    rest = rest.subspan(taken.size());
  }
  co_return counted;
}

asio::awaitable<result<jobs_read>> push_queries::jobs(std::vector<domain::request_id> requests,
                                                      std::optional<wall_time> changed_since) {
  const auto of_requests = selections_of<domain::request_id>(
      {.object = job_object, .columns = {}, .id_field = "PackagePushRequestId"}, requests);
  modstamp_use use = job_modstamp_;
  while (true) {
    const bool is_filtered = changed_since.has_value() && use == modstamp_use::filter;
    std::vector<selection> wanted = of_requests;
    if (is_filtered) {
      for (selection& each : wanted)
        each.also = fmt::format("SystemModstamp >= {}", format_time(*changed_since));
    }
    auto read = co_await read_jobs(std::move(wanted), use);
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
  const selection like{.object = job_object, .columns = {}, .id_field = "Id"};
  modstamp_use use = job_modstamp_;
  while (true) {
    auto read = co_await read_jobs(selections_of<domain::job_id>(like, ids), use);
    if (read)
      job_modstamp_ = use;
    if (read || !is_about_a_field(read.error()) || use == modstamp_use::none)
      co_return plain(std::move(read));
    use = modstamp_use::none;
  }
}

asio::awaitable<result<read<domain::error_row>>> push_queries::errors_of_jobs(
    std::vector<domain::job_id> ids) {
  auto wanted = selections_of<domain::job_id>(
      {.object = error_object, .columns = std::string(error_columns), .id_field = "PackagePushJobId"}, ids);
  auto read = co_await collect_each<domain::error_row>(rest_, std::move(wanted), decode_error);
  co_return plain(std::move(read));
}

asio::awaitable<result<read<domain::error_row>>> push_queries::errors_of_requests(
    std::vector<domain::request_id> requests) {
  auto wanted = selections_of<domain::request_id>({.object = error_object,
                                                   .columns = std::string(error_columns),
                                                   .id_field = "PackagePushJob.PackagePushRequestId"},
                                                  requests);
  auto read = co_await collect_each<domain::error_row>(rest_, std::move(wanted), decode_error);
  co_return plain(std::move(read));
}

asio::awaitable<result<read<domain::subscriber_row>>> push_queries::subscribers(
    domain::package_id package, std::vector<domain::org_key> orgs) {
  auto found = co_await read_subscribers(package, orgs, org_keys_);
  // Whether the org tells its keys with 15 or 18 characters is not documented consistently, and each form
  // finds only itself.
  if (found && found->rows.empty() && !orgs.empty()) {
    const key_form other = org_keys_ == key_form::as_given ? key_form::other : key_form::as_given;
    auto again = co_await read_subscribers(package, orgs, other);
    if (again && !again->rows.empty())
      org_keys_ = other;
    found = std::move(again);
  }
  if (found) {
    const std::unordered_set<domain::org_key> wanted(orgs.begin(), orgs.end());
    std::erase_if(found->rows, [&](const domain::subscriber_row& row) { return !wanted.contains(row.org); });
  }
  co_return plain(std::move(found));
}

asio::awaitable<api_result<read<domain::subscriber_row>>> push_queries::read_subscribers(
    domain::package_id package, std::vector<domain::org_key> orgs, key_form form) {
  if (form == key_form::other) {
    for (domain::org_key& key : orgs) {
      const bool is_short = key.text() == key.key();
      const std::string text = is_short ? key.long_text() : std::string(key.key());
      key = domain::org_key::parse(text).value_or(key);
    }
  }
  auto wanted = selections_of<domain::org_key>(
      {.object = subscriber_object,
       .columns = std::string(subscriber_columns),
       .id_field = "OrgKey",
       .also = fmt::format("MetadataPackageId = {}", soql_quote(package.text()))},
      orgs);
  auto read = co_await collect_each<domain::subscriber_row>(rest_, std::move(wanted), decode_subscriber);
  co_return read;
}

asio::awaitable<result<read<domain::subscriber_row>>> push_queries::subscribers_of_package(
    domain::package_id package) {
  std::vector<selection> wanted(1);
  wanted.front().object = subscriber_object;
  wanted.front().columns = subscriber_columns;
  wanted.front().also = fmt::format("MetadataPackageId = {}", soql_quote(package.text()));
  auto read = co_await collect_each<domain::subscriber_row>(rest_, std::move(wanted), decode_subscriber);
  co_return plain(std::move(read));
}

asio::awaitable<result<read<package_version_row>>> push_queries::versions() {
  auto read = co_await collect<package_version_row>(
      rest_,
      "SELECT Id, Name, MetadataPackageId, MajorVersion, MinorVersion, PatchVersion, BuildNumber, "
      "ReleaseState, IsDeprecated FROM MetadataPackageVersion",
      decode_package_version);
  co_return plain(std::move(read));
}

}  // namespace pushguard::salesforce
