#include "cometd/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"

namespace pushguard::cometd {
namespace {

namespace json = boost::json;

constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t replay_token_size_max = 256;  // ten times what Salesforce sends

// What an object or array stands for, by the keys that lead to it.
enum class scope : std::uint8_t {
  message,
  advice,
  ext,
  sfdc,
  ack,
  data,
  data_event,
  payload,
  change_header,
  types,
  subscriptions,
  hosts,
  other
};

// What the next value is for.
enum class field : std::uint8_t {
  none,
  channel,
  id,
  client_id,
  version,
  types,
  successful,
  subscription,
  error,
  advice,
  reconnect,
  interval,
  timeout,
  max_interval,
  hosts,
  ext,
  replay,
  sfdc,
  failure_reason,
  ack,
  ack_enabled,
  ack_batch,
  data,
  data_event,
  replay_id,
  event_uuid,
  event_created,
  payload,
  payload_created,
  change_header,
  commit_timestamp,
};

struct known_key {
  scope where;
  std::string_view key;
  field what;
};

constexpr std::array known_keys{
    known_key{scope::message, "channel", field::channel},
    known_key{scope::message, "id", field::id},
    known_key{scope::message, "clientId", field::client_id},
    known_key{scope::message, "version", field::version},
    known_key{scope::message, "supportedConnectionTypes", field::types},
    known_key{scope::message, "successful", field::successful},
    known_key{scope::message, "subscription", field::subscription},
    known_key{scope::message, "error", field::error},
    known_key{scope::message, "advice", field::advice},
    known_key{scope::message, "ext", field::ext},
    known_key{scope::message, "data", field::data},
    known_key{scope::advice, "reconnect", field::reconnect},
    known_key{scope::advice, "interval", field::interval},
    known_key{scope::advice, "timeout", field::timeout},
    known_key{scope::advice, "maxInterval", field::max_interval},
    known_key{scope::advice, "hosts", field::hosts},
    known_key{scope::advice, "long-polling", field::advice},  // advice may be nested by transport
    known_key{scope::ext, "replay", field::replay},
    known_key{scope::ext, "sfdc", field::sfdc},
    known_key{scope::sfdc, "failureReason", field::failure_reason},
    known_key{scope::ext, "ack", field::ack},
    known_key{scope::ack, "enabled", field::ack_enabled},
    known_key{scope::ack, "batch", field::ack_batch},
    known_key{scope::data, "event", field::data_event},
    known_key{scope::data, "payload", field::payload},
    known_key{scope::data_event, "replayId", field::replay_id},
    known_key{scope::data_event, "EventUuid", field::event_uuid},
    known_key{scope::data_event, "createdDate", field::event_created},
    known_key{scope::payload, "CreatedDate", field::payload_created},
    known_key{scope::payload, "ChangeEventHeader", field::change_header},
    known_key{scope::change_header, "commitTimestamp", field::commit_timestamp},
};
constexpr std::size_t key_size_max = 32;

field find_field(scope where, std::string_view key) noexcept {
  for (const auto& known : known_keys) {
    if (known.where == where && known.key == key)
      return known.what;
  }
  return field::none;
}

reconnect parse_reconnect(std::string_view word) noexcept {
  if (word == "retry")
    return reconnect::retry;
  if (word == "handshake")
    return reconnect::handshake;
  if (word == "none")
    return reconnect::none;
  return reconnect::unrecognized;
}

// Far above any sensible wait, far below overflow.
constexpr std::int64_t advised_max = 1'000'000'000'000;

duration advised(double milliseconds) noexcept {
  const auto limit = static_cast<double>(advised_max);
  return duration(static_cast<std::int64_t>(std::clamp(milliseconds, -limit, limit)));
}

// The end of the year 9999: what lies beyond is no time of an event.
constexpr double unix_milliseconds_max = 253'402'300'799'999;

std::optional<wall_time> read_timestamp(double milliseconds) noexcept {
  if (!(milliseconds >= 0 && milliseconds <= unix_milliseconds_max))
    return std::nullopt;
  return wall_time(duration(static_cast<std::int64_t>(milliseconds)));
}

std::optional<wall_time> read_time(std::string_view text) {
  const auto parsed = parse_time(text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::optional<std::int64_t> read_integer(std::string_view token) noexcept {
  std::int64_t value = 0;
  const char* const last = token.data() + token.size();
  const auto [end, error] = std::from_chars(token.data(), last, value);
  return error == std::errc{} && end == last ? std::optional(value) : std::nullopt;
}

// Collects one message from the parser's events. The names are those that basic_parser calls.
class message_handler {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  using error_code = json::error_code;
  using string_view = json::string_view;

  bool on_document_begin(error_code&) {
    found = {};
    has_data = false;
    commit_time_.reset();
    event_time_.reset();
    payload_time_.reset();
    scopes_.clear();
    field_ = field::none;
    text_.clear();
    key_.clear();
    return true;
  }
  bool on_document_end(error_code&) {
    found.created = commit_time_ ? commit_time_ : event_time_ ? event_time_ : payload_time_;
    return true;
  }

  bool on_object_begin(error_code&) {
    scopes_.push_back(scopes_.empty() ? scope::message : object_scope());
    if (scopes_.back() == scope::advice && !found.advice)
      found.advice.emplace();
    field_ = field::none;
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return leave(); }

  bool on_array_begin(error_code&) {
    scopes_.push_back(array_scope());
    if (auto* list = list_of(scopes_.back()))
      list->clear();
    field_ = field::none;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return leave(); }

  bool on_key_part(string_view part, std::size_t size, error_code&) {
    if (size <= key_size_max)
      key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(string_view part, std::size_t size, error_code&) {
    field_ = field::none;
    if (scopes_.back() != scope::other && size <= key_size_max) {
      if (key_.empty()) {
        field_ = find_field(scopes_.back(), {part.data(), part.size()});
      } else {
        key_.append(part.data(), part.size());
        field_ = find_field(scopes_.back(), key_);
      }
    }
    key_.clear();
    has_data = has_data || field_ == field::data;
    return true;
  }

  bool on_string_part(string_view part, std::size_t, error_code&) {
    if (is_text_wanted())
      text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(string_view part, std::size_t, error_code&) {
    if (is_text_wanted()) {
      text_.append(part.data(), part.size());
      take_text();
      text_.clear();
    }
    return value_ended();
  }

  bool on_number_part(string_view part, error_code&) {
    if (is_number_wanted())
      text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t value, string_view part, error_code&) {
    return take_number(static_cast<double>(value), part);
  }
  bool on_uint64(std::uint64_t value, string_view part, error_code&) {
    return take_number(static_cast<double>(value), part);
  }
  bool on_double(double value, string_view part, error_code&) { return take_number(value, part); }

  bool on_bool(bool value, error_code&) {
    if (field_ == field::successful)
      found.successful = value;
    if (field_ == field::replay)
      found.supports_replay = value;
    if (field_ == field::ack || field_ == field::ack_enabled)
      found.supports_ack = value;
    return value_ended();
  }
  bool on_null(error_code&) { return value_ended(); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  message found;
  bool has_data = false;

 private:
  [[nodiscard]] scope object_scope() const noexcept {
    switch (field_) {
      case field::advice:
        return scope::advice;
      case field::ext:
        return scope::ext;
      case field::sfdc:
        return scope::sfdc;
      case field::data:
        return scope::data;
      case field::data_event:
        return scope::data_event;
      case field::ack:
        return scope::ack;
      case field::payload:
        return scope::payload;
      case field::change_header:
        return scope::change_header;
      default:
        return scope::other;
    }
  }

  [[nodiscard]] scope array_scope() const noexcept {
    switch (field_) {
      case field::types:
        return scope::types;
      case field::subscription:
        return scope::subscriptions;
      case field::hosts:
        return scope::hosts;
      default:
        return scope::other;
    }
  }

  [[nodiscard]] std::vector<std::string>* list_of(scope where) {
    switch (where) {
      case scope::types:
        return &found.supported_connection_types;
      case scope::subscriptions:
        return &found.subscriptions;
      case scope::hosts:
        return found.advice ? &found.advice->hosts : nullptr;
      default:
        return nullptr;
    }
  }

  bool leave() {
    scopes_.pop_back();
    return value_ended();
  }
  bool value_ended() {
    field_ = field::none;
    return true;
  }

  [[nodiscard]] bool is_text_wanted() {
    return field_ != field::none || (!scopes_.empty() && list_of(scopes_.back()) != nullptr);
  }
  [[nodiscard]] bool is_number_wanted() const noexcept { return field_ != field::none; }

  void take_text() {
    if (auto* list = list_of(scopes_.back())) {
      list->push_back(text_);
      return;
    }
    switch (field_) {
      case field::channel:
        found.channel = text_;
        break;
      case field::id:
        found.id = text_;
        break;
      case field::client_id:
        found.client_id = text_;
        break;
      case field::version:
        found.version = text_;
        break;
      case field::subscription:
        found.subscriptions.assign(1, text_);
        break;
      case field::error:
        found.error = text_;
        break;
      case field::failure_reason:
        found.failure_reason = text_;
        break;
      case field::reconnect:
        found.advice->reconnect = parse_reconnect(text_);
        break;
      case field::replay_id:
        found.replay_id.clear();
        append_json_string(found.replay_id, text_);
        break;
      case field::event_uuid:
        found.event_uuid = text_;
        break;
      case field::event_created:
        event_time_ = read_time(text_);
        break;
      case field::payload_created:
        payload_time_ = read_time(text_);
        break;
      default:
        break;
    }
  }

  bool take_number(double value, string_view part) {
    if (is_number_wanted()) {
      text_.append(part.data(), part.size());
      switch (field_) {
        case field::id:
          found.id = text_;
          break;
        case field::replay_id:
          found.replay_id = text_;
          break;
        case field::interval:
          found.advice->interval = advised(value);
          break;
        case field::timeout:
          found.advice->timeout = advised(value);
          break;
        case field::max_interval:
          found.advice->max_interval = advised(value);
          break;
        case field::ack:
        case field::ack_batch:
          found.ack = read_integer(text_);
          break;
        case field::commit_timestamp:
          commit_time_ = read_timestamp(value);
          break;
        default:
          break;
      }
      text_.clear();
    }
    return value_ended();
  }

  std::vector<scope> scopes_;
  field field_ = field::none;
  std::string key_;
  std::string text_;
  std::optional<wall_time> commit_time_;
  std::optional<wall_time> event_time_;
  std::optional<wall_time> payload_time_;
};

// Finds the end of one object, and where its `data` lies, by brackets and quotes alone.
class message_framer {
 public:
  // Takes bytes of `piece` up to the end of the object, and says how many. The first byte is its `{`.
  std::size_t take(std::string_view piece) {
    std::size_t i = 0;
    while (i < piece.size() && !is_complete_) {
      i = is_in_string_ ? take_string(piece, i) : take_structure(piece, i);
    }
    size_ += i;
    return i;
  }

  [[nodiscard]] bool is_complete() const noexcept { return is_complete_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view data_of(std::string_view whole) const {
    return trim(whole.substr(data_begin_, data_end_ - data_begin_));
  }

 private:
  static constexpr std::string_view data_key = "data";

  std::size_t take_string(std::string_view piece, std::size_t i) {
    for (; i < piece.size(); ++i) {
      const char c = piece[i];
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\') {
        is_escaped_ = true;
      } else if (c == '"') {
        is_in_string_ = false;
        is_data_key_ = is_key_ && key_matched_ == data_key.size();
        return i + 1;
      }
      if (is_key_) {
        const bool goes_on = key_matched_ < data_key.size() && c == data_key[key_matched_];
        key_matched_ = goes_on ? key_matched_ + 1 : data_key.size() + 1;
      }
    }
    return i;
  }

  std::size_t take_structure(std::string_view piece, std::size_t i) {
    switch (piece[i]) {
      case '"':
        is_in_string_ = true;
        is_key_ = depth_ == 1 && expects_key_;
        key_matched_ = 0;
        break;
      case '{':
      case '[':
        ++depth_;
        expects_key_ = true;
        break;
      case '}':
      case ']':
        --depth_;
        if (depth_ == 0) {
          end_data(i);
          is_complete_ = true;
        }
        break;
      case ':':
        if (depth_ == 1 && expects_key_) {
          expects_key_ = false;
          if (is_data_key_) {
            is_in_data_ = true;
            data_begin_ = size_ + i + 1;
            data_end_ = data_begin_;
          }
        }
        break;
      case ',':
        if (depth_ == 1) {
          end_data(i);
          expects_key_ = true;
        }
        break;
      default:
        break;
    }
    return i + 1;
  }

  void end_data(std::size_t i) {
    if (is_in_data_)
      data_end_ = size_ + i;
    is_in_data_ = false;
    is_data_key_ = false;
  }

  std::size_t size_ = 0;
  std::size_t depth_ = 0;
  bool is_complete_ = false;
  bool is_in_string_ = false;
  bool is_escaped_ = false;
  bool expects_key_ = false;
  bool is_key_ = false;
  bool is_data_key_ = false;
  bool is_in_data_ = false;
  std::size_t key_matched_ = 0;  // above data_key.size(): the key is another
  std::size_t data_begin_ = 0;
  std::size_t data_end_ = 0;
};

// The code unit of an escape `\uXXXX` at the front of `text`, or -1.
int escaped_unit(std::string_view text) noexcept {
  if (text.size() < 6 || !text.starts_with("\\u"))
    return -1;
  int unit = 0;
  for (const char c : text.substr(2, 4)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0)
      return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

constexpr bool is_high_surrogate(int unit) noexcept {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
constexpr bool is_low_surrogate(int unit) noexcept {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// Appends the escape at the front of `text`, with a lone surrogate replaced; answers its length.
std::size_t repair_escape(std::string_view text, std::string& out) {
  const int unit = escaped_unit(text);
  if (unit < 0) {
    out += text.substr(0, 2);
    return std::min<std::size_t>(2, text.size());
  }
  if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(text.substr(6)))) {
    out += text.substr(0, 12);
    return 12;
  }
  out += is_high_surrogate(unit) || is_low_surrogate(unit) ? std::string_view("\\ufffd") : text.substr(0, 6);
  return 6;
}

// The text with what JSON forbids inside strings replaced: bad UTF-8, lone surrogates, control characters.
std::string repair(std::string_view broken) {
  const std::string text = to_valid_utf8(broken);
  std::string out;
  out.reserve(text.size());
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (is_in_string && c == '\\') {
      i += repair_escape(std::string_view(text).substr(i), out);
      continue;
    }
    if (c == '"')
      is_in_string = !is_in_string;
    if (is_in_string && static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
    ++i;
  }
  return out;
}

json::parse_options options_with_depth(std::size_t depth) {
  json::parse_options options;
  options.max_depth = depth;
  return options;
}

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

struct message_parser::state {
  explicit state(parser_limits l) : limits(l), parser(options_with_depth(l.depth)) {}

  // Where in the body we are.
  enum class place { before, between, inside, after, failed };

  result<> feed(std::string_view piece, std::vector<message>& into);
  result<> take_outside(std::string_view piece, std::size_t& i);
  result<> take_inside(std::string_view piece, std::size_t& i, std::vector<message>& into);
  void complete(std::string_view text, std::vector<message>& into);
  bool decode(std::string_view text, const message_framer& frame, std::vector<message>& into);
  std::unexpected<failure> give_up(errc code, std::string why);

  parser_limits limits;
  json::basic_parser<message_handler> parser;
  place at = place::before;
  bool is_array = false;
  std::size_t mark_matched = 0;
  message_framer framer;
  std::string pending;  // the beginning of a message that earlier pieces brought
  failure problem;
  std::size_t skipped = 0;
  std::size_t repaired = 0;
};

std::unexpected<failure> message_parser::state::give_up(errc code, std::string why) {
  at = place::failed;
  pending = {};
  problem = {code, "reading Bayeux messages: " + std::move(why)};
  return std::unexpected(problem);
}

result<> message_parser::state::feed(std::string_view piece, std::vector<message>& into) {
  for (std::size_t i = 0; i < piece.size();) {
    if (at == place::failed)
      return std::unexpected(problem);
    auto taken = at == place::inside ? take_inside(piece, i, into) : take_outside(piece, i);
    if (!taken)
      return taken;
  }
  return {};
}

result<> message_parser::state::take_outside(std::string_view piece, std::size_t& i) {
  const char c = piece[i];
  if (at == place::before && mark_matched < byte_order_mark.size() && c == byte_order_mark[mark_matched]) {
    ++mark_matched;
    ++i;
    return {};
  }
  if (blanks.find(c) != std::string_view::npos) {
    ++i;
    return {};
  }
  if (c == '{' && at != place::after) {
    at = place::inside;
    framer = {};
    return {};
  }
  if (c == '[' && at == place::before) {
    is_array = true;
    at = place::between;
  } else if (c == ']' && at == place::between) {
    at = place::after;
  } else if (c != ',' || at != place::between) {
    return give_up(errc::malformed, at == place::before  ? "the body is not JSON of messages"
                                    : at == place::after ? "the body goes on after its end"
                                                         : "the array holds something else than messages");
  }
  ++i;
  return {};
}

result<> message_parser::state::take_inside(std::string_view piece, std::size_t& i,
                                            std::vector<message>& into) {
  const std::string_view rest = piece.substr(i);
  const std::string_view part = rest.substr(0, framer.take(rest));
  i += part.size();
  if (framer.size() > limits.message_size) {
    return give_up(errc::too_large, fmt::format("a message is larger than {} bytes", limits.message_size));
  }
  if (!framer.is_complete()) {
    pending += part;
    return {};
  }
  at = is_array ? place::between : place::after;
  if (pending.empty()) {
    complete(part, into);
  } else {
    pending += part;
    complete(pending, into);
    pending.clear();
  }
  return {};
}

void message_parser::state::complete(std::string_view text, std::vector<message>& into) {
  if (decode(text, framer, into))
    return;
  const std::string fixed = repair(text);
  message_framer again;
  again.take(fixed);
  if (again.is_complete() && again.size() == fixed.size() && decode(fixed, again, into)) {
    ++repaired;
  } else {
    ++skipped;
  }
}

bool message_parser::state::decode(std::string_view text, const message_framer& frame,
                                   std::vector<message>& into) {
  json::error_code ec;
  parser.reset();
  parser.write_some(false, text.data(), text.size(), ec);
  if (ec)
    return false;
  auto& handler = parser.handler();
  if (handler.has_data) {
    const std::string_view data = frame.data_of(text);
    if (data.empty())  // the key was written with escapes: nobody does that
      return false;
    handler.found.data.emplace(data);
  }
  into.push_back(std::move(handler.found));
  return true;
}

message_parser::message_parser(parser_limits limits) : state_(std::make_unique<state>(limits)) {}
message_parser::~message_parser() = default;
message_parser::message_parser(message_parser&&) noexcept = default;
message_parser& message_parser::operator=(message_parser&&) noexcept = default;

result<> message_parser::feed(std::string_view piece, std::vector<message>& into) {
  return state_->feed(piece, into);
}

result<> message_parser::finish() {
  switch (state_->at) {
    case state::place::before:
      return state_->give_up(errc::malformed, "the body is empty");
    case state::place::between:
    case state::place::inside:
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
