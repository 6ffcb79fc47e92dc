#include "tests/unit/agent/history/sample_push.hpp"

#include <array>

#include "agent/history/writer.hpp"

namespace pushguard::history::test {
namespace {

using domain::push_status;

std::size_t below(std::mt19937& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

/// What customers, package authors and stack traces put into texts; all of it valid UTF-8.
std::string random_text(std::mt19937& random) {
  constexpr std::array<std::string_view, 14> pieces{"a",
                                                    " ",
                                                    "\n",
                                                    "\r\n",
                                                    "\"",
                                                    "\\",
                                                    "\t",
                                                    "{}",
                                                    std::string_view("\0", 1),
                                                    "\x7F",
                                                    "ü",
                                                    "日本",
                                                    "\xF0\x9F\x92\xA5",
                                                    "\xE2\x80\xA8"};
  std::string text;
  for (std::size_t left = below(random, 12); left > 0; --left)
    text += pieces[below(random, pieces.size())];
  return text;
}

std::optional<wall_time> random_time(std::mt19937& random) {
  if (below(random, 5) == 0)
    return std::nullopt;
  return at(duration(below(random, 5'000)));
}

}  // namespace

wall_time at(duration later) {
  return parse_time("2025-03-01T10:00:00Z").value() + later;
}

domain::request_row sample_request() {
  domain::request_row row;
  row.id = make_id<domain::request_id>("0DV", 1);
  row.package = make_id<domain::package_id>("033", 1);
  row.version = make_id<domain::version_id>("04t", 2);
  row.package_name = "Acme Billing";
  row.version_number = "1.4.0.7";
  row.generation = domain::package_generation::second;
  row.status = push_status::failed;
  row.status_text = "Failed";
  row.scheduled_start = at(std::chrono::minutes(-5));
  row.start = at(duration::zero());
  row.end = at(std::chrono::minutes(10));
  row.modified = at(std::chrono::minutes(11));
  return row;
}

domain::job_row sample_job(unsigned number, push_status status) {
  domain::job_row row;
  row.id = make_id<domain::job_id>("0DX", number);
  row.request = sample_request().id;
  row.org = make_id<domain::org_key>("00D", number);
  row.status = status;
  row.start = at(std::chrono::seconds(number));
  row.end = at(std::chrono::minutes(number));
  row.modified = row.end;
  return row;
}

domain::error_row sample_error(unsigned job) {
  return {.job = make_id<domain::job_id>("0DX", job),
          .severity = domain::error_severity::error,
          .type = domain::error_type::deploy_error,
          .title = "Deployment Failure",
          .message = "Missing component on line 7",
          .details = "Example Ltd"};
}

domain::subscriber_row sample_subscriber(unsigned org) {
  domain::subscriber_row row;
  row.org = make_id<domain::org_key>("00D", org);
  row.package = sample_request().package;
  row.name = "Example Ltd";
  row.type = domain::org_type::sandbox;
  row.sf_instance = "CS194";
  row.org_status = "Active";
  row.version = make_id<domain::version_id>("04t", 1);
  return row;
}

push_source sample_source() {
  return {.pushguard_version = "0.1.0",
          .read_at = at(std::chrono::hours(24)),
          .hub = "devhub",
          .hub_org = make_id<domain::org_key>("00D", 999)};
}

push_rows random_rows(std::mt19937& random) {
  push_rows rows;
  rows.request = sample_request();
  rows.request.package_name = random_text(random);
  rows.request.status = domain::all_push_statuses[below(random, domain::all_push_statuses.size())];
  rows.request.end = random_time(random);
  const auto jobs = static_cast<unsigned>(below(random, 40));
  for (unsigned number = 1; number <= jobs; ++number) {
    domain::job_row& job = rows.jobs.emplace_back(
        sample_job(number, domain::all_push_statuses[below(random, domain::all_push_statuses.size())]));
    if (job.status == push_status::unrecognized)
      job.status_text = random_text(random);
    job.start = random_time(random);
    job.end = random_time(random);
    job.modified = random_time(random);
    if (below(random, 4) != 0) {
      domain::subscriber_row& subscriber = rows.subscribers.emplace_back(sample_subscriber(number));
      subscriber.name = random_text(random);
      subscriber.org_status = random_text(random);
      subscriber.type = below(random, 2) == 0 ? domain::org_type::production : domain::org_type::sandbox;
      if (below(random, 3) == 0)
        subscriber.version.reset();
    }
    for (std::size_t errors = below(random, 4); errors > 0; --errors) {
      domain::error_row& error = rows.errors.emplace_back(sample_error(number));
      error.severity =
          below(random, 2) == 0 ? domain::error_severity::error : domain::error_severity::warning;
      error.type = domain::all_error_types[below(random, domain::all_error_types.size())];
      error.title = random_text(random);
      error.message = random_text(random);
      error.details = random_text(random);
    }
  }
  return rows;
}

std::string write(const past_push& push) {
  std::string file = write_header(push.header);
  for (const history_job& job : push.jobs)
    file += write_job(job);
  return file;
}

}  // namespace pushguard::history::test
