#include "agent/hub_reader.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/yield_turn.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;
using tracker::request_index;

namespace {

constexpr std::size_t rows_per_turn = 300;  // about a millisecond of work: events and timers get their turn
// Salesforce stamps a change before it becomes visible; reading a little of the past again costs little.
constexpr duration modstamp_overlap = std::chrono::minutes(2);
// Above so many orgs one read of all subscribers is cheaper than lists of keys.
constexpr std::size_t subscribers_by_key_max = 2000;
// So many jobs go into one query by their ids, and so many rows come on one page of an answer.
constexpr std::size_t jobs_per_query = 200;
constexpr std::size_t rows_per_page = 2000;

bool is_in(std::span<const domain::request_id> list, const domain::request_id& id) {
  return std::ranges::find(list, id) != list.end();
}

}  // namespace

template <class Row>
void hub_reader::note_malformed(const salesforce::read<Row>& read, std::string_view what) {
  if (read.malformed > 0) {
    log_.warning("rows_malformed",
                 {{"rows", what}, {"count", read.malformed}, {"example", read.malformed_example}});
  }
}

template <class Row>
asio::awaitable<void> hub_reader::apply(salesforce::read<Row> read, wall_time asked, std::string_view what) {
  note_malformed(read, what);
  const std::span<const Row> rows(read.rows);
  for (std::size_t done = 0; done < rows.size(); done += rows_per_turn) {
    const auto piece = rows.subspan(done, std::min(rows_per_turn, rows.size() - done));
    if constexpr (std::is_same_v<Row, domain::subscriber_row>) {
      on_changes_(tracked_.apply(piece));
    } else {
      on_changes_(tracked_.apply(piece, asked));
    }
    if (done + rows_per_turn < rows.size())
      co_await yield_turn();
  }
}

asio::awaitable<result<>> hub_reader::reconcile() {
  if (auto read = co_await read_requests(); !read)
    co_return read;
  if (auto read = co_await read_moved_jobs(); !read)
    co_return read;
  if (auto read = co_await read_errors(); !read)
    co_return read;
  if (auto read = co_await read_subscribers(); !read)
    co_return read;
  on_changes_(tracked_.reconciled(time_.wall_now()));
  co_return result<>{};
}

asio::awaitable<result<>> hub_reader::read_requests() {
  const wall_time asked = time_.wall_now();
  auto read = co_await queries_.requests(asked - options_.ended_since);
  if (!read) {
    co_return fail_in("reading push requests", read.error());
  }
  if (!options_.packages.empty()) {
    std::erase_if(read->rows, [&](const domain::request_row& row) {
      return std::ranges::find(options_.packages, row.package) == options_.packages.end();
    });
  }
  note_malformed(*read, "requests");
  // One call, so that all of them find their places in rollouts by the order of their starts.
  on_changes_(tracked_.apply(std::span<const domain::request_row>(read->rows), asked));
  co_return result<>{};
}

/// Ended, every state answered by a query, every error read: nothing about it changes any more.
bool hub_reader::is_settled(request_index request, wall_time now) const {
  const tracker::request_record& record = tracked_.at(request);
  if (!read_whole_.contains(record.row.id) || !tracked_.is_complete(request, now)) {
    return false;
  }
  if (!domain::is_terminal(record.row.status)) {
    return false;
  }
  return std::ranges::all_of(record.jobs, [&](tracker::job_index index) {
    const tracker::job_record& job = tracked_.at(index);
    return job.source == tracker::evidence::queried && domain::is_terminal(job.status) &&
           (job.status != domain::push_status::failed || job.errors == tracker::error_knowledge::read);
  });
}

std::vector<domain::request_id> hub_reader::unsettled_requests() {
  const wall_time now = time_.wall_now();
  std::vector<domain::request_id> out;
  const auto requests = tracked_.requests();
  settled_jobs_.resize(requests.size());
  for (std::uint32_t i = 0; i < requests.size(); ++i) {
    const std::size_t jobs = requests[i].jobs.size();
    if (jobs != 0 && settled_jobs_[i] == jobs)
      continue;
    if (is_settled(request_index{i}, now))
      settled_jobs_[i] = jobs;
    else
      out.push_back(requests[i].row.id);
  }
  return out;
}

