#include "agent/domain/status.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace pushguard::domain {
namespace {

template <class Enum>
struct picklist_entry {
  std::string_view text;
  Enum value;
};

// Folded: lower case, without blanks.
constexpr std::array push_status_texts{picklist_entry{"created", push_status::created},
                                       picklist_entry{"pending", push_status::pending},
                                       picklist_entry{"inprogress", push_status::in_progress},
                                       picklist_entry{"succeeded", push_status::succeeded},
                                       picklist_entry{"failed", push_status::failed},
                                       picklist_entry{"canceled", push_status::canceled},
                                       picklist_entry{"cancelled", push_status::canceled}};

constexpr std::array error_type_texts{picklist_entry{"ApexTestFailure", error_type::apex_test_failure},
                                      picklist_entry{"DeployError", error_type::deploy_error},
                                      picklist_entry{"FeatureMissing", error_type::feature_missing},
                                      picklist_entry{"IneligibleUpgrade", error_type::ineligible_upgrade},
                                      picklist_entry{"LimitExceeded", error_type::limit_exceeded},
                                      picklist_entry{"LockingFailure", error_type::locking_failure},
                                      picklist_entry{"PACError", error_type::pac_error},
                                      picklist_entry{"UnclassifiedError", error_type::unclassified_error}};

template <class Table, class Enum>
constexpr Enum find_value(const Table& table, std::string_view text, Enum otherwise) noexcept {
  const auto* found = std::ranges::find(table, text, &picklist_entry<Enum>::text);
  return found == table.end() ? otherwise : found->value;
}

}  // namespace

push_status parse_push_status(std::string_view text) noexcept {
  constexpr std::size_t length_max = 16;  // longer than every known value
  std::array<char, length_max> folded{};
  std::size_t length = 0;
  for (const char c : text) {
    if (c == ' ' || c == '_')
      continue;
    if (length == length_max)
      return push_status::unrecognized;
    folded[length++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return find_value(push_status_texts, std::string_view(folded.data(), length), push_status::unrecognized);
}

std::string_view to_string(push_status status) noexcept {
  switch (status) {
    case push_status::created:
      return "created";
    case push_status::pending:
      return "pending";
    case push_status::in_progress:
      return "in_progress";
    case push_status::succeeded:
      return "succeeded";
    case push_status::failed:
      return "failed";
    case push_status::canceled:
      return "canceled";
    case push_status::unrecognized:
      return "unrecognized";
  }
  return "unrecognized";
}

error_type parse_error_type(std::string_view text) noexcept {
  return find_value(error_type_texts, text, error_type::unrecognized);
}

std::string_view to_string(error_type type) noexcept {
  if (type == error_type::unknown)
    return "Unknown";
  const auto* found = std::ranges::find(error_type_texts, type, &picklist_entry<error_type>::value);
  return found == error_type_texts.end() ? "Unrecognized" : found->text;
}

error_severity parse_error_severity(std::string_view text) noexcept {
  return equals_ignoring_case(text, "Warning") ? error_severity::warning : error_severity::error;
}

org_type parse_org_type(std::string_view text) noexcept {
  return equals_ignoring_case(text, "Sandbox") ? org_type::sandbox : org_type::production;
}

std::string_view to_string(org_type type) noexcept {
  return type == org_type::sandbox ? "Sandbox" : "Production";
}

}  // namespace pushguard::domain
