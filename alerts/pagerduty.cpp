#include "alerts/pagerduty.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::object custom_details(const alert& content) {
  json::object out;
  if (!content.description.empty())
    out.emplace("description", to_valid_utf8(content.description));
  for (const text_map* fields : {&content.labels, &content.annotations}) {
    for (const auto& [name, value] : *fields) {
      if (!value.empty())
        out.emplace(to_valid_utf8(name), to_valid_utf8(value));
    }
  }
  return out;
}

std::string label(const alert& content, std::string_view name) {
  const auto found = content.labels.find(name);
  return found == content.labels.end() ? "" : to_valid_utf8(found->second);
}

std::string source_of(const alert& content, const pagerduty_labels& labels) {
  const std::string source = label(content, labels.source);
  return source.empty() ? "pushguard" : "pushguard " + source;
}

std::string summary_of(const alert& content) {
  return to_valid_utf8(content.summary.empty() ? content.name : content.summary);
}

json::object trouble_payload(const alert& content, const pagerduty_labels& labels) {
  json::object out{{"summary", summary_of(content)},
                   {"severity", to_string(content.severity)},
                   {"timestamp", format_time(content.updated_at)},
                   {"class", to_valid_utf8(content.name)},
                   {"source", source_of(content, labels)}};
  if (const std::string component = label(content, labels.component); !component.empty())
    out.emplace("component", component);
  if (const std::string group = label(content, labels.group); !group.empty())
    out.emplace("group", group);
  out.emplace("custom_details", custom_details(content));
  return out;
}

json::object change_payload(const alert& content, const pagerduty_labels& labels) {
  return {{"summary", summary_of(content)},
          {"timestamp", format_time(content.updated_at)},
          {"source", source_of(content, labels)},
          {"custom_details", custom_details(content)}};
}

json::array links(const alert& content) {
  json::array out;
  for (const alert_link& link : content.links) {
    if (parse_url(link.url))
      out.push_back(
          json::object{{"href", link.url}, {"text", replace_all(to_valid_utf8(link.name), "_", " ")}});
  }
  return out;
}

/// `{"status":"invalid event","message":"Event object is invalid","errors":["…"]}`
std::string words_of(const http_response& answer) {
  boost::system::error_code ec;
  const json::value read = json::parse(answer.body, ec);
  if (ec || !read.is_object())
    return {};
  std::string out;
  const auto add = [&out](const json::value& each) {
    if (each.is_string())
      out += fmt::format("{}{}", out.empty() ? "" : "; ", std::string_view(each.get_string()));
  };
  if (const json::value* message = read.get_object().if_contains("message"))
    add(*message);
  if (const json::value* errors = read.get_object().if_contains("errors");
      errors != nullptr && errors->is_array()) {
    for (const json::value& each : errors->get_array())
      add(each);
  }
  return out;
}

class pagerduty_receiver final : public receiver {
 public:
  pagerduty_receiver(pagerduty_options options, network& network, time_source& time)
      : name_(std::move(options.name)),
        routing_key_(std::move(options.routing_key)),
        labels_(std::move(options.labels)),
        events_(network, time, url{.origin = options.base.origin, .target = "/v2/enqueue"}, options.post),
        changes_(network, time, url{.origin = options.base.origin, .target = "/v2/change/enqueue"},
                 options.post) {}

  const std::string& name() const noexcept override { return name_; }

  std::optional<rate_limit> rate() const noexcept override {
    return rate_limit{.burst = 30, .interval = std::chrono::milliseconds(500)};
  }

  asio::awaitable<delivery> deliver(outbox_row row) override {
    http_post& to = row.content.kind == alert_kind::change ? changes_ : events_;
    co_return co_await to.send({}, pagerduty_body(row, routing_key_, labels_),
                               [this](const http_response& answer, delivery& outcome) {
                                 if (outcome.verdict == delivery_verdict::sent)
                                   return;
                                 const std::string said =
                                     quote_answer(words_of(answer), {routing_key_.reveal()});
                                 if (!said.empty())
                                   outcome.detail += ": " + said;
                               });
  }

 private:
  std::string name_;
  secret routing_key_;
  pagerduty_labels labels_;
  http_post events_;
  http_post changes_;
};

}  // namespace

std::unique_ptr<receiver> make_pagerduty_receiver(pagerduty_options options, network& network,
                                                  time_source& time) {
  return std::make_unique<pagerduty_receiver>(std::move(options), network, time);
}

std::string pagerduty_body(const outbox_row& row, const secret& routing_key, const pagerduty_labels& labels) {
  const alert& content = row.content;
  const bool is_change = content.kind == alert_kind::change;
  json::object event{{"routing_key", routing_key.reveal()}};
  if (!is_change) {
    const std::string_view action = content.state == alert_state::resolved        ? "resolve"
                                    : row.kind == notification_kind::acknowledged ? "acknowledge"
                                                                                  : "trigger";
    event.emplace("dedup_key", to_valid_utf8(content.id));
    event.emplace("event_action", action);
    if (action != "trigger")
      return json::serialize(event);  // all that PagerDuty reads of it
    event.emplace("client", "Pushguard");
    if (parse_url(content.generator_url))
      event.emplace("client_url", content.generator_url);
  }
  if (json::array found = links(content); !found.empty())
    event.emplace("links", std::move(found));
  event.emplace("payload", is_change ? change_payload(content, labels) : trouble_payload(content, labels));
  std::string body = json::serialize(event);
  if (body.size() > pagerduty_body_size_max) {
    event.at("payload").as_object()["custom_details"] =
        json::object{{"note", "the details were too large for PagerDuty; the agent's API has them"}};
    event.erase("links");
    body = json::serialize(event);
  }
  return body;
}

}  // namespace pushguard::alerts
