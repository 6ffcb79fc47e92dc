#pragma once

#include <array>
#include <string_view>

namespace pushguard::simulator {

/// The status of a simulated push request or push job.
enum class push_state : unsigned char { created, pending, in_progress, succeeded, failed, canceled };

inline constexpr std::array all_push_states{push_state::created,     push_state::pending,
                                            push_state::in_progress, push_state::succeeded,
                                            push_state::failed,      push_state::canceled};

/// How the picklist writes "in progress": Salesforce's documents show the label with a blank, while
/// tools that run against live orgs compare with the value without one.
enum class in_progress_spelling { joined, spaced };

[[nodiscard]] constexpr bool is_terminal(push_state state) noexcept {
  return state == push_state::succeeded || state == push_state::failed || state == push_state::canceled;
}

/// The picklist value as Salesforce sends it.
[[nodiscard]] constexpr std::string_view to_salesforce(push_state state,
                                                       in_progress_spelling spelling) noexcept {
  switch (state) {
    case push_state::created:
      return "Created";
    case push_state::pending:
      return "Pending";
    case push_state::in_progress:
      return spelling == in_progress_spelling::joined ? "InProgress" : "In Progress";
    case push_state::succeeded:
      return "Succeeded";
    case push_state::failed:
      return "Failed";
    case push_state::canceled:
      return "Canceled";
  }
  return "";
}

}  // namespace pushguard::simulator
