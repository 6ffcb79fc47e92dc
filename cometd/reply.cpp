#include "cometd/reply.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace pushguard::cometd {
namespace {

struct known_phrase {
  std::string_view words;  // in lower case
  reply_cause cause;
};

// In the order in which they are looked for: the more telling first.
constexpr std::array known_phrases{
    known_phrase{"unknown client", reply_cause::unknown_client},
    known_phrase{"session_unknown", reply_cause::unknown_client},
    known_phrase{"has not completed handshake", reply_cause::unknown_client},
    known_phrase{"cookie present", reply_cause::wrong_cookie},
    known_phrase{"does not match session's user", reply_cause::wrong_cookie},
    known_phrase{"too busy", reply_cause::busy},
    known_phrase{"limit exceeded", reply_cause::limit},
    known_phrase{"simultaneous connections", reply_cause::limit},
    known_phrase{"authentication invalid", reply_cause::unauthorized},
    known_phrase{"requires authentication", reply_cause::unauthorized},
    known_phrase{"api version", reply_cause::unsupported},
    known_phrase{"connection type", reply_cause::unsupported},
    known_phrase{"subscribe_denied", reply_cause::denied},
    known_phrase{"subscription_invalid", reply_cause::denied},
    known_phrase{"channel", reply_cause::denied},  // "The channel you requested to subscribe to …"
    known_phrase{"query fields", reply_cause::denied},
};

bool says_position_lost(std::string_view lower) noexcept {
  return lower.find("replayid") != std::string_view::npos &&
         (lower.find("invalid") != std::string_view::npos ||
          lower.find("wasn't found") != std::string_view::npos);
}

// The cause that the three digits alone suggest, where the words said nothing.
reply_cause cause_of_code(std::string_view error) noexcept {
  const std::string_view code = error.substr(0, 3);
  if (code == "401")
    return reply_cause::unauthorized;
  if (code == "503" || code == "504" || code == "502" || code == "429")
    return reply_cause::busy;
  if (code == "404")
    return reply_cause::denied;
  return reply_cause::refused;
}

}  // namespace

std::string_view to_string(reply_cause cause) noexcept {
  switch (cause) {
    case reply_cause::accepted:
      return "accepted";
    case reply_cause::missing:
      return "missing";
    case reply_cause::lost:
      return "lost";
    case reply_cause::unknown_client:
      return "unknown_client";
    case reply_cause::unauthorized:
      return "unauthorized";
    case reply_cause::moved:
      return "moved";
    case reply_cause::wrong_cookie:
      return "wrong_cookie";
    case reply_cause::busy:
      return "busy";
    case reply_cause::limit:
      return "limit";
    case reply_cause::position_lost:
      return "position_lost";
    case reply_cause::denied:
      return "denied";
    case reply_cause::unsupported:
      return "unsupported";
    case reply_cause::refused:
      return "refused";
  }
  return "refused";
}

reply_cause classify_error(std::string_view error) noexcept {
  const std::string lower = to_lower_ascii(error.substr(0, 1000));
  if (says_position_lost(lower))
    return reply_cause::position_lost;
  for (const auto& known : known_phrases) {
    if (lower.find(known.words) != std::string::npos)
      return known.cause;
  }
  return cause_of_code(lower);
}

reply_cause classify_status(int status) noexcept {
  if (status >= 300 && status < 400)
    return reply_cause::moved;
  if (status == 401)
    return reply_cause::unauthorized;
  return reply_cause::lost;  // a proxy's 503 page says nothing about Salesforce: try again soon
}

reply_cause classify_reply(const message& reply, int status) noexcept {
  for (const std::string* words : {&reply.failure_reason, &reply.error}) {
    if (!words->empty())
      return classify_error(*words);
  }
  return status == 401 ? reply_cause::unauthorized : reply_cause::refused;
}

}  // namespace pushguard::cometd
