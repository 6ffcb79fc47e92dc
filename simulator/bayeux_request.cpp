#include "simulator/bayeux_request.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t body_size_max = 32'768;  // Salesforce's limit

/// The major version in `/cometd/67.0/connect`; nothing for other paths.
std::optional<unsigned> read_version(std::string_view path) {
  constexpr std::string_view prefix = "/cometd/";
  if (!path.starts_with(prefix))
    return std::nullopt;
  path.remove_prefix(prefix.size());
  unsigned version = 0;
  const auto [end, code] = std::from_chars(path.data(), path.data() + path.size(), version);
  if (code != std::errc{} || !path.substr(static_cast<std::size_t>(end - path.data())).starts_with(".0"))
    return std::nullopt;
  return version;
}

request_kind kind_of(std::string_view channel) {
  for (const request_kind kind :
       {request_kind::handshake, request_kind::subscribe, request_kind::connect, request_kind::disconnect}) {
    if (channel.starts_with("/meta/") && channel.substr(6) == name_of(kind))
      return kind;
  }
  return request_kind::other;
}

/// What is wrong with it as HTTP.
std::optional<http_reply> refuse_form(const http_request& request) {
  if (request.method != "POST") {
    http_reply reply = plain_reply(405, "405::Method not allowed");
    reply.headers.add("Allow", "POST");
    return reply;
  }
  if (request.body.size() > body_size_max)
    return plain_reply(413, "413::Maximum Request Size Exceeded");
  if (!to_lower_ascii(request.headers.find("Content-Type").value_or("")).starts_with("application/json"))
    return plain_reply(400, "400::Content-Type must be application/json");
  return std::nullopt;
}

}  // namespace

std::string_view bayeux_request::client_id() const {
  return text_of(messages.front().get_object(), "clientId");
}

std::vector<std::string> bayeux_request::subscriptions() const {
  std::vector<std::string> found;
  const auto add = [&found](const json::value& each) {
    if (each.is_string())
      found.emplace_back(each.get_string());
  };
  for (const json::value& message : messages) {
    const json::value* wanted = message.get_object().if_contains("subscription");
    if (wanted != nullptr && wanted->is_array())
      std::ranges::for_each(wanted->get_array(), add);
    else if (wanted != nullptr)
      add(*wanted);
  }
  return found;
}

std::expected<bayeux_request, http_reply> read_bayeux_request(const http_request& request) {
  const auto version = read_version(request.path());
  if (!version)
    return std::unexpected(plain_reply(404, "404::API version in the URI is mandatory"));
  if (auto refused = refuse_form(request))
    return std::unexpected(std::move(*refused));

  boost::system::error_code ec;
  json::value body = json::parse(request.body, ec);
  if (ec || !body.is_array() || body.get_array().empty())
    return std::unexpected(plain_reply(400, "400::The body must be a JSON array of messages"));
  json::array& messages = body.get_array();
  if (!std::ranges::all_of(messages, &json::value::is_object))
    return std::unexpected(plain_reply(400, "400::Every message must be a JSON object"));
  const auto is_handshake = [](const json::value& each) {
    return text_of(each.get_object(), "channel") == "/meta/handshake";
  };
  if (messages.size() > 1 && std::ranges::any_of(messages, is_handshake))
    return std::unexpected(plain_reply(500, "500::A handshake must come alone"));
  const request_kind kind = kind_of(text_of(messages.front().get_object(), "channel"));
  return bayeux_request{.http = request, .version = *version, .messages = std::move(messages), .kind = kind};
}

http_reply plain_reply(int status, std::string_view text) {
  return {
      .status = status, .headers = {{"Content-Type", "text/plain;charset=UTF-8"}}, .body = std::string(text)};
}

std::optional<std::string_view> find_cookie(const http_request& request, std::string_view name) {
  for (std::string_view rest : request.headers.all("Cookie")) {
    while (!rest.empty()) {
      const std::string_view pair = trim(rest.substr(0, rest.find(';')));
      rest.remove_prefix(std::min(rest.find(';'), rest.size() - 1) + 1);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::string_view text_of(const json::object& message, std::string_view name) {
  const json::value* found = message.if_contains(name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view{};
}

}  // namespace pushguard::simulator