/// Those of which Salesforce counts other jobs by status than the tracker, or of which something rests on
/// the stream alone.
std::vector<domain::request_id> hub_reader::moved_requests(const salesforce::job_counts_read& counted,
                                                           std::vector<domain::request_id> candidates) const {
  std::map<domain::request_id, tracker::status_counts> told;
  for (const salesforce::job_count& count : counted.counts) {
    told[count.request][static_cast<std::size_t>(count.status)] += static_cast<std::uint32_t>(count.jobs);
  }
  std::erase_if(candidates, [&](const domain::request_id& id) {
    const auto index = tracked_.find(id);
    if (!index || !read_whole_.contains(id) || is_in(counted.uncounted, id))
      return false;
    const tracker::request_record& record = tracked_.at(*index);
    const bool is_hearsay = std::ranges::any_of(record.jobs, [&](tracker::job_index job) {
      return tracked_.at(job).source == tracker::evidence::streamed;
    });
    return !is_hearsay && told[id] == record.job_counts;
  });
  return candidates;
}

asio::awaitable<result<>> hub_reader::read_moved_jobs() {
  const wall_time asked = time_.wall_now();
  std::vector<domain::request_id> candidates = unsettled_requests();
  if (candidates.empty()) {
    last_asked_ = asked;
    co_return result<>{};
  }
  const auto counts = co_await queries_.job_counts(candidates);
  if (!counts) {
    co_return fail_in("counting push jobs", counts.error());
  }
  const std::vector<domain::request_id> moved = moved_requests(*counts, std::move(candidates));
  std::vector<domain::request_id> known;
  std::vector<domain::request_id> unread;
  for (const domain::request_id& id : moved) {
    (read_whole_.contains(id) && last_asked_ ? known : unread).push_back(id);
  }
  if (!known.empty()) {
    auto read = co_await queries_.jobs(known, *last_asked_ - modstamp_overlap);
    if (!read) {
      co_return fail_in("reading changed push jobs", read.error());
    }
    co_await apply(std::move(read->jobs), asked, "jobs");
    // The stamps may lie: where the counts still differ, everything is read again. Where Salesforce could
    // not count, they are all there is to go by.
    if (read->coverage == salesforce::coverage::changes) {
      std::erase_if(known, [&](const domain::request_id& id) { return is_in(counts->uncounted, id); });
      const auto still = moved_requests(*counts, std::move(known));
      unread.insert(unread.end(), still.begin(), still.end());
    }
  }
  if (auto read = co_await read_jobs_of(std::move(unread)); !read)
    co_return read;
  last_asked_ = asked;
  co_return result<>{};
}

asio::awaitable<result<>> hub_reader::read_jobs_of(std::vector<domain::request_id> requests) {
  if (requests.empty()) {
    co_return result<>{};
  }
  const wall_time asked = time_.wall_now();
  auto read = co_await queries_.jobs(requests);
  if (!read) {
    co_return fail_in("reading push jobs", read.error());
  }
  co_await apply(std::move(read->jobs), asked, "jobs");
  read_whole_.insert(requests.begin(), requests.end());
  co_return result<>{};
}

asio::awaitable<result<>> hub_reader::read_requests_with_jobs(std::vector<domain::request_id> requests) {
  if (requests.empty()) {
    co_return result<>{};
  }
  const wall_time asked = time_.wall_now();
  const auto read = co_await queries_.requests_by_id(requests);
  if (!read) {
    co_return fail_in("reading push requests", read.error());
  }
  on_changes_(tracked_.apply(std::span<const domain::request_row>(read->rows), asked));
  co_return co_await read_jobs_of(std::move(requests));
}

/// How many queries the errors of these jobs take by the jobs' ids, and how many by their request, of which
/// all failed jobs come along.
bool hub_reader::is_cheaper_by_request(std::size_t unread, std::size_t failed) {
  const std::size_t by_id = (unread + jobs_per_query - 1) / jobs_per_query;
  // Some jobs have several rows.
  const std::size_t by_request = 1 + failed * 3 / 2 / rows_per_page;
  return by_request < by_id;
}

