#include "tests/bench/decision/push_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace pushguard::bench {
namespace {

constexpr std::string_view package_id = "033000000000001";
constexpr std::string_view id_zeros = "000000000000";
constexpr std::size_t jobs_per_page = 2000;  // Salesforce's

/// The records of an answer in the making.
class record_list {
 public:
  /// Where the next record goes.
  std::string& next() {
    if (count_++ > 0)
      text_ += ',';
    return text_;
  }
  [[nodiscard]] std::string finish() const {
    return fmt::format(R"({{"totalSize":{},"done":true,"records":[{}]}})", count_, text_);
  }
  /// As a page that is not the last.
  [[nodiscard]] std::string finish(std::size_t total, std::string_view next) const {
    return fmt::format(R"({{"totalSize":{},"done":false,"nextRecordsUrl":"{}","records":[{}]}})", total, next,
                       text_);
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

/// The numbers of the ids with this prefix that stand in quotes.
std::vector<std::uint32_t> ids_in(std::string_view soql, std::string_view prefix) {
  const std::string quoted = fmt::format("'{}", prefix);
  std::vector<std::uint32_t> numbers;
  for (std::size_t at = soql.find(quoted); at != std::string_view::npos; at = soql.find(quoted, at)) {
    at += quoted.size();
    const std::string_view digits = soql.substr(at, id_zeros.size());
    std::uint32_t number = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc{})
      numbers.push_back(number);
  }
  return numbers;
}

/// What `SystemModstamp >=` is followed by.
wall_time changed_since(std::string_view soql) {
  constexpr std::string_view filter = "SystemModstamp >= ";
  const std::size_t at = soql.find(filter);
  if (at == std::string_view::npos)
    return wall_time::min();
  const std::string_view rest = soql.substr(at + filter.size());
  return parse_time(rest.substr(0, rest.find_first_of(" )"))).value_or(wall_time::min());
}

bool has_started(std::string_view status) {
  return status == "InProgress" || status == "Succeeded" || status == "Failed";
}

bool has_ended(std::string_view status) {
  return status == "Succeeded" || status == "Failed" || status == "Canceled";
}

std::string time_or_null(bool is_there, wall_time time) {
  return is_there ? fmt::format("\"{}\"", format_time(time)) : "null";
}

}  // namespace

std::string request_id(std::uint32_t request) {
  return fmt::format("0DV{:012}", request);
}

std::string job_id(std::uint32_t job) {
  return fmt::format("0DX{:012}", job);
}

push_rows::push_rows(const hub_size& size, wall_time now) : began_(now) {
  std::uint32_t version = 1;
  for (std::uint32_t wave = 0; wave < size.waves; ++wave) {
    const bool is_running = wave < size.waves_running;
    add_request(version, is_running ? "InProgress" : "Succeeded", size.orgs_per_wave,
                is_running ? "Pending" : "Succeeded", now);
    if (is_running)
      running_jobs_ += size.orgs_per_wave;
  }
  for (std::uint32_t i = 0; i < size.rollouts_of_one; ++i)
    of_one_.push_back(add_small_rollout(++version, 1, size.orgs_per_small_request, now));
  for (std::uint32_t i = 0; i < size.rollouts_of_many; ++i)
    of_many_.push_back(add_small_rollout(++version, size.many, size.orgs_per_small_request, now));
}

std::uint32_t push_rows::add_request(std::uint32_t version, std::string_view status, std::uint32_t jobs,
                                     std::string_view job_status, wall_time now) {
  const auto request = static_cast<std::uint32_t>(requests_.size());
  requests_.push_back(
      {version, static_cast<std::uint32_t>(jobs_.size()), jobs, status, now, {{job_status, jobs}}});
  write_request(request);
  for (std::uint32_t i = 0; i < jobs; ++i) {
    jobs_.push_back({request, job_status, now});
    write_job(static_cast<std::uint32_t>(jobs_.size() - 1));
  }
  return request;
}

small_rollout push_rows::add_small_rollout(std::uint32_t version, std::uint32_t waiting, std::uint32_t orgs,
                                           wall_time now) {
  small_rollout made;
  made.running_request = add_request(version, "InProgress", 1, "InProgress", now);
  made.job = requests_.back().first_job;
  for (std::uint32_t i = 0; i < waiting; ++i)
    made.waiting_requests.push_back(add_request(version, "Created", orgs, "Created", now));
  return made;
}

void push_rows::set_job(std::uint32_t job, std::string_view status, wall_time now) {
  push_job& row = jobs_[job];
  auto& counts = requests_[row.request].job_counts;
  --counts[row.status];
  ++counts[status];
  row.status = status;
  row.modified = now;
  write_job(job);
}

void push_rows::set_request(std::uint32_t request, std::string_view status, wall_time now) {
  requests_[request].status = status;
  requests_[request].modified = now;
  write_request(request);
}

void push_rows::cancel(std::string_view id, wall_time now) {
  const auto found = ids_in(fmt::format("'{}'", id), "0DV");
  if (found.empty() || found.front() >= requests_.size())
    return;
  set_request(found.front(), "Canceled", now);
  const push_request& request = requests_[found.front()];
  for (std::uint32_t i = 0; i < request.job_count; ++i)
    set_job(request.first_job + i, "Canceled", now);
}

std::optional<std::string> push_rows::answer(std::string_view soql) {
  const auto is_from = [soql](std::string_view object) {
    return soql.contains(fmt::format(" FROM {} WHERE ", object));
  };
  if (is_from("PackagePushRequest"))
    return requests(soql);
  if (is_from("PackagePushJob"))
    return soql.contains("GROUP BY") ? job_counts(soql) : jobs(soql);
  if (is_from("PackagePushError"))
    return record_list().finish();
  if (is_from("PackageSubscriber"))
    return subscribers();
  return std::nullopt;
}

void push_rows::write_request(std::uint32_t request) {
  push_request& row = requests_[request];
  row.record = fmt::format(
      R"({{"Id":"{}","PackageVersionId":"04t{:012}","PackageVersion":{{"Name":"Summer","MajorVersion":1,"MinorVersion":{},"PatchVersion":0,"BuildNumber":1,"MetadataPackageId":"{}","MetadataPackage":{{"Name":"Acme Billing","PackageCategory":"Package2"}}}},"ScheduledStartTime":"{}","Status":"{}","StartTime":{},"EndTime":{},"SystemModstamp":"{}"}})",
      request_id(request), row.version, row.version, package_id, format_time(began_), row.status,
      time_or_null(has_started(row.status), began_), time_or_null(has_ended(row.status), row.modified),
      format_time(row.modified));
}

void push_rows::write_job(std::uint32_t job) {
  push_job& row = jobs_[job];
  row.record = fmt::format(
      R"({{"Id":"{}","PackagePushRequestId":"{}","SubscriberOrganizationKey":"00D{:012}","Status":"{}","StartTime":{},"EndTime":{},"SystemModstamp":"{}"}})",
      job_id(job), request_id(row.request), job, row.status, time_or_null(has_started(row.status), began_),
      time_or_null(has_ended(row.status), row.modified), format_time(row.modified));
}

std::string push_rows::requests(std::string_view soql) const {
  record_list records;
  if (soql.contains(" WHERE Id IN ")) {
    for (const std::uint32_t request : ids_in(soql, "0DV"))
      records.next() += requests_[request].record;
    return records.finish();
  }
  const wall_time since = changed_since(soql);
  for (std::uint32_t request = 0; request < requests_.size(); ++request) {
    if (!has_ended(requests_[request].status) || requests_[request].modified >= since)
      records.next() += requests_[request].record;
  }
  return records.finish();
}

std::string push_rows::next_page() {
  record_list records;
  const std::size_t end = std::min(answered_jobs_.size(), next_answered_ + jobs_per_page);
  for (; next_answered_ < end; ++next_answered_)
    records.next() += jobs_[answered_jobs_[next_answered_]].record;
  if (end == answered_jobs_.size())
    return records.finish();
  return records.finish(answered_jobs_.size(),
                        fmt::format("/services/data/v62.0/query/01g000000000001-{}", end));
}

std::string push_rows::jobs(std::string_view soql) {
  record_list records;
  if (soql.contains(" WHERE Id IN ")) {
    for (const std::uint32_t job : ids_in(soql, "0DX"))
      records.next() += jobs_[job].record;
    return records.finish();
  }
  const wall_time since = changed_since(soql);
  answered_jobs_.clear();
  next_answered_ = 0;
  for (const std::uint32_t request : ids_in(soql, "0DV")) {
    const push_request& of = requests_[request];
    for (std::uint32_t job = of.first_job; job < of.first_job + of.job_count; ++job) {
      if (jobs_[job].modified >= since)
        answered_jobs_.push_back(job);
    }
  }
  return next_page();
}

std::string push_rows::job_counts(std::string_view soql) const {
  record_list records;
  for (const std::uint32_t request : ids_in(soql, "0DV")) {
    for (const auto& [status, count] : requests_[request].job_counts) {
      if (count > 0)
        fmt::format_to(std::back_inserter(records.next()),
                       R"({{"PackagePushRequestId":"{}","Status":"{}","expr0":{}}})", request_id(request),
                       status, count);
    }
  }
  return records.finish();
}

std::string push_rows::subscribers() const {
  record_list records;
  for (std::uint32_t org = 0; org < jobs_.size(); ++org)
    fmt::format_to(
        std::back_inserter(records.next()),
        R"({{"OrgKey":"00D{:012}","OrgName":"Customer {} GmbH & Co. KG","OrgType":"Production","OrgStatus":"Active","InstanceName":"EU{}","MetadataPackageId":"{}","MetadataPackageVersionId":"04t{:012}"}})",
        org, org, org % 60, package_id, 0);
  return records.finish();
}

std::string push_rows::event_data(std::uint32_t job, std::uint64_t replay_id) const {
  return fmt::format(
      R"({{"schema":"Ggi8l9fGmVZkWTWwAbB1LA","payload":{{"CreatedDate":"{}","CreatedById":"005000000000001AAA","Request_Id__c":"{}","Job_Id__c":"{}","Org_Key__c":"00D{:012}","Status__c":"{}","Error_Type__c":null}},"event":{{"replayId":{},"EventUuid":"0f5e4f0b-6b3d-4c5e-9d5b-{:012}"}}}})",
      format_time(jobs_[job].modified), request_id(jobs_[job].request), job_id(job), job, jobs_[job].status,
      replay_id, replay_id);
}

}  // namespace pushguard::bench
