#include "simulator/login_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace pushguard::simulator {
namespace {

using enum login_fault_kind;

constexpr duration slow_delay = std::chrono::seconds(5);

/// In the order of login_fault_kind.
constexpr auto names = std::to_array<std::pair<login_fault_kind, std::string_view>>({
    {inactive_user, "inactive_user"},
    {locked_user, "locked_user"},
    {not_approved, "not_approved"},
    {invalid_client, "invalid_client"},
    {app_blocked, "app_blocked"},
    {rate_limited, "rate_limited"},
    {server_error, "server_error"},
    {maintenance_page, "maintenance_page"},
    {html_200, "html_200"},
    {garbage, "garbage"},
    {no_answer, "no_answer"},
    {slow, "slow"},
    {no_token, "no_token"},
    {huge_answer, "huge_answer"},
    {foreign_http_instance, "foreign_http_instance"},
});

constexpr auto kinds = [] {
  std::array<login_fault_kind, names.size()> made{};
  std::ranges::transform(names, made.begin(), &std::pair<login_fault_kind, std::string_view>::first);
  return made;
}();

static_assert(std::ranges::is_sorted(kinds), "name_of() looks them up by their place");
static_assert(static_cast<std::size_t>(kinds.back()) + 1 == kinds.size(), "every kind has its name");

std::uint64_t times_of(const login_fault_plan& plan) {
  if (plan.times)
    return *plan.times;
  return plan.until ? std::numeric_limits<std::uint64_t>::max() : 1;
}

http_reply page(int status, std::string_view title) {
  return {.status = status,
          .headers = {{"Content-Type", "text/html;charset=UTF-8"}},
          .body = fmt::format("<!DOCTYPE html>\n<html><head><title>{0}</title></head>"
                              "<body><h1>{0}</h1></body></html>\n",
                              title)};
}

}  // namespace

std::span<const login_fault_kind> all_login_fault_kinds() noexcept {
  return kinds;
}

std::string_view name_of(login_fault_kind kind) noexcept {
  return names[static_cast<std::size_t>(kind)].second;
}

login_fault_script::login_fault_script(std::vector<login_fault_plan> faults) {
  for (login_fault_plan& each : faults) {
    if (!each.delay)
      each.delay = each.kind == slow ? slow_delay : duration::zero();
    const std::uint64_t times = times_of(each);
    waiting_.push_back({each, times});
  }
}

std::optional<login_fault_plan> login_fault_script::strike(duration age) {
  for (waiting_fault& each : waiting_) {
    if (each.times_left == 0 || age < each.plan.from || (each.plan.until && age >= *each.plan.until))
      continue;
    if (each.plan.skip > 0) {
      --each.plan.skip;
      continue;
    }
    --each.times_left;
    return each.plan;
  }
  return std::nullopt;
}

http_reply login_refusal(int status, std::string_view error, std::string_view description) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json;charset=UTF-8"}},
          .body = fmt::format(R"({{"error":"{}","error_description":"{}"}})", error, description)};
}

std::optional<http_reply> answer_instead(login_fault_kind kind) {
  switch (kind) {
    case inactive_user:
      return login_refusal(400, "inactive_user", "user is inactive");
    case locked_user:
      return login_refusal(400, "invalid_grant", "user is locked");
    case not_approved:
      return login_refusal(400, "invalid_grant", "user hasn't approved this consumer");
    case invalid_client:
      return login_refusal(400, "invalid_client", "invalid client credentials");
    case app_blocked:
      return login_refusal(400, "invalid_app_access", "application is blocked");
    case rate_limited:
      return login_refusal(429, "rate_limit_exceeded", "login rate exceeded");
    case server_error:
      return login_refusal(500, "unknown_error", "retry your request");
    case maintenance_page:
      return page(503, "We are down for maintenance");
    case html_200:
      return page(200, "Login | Salesforce");
    case garbage:
      return http_reply{.headers = {{"Content-Type", "application/json;charset=UTF-8"}},
                        .body = R"({"access_token":"00D)"};
    case no_answer:
      return http_reply{.status = 0, .after = after_reply::reset};
    case slow:
    case no_token:
    case huge_answer:
    case foreign_http_instance:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace pushguard::simulator
