#include "simulator/token_desk.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/url.hpp"
#include "simulator/dice.hpp"
#include "simulator/record_ids.hpp"
#include "simulator/world.hpp"

namespace pushguard::simulator {
namespace {

// Tokens kept; the oldest to expire make room. No client needs more than a few at once.
constexpr std::size_t tokens_max = 10'000;

std::optional<std::string> form_value(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equals)) == name)
      return percent_decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

std::string random_text(dice roll, std::size_t size) {
  static constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
  std::string made;
  for (std::size_t index = 0; index < size; ++index)
    made += letters[roll.below(letters.size())];
  return made;
}

std::optional<std::string_view> presented_token(const http_request& request) {
  const auto header = request.headers.find("Authorization");
  if (!header)
    return std::nullopt;
  for (const std::string_view scheme : {"Bearer ", "OAuth "}) {
    if (equals_ignoring_case(header->substr(0, scheme.size()), scheme))
      return trim(header->substr(scheme.size()));
  }
  return std::string_view{};
}

bool is_common_login_host(std::string_view host) {
  const std::string_view name = host.substr(0, host.find(':'));
  return equals_ignoring_case(name, "login.salesforce.com") ||
         equals_ignoring_case(name, "test.salesforce.com");
}

}  // namespace

token_desk::token_desk(const credentials_plan& plan, std::uint64_t seed)
    : token_desk(plan, seed, hub_org_id()) {}

http_reply token_desk::answer(const http_request& request, instant now) {
  if (request.method != "POST")
    return refuse("invalid_request", "must use HTTP POST");
  if (form_value(request.body, "grant_type") != "client_credentials")
    return refuse("unsupported_grant_type", "grant type not supported");
  if (is_common_login_host(request.headers.find("Host").value_or("")))
    return refuse("invalid_grant", "request not supported on this domain");
  if (form_value(request.body, "client_id") != plan_.client_id)
    return refuse("invalid_client_id", "client identifier invalid");
  if (form_value(request.body, "client_secret") != plan_.client_secret)
    return refuse("invalid_client", "invalid client credentials");
  return give(request, now);
}

http_reply token_desk::refuse(std::string_view error, std::string_view description) {
  ++refused_;
  http_reply reply{.status = 400, .headers = {{"Content-Type", "application/json;charset=UTF-8"}}};
  reply.body = fmt::format(R"({{"error":"{}","error_description":"{}"}})", error, description);
  return reply;
}

std::string token_desk::issue(steady_time now) {
  newest_ = org_id_.substr(0, 15) + '!' + random_text(dice(seed_, draw::token, given_), 96);
  ++given_;
  std::erase_if(expiries_, [now](const auto& each) { return each.second <= now; });
  if (expiries_.size() >= tokens_max)
    expiries_.erase(expiries_.begin());
  expiries_[newest_] = now + plan_.token_life;
  return newest_;
}

http_reply token_desk::give(const http_request& request, instant now) {
  const std::string token = issue(now.steady);
  const std::string instance = "http://" + std::string(request.headers.find("Host").value_or("localhost"));
  http_reply reply{.headers = {{"Content-Type", "application/json;charset=UTF-8"},
                               {"Cache-Control", "no-cache, no-store"}}};
  std::string& body = reply.body;
  body = R"({"access_token":)";
  append_json_string(body, token);
  body += R"(,"signature":)";
  append_json_string(body, random_text(dice(seed_, draw::token, ~given_), 43) + '=');
  body += R"(,"scope":"api","instance_url":)";
  append_json_string(body, instance);
  body += R"(,"id":)";
  append_json_string(body, fmt::format("{}/id/{}/{}", instance, org_id_, hub_user_id()));
  body += fmt::format(R"(,"token_type":"Bearer","issued_at":"{}"}})", now.wall.time_since_epoch().count());
  return reply;
}

token_check token_desk::check(const http_request& request, steady_time now) const {
  const auto token = presented_token(request);
  if (!token)
    return token_check::missing;
  const auto found = expiries_.find(*token);
  return found != expiries_.end() && now < found->second ? token_check::valid : token_check::invalid;
}

void token_desk::prolong(const http_request& request, steady_time now) {
  const auto token = presented_token(request);
  if (!token)
    return;
  const auto found = expiries_.find(*token);
  if (found != expiries_.end() && now < found->second)
    found->second = now + plan_.token_life;
}

void token_desk::move_to(std::string org_id) {
  org_id_ = std::move(org_id);
  revoke_all();
}

std::optional<std::string> token_desk::newest(steady_time now) const {
  const auto found = expiries_.find(newest_);
  if (found == expiries_.end() || found->second <= now)
    return std::nullopt;
  return newest_;
}

std::string hub_user_id() {
  return record_id("005", 1);
}

}  // namespace pushguard::simulator
