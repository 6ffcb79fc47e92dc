#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/configuration/api_tokens.hpp"
#include "base/http_server.hpp"
#include "base/rate_limit.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// How often those who present API tokens may ask. Every actor has a bucket of his own, and all whom no token
/// makes known share one, so that neither a script that runs wild nor somebody who guesses holds up anybody
/// else's abort. For one thread.
class caller_limits {
 public:
  /// More than a human does, and than a script should.
  static constexpr rate_limit of_an_actor{.burst = 30, .interval = std::chrono::seconds(2)};
  /// Of all of them together.
  static constexpr rate_limit of_the_unknown{.burst = 10, .interval = std::chrono::seconds(1)};
  /// Remembered at once. A token file has no more; those that reloads took away make room.
  static constexpr std::size_t actors_max = configuration::api_tokens_max;

  /// `time` outlives the limits.
  explicit caller_limits(time_source& time) : time_(time), unknown_(of_the_unknown) {}

  /// Counts a request that `actor` makes to change something, and answers zero; or how long he must wait, and
  /// then nothing is counted.
  [[nodiscard]] duration try_actor(std::string_view actor);
  /// The same of a request without a token that is known.
  [[nodiscard]] duration try_unknown() { return unknown_.try_take(time_.steady_now()); }

  /// Actors remembered now.
  [[nodiscard]] std::size_t actors() const noexcept { return actors_.size(); }

 private:
  void make_room(steady_time now);

  time_source& time_;
  std::map<std::string, token_bucket, std::less<>> actors_;
  token_bucket unknown_;
};

/// 429 with Retry-After in whole seconds, never less than `wait`.
[[nodiscard]] http_reply actor_must_wait(std::string_view actor, duration wait);
[[nodiscard]] http_reply unknown_must_wait(duration wait);

}  // namespace pushguard::agent
