#include "agent/caller_limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pushguard::agent {
namespace {

http_reply must_wait(std::string_view who, duration wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  http_reply reply =
      error_reply(429, "too_many_requests",
                  fmt::format("too many requests {}: nothing was done; ask again in {} s", who, seconds));
  reply.headers.set("Retry-After", fmt::format("{}", seconds));
  return reply;
}

}  // namespace

duration caller_limits::try_actor(std::string_view actor) {
  const steady_time now = time_.steady_now();
  auto found = actors_.find(actor);
  if (found == actors_.end()) {
    if (actors_.size() >= actors_max)
      make_room(now);
    found = actors_.emplace(actor, token_bucket(of_an_actor)).first;
  }
  return found->second.try_take(now);
}

void caller_limits::make_room(steady_time now) {
  // A full bucket is as good as none.
  std::erase_if(actors_, [now](const auto& each) { return each.second.full_at() <= now; });
  if (actors_.size() >= actors_max) {
    actors_.erase(
        std::ranges::min_element(actors_, {}, [](const auto& each) { return each.second.full_at(); }));
  }
}

http_reply actor_must_wait(std::string_view actor, duration wait) {
  return must_wait(fmt::format("by {}", actor), wait);
}

http_reply unknown_must_wait(duration wait) {
  return must_wait("without a token that is known", wait);
}

}  // namespace pushguard::agent
