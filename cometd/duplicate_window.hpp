#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pushguard::cometd {

/// Remembers the keys of the latest events, so that one delivered twice is noticed. Pure.
class duplicate_window {
 public:
  /// A replay after a lost poll repeats at most what that poll carried; this is several times as much
  /// as Salesforce was seen to put into one response, at about 2 MB.
  static constexpr std::size_t keys_max = 16'384;

  /// `capacity` is at least 1.
  explicit duplicate_window(std::size_t capacity = keys_max) : capacity_(capacity) {}
  duplicate_window(const duplicate_window&) = delete;
  duplicate_window& operator=(const duplicate_window&) = delete;

  /// True the first time `key` is seen; the oldest key is forgotten for it when the window is full.
  bool insert(std::string_view key);
  [[nodiscard]] std::size_t size() const noexcept { return known_.size(); }

 private:
  std::size_t capacity_;
  // A ring whose texts are written over, so that a full window allocates nothing; it never moves them.
  std::vector<std::string> ring_;
  std::size_t oldest_ = 0;
  boost::unordered_flat_set<std::string_view, std::hash<std::string_view>> known_;  // into the ring
};

/// What tells an event from every other: its EventUuid, which outlives migrations of the org, else
/// channel and replay id; empty where it has neither.
[[nodiscard]] std::string duplicate_key(std::string_view channel, std::string_view replay_id,
                                        std::string_view event_uuid);

}  // namespace pushguard::cometd
