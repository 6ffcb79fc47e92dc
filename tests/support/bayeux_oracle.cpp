#include "tests/support/bayeux_oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "cometd/message.hpp"

namespace pushguard::cometd {
namespace {

namespace json = boost::json;

/// What Boost.JSON makes of a text.
struct verdict {
  std::optional<json::value> value;
  bool is_unsure = false;  // it refuses exponents that no int holds, and JSON does not
};

verdict ask_boost(std::string_view text, std::size_t depth) {
  json::parse_options options;
  options.max_depth = depth;
  json::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec)
    return {.value = {}, .is_unsure = ec == json::error::exponent_overflow};
  return {.value = std::move(value)};
}

const json::value* find(const json::value* in, std::string_view key) {
  return in != nullptr && in->is_object() ? in->as_object().if_contains(key) : nullptr;
}

std::string text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::optional<bool> claim_of(const json::value* value) {
  return value != nullptr && value->is_bool() ? std::optional(value->as_bool()) : std::nullopt;
}

std::optional<std::int64_t> integer_of(const json::value* value) {
  return value != nullptr && value->is_int64() ? std::optional(value->as_int64()) : std::nullopt;
}

std::vector<std::string> texts_of(const json::value* value) {
  std::vector<std::string> texts;
  if (value == nullptr || !value->is_array())
    return texts;
  for (const json::value& each : value->as_array()) {
    if (each.is_string())
      texts.push_back(text_of(&each));
  }
  return texts;
}

std::optional<wall_time> time_of(const json::value* value) {
  const auto time = parse_time(text_of(value));
  return time ? std::optional(*time) : std::nullopt;
}

/// Tokens keep what numbers lose, so they are compared by what they say.
bool is_token_of(std::string_view token, const json::value* value) {
  if (value == nullptr || !(value->is_string() || value->is_number()))
    return token.empty();
  json::error_code ec;
  return json::parse(token, ec) == *value && !ec;
}

bool is_id_of(const std::string& id, const json::value* value) {
  const bool is_number = value != nullptr && value->is_number();
  return is_number ? is_token_of(id, value) : id == text_of(value);
}

/// Two readers may round a number differently, and one calls infinite what the other calls none.
bool is_wait_of(std::optional<duration> wait, const json::value* value) {
  if (value == nullptr || !value->is_number())
    return !wait;
  const double number = value->to_number<double>();
  if (!std::isfinite(number) || std::abs(number) < 1e-300)
    return true;
  const double bounded = std::clamp(number, -1e12, 1e12);
  return wait && std::abs(static_cast<double>(wait->count()) - bounded) <= 1;
}

bool is_advice_of(const std::optional<advice>& got, const json::value* value) {
  if (value == nullptr || !value->is_object())
    return !got;
  if (!got || value->as_object().contains("long-polling"))  // the order counts there, and Boost forgets it
    return got.has_value();
  const json::value* word = find(value, "reconnect");
  return got->reconnect.has_value() == (word != nullptr && word->is_string()) &&
         (got->reconnect == reconnect::none) == (text_of(word) == "none") &&
         (got->reconnect == reconnect::retry) == (text_of(word) == "retry") &&
         (got->reconnect == reconnect::handshake) == (text_of(word) == "handshake") &&
         is_wait_of(got->interval, find(value, "interval")) &&
         is_wait_of(got->timeout, find(value, "timeout")) &&
         is_wait_of(got->max_interval, find(value, "maxInterval")) &&
         got->hosts == texts_of(find(value, "hosts"));
}

std::vector<std::string> subscriptions_of(const json::value* value) {
  const bool is_one = value != nullptr && value->is_string();
  return is_one ? std::vector{text_of(value)} : texts_of(value);
}

bool is_data_of(const std::optional<std::string>& data, const json::value* value) {
  if (value == nullptr || !data)
    return value == nullptr && !data;
  json::parse_options options;
  options.max_depth = parser_limits{}.depth;
  json::error_code ec;
  return json::parse(*data, ec, {}, options) == *value && !ec && trim(*data) == *data;
}

bool is_created_of(std::optional<wall_time> created, const json::value* data) {
  const json::value* payload = find(data, "payload");
  const auto commit = integer_of(find(find(payload, "ChangeEventHeader"), "commitTimestamp"));
  if (commit && *commit >= 0 && *commit <= 253'402'300'799'999)
    return created == wall_time(duration(*commit));
  if (const auto time = time_of(find(find(data, "event"), "createdDate")))
    return created == time;
  return created == time_of(find(payload, "CreatedDate"));
}

bool are_extensions_of(const message& got, const json::value* ext) {
  const json::value* ack = find(ext, "ack");
  const bool is_object = ack != nullptr && ack->is_object();
  return got.failure_reason == text_of(find(find(ext, "sfdc"), "failureReason")) &&
         got.supports_replay == claim_of(find(ext, "replay")).value_or(false) &&
         got.supports_ack == claim_of(is_object ? find(ack, "enabled") : ack).value_or(false) &&
         got.ack == integer_of(is_object ? find(ack, "batch") : ack);
}

/// The name of the first field that differs, or nothing.
std::string differing_field(const message& got, const json::value& whole) {
  const auto at = [&](std::string_view key) { return find(&whole, key); };
  const json::value* event = find(at("data"), "event");
  struct check {
    std::string_view field;
    bool is_right;
  };
  for (const auto& [field, is_right] :
       {check{"channel", got.channel == text_of(at("channel"))}, check{"id", is_id_of(got.id, at("id"))},
        check{"clientId", got.client_id == text_of(at("clientId"))},
        check{"version", got.version == text_of(at("version"))},
        check{"supportedConnectionTypes",
              got.supported_connection_types == texts_of(at("supportedConnectionTypes"))},
        check{"successful", got.successful == claim_of(at("successful"))},
        check{"subscription", got.subscriptions == subscriptions_of(at("subscription"))},
        check{"error", got.error == text_of(at("error"))},
        check{"advice", is_advice_of(got.advice, at("advice"))},
        check{"ext", are_extensions_of(got, at("ext"))}, check{"data", is_data_of(got.data, at("data"))},
        check{"replayId", is_token_of(got.replay_id, find(event, "replayId"))},
        check{"EventUuid", got.event_uuid == text_of(find(event, "EventUuid"))},
        check{"created", is_created_of(got.created, at("data"))}}) {
    if (!is_right)
      return std::string(field);
  }
  return {};
}

/// The messages of a body; nothing where it is no body of messages.
std::optional<json::array> messages_of(std::optional<json::value> body) {
  if (!body || !(body->is_array() || body->is_object()))
    return std::nullopt;
  json::array messages = body->is_array() ? std::move(body->as_array()) : json::array{*body};
  const bool is_right =
      std::ranges::all_of(messages, [](const json::value& each) { return each.is_object(); });
  return is_right ? std::optional(std::move(messages)) : std::nullopt;
}

}  // namespace

std::string difference_from_boost(std::string_view body) {
  std::vector<message> got;
  message_parser parser;
  const bool is_accepted =
      parser.feed(body, got) && parser.finish() && parser.skipped() == 0 && parser.repaired() == 0;
  if (body.starts_with("\xEF\xBB\xBF"))
    body.remove_prefix(3);
  const std::string_view text = trim(body);
  const std::size_t depth = parser_limits{}.depth + (text.starts_with('[') ? 1 : 0);
  verdict asked = ask_boost(text, depth);
  if (asked.is_unsure)
    return {};
  const auto expected = messages_of(std::move(asked.value));
  if (is_accepted != expected.has_value())
    return is_accepted ? "accepted what Boost.JSON refuses" : "refused what Boost.JSON accepts";
  if (!expected)
    return {};
  if (got.size() != expected->size())
    return fmt::format("{} messages instead of {}", got.size(), expected->size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (const std::string field = differing_field(got[i], (*expected)[i]); !field.empty())
      return fmt::format("{} of message {} differs", field, i);
  }
  return {};
}

}  // namespace pushguard::cometd
