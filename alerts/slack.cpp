#include "alerts/slack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Slack counts characters; a limit in bytes is never above it.
constexpr std::size_t header_size_max = 150;
constexpr std::size_t section_size_max = 3000;
constexpr std::size_t field_size_max = 2000;
constexpr std::size_t fields_max = 10;
constexpr std::size_t fallback_size_max = 4000;

std::string cut(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view ellipsis = "…";
  if (text.size() <= bytes_max)
    return std::string(text);
  return std::string(cut_at_character(text, bytes_max - ellipsis.size())).append(ellipsis);
}

/// As Slack wants text that is no markup: `&`, `<` and `>` as entities, cut between characters and entities.
std::string escape(std::string_view text, std::size_t bytes_max) {
  const std::string valid = to_valid_utf8(text);
  std::string out;
  for (std::string_view rest = valid; !rest.empty();) {
    const std::size_t size = std::max<std::size_t>(utf8_character_size(rest), 1);
    const std::string_view character = rest.substr(0, size);
    rest.remove_prefix(size);
    const std::string_view written = character == "&"   ? "&amp;"
                                     : character == "<" ? "&lt;"
                                     : character == ">" ? "&gt;"
                                                        : character;
    constexpr std::string_view ellipsis = "…";
    if (out.size() + written.size() + (rest.empty() ? 0 : ellipsis.size()) > bytes_max)
      return out.append(ellipsis);
    out += written;
  }
  return out;
}

std::string_view sign(const outbox_row& row) {
  if (row.content.kind == alert_kind::change)
    return row.kind == notification_kind::resolved ? "🏁 Ended"
           : row.kind == notification_kind::fired  ? "▶️ Begun"
                                                   : "🔀 Changed";
  if (row.kind == notification_kind::resolved)
    return "✅ Resolved";
  if (row.kind == notification_kind::acknowledged)
    return "🙋 Acknowledged";
  switch (row.content.severity) {
    case alert_severity::critical:
      return "🔴 Critical";
    case alert_severity::error:
      return "🟠 Error";
    case alert_severity::warning:
      return "🟡 Warning";
    case alert_severity::info:
      return "🔵 Info";
  }
  return "";
}

std::string headline(const outbox_row& row) {
  if (row.content.kind == alert_kind::change)
    return fmt::format("{}: {}", sign(row), to_valid_utf8(row.content.name));
  const std::string_view still = row.kind == notification_kind::updated    ? " (updated)"
                                 : row.kind == notification_kind::repeated ? " (still)"
                                                                           : "";
  return fmt::format("{}{}: {}", sign(row), still, to_valid_utf8(row.content.name));
}

json::object plain(std::string text) {
  return {{"type", "plain_text"}, {"text", std::move(text)}, {"emoji", false}};
}

/// Text without markup, bold where it is a name: verbatim, so that nothing in it becomes a link.
json::object marked(std::string text) {
  return {{"type", "mrkdwn"}, {"text", std::move(text)}, {"verbatim", true}};
}

json::array fields(const alert& content) {
  json::array out;
  for (const auto& [name, value] : content.labels) {
    if (value.empty() || out.size() == fields_max)
      continue;
    const std::string title = replace_all(to_valid_utf8(name), "_", " ");
    out.push_back(plain(cut(fmt::format("{}\n{}", title, to_valid_utf8(value)), field_size_max)));
  }
  return out;
}

std::string acknowledged_text(const alert& content) {
  const acknowledgement& by = *content.acknowledged;
  return cut(fmt::format("acknowledged by {}{}{}", to_valid_utf8(by.by), by.reason.empty() ? "" : ": ",
                         to_valid_utf8(by.reason)),
             section_size_max);
}

/// `<https://…|runbook>`: the one markup there is, of URLs that hold nothing that would end it.
std::string links(const alert& content) {
  std::string out;
  for (const alert_link& link : content.links) {
    if (!parse_url(link.url) || link.url.find_first_of("<>|") != std::string::npos)
      continue;
    const std::string one =
        fmt::format("{}<{}|{}>", out.empty() ? "" : "  ·  ", replace_all(link.url, "&", "&amp;"),
                    escape(replace_all(link.name, "_", " "), header_size_max));
    if (out.size() + one.size() <= section_size_max)
      out += one;
  }
  return out;
}

