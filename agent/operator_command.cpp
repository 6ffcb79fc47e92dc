#include "agent/operator_command.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

using domain::operator_action;

/// As much of a foreign name as a sentence can hold.
std::string quoted(std::string_view name) {
  constexpr std::size_t shown_bytes_max = 40;
  std::string out = to_valid_utf8(cut_at_character(name, shown_bytes_max));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F)
      c = '?';
  }
  return out;
}

result<std::string> text_of(const json::value& value, std::string_view name) {
  if (!value.is_string())
    return fail(errc::invalid, fmt::format("{} must be a string", name));
  return std::string(value.get_string());
}

result<> read_member(operator_action action, std::string_view name, const json::value& value,
                     operator_details& into) {
  if (name == "reason") {
    auto text = text_of(value, name);
    if (!text)
      return std::unexpected(text.error());
    if (auto checked = domain::check_reason(*text); !checked)
      return checked;
    into.reason = std::move(*text);
    return {};
  }
  if (name == "for" && needs_length(action)) {
    const auto text = text_of(value, name);
    if (!text)
      return std::unexpected(text.error());
    const auto length = domain::parse_hold_length(*text);
    if (!length)
      return std::unexpected(length.error());
    into.length = *length;
    return {};
  }
  if (name == "for")
    return fail(errc::invalid,
                fmt::format("for goes with hold and mute only, not with {}", to_string(action)));
  return fail(errc::invalid, fmt::format("the body may have reason and for, not '{}'", quoted(name)));
}

}  // namespace

result<operator_details> parse_operator_details(operator_action action, std::string_view body) {
  json::object members;
  if (!trim(body).empty()) {
    boost::system::error_code ec;
    json::value parsed = json::parse(body, ec);
    if (ec)
      return fail(errc::invalid, "the body is not valid JSON");
    if (!parsed.is_object())
      return fail(errc::invalid, R"(the body must be an object like {"reason": "…"})");
    members = std::move(parsed.get_object());
  }
  operator_details made;
  for (const auto& [name, value] : members) {
    if (auto read = read_member(action, name, value, made); !read)
      return std::unexpected(read.error());
  }
  if (domain::needs_reason(action) && made.reason.empty())
    return fail(errc::invalid, fmt::format("{} needs a reason", to_string(action)));
  if (needs_length(action) && made.length == duration::zero())
    return fail(errc::invalid, fmt::format("{} needs for: how long, like 30m or 2h", to_string(action)));
  return made;
}

std::string target_text(const operator_command& command) {
  if (const auto* rollout = std::get_if<rollout_target>(&command.target)) {
    return fmt::format("{} {}", rollout->hub,
                       rollout->rollout.number == 0 ? std::string(rollout->rollout.version.text())
                                                    : rollout->rollout.text());
  }
  if (const auto* request = std::get_if<domain::request_id>(&command.target))
    return fmt::format("request {}", request->text());
  if (const auto* alert = std::get_if<alert_target>(&command.target))
    return fmt::format("alert {}", quoted(alert->name));
  const auto& rule = std::get<rule_target>(command.target);
  return fmt::format("{}/{}", rule.policy, rule.rule);
}

std::string target_text(const hold_view& hold) {
  return hold.rollout.empty() ? fmt::format("{}/{}", hold.policy, hold.rule)
                              : fmt::format("{} {}", hold.hub, hold.rollout);
}

}  // namespace pushguard::agent
