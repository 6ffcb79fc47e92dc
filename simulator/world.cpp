#include "simulator/world.hpp"

#include <algorithm>
#include <numeric>

#include "simulator/dice.hpp"
#include "simulator/record_ids.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::size_t key_letter = 4;  // the g of "00D5g…"

constexpr row_index row_of(pushed_version version) noexcept {
  return version == pushed_version::from ? version_from : version_to;
}

}  // namespace

/// What fate holds for a job, once it starts.
struct world::job_plan {
  bool fails = false;
  duration takes{};
  error_form form = 0;
  std::uint32_t variation = 0;
  unsigned rows = 0;
};

world::world(scenario plan) : plan_(std::move(plan)) {
  make_orgs();
  row_index first_org = 0;
  for (const wave_plan& wave : plan_.waves) {
    first_org_of_wave_.push_back(first_org);
    first_org += static_cast<row_index>(wave.orgs);
  }
  for (const past_request& past : plan_.history)
    make_history(past);
  for (const orphan_request& orphan : plan_.orphans)
    make_orphan(orphan);
  for (row_index wave = 0; wave < plan_.waves.size(); ++wave)
    push(plan_.waves[wave].created, event_kind::create_wave, wave);
}

void world::make_orgs() {
  const std::size_t count = plan_.org_count();
  orgs_.resize(count + plan_.orgs.case_twins);
  for (row_index index = 0; index < orgs_.size(); ++index) {
    dice roll(plan_.seed, draw::org, index);
    orgs_[index].instance = static_cast<std::uint16_t>(roll.pick(plan_.orgs.instances));
    orgs_[index].is_production = roll.falls(plan_.orgs.production_share);
  }
  dealt_orgs_.resize(count);
  std::iota(dealt_orgs_.begin(), dealt_orgs_.end(), row_index{0});
  dice roll(plan_.seed, draw::deal, 0);
  for (std::size_t left = count; left > 1; --left)
    std::swap(dealt_orgs_[left - 1], dealt_orgs_[roll.below(left)]);
}

/// An instant of the world that lies `age` back on the clock.
duration world::ago(duration age) const {
  return duration(-static_cast<duration::rep>(static_cast<double>(age.count()) * plan_.time_scale));
}

void world::make_history(const past_request& past) {
  const duration ended = ago(past.age);
  const auto request = static_cast<row_index>(requests_.size());
  requests_.push_back({.version = row_of(past.version),
                       .state = push_state::created,
                       .scheduled = ended - std::chrono::hours(1),
                       .start = ended - std::chrono::hours(1),
                       .end = ended,
                       .modified = ended,
                       .failure_rate = past.failure_rate,
                       .is_history = true});
  add_jobs(request, 0, static_cast<row_index>(past.orgs), ended);
  const row_index first = requests_[request].first_job;
  for (row_index job = first; job < jobs_.size(); ++job) {
    const job_plan fate = plan_job(job);
    jobs_[job].start = ended - fate.takes;
    jobs_[job].end = ended;
    set_state(job, fate.fails ? push_state::failed : push_state::succeeded, nullptr);
    jobs_[job].modified = ended;
    add_errors(job, fate);
    if (!fate.fails && past.version == pushed_version::to)
      orgs_[jobs_[job].org].version = version_to;
  }
  request_row& made = requests_[request];
  made.next_job = first + made.job_count;
  made.state = count_of(made.jobs, push_state::failed) > 0 ? push_state::failed : push_state::succeeded;
}

void world::make_orphan(const orphan_request& orphan) {
  const duration made = ago(orphan.age);
  const auto request = static_cast<row_index>(requests_.size());
  requests_.push_back(
      {.version = row_of(orphan.version), .scheduled = made, .modified = made, .is_orphan = true});
  add_jobs(request, 0, static_cast<row_index>(orphan.orgs), made);
}

void world::push(duration at, event_kind kind, row_index subject) {
  events_.push({at, events_queued_++, kind, subject});
}

std::vector<job_change> world::advance_to(duration when) {
  std::vector<job_change> changes;
  while (!events_.empty() && events_.top().at <= when) {
    const event due = events_.top();
    events_.pop();
    now_ = std::max(now_, due.at);
    happen(due, changes);
  }
  now_ = std::max(now_, when);
  return changes;
}

std::optional<duration> world::next_event() const {
  if (events_.empty())
    return std::nullopt;
  return events_.top().at;
}

