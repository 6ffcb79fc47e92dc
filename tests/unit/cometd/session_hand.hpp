#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cometd/session.hpp"

namespace pushguard::cometd::test {

using namespace std::chrono_literals;

inline const wall_time wall_start = std::chrono::sys_days(std::chrono::year(2025) / 9 / 2);

// Drives a session by hand: keeps what it wants done, and holds it to its invariants after every input.
class hand {
 public:
  explicit hand(session_options options, std::uint64_t seed = 1)
      : random_(seed), machine(std::move(options), random_) {}

  void resume(session_input in) {
    const bool was_ended = machine.phase() == session_phase::ended;
    for (auto& each : machine.resume(std::move(in), now()))
      std::visit([this](auto& action) { take(action); }, each);
    if (was_ended)
      return;
    const bool is_moving = machine.phase() == session_phase::ended ||
                           machine.phase() == session_phase::idle || sent || is_renewing ||
                           machine.phase() == session_phase::waiting;
    EXPECT_TRUE(is_moving) << to_string(machine.phase());
    if (machine.phase() != session_phase::ended && machine.phase() != session_phase::idle)
      EXPECT_GT(wake, clock) << "nothing would move it on: " << to_string(machine.phase());
  }

  void start(input::start in = {}) { resume(std::move(in)); }

  /// The HTTP answer to what was sent last.
  void answer(std::string_view body, int status = 200, std::optional<wall_time> server_time = {}) {
    ASSERT_TRUE(sent.has_value());
    const auto generation = sent->generation;
    input::received received{.generation = generation, .messages = {}};
    message_parser parser;
    input::exchange_ended in{
        .generation = generation, .status = status, .trouble = {}, .server_time = server_time};
    auto fed = parser.feed(body, received.messages);
    if (fed)
      fed = parser.finish();
    if (!fed)
      in.trouble = fed.error();
    in.has_skipped = parser.skipped() > 0;
    resume(std::move(received));
    sent.reset();
    resume(std::move(in));
  }

  void lose(errc code = errc::closed) {
    ASSERT_TRUE(sent.has_value());
    input::exchange_ended in{
        .generation = sent->generation, .status = 0, .trouble = failure{make_error_code(code), "lost"}};
    sent.reset();
    resume(std::move(in));
  }

  /// Waits until the instant asked for.
  void wait() {
    const auto before = clock;
    clock = wake;
    waited = std::chrono::ceil<duration>(clock - before);
    resume(input::tick{});
  }

  void pass(duration length) { clock += length; }

