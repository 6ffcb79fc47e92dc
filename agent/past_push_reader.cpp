#include "agent/past_push_reader.hpp"

#include <fmt/format.h>

#include <utility>

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

// Above so many orgs one read of all subscribers is cheaper than lists of keys.
constexpr std::size_t subscribers_by_key_max = 2000;

/// The rows, and a warning about those that were left out.
template <class Row>
std::vector<Row> rows_of(salesforce::read<Row> read, std::string_view what, bool& lacks_rows,
                         std::vector<std::string>& warnings) {
  if (read.malformed > 0) {
    lacks_rows = true;
    warnings.push_back(fmt::format("left out {} {} that cannot be read, the first because {}", read.malformed,
                                   what, read.malformed_example));
  }
  return std::move(read.rows);
}

void warn_of_what_lacks(const history::past_push& push, bool lacks_rows, std::vector<std::string>& warnings) {
  if (!push.header.is_complete && !lacks_rows) {
    warnings.push_back(
        fmt::format("the push request is {} and not all of its jobs have ended: this history is not complete",
                    domain::to_string(push.header.request.status)));
  }
}

asio::awaitable<result<salesforce::read<domain::subscriber_row>>> read_subscribers(
    salesforce::push_queries& queries, domain::package_id package, std::vector<domain::job_row> jobs) {
  std::vector<domain::org_key> orgs;
  orgs.reserve(jobs.size());
  for (const domain::job_row& job : jobs)
    orgs.push_back(job.org);
  auto asking = orgs.size() > subscribers_by_key_max ? queries.subscribers_of_package(package)
                                                     : queries.subscribers(package, std::move(orgs));
  auto read = co_await std::move(asking);
  co_return read;
}

}  // namespace

asio::awaitable<result<past_push_reading>> read_past_push(hub_connection& hub, time_source& time,
                                                          past_push_wish wish, reading_progress progress) {
  salesforce::push_queries& queries = hub.queries();
  past_push_reading made;
  history::push_rows rows;

  progress("logging in");
  const auto session = co_await hub.session().current();
  if (!session)
    co_return std::unexpected(session.error());
  const auto version = co_await queries.choose_version(wish.api_version);
  if (!version)
    co_return std::unexpected(version.error());

  progress("reading the push request");
  // What it says of the request is older than what it says of the jobs, never newer: a request that ended
  // in between is told as not complete.
  auto request = co_await queries.request_by_id(wish.request);
  if (!request)
    co_return std::unexpected(request.error());
  rows.request = std::move(*request);
  const std::vector<domain::request_id> requests{rows.request.id};

  progress("reading its jobs");
  auto jobs = co_await queries.jobs(requests);
  if (!jobs)
    co_return fail_in("reading push jobs", jobs.error());
  rows.jobs = rows_of(std::move(jobs->jobs), "jobs", rows.lacks_rows, made.warnings);

  progress(fmt::format("reading the errors of {} jobs", rows.jobs.size()));
  auto errors = co_await queries.errors_of_requests(requests);
  if (!errors)
    co_return fail_in("reading push errors", errors.error());
  rows.errors = rows_of(std::move(*errors), "errors", rows.lacks_rows, made.warnings);

  if (rows.request.package.empty()) {
    made.warnings.emplace_back(
        "Salesforce does not tell the package of the push request: orgs have neither name nor type");
  } else if (!rows.jobs.empty()) {
    progress(fmt::format("reading {} orgs", rows.jobs.size()));
    auto subscribers = co_await read_subscribers(queries, rows.request.package, rows.jobs);
    if (!subscribers)
      co_return fail_in("reading subscribers", subscribers.error());
    rows.subscribers = rows_of(std::move(*subscribers), "orgs", rows.lacks_rows, made.warnings);
  }

  const bool lacks_rows = rows.lacks_rows;
  const history::push_source source{
      .pushguard_version = std::move(wish.pushguard_version),
      .read_at = time.wall_now(),
      .hub = std::move(wish.hub),
      .hub_org = domain::org_key::parse(session->org_id).value_or(domain::org_key())};
  made.push = history::compose(source, std::move(rows), wish.texts);
  warn_of_what_lacks(made.push, lacks_rows, made.warnings);
  co_return made;
}

}  // namespace pushguard::agent
