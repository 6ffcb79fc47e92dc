#include "alerts/alert.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

#include "alerts/notification.hpp"
#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

constexpr std::string_view ellipsis = "…";
constexpr std::size_t hash_suffix_size = 17;  // `#` and 16 digits

/// FNV-1a, 64 bits: not for secrets, but the same everywhere and for ever, which dedup keys need.
std::uint64_t stable_hash(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

std::string fit_id(std::string id) {
  id = to_valid_utf8(id);
  if (id.size() <= alert_id_size_max) {
    return id;
  }
  const std::string_view head = cut_at_character(id, alert_id_size_max - hash_suffix_size);
  return fmt::format("{}#{:016x}", head, stable_hash(id));
}

std::string fit_text(const std::string& text, std::size_t size_max) {
  std::string valid = to_valid_utf8(text);
  if (valid.size() <= size_max) {
    return valid;
  }
  std::string out(cut_at_character(valid, size_max - ellipsis.size()));
  out += ellipsis;
  return out;
}

text_map fit_map(const text_map& from) {
  text_map out;
  for (const auto& [name, value] : from) {
    if (out.size() == alert_fields_max) {
      break;
    }
    out.emplace(fit_text(name, alert_value_size_max), fit_text(value, alert_value_size_max));
  }
  return out;
}

template <class Value, std::size_t Size>
std::optional<Value> find_by_name(const Value (&values)[Size], std::string_view name) noexcept {
  for (const Value value : values) {
    if (to_string(value) == name) {
      return value;
    }
  }
  return std::nullopt;
}

constexpr alert_state alert_states[] = {alert_state::firing, alert_state::resolved};
constexpr alert_kind alert_kinds[] = {alert_kind::trouble, alert_kind::change};
constexpr notification_kind notification_kinds[] = {
    notification_kind::fired, notification_kind::updated, notification_kind::repeated,
    notification_kind::acknowledged, notification_kind::resolved};

}  // namespace

std::string_view to_string(alert_severity severity) noexcept {
  switch (severity) {
    case alert_severity::critical:
      return "critical";
    case alert_severity::error:
      return "error";
    case alert_severity::warning:
      return "warning";
    case alert_severity::info:
      return "info";
  }
  return "";
}

std::string_view to_string(alert_state state) noexcept {
  switch (state) {
    case alert_state::firing:
      return "firing";
    case alert_state::resolved:
      return "resolved";
  }
  return "";
}

std::string_view to_string(alert_kind kind) noexcept {
  switch (kind) {
    case alert_kind::trouble:
      return "trouble";
    case alert_kind::change:
      return "change";
  }
  return "";
}

std::string_view to_string(notification_kind kind) noexcept {
  switch (kind) {
    case notification_kind::fired:
      return "fired";
    case notification_kind::updated:
      return "updated";
    case notification_kind::repeated:
      return "repeated";
    case notification_kind::acknowledged:
      return "acknowledged";
    case notification_kind::resolved:
      return "resolved";
  }
  return "";
}

std::optional<alert_severity> parse_alert_severity(std::string_view text) noexcept {
  return find_by_name(alert_severities, text);
}

std::optional<alert_state> parse_alert_state(std::string_view text) noexcept {
  return find_by_name(alert_states, text);
}

std::optional<alert_kind> parse_alert_kind(std::string_view text) noexcept {
  return find_by_name(alert_kinds, text);
}

std::optional<notification_kind> parse_notification_kind(std::string_view text) noexcept {
  return find_by_name(notification_kinds, text);
}

bool has_same_content(const alert& a, const alert& b) {
  return a.id == b.id && a.name == b.name && a.severity == b.severity && a.labels == b.labels &&
         a.summary == b.summary && a.description == b.description && a.annotations == b.annotations &&
         a.links == b.links && a.generator_url == b.generator_url && a.kind == b.kind &&
         a.ends_when_acknowledged == b.ends_when_acknowledged && a.keep_firing_for == b.keep_firing_for &&
         a.about_receiver == b.about_receiver;
}

std::string alert_fingerprint(std::string_view id) {
  return fmt::format("{:016x}", stable_hash(id));
}

std::string make_alert_id(std::initializer_list<std::string_view> parts) {
  std::string out;
  const char* separator = "";
  for (const std::string_view part : parts) {
    out += separator;
    separator = ":";
    for (const char c : part) {
      // Escaped, so that the parts can be told apart again.
      if (c == ':' || c == '%') {
        out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      } else {
        out += c;
      }
    }
  }
  return fit_id(std::move(out));
}

alert make_bounded(alert from) {
  from.id = fit_id(std::move(from.id));
  from.name = fit_text(from.name, alert_value_size_max);
  from.labels = fit_map(from.labels);
  from.summary = fit_text(from.summary, alert_summary_size_max);
  from.description = fit_text(from.description, alert_description_size_max);
  from.annotations = fit_map(from.annotations);
  if (from.links.size() > alert_fields_max) {
    from.links.erase(std::next(from.links.begin(), alert_fields_max), from.links.end());
  }
  for (auto& link : from.links) {
    link.name = fit_text(link.name, alert_value_size_max);
    // Half a URL leads nowhere.
    link.url = link.url.size() <= alert_value_size_max ? to_valid_utf8(link.url) : "";
  }
  std::erase_if(from.links, [](const alert_link& link) { return link.url.empty(); });
  from.generator_url =
      from.generator_url.size() <= alert_value_size_max ? to_valid_utf8(from.generator_url) : "";
  return from;
}

}  // namespace pushguard::alerts
