#include "agent/org_series.hpp"

#include <array>

#include "metrics/families.hpp"

namespace pushguard::agent {
namespace {

using configuration::org_series_mode;

enum family : std::size_t { success, failure_info, push_duration, running_since, org_info, family_count };
using block_lines = std::array<std::string, family_count>;

constexpr std::array<std::string_view, family_count> names{
    "pushguard_org_push_success", "pushguard_org_push_failure_info", "pushguard_org_push_duration_seconds",
    "pushguard_org_push_running_since_timestamp_seconds", "pushguard_org_info"};

std::vector<metrics::family_header> headers() {
  return {{std::string(names[success]),
           "The org's push job succeeded; there once the job has ended in success or failure."},
          {std::string(names[failure_info]), "Why the org's push job failed."},
          {std::string(names[push_duration]), "How long the org's push job took."},
          {std::string(names[running_since]), "Since when the org's push job runs."},
          {std::string(names[org_info]), "What an org is."}};
}

std::string job_key(const std::string& hub, const job_view& job) {
  return hub + '/' + std::string(job.request.key()) + '/' + std::string(job.org.key());
}

std::string org_block_key(const std::string& hub, const domain::org_key& org) {
  return hub + '/' + std::string(org.key());
}

block_lines render(const std::string& hub, const job_view& job) {
  block_lines lines;
  std::string labels;
  metrics::append_labels(labels,
                         {{"hub", hub}, {"request_id", job.request.text()}, {"org_key", job.org.key()}});
  if (job.status == domain::push_status::succeeded || job.status == domain::push_status::failed) {
    metrics::append_sample(lines[success], names[success], labels,
                           job.status == domain::push_status::succeeded ? 1 : 0);
    if (job.start && job.end) {
      metrics::append_sample(lines[push_duration], names[push_duration], labels,
                             std::chrono::duration<double>(*job.end - *job.start).count());
    }
  }
  if (job.status == domain::push_status::in_progress && job.start) {
    metrics::append_sample(lines[running_since], names[running_since], labels, to_unix_seconds(*job.start));
  }
  if (job.error) {
    metrics::append_labels(labels, {{"error_type", domain::to_string(*job.error)}});
    metrics::append_sample(lines[failure_info], names[failure_info], labels, 1);
  }
  return lines;
}

std::size_t series_of(const block_lines& lines) {
  std::size_t count = 0;
  for (const std::string& line : lines)
    count += line.empty() ? 0 : 1;
  return count;
}

}  // namespace

org_series::org_series(configuration::org_series options) : options_(options), blocks_(headers()) {}

void org_series::apply(const view_update& update, const read_model& model) {
  if (options_.mode == org_series_mode::off)
    return;
  for (const auto& [hub, jobs] : update.jobs) {
    for (const job_view& job : jobs)
      show(hub, job, model);
  }
  for (const auto& [hub, orgs] : update.orgs) {
    for (const org_view& org : orgs) {
      if (jobs_of_org_.contains(org_block_key(hub, org.org)))
        show_org(hub, org.org, model);
    }
  }
}

void org_series::configure(configuration::org_series options, const read_model& model, wall_time now) {
  *this = org_series(options);
  apply(model.jobs_and_orgs(), model);
  forget_ended(model, now);
}

void org_series::show(const std::string& hub, const job_view& job, const read_model& model) {
  const request_key request{hub, job.request};
  const std::string key = job_key(hub, job);
  const bool is_failed = job.status == domain::push_status::failed;
  if (forgotten_.contains(request))
    return;
  const block_lines lines = render(hub, job);
  const std::size_t wanted = series_of(lines);
  if (wanted == 0 || (options_.mode == org_series_mode::failed && !is_failed)) {
    hide(key);
    suppressed_.erase(key);
    return;
  }
  const auto [place, is_new] = shown_.try_emplace(key, shown_job{request, job.org, is_failed});
  if (is_new) {
    constexpr std::size_t org_info_series = 1;
    if (!make_room(wanted + org_info_series, job)) {
      shown_.erase(place);
      suppressed_.insert(key);
      return;
    }
    keys_of_[request].insert(key);
    ++jobs_of_org_[org_block_key(hub, job.org)];
    if (!is_failed)
      displaceable_.push_back(key);
    show_org(hub, job.org, model);
  }
  place->second.is_failed = is_failed;
  suppressed_.erase(key);
  blocks_.set(key, lines);
}

/// Room for `wanted` more series; a failed org may displace others for it.
bool org_series::make_room(std::size_t wanted, const job_view& job) {
  const auto fits = [&] { return blocks_.series() + wanted <= options_.limit; };
  while (!fits() && job.status == domain::push_status::failed && !displaceable_.empty()) {
    const std::string oldest = std::move(displaceable_.front());
    displaceable_.pop_front();
    const auto found = shown_.find(oldest);
    if (found == shown_.end() || found->second.is_failed)
      continue;
    hide(oldest);
    suppressed_.insert(oldest);
  }
  return fits();
}

void org_series::show_org(const std::string& hub, const domain::org_key& key, const read_model& model) {
  const org_view* org = model.org(hub, key);
  if (org == nullptr)
    return;
  block_lines lines;
  std::string labels;
  metrics::append_labels(labels, {{"hub", hub},
                                  {"org_key", key.key()},
                                  {"org_name", org->name},
                                  {"org_type", domain::to_string(org->type)},
                                  {"sf_instance", org->sf_instance}});
  metrics::append_sample(lines[org_info], names[org_info], labels, 1);
  blocks_.set(org_block_key(hub, key), lines);
}

void org_series::hide(const std::string& key) {
  const auto found = shown_.find(key);
  if (found == shown_.end())
    return;
  const shown_job job = found->second;
  blocks_.erase(key);
  if (const auto keys = keys_of_.find(job.request); keys != keys_of_.end())
    keys->second.erase(key);
  const std::string org = org_block_key(job.request.first, job.org);
  if (const auto count = jobs_of_org_.find(org); count != jobs_of_org_.end() && --count->second == 0) {
    jobs_of_org_.erase(count);
    blocks_.erase(org);
  }
  shown_.erase(key);
}

void org_series::forget_ended(const read_model& model, wall_time now) {
  for (const auto& [key, request] : model.requests()) {
    if (!request.ended || now - *request.ended < options_.keep_after_end || !forgotten_.insert(key).second)
      continue;
    const auto keys = keys_of_.find(key);
    if (keys == keys_of_.end())
      continue;
    const std::unordered_set<std::string> ended = std::move(keys->second);
    for (const std::string& each : ended)
      hide(each);
    keys_of_.erase(key);
  }
}

std::string org_series::summary() const {
  const auto one = [](std::string_view name, std::string_view help, std::size_t value) {
    auto family = metrics::gauge(name, help);
    family.add({}, static_cast<double>(value));
    return std::move(family).build();
  };
  std::vector<prometheus::MetricFamily> families;
  families.push_back(one("pushguard_org_series", "Per-org series exported here.", blocks_.series()));
  families.push_back(
      one("pushguard_org_series_limit", "How many per-org series are exported at most.", options_.limit));
  families.push_back(one("pushguard_org_series_suppressed",
                         "Push jobs whose series are left out because of the limit.", suppressed_.size()));
  return metrics::to_text(families);
}

}  // namespace pushguard::agent
