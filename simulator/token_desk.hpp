#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "base/http_server.hpp"
#include "base/time.hpp"
#include "simulator/scenario.hpp"

namespace pushguard::simulator {

enum class token_check { valid, missing, invalid };

/// Gives tokens and knows which are good: /services/oauth2/token, and the Authorization header of all else.
class token_desk {
 public:
  /// Of the simulated hub.
  token_desk(const credentials_plan& plan, std::uint64_t seed);
  /// `org_id` has 18 characters.
  token_desk(const credentials_plan& plan, std::uint64_t seed, std::string org_id)
      : plan_(plan), seed_(seed), org_id_(std::move(org_id)) {}

  /// Answers a request to the token endpoint.
  [[nodiscard]] http_reply answer(const http_request& request, instant now);

  /// A token as a login would give it.
  [[nodiscard]] std::string issue(steady_time now);

  /// What the Authorization header of a request is worth. `Bearer` and `OAuth` are both understood.
  [[nodiscard]] token_check check(const http_request& request, steady_time now) const;
  /// A request over a streaming session keeps its token from running out.
  void prolong(const http_request& request, steady_time now);

  /// Every token given so far is refused from now on.
  void revoke_all() { expiries_.clear(); }
  /// The org has another id from now on, and tokens are of the new one.
  void move_to(std::string org_id);

  /// The newest token, where it is still valid.
  [[nodiscard]] std::optional<std::string> newest(steady_time now) const;

  [[nodiscard]] std::uint64_t given() const noexcept { return given_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  [[nodiscard]] http_reply refuse(std::string_view error, std::string_view description);
  [[nodiscard]] http_reply give(const http_request& request, instant now);

  credentials_plan plan_;
  std::uint64_t seed_;
  std::string org_id_;
  std::string newest_;
  std::uint64_t given_ = 0;
  std::uint64_t refused_ = 0;
  std::map<std::string, steady_time, std::less<>> expiries_;
};

/// The id of the user that every login runs as: 18 characters.
[[nodiscard]] std::string hub_user_id();

}  // namespace pushguard::simulator
