#include "agent/salesforce/login.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/salesforce/api_error.hpp"
#include "agent/salesforce/json.hpp"
#include "base/condition.hpp"
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

std::string without(std::string text, const secret& hidden) {
  if (hidden.empty())
    return text;
  for (auto at = text.find(hidden.reveal()); at != std::string::npos; at = text.find(hidden.reveal(), at))
    text.replace(at, hidden.reveal().size(), "***");
  return text;
}

/// POSTs a form to the token endpoint below `at` and reads the session it answers.
asio::awaitable<result<access>> ask_for_token(std::shared_ptr<http_client> client, time_source& time, url at,
                                              std::string form) {
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
    co_return std::unexpected(response.error());
  if (!response->is_success())
    co_return std::unexpected(read_token_error(response->status, response->body));
  co_return read_token_answer(response->body, at.origin, time.wall_now());
}

class client_credentials_login final : public login {
 public:
  client_credentials_login(const http_client_factory& clients, time_source& time,
                           client_credentials credentials)
      : time_(time), credentials_(std::move(credentials)), client_(clients(credentials_.login_url.origin)) {}

  asio::awaitable<result<access>> obtain() override {
    std::string form = fmt::format("grant_type=client_credentials&client_id={}&client_secret={}",
                                   percent_encode(credentials_.client_id),
                                   percent_encode(credentials_.client_secret.reveal()));
    auto obtained = co_await ask_for_token(client_, time_, credentials_.login_url, std::move(form));
    if (!obtained) {
      std::string text = fmt::format("logging in at {} by client credentials: {}",
                                     credentials_.login_url.origin.text(), obtained.error().text());
      co_return fail(obtained.error().code, without(std::move(text), credentials_.client_secret));
    }
    co_return obtained;
  }

 private:
  time_source& time_;
  client_credentials credentials_;
  std::shared_ptr<http_client> client_;
};

}  // namespace

std::unique_ptr<login> make_client_credentials_login(const http_client_factory& clients, time_source& time,
                                                     client_credentials credentials) {
  return std::make_unique<client_credentials_login>(clients, time, std::move(credentials));
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

failure read_token_error(int http_status, std::string_view body) {
  api_failure failed = read_api_error("asking for a token", http_status, body);
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

/// One login under way and those who wait for it. No outcome once it landed: whoever led was cancelled.
struct session_access::flight {
  condition landed;
  std::optional<result<access>> outcome;
};

session_access::session_access(std::unique_ptr<login> flow, api_observer& observer)
    : flow_(std::move(flow)), observer_(observer) {}

session_access::~session_access() = default;

asio::awaitable<result<access>> session_access::current() {
  if (session_)
    co_return *session_;
  auto session = co_await fly();
  co_return session;
}

asio::awaitable<result<access>> session_access::renew(secret stale) {
  if (session_ && session_->token == stale)
    session_.reset();
  auto session = co_await current();
  co_return session;
}

asio::awaitable<result<access>> session_access::fly() {
  while (flight_) {
    const auto joined = flight_;
    co_await joined->landed.wait();
    if (joined->outcome)
      co_return *joined->outcome;
  }
  auto session = co_await lead();
  co_return session;
}

asio::awaitable<result<access>> session_access::lead() {
  struct landing {
    std::shared_ptr<flight>& place;
    ~landing() {
      const auto landed = std::move(place);
      landed->landed.notify_all();
    }
  };
  flight_ = std::make_shared<flight>();
  const landing lands{flight_};
  auto obtained = co_await flow_->obtain();
  if (obtained)
    session_ = *obtained;
  const auto outcome = obtained ? api_outcome::success : outcome_of(transport_failure("", obtained.error()));
  observer_.call_ended(api_operation::login, outcome);
  flight_->outcome = obtained;
  co_return obtained;
}

}  // namespace pushguard::salesforce
