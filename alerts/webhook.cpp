#include "alerts/webhook.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int gone = 410;

json::object to_object(const text_map& fields) {
  json::object out;
  for (const auto& [name, value] : fields)
    out.emplace(to_valid_utf8(name), to_valid_utf8(value));
  return out;
}

json::value instant(const std::optional<wall_time>& when) {
  return when ? json::value(format_time(*when)) : json::value(nullptr);
}

/// `alert.fired` …, and for changes `change.begun`, `change.updated`, `change.ended`.
std::string type_of(const outbox_row& row) {
  if (row.content.kind != alert_kind::change)
    return fmt::format("alert.{}", to_string(row.kind));
  return row.kind == notification_kind::fired      ? "change.begun"
         : row.kind == notification_kind::resolved ? "change.ended"
                                                   : "change.updated";
}

json::object data_of(const outbox_row& row) {
  const alert& content = row.content;
  json::array links;
  for (const alert_link& link : content.links)
    links.push_back(json::object{{"name", to_valid_utf8(link.name)}, {"url", to_valid_utf8(link.url)}});
  return {{"id", to_valid_utf8(content.id)},
          {"name", to_valid_utf8(content.name)},
          {"severity", to_string(content.severity)},
          {"state", to_string(content.state)},
          {"starts_at", format_time(content.starts_at)},
          {"updated_at", format_time(content.updated_at)},
          {"resolved_at", instant(content.resolved_at)},
          {"acknowledged_by", content.acknowledged ? json::value(to_valid_utf8(content.acknowledged->by))
                                                   : json::value(nullptr)},
          {"summary", to_valid_utf8(content.summary)},
          {"description", to_valid_utf8(content.description)},
          {"labels", to_object(content.labels)},
          {"annotations", to_object(content.annotations)},
          {"links", std::move(links)},
          {"generator_url", to_valid_utf8(content.generator_url)},
          {"truncated", false}};
}

class webhook_receiver final : public receiver {
 public:
  webhook_receiver(webhook_options options, network& network, time_source& time, url to)
      : name_(std::move(options.name)),
        secrets_(std::move(options.secrets)),
        time_(time),
        messages_(network, time, std::move(to), std::move(options.post)) {}

  const std::string& name() const noexcept override { return name_; }

  asio::awaitable<delivery> deliver(outbox_row row) override {
    std::string body = webhook_body(row);
    const std::string id = fmt::format("msg_{}", row.id);
    const std::string timestamp = fmt::format(
        "{}", std::chrono::floor<std::chrono::seconds>(time_.wall_now()).time_since_epoch().count());
    http_headers headers{{"webhook-id", id},
                         {"webhook-timestamp", timestamp},
                         {"webhook-signature", webhook_signature(secrets_, id, timestamp, body)}};
    co_return co_await messages_.send(std::move(headers), std::move(body),
                                      [](const http_response& answer, delivery& outcome) {
                                        if (answer.status == gone)
                                          outcome.verdict = delivery_verdict::drop;
                                      });
  }

 private:
  std::string name_;
  std::vector<secret> secrets_;
  time_source& time_;
  http_post messages_;
};

}  // namespace

result<std::vector<secret>> parse_webhook_secrets(std::string_view text) {
  std::vector<secret> out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = trim(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    ++number;
    if (line.empty())
      continue;
    if (out.size() == webhook_secrets_max)
      return fail(errc::invalid, fmt::format("there may be at most {} keys", webhook_secrets_max));
    const auto key = line.starts_with(webhook_secret_prefix)
                         ? decode_base64(line.substr(webhook_secret_prefix.size()))
                         : std::nullopt;
    if (!key || key->size() < webhook_secret_size_min || key->size() > webhook_secret_size_max)
      return fail(errc::invalid,
                  fmt::format("line {} must be {} and the base64 of {} to {} bytes", number,
                              webhook_secret_prefix, webhook_secret_size_min, webhook_secret_size_max));
    out.emplace_back(*key);
  }
  if (out.empty())
    return fail(errc::invalid, "there is no key");
  return out;
}

std::unique_ptr<receiver> make_webhook_receiver(webhook_options options, network& network,
                                                time_source& time) {
  auto to = parse_url(options.target.reveal());
  if (!to)
    throw std::invalid_argument("the webhook's URL is none");
  return std::make_unique<webhook_receiver>(std::move(options), network, time, std::move(*to));
}

std::string webhook_body(const outbox_row& row) {
  json::object message{
      {"type", type_of(row)}, {"timestamp", format_time(row.created_at)}, {"data", data_of(row)}};
  std::string body = json::serialize(message);
  json::object& data = message.at("data").as_object();
  for (const char* const expendable : {"annotations", "description", "links", "labels", "summary"}) {
    if (body.size() <= webhook_body_size_max)
      break;
    data["truncated"] = true;
    json::value& field = data.at(expendable);
    if (field.is_string()) {
      // Escapes make at most six bytes of one.
      const std::size_t excess = body.size() - webhook_body_size_max;
      const std::string_view text = field.get_string();
      field = std::string(cut_at_character(text, text.size() - std::min(text.size(), excess)));
    } else {
      field = field.is_array() ? json::value(json::array()) : json::value(json::object());
    }
    body = json::serialize(message);
  }
  return body;
}

std::string webhook_signature(const std::vector<secret>& secrets, std::string_view id,
                              std::string_view timestamp, std::string_view body) {
  const std::string content = fmt::format("{}.{}.{}", id, timestamp, body);
  std::string out;
  for (const secret& key : secrets)
    out += fmt::format("{}v1,{}", out.empty() ? "" : " ", encode_base64(hmac_sha256(key.reveal(), content)));
  return out;
}

}  // namespace pushguard::alerts
