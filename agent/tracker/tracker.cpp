#include "agent/tracker/tracker.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "agent/domain/error_signature.hpp"
#include "base/text.hpp"

namespace pushguard::tracker {
namespace {

using domain::push_status;

// Normalised signatures of a hub number a few hundred; past this only garbage comes.
constexpr std::size_t signatures_max = 20'000;

/// How far along a status is. Decides between rows of the same SystemModstamp, so that the order in which
/// they come does not matter; between two that are terminal the worse one counts.
constexpr int rank(push_status status) noexcept {
  switch (status) {
    case push_status::created:
      return 0;
    case push_status::unrecognized:
      return 1;
    case push_status::pending:
      return 2;
    case push_status::in_progress:
      return 3;
    case push_status::succeeded:
      return 4;
    case push_status::canceled:
      return 5;
    case push_status::failed:
      return 6;
  }
  return 1;
}

/// What is known of a job's or a request's status, and since when.
struct known_status {
  push_status status;
  evidence source;
  maybe_time modified;
  maybe_time heard;
};

enum class precedence : unsigned char { newer, equal, older };

precedence compare_with_hearsay(const known_status& known, push_status status, maybe_time modified,
                                wall_time asked) {
  if (is_terminal(status))
    return precedence::newer;
  if (modified.has_value() && known.modified.has_value() && *modified.get() < *known.modified.get())
    return precedence::older;
  if (!is_terminal(known.status) && rank(status) >= rank(known.status))
    return precedence::newer;
  return asked > known.heard.value_or(wall_time::min()) ? precedence::newer : precedence::older;
}

/// Does a row tell of a later state than what is known?
precedence compare(const known_status& known, push_status status, maybe_time modified, wall_time asked) {
  if (known.source == evidence::streamed)
    return compare_with_hearsay(known, status, modified, asked);
  if (is_terminal(known.status) != is_terminal(status))
    return is_terminal(status) ? precedence::newer : precedence::older;
  if (modified.has_value() && modified != known.modified) {
    const bool is_newer = *modified.get() > known.modified.value_or(wall_time::min());
    return is_newer ? precedence::newer : precedence::older;
  }
  if (rank(status) == rank(known.status))
    return precedence::equal;
  return rank(status) > rank(known.status) ? precedence::newer : precedence::older;
}

/// Takes a time that a row states; what it does not state stays.
bool take_time(maybe_time& known, maybe_time stated) {
  if (!stated.has_value() || known == stated)
    return false;
  known = stated;
  return true;
}

bool is_same_row(const domain::request_row& a, const domain::request_row& b) {
  return a.status == b.status && a.status_text == b.status_text && a.scheduled_start == b.scheduled_start &&
         a.start == b.start && a.end == b.end && a.package_name == b.package_name &&
         a.version_number == b.version_number && a.generation == b.generation;
}

std::string shortened(std::string_view text) {
  return to_valid_utf8(cut_at_character(text, error_text_bytes_max));
}

/// The time at which a job did what its status says.
maybe_time time_of_progress(const job_state& state) {
  if (state.end.has_value())
    return state.end;
  return state.start.has_value() ? state.start : state.modified;
}

job_state state_of(job_index job, const domain::job_row& row) {
  return {.job = job, .status = row.status, .start = row.start, .end = row.end, .modified = row.modified};
}

}  // namespace

void changes::append(changes&& later) {
  const auto move_all = [](auto& to, auto& from) {
    if (to.empty()) {
      to = std::move(from);
      return;
    }
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_all(jobs, later.jobs);
  move_all(requests, later.requests);
  move_all(rollouts, later.rollouts);
  move_all(subscribers, later.subscribers);
  counts.applied += later.counts.applied;
  counts.duplicate += later.counts.duplicate;
  counts.stale += later.counts.stale;
  counts.unrecognized += later.counts.unrecognized;
  counts.hints += later.counts.hints;
  is_reconciled = is_reconciled || later.is_reconciled;
}

tracker::tracker(tracker_options options, std::span<const known_rollout> known) : options_(options) {
  for (const auto& rollout : known) {
    const auto [at, is_new] =
        rollout_index_.emplace(rollout.id, static_cast<rollout_index>(rollouts_.size()));
    if (is_new)
      rollouts_.push_back({.id = rollout.id, .last_activity = rollout.last_activity});
    for (const auto& request : rollout.requests)
      promised_.emplace(request, at->second);
  }
}

// ---- the stream ----

changes tracker::apply(const domain::push_event& event, wall_time now) {
  changes out;
  const bool names_request_only = event.request && !event.job && !event.org;
  const auto job = job_of(event);
  const auto request = names_request_only ? find(*event.request) : std::nullopt;
  if (event.status == push_status::unrecognized)
    ++out.counts.unrecognized;
  else if (event.status && job)
    apply_job_event(*job, event, now, out);
  else if (event.status && request)
    apply_request_event(*request, *event.status, now, out);
  else
    ++out.counts.hints;
  return out;
}

std::optional<job_index> tracker::job_of(const domain::push_event& event) const {
  if (event.job)
    return find(*event.job);
  const auto request = event.request ? find(*event.request) : std::nullopt;
  const auto org = event.org ? find(*event.org) : std::nullopt;
  if (!request || !org)
    return std::nullopt;
  for (auto job = at(*org).newest_job; job != no_job; job = at(job).next_of_org) {
    if (at(job).request == *request)
      return job;
  }
  return std::nullopt;
}

void tracker::apply_job_event(job_index index, const domain::push_event& event, wall_time now, changes& out) {
  auto& job = jobs_[static_cast<std::size_t>(index)];
  const auto status = *event.status;
  const bool tells_error =
      status == push_status::failed && event.error && job.errors == error_knowledge::unread;
  if (status == job.status) {
    if (!tells_error || job.first_error == *event.error) {
      ++out.counts.duplicate;
      return;
    }
    out.jobs.push_back({index, job.status, job.status});
  } else if (is_terminal(job.status) || rank(status) < rank(job.status)) {
    ++out.counts.stale;
    return;
  } else {
    job.source = evidence::streamed;
    job.heard = now;
    change_status(index, status, now, out);
    recount_after(index, now, out);
  }
  if (tells_error)
    job.first_error = *event.error;
  ++out.counts.applied;
}

// Counting looks at every request of the rollout, so it is left out where the answer cannot have changed.
void tracker::recount_after(job_index job, wall_time now, changes& out) {
  const auto& request = at(at(job).request);
  const bool runs_still = count_of(request.job_counts, push_status::in_progress) != 0;
  if (!runs_still || !at(request.rollout).is_open())
    recount_open(request.rollout, now, out);
}

void tracker::apply_request_event(request_index index, push_status status, wall_time now, changes& out) {
  auto& request = requests_[static_cast<std::size_t>(index)];
  const auto before = request.row.status;
  if (status == before) {
    ++out.counts.duplicate;
    return;
  }
  if (is_terminal(before) || rank(status) < rank(before)) {
    ++out.counts.stale;
    return;
  }
  request.row.status = status;
  request.source = evidence::streamed;
  request.heard = now;
  out.requests.push_back({index, before, status});
  ++out.counts.applied;
  recount_open(request.rollout, now, out);
}

// ---- requests ----

changes tracker::apply(std::span<const domain::request_row> rows, wall_time asked) {
  changes out;
  // Rollouts grow from the requests that are known to be theirs, then in the order of time.
  struct place {
    bool is_new;
    wall_time begins;
    const domain::request_row* row;
  };
  std::vector<place> ordered;
  ordered.reserve(rows.size());
  for (const auto& row : rows)
    ordered.push_back({!promised_.contains(row.id), start_of(row, asked), &row});
  std::ranges::sort(ordered, {},
                    [](const place& at) { return std::tuple(at.is_new, at.begins, at.row->id); });
  for (const place& at : ordered)
    apply_row(*at.row, asked, out);
  return out;
}

void tracker::apply_row(const domain::request_row& row, wall_time asked, changes& out) {
  if (row.status == push_status::unrecognized)
    ++out.counts.unrecognized;
  const auto known = find(row.id);
  if (known)
    update_request(*known, row, asked, out);
  else
    add_request(row, asked, out);
}

void tracker::add_request(const domain::request_row& row, wall_time asked, changes& out) {
  const auto index = static_cast<request_index>(requests_.size());
  const auto rollout = place_request(row, asked, out);
  requests_.push_back({.row = row,
                       .rollout = rollout,
                       .package = texts_.intern(row.package.key()),
                       .version = texts_.intern(row.version.key()),
                       .first_seen = asked});
  request_index_.emplace(row.id, index);
  auto& owner = rollouts_[static_cast<std::size_t>(rollout)];
  owner.requests.push_back(index);
  owner.package = row.package;
  out.requests.push_back({index, std::nullopt, row.status});
  ++out.counts.applied;
  recount_open(rollout, asked, out);
}

void tracker::update_request(request_index index, const domain::request_row& row, wall_time asked,
                             changes& out) {
  auto& known = requests_[static_cast<std::size_t>(index)];
  const auto order = compare({known.row.status, known.source, known.row.modified, known.heard}, row.status,
                             row.modified, asked);
  if (order == precedence::older) {
    ++out.counts.stale;
    return;
  }
  const bool is_news = known.source == evidence::streamed || !is_same_row(known.row, row);
  const auto before = known.row.status;
  auto kept_version = known.row.version;
  auto kept_package = known.row.package;
  known.row = row;
  known.row.version = kept_version;  // a request is of one version for ever: its rollout hangs on it
  known.row.package = kept_package;
  known.source = evidence::queried;
  known.heard = {};
  if (!is_news) {
    ++out.counts.duplicate;
    return;
  }
  out.requests.push_back({index, before, row.status});
  ++out.counts.applied;
  recount_open(known.rollout, asked, out);
}

// ---- jobs ----

void tracker::reserve(std::size_t jobs) {
  jobs_.reserve(jobs);
  orgs_.reserve(jobs);
  job_index_.reserve(jobs);
  org_index_.reserve(jobs);
}

changes tracker::apply(std::span<const job_state> states, wall_time asked) {
  changes out;
  out.jobs.reserve(states.size());
  std::set<rollout_index> touched;
  for (const auto& state : states) {
    if (state.status == push_status::unrecognized)
      ++out.counts.unrecognized;
    update_job(state, asked, out);
    touched.insert(at(at(state.job).request).rollout);
  }
  for (const auto rollout : touched)
    recount_open(rollout, asked, out);
  return out;
}

changes tracker::apply(std::span<const domain::job_row> rows, wall_time asked) {
  changes out;
  out.jobs.reserve(rows.size());
  std::set<rollout_index> touched;
  for (const auto& row : rows) {
    const auto request = find(row.request);
    if (!request) {
      ++out.counts.hints;
      continue;
    }
    if (row.status == push_status::unrecognized)
      ++out.counts.unrecognized;
    apply_row(row, *request, asked, out);
    touched.insert(at(*request).rollout);
  }
  for (const auto rollout : touched)
    recount_open(rollout, asked, out);
  return out;
}

void tracker::apply_row(const domain::job_row& row, request_index request, wall_time asked, changes& out) {
  const auto known = find(row.id);
  if (known)
    update_job(state_of(*known, row), asked, out);
  else
    add_job(row, request, asked, out);
}

void tracker::add_job(const domain::job_row& row, request_index request, wall_time asked, changes& out) {
  const auto index = static_cast<job_index>(jobs_.size());
  const auto org = intern_org(row.org);
  auto& owner = orgs_[static_cast<std::size_t>(org)];
  jobs_.push_back({.id = row.id,
                   .status = row.status,
                   .request = request,
                   .org = org,
                   .next_of_org = owner.newest_job,
                   .start = row.start,
                   .end = row.end,
                   .modified = row.modified});
  owner.newest_job = index;
  job_index_.emplace(row.id, index);
  auto& record = requests_[static_cast<std::size_t>(request)];
  record.jobs.push_back(index);
  ++record.job_counts[static_cast<std::size_t>(row.status)];
  if (is_started(row.status))
    note_progress(request, time_of_progress(state_of(index, row)).value_or(asked));
  (void)remember_from_version(index);
  out.jobs.push_back({index, std::nullopt, row.status});
  ++out.counts.applied;
}

void tracker::update_job(const job_state& state, wall_time asked, changes& out) {
  auto& job = jobs_[static_cast<std::size_t>(state.job)];
  const auto order =
      compare({job.status, job.source, job.modified, job.heard}, state.status, state.modified, asked);
  if (order == precedence::older) {
    ++out.counts.stale;
    return;
  }
  bool is_news = job.source == evidence::streamed;
  is_news = take_time(job.start, state.start) || is_news;
  is_news = take_time(job.end, state.end) || is_news;
  if (state.modified.has_value())
    job.modified = state.modified;
  job.source = evidence::queried;
  job.heard = {};
  if (state.status != job.status) {
    change_status(state.job, state.status, time_of_progress(state).value_or(asked), out);
  } else if (is_news) {
    out.jobs.push_back({state.job, state.status, state.status});
  } else {
    ++out.counts.duplicate;
    return;
  }
  ++out.counts.applied;
}

void tracker::change_status(job_index index, push_status status, wall_time when, changes& out) {
  auto& job = jobs_[static_cast<std::size_t>(index)];
  auto& request = requests_[static_cast<std::size_t>(job.request)];
  --request.job_counts[static_cast<std::size_t>(job.status)];
  ++request.job_counts[static_cast<std::size_t>(status)];
  out.jobs.push_back({index, job.status, status});
  const bool was_failed = job.status == push_status::failed;
  job.status = status;
  if (was_failed || status == push_status::failed) {
    job.errors = error_knowledge::unread;
    job.first_error = domain::error_type::unknown;
    errors_.erase(static_cast<std::uint32_t>(index));
  }
  if (is_started(status))
    note_progress(job.request, when);
  // From now on the org has that version: the next push to it begins there.
  if (status == push_status::succeeded)
    installed_.insert_or_assign(installed_key(job.org, request.package), request.version);
}

void tracker::note_progress(request_index request, wall_time when) {
  auto& last = requests_[static_cast<std::size_t>(request)].last_progress;
  last = std::max(last.value_or(when), when);
}

// ---- errors ----

changes tracker::apply_errors(std::span<const domain::job_id> read, std::span<const domain::error_row> rows) {
  changes out;
  std::map<domain::job_id, std::vector<error_record>> by_job;
  for (const auto& id : read)
    by_job.try_emplace(id);
  for (const auto& row : rows) {
    const auto job = by_job.find(row.job);
    if (job == by_job.end())
      ++out.counts.hints;
    else if (job->second.size() < errors_per_job_max)
      job->second.push_back(make_error(row));
  }
  for (auto& [id, errors] : by_job) {
    const auto job = find(id);
    if (job && at(*job).status == push_status::failed)
      set_errors(*job, std::move(errors), out);
    else
      ++out.counts.stale;
  }
  return out;
}

void tracker::set_errors(job_index index, std::vector<error_record> errors, changes& out) {
  auto& job = jobs_[static_cast<std::size_t>(index)];
  const auto is_same = [](const error_record& a, const error_record& b) {
    return a.severity == b.severity && a.type == b.type && a.title == b.title && a.message == b.message;
  };
  if (job.errors == error_knowledge::read && std::ranges::equal(this->errors(index), errors, is_same)) {
    ++out.counts.duplicate;
    return;
  }
  const auto first = std::ranges::find(errors, domain::error_severity::error, &error_record::severity);
  job.first_error = first == errors.end() ? domain::error_type::unknown : first->type;
  job.errors = error_knowledge::read;
  if (errors.empty())
    errors_.erase(static_cast<std::uint32_t>(index));
  else
    errors_.insert_or_assign(static_cast<std::uint32_t>(index), std::move(errors));
  out.jobs.push_back({index, job.status, job.status});
  ++out.counts.applied;
}

error_record tracker::make_error(const domain::error_row& row) {
  return {.severity = row.severity,
          .type = row.type,
          .title = texts_.intern(row.title),
          .signature = intern_signature(row),
          .message = shortened(row.message),
          .details = shortened(row.details)};
}

std::uint32_t tracker::intern_signature(const domain::error_row& row) {
  auto text = signatures_.size() < signatures_max ? domain::error_signature(row.type, row.title, row.message)
                                                  : std::string(to_string(row.type));
  if (const auto found = signature_index_.find(text); found != signature_index_.end())
    return found->second;
  const auto index = static_cast<std::uint32_t>(signatures_.size());
  signature_index_.emplace(std::string_view(signatures_.emplace_back(std::move(text))), index);
  return index;
}

// ---- subscribers ----

changes tracker::apply(std::span<const domain::subscriber_row> rows) {
  changes out;
  for (const auto& row : rows)
    apply_row(row, out);
  return out;
}

void tracker::apply_row(const domain::subscriber_row& row, changes& out) {
  const auto org = intern_org(row.org);
  bool is_news = update_org(org, row);
  if (row.version) {
    installed_.insert_or_assign(installed_key(org, texts_.intern(row.package.key())),
                                texts_.intern(row.version->key()));
    for (auto job = at(org).newest_job; job != no_job; job = at(job).next_of_org)
      is_news = remember_from_version(job) || is_news;
  }
  if (is_news) {
    out.subscribers.push_back(org);
    ++out.counts.applied;
  } else {
    ++out.counts.duplicate;
  }
}

bool tracker::update_org(org_index index, const domain::subscriber_row& row) {
  auto& org = orgs_[static_cast<std::size_t>(index)];
  const auto instance = texts_.intern(row.sf_instance);
  const auto status = texts_.intern(row.org_status);
  if (org.name == row.name && org.type == row.type && org.sf_instance == instance && org.org_status == status)
    return false;
  org.name = row.name;
  org.type = row.type;
  org.sf_instance = instance;
  org.org_status = status;
  return true;
}

org_index tracker::intern_org(const domain::org_key& key) {
  const auto [at, is_new] = org_index_.try_emplace(key, static_cast<org_index>(orgs_.size()));
  if (is_new)
    orgs_.push_back({.key = key});
  return at->second;
}

std::uint64_t tracker::installed_key(org_index org, text_index package) noexcept {
  constexpr unsigned package_bits = 16;
  return (static_cast<std::uint64_t>(org) << package_bits) | static_cast<std::uint64_t>(package);
}

// The version an org had before a job is the first one seen that is not the job's own.
bool tracker::remember_from_version(job_index index) {
  auto& job = jobs_[static_cast<std::size_t>(index)];
  if (job.from_version != text_index{})
    return false;
  const auto& request = at(job.request);
  const auto installed = installed_.find(installed_key(job.org, request.package));
  if (installed == installed_.end() || installed->second == request.version)
    return false;
  job.from_version = installed->second;
  return true;
}

// ---- time ----

changes tracker::reconciled(wall_time now) {
  auto out = refresh(now);
  last_reconciled_ = now;
  out.is_reconciled = true;
  return out;
}

}  // namespace pushguard::tracker
