#include "agent/alert_api.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::value instant(const std::optional<wall_time>& when) {
  return when ? json::value(format_time(*when)) : json::value(nullptr);
}

json::object fields(const alerts::text_map& from) {
  json::object out;
  for (const auto& [name, value] : from)
    out.emplace(to_valid_utf8(name), to_valid_utf8(value));
  return out;
}

json::array texts(const std::vector<std::string>& from) {
  json::array out;
  for (const std::string& each : from)
    out.emplace_back(to_valid_utf8(each));
  return out;
}

json::value acknowledgement_json(const std::optional<alerts::acknowledgement>& by) {
  if (!by)
    return nullptr;
  return json::object{
      {"by", to_valid_utf8(by->by)}, {"reason", to_valid_utf8(by->reason)}, {"at", format_time(by->at)}};
}

json::value muting_json(const std::optional<alerts::muting>& by) {
  if (!by)
    return nullptr;
  return json::object{{"by", to_valid_utf8(by->by)},
                      {"reason", to_valid_utf8(by->reason)},
                      {"since", format_time(by->since)},
                      {"until", format_time(by->until)}};
}

json::object to_json(const alert_view& view) {
  const alerts::alert& content = view.record.content;
  json::array links;
  for (const alerts::alert_link& link : content.links)
    links.push_back(json::object{{"name", to_valid_utf8(link.name)}, {"url", to_valid_utf8(link.url)}});
  return {{"id", to_valid_utf8(content.id)},
          {"fingerprint", alerts::alert_fingerprint(content.id)},
          {"name", to_valid_utf8(content.name)},
          {"kind", to_string(content.kind)},
          {"severity", to_string(content.severity)},
          {"state", to_string(content.state)},
          {"starts_at", format_time(content.starts_at)},
          {"updated_at", format_time(content.updated_at)},
          {"resolved_at", instant(content.resolved_at)},
          {"summary", to_valid_utf8(content.summary)},
          {"description", to_valid_utf8(content.description)},
          {"labels", fields(content.labels)},
          {"annotations", fields(content.annotations)},
          {"links", std::move(links)},
          {"receivers", texts(view.record.receivers)},
          {"acknowledged", acknowledgement_json(content.acknowledged)},
          {"muted", muting_json(view.record.muted)},
          {"inhibited_by", texts(view.inhibited_by)}};
}

json::object to_json(const alerts::receiver_status& status) {
  return {{"name", to_valid_utf8(status.receiver)},
          {"queue_length", status.queue_length},
          {"oldest", instant(status.oldest)},
          {"failures", status.failures},
          {"failing_since", instant(status.failing_since)},
          {"last_reason", to_string(status.last_reason)},
          {"last_failure", to_valid_utf8(status.last_failure)},
          {"last_sent_at", instant(status.last_sent_at)}};
}

json::object to_json(const alerts::dead_letter& letter) {
  return {{"notification_id", letter.row.id},
          {"receiver", to_valid_utf8(letter.row.receiver)},
          {"kind", to_string(letter.row.kind)},
          {"alert", to_valid_utf8(letter.row.content.id)},
          {"summary", to_valid_utf8(letter.row.content.summary)},
          {"created_at", format_time(letter.row.created_at)},
          {"dropped_at", format_time(letter.dropped_at)},
          {"reason", to_valid_utf8(letter.reason)},
          {"detail", to_valid_utf8(letter.detail)}};
}

template <class T>
json::array all_of(const std::vector<T>& from) {
  json::array out;
  for (const T& each : from)
    out.push_back(to_json(each));
  return out;
}

}  // namespace

json::object alerting_json(const alerting_view& view) {
  return {{"alerts", all_of(view.alerts)},
          {"receivers", all_of(view.receivers)},
          {"dead_letters", all_of(*view.dead_letters)}};
}

void add_alert_routes(http_router& router, const read_model& model) {
  router.add("GET", "/api/v1/alerts",
             [&model](const http_request&, const path_parts&) -> asio::awaitable<http_reply> {
               http_reply reply;
               reply.headers.set("Content-Type", "application/json");
               reply.body = json::serialize(alerting_json(*model.alerting())) + "\n";
               co_return reply;
             });
}

}  // namespace pushguard::agent
