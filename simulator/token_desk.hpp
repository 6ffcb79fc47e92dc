#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "base/http_server.hpp"
#include "base/time.hpp"
#include "simulator/credentials.hpp"

namespace pushguard::simulator {

inline constexpr std::string_view token_path = "/services/oauth2/token";

enum class token_check { valid, missing, invalid };

/// The ways to a token that are known here.
enum class login_flow : std::uint8_t { client_credentials, jwt_bearer, refresh_token };
inline constexpr std::array all_login_flows{login_flow::client_credentials, login_flow::jwt_bearer,
                                            login_flow::refresh_token};
/// `jwt_bearer`.
[[nodiscard]] std::string_view name_of(login_flow flow) noexcept;

/// An answer, and the fault that hit it: its delay is how long the answer must wait.
struct login_answer {
  http_reply reply;
  std::optional<login_fault_plan> fault = {};
};

/// Gives tokens and knows which are good: /services/oauth2/token, and the Authorization header of all else.
class token_desk {
 public:
  /// Of the simulated hub. The times of faults count from `opened`.
  token_desk(const credentials_plan& plan, std::uint64_t seed, steady_time opened = {});
  /// `org_id` has 18 characters.
  token_desk(const credentials_plan& plan, std::uint64_t seed, std::string org_id, steady_time opened = {});

  /// Answers a request to the token endpoint.
  [[nodiscard]] login_answer answer(const http_request& request, instant now);

  /// A token as a login would give it; no login is counted.
  [[nodiscard]] std::string issue(steady_time now);

  /// What the Authorization header of a request is worth. `Bearer` and `OAuth` are both understood.
  [[nodiscard]] token_check check(const http_request& request, steady_time now) const;
  /// A request over a streaming session keeps its token from running out.
  void prolong(const http_request& request, steady_time now);

  /// Every token given so far is refused from now on.
  void revoke_all() { expiries_.clear(); }
  /// No refresh token is worth anything from now on.
  void revoke_refresh_tokens() { refresh_tokens_.clear(); }
  /// Logins are refused until activate_user(), and every token given so far is refused for good.
  void deactivate_user();
  void activate_user() { is_user_active_ = true; }
  /// The org has another id from now on, and tokens are of the new one.
  void move_to(std::string org_id);
  /// Logins tell this instance from now on.
  void tell_instance(std::string instance_url) { plan_.instance_url = std::move(instance_url); }

  /// The newest token, where it is still valid.
  [[nodiscard]] std::optional<std::string> newest(steady_time now) const;

  /// Tokens, by logins and by issue().
  [[nodiscard]] std::uint64_t given() const noexcept { return given_; }
  [[nodiscard]] std::uint64_t logins(login_flow flow) const noexcept {
    return logins_[static_cast<std::size_t>(flow)];
  }
  /// Requests that brought no token.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  struct attempt;

  [[nodiscard]] http_reply log_in(const attempt& of);
  [[nodiscard]] http_reply by_client_credentials(const attempt& of);
  [[nodiscard]] http_reply by_assertion(const attempt& of);
  [[nodiscard]] http_reply by_refresh_token(const attempt& of);
  [[nodiscard]] http_reply refuse(std::string_view error, std::string_view description);
  [[nodiscard]] http_reply give(const attempt& of, login_flow flow,
                                const std::optional<std::string>& new_refresh_token = {});
  [[nodiscard]] std::string instance_for(const attempt& of) const;
  [[nodiscard]] std::optional<std::string> rotate(const std::string& refresh_token);

  credentials_plan plan_;
  std::uint64_t seed_;
  std::string org_id_;
  steady_time opened_;
  login_fault_script faults_;
  std::set<std::string, std::less<>> refresh_tokens_;
  bool is_user_active_ = true;
  std::string newest_;
  std::uint64_t given_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t rotations_ = 0;
  std::array<std::uint64_t, all_login_flows.size()> logins_{};
  std::map<std::string, steady_time, std::less<>> expiries_;
};

/// The id of the user that every login runs as: 18 characters.
[[nodiscard]] std::string hub_user_id();

}  // namespace pushguard::simulator
