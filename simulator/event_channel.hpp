#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "simulator/event_log.hpp"
#include "simulator/streaming_plan.hpp"

namespace pushguard::simulator {

/// Appends the `data` of an event of that log as JSON.
using event_writer = std::function<void(std::string& out, const event_log& log, const logged_event& event)>;

/// A channel that clients can subscribe to.
struct event_channel {
  event_log log;
  event_writer write;
  std::string refusal;  ///< what a subscribe is answered with, where not empty
  std::uint64_t published = 0;
};

/// The channels of one org. Their addresses stay.
class channel_list {
 public:
  explicit channel_list(std::uint64_t seed) : seed_(seed) {}

  /// Throws std::invalid_argument for a second channel of that name.
  event_channel& add(const channel_plan& plan, event_writer write);
  /// nullptr where there is none.
  [[nodiscard]] event_channel* find(std::string_view name);
  /// Forgets events that are older than their channel's retention.
  void purge(steady_time now);

  [[nodiscard]] auto begin() noexcept { return channels_.begin(); }
  [[nodiscard]] auto end() noexcept { return channels_.end(); }
  [[nodiscard]] auto begin() const noexcept { return channels_.begin(); }
  [[nodiscard]] auto end() const noexcept { return channels_.end(); }

 private:
  std::uint64_t seed_;
  std::map<std::string, event_channel, std::less<>> channels_;
};

/// The writer of events whose text is what begin_event_data() made.
void append_event_data(std::string& out, const event_log& log, const logged_event& event);

}  // namespace pushguard::simulator
