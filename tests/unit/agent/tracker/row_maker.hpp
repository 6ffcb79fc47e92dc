#pragma once

#include <fmt/format.h>

#include "agent/domain/rollout_id.hpp"
#include "agent/domain/rows.hpp"
#include "agent/tracker/tracker.hpp"

/// Short names for rows and events of a made-up hub, for tests that read like tables.
namespace pushguard::test {

using namespace std::chrono_literals;
using domain::push_status;

inline constexpr wall_time start_of_day{std::chrono::hours{24 * 365 * 55}};

[[nodiscard]] inline wall_time at(duration since_start) {
  return start_of_day + since_start;
}

template <class Id>
[[nodiscard]] Id make_id(std::string_view prefix, unsigned number) {
  return Id::parse(fmt::format("{}{:012}", prefix, number)).value();
}
[[nodiscard]] inline domain::request_id request_id(unsigned n) {
  return make_id<domain::request_id>("0DV", n);
}
[[nodiscard]] inline domain::job_id job_id(unsigned n) {
  return make_id<domain::job_id>("0DX", n);
}
[[nodiscard]] inline domain::org_key org_key(unsigned n) {
  return make_id<domain::org_key>("00D", n);
}
[[nodiscard]] inline domain::package_id package_id(unsigned n) {
  return make_id<domain::package_id>("033", n);
}
[[nodiscard]] inline domain::version_id version_id(unsigned n) {
  return make_id<domain::version_id>("04t", n);
}

/// Request `n` of version 1 of package 1, which starts an hour times n after the start of the day.
[[nodiscard]] inline domain::request_row request_row(unsigned n,
                                                     push_status status = push_status::in_progress) {
  domain::request_row row;
  row.id = request_id(n);
  row.package = package_id(1);
  row.version = version_id(1);
  row.package_name = "Package";
  row.version_number = "4.2.0.7";
  row.status = status;
  row.scheduled_start = at(std::chrono::hours{n});
  row.modified = at(0s);
  return row;
}

/// Job `n` of a request, for org `n` unless another is named.
[[nodiscard]] inline domain::job_row job_row(unsigned n, unsigned request, push_status status,
                                             duration modified = 0s) {
  domain::job_row row;
  row.id = job_id(n);
  row.request = request_id(request);
  row.org = org_key(n);
  row.status = status;
  row.modified = at(modified);
  if (is_started(status))
    row.start = at(modified);
  return row;
}
[[nodiscard]] inline domain::job_row job_row_of(unsigned org, domain::job_row row) {
  row.org = org_key(org);
  return row;
}

[[nodiscard]] inline domain::push_event job_event(unsigned job, push_status status) {
  domain::push_event event;
  event.job = job_id(job);
  event.status = status;
  return event;
}

[[nodiscard]] inline domain::error_row error_row(unsigned job, domain::error_type type,
                                                 std::string title = "Title",
                                                 std::string message = "message") {
  domain::error_row row;
  row.job = job_id(job);
  row.type = type;
  row.title = std::move(title);
  row.message = std::move(message);
  return row;
}

[[nodiscard]] inline domain::subscriber_row subscriber_row(
    unsigned org, std::string instance, domain::org_type type = domain::org_type::production) {
  domain::subscriber_row row;
  row.org = org_key(org);
  row.package = package_id(1);
  row.name = fmt::format("Org {}", org);
  row.type = type;
  row.sf_instance = std::move(instance);
  return row;
}

inline tracker::changes apply(tracker::tracker& to, std::initializer_list<domain::request_row> rows,
                              wall_time asked = at(0s)) {
  return to.apply(std::span(rows.begin(), rows.size()), asked);
}
inline tracker::changes apply(tracker::tracker& to, std::initializer_list<domain::job_row> rows,
                              wall_time asked = at(0s)) {
  return to.apply(std::span(rows.begin(), rows.size()), asked);
}
inline tracker::changes apply(tracker::tracker& to, std::initializer_list<domain::subscriber_row> rows) {
  return to.apply(std::span(rows.begin(), rows.size()));
}

}  // namespace pushguard::test
