#include "agent/org_series.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "metrics/families.hpp"

namespace pushguard::agent {
namespace {

using configuration::org_series_mode;

enum family : std::size_t { success, failure_info, push_duration, running_since, org_info };

constexpr std::array<std::string_view, 5> names{
    "pushguard_org_push_success", "pushguard_org_push_failure_info", "pushguard_org_push_duration_seconds",
    "pushguard_org_push_running_since_timestamp_seconds", "pushguard_org_info"};

constexpr std::size_t org_info_series = 1;  // of each org that is shown

std::vector<metrics::family_header> headers() {
  return {{std::string(names[success]),
           "The org's push job succeeded; there once the job has ended in success or failure."},
          {std::string(names[failure_info]), "Why the org's push job failed."},
          {std::string(names[push_duration]), "How long the org's push job took."},
          {std::string(names[running_since]), "Since when the org's push job runs."},
          {std::string(names[org_info]), "What an org is."}};
}

/// The key of a block: a letter for its kind, the owner's index and the org.
class block_key {
 public:
  block_key(char kind, std::uint32_t owner, const domain::org_key& org) {
    text_.front() = kind;
    std::memcpy(text_.data() + 1, &owner, sizeof owner);
    size_ =
        1 + sizeof owner + org.key().copy(text_.data() + 1 + sizeof owner, text_.size() - 1 - sizeof owner);
  }
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_{};
  std::size_t size_ = 0;
};

std::uint8_t count_lines(std::span<const std::string> lines) {
  return static_cast<std::uint8_t>(
      std::ranges::count_if(lines, [](const std::string& line) { return !line.empty(); }));
}

}  // namespace

org_series::org_series(configuration::org_series options) : options_(options), blocks_(headers()) {}

void org_series::apply(const view_update& update, const read_model& model) {
  if (options_.mode == org_series_mode::off)
    return;
  for (const auto& [hub, jobs] : update.jobs) {
    for (const job_view& job : jobs)
      note(hub, job, model);
  }
  for (const auto& [hub, orgs] : update.orgs) {
    const std::uint32_t index = hub_index(hub);
    for (const org_view& org : orgs) {
      const auto at = blocks_.find(block_key('o', index, org.org).text());
      if (at && orgs_[*at].shown > 0)
        show_org(index, *at, org.org, model);
    }
  }
  fill(model);
}

void org_series::configure(configuration::org_series options, const read_model& model, wall_time now) {
  *this = org_series(options);
  apply(model.jobs_and_orgs(), model);
  forget_ended(model, now);
}

std::uint32_t org_series::hub_index(const std::string& hub) {
  const auto found = std::ranges::find(hubs_, hub);
  const auto index = static_cast<std::uint32_t>(found - hubs_.begin());
  if (found == hubs_.end())
    hubs_.push_back(hub);
  return index;
}

std::uint32_t org_series::request_index(const std::string& hub, const domain::request_id& request,
                                        const read_model& model) {
  // Jobs come request by request, as a rule.
  if (!requests_.empty() && requests_.back().key.second == request && requests_.back().key.first == hub)
    return static_cast<std::uint32_t>(requests_.size() - 1);
  const auto [found, is_new] =
      request_indices_.try_emplace({hub, request}, static_cast<std::uint32_t>(requests_.size()));
  if (is_new) {
    request_entry& entry = requests_.emplace_back();
    entry.key = found->first;
    entry.hub = hub_index(hub);
    entry.jobs = model.jobs(entry.key);
    metrics::append_labels(entry.labels, {{"hub", hub}, {"request_id", request.text()}});
  }
  return found->second;
}

org_series::place org_series::add_block(char kind, std::uint32_t owner, const domain::org_key& org) {
  const place at = blocks_.add(block_key(kind, owner, org).text());
  if (at >= pushed_.size()) {
    pushed_.resize(blocks_.places_end());
    orgs_.resize(blocks_.places_end());
  }
  return at;
}

void org_series::render(const pushed& of) {
  const job_view& job = *of.job;
  for (std::string& line : lines_)
    line.clear();
  std::string labels = requests_[of.request].labels;
  metrics::append_labels(labels, {{"org_key", job.org.key()}});
  const auto add = [&](family to, double value) {
    metrics::append_sample(lines_[to], names[to], labels, value);
  };
  if (job.status == domain::push_status::succeeded || job.status == domain::push_status::failed) {
    add(success, job.status == domain::push_status::succeeded ? 1 : 0);
    if (job.start && job.end)
      add(push_duration, std::chrono::duration<double>(*job.end - *job.start).count());
  }
  if (job.status == domain::push_status::in_progress && job.start)
    add(running_since, to_unix_seconds(*job.start));
  if (job.error) {
    metrics::append_labels(labels, {{"error_type", domain::to_string(*job.error)}});
    add(failure_info, 1);
  }
}

/// Takes in how a job stands now.
void org_series::note(const std::string& hub, const job_view& told, const read_model& model) {
  const std::uint32_t request = request_index(hub, told.request, model);
  const request_entry& owner = requests_[request];
  if (owner.is_forgotten)
    return;
  const job_view* const job = &owner.jobs->at(told.id);
  const pushed now{.job = job, .request = request, .is_failed = job->status == domain::push_status::failed};
  render(now);
  const std::uint8_t wanted = count_lines(lines_);
  if (wanted == 0 || (options_.mode == org_series_mode::failed && !now.is_failed)) {
    if (const auto known = blocks_.find(block_key('j', request, job->org).text()))
      remove(*known);
    return;
  }
  const place at = add_block('j', request, job->org);
  if (pushed_[at].job == nullptr) {
    const place org = add_block('o', owner.hub, job->org);
    pushed_[at] = now;
    pushed_[at].org = org;
    ++orgs_[org].jobs;
    ++suppressed_;  // until it is shown
  }
  pushed& of = pushed_[at];
  of.job = job;
  if (of.is_shown) {
    used_ = used_ - of.series + wanted;
    has_more_room_ = has_more_room_ || wanted < of.series;
  }
  of.series = wanted;
  const bool was_failed = std::exchange(of.is_failed, now.is_failed);
  if (of.is_shown && was_failed && !of.is_failed)
    enqueue(displaceable_, at);
  settle(at, model);
}

bool org_series::has_room_for(const pushed& of) const {
  const std::size_t more = of.is_shown ? 0 : of.series + (orgs_[of.org].shown == 0 ? org_info_series : 0);
  return used_ + more <= options_.limit;
}

/// Shows the job whose lines were rendered, where there is room or can be made; else suppresses it.
void org_series::settle(place at, const read_model& model) {
  while (!has_room_for(pushed_[at])) {
    if (!pushed_[at].is_failed || !displace_one())
      return suppress(at);
  }
  show(at, model);
}

void org_series::show(place at, const read_model& model) {
  pushed& of = pushed_[at];
  if (!std::exchange(of.is_shown, true)) {
    --suppressed_;
    used_ += of.series;
    if (orgs_[of.org].shown++ == 0) {
      used_ += org_info_series;
      show_org(requests_[of.request].hub, of.org, of.job->org, model);
    }
    if (!of.is_failed)
      enqueue(displaceable_, at);
  }
  blocks_.set(at, lines_);
}

void org_series::suppress(place at) {
  pushed& of = pushed_[at];
  if (of.is_shown) {
    hide(at);
    ++suppressed_;
  }
  enqueue(of.is_failed ? waiting_failed_ : waiting_, at);
}

/// Takes a shown job's lines away, and its org's where no other job of it is shown.
void org_series::hide(place at) {
  pushed& of = pushed_[at];
  of.is_shown = false;
  used_ -= of.series;
  has_more_room_ = true;
  blocks_.clear(at);
  if (--orgs_[of.org].shown == 0) {
    used_ -= org_info_series;
    blocks_.clear(of.org);
  }
}

void org_series::remove(place at) {
  if (pushed_[at].is_shown)
    hide(at);
  else
    --suppressed_;
  const place org = pushed_[at].org;
  pushed_[at] = {};
  blocks_.erase(at);
  if (--orgs_[org].jobs == 0)
    blocks_.erase(org);
}

/// Makes a shown job that had not failed wait, the oldest first; false where there is none.
bool org_series::displace_one() {
  while (!displaceable_.empty()) {
    const queued oldest = displaceable_.front();
    displaceable_.pop_front();
    if (!is_current(oldest) || !pushed_[oldest.at].is_shown || pushed_[oldest.at].is_failed)
      continue;
    suppress(oldest.at);
    return true;
  }
  return false;
}

bool org_series::is_current(const queued& what) const noexcept {
  return what.at < pushed_.size() && pushed_[what.at].job != nullptr && pushed_[what.at].turn == what.turn;
}

void org_series::enqueue(queue& to, place at) {
  pushed_[at].turn = ++turns_;
  to.push_back({at, turns_});
}

/// Shows what waits, failed jobs first, while there is room.
void org_series::fill(const read_model& model) {
  if (!std::exchange(has_more_room_, false) || suppressed_ == 0)
    return;
  for (queue* from : {&waiting_failed_, &waiting_}) {
    for (; !from->empty(); from->pop_front()) {
      const queued next = from->front();
      if (!is_current(next) || pushed_[next.at].is_shown)
        continue;
      if (!has_room_for(pushed_[next.at]))
        return;
      render(pushed_[next.at]);
      show(next.at, model);
    }
  }
}

void org_series::show_org(std::uint32_t hub, place at, const domain::org_key& key, const read_model& model) {
  const org_view* org = model.org(hubs_[hub], key);
  if (org == nullptr)
    return;
  block_lines lines;
  std::string labels;
  metrics::append_labels(labels, {{"hub", hubs_[hub]},
                                  {"org_key", key.key()},
                                  {"org_name", org->name},
                                  {"org_type", domain::to_string(org->type)},
                                  {"sf_instance", org->sf_instance}});
  metrics::append_sample(lines[org_info], names[org_info], labels, 1);
  blocks_.set(at, lines);
}

void org_series::forget_ended(const read_model& model, wall_time now) {
  bool has_forgotten = false;
  for (const auto& [key, request] : model.requests()) {
    if (!request.ended || now - *request.ended < options_.keep_after_end)
      continue;
    request_entry& entry = requests_[request_index(key.first, key.second, model)];
    has_forgotten = !std::exchange(entry.is_forgotten, true) || has_forgotten;
  }
  if (!has_forgotten)
    return;
  for (place at = 0; at < pushed_.size(); ++at) {
    if (pushed_[at].job != nullptr && requests_[pushed_[at].request].is_forgotten)
      remove(at);
  }
  for (queue* each : {&displaceable_, &waiting_failed_, &waiting_}) {
    std::erase_if(*each, [this](const queued& what) { return !is_current(what); });
    each->shrink_to_fit();
  }
  pushed_.resize(blocks_.places_end());
  pushed_.shrink_to_fit();
  orgs_.resize(blocks_.places_end());
  orgs_.shrink_to_fit();
  fill(model);
}

std::vector<prometheus::MetricFamily> org_series::summary() const {
  const auto one = [](std::string_view name, std::string_view help, std::size_t value) {
    auto family = metrics::gauge(name, help);
    family.add({}, static_cast<double>(value));
    return std::move(family).build();
  };
  return {one("pushguard_org_series", "Per-org series exported here.", blocks_.series()),
          one("pushguard_org_series_limit", "How many per-org series are exported at most.", options_.limit),
          one("pushguard_org_series_suppressed", "Push jobs whose series are left out because of the limit.",
              suppressed_)};
}

}  // namespace pushguard::agent
