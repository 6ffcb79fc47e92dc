#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/api.hpp"
#include "base/condition.hpp"

/// What `GET /api/v1/stream` tells: every change, as server-sent events that can be resumed.
namespace pushguard::agent {

enum class event_type : std::uint8_t { hub, rollout, rule, decision, job, hold, alert, agent };
inline constexpr std::array all_event_types{event_type::hub,   event_type::rollout,  event_type::rule,
                                            event_type::job,   event_type::decision, event_type::hold,
                                            event_type::alert, event_type::agent};
[[nodiscard]] std::string_view to_string(event_type type) noexcept;

/// A set of types.
class event_types {
 public:
  constexpr event_types() = default;
  [[nodiscard]] static event_types all() noexcept;
  /// `hub,rollout`; nothing where a name is none.
  [[nodiscard]] static std::optional<event_types> parse(std::string_view names);

  void add(event_type type) noexcept { bits_ |= bit(type); }
  [[nodiscard]] bool has(event_type type) const noexcept { return (bits_ & bit(type)) != 0; }

  friend bool operator==(event_types, event_types) = default;

 private:
  [[nodiscard]] static constexpr unsigned bit(event_type type) noexcept {
    return 1U << static_cast<unsigned>(type);
  }
  unsigned bits_ = 0;
};

/// Collects what changed, makes events of it twice a second, once for all readers, and keeps the last of them
/// for those who come back. What nobody listens to costs nothing. For one thread.
class event_feed {
 public:
  static constexpr std::size_t kept_bytes_max = 4UZ * 1024 * 1024;
  /// Of one request in one turn; more are told as a number.
  static constexpr std::size_t jobs_max = 200;
  static constexpr duration turn_interval = std::chrono::milliseconds(500);
  static constexpr duration ping_interval = std::chrono::seconds(5);

  /// `life` tells ids of this process from those of another one: letters and digits. All that `from` names,
  /// and what `agent` needs, outlives the feed.
  event_feed(api_source from, std::function<agent_facts()> agent, std::string life);

  /// Takes in a message of `decide`, after the model has.
  void note(const view_update& update);
  /// Makes events of what was noted and wakes who waits for them. run() calls it.
  void flush();
  /// Flushes and pings while there are readers, until cancelled; then closes the feed.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Nothing more is to come: readers end, so that a server can.
  void close() noexcept;

  /// Someone who listens to events of some types. The feed outlives it.
  class reader {
   public:
    /// Goes on behind the event `last_id`, where that is one of this feed and what followed is kept.
    reader(event_feed& feed, event_types wanted, std::string_view last_id);
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    /// What there is to send now, as the format has it: whole events, of `bytes_min` bytes at least where
    /// there are as many. A reset first for who is new or has fallen behind. Empty: nothing.
    [[nodiscard]] std::string take(std::size_t bytes_min);
    [[nodiscard]] bool is_over() const noexcept { return feed_.is_closed_; }
    /// Until there may be something, or it is over.
    [[nodiscard]] boost::asio::awaitable<void> wait();

   private:
    [[nodiscard]] bool is_behind() const noexcept;

    event_feed& feed_;
    event_types wanted_;
    std::uint64_t next_ = 0;
    std::uint64_t pings_ = 0;
    bool needs_reset_ = true;
  };

  [[nodiscard]] std::size_t readers() const noexcept { return readers_; }

 private:
  struct event {
    std::uint64_t id = 0;
    event_type type{};
    std::string text;
  };
  struct noted {
    std::set<std::string> hubs;
    std::set<std::pair<std::string, std::string>> rollouts;
    std::set<rule_key> rules;
    std::set<std::int64_t> decisions;
    std::map<read_model::hub_and_request, std::set<domain::job_id>> jobs;
    std::set<std::string> forgotten_hubs;
    std::set<std::string> forgotten_rules_of;
    bool holds = false;
    bool alerts = false;
  };

  [[nodiscard]] bool has_listener(event_type type);
  void note_rollouts(const view_update& update);
  void note_jobs(const view_update& update);
  void append(event_type type, std::string_view name, const boost::json::object& data);
  void append_forgotten();
  void append_jobs(const read_model::hub_and_request& request, const std::set<domain::job_id>& jobs);
  void append_agent();
  [[nodiscard]] std::string write_event(std::string_view name, const boost::json::object& data,
                                        std::string_view id = {}) const;

  api_source from_;
  std::function<agent_facts()> agent_;
  std::string life_;
  std::deque<event> kept_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t next_id_ = 1;
  std::array<std::uint64_t, all_event_types.size()>
      kept_from_{};  ///< by type: events from this id on are all here
  std::array<std::size_t, all_event_types.size()> listeners_{};  ///< by type
  std::size_t readers_ = 0;
  noted noted_;
  std::optional<agent_facts> told_agent_;
  std::uint64_t pings_ = 0;
  bool is_closed_ = false;
  condition told_;
  condition joined_;
};

}  // namespace pushguard::agent
