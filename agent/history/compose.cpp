#include "agent/history/compose.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "agent/domain/error_signature.hpp"
#include "base/digest.hpp"

namespace pushguard::history {
namespace {

using domain::push_status;

/// Whether the job can still change, under a request with this status.
bool is_settled(const domain::job_row& job, push_status request) noexcept {
  if (domain::is_terminal(job.status))
    return true;
  // Jobs that were queued follow their cancelled request, some of them never: none of them will run.
  return request == push_status::canceled && domain::is_cancelable(job.status);
}

bool is_complete(const push_rows& rows) noexcept {
  return !rows.lacks_rows && domain::is_terminal(rows.request.status) &&
         std::ranges::all_of(
             rows.jobs, [&](const domain::job_row& job) { return is_settled(job, rows.request.status); });
}

/// The first 64 bits of SHA-256 in hex: told apart are all errors of any push, and the text is not told.
std::string hash_of(std::string_view text) {
  constexpr std::size_t hex_digits = 16;
  return sha256_hex(text).substr(0, hex_digits);
}

history_error make_error(domain::error_row row, texts wanted) {
  if (wanted == texts::kept)
    return {.row = std::move(row), .signature_hash = {}};
  std::string hash = hash_of(domain::error_signature(row.type, row.title, row.message));
  row.message.clear();
  row.details.clear();
  return {.row = std::move(row), .signature_hash = std::move(hash)};
}

/// Salesforce tells what an org has installed now. That is what it had before the push only where the push
/// did not change it, and no later one did either as far as can be seen.
std::optional<domain::version_id> version_before(const domain::job_row& job,
                                                 const domain::subscriber_row& subscriber,
                                                 const domain::request_row& request) {
  if (job.status == push_status::succeeded || subscriber.version == request.version)
    return std::nullopt;
  return subscriber.version;
}

}  // namespace

bool stands_before(const domain::job_row& a, const domain::job_row& b) noexcept {
  if (a.end.has_value() != b.end.has_value())
    return a.end.has_value();
  if (a.end != b.end)
    return a.end < b.end;
  return a.id < b.id;
}

std::vector<domain::error_row> errors_to_replay(const history_job& job) {
  std::vector<domain::error_row> rows;
  rows.reserve(job.errors.size());
  for (const history_error& error : job.errors) {
    domain::error_row& row = rows.emplace_back(error.row);
    if (row.message.empty())
      row.message = error.signature_hash;
  }
  return rows;
}

past_push compose(const push_source& source, push_rows rows, texts wanted) {
  std::erase_if(rows.jobs, [&](const domain::job_row& job) { return job.request != rows.request.id; });
  std::ranges::sort(rows.jobs, {}, &domain::job_row::id);
  const auto again = std::ranges::unique(rows.jobs, {}, &domain::job_row::id);
  rows.jobs.erase(again.begin(), again.end());
  std::ranges::sort(rows.jobs, stands_before);

  past_push made;
  made.header = {.pushguard_version = source.pushguard_version,
                 .written_at = source.read_at,
                 .hub = source.hub,
                 .hub_org = source.hub_org,
                 .request = rows.request,
                 .jobs = rows.jobs.size(),
                 .is_complete = is_complete(rows),
                 .has_texts = wanted == texts::kept};

  std::unordered_map<domain::org_key, const domain::subscriber_row*> subscribers;
  for (const domain::subscriber_row& subscriber : rows.subscribers) {
    if (subscriber.package == rows.request.package)
      subscribers.try_emplace(subscriber.org, &subscriber);
  }
  std::unordered_map<domain::job_id, std::size_t> places;
  made.jobs.reserve(rows.jobs.size());
  for (domain::job_row& row : rows.jobs) {
    places.emplace(row.id, made.jobs.size());
    history_job& job = made.jobs.emplace_back();
    job.row = std::move(row);
    const auto subscriber = subscribers.find(job.row.org);
    if (subscriber == subscribers.end())
      continue;
    job.subscriber = *subscriber->second;
    job.subscriber->version = version_before(job.row, *subscriber->second, rows.request);
    if (wanted == texts::left_out)
      job.subscriber->name.clear();
  }
  for (domain::error_row& error : rows.errors) {
    const auto place = places.find(error.job);
    if (place == places.end())
      continue;
    history_job& job = made.jobs[place->second];
    if (job.errors.size() < errors_per_job_max)
      job.errors.push_back(make_error(std::move(error), wanted));
    else
      ++job.errors_omitted;
  }
  return made;
}

}  // namespace pushguard::history
