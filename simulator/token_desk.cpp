#include "simulator/token_desk.hpp"

#include <fmt/format.h>

#include "base/http_date.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "simulator/assertion.hpp"
#include "simulator/dice.hpp"
#include "simulator/record_ids.hpp"
#include "simulator/world.hpp"

namespace pushguard::simulator {
namespace {

// Tokens kept; the oldest to expire make room. No client needs more than a few at once.
constexpr std::size_t tokens_max = 10'000;
constexpr std::size_t huge_size = 9UZ * 1024 * 1024;  // more than any client should read

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

struct token_desk::attempt {
  const http_request& request;
  instant now;
  std::optional<login_fault_kind> fault;

  [[nodiscard]] std::optional<std::string> field(std::string_view name) const {
    return form_value(request.body, name);
  }
  [[nodiscard]] std::string_view host() const { return request.headers.find("Host").value_or("localhost"); }
};

std::string_view name_of(login_flow flow) noexcept {
  switch (flow) {
    case login_flow::client_credentials:
      return "client_credentials";
    case login_flow::jwt_bearer:
      return "jwt_bearer";
    case login_flow::refresh_token:
      return "refresh_token";
  }
  return "";
}

token_desk::token_desk(const credentials_plan& plan, std::uint64_t seed, steady_time opened)
    : token_desk(plan, seed, hub_org_id(), opened) {}

token_desk::token_desk(const credentials_plan& plan, std::uint64_t seed, std::string org_id,
                       steady_time opened)
    : plan_(plan),
      seed_(seed),
      org_id_(std::move(org_id)),
      opened_(opened),
      faults_(plan.faults),
      refresh_tokens_(plan.refresh_tokens.begin(), plan.refresh_tokens.end()) {}

login_answer token_desk::answer(const http_request& request, instant now) {
  if (request.method != "POST")
    return {.reply = refuse("invalid_request", "must use HTTP POST")};
  login_answer made{.reply = {}, .fault = faults_.strike(std::chrono::floor<duration>(now.steady - opened_))};
  auto instead = made.fault ? answer_instead(made.fault->kind) : std::nullopt;
  if (instead) {
    ++refused_;
    made.reply = std::move(*instead);
  } else {
    made.reply = log_in({request, now, made.fault ? std::optional(made.fault->kind) : std::nullopt});
  }
  if (plan_.clock_offset != duration::zero())
    made.reply.headers.set("Date", format_http_date(now.wall + plan_.clock_offset));
  return made;
}

http_reply token_desk::log_in(const attempt& of) {
  const std::string grant_type = of.field("grant_type").value_or("");
  if (grant_type == "client_credentials")
    return by_client_credentials(of);
  if (grant_type == "urn:ietf:params:oauth:grant-type:jwt-bearer" && plan_.jwt)
    return by_assertion(of);
  if (grant_type == "refresh_token")
    return by_refresh_token(of);
  return refuse("unsupported_grant_type", "grant type not supported");
}

http_reply token_desk::by_client_credentials(const attempt& of) {
  if (is_common_login_host(of.host()))
    return refuse("invalid_grant", "request not supported on this domain");
  if (of.field("client_id") != plan_.client_id)
    return refuse("invalid_client_id", "client identifier invalid");
  if (of.field("client_secret") != plan_.client_secret)
    return refuse("invalid_client", "invalid client credentials");
  return give(of, login_flow::client_credentials);
}

http_reply token_desk::by_assertion(const attempt& of) {
  std::vector<std::string> audiences = plan_.jwt->audiences;
  if (audiences.empty())
    audiences = {"https://login.salesforce.com", "https://test.salesforce.com",
                 fmt::format("http://{}", of.host()), fmt::format("https://{}", of.host())};
  const assertion_rules rules{.public_key = plan_.jwt->public_key,
                              .issuer = plan_.client_id,
                              .subject = plan_.jwt->username,
                              .audiences = audiences,
                              .skew = plan_.jwt->skew};
  const auto defect =
      find_defect(of.field("assertion").value_or(""), rules, of.now.wall + plan_.clock_offset);
  if (!defect)
    return give(of, login_flow::jwt_bearer);
  switch (*defect) {
    case assertion_defect::malformed:
    case assertion_defect::wrong_algorithm:
    case assertion_defect::wrong_signature:
    case assertion_defect::too_far_ahead:
      return refuse("invalid_grant", "invalid assertion");
    case assertion_defect::wrong_issuer:
      return refuse("invalid_client_id", "client identifier invalid");
    case assertion_defect::wrong_subject:
      return refuse("invalid_grant", "user hasn't approved this consumer");
    case assertion_defect::wrong_audience:
      return refuse("invalid_grant", "audience is invalid");
    case assertion_defect::expired:
      break;
  }
  return refuse("invalid_grant", "expired authorization code");
}

http_reply token_desk::by_refresh_token(const attempt& of) {
  if (of.field("client_id") != plan_.client_id)
    return refuse("invalid_client_id", "client identifier invalid");
  const std::string given_secret = of.field("client_secret").value_or("");
  const bool is_left_out = given_secret.empty() && plan_.refresh_secret == refresh_secret::optional;
  if (!is_left_out && given_secret != plan_.client_secret)
    return refuse("invalid_client", "invalid client credentials");
  const std::string refresh_token = of.field("refresh_token").value_or("");
  if (!refresh_tokens_.contains(refresh_token))
    return refuse("invalid_grant", "expired access/refresh token");
  return give(of, login_flow::refresh_token, rotate(refresh_token));
}

std::optional<std::string> token_desk::rotate(const std::string& refresh_token) {
  if (plan_.refresh_use == refresh_token_use::kept || !is_user_active_)
    return std::nullopt;
  std::string made = "5Aep861" + random_text(dice(seed_, draw::refresh_token, rotations_), 80);
  ++rotations_;
  refresh_tokens_.erase(refresh_token);
  refresh_tokens_.insert(made);
  return made;
}

http_reply token_desk::refuse(std::string_view error, std::string_view description) {
  ++refused_;
  return login_refusal(400, error, description);
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

/// Assertions are answered without a signature and its time, as Salesforce does.
http_reply token_desk::give(const attempt& of, login_flow flow,
                            const std::optional<std::string>& new_refresh_token) {
  if (!is_user_active_)
    return refuse("inactive_user", "user is inactive");
  http_reply reply{.headers = {{"Content-Type", "application/json;charset=UTF-8"},
                               {"Cache-Control", "no-cache, no-store"}}};
  std::string& body = reply.body;
  const auto append = [&body](std::string_view name, std::string_view value) {
    body += body.empty() ? '{' : ',';
    append_json_string(body, name);
    body += ':';
    append_json_string(body, value);
  };
  if (of.fault == login_fault_kind::no_token) {
    ++refused_;
  } else {
    append("access_token", issue(of.now.steady));
    ++logins_[static_cast<std::size_t>(flow)];
  }
  if (new_refresh_token)
    append("refresh_token", *new_refresh_token);
  if (flow != login_flow::jwt_bearer)
    append("signature", random_text(dice(seed_, draw::token, ~given_), 43) + '=');
  append("scope", "api");
  append("instance_url", instance_for(of));
  append("id", fmt::format("http://{}/id/{}/{}", of.host(), org_id_, hub_user_id()));
  append("token_type", "Bearer");
  if (flow != login_flow::jwt_bearer)
    append("issued_at", fmt::format("{}", (of.now.wall + plan_.clock_offset).time_since_epoch().count()));
  if (of.fault == login_fault_kind::huge_answer)
    append("padding", std::string(huge_size, 'x'));
  body += '}';
  return reply;
}

std::string token_desk::instance_for(const attempt& of) const {
  if (of.fault == login_fault_kind::foreign_http_instance)
    return "http://elsewhere.example";
  return plan_.instance_url.empty() ? fmt::format("http://{}", of.host()) : plan_.instance_url;
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

void token_desk::deactivate_user() {
  is_user_active_ = false;
  revoke_all();
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
