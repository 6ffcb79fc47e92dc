#include "cometd/message_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"
#include "cometd/json_scanner.hpp"

namespace pushguard::cometd {
namespace {

// A reader takes the next value from the scanner and answers whether it was JSON. First it forgets what an
// earlier key of the same name said, so that the last one counts; a value of another type than promised is
// taken and means nothing.

// Far above any sensible wait, far below overflow.
constexpr double advised_max = 1e12;
// The end of the year 9999: what lies beyond is no time of an event.
constexpr std::int64_t unix_milliseconds_max = 253'402'300'799'999;

template <class Number>
std::optional<Number> to_number(std::string_view token) noexcept {
  Number value{};
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  const bool is_whole = end == token.data() + token.size();
  return error == std::errc{} && is_whole ? std::optional(value) : std::nullopt;
}

bool is_number(char first) noexcept {
  return first == '-' || (first >= '0' && first <= '9');
}

bool read_text(json_scanner& in, std::string& into) {
  into.clear();
  if (in.peek() != '"')
    return in.skip_value();
  json_text text;
  if (!in.read_string(text))
    return false;
  text.assign_to(into);
  return true;
}

bool read_texts(json_scanner& in, std::vector<std::string>& into) {
  into.clear();
  if (in.peek() != '[')
    return in.skip_value();
  return in.read_array(
      [&] { return in.peek() == '"' ? read_text(in, into.emplace_back()) : in.skip_value(); });
}

// One text counts as an array of one.
bool read_text_or_texts(json_scanner& in, std::vector<std::string>& into) {
  if (in.peek() != '"')
    return read_texts(in, into);
  into.resize(1);
  return read_text(in, into.front());
}

bool read_claim(json_scanner& in, std::optional<bool>& into) {
  into.reset();
  const char first = in.peek();
  if (first != 't' && first != 'f')
    return in.skip_value();
  return in.read_bool(into.emplace());
}

bool read_claim(json_scanner& in, bool& into) {
  std::optional<bool> claim;
  const bool is_read = read_claim(in, claim);
  into = claim.value_or(false);
  return is_read;
}

// A number that Number cannot hold is no number either.
template <class Number>
bool read_number(json_scanner& in, std::optional<Number>& into) {
  into.reset();
  if (!is_number(in.peek()))
    return in.skip_value();
  std::string_view token;
  if (!in.read_number(token))
    return false;
  into = to_number<Number>(token);
  return true;
}

bool read_wait(json_scanner& in, std::optional<duration>& into) {
  std::optional<double> milliseconds;
  const bool is_read = read_number(in, milliseconds);
  into.reset();
  if (milliseconds)
    into = duration(static_cast<std::int64_t>(std::clamp(*milliseconds, -advised_max, advised_max)));
  return is_read;
}

bool read_time(json_scanner& in, std::optional<wall_time>& into) {
  into.reset();
  if (in.peek() != '"')
    return in.skip_value();
  json_text text;
  if (!in.read_string(text))
    return false;
  if (const auto time = text.has_escapes ? parse_time(text.decoded()) : parse_time(text.raw))
    into = *time;
  return true;
}

bool read_timestamp(json_scanner& in, std::optional<wall_time>& into) {
  std::optional<std::int64_t> milliseconds;
  const bool is_read = read_number(in, milliseconds);
  into.reset();
  if (milliseconds && *milliseconds >= 0 && *milliseconds <= unix_milliseconds_max)
    into = wall_time(duration(*milliseconds));
  return is_read;
}

// A text, or the digits of a number.
bool read_id(json_scanner& in, std::string& into) {
  if (!is_number(in.peek()))
    return read_text(in, into);
  std::string_view token;
  const bool is_read = in.read_number(token);
  into = token;
  return is_read;
}

// A raw token; of a string it is the plainest form, so that the same id is always the same token.
bool read_replay_id(json_scanner& in, std::string& into) {
  if (in.peek() != '"') {
    into.clear();
    return is_number(in.peek()) ? read_id(in, into) : in.skip_value();
  }
  std::string text;
  const bool is_read = read_text(in, text);
  into.clear();
  append_json_string(into, text);
  return is_read;
}

bool read_reconnect(json_scanner& in, std::optional<reconnect>& into) {
  into.reset();
  if (in.peek() != '"')
    return in.skip_value();
  json_text word;
  if (!in.read_string(word))
    return false;
  into = word.is("retry")       ? reconnect::retry
         : word.is("handshake") ? reconnect::handshake
         : word.is("none")      ? reconnect::none
                                : reconnect::unrecognized;
  return true;
}

// Reads the members of an object by `on_member(key)`; passes over a value that is none.
template <class OnMember>
bool read_members(json_scanner& in, OnMember on_member) {
  return in.peek() == '{' ? in.read_object(on_member) : in.skip_value();
}

bool read_advice_members(json_scanner& in, advice& into) {
  return read_members(in, [&](const json_text& key) {
    if (key.is("reconnect"))
      return read_reconnect(in, into.reconnect);
    if (key.is("interval"))
      return read_wait(in, into.interval);
    if (key.is("timeout"))
      return read_wait(in, into.timeout);
    if (key.is("maxInterval"))
      return read_wait(in, into.max_interval);
    if (key.is("hosts"))
      return read_texts(in, into.hosts);
    if (key.is("long-polling"))  // advice may be nested by transport
      return read_advice_members(in, into);
    return in.skip_value();
  });
}

bool read_advice(json_scanner& in, std::optional<advice>& into) {
  into.reset();
  return in.peek() == '{' ? read_advice_members(in, into.emplace()) : in.skip_value();
}

bool read_ack(json_scanner& in, message& into) {
  into.supports_ack = false;
  into.ack.reset();
  const char first = in.peek();
  if (first == 't' || first == 'f')
    return read_claim(in, into.supports_ack);
  if (is_number(first))
    return read_number(in, into.ack);
  return read_members(in, [&](const json_text& key) {
    if (key.is("enabled"))
      return read_claim(in, into.supports_ack);
    if (key.is("batch"))
      return read_number(in, into.ack);
    return in.skip_value();
  });
}

bool read_sfdc(json_scanner& in, message& into) {
  into.failure_reason.clear();
  return read_members(in, [&](const json_text& key) {
    return key.is("failureReason") ? read_text(in, into.failure_reason) : in.skip_value();
  });
}

bool read_ext(json_scanner& in, message& into) {
  into.failure_reason.clear();
  into.supports_replay = false;
  into.supports_ack = false;
  into.ack.reset();
  return read_members(in, [&](const json_text& key) {
    if (key.is("replay"))
      return read_claim(in, into.supports_replay);
    if (key.is("ack"))
      return read_ack(in, into);
    if (key.is("sfdc"))
      return read_sfdc(in, into);
    return in.skip_value();
  });
}

// Where the time of an event may stand.
struct event_times {
  std::optional<wall_time> committed;
  std::optional<wall_time> event;
  std::optional<wall_time> payload;
};

bool read_event_part(json_scanner& in, message& into, event_times& times) {
  into.replay_id.clear();
  into.event_uuid.clear();
  times.event.reset();
  return read_members(in, [&](const json_text& key) {
    if (key.is("replayId"))
      return read_replay_id(in, into.replay_id);
    if (key.is("EventUuid"))
      return read_text(in, into.event_uuid);
    if (key.is("createdDate"))
      return read_time(in, times.event);
    return in.skip_value();
  });
}

bool read_change_header(json_scanner& in, event_times& times) {
  times.committed.reset();
  return read_members(in, [&](const json_text& key) {
    return key.is("commitTimestamp") ? read_timestamp(in, times.committed) : in.skip_value();
  });
}

bool read_payload(json_scanner& in, event_times& times) {
  times.committed.reset();
  times.payload.reset();
  return read_members(in, [&](const json_text& key) {
    if (key.is("CreatedDate"))
      return read_time(in, times.payload);
    if (key.is("ChangeEventHeader"))
      return read_change_header(in, times);
    return in.skip_value();
  });
}

bool read_data(json_scanner& in, message& into) {
  into.replay_id.clear();
  into.event_uuid.clear();
  event_times times;
  in.peek();
  const char* const begin = in.position();
  const bool is_read = read_members(in, [&](const json_text& key) {
    if (key.is("event"))
      return read_event_part(in, into, times);
    if (key.is("payload"))
      return read_payload(in, times);
    return in.skip_value();
  });
  into.data.emplace(begin, in.position());
  into.created = times.committed ? times.committed : times.event ? times.event : times.payload;
  return is_read;
}

bool read_member(json_scanner& in, const json_text& key, message& into) {
  if (key.is("data"))
    return read_data(in, into);
  if (key.is("channel"))
    return read_text(in, into.channel);
  if (key.is("clientId"))
    return read_text(in, into.client_id);
  if (key.is("id"))
    return read_id(in, into.id);
  if (key.is("successful"))
    return read_claim(in, into.successful);
  if (key.is("advice"))
    return read_advice(in, into.advice);
  if (key.is("subscription"))
    return read_text_or_texts(in, into.subscriptions);
  if (key.is("error"))
    return read_text(in, into.error);
  if (key.is("ext"))
    return read_ext(in, into);
  if (key.is("version"))
    return read_text(in, into.version);
  if (key.is("supportedConnectionTypes"))
    return read_texts(in, into.supported_connection_types);
  return in.skip_value();
}

}  // namespace

std::size_t read_message(std::string_view text, std::size_t depth_max, message& into) {
  json_scanner in(text, depth_max);
  if (!in.read_object([&](const json_text& key) { return read_member(in, key, into); }))
    return 0;
  return static_cast<std::size_t>(in.position() - text.data());
}

}  // namespace pushguard::cometd
