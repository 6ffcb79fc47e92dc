#include "agent/org_series.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "metrics/families.hpp"

namespace pushguard::agent {
namespace {

using configuration::org_series_mode;

enum job_family : std::size_t { success, failure_info, push_duration, running_since };

constexpr std::array<std::string_view, 4> job_names{
    "pushguard_org_push_success", "pushguard_org_push_failure_info", "pushguard_org_push_duration_seconds",
    "pushguard_org_push_running_since_timestamp_seconds"};
constexpr std::string_view org_name = "pushguard_org_info";

constexpr std::size_t org_info_series = 1;  // of each org that is shown

std::vector<metrics::family_header> job_headers() {
  return {{std::string(job_names[success]),
           "The org's push job succeeded; there once the job has ended in success or failure."},
          {std::string(job_names[failure_info]), "Why the org's push job failed."},
          {std::string(job_names[push_duration]), "How long the org's push job took."},
          {std::string(job_names[running_since]), "Since when the org's push job runs."}};
}

std::vector<metrics::family_header> org_headers() {
  return {{std::string(org_name), "What an org is."}};
}

/// The key of a block: the index of its owner, a request or a hub, and the org.
class block_key {
 public:
  block_key(std::uint32_t owner, const domain::org_key& org) {
    std::memcpy(text_.data(), &owner, sizeof owner);
    size_ = sizeof owner + org.key().copy(text_.data() + sizeof owner, text_.size() - sizeof owner);
  }
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 24> text_{};
  std::size_t size_ = 0;
};

std::uint8_t count_lines(std::span<const std::string> lines) {
  return static_cast<std::uint8_t>(
      std::ranges::count_if(lines, [](const std::string& line) { return !line.empty(); }));
}

}  // namespace

org_series::org_series(configuration::org_series options)
    : options_(options), job_blocks_(job_headers()), org_blocks_(org_headers()) {}

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
      const auto at = org_blocks_.find(block_key(index, org.org).text());
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

std::uint32_t org_series::request_index(const std::string& hub, const domain::request_id& request) {
  // Jobs come request by request, as a rule.
  if (!requests_.empty() && requests_.back().key.second == request && requests_.back().key.first == hub)
    return static_cast<std::uint32_t>(requests_.size() - 1);
  const auto [found, is_new] =
      request_indices_.try_emplace({hub, request}, static_cast<std::uint32_t>(requests_.size()));
  if (is_new) {
    request_entry& entry = requests_.emplace_back();
    entry.key = found->first;
    entry.hub = hub_index(hub);
    metrics::append_labels(entry.labels, {{"hub", hub}, {"request_id", request.text()}});
  }
  return found->second;
}

org_series::place org_series::add_job(std::uint32_t request, const domain::org_key& org) {
  const place at = job_blocks_.add(block_key(request, org).text());
  if (at >= pushed_.size())
    pushed_.resize(job_blocks_.places_end());
  return at;
}

org_series::place org_series::add_org(std::uint32_t hub, const domain::org_key& org) {
  const place at = org_blocks_.add(block_key(hub, org).text());
  if (at >= orgs_.size())
    orgs_.resize(org_blocks_.places_end());
  return at;
}

void org_series::render(const request_entry& request, const job_view& job) {
  for (std::string& line : lines_)
    line.clear();
  labels_ = request.labels;
  metrics::append_labels(labels_, {{"org_key", job.org.key()}});
  const auto add = [&](job_family to, double value) {
    metrics::append_sample(lines_[to], job_names[to], labels_, value);
  };
  if (job.status == domain::push_status::succeeded || job.status == domain::push_status::failed) {
    add(success, job.status == domain::push_status::succeeded ? 1 : 0);
    if (job.start && job.end)
      add(push_duration, std::chrono::duration<double>(*job.end - *job.start).count());
  }
  if (job.status == domain::push_status::in_progress && job.start)
    add(running_since, to_unix_seconds(*job.start));
  if (job.error) {
    metrics::append_labels(labels_, {{"error_type", domain::to_string(*job.error)}});
    add(failure_info, 1);
  }
}

/// Takes in how a job stands now.
void org_series::note(const std::string& hub, const job_view& job, const read_model& model) {
  const std::uint32_t request = request_index(hub, job.request);
  const request_entry& owner = requests_[request];
  if (owner.is_forgotten)
    return;
  render(owner, job);
  const std::uint8_t wanted = count_lines(lines_);
  const bool is_failed = job.status == domain::push_status::failed;
  if (wanted == 0 || (options_.mode == org_series_mode::failed && !is_failed)) {
    if (const auto known = job_blocks_.find(block_key(request, job.org).text()))
      remove(*known);
    return;
  }
  const place at = add_job(request, job.org);
  pushed& of = pushed_[at];
  if (of.job.empty()) {
    of.request = request;
    of.org = add_org(owner.hub, job.org);
    ++orgs_[of.org].jobs;
    ++suppressed_;  // until it is shown
  }
  of.job = job.id;
  if (of.is_shown) {
    used_ = used_ - of.series + wanted;
    has_more_room_ = has_more_room_ || wanted < of.series;
  }
  of.series = wanted & 0x3FU;
  const bool was_failed = of.is_failed;
  of.is_failed = is_failed;
  if (of.is_shown && was_failed && !of.is_failed)
    enqueue(displaceable_, at);
  settle(at, job.org, model);
}

bool org_series::has_room_for(const pushed& of) const {
  const std::size_t more = of.is_shown ? 0 : of.series + (orgs_[of.org].shown == 0 ? org_info_series : 0);
  return used_ + more <= options_.limit;
}

/// Shows the job whose lines were rendered, where there is room or can be made; else suppresses it.
void org_series::settle(place at, const domain::org_key& org, const read_model& model) {
  while (!has_room_for(pushed_[at])) {
    if (!pushed_[at].is_failed || !displace_one())
      return suppress(at);
  }
  show(at, org, model);
}

void org_series::show(place at, const domain::org_key& org, const read_model& model) {
  pushed& of = pushed_[at];
  if (!of.is_shown) {
    of.is_shown = true;
    --suppressed_;
    used_ += of.series;
    if (orgs_[of.org].shown++ == 0) {
      used_ += org_info_series;
      show_org(requests_[of.request].hub, of.org, org, model);
    }
    if (!of.is_failed)
      enqueue(displaceable_, at);
  }
  job_blocks_.set(at, lines_);
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
  job_blocks_.clear(at);
  if (--orgs_[of.org].shown == 0) {
    used_ -= org_info_series;
    org_blocks_.clear(of.org);
  }
}

void org_series::remove(place at) {
  if (pushed_[at].is_shown)
    hide(at);
  else
    --suppressed_;
  const place org = pushed_[at].org;
  pushed_[at] = {};
  job_blocks_.erase(at);
  if (--orgs_[org].jobs == 0)
    org_blocks_.erase(org);
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
  return what.at < pushed_.size() && !pushed_[what.at].job.empty() && pushed_[what.at].turn == what.turn;
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
      const request_entry& request = requests_[pushed_[next.at].request];
      const job_view& job = model.jobs(request.key)->at(pushed_[next.at].job);
      render(request, job);
      show(next.at, job.org, model);
    }
  }
}

