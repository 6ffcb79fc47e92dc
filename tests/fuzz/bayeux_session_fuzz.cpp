#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cometd/message.hpp"
#include "cometd/session.hpp"

/// Treats a session as badly as the bytes say, and holds it to its invariants after every input. Bytes that
/// are letters choose what they stand for in driver::step(), so that seeds can be written by hand.
namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;

void expect(bool is_right, std::string_view what) {
  if (is_right)
    return;
  std::fprintf(stderr, "the session broke its word: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

/// The input, byte by byte; zeros when it is used up.
class byte_source {
 public:
  byte_source(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool is_empty() const { return rest_.empty(); }
  std::uint8_t take() {
    const std::string_view byte = take_text(1);
    return byte.empty() ? 0 : static_cast<std::uint8_t>(byte.front());
  }
  std::string_view take_text(std::size_t size_max) {
    const std::string_view text = rest_.substr(0, size_max);
    rest_.remove_prefix(text.size());
    return text;
  }
  template <class Table>
  const auto& pick(const Table& table) {
    return table[take() % table.size()];
  }

 private:
  std::string_view rest_;
};

// ---- Messages from a grammar: each field is absent, sensible or hostile

constexpr std::array<std::string_view, 12> channels{
    "/event/Push__e",   "/data/X",       "/event/Push__e",  "/data/X",         "/a/x",
    "/a/x/y",           "/meta/connect", "/meta/subscribe", "/meta/handshake", "",
    "/meta/disconnect", "/meta/other"};
constexpr std::array<std::string_view, 22> errors{
    "",
    "403::Unknown client",
    "402::session_unknown",
    "401:c:Unknown client",
    "401::Authentication invalid",
    "401::Request requires authentication",
    "400::The replayId {17} you provided was invalid.",
    "403::Restricted channel",
    "403:denied_by_security_policy:subscribe_denied",
    "403::Organization concurrent user limit exceeded",
    "503::Server is too busy",
    "403::no cookie present",
    "400::API version in the URI is mandatory",
    "404::",
    "429::",
    "500::",
    "403::",
    "x",
    ":::",
    "401",
    "400::The channel you requested to subscribe to does not exist",
    "403::Connection type not supported"};
constexpr std::array<std::int64_t, 8> waits{0, 0, -1, 1, 500, 5'000, 110'000, 1'000'000'000'000};
constexpr std::array<std::string_view, 10> replay_ids{"1",         "2", "3",  "4",   "18446744073709551616",
                                                      R"("0017")", "",  "-1", "1.5", R"("a\"b")"};

std::optional<duration> make_wait(byte_source& bytes) {
  const std::uint8_t choice = bytes.take();
  return choice < 128 ? std::nullopt : std::optional(duration(waits[choice % waits.size()]));
}

std::optional<advice> make_advice(byte_source& bytes) {
  const std::uint8_t choice = bytes.take();
  if (choice < 96)
    return std::nullopt;
  advice made;
  if (choice % 5 < 4)
    made.reconnect = static_cast<reconnect>(choice % 5);
  made.interval = make_wait(bytes);
  made.timeout = make_wait(bytes);
  made.max_interval = make_wait(bytes);
  return made;
}

message make_message(byte_source& bytes) {
  message made;
  made.channel = bytes.pick(channels);
  const std::uint8_t flags = bytes.take();
  if ((flags & 1) != 0)
    made.successful = (flags & 2) != 0;
  if ((flags & 4) != 0)
    made.client_id = (flags & 8) != 0 ? "c1" : "c2";
  if ((flags & 16) != 0)
    made.error = bytes.pick(errors);
  if ((flags & 32) != 0)
    made.failure_reason = bytes.pick(errors);
  if ((flags & 64) != 0)
    made.advice = make_advice(bytes);
  made.supports_replay = (flags & 128) != 0;
  const std::uint8_t more = bytes.take();
  if ((more & 1) != 0) {
    made.data = "{}";
    made.replay_id = bytes.pick(replay_ids);
  }
  if ((more & 2) != 0)
    made.event_uuid = std::to_string(bytes.take());
  if ((more & 4) != 0)
    made.supported_connection_types = {(more & 8) != 0 ? "websocket" : "long-polling"};
  if ((more & 16) != 0)
    made.subscriptions = {std::string(bytes.pick(channels))};
  made.supports_ack = (more & 32) != 0;
  if ((more & 64) != 0)
    made.ack = bytes.take() - 100;
  return made;
}

/// The reply that an honest server gives.
message make_right_reply(const action::send& to, byte_source& bytes) {
  message made;
  made.channel = std::string("/meta/").append(to_string(to.kind));
  made.successful = true;
  if (to.kind == exchange_kind::handshake) {
    made.client_id = "c" + std::to_string(to.generation);
    made.supports_replay = bytes.take() % 2 == 0;
  }
  return made;
}

session_options make_options(byte_source& bytes) {
  session_options options;
  const std::uint8_t choice = bytes.take();
  options.profile = choice % 3 == 0 ? profile::generic : profile::salesforce;
  options.channels = {{.channel = "/event/Push__e"}};
  if ((choice & 4) != 0)
    options.channels.push_back({.channel = "/data/X", .when_lost = replay_start::latest});
  if ((choice & 8) != 0)
    options.channels.push_back({.channel = "/a/**", .first = replay_start::earliest});
  return options;
}

// ---- The session in the hands of the bytes

class driver {
 public:
  explicit driver(byte_source bytes)
      : bytes_(bytes), random_(bytes_.take()), machine_(make_options(bytes_), random_) {}

  void run() {
    start();
    while (!bytes_.is_empty() && !has_ended_)
      step();
    resume(input::stop{});
    if (sent_)
      lose(errc::closed);
    expect(has_ended_, "it did not stop");
    resume(input::tick{});
    start();
  }

 private:
  // One letter, one treatment. Others are folded onto the letters.
  void step() {
    constexpr std::string_view letters = "reewtltmbcfgnsuvzq";
    const std::uint8_t byte = bytes_.take();
    const auto letter = static_cast<char>(byte);
    switch (letters.contains(letter) ? letter : letters[byte % letters.size()]) {
      case 'r':  // an honest reply, with an event before and behind it
        return answer({make_event(), make_honest(), make_event()}, 200, {});
      case 'e':  // events while the exchange goes on
        return receive(machine_.generation(), {make_event(), make_event()});
      case 'w':  // to the instant asked for
        now_ = std::max(now_, wake_.value_or(now_));
        return resume(input::tick{});
      case 't':
        return resume(input::tick{});
      case 'm':  // the clock moves, and nobody ticks
        now_ += std::chrono::milliseconds(bytes_.take() * bytes_.take() * 4);
        return;
      case 'l':
        return lose(bytes_.take() % 2 == 0 ? errc::closed : errc::timed_out);
      case 'u':
        return lose(errc::unauthorized);
      case 'g':  // messages from the grammar, and the end of the exchange
        return answer(make_messages(), make_status(), {});
      case 'n':  // messages from the grammar, and no end yet
        return receive(machine_.generation(), make_messages());
      case 'z':
        return answer_raw(bytes_.take_text(bytes_.take()));
      case 's':  // of another exchange than the present one
        return receive(bytes_.take(), make_messages());
      case 'v':
        return resume(make_end(machine_.generation() - 1 - bytes_.take() % 3, make_status(), {}));
      case 'c':
        is_renewal_asked_for_ = false;
        return resume(input::credentials_renewed{});
      case 'f':
        is_renewal_asked_for_ = false;
        return resume(input::credentials_failed{failure{errc::unauthorized, "refused"}});
      case 'b':
        return resume(input::backlog{.is_full = bytes_.take() % 2 == 0});
      case 'q':
        return bytes_.take() > 200 ? resume(input::stop{}) : start();
      default:
        return;
    }
  }

  void start() {
    input::start in;
    if (bytes_.take() % 2 == 0)
      in.positions["/event/Push__e"] = {.replay_id = std::string(bytes_.pick(replay_ids))};
    if (bytes_.take() % 4 == 0)
      in.foreign["/data/X"] = "17";
    resume(std::move(in));
  }

  message make_event() {
    message made;
    made.channel = channels[bytes_.take() % 4];
    made.data = "{}";
    made.replay_id = std::to_string(++last_replay_id_);
    return made;
  }
  message make_honest() { return sent_ ? make_right_reply(*sent_, bytes_) : message{}; }
  std::vector<message> make_messages() {
    std::vector<message> made;
    for (int count = bytes_.take() % 5; count > 0; --count)
      made.push_back(make_message(bytes_));
    return made;
  }
  int make_status() {
    constexpr std::array<int, 10> statuses{200, 200, 200, 200, 0, 302, 401, 403, 500, 503};
    return bytes_.pick(statuses);
  }
  static input::exchange_ended make_end(std::uint64_t generation, int status,
                                        std::optional<failure> trouble) {
    input::exchange_ended end;
    end.generation = generation;
    end.status = status;
    end.trouble = std::move(trouble);
    return end;
  }

  void receive(std::uint64_t generation, std::vector<message> messages) {
    for (message& each : messages) {
      if (each.data)  // numbered, so that their order can be checked
        each.data = std::to_string(++events_made_);
      const bool is_yes = each.successful.value_or(false);
      has_acknowledgement_ = has_acknowledgement_ || (is_yes && sent_ && generation == sent_->generation);
    }
    input::received in;
    in.generation = generation;
    in.messages = std::move(messages);
    resume(std::move(in));
  }

  void answer(std::vector<message> messages, int status, std::optional<failure> trouble) {
    if (!sent_)
      return;
    const std::uint64_t generation = sent_->generation;
    receive(generation, std::move(messages));
    if (sent_ && sent_->generation == generation)
      end(make_end(generation, status, std::move(trouble)));
  }

  void answer_raw(std::string_view body) {
    std::vector<message> messages;
    message_parser parser;
    auto fed = parser.feed(body, messages);
    if (fed)
      fed = parser.finish();
    answer(std::move(messages), make_status(), fed ? std::nullopt : std::optional(fed.error()));
  }

  void lose(errc code) {
    if (sent_)
      end(make_end(sent_->generation, 0, failure{code, "lost"}));
  }

  void end(input::exchange_ended in) {
    if (sent_->kind == exchange_kind::subscribe && has_acknowledgement_)
      acknowledged_.insert(sent_->messages.front().subscription);
    sent_.reset();
    resume(std::move(in));
  }

  void resume(session_input in) {
    const bool is_due = std::holds_alternative<input::tick>(in) && wake_ && *wake_ <= now_;
    for (auto& each : machine_.resume(
             std::move(in), {wall_start + std::chrono::floor<duration>(now_.time_since_epoch()), now_}))
      std::visit([this](auto& action) { take(action); }, each);
    check(is_due);
  }

  void check(bool was_due) const {
    const session_phase phase = machine_.phase();
    expect((phase == session_phase::ended) == has_ended_,
           "it says that it ended when it ends, and only then");
    if (phase == session_phase::ended)
      return expect(!sent_, "an exchange outlives it");
    const bool is_renewing = phase == session_phase::renewing && is_renewal_asked_for_;
    expect(sent_ || is_renewing || phase == session_phase::waiting, "nothing is under way");
    expect(!(sent_ && phase == session_phase::waiting), "it waits while an exchange is under way");
    expect(wake_.has_value(), "nothing would wake it");
    expect(!was_due || *wake_ > now_, "a tick that was due changed nothing");
    for (const channel_status& each : machine_.channels())
      expect(!each.is_live() || acknowledged_.contains(each.channel), "a channel is live without a yes");
  }

  void take(action::send& in) {
    expect(!has_ended_, "it sends after its end");
    expect(!sent_, "two exchanges at once");
    expect(in.generation > last_generation_, "a generation came again");
    expect(in.messages.size() == 1, "a handshake must travel alone, and so do all others");
    expect(in.deadline > 0ms, "an exchange without a deadline");
    expect(serialize(in.messages).has_value(), "a message cannot be written");
    if (in.kind == exchange_kind::handshake) {
      expect(!last_handshake_ || now_ - *last_handshake_ >= 1s, "handshakes come in a storm");
      last_handshake_ = now_;
      acknowledged_.clear();
    }
    last_generation_ = in.generation;
    has_acknowledgement_ = false;
    sent_ = std::move(in);
  }
  void take(const action::abandon& in) {
    expect(sent_ && sent_->generation == in.generation, "it abandons what is not under way");
    sent_.reset();
  }
  void take(const action::wait_until& in) {
    expect(!has_ended_, "it waits after its end");
    expect(in.when > now_, "it waits for an instant that has passed");
    wake_ = in.when;
  }
  void take(const action::deliver& in) {
    expect(!has_ended_, "it delivers after its end");
    for (const auto& each : in.events) {
      const std::uint64_t number = std::stoull(each.data);
      expect(number > last_delivered_ && number <= events_made_, "events out of order");
      last_delivered_ = number;
    }
  }
  void take(const action::renew_credentials&) {
    expect(!has_ended_ && !sent_, "it renews credentials while an exchange is under way");
    is_renewal_asked_for_ = true;
  }
  void take(const action::ended&) {
    expect(!has_ended_, "it ended twice");
    has_ended_ = true;
  }
  template <class Other>
  void take(const Other&) {
    expect(!has_ended_, "it acts after its end");
  }

  static constexpr wall_time wall_start{std::chrono::hours{24 * 365 * 55}};

  byte_source bytes_;
  random_engine random_;
  session machine_;
  steady_time now_{std::chrono::hours{1}};
  std::optional<steady_time> wake_;
  std::optional<action::send> sent_;
  std::optional<steady_time> last_handshake_;
  std::uint64_t last_generation_ = 0;
  bool is_renewal_asked_for_ = false;
  bool has_ended_ = false;
  bool has_acknowledgement_ = false;    // in the exchange under way
  std::set<std::string> acknowledged_;  // in the present session
  std::uint64_t last_replay_id_ = 100;
  std::uint64_t events_made_ = 0;
  std::uint64_t last_delivered_ = 0;
};

}  // namespace
}  // namespace pushguard::cometd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pushguard::cometd::driver({data, size}).run();
  return 0;
}
