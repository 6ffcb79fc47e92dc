#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "simulator/streaming_plan.hpp"

namespace pushguard::simulator {

/// What a channel retains of an event. What `subject` and `text` mean is the business of its writer.
struct logged_event {
  std::uint64_t sequence = 0;  ///< counts the events of the channel from 0; its position
  std::uint64_t number = 0;    ///< rises with gaps; the replay id is made of it
  wall_time published = {};
  steady_time kept_since = {};
  std::uint64_t subject = 0;
  std::string text = {};
};

/// The retained events of one channel. Replay ids rise with gaps; positions count without.
class event_log {
 public:
  using position = std::uint64_t;

  event_log(std::uint64_t seed, duration retention, replay_id_form form = replay_id_form::number)
      : seed_(seed), retention_(retention), form_(form) {}

  /// What it answers stays valid until the log changes.
  const logged_event& append(std::uint64_t subject, std::string text, instant now);
  /// Forgets what is older than the retention.
  void purge(steady_time now);
  /// Forgets every event.
  void clear();
  /// Gives every retained event another replay id, and later ones ids that go on from there.
  void renumber();

  /// As it stands in JSON: of text form with its quotes.
  [[nodiscard]] std::string replay_id(const logged_event& event) const;
  /// The same for ever: it does not hang on the replay id.
  [[nodiscard]] std::string event_uuid(const logged_event& event) const { return uuid_of(event.sequence); }
  /// That of the event which is appended next.
  [[nodiscard]] std::string next_event_uuid() const { return uuid_of(tip()); }

  [[nodiscard]] position earliest() const noexcept { return purged_; }
  /// Where the next event will stand.
  [[nodiscard]] position tip() const noexcept { return purged_ + events_.size(); }
  /// The position after the retained event with that id, which is written exactly as the event has it, but
  /// for quotes; nothing for ids that are not retained or never were given.
  [[nodiscard]] std::optional<position> after(std::string_view replay_id) const;
  /// `where` lies in [earliest(), tip()).
  [[nodiscard]] const logged_event& at(position where) const { return events_[where - purged_]; }

 private:
  [[nodiscard]] std::uint64_t next_number(position where) const;
  [[nodiscard]] std::string uuid_of(std::uint64_t sequence) const;
  [[nodiscard]] std::string bare_id(std::uint64_t number) const;

  std::uint64_t seed_;
  duration retention_;
  replay_id_form form_;
  std::uint64_t numberings_ = 0;  ///< how often ids were given anew
  std::uint64_t last_number_ = 0;
  position purged_ = 0;
  std::deque<logged_event> events_;
};

}  // namespace pushguard::simulator