void world::happen(const event& due, std::vector<job_change>& changes) {
  switch (due.kind) {
    case event_kind::create_wave:
      return create_wave(due.subject);
    case event_kind::make_pending:
      return make_pending(due.subject, changes);
    case event_kind::start_request:
      return start_request(due.subject, changes);
    case event_kind::finish_job:
      return finish_job(due.subject, changes);
    case event_kind::end_request:
      return end_request(due.subject);
    case event_kind::cancel_jobs:
      return cancel_jobs(due.subject, changes);
  }
}

void world::create_wave(row_index wave) {
  const wave_plan& source = plan_.waves[wave];
  const auto request = static_cast<row_index>(requests_.size());
  requests_.push_back({.version = version_to,
                       .scheduled = source.start,
                       .modified = now_,
                       .failure_rate = source.failure_rate});
  add_jobs(request, first_org_of_wave_[wave], static_cast<row_index>(source.orgs), now_);
  ++waves_created_;
  ++requests_open_;
  jobs_open_ += source.orgs;
  const duration pending_at = now_ + plan_.push.pending_after;
  push(pending_at, event_kind::make_pending, request);
  dice roll(plan_.seed, draw::request, request);
  push(std::max(pending_at, source.start + roll.between(plan_.push.start_lag)), event_kind::start_request,
       request);
}

void world::add_jobs(row_index request, row_index first_org, row_index count, duration at) {
  request_row& owner = requests_[request];
  owner.first_job = static_cast<row_index>(jobs_.size());
  owner.next_job = owner.first_job;
  owner.job_count = count;
  count_of(owner.jobs, push_state::created) = count;
  jobs_.reserve(jobs_.size() + count);
  for (row_index place = 0; place < count; ++place)
    jobs_.push_back({.request = request, .org = dealt_orgs_[first_org + place], .modified = at});
}

void world::make_pending(row_index request, std::vector<job_change>& changes) {
  request_row& owner = requests_[request];
  if (owner.state != push_state::created)
    return;
  owner.state = push_state::pending;
  owner.modified = now_;
  for (row_index job = owner.first_job; job < owner.first_job + owner.job_count; ++job)
    set_state(job, push_state::pending, &changes);
}

void world::start_request(row_index request, std::vector<job_change>& changes) {
  request_row& owner = requests_[request];
  if (owner.state != push_state::pending)
    return;
  owner.state = push_state::in_progress;
  owner.start = now_;
  owner.modified = now_;
  start_jobs(request, changes);
}

void world::start_jobs(row_index request, std::vector<job_change>& changes) {
  request_row& owner = requests_[request];
  const row_index end = owner.first_job + owner.job_count;
  for (; owner.running < plan_.push.concurrency && owner.next_job < end; ++owner.next_job) {
    const row_index job = owner.next_job;
    jobs_[job].start = now_;
    set_state(job, push_state::in_progress, &changes);
    ++owner.running;
    push(now_ + plan_job(job).takes, event_kind::finish_job, job);
  }
}

void world::finish_job(row_index job, std::vector<job_change>& changes) {
  const job_plan fate = plan_job(job);
  jobs_[job].end = now_;
  add_errors(job, fate);
  set_state(job, fate.fails ? push_state::failed : push_state::succeeded, &changes);
  --jobs_open_;
  if (!fate.fails)
    orgs_[jobs_[job].org].version = version_to;
  const row_index request = jobs_[job].request;
  --requests_[request].running;
  start_jobs(request, changes);
  if (requests_[request].running > 0)
    return;
  const duration lag = dice(plan_.seed, draw::request_end, request).between(plan_.push.request_end_lag);
  if (lag > duration::zero())
    push(now_ + lag, event_kind::end_request, request);
  else
    end_request(request);
}

void world::end_request(row_index request) {
  request_row& owner = requests_[request];
  owner.state = count_of(owner.jobs, push_state::failed) > 0 ? push_state::failed : push_state::succeeded;
  owner.end = now_;
  owner.modified = now_;
  --requests_open_;
}

cancel_answer world::cancel(row_index request) {
  request_row& owner = requests_[request];
  if (owner.state != push_state::created && owner.state != push_state::pending)
    return cancel_answer::refused;
  owner.state = push_state::canceled;
  owner.modified = now_;
  if (!owner.is_orphan)
    --requests_open_;
  dice roll(plan_.seed, draw::request, request);
  (void)roll.next();  // the start lag's draw
  push(now_ + roll.between(plan_.push.cancel_lag), event_kind::cancel_jobs, request);
  return cancel_answer::accepted;
}