asio::awaitable<result<>> hub_reader::read_errors() {
  std::vector<domain::job_id> by_id;
  std::vector<domain::request_id> by_request;
  std::vector<domain::job_id> covered;  // the jobs of by_request
  const auto requests = tracked_.requests();
  for (std::uint32_t i = 0; i < requests.size(); ++i) {
    const auto unread = tracked_.jobs_with_unread_errors(request_index{i});
    const bool goes_by_request = is_cheaper_by_request(
        unread.size(), tracker::count_of(requests[i].job_counts, domain::push_status::failed));
    if (goes_by_request)
      by_request.push_back(requests[i].row.id);
    auto& into = goes_by_request ? covered : by_id;
    into.insert(into.end(), unread.begin(), unread.end());
  }
  if (!by_request.empty()) {
    auto read = co_await queries_.errors_of_requests(std::move(by_request));
    if (auto applied = co_await apply_errors(std::move(read), std::move(covered)); !applied)
      co_return applied;
  }
  if (!by_id.empty()) {
    auto read = co_await queries_.errors_of_jobs(by_id);
    if (auto applied = co_await apply_errors(std::move(read), std::move(by_id)); !applied)
      co_return applied;
  }
  co_return result<>{};
}

/// Applies the errors of these jobs; rows of others, which the query brought along, are passed over.
asio::awaitable<result<>> hub_reader::apply_errors(result<salesforce::read<domain::error_row>> read,
                                                   std::vector<domain::job_id> jobs) {
  if (!read) {
    co_return fail_in("reading push errors", read.error());
  }
  note_malformed(*read, "errors");
  std::unordered_map<domain::job_id, std::vector<domain::error_row>> rows_of;
  for (domain::error_row& row : read->rows)
    rows_of[row.job].push_back(std::move(row));
  const std::span<const domain::job_id> all(jobs);
  for (std::size_t done = 0; done < all.size(); done += rows_per_turn) {
    const auto piece = all.subspan(done, std::min(rows_per_turn, all.size() - done));
    // A job and all its rows at once: what it has is known from then on.
    std::vector<domain::error_row> rows;
    for (const domain::job_id& job : piece) {
      if (const auto found = rows_of.find(job); found != rows_of.end())
        std::ranges::move(found->second, std::back_inserter(rows));
    }
    on_changes_(tracked_.apply_errors(piece, rows));
    co_await yield_turn();
  }
  co_return result<>{};
}

asio::awaitable<result<>> hub_reader::read_subscribers() {
  std::map<domain::package_id, std::vector<tracker::org_index>> wanted;
  const auto requests = tracked_.requests();
  asked_jobs_.resize(requests.size());
  std::vector<std::size_t> asked_now;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const tracker::request_record& request = requests[i];
    asked_now.push_back(request.jobs.size());
    std::vector<bool>& asked = asked_subscribers_[request.row.package];
    asked.resize(tracked_.orgs().size());
    for (const tracker::job_index job : std::span(request.jobs).subspan(asked_jobs_[i])) {
      const tracker::org_index org = tracked_.at(job).org;
      if (!asked[static_cast<std::size_t>(org)])
        wanted[request.row.package].push_back(org);
    }
  }
  for (auto& [package, orgs] : wanted) {
    std::ranges::sort(orgs);
    orgs.erase(std::ranges::unique(orgs).begin(), orgs.end());
    std::vector<domain::org_key> keys;
    if (orgs.size() <= subscribers_by_key_max)
      std::ranges::transform(orgs, std::back_inserter(keys),
                             [this](tracker::org_index org) { return tracked_.at(org).key; });
    const wall_time asked = time_.wall_now();
    auto asking = keys.empty() ? queries_.subscribers_of_package(package)
                               : queries_.subscribers(package, std::move(keys));
    auto read = co_await std::move(asking);
    if (!read) {
      co_return fail_in("reading subscribers", read.error());
    }
    co_await apply(std::move(*read), asked, "subscribers");
    std::vector<bool>& answered = asked_subscribers_[package];
    for (const tracker::org_index org : orgs)
      answered[static_cast<std::size_t>(org)] = true;
  }
  asked_jobs_ = std::move(asked_now);
  co_return result<>{};
}

asio::awaitable<result<>> hub_reader::confirm(std::vector<domain::job_id> jobs) {
  const wall_time asked = time_.wall_now();
  auto rows = co_await queries_.jobs_by_id(jobs);
  if (!rows) {
    co_return fail_in("confirming failed push jobs", rows.error());
  }
  auto errors = co_await queries_.errors_of_jobs(jobs);
  if (!errors) {
    co_return fail_in("reading the errors of failed push jobs", errors.error());
  }
  co_await apply(std::move(*rows), asked, "jobs");
  on_changes_(tracked_.apply_errors(jobs, errors->rows));
  co_return result<>{};
}

}  // namespace pushguard::agent
