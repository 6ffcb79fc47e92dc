#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/history/compose.hpp"
#include "agent/hub_connection.hpp"

namespace pushguard::agent {

/// What of a hub is wanted, and under which names it is written down.
struct past_push_wish {
  domain::request_id request;
  std::string hub;                         ///< its name in the configuration
  std::optional<std::string> api_version;  ///< nothing: the newest that the org offers
  std::string pushguard_version;
  history::texts texts = history::texts::kept;
};

struct past_push_reading {
  history::past_push push;
  std::vector<std::string> warnings;  ///< one sentence each: what the file does not have, and why
};

/// Told what is read next: `reading 2000 orgs`. Must not throw.
using reading_progress = std::function<void(std::string_view step)>;

/// Logs in and reads one push request of a hub with its jobs, their errors and their orgs. Fails with
/// errc::not_found where the hub has no such request, else with what went wrong: all or nothing, but for
/// rows that cannot be decoded, which are warned of. `hub` and `time` must outlive the call.
[[nodiscard]] boost::asio::awaitable<result<past_push_reading>> read_past_push(hub_connection& hub,
                                                                               time_source& time,
                                                                               past_push_wish wish,
                                                                               reading_progress progress);

}  // namespace pushguard::agent
