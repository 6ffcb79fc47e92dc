#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace pushguard {

/// One server-sent event.
struct stream_event {
  std::string type;  ///< "message" where the server named none
  std::string data;  ///< the `data` lines, joined by line feeds
  std::string id;    ///< the last one told so far: an event may have none of its own
};

/// Reads `text/event-stream` as it comes, in pieces cut anywhere (WHATWG HTML, "Server-sent events"): lines
/// end with LF, CR or CRLF; a byte order mark, comments and unknown fields are skipped; an event without data
/// is none; one that the stream's end cuts off is lost. Bytes are passed on as they are, valid UTF-8 or not.
///
/// One difference: reset() keeps the last id, so that an event without one after a reconnection does not make
/// the place forgotten.
class event_stream_parser {
 public:
  static constexpr std::size_t usual_size_max = 16UZ * 1024 * 1024;

  /// `size_max` bounds an event with the line being read: bytes, roughly.
  explicit event_stream_parser(std::size_t size_max = usual_size_max) : size_max_(size_max) {}

  using taker = std::function<result<>(const stream_event&)>;
  /// Calls `take` with each event that `bytes` completes; a failure that it returns ends the reading and is
  /// answered. Fails with errc::too_large above the limit. After a failure only reset() is allowed.
  [[nodiscard]] result<> feed(std::string_view bytes, const taker& take);

  /// A new connection begins: what is half read is forgotten.
  void reset();

  /// What a reconnection sends as Last-Event-ID; empty: nothing. It is that of the last event that ended.
  [[nodiscard]] const std::string& last_event_id() const noexcept { return last_id_; }
  /// How long the server wants a client to wait before it reconnects. Nothing where it did not say.
  [[nodiscard]] std::optional<duration> retry() const noexcept { return retry_; }

 private:
  [[nodiscard]] result<> end_line(const taker& take);
  [[nodiscard]] result<> dispatch(const taker& take);
  void take_field(std::string_view name, std::string_view value);

  std::size_t size_max_;
  std::string line_;
  std::string type_;
  std::string data_;
  std::string id_;
  std::string last_id_;
  std::optional<duration> retry_;
  bool is_first_line_ = true;
  bool has_data_ = false;
  bool may_skip_line_feed_ = false;  // a CR came last
};

}  // namespace pushguard
