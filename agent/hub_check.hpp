#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/hub_connection.hpp"

namespace pushguard::agent {

/// A problem keeps the agent from doing what the configuration asks for; a warning makes it cost more, or see
/// less.
enum class finding_level : unsigned char { ok, warning, problem };

/// `ok`, `warning` or `problem`.
[[nodiscard]] std::string_view to_string(finding_level level) noexcept;

/// One thing that was looked at.
struct finding {
  finding_level level = finding_level::ok;
  std::string what;  ///< login, api_version, object, statuses, error_types, abort, changes, package,
                     ///< requests, api_calls, channel, time
  std::string text;  ///< one sentence or more; never a secret, but Salesforce's words as they came
};

struct hub_check_options {
  bool aborts = true;                           ///< some policy does: without the right, that is a problem
  duration patience = std::chrono::minutes(2);  ///< for the whole hub
};

/// Looks at a hub as the agent will use it, and changes nothing there: logs in, describes what is read, lists
/// packages, versions and open push requests, and subscribes to each channel for a moment. Answers what it
/// found in the order of `finding::what`; what cannot be looked at without what failed is left out. A hub
/// that has not answered all of it when the patience ends is given up with a finding of its own. The observer
/// of `parts` is not used. References outlive the call.
[[nodiscard]] boost::asio::awaitable<std::vector<finding>> check_hub(const configuration::hub& hub,
                                                                     hub_connection_parts parts,
                                                                     hub_check_options options);

/// Whether some policy enforces a rule that aborts.
[[nodiscard]] bool has_aborting_policy(const configuration::configuration& of);

}  // namespace pushguard::agent
