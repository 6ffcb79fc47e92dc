#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/domain/ids.hpp"
#include "base/result.hpp"

namespace pushguard::domain {

/// One campaign of a hub: its version, and which campaign with that version it is. Written `04t…/2`.
struct rollout_id {
  version_id version;
  std::uint32_t number = 1;  ///< from 1; 0 stands for the latest where a rollout is asked for

  /// `04t…/2`, with the version in the form Salesforce gave.
  [[nodiscard]] std::string text() const;
  /// Reads `04t…/2`, or `04t…` alone, which has the number 0. Fails with errc::invalid.
  [[nodiscard]] static result<rollout_id> parse(std::string_view text);

  friend bool operator==(const rollout_id&, const rollout_id&) noexcept = default;
  friend std::strong_ordering operator<=>(const rollout_id&, const rollout_id&) noexcept = default;
};

}  // namespace pushguard::domain
