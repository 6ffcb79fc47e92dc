#include "cometd/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "cometd/json_repair.hpp"
#include "cometd/json_scanner.hpp"
#include "cometd/message_reader.hpp"

namespace pushguard::cometd {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// The messages of a piece are of about one size, so the first tells how many to expect: as many as 384 bytes
// each make of the 16 KiB that the HTTP client reads at once, with some to spare.
constexpr std::size_t messages_foreseen_max = 64;
constexpr std::size_t replay_token_size_max = 256;  // ten times what Salesforce sends

// Finds the end of one object by brackets and quotes alone, whatever else is wrong with it, and however it
// is cut into pieces.
class message_framer {
 public:
  // Takes bytes of `piece` up to the end of the object, and says how many. The first byte of all is its `{`.
  std::size_t take(std::string_view piece) noexcept {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    while (at != end && !is_complete_)
      at = is_in_string_ ? take_string(at, end) : take_structure(at);
    const auto taken = static_cast<std::size_t>(at - piece.data());
    size_ += taken;
    return taken;
  }

  [[nodiscard]] bool is_complete() const noexcept { return is_complete_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  const char* take_string(const char* at, const char* end) noexcept {
    if (std::exchange(is_escaped_, false))
      return at + 1;
    at = find_special(at, end);
    if (at == end)
      return end;
    is_escaped_ = *at == '\\';
    is_in_string_ = *at != '"';
    return at + 1;
  }

  const char* take_structure(const char* at) noexcept {
    switch (*at) {
      case '"':
        is_in_string_ = true;
        break;
      case '{':
      case '[':
        ++depth_;
        break;
      case '}':
      case ']':
        is_complete_ = --depth_ == 0;
        break;
      default:
        break;
    }
    return at + 1;
  }

  std::size_t size_ = 0;
  std::size_t depth_ = 0;
  bool is_complete_ = false;
  bool is_in_string_ = false;
  bool is_escaped_ = false;
};

}  // namespace

// A message that lies whole in a piece is read where it lies, once. The framer is for the others: those that
// a cut runs through, and those that cannot be read.
struct message_parser::state {
  // Where in the body we are.
  enum class place {
    start,    // before the first byte
    before,   // before the array, or the lone object
    first,    // behind the array's bracket
    inside,   // of a message
    between,  // behind a message of the array
    next,     // behind a comma
    after,    // behind the end
    failed
  };

  result<> feed(std::string_view piece, std::vector<message>& into);
  result<> take_outside(std::string_view piece, std::size_t& i, std::vector<message>& into);
  bool take_mark(char c);
  bool take_separator(char c);
  void begin_message(std::string_view piece, std::size_t& i, std::vector<message>& into);
  result<> take_inside(std::string_view piece, std::size_t& i, std::vector<message>& into);
  void complete(std::string_view text, std::vector<message>& into);
  void message_ended() noexcept { at = is_array ? place::between : place::after; }
  [[nodiscard]] std::size_t read(std::string_view text, std::vector<message>& into);
  void skip() noexcept;
  std::unexpected<failure> give_up(errc code, std::string why);

