#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>

namespace pushguard::cometd {

/// Remembers the keys of the latest events, so that one delivered twice is noticed. Pure.
class duplicate_window {
 public:
  /// A replay after a lost poll repeats at most what that poll carried; this is several times as much
  /// as Salesforce was seen to put into one response, at about 2 MB.
  static constexpr std::size_t keys_max = 16'384;

  explicit duplicate_window(std::size_t capacity = keys_max) : capacity_(capacity) {}

  /// True the first time `key` is seen; the oldest key is forgotten for it when the window is full.
  bool insert(std::string key);
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

 private:
  std::size_t capacity_;
  std::unordered_set<std::string> keys_;
  std::deque<const std::string*> order_;  // into keys_, whose elements do not move
};

/// What tells an event from every other: its EventUuid, which outlives migrations of the org, else
/// channel and replay id; empty where it has neither.
[[nodiscard]] std::string duplicate_key(std::string_view channel, std::string_view replay_id,
                                        std::string_view event_uuid);

}  // namespace pushguard::cometd