void world::cancel_jobs(row_index request, std::vector<job_change>& changes) {
  request_row& owner = requests_[request];
  for (row_index job = owner.first_job; job < owner.first_job + owner.job_count; ++job)
    set_state(job, push_state::canceled, &changes);
  if (!owner.is_orphan)
    jobs_open_ -= owner.job_count;
  owner.end = now_;
  owner.modified = now_;
}

void world::set_state(row_index job, push_state state, std::vector<job_change>* changes) {
  job_row& row = jobs_[job];
  request_row& owner = requests_[row.request];
  --count_of(owner.jobs, row.state);
  ++count_of(owner.jobs, state);
  row.state = state;
  row.modified = now_;
  if (changes != nullptr)
    changes->push_back({job, state, now_});
}

world::job_plan world::plan_job(row_index job) const {
  const job_row& row = jobs_[job];
  const failure_plan& odds = plan_.failures;
  const std::string& instance = plan_.orgs.instances[orgs_[row.org].instance].name;
  double rate = requests_[row.request].failure_rate.value_or(odds.rate);
  for (const failure_plan::instance_rate& each : odds.instance_rates) {
    if (each.instance == instance)
      rate = each.rate;
  }

  dice roll(plan_.seed, draw::job, job);
  const double lot = roll.unit();
  const std::uint64_t form = roll.next();
  job_plan fate;
  fate.fails = true;
  fate.variation = static_cast<std::uint32_t>(roll.next());
  if (lot < rate) {
    fate.form = form_of_type(odds.error_types[roll.pick(odds.error_types)].name, form);
  } else if (lot < rate + odds.ineligible_rate) {
    fate.form = form_of_type("IneligibleUpgrade", form);
  } else if (lot < rate + odds.ineligible_rate + odds.benign_rate) {
    fate.form = benign_form(form);
  } else {
    fate.fails = false;
  }
  fate.takes = roll.between(fate.fails ? plan_.push.failure_takes : plan_.push.success_takes);
  if (fate.fails)
    fate.rows = roll.falls(odds.no_rows_share)        ? 0
                : roll.falls(odds.several_rows_share) ? 2 + static_cast<unsigned>(roll.below(2))
                                                      : 1;
  return fate;
}

void world::add_errors(row_index job, const job_plan& fate) {
  job_row& row = jobs_[job];
  row.first_error = static_cast<row_index>(errors_.size());
  row.error_count = static_cast<std::uint8_t>(fate.rows);
  for (unsigned number = 0; number < fate.rows; ++number) {
    requests_[row.request].errors.push_back(static_cast<row_index>(errors_.size()));
    // The first row tells why; what follows repeats it with other details, or warns.
    const error_form form = number == 2 ? warning_form() : fate.form;
    errors_.push_back({job, form, fate.variation + number});
  }
}

bool world::is_finished() const noexcept {
  return waves_created_ == plan_.waves.size() && requests_open_ == 0 && jobs_open_ == 0;
}

std::string_view world::error_type_of(const job_row& job) const noexcept {
  return job.error_count == 0 ? std::string_view{} : error_row_type(errors_[job.first_error].form);
}

std::string world::org_key(row_index org) const {
  if (org < dealt_orgs_.size())
    return org_key_of(org);
  // Every key has a lower-case letter at this place, so that no twin is another org's.
  std::string key = org_key_of(dealt_orgs_[org - dealt_orgs_.size()]);
  key[key_letter] = 'G';
  return key;
}

std::string request_id_of(row_index request) {
  return record_id("0DV", request + 1U);
}
std::string job_id_of(row_index job) {
  return record_id("0DX", job + 1U);
}
std::string error_id_of(row_index error) {
  return record_id("0DY", error + 1U);
}
std::string version_id_of(row_index version) {
  return record_id("04t", version + 1U);
}
std::string package_id_of(row_index package) {
  return record_id("033", package + 1U);
}
std::string org_key_of(row_index org) {
  return record_key("00D", org + 1U);
}
std::string hub_org_id() {
  return record_id("00D", 0);
}

std::optional<row_index> find_request(const world& of, std::string_view id) {
  const auto number = record_number("0DV", id);
  if (!number || *number == 0 || *number > of.requests().size())
    return std::nullopt;
  return static_cast<row_index>(*number - 1);
}

}  // namespace pushguard::simulator
