#include "alerts/alert_json.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

namespace json = boost::json;

// Above what a full alert can take when each of its characters is escaped (2.5 MB).
constexpr std::size_t json_size_max = std::size_t{4} * 1024 * 1024;

/// Appends `"name":` with the comma that separates it from what stands before.
void append_name(std::string& out, std::string_view name) {
  if (out.back() != '{') {
    out += ',';
  }
  append_json_string(out, name);
  out += ':';
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  append_name(out, name);
  append_json_string(out, value);
}

void append_map(std::string& out, std::string_view name, const text_map& values) {
  append_name(out, name);
  out += '{';
  for (const auto& [key, value] : values) {
    append_text(out, key, value);
  }
  out += '}';
}

void append_links(std::string& out, const std::vector<alert_link>& links) {
  append_name(out, "links");
  out += '[';
  const char* separator = "";
  for (const auto& link : links) {
    out += separator;
    separator = ",";
    out += '{';
    append_text(out, "name", link.name);
    append_text(out, "url", link.url);
    out += '}';
  }
  out += ']';
}

void append_alert(std::string& out, const alert& what) {
  out += '{';
  append_text(out, "id", what.id);
  append_text(out, "name", what.name);
  append_text(out, "severity", to_string(what.severity));
  append_text(out, "state", to_string(what.state));
  append_text(out, "starts_at", format_time(what.starts_at));
  append_text(out, "updated_at", format_time(what.updated_at));
  if (what.resolved_at) {
    append_text(out, "resolved_at", format_time(*what.resolved_at));
  }
  append_map(out, "labels", what.labels);
  append_text(out, "summary", what.summary);
  append_text(out, "description", what.description);
  append_map(out, "annotations", what.annotations);
  append_links(out, what.links);
  append_text(out, "generator_url", what.generator_url);
  if (what.kind != alert_kind::trouble) {
    append_text(out, "kind", to_string(what.kind));
  }
  if (what.ends_when_acknowledged) {
    append_name(out, "ends_when_acknowledged");
    out += "true";
  }
  if (what.keep_firing_for > duration::zero()) {
    append_name(out, "keep_firing_for_ms");
    out += std::to_string(std::chrono::floor<std::chrono::milliseconds>(what.keep_firing_for).count());
  }
  if (!what.about_receiver.empty()) {
    append_text(out, "about_receiver", what.about_receiver);
  }
  if (what.acknowledged) {
    append_name(out, "acknowledged");
    out += '{';
    append_text(out, "by", what.acknowledged->by);
    append_text(out, "reason", what.acknowledged->reason);
    append_text(out, "at", format_time(what.acknowledged->at));
    out += '}';
  }
  out += '}';
}

std::string_view text_at(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_string()) {
    return {};
  }
  return found->get_string();
}

std::optional<wall_time> time_at(const json::object& from, std::string_view name) {
  const result<wall_time> time = parse_time(text_at(from, name));
  return time ? std::optional(*time) : std::nullopt;
}

text_map map_at(const json::object& from, std::string_view name) {
  text_map out;
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_object()) {
    return out;
  }
  for (const auto& [key, value] : found->get_object()) {
    if (value.is_string()) {
      out.insert_or_assign(std::string(key), std::string(value.get_string()));
    }
  }
  return out;
}

std::vector<alert_link> links_at(const json::object& from) {
  std::vector<alert_link> out;
  const json::value* found = from.if_contains("links");
  if (found == nullptr || !found->is_array()) {
    return out;
  }
  for (const auto& each : found->get_array()) {
    if (each.is_object()) {
      out.push_back({.name = std::string(text_at(each.get_object(), "name")),
                     .url = std::string(text_at(each.get_object(), "url"))});
    }
  }
  return out;
}

const json::object* object_at(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

std::optional<acknowledgement> acknowledgement_at(const json::object& from) {
  const json::object* found = object_at(from, "acknowledged");
  if (found == nullptr) {
    return std::nullopt;
  }
  return acknowledgement{.by = std::string(text_at(*found, "by")),
                         .reason = std::string(text_at(*found, "reason")),
                         .at = time_at(*found, "at").value_or(wall_time{})};
}

std::optional<muting> muting_at(const json::object& from) {
  const json::object* found = object_at(from, "muted");
  const auto until = found == nullptr ? std::nullopt : time_at(*found, "until");
  if (!until) {
    return std::nullopt;
  }
  return muting{.by = std::string(text_at(*found, "by")),
                .reason = std::string(text_at(*found, "reason")),
                .since = time_at(*found, "since").value_or(wall_time{}),
                .until = *until};
}

/// Zero for what is none, or is longer than anything that this program writes.
duration length_at(const json::object& from, std::string_view name) {
  constexpr std::int64_t longest = std::chrono::milliseconds(std::chrono::hours(24 * 365)).count();
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_int64() || found->get_int64() < 0 || found->get_int64() > longest) {
    return duration::zero();
  }
  return std::chrono::milliseconds(found->get_int64());
}

