#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "simulator/push_state.hpp"

namespace pushguard::simulator {

/// Jobs by status.
using state_counts = std::array<std::size_t, all_push_states.size()>;

[[nodiscard]] constexpr std::size_t& count_of(state_counts& counts, push_state state) noexcept {
  return counts[static_cast<std::size_t>(state)];
}
[[nodiscard]] constexpr std::size_t count_of(const state_counts& counts, push_state state) noexcept {
  return counts[static_cast<std::size_t>(state)];
}

struct request_truth {
  std::string id;  ///< 18 characters
  push_state state = push_state::created;
  state_counts jobs{};
  /// Failed jobs by the type of their first error row; "" for those without rows.
  std::map<std::string, std::size_t> failed_by_error_type = {};
  std::optional<wall_time> scheduled_start = {};
  bool is_history = false;  ///< had ended before the rollout began
  bool is_orphan = false;   ///< stays Created unless someone cancels it
};

struct job_truth {
  std::string id;          ///< 18 characters
  std::string request_id;  ///< 18 characters
  std::string org_key;     ///< 15 characters
  push_state state = push_state::created;
  std::string error_type;  ///< of a failed job with rows
  bool is_history = false;
};

/// One PATCH of a push request that the hub acted on, and how it was answered before any fault.
struct cancel_attempt {
  std::string request_id;  ///< as asked
  wall_time at = {};
  std::optional<push_state> before =
      {};  ///< the request's status then; nothing when there is no such request
  int http_status = 0;
  std::string error_code = {};  ///< "" when accepted
};

/// What really happened in the simulated world, to hold an observer's account against.
struct hub_truth {
  std::vector<request_truth> requests;   ///< history, orphans, then waves in order of creation
  std::vector<job_truth> jobs;           ///< in order of their requests
  state_counts rollout_jobs{};           ///< of all requests but history and orphans
  std::vector<std::string> spared_orgs;  ///< keys of orgs whose only job of the rollout was canceled
  std::vector<cancel_attempt> cancel_attempts;

  std::uint64_t api_calls = 0;  ///< REST calls that count against the limit
  std::uint64_t logins = 0;     ///< at the token endpoint, that brought a token
  /// Of these, by client_credentials, jwt_bearer and refresh_token; none of them is missing.
  std::map<std::string, std::uint64_t> logins_by_flow = {};
  std::uint64_t refused_logins = 0;  ///< requests to the token endpoint that brought none
  std::size_t open_sessions = 0;     ///< CometD
  std::uint64_t handshakes = 0;      ///< accepted
  std::uint64_t disconnects = 0;     ///< sessions that clients ended with /meta/disconnect
  /// Every REST call however it was answered, by operation and object: "query PackagePushJob", "limits".
  std::map<std::string, std::uint64_t> api_calls_by = {};
  std::map<std::string, std::uint64_t> faults_hit = {};  ///< of api_plan::faults, by their names
  std::uint64_t events_published = 0;
  std::uint64_t events_lost = 0;  ///< by the scenario's odds, before publication
  std::uint64_t events_delivered = 0;
};

}  // namespace pushguard::simulator