  void shake_hands(const std::string& client = "c1") {
    ASSERT_EQ(kind(), exchange_kind::handshake);
    answer(
        R"([{"channel":"/meta/handshake","successful":true,"version":"1.0","clientId":")" + client +
        R"(","supportedConnectionTypes":["long-polling"],"ext":{"replay":true},"advice":{"reconnect":"retry"}}])");
  }

  void acknowledge(std::optional<wall_time> server_time = {}) {
    ASSERT_EQ(kind(), exchange_kind::subscribe);
    answer(R"([{"channel":"/meta/subscribe","successful":true,"subscription":")" + request().subscription +
               R"("}])",
           200, server_time);
  }

  /// Answers the first connect after a handshake as servers do: at once.
  void connect(std::string_view advice = R"({"reconnect":"retry","interval":0,"timeout":110000})") {
    ASSERT_EQ(kind(), exchange_kind::connect);
    answer(R"([{"channel":"/meta/connect","successful":true,"advice":)" + std::string(advice) + "}]");
  }

  void go_live() {
    start();
    shake_hands();
    while (kind() == exchange_kind::subscribe)
      acknowledge();
    connect();
    ASSERT_TRUE(machine.is_live());
    ASSERT_EQ(kind(), exchange_kind::connect);
  }

  /// From wherever it waits, through a handshake, to the held connect.
  void recover(const std::string& client = "c2") {
    for (int i = 0; i < 10 && kind() != exchange_kind::handshake; ++i) {
      if (kind() == exchange_kind::disconnect) {
        lose();
      } else {
        wait();
      }
    }
    shake_hands(client);
    while (kind() == exchange_kind::subscribe)
      acknowledge();
    connect();
    ASSERT_TRUE(machine.is_live());
  }

  [[nodiscard]] std::optional<exchange_kind> kind() const {
    return sent ? std::optional(sent->kind) : std::nullopt;
  }
  [[nodiscard]] const request_message& request() const { return sent.value().messages.at(0); }
  [[nodiscard]] instant now() const {
    return {wall_start + std::chrono::floor<duration>(clock.time_since_epoch()), clock};
  }

  std::optional<action::send> sent;
  steady_time clock{};
  steady_time wake{};
  duration waited{};
  bool is_renewing = false;
  int renewals = 0;
  int abandoned = 0;
  int cookies_cleared = 0;
  int polls_ended = 0;
  int duplicates = 0;
  std::vector<std::string> delivered;
  std::vector<event> events;
  std::vector<handshake_reason> handshakes;
  std::vector<gap> gaps;
  std::map<std::string, wall_time> quiet;
  std::vector<channel_status> changes;
  std::vector<std::string> logs;
  std::optional<std::string> ended;

 private:
  void take(action::send& in) {
    EXPECT_FALSE(sent.has_value()) << "two exchanges at once";
    EXPECT_EQ(in.messages.size(), 1U) << "one message a request: a handshake must travel alone";
    EXPECT_GT(in.generation, last_generation_);
    EXPECT_GT(in.deadline, 0ms);
    last_generation_ = in.generation;
    is_renewing = false;
    sent = std::move(in);
  }
  void take(action::abandon& in) {
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(in.generation, sent->generation);
    sent.reset();
    ++abandoned;
  }
  void take(action::wait_until& in) { wake = in.when; }
  void take(action::deliver& in) {
    for (const auto& each : in.events) {
      delivered.push_back(each.data);
      events.push_back(each);
    }
  }
  void take(action::renew_credentials&) {
    is_renewing = true;
    ++renewals;
  }
  void take(action::clear_cookies&) { ++cookies_cleared; }
  void take(action::handshake_begun& in) { handshakes.push_back(in.reason); }
  void take(action::channel_changed& in) { changes.push_back(in.status); }
  void take(action::gap_found& in) { gaps.push_back(in.gap); }
  void take(action::channel_quiet& in) { quiet.insert_or_assign(in.channel, in.since); }
  void take(action::duplicate_dropped&) { ++duplicates; }
  void take(action::poll_ended&) { ++polls_ended; }
  void take(action::log& in) {
    std::string line = std::string(to_string(in.level)) + " " + in.event;
    for (const auto& [key, value] : in.fields)
      line.append(" ").append(key).append("=").append(value);
    logs.push_back(line);
  }
  void take(action::ended& in) { ended = in.reason; }

  random_engine random_;
  std::uint64_t last_generation_ = 0;

 public:
  session machine;
};

inline const wanted_channel push{.channel = "/event/Push__e"};
inline const wanted_channel license{.channel = "/data/License__ChangeEvent"};

inline session_options salesforce(std::vector<wanted_channel> channels = {push}) {
  session_options options;
  options.channels = std::move(channels);
  return options;
}

inline session_options generic(std::vector<wanted_channel> channels = {{.channel = "/chat"}}) {
  session_options options;
  options.profile = profile::generic;
  options.channels = std::move(channels);
  options.poll_timeout = 30s;
  return options;
}

inline std::string event_text(int replay_id, std::string_view channel = "/event/Push__e") {
  return R"({"channel":")" + std::string(channel) + R"(","data":{"event":{"replayId":)" +
         std::to_string(replay_id) + "}}}";
}

inline const std::string connect_ok = R"({"channel":"/meta/connect","successful":true})";

inline std::string refusal(std::string_view kind, std::string_view error, std::string_view advice = "none") {
  return R"([{"channel":"/meta/)" + std::string(kind) + R"(","successful":false,"error":")" +
         std::string(error) + R"(","advice":{"reconnect":")" + std::string(advice) + R"(","interval":0}}])";
}

inline std::string refusal_with_reason(std::string_view kind, std::string_view error,
                                       std::string_view reason) {
  return R"([{"channel":"/meta/)" + std::string(kind) + R"(","successful":false,"error":")" +
         std::string(error) + R"(","ext":{"sfdc":{"failureReason":")" + std::string(reason) +
         R"("}},"advice":{"reconnect":"none"}}])";
}

inline std::string connect_with_hosts(std::string_view hosts) {
  return R"([{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"handshake","hosts":)" +
         std::string(hosts) + "}}]";
}

}  // namespace pushguard::cometd::test