class slack_receiver final : public receiver {
 public:
  slack_receiver(slack_options options, network& network, time_source& time, url to)
      : name_(std::move(options.name)),
        group_label_(std::move(options.group_label)),
        secret_target_(to.target),
        messages_(network, time, std::move(to), std::move(options.post)) {}

  const std::string& name() const noexcept override { return name_; }

  std::optional<rate_limit> rate() const noexcept override {
    return rate_limit{.burst = 3, .interval = std::chrono::seconds(1)};
  }

  std::string group_of(const alert& content) const override {
    const auto found = content.labels.find(group_label_);
    return found == content.labels.end() ? std::string() : found->second;
  }

  asio::awaitable<delivery> deliver(outbox_row row) override { return send(slack_body(row)); }
  asio::awaitable<delivery> deliver_together(std::vector<outbox_row> rows) override {
    return send(slack_body(rows));
  }

 private:
  asio::awaitable<delivery> send(std::string body) {
    co_return co_await messages_.send(
        {}, std::move(body), [this](const http_response& answer, delivery& outcome) {
          // Slack's answers are one word, as `invalid_payload`; anything else is someone else's page.
          const bool is_word =
              answer.body.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
          const std::string said = is_word ? quote_answer(answer.body, {secret_target_}) : "";
          if (outcome.verdict != delivery_verdict::sent && !said.empty())
            outcome.detail += ": " + said;
        });
  }

  std::string name_;
  std::string group_label_;
  std::string secret_target_;
  http_post messages_;
};

}  // namespace

std::unique_ptr<receiver> make_slack_receiver(slack_options options, network& network, time_source& time) {
  auto to = parse_url(options.webhook_url.reveal());
  if (!to)
    throw std::invalid_argument("the Slack webhook's URL is none");
  return std::make_unique<slack_receiver>(std::move(options), network, time, std::move(*to));
}

std::string slack_body(const outbox_row& row) {
  const alert& content = row.content;
  json::array blocks;
  blocks.push_back(json::object{{"type", "header"}, {"text", plain(cut(headline(row), header_size_max))}});
  if (!content.summary.empty())
    blocks.push_back(json::object{{"type", "section"},
                                  {"text", plain(cut(to_valid_utf8(content.summary), section_size_max))}});
  if (content.acknowledged)
    blocks.push_back(json::object{{"type", "section"}, {"text", plain(acknowledged_text(content))}});
  if (json::array found = fields(content); !found.empty())
    blocks.push_back(json::object{{"type", "section"}, {"fields", std::move(found)}});
  if (!content.description.empty() && row.kind != notification_kind::resolved)
    blocks.push_back(json::object{
        {"type", "section"}, {"text", plain(cut(to_valid_utf8(content.description), section_size_max))}});
  if (std::string found = links(content); !found.empty())
    blocks.push_back(json::object{{"type", "section"}, {"text", marked(std::move(found))}});
  blocks.push_back(json::object{
      {"type", "context"},
      {"elements", json::array{plain(fmt::format("since {} · {}", format_time(content.starts_at),
                                                 cut(to_valid_utf8(content.id), section_size_max / 2)))}}});
  return json::serialize(
      json::object{{"text", escape(fmt::format("{}: {}", headline(row), content.summary), fallback_size_max)},
                   {"blocks", std::move(blocks)}});
}

std::string slack_body(const std::vector<outbox_row>& rows) {
  json::array blocks;
  blocks.push_back(json::object{{"type", "header"},
                                {"text", plain(fmt::format("{} alerts that belong together", rows.size()))}});
  std::string fallback;
  for (const outbox_row& row : rows) {
    const std::string first = headline(row);
    fallback += fmt::format("{}{}: {}", fallback.empty() ? "" : "\n", first, row.content.summary);
    blocks.push_back(json::object{{"type", "divider"}});
    blocks.push_back(json::object{
        {"type", "section"},
        {"text",
         plain(cut(fmt::format("{}\n{}", first, to_valid_utf8(row.content.summary)), section_size_max))}});
    if (std::string found = links(row.content); !found.empty())
      blocks.push_back(json::object{{"type", "section"}, {"text", marked(std::move(found))}});
  }
  return json::serialize(
      json::object{{"text", escape(fallback, fallback_size_max)}, {"blocks", std::move(blocks)}});
}

}  // namespace pushguard::alerts
