#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pushguard::bench {

inline constexpr std::string_view bench_channel = "/event/Bench__e";

/// Event 0 has this replay id; each further event the next one. Ten digits, as an org of some age has them.
inline constexpr std::uint64_t first_replay_id = 1'000'000'000;

/// Messages that deliver platform events, all of one size. Only the replay id and the EventUuid differ.
class event_texts {
 public:
  /// Below this there is no room for what every platform event has.
  static constexpr std::size_t message_size_min = 320;

  /// `message_size` is in bytes of the whole Bayeux message. Throws std::invalid_argument where it is
  /// below message_size_min.
  explicit event_texts(std::size_t message_size);

  /// Appends the message that delivers event `number`, which is below nine thousand million.
  void append(std::string& to, std::uint64_t number) const;

  [[nodiscard]] std::size_t message_size() const noexcept { return text_.size(); }

 private:
  std::string text_;
  std::size_t uuid_digits_ = 0;    // where the digits of the number stand in the EventUuid
  std::size_t replay_digits_ = 0;  // and in the replay id
};

}  // namespace pushguard::bench
