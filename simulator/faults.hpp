#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace pushguard::simulator {

/// What a request to /cometd/… is, by the first of its messages.
enum class request_kind : std::uint8_t { handshake, subscribe, connect, disconnect, other, any };

/// What can go wrong with a stream. Each is described in docs/simulator.md under its name.
enum class fault_kind : std::uint8_t {
  // The server gives the session up.
  disconnect_and_unknown_client,
  disconnect_and_unauthorized,
  bare_disconnect,
  unknown_client,
  unknown_client_none,
  expired_token,
  stale_handshake_advice,
  dead_route,
  disconnect_after_handshake,
  // The server refuses.
  busy,
  busy_as_denied,
  busy_as_unauthorized,
  denied_without_text,
  missing_cookie,
  user_mismatch,
  quota,
  client_limit,
  // It takes its time, or none.
  late_reply,
  never_answer,
  trickle,
  slow_subscribe,
  empty_polls,
  // The connection breaks.
  reset_before_answer,
  close_before_answer,
  cut_body,
  wrong_content_length,
  chunk_garbage,
  gzip_garbage,
  // Something else answers.
  http_status,
  login_page,
  http_401_rest_json,
  redirect,
  // Cookies.
  foreign_cookies,
  hundred_cookies,
  // The messages of an answer.
  duplicate_delivery,
  reordered_reply,
  events_without_reply,
  reply_without_subscription,
  reply_without_channel,
  reply_without_id,
  reply_with_other_id,
  empty_array,
  lone_object,
  null_advice,
  interval_advice,
  negative_interval,
  unknown_advice,
  other_transports,
  // The bytes of an answer.
  byte_order_mark,
  nul_bytes,
  bad_utf8,
  lone_surrogates,
  duplicate_keys,
  overflow_numbers,
  deep_nesting,
  wrong_types,
  truncated_json,
  huge_message,
};

[[nodiscard]] std::span<const fault_kind> all_fault_kinds() noexcept;
/// `late_reply`: as scenarios spell it.
[[nodiscard]] std::string_view name_of(fault_kind kind) noexcept;
[[nodiscard]] std::optional<fault_kind> find_fault_kind(std::string_view name) noexcept;
/// `connect`: as scenarios spell it.
[[nodiscard]] std::string_view name_of(request_kind kind) noexcept;
/// Whether requests of that kind can be hit; `any` can where one of them can.
[[nodiscard]] bool can_hit(fault_kind fault, request_kind request) noexcept;

/// A fault and the requests it hits.
struct fault_plan {
  fault_kind kind;
  request_kind on = request_kind::any;
  std::size_t skip = 0;   ///< requests it could hit that are let pass first
  std::size_t times = 1;  ///< requests it then hits
  /// Waits for an answer that carries events. Where the fault leaves the answer whole they are part of it,
  /// else they are lost to that session.
  bool with_events = false;
  /// How long the answer waits: before the request is acted on, or (late_reply) after. never_answer: until
  /// the connection is reset. trickle: between two bytes. Without one, the fault's own.
  std::optional<duration> delay = {};
  int status = 503;          ///< of http_status
  std::string channel = {};  ///< hits only subscribes to this one, where set
};

/// Faults by chance.
struct random_faults {
  double odds = 0.01;                            ///< of each request
  std::vector<fault_kind> kinds = {};            ///< evenly; empty: all
  duration delay_max = std::chrono::seconds(3);  ///< delays are drawn up to this
};

/// A fault that happens now.
struct fault {
  fault_plan plan;
  std::uint64_t occurrence = 0;  ///< how often its kind has happened before; picks among its variants
};

/// A request as the script sees it, and what chance holds ready for it.
struct fault_passage {
  request_kind kind = request_kind::other;
  std::vector<std::string> channels = {};  ///< of a subscribe
  std::optional<fault_plan> drawn = {};
};

/// What an answer carries.
struct answer_shape {
  std::size_t messages = 0;
  std::size_t events = 0;  ///< of these
};

/// Says which fault hits which request: the first of a list that wants it, else one by chance. A request is
/// hit once at most; it counts for `skip` of the faults that could have hit it before.
class fault_script {
 public:
  fault_script(std::uint64_t seed, std::vector<fault_plan> faults, std::optional<random_faults> chaos);

  void add(fault_plan fault);

  /// To be called once for each request, in order.
  [[nodiscard]] fault_passage admit(request_kind kind, std::vector<std::string> channels);
  /// The fault that hits the request as it comes.
  [[nodiscard]] std::optional<fault> strike(const fault_passage& request);
  /// The fault that hits its answer as it leaves.
  [[nodiscard]] std::optional<fault> strike(const fault_passage& request, const answer_shape& answer);

  /// No fault of the list waits.
  [[nodiscard]] bool is_idle() const noexcept { return waiting_.empty(); }
  [[nodiscard]] std::size_t pending() const noexcept { return waiting_.size(); }
  [[nodiscard]] const std::map<fault_kind, std::size_t>& happened() const noexcept { return happened_; }

 private:
  template <class Fits>
  std::optional<fault> take(const fault_passage& request, Fits fits);
  std::optional<fault_plan> draw_for(request_kind kind);

  std::uint64_t seed_;
  std::vector<fault_plan> waiting_;
  std::optional<random_faults> chaos_;
  std::uint64_t admitted_ = 0;
  std::map<fault_kind, std::size_t> happened_;
};

}  // namespace pushguard::simulator
