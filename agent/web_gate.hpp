#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "agent/basic_auth.hpp"
#include "agent/caller_limits.hpp"
#include "agent/configuration/configuration.hpp"
#include "base/http_server.hpp"
#include "base/log.hpp"

namespace pushguard::agent {

struct web_gate_parts {
  time_source& time;
  logger& log;
  /// Tokens that let in as a password does; what it answers is valid until the next wait.
  std::function<std::span<const configuration::api_token>()> tokens;
  caller_limits& callers;  ///< outlives the gate; counts wrong tokens
  password_hasher hash = hash_by_bcrypt;
};

/// What stands before the routes: who may ask, what is added to every answer, and what connections are
/// secured with, as `http.web_config_file` says. Its files are looked at once a second at most, when somebody
/// connects or asks, and read again where they changed; those that are wrong change nothing. For one thread.
class web_gate {
 public:
  web_gate(web_gate_parts parts, const std::optional<configuration::web_settings>& settings);

  /// Goes by what a configuration brought.
  void configure(const std::optional<configuration::web_settings>& settings);

  /// False while the files are wrong, and what they said before is in force.
  [[nodiscard]] bool is_current() const noexcept { return is_current_; }

  /// For a new connection; nullptr: it is not secured.
  [[nodiscard]] std::shared_ptr<const tls_server_context> tls();

  /// The answer of `to`; or 401 for who is not known, 429 after too many wrong tokens, and 503 where too many
  /// passwords wait for their check.
  /// `request` and `to` outlive the call.
  [[nodiscard]] boost::asio::awaitable<http_reply> pass(const http_request& request, const http_router& to);

 private:
  void look();
  void take(configuration::shared_web_config next);
  /// Nothing for who may ask; the answer for who may not.
  [[nodiscard]] boost::asio::awaitable<std::optional<http_reply>> admit(const http_request& request);

  web_gate_parts parts_;
  std::filesystem::path file_;                     ///< empty: there is none
  configuration::shared_web_config in_force_;      ///< never nullptr
  std::vector<configuration::stamped_file> seen_;  ///< as they were when they were last read
  basic_authenticator passwords_;
  steady_time next_look_{};
  bool is_current_ = true;
};

}  // namespace pushguard::agent
