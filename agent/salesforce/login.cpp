#include "agent/salesforce/login.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "agent/salesforce/api_error.hpp"
#include "agent/salesforce/json.hpp"
#include "agent/salesforce/jwt_assertion.hpp"
#include "base/file.hpp"
#include "base/http_date.hpp"
#include "base/id.hpp"

namespace pushguard::salesforce {
namespace {

namespace asio = boost::asio;

// A token answer has some hundred bytes, a session id some hundred characters.
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::size_t token_bytes_max = 8 * 1024;

/// Errors of a token endpoint that pass by themselves; all others need a human.
constexpr std::array passing_errors{std::string_view("rate_limit_exceeded"), std::string_view("server_error"),
                                    std::string_view("temporarily_unavailable"),
                                    std::string_view("service_unavailable"),
                                    std::string_view("unknown_error")};

/// A token goes into a header, so it must not end its line.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= token_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

result<origin> read_instance(std::string_view text, const origin& asked) {
  auto parsed = parse_url(text);
  if (!parsed)
    return fail(errc::malformed, "the instance_url of the token answer is no URL");
  const origin& instance = parsed->origin;
  const bool is_plain_allowed =
      asked.security == security::plain && asked.is_loopback() && instance.is_loopback();
  if (instance.security == security::plain && !is_plain_allowed)
    return fail(errc::malformed,
                fmt::format("the token answer names {} as instance, which is not https", instance.text()));
  return instance;
}

/// The last two segments of `https://login.salesforce.com/id/<org>/<user>`, where they are ids.
void read_identity(std::string_view identity, access& into) {
  const std::size_t user_at = identity.rfind('/');
  if (user_at == std::string_view::npos || user_at == 0)
    return;
  const std::size_t org_at = identity.rfind('/', user_at - 1);
  if (org_at == std::string_view::npos)
    return;
  const auto org = identity.substr(org_at + 1, user_at - org_at - 1);
  const auto user = identity.substr(user_at + 1);
  if (check_record_id(org, "00D", "org"))
    into.org_id = org;
  if (check_record_id(user, "005", "user"))
    into.user_id = user;
}

bool contains_ignoring_case(std::string_view text, std::string_view lower) {
  return to_lower_ascii(text).find(lower) != std::string::npos;
}

/// What an operator can do about a refusal, where its text is known.
struct known_refusal {
  std::string_view told;  ///< a part of error or description, in lower case
  std::string_view advice;
};
constexpr std::array known_refusals{
    known_refusal{"hasn't approved this consumer",
                  "pre-authorize the user in the app's policies (docs/salesforce-setup.md)"},
    known_refusal{"invalid_app_access", "admit the user in the app's policies (docs/salesforce-setup.md)"},
    known_refusal{"audience", "set auth.jwt_bearer.audience"},
    known_refusal{"invalid_client_id", "client_id is not the consumer key of an app of this org"},
    known_refusal{"invalid assertion", "the app's certificate does not belong to this private key"},
    known_refusal{"not supported on this domain", "login_url must be the org's My Domain"},
    known_refusal{"no client credentials user enabled", "choose a Run As user in the app's policies"},
    known_refusal{"expired access/refresh token", "authorize the org again to get another refresh token"},
};

std::string_view advice_for(std::string_view told) {
  const std::string lower = to_lower_ascii(told);
  const auto found = std::ranges::find_if(known_refusals, [&lower](const known_refusal& known) {
    return lower.find(known.told) != std::string::npos;
  });
  return found == known_refusals.end() ? std::string_view() : found->advice;
}

/// What a token endpoint answered.
struct token_reply {
  result<access> session;
  std::optional<wall_time> server_time = {};  ///< of the answer, to the second
  secret refresh_token = {};                  ///< a new one; usually there is none
};

struct form_field {
  std::string_view name;
  std::string_view value;
};

/// POSTs a form to the token endpoint below `at` and reads what it answers. No failure holds what is
/// `hidden`.
asio::awaitable<token_reply> ask_for_token(std::shared_ptr<http_client> client, time_source& time, url at,
                                           std::string form, std::vector<std::string> hidden) {
  const auto base = std::string_view(at.target).substr(0, at.target.find_last_not_of('/') + 1);
  http_request request{
      .method = "POST",
      .target = fmt::format("{}/services/oauth2/token", base),
      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
      .body = std::move(form)};
  http_call call;
  call.limits.body_size = answer_bytes_max;
  call.retry_stale = stale_retry::always;  // asking twice gives two sessions, which harms nobody
  const auto response = co_await client->send(std::move(request), std::move(call));
  if (!response)
    co_return token_reply{std::unexpected(response.error())};
  token_reply reply{response->is_success()
                        ? read_token_answer(response->body, at.origin, time.wall_now())
                        : std::unexpected(read_token_error(response->status, response->body, hidden))};
  if (const auto date = response->headers.find("Date"))
    reply.server_time = parse_http_date(*date);
  const auto body = reply.session ? parse_json(response->body) : result<boost::json::value>();
  const auto renewed = reply.session && body ? text_view_at(*body, "refresh_token") : std::nullopt;
  if (renewed && is_token(*renewed))
    reply.refresh_token = secret(std::string(*renewed));
  co_return reply;
}

std::string form_of(std::initializer_list<form_field> fields) {
  std::string form;
  for (const form_field& field : fields)
    form += fmt::format("{}{}={}", form.empty() ? "" : "&", field.name, percent_encode(field.value));
  return form;
}

/// The failure as it travels on: with the host, the flow and what to do.
failure describe(const failure& failed, const origin& host, std::string_view flow) {
  std::string text = fmt::format("logging in at {} by {}: {}", host.text(), flow, failed.text());
  if (const auto advice = advice_for(text); failed.is(errc::unauthorized) && !advice.empty())
    text += fmt::format("; {}", advice);
  return {failed.code, std::move(text)};
}

class client_credentials_login final : public login {
 public:
  client_credentials_login(const login_parts& parts, client_credentials with)
      : time_(parts.time), with_(std::move(with)), client_(parts.clients(with_.login_url.origin)) {}