  parser_limits limits;
  place at = place::start;
  bool is_array = false;
  std::size_t mark_matched = 0;
  message_framer framer;
  std::string pending;  // the beginning of a message that earlier pieces brought
  failure problem;
  std::size_t skipped = 0;
  std::size_t repaired = 0;
  bool has_just_skipped = false;
};

std::unexpected<failure> message_parser::state::give_up(errc code, std::string why) {
  at = place::failed;
  pending = {};
  problem = {code, "reading Bayeux messages: " + std::move(why)};
  return std::unexpected(problem);
}

result<> message_parser::state::feed(std::string_view piece, std::vector<message>& into) {
  if (at == place::failed)
    return std::unexpected(problem);
  for (std::size_t i = 0; i < piece.size();) {
    auto taken = at == place::inside ? take_inside(piece, i, into) : take_outside(piece, i, into);
    if (!taken)
      return taken;
  }
  return {};
}

result<> message_parser::state::take_outside(std::string_view piece, std::size_t& i,
                                             std::vector<message>& into) {
  const char c = piece[i];
  if (at == place::start && take_mark(c)) {
    ++i;
    return {};
  }
  if (c == '{' && (at == place::before || at == place::first || at == place::next)) {
    begin_message(piece, i, into);
    return {};
  }
  if (at != place::failed && (blanks.contains(c) || take_separator(c))) {
    ++i;
    return {};
  }
  return give_up(errc::malformed, at == place::after ? "the body goes on after its end"
                                  : is_array         ? "the array holds something else than messages"
                                                     : "the body is not JSON of messages");
}

// The next byte of a byte order mark. What begins like one and goes on otherwise is garbage.
bool message_parser::state::take_mark(char c) {
  if (mark_matched < byte_order_mark.size() && c == byte_order_mark[mark_matched]) {
    ++mark_matched;
    return true;
  }
  const bool is_whole_or_none = mark_matched == 0 || mark_matched == byte_order_mark.size();
  at = is_whole_or_none ? place::before : place::failed;
  return false;
}

bool message_parser::state::take_separator(char c) {
  if (c == '[' && at == place::before) {
    is_array = true;
    at = place::first;
  } else if (c == ',' && at == place::between) {
    at = place::next;
  } else if (c == ']' && (at == place::between || at == place::first)) {
    at = place::after;
  } else {
    return false;
  }
  return true;
}

void message_parser::state::begin_message(std::string_view piece, std::size_t& i,
                                          std::vector<message>& into) {
  const std::size_t size = read(piece.substr(i, limits.message_size), into);
  if (size > 0) {
    i += size;
    message_ended();
    if (into.size() == 1)
      into.reserve(std::min(piece.size() / size + 1, messages_foreseen_max));
  } else {
    at = place::inside;
    framer = {};
  }
}

result<> message_parser::state::take_inside(std::string_view piece, std::size_t& i,
                                            std::vector<message>& into) {
  const std::string_view rest = piece.substr(i);
  const std::string_view part = rest.substr(0, framer.take(rest));
  i += part.size();
  if (framer.size() > limits.message_size) {
    pending = {};
    if (framer.is_complete()) {
      message_ended();
      skip();
    }
    return {};
  }
  if (!framer.is_complete()) {
    pending += part;
    return {};
  }
  message_ended();
  if (pending.empty()) {
    complete(part, into);
  } else {
    pending += part;
    complete(pending, into);
    pending.clear();
  }
  return {};
}

// `text` is what the framer took for one message. What can be read of it is all of it: a valid object ends
// where its brackets say.
void message_parser::state::complete(std::string_view text, std::vector<message>& into) {
  if (read(text, into) > 0)
    return;
  if (const std::string fixed = repair_json(text); read(fixed, into) > 0) {
    ++repaired;
    into.back().is_repaired = true;
  } else {
    skip();
  }
}

void message_parser::state::skip() noexcept {
  ++skipped;
  has_just_skipped = true;
}

// Appends the message that `text` begins with, and answers its size; 0 where it cannot be read.
std::size_t message_parser::state::read(std::string_view text, std::vector<message>& into) {
  const std::size_t size = read_message(text, limits.depth, into.emplace_back());
  if (size == 0) {
    into.pop_back();
  } else {
    into.back().follows_skipped = std::exchange(has_just_skipped, false);
  }
  return size;
}

message_parser::message_parser(parser_limits limits) : state_(std::make_unique<state>()) {
  state_->limits = limits;
}
message_parser::~message_parser() = default;
message_parser::message_parser(message_parser&&) noexcept = default;
message_parser& message_parser::operator=(message_parser&&) noexcept = default;

result<> message_parser::feed(std::string_view piece, std::vector<message>& into) {
  return state_->feed(piece, into);
}

result<> message_parser::finish() {
  switch (state_->at) {
    case state::place::start:
    case state::place::before:
      return state_->give_up(errc::malformed, "the body is empty");
    case state::place::first:
    case state::place::inside:
    case state::place::between:
    case state::place::next:
      return state_->give_up(errc::malformed, "the body ends in the middle");
    case state::place::failed:
      return std::unexpected(state_->problem);
    case state::place::after:
      return {};
  }
  return {};
}

std::size_t message_parser::skipped() const noexcept {
  return state_->skipped;
}
std::size_t message_parser::repaired() const noexcept {
  return state_->repaired;
}

namespace {

void append_member(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty())
    return;
  fmt::format_to(std::back_inserter(out), ",\"{}\":", key);
  append_json_string(out, value);
}

// The extensions of a message: none where nothing is asked for.
void append_ext(std::string& out, const request_message& message) {
  std::string ext;
  if (message.wants_replay)
    ext += R"(,"replay":true)";
  if (!message.replay_from.empty()) {
    ext += R"(,"replay":{)";
    append_json_string(ext, replay_key(message.subscription));
    fmt::format_to(std::back_inserter(ext), ":{}}}", message.replay_from);
  }
  if (message.wants_ack)
    ext += R"(,"ack":true)";
  if (message.ack)
    fmt::format_to(std::back_inserter(ext), R"(,"ack":{})", *message.ack);
  if (!ext.empty())
    fmt::format_to(std::back_inserter(out), R"(,"ext":{{{}}})", std::string_view(ext).substr(1));
}

void append_message(std::string& out, const request_message& message) {
  out += "{\"channel\":";
  append_json_string(out, message.channel);
  append_member(out, "id", message.id);
  append_member(out, "clientId", message.client_id);
  if (message.channel == "/meta/handshake")
    out += R"(,"version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["long-polling"])";
  if (message.channel == "/meta/connect")
    out += R"(,"connectionType":"long-polling")";
  append_member(out, "subscription", message.subscription);
  if (message.timeout)
    fmt::format_to(std::back_inserter(out), R"(,"advice":{{"timeout":{}}})", message.timeout->count());
  append_ext(out, message);
  out += '}';
}

}  // namespace

result<std::string> serialize(std::span<const request_message> messages) {
  std::string out = "[";
  for (const auto& each : messages) {
    if (out.size() > 1)
      out += ',';
    append_message(out, each);
  }
  out += ']';
  if (out.size() > post_size_max) {
    return fail(errc::too_large, fmt::format("writing Bayeux messages: {} bytes are more than the {} that "
                                             "Salesforce takes",
                                             out.size(), post_size_max));
  }
  return out;
}

std::string_view replay_key(std::string_view channel) noexcept {
  return channel.substr(0, channel.find('?'));
}

bool is_replay_token(std::string_view token) noexcept {
  if (token.empty() || token.size() > replay_token_size_max)
    return false;
  if (token.front() == '"') {
    if (token.size() < 2 || token.back() != '"')
      return false;
    const std::string_view inside = token.substr(1, token.size() - 2);
    return std::ranges::none_of(
        inside, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
  }
  if (token.front() == '-')
    token.remove_prefix(1);
  return !token.empty() && std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace pushguard::cometd
