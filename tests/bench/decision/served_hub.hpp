#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time_source.hpp"
#include "base/url.hpp"

/// A hub of prepared rows on a loopback port, which notes on its own side of the wire when a breaching event
/// left and when the calls that it causes came.
namespace pushguard::bench {

inline constexpr std::string_view hub_channel = "/event/Push_Upgrade__e";

/// A rollout of its own: one job in progress in a first request, and requests that have not started.
struct small_rollout {
  std::uint32_t running_request = 0;
  std::uint32_t job = 0;
  std::vector<std::uint32_t> waiting_requests;
};

/// What a breach led to. Instants are of the machine's steady clock: of bytes that came, when the kernel had
/// them (a call comes in one piece); of bytes that went, before the hub's thread handed them to the kernel.
struct breach_timing {
  std::optional<steady_time> event_written;      ///< the response with the event
  std::optional<steady_time> confirm_asked;      ///< the first call: is the job that the event names failed?
  std::optional<steady_time> confirm_answered;   ///< the last answer about that: the job's errors
  std::optional<steady_time> containment_asked;  ///< the first call of the containment
  std::optional<steady_time> contained;          ///< the last answer that says that a request is cancelled
};

struct hub_size {
  std::uint32_t waves = 20;  ///< of one rollout; those that do not run have ended well
  std::uint32_t orgs_per_wave = 5'000;
  std::uint32_t waves_running = 6;     ///< their jobs are those that load() ends
  std::uint32_t rollouts_of_one = 0;   ///< small rollouts with one request to be cancelled
  std::uint32_t rollouts_of_many = 0;  ///< and with `many` of them
  std::uint32_t many = 20;
  std::uint32_t orgs_per_small_request = 10;
};

/// Runs on a thread of its own until destroyed. Its functions are for one other thread.
class served_hub {
 public:
  /// `time` outlives it. Throws std::runtime_error where no port can be opened.
  served_hub(const hub_size& size, time_source& time);
  ~served_hub();
  served_hub(const served_hub&) = delete;
  served_hub& operator=(const served_hub&) = delete;

  [[nodiscard]] const origin& local() const noexcept;
  [[nodiscard]] const std::vector<small_rollout>& rollouts_of_one() const noexcept;
  [[nodiscard]] const std::vector<small_rollout>& rollouts_of_many() const noexcept;

  /// The client is subscribed, and waits for events.
  [[nodiscard]] bool wait_for_poll(duration patience);
  /// No call to the REST API came or was answered for `length`; false where that does not come to pass.
  [[nodiscard]] bool wait_for_quiet(duration length, duration patience);

  /// One job of the running waves ends well, by stream and by query.
  void end_one_job();
  /// So many events a second of jobs of the running waves: each starts, and ends well. 0 ends it.
  void load(unsigned events_per_second);
  /// REST calls are answered so much later.
  void delay_answers(duration by);

  /// The rollout's job in progress fails: by query, and in an event. Waits until every waiting request is
  /// cancelled; nothing where that does not come to pass.
  [[nodiscard]] std::optional<breach_timing> breach(const small_rollout& rollout, duration patience);

  [[nodiscard]] std::uint64_t events_published() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace pushguard::bench
