#include "agent/salesforce/event_decoder.hpp"

#include <fmt/format.h>

#include "agent/salesforce/json.hpp"

namespace pushguard::salesforce {
namespace {

using path = std::vector<std::string>;

path split(std::string_view dotted) {
  path names;
  while (!dotted.empty()) {
    const std::size_t end = std::min(dotted.find('.'), dotted.size());
    names.emplace_back(dotted.substr(0, end));
    dotted.remove_prefix(std::min(end + 1, dotted.size()));
  }
  return names;
}

/// The text at `from`; empty where the path is not mapped, or the field is missing or null.
result<std::string_view> text_at(const boost::json::value& data, const path& from) {
  const boost::json::value* at = from.empty() ? nullptr : &data;
  for (const std::string& name : from) {
    at = find(*at, name);
    if (at == nullptr)
      break;
  }
  if (at == nullptr)
    return std::string_view();
  const auto* text = at->if_string();
  if (text == nullptr)
    return fail(errc::malformed, fmt::format("{} is not text", from.back()));
  return std::string_view(text->data(), text->size());
}

template <class Id>
result<> read_id(const boost::json::value& data, const path& from, std::optional<Id>& into) {
  const auto text = text_at(data, from);
  if (!text)
    return std::unexpected(text.error());
  if (text->empty())
    return {};
  auto parsed = Id::parse(*text);
  if (!parsed)
    return fail(errc::malformed, fmt::format("{}: {}", from.back(), parsed.error().text()));
  into = *parsed;
  return {};
}

}  // namespace

event_decoder::event_decoder(const event_fields& fields)
    : request_id_(split(fields.request_id)),
      job_id_(split(fields.job_id)),
      org_key_(split(fields.org_key)),
      status_(split(fields.status)),
      error_type_(split(fields.error_type)) {}

result<domain::push_event> event_decoder::decode(std::string_view data) const {
  const auto parsed = parse_json(data);
  if (!parsed)
    return fail_in("reading an event", parsed.error());
  domain::push_event event;
  if (auto read = read_id(*parsed, request_id_, event.request); !read)
    return std::unexpected(read.error());
  if (auto read = read_id(*parsed, job_id_, event.job); !read)
    return std::unexpected(read.error());
  if (auto read = read_id(*parsed, org_key_, event.org); !read)
    return std::unexpected(read.error());
  const auto status = text_at(*parsed, status_);
  if (!status)
    return std::unexpected(status.error());
  if (const auto known = domain::parse_push_status(*status); known != domain::push_status::unrecognized)
    event.status = known;
  const auto error = text_at(*parsed, error_type_);
  if (!error)
    return std::unexpected(error.error());
  if (!error->empty())
    event.error = domain::parse_error_type(*error);
  return event;
}

}  // namespace pushguard::salesforce
