#include "simulator/event_payload.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <stdexcept>

#include "base/text.hpp"
#include "simulator/token_desk.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::string_view schema = "5E5OtZj5_Gm6Vax9XMXH9A";  // any will do: a client cannot look it up

/// The text of a JSON object with `members` before its own; either may be empty.
std::string with_members(std::string_view object, bool is_empty, std::string_view members) {
  const std::string_view rest = object.substr(object.find('{') + 1);
  return fmt::format("{{{}{}{}", members, is_empty || members.empty() ? "" : ",", rest);
}

std::string platform_payload(std::string_view payload, const json::object& read, wall_time published) {
  std::string members;
  if (!read.contains("CreatedDate"))
    members = fmt::format(R"("CreatedDate":"{}")", format_time(published));
  if (!read.contains("CreatedById"))
    members += fmt::format(R"({}"CreatedById":"{}")", members.empty() ? "" : ",", hub_user_id());
  return with_members(payload, read.empty(), members);
}

std::string change_payload(std::string_view payload, json::object read, wall_time published) {
  const std::int64_t committed = published.time_since_epoch().count();
  json::value* header = read.if_contains("ChangeEventHeader");
  if (header == nullptr) {
    const std::string made =
        fmt::format(R"("ChangeEventHeader":{{"entityName":"Account","recordIds":["0015g00000000001AA"],)"
                    R"("changeType":"UPDATE","changeOrigin":"","transactionKey":"","sequenceNumber":1,)"
                    R"("commitTimestamp":{0},"commitNumber":{0},"commitUser":"{1}"}})",
                    committed, hub_user_id());
    return with_members(payload, read.empty(), made);
  }
  if (!header->is_object())
    throw std::invalid_argument("a ChangeEventHeader must be a JSON object");
  header->get_object()["commitTimestamp"] = committed;
  return json::serialize(read);
}

json::object object_of(json::value read) {
  if (!read.is_object())
    throw std::invalid_argument("the payload of an event of this kind must be a JSON object");
  return std::move(read.get_object());
}

}  // namespace

std::optional<channel_kind> kind_of_channel(std::string_view name) noexcept {
  static constexpr std::pair<std::string_view, channel_kind> beginnings[] = {
      {"/event/", channel_kind::platform_event},
      {"/data/", channel_kind::change_event},
      {"/topic/", channel_kind::push_topic},
      {"/u/", channel_kind::generic}};
  for (const auto& [beginning, kind] : beginnings) {
    if (name.starts_with(beginning) && name.size() > beginning.size())
      return kind;
  }
  return std::nullopt;
}

bool has_event_uuid(channel_kind kind) noexcept {
  return kind == channel_kind::platform_event || kind == channel_kind::change_event;
}

std::string begin_event_data(channel_kind kind, std::string_view payload, wall_time published,
                             std::string_view event_uuid) {
  boost::system::error_code ec;
  json::value read = json::parse(payload, ec);
  if (ec)
    throw std::invalid_argument("the payload of an event must be JSON");
  const std::string date = format_time(published);
  switch (kind) {
    case channel_kind::platform_event:
      return fmt::format(R"({{"schema":"{}","payload":{},"event":{{"EventUuid":"{}","replayId":)", schema,
                         platform_payload(payload, object_of(std::move(read)), published), event_uuid);
    case channel_kind::change_event:
      return fmt::format(R"({{"schema":"{}","payload":{},"event":{{"EventUuid":"{}","replayId":)", schema,
                         change_payload(payload, object_of(std::move(read)), published), event_uuid);
    case channel_kind::push_topic:
      (void)object_of(std::move(read));
      return fmt::format(R"({{"sobject":{},"event":{{"createdDate":"{}","type":"updated","replayId":)",
                         payload, date);
    case channel_kind::generic:
      return fmt::format(R"({{"payload":{},"event":{{"createdDate":"{}","replayId":)", payload, date);
  }
  return {};
}

}  // namespace pushguard::simulator