void org_series::show_org(std::uint32_t hub, place at, const domain::org_key& key, const read_model& model) {
  const org_view* org = model.org(hubs_[hub], key);
  if (org == nullptr)
    return;
  labels_.clear();
  metrics::append_labels(labels_, {{"hub", hubs_[hub]},
                                   {"org_key", key.key()},
                                   {"org_name", org->name},
                                   {"org_type", domain::to_string(org->type)},
                                   {"sf_instance", org->sf_instance}});
  org_lines_.front().clear();
  metrics::append_sample(org_lines_.front(), org_name, labels_, 1);
  org_blocks_.set(at, org_lines_);
}

void org_series::forget_ended(const read_model& model, wall_time now) {
  bool has_forgotten = false;
  for (const auto& [key, request] : model.requests()) {
    if (!request.ended || now - *request.ended < options_.keep_after_end)
      continue;
    request_entry& entry = requests_[request_index(key.first, key.second)];
    has_forgotten = !std::exchange(entry.is_forgotten, true) || has_forgotten;
  }
  if (!has_forgotten)
    return;
  for (place at = 0; at < pushed_.size(); ++at) {
    if (!pushed_[at].job.empty() && requests_[pushed_[at].request].is_forgotten)
      remove(at);
  }
  for (queue* each : {&displaceable_, &waiting_failed_, &waiting_}) {
    std::erase_if(*each, [this](const queued& what) { return !is_current(what); });
    each->shrink_to_fit();
  }
  pushed_.resize(job_blocks_.places_end());
  pushed_.shrink_to_fit();
  orgs_.resize(org_blocks_.places_end());
  orgs_.shrink_to_fit();
  fill(model);
}

std::vector<prometheus::MetricFamily> org_series::summary() const {
  const auto one = [](std::string_view name, std::string_view help, std::size_t value) {
    auto family = metrics::gauge(name, help);
    family.add({}, static_cast<double>(value));
    return std::move(family).build();
  };
  return {one("pushguard_org_series", "Per-org series exported here.", series()),
          one("pushguard_org_series_limit", "How many per-org series are exported at most.", options_.limit),
          one("pushguard_org_series_suppressed", "Push jobs whose series are left out because of the limit.",
              suppressed_)};
}

}  // namespace pushguard::agent