result<alert> read_alert(const json::object& from) {
  alert out;
  out.id = text_at(from, "id");
  out.name = text_at(from, "name");
  if (out.id.empty() || out.name.empty()) {
    return fail(errc::malformed, "reading a stored alert: it has no id or no name");
  }
  out.severity = parse_alert_severity(text_at(from, "severity")).value_or(out.severity);
  out.state = parse_alert_state(text_at(from, "state")).value_or(out.state);
  out.starts_at = time_at(from, "starts_at").value_or(out.starts_at);
  out.updated_at = time_at(from, "updated_at").value_or(out.updated_at);
  out.resolved_at = time_at(from, "resolved_at");
  out.labels = map_at(from, "labels");
  out.summary = text_at(from, "summary");
  out.description = text_at(from, "description");
  out.annotations = map_at(from, "annotations");
  out.links = links_at(from);
  out.generator_url = text_at(from, "generator_url");
  out.kind = parse_alert_kind(text_at(from, "kind")).value_or(out.kind);
  const json::value* lasts = from.if_contains("ends_when_acknowledged");
  out.ends_when_acknowledged = lasts != nullptr && lasts->is_bool() && lasts->get_bool();
  out.keep_firing_for = length_at(from, "keep_firing_for_ms");
  out.about_receiver = text_at(from, "about_receiver");
  out.acknowledged = acknowledgement_at(from);
  return out;
}

result<json::object> parse_object(std::string_view text) {
  if (text.size() > json_size_max) {
    return fail(errc::malformed, "reading a stored alert: its JSON is too long");
  }
  json::error_code ec;
  json::value parsed = json::parse(text, ec);
  if (ec) {
    return fail(errc::malformed, "reading a stored alert: not JSON: " + ec.message());
  }
  if (!parsed.is_object()) {
    return fail(errc::malformed, "reading a stored alert: not a JSON object");
  }
  return std::move(parsed.get_object());
}

}  // namespace

std::string to_json(const alert& what) {
  std::string out;
  append_alert(out, what);
  return out;
}

std::string to_json(const alert_record& record) {
  std::string out = "{";
  append_name(out, "alert");
  append_alert(out, record.content);
  append_name(out, "receivers");
  out += '[';
  const char* separator = "";
  for (const auto& name : record.receivers) {
    out += separator;
    separator = ",";
    append_json_string(out, name);
  }
  out += ']';
  append_text(out, "notified_at", format_time(record.notified_at));
  if (record.muted) {
    append_name(out, "muted");
    out += '{';
    append_text(out, "by", record.muted->by);
    append_text(out, "reason", record.muted->reason);
    append_text(out, "since", format_time(record.muted->since));
    append_text(out, "until", format_time(record.muted->until));
    out += '}';
  }
  if (record.ceased_at) {
    append_text(out, "ceased_at", format_time(*record.ceased_at));
  }
  out += '}';
  return out;
}

result<alert> parse_alert(std::string_view text) {
  const result<json::object> parsed = parse_object(text);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  return read_alert(*parsed);
}

result<alert_record> parse_alert_record(std::string_view text) {
  const result<json::object> parsed = parse_object(text);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  const json::value* content = parsed->if_contains("alert");
  if (content == nullptr || !content->is_object()) {
    return fail(errc::malformed, "reading a stored alert: the record holds no alert");
  }
  result<alert> what = read_alert(content->get_object());
  if (!what) {
    return std::unexpected(what.error());
  }
  alert_record out{.content = *std::move(what), .receivers = {}, .notified_at = {}};
  out.notified_at = time_at(*parsed, "notified_at").value_or(out.content.updated_at);
  out.muted = muting_at(*parsed);
  out.ceased_at = time_at(*parsed, "ceased_at");
  const json::value* receivers = parsed->if_contains("receivers");
  if (receivers != nullptr && receivers->is_array()) {
    for (const auto& each : receivers->get_array()) {
      if (each.is_string()) {
        out.receivers.emplace_back(each.get_string());
      }
    }
  }
  return out;
}

}  // namespace pushguard::alerts
