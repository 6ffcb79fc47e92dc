#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/salesforce/api.hpp"
#include "base/http_client.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"

namespace pushguard::salesforce {

/// A session: where to ask, and with what.
struct access {
  origin instance;
  secret token;
  std::string org_id;   ///< of the hub, from the identity URL; empty where the answer had none
  std::string user_id;  ///< of the user the token stands for; empty as above
  wall_time issued;
};

/// Makes the client for one origin, with the hub's trust and its proxy.
using http_client_factory = std::function<std::shared_ptr<http_client>(const origin&)>;

/// One way to get a session: a flow with its credentials. For one thread.
class login {
 public:
  virtual ~login() = default;

  /// Asks for a new session. errc::unauthorized: the credentials, the user or the app are refused, and
  /// asking again at once is useless; the text carries Salesforce's error and description, never a
  /// secret. errc::unavailable, errc::unreachable, errc::timed_out: later it may work.
  [[nodiscard]] virtual boost::asio::awaitable<result<access>> obtain() = 0;
};

struct client_credentials {
  url login_url;  ///< the My Domain host: login.salesforce.com refuses this flow
  std::string client_id;
  secret client_secret;
};

/// OAuth client credentials with a Run As user. `time` must outlive the login.
[[nodiscard]] std::unique_ptr<login> make_client_credentials_login(const http_client_factory& clients,
                                                                   time_source& time,
                                                                   client_credentials credentials);

/// Reads the 200 answer of a token endpoint that was asked at `asked`. The instance must be https, or a
/// loopback address where `asked` was one too. errc::malformed otherwise.
[[nodiscard]] result<access> read_token_answer(std::string_view body, const origin& asked, wall_time now);

/// Reads the answer of a token endpoint outside 2xx: errc::unauthorized for refused credentials
/// (`invalid_grant`, `invalid_client` and their kin), errc::unavailable for 5xx, 420, 429 and pages.
[[nodiscard]] failure read_token_error(int http_status, std::string_view body);

/// The one session of a hub, shared by REST and stream. For one executor without concurrency.
///
/// Logging in is single-flight: whoever comes while a login runs waits for it and shares its outcome,
/// also its failure. When the caller that runs it is cancelled, the next waiter takes over.
class session_access {
 public:
  /// `observer` must outlive it.
  explicit session_access(std::unique_ptr<login> flow, api_observer& observer = null_api_observer());
  ~session_access();
  session_access(const session_access&) = delete;
  session_access& operator=(const session_access&) = delete;

  /// The session in use; logs in where there is none.
  [[nodiscard]] boost::asio::awaitable<result<access>> current();

  /// A session with another token than `stale`, which Salesforce refused: the one in use if it was
  /// renewed since, else a new one.
  [[nodiscard]] boost::asio::awaitable<result<access>> renew(secret stale);

 private:
  struct flight;

  [[nodiscard]] boost::asio::awaitable<result<access>> fly();
  [[nodiscard]] boost::asio::awaitable<result<access>> lead();

  std::unique_ptr<login> flow_;
  api_observer& observer_;
  std::optional<access> session_;
  std::shared_ptr<flight> flight_;
};

}  // namespace pushguard::salesforce
