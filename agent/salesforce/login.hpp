#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/salesforce/credentials.hpp"
#include "base/http_client.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"

namespace pushguard::salesforce {

/// A session: where to ask, and with what.
struct access {
  origin instance;
  secret token;
  std::string org_id;   ///< of the hub, from the identity URL or the token; empty where neither tells
  std::string user_id;  ///< of the user the token stands for; empty where the answer had none
  wall_time issued;
};

/// Makes the client for one origin, with the hub's trust and its proxy.
using http_client_factory = std::function<std::shared_ptr<http_client>(const origin&)>;

/// One way to get a session: a flow with its credentials. For one thread.
class login {
 public:
  virtual ~login() = default;

  /// Asks for a new session. errc::unauthorized: the credentials, the user or the app are refused, and
  /// asking again at once is useless; the text carries Salesforce's error and description, and what to do
  /// about it where that is known, never a secret. errc::unavailable, errc::unreachable, errc::timed_out:
  /// later it may work.
  [[nodiscard]] virtual boost::asio::awaitable<result<access>> obtain() = 0;

  /// Whether the credentials changed since obtain() was called last, so that asking again makes sense.
  [[nodiscard]] virtual bool has_news() { return false; }
};

/// What logins work with. References outlive them.
struct login_parts {
  http_client_factory clients;
  time_source& time;
  logger& log;
};

/// Clocks that differ are no trouble: where an assertion is refused as expired, the next one goes by the
/// server's own clock. A new refresh token that comes with an answer is used from then on, and written to
/// where the old one was kept; where that fails, the log says so.
[[nodiscard]] std::unique_ptr<login> make_login(const login_parts& parts, credentials with);

/// Reads the 200 answer of a token endpoint that was asked at `asked`. The instance must be https, or a
/// loopback address where `asked` was one too. errc::malformed otherwise.
[[nodiscard]] result<access> read_token_answer(std::string_view body, const origin& asked, wall_time now);

/// Reads the answer of a token endpoint outside 2xx: errc::unauthorized for refused credentials
/// (`invalid_grant`, `invalid_client` and their kin), errc::unavailable for 5xx, 420, 429 and pages. What is
/// `hidden` stands in the text as `***`.
[[nodiscard]] failure read_token_error(int http_status, std::string_view body,
                                       std::span<const std::string> hidden = {});

/// Whom a JWT assertion may be addressed to, most likely first: the login URL itself, and the common hosts
/// that sandboxes and other orgs know as well.
[[nodiscard]] std::vector<std::string> audiences_for(const origin& login_host);

/// Reads the content of an access token file: the token alone, or the JSON that the sf CLI prints
/// (`accessToken`, at the top or in `result`). Fails with errc::malformed; the text never repeats the input.
[[nodiscard]] result<secret> read_access_token(std::string_view content);

}  // namespace pushguard::salesforce
