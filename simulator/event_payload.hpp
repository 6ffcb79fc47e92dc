#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace pushguard::simulator {

enum class channel_kind : std::uint8_t { platform_event, change_event, push_topic, generic };

/// By the name's beginning; nothing for `/meta/…` and other names that no event comes under.
[[nodiscard]] std::optional<channel_kind> kind_of_channel(std::string_view name) noexcept;

/// Platform and change events have an EventUuid; the older kinds do not.
[[nodiscard]] bool has_event_uuid(channel_kind kind) noexcept;

/// The `data` of an event up to its replay id, which comes last and is followed by data_end. `payload` is
/// the JSON of what the kind has a place for, and is kept as it is written, but that a change event's header
/// gets its commitTimestamp. Throws std::invalid_argument where it is no JSON, or no object where one is
/// needed.
[[nodiscard]] std::string begin_event_data(channel_kind kind, std::string_view payload, wall_time published,
                                           std::string_view event_uuid);

inline constexpr std::string_view data_end = "}}";

}  // namespace pushguard::simulator