  asio::awaitable<result<access>> obtain() override {
    const std::string& password = with_.client_secret.reveal();
    std::string form = form_of(
        {{"grant_type", "client_credentials"}, {"client_id", with_.client_id}, {"client_secret", password}});
    std::vector<std::string> hidden{password};
    auto reply = co_await ask_for_token(client_, time_, with_.login_url, std::move(form), std::move(hidden));
    if (!reply.session)
      co_return std::unexpected(
          describe(reply.session.error(), with_.login_url.origin, "client credentials"));
    co_return std::move(reply.session);
  }

 private:
  time_source& time_;
  client_credentials with_;
  std::shared_ptr<http_client> client_;
};

class jwt_bearer_login final : public login {
 public:
  jwt_bearer_login(const login_parts& parts, jwt_bearer with)
      : time_(parts.time),
        with_(std::move(with)),
        client_(parts.clients(with_.login_url.origin)),
        audiences_(with_.audience.empty() ? audiences_for(with_.login_url.origin)
                                          : std::vector<std::string>{with_.audience}) {}

  /// At most one attempt for each audience, and one more by the server's clock. What worked is kept.
  asio::awaitable<result<access>> obtain() override {
    bool has_set_clock = false;
    std::optional<failure> first_refusal;
    for (std::size_t place = 0; place < audiences_.size();) {
      const auto assertion = sign_jwt({with_.client_id, with_.username, audiences_[place],
                                       time_.wall_now() + clock_offset_ + assertion_life},
                                      with_.private_key);
      if (!assertion)
        co_return fail(errc::unauthorized, "signing the login: " + assertion.error().text());
      std::string form =
          form_of({{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", *assertion}});
      std::vector<std::string> hidden{*assertion};
      auto reply =
          co_await ask_for_token(client_, time_, with_.login_url, std::move(form), std::move(hidden));
      if (reply.session) {
        std::swap(audiences_.front(), audiences_[place]);
        co_return std::move(reply.session);
      }
      const failure& refusal = reply.session.error();
      const bool is_late = contains_ignoring_case(refusal.text(), "expired");
      if (is_late && !has_set_clock && reply.server_time) {
        clock_offset_ = *reply.server_time - time_.wall_now();
        has_set_clock = true;
        continue;
      }
      if (!first_refusal)
        first_refusal = describe(refusal, with_.login_url.origin, "JWT bearer");
      if (!contains_ignoring_case(refusal.text(), "audience"))
        co_return std::unexpected(describe(refusal, with_.login_url.origin, "JWT bearer"));
      ++place;
    }
    co_return std::unexpected(first_refusal.value_or(failure{make_error_code(errc::unauthorized), ""}));
  }

 private:
  /// Salesforce documents three minutes as the longest.
  static constexpr duration assertion_life = std::chrono::minutes(3);

  time_source& time_;
  jwt_bearer with_;
  std::shared_ptr<http_client> client_;
  std::vector<std::string> audiences_;  ///< not empty; the one to try first stands first
  duration clock_offset_{};             ///< the server's clock, less this one
};

class refresh_token_login final : public login {
 public:
  refresh_token_login(const login_parts& parts, refresh_token with)
      : time_(parts.time),
        log_(parts.log),
        with_(std::move(with)),
        client_(parts.clients(with_.login_url.origin)) {}

  asio::awaitable<result<access>> obtain() override {
    const std::string& password = with_.client_secret.reveal();
    const std::string& token = with_.token.reveal();
    std::string form =
        password.empty()
            ? form_of(
                  {{"grant_type", "refresh_token"}, {"client_id", with_.client_id}, {"refresh_token", token}})
            : form_of({{"grant_type", "refresh_token"},
                       {"client_id", with_.client_id},
                       {"client_secret", password},
                       {"refresh_token", token}});
    std::vector<std::string> hidden{password, token};
    auto reply = co_await ask_for_token(client_, time_, with_.login_url, std::move(form), std::move(hidden));
    if (!reply.session)
      co_return std::unexpected(describe(reply.session.error(), with_.login_url.origin, "refresh token"));
    if (!reply.refresh_token.empty() && reply.refresh_token != with_.token)
      keep(std::move(reply.refresh_token));
    co_return std::move(reply.session);
  }

 private:
  void keep(secret renewed) {
    const auto written = write(renewed);
    if (!written)
      log_.error("refresh_token_not_kept",
                 {{"host", with_.login_url.origin.text()}, {"error", written.error().text()}});
    with_.token = std::move(renewed);
  }

  /// The file may hold more than the token: an SFDX auth URL, or JSON around one.
  result<> write(const secret& renewed) const {
    if (!with_.kept_in)
      return fail(errc::storage,
                  "Salesforce replaced the refresh token, and the configuration holds the old one in place: "
                  "after a restart it will be refused; use refresh_token_file");
    const auto content = read_file(*with_.kept_in, answer_bytes_max);
    if (!content)
      return std::unexpected(content.error());
    if (content->find(with_.token.reveal()) == std::string::npos)
      return fail(errc::storage, fmt::format("{} no longer holds the refresh token that Salesforce replaced",
                                             with_.kept_in->string()));
    return replace_file(*with_.kept_in, replace_all(*content, with_.token.reveal(), renewed.reveal()));
  }

  time_source& time_;
  logger& log_;
  refresh_token with_;
  std::shared_ptr<http_client> client_;
};

class access_token_login final : public login {
 public:
  access_token_login(const login_parts& parts, access_token_file with)
      : time_(parts.time), with_(std::move(with)) {}

  asio::awaitable<result<access>> obtain() override {
    seen_ = look();
    const auto content = read_file(with_.file, answer_bytes_max);
    if (!content)
      co_return fail_in("reading the access token", content.error());
    auto token = read_access_token(*content);
    if (!token)
      co_return fail(errc::unauthorized, fmt::format("reading the access token from {}: {}",
                                                     with_.file.string(), token.error().text()));
    access made;
    made.instance = with_.instance;
    // `00D000000000001!AQ…`: the org's id stands before the mark.
    const std::string_view org = std::string_view(token->reveal()).substr(0, token->reveal().find('!'));
    if (check_record_id(org, "00D", "org"))
      made.org_id = org;
    made.token = std::move(*token);
    made.issued = time_.wall_now();
    co_return made;
  }

  bool has_news() override { return look() != seen_; }

 private:
  /// What tells one state of the file from the next.
  struct appearance {
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;

    friend bool operator==(const appearance&, const appearance&) = default;
  };

  [[nodiscard]] std::optional<appearance> look() const {
    struct ::stat found{};
    if (::stat(with_.file.c_str(), &found) != 0)
      return std::nullopt;
    return appearance{found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
  }

  time_source& time_;
  access_token_file with_;
  std::optional<appearance> seen_;
};

}  // namespace

std::unique_ptr<login> make_login(const login_parts& parts, credentials with) {
  struct maker {
    const login_parts& parts;

    std::unique_ptr<login> operator()(client_credentials flow) const {
      return std::make_unique<client_credentials_login>(parts, std::move(flow));
    }
    std::unique_ptr<login> operator()(jwt_bearer flow) const {
      return std::make_unique<jwt_bearer_login>(parts, std::move(flow));
    }
    std::unique_ptr<login> operator()(refresh_token flow) const {
      return std::make_unique<refresh_token_login>(parts, std::move(flow));
    }
    std::unique_ptr<login> operator()(access_token_file flow) const {
      return std::make_unique<access_token_login>(parts, std::move(flow));
    }
  };
  return std::visit(maker{parts}, std::move(with));
}

std::vector<std::string> audiences_for(const origin& login_host) {
  constexpr std::string_view production = "https://login.salesforce.com";
  constexpr std::string_view sandbox = "https://test.salesforce.com";
  std::vector<std::string> audiences{login_host.text()};
  const bool is_sandbox = login_host.host.find(".sandbox.") != std::string::npos ||
                          login_host.host.find("--") != std::string::npos || login_host.text() == sandbox;
  for (const std::string_view common :
       {is_sandbox ? sandbox : production, is_sandbox ? production : sandbox}) {
    if (std::ranges::find(audiences, common) == audiences.end())
      audiences.emplace_back(common);
  }
  return audiences;
}

result<secret> read_access_token(std::string_view content) {
  std::string_view text = trim(content);
  result<boost::json::value> parsed;
  if (text.starts_with('{')) {
    parsed = parse_json(text);
    if (!parsed)
      return fail(errc::malformed, "it begins like JSON, but is " + parsed.error().text());
    const auto* nested = find(*parsed, "result");
    auto found = nested == nullptr ? std::nullopt : text_view_at(*nested, "accessToken");
    if (!found)
      found = text_view_at(*parsed, "accessToken");
    if (!found)
      return fail(errc::malformed, "its JSON has no accessToken");
    text = *found;
  }
  if (text.starts_with("[REDACTED]"))
    return fail(errc::malformed,
                "the sf CLI left the token out; `sf org auth show-access-token --json` prints it");
  if (!is_token(text))
    return fail(errc::malformed, text.empty() ? "it is empty" : "what it holds is no access token");
  return secret(std::string(text));
}

result<access> read_token_answer(std::string_view body, const origin& asked, wall_time now) {
  const auto parsed = parse_json(body);
  if (!parsed)
    return fail_in("reading the token answer", parsed.error());
  const auto token = text_view_at(*parsed, "access_token").value_or("");
  if (!is_token(token))
    return fail(errc::malformed, "the token answer has no usable access_token");
  auto instance = read_instance(text_view_at(*parsed, "instance_url").value_or(""), asked);
  if (!instance)
    return std::unexpected(instance.error());
  access made;
  made.instance = std::move(*instance);
  made.token = secret(std::string(token));
  made.issued = now;
  read_identity(text_view_at(*parsed, "id").value_or(""), made);
  return made;
}

failure read_token_error(int http_status, std::string_view body, std::span<const std::string> hidden) {
  api_failure failed = read_api_error("asking for a token", http_status, body, hidden);
  const bool is_passing = failed.kind == api_error_kind::unavailable ||
                          failed.kind == api_error_kind::moved ||
                          std::ranges::find(passing_errors, failed.error_code) != passing_errors.end();
  if (is_passing) {
    failed.cause.code = errc::unavailable;
  } else if (failed.error_code.empty()) {
    failed.cause.code = errc::unavailable;
    failed.cause.detail += " without an OAuth error; is login_url the org's My Domain address?";
  } else {
    failed.cause.code = errc::unauthorized;
  }
  return failed.cause;
}

}  // namespace pushguard::salesforce
