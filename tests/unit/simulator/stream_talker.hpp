#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_server.hpp"

namespace pushguard::simulator {

/// A client of Bayeux that does what it is told: keeps cookies and the client id, and nothing else.
class stream_talker {
 public:
  stream_talker(http_handler to, std::string token) : to_(std::move(to)), token_(std::move(token)) {}

  boost::asio::awaitable<http_reply> send(std::string body) {
    http_request request{.method = "POST",
                         .target = "/cometd/67.0",
                         .headers = {{"Content-Type", "application/json;charset=UTF-8"}},
                         .body = std::move(body)};
    if (!token_.empty())
      request.headers.add("Authorization", "Bearer " + token_);
    std::string cookies;
    for (const auto& [name, value] : cookies_)
      cookies += name + "=" + value + "; ";
    request.headers.add("Cookie", cookies);
    http_reply reply = co_await to_(request);
    for (const std::string_view cookie : reply.headers.all("Set-Cookie"))
      keep(cookie.substr(0, cookie.find(';')));
    co_return reply;
  }

  boost::asio::awaitable<http_reply> handshake() {
    http_reply reply = co_await send(
        R"([{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],"id":"h1"}])");
    boost::system::error_code ec;
    const boost::json::value body = boost::json::parse(reply.body, ec);
    const boost::json::value* id = ec ? nullptr : body.find_pointer("/0/clientId", ec);
    if (id != nullptr && id->is_string())
      client_id_ = std::string(id->get_string());
    co_return reply;
  }
  boost::asio::awaitable<http_reply> subscribe(std::string_view channel, std::string_view replay) {
    std::string body = R"([{"channel":"/meta/subscribe","id":"s1","clientId":")" + client_id_ +
                       R"(","subscription":")" + std::string(channel) + R"(","ext":{"replay":{")" +
                       std::string(channel.substr(0, channel.find('?'))) + R"(":)" + std::string(replay) +
                       "}}}]";
    http_reply reply = co_await send(std::move(body));
    co_return reply;
  }
  boost::asio::awaitable<http_reply> connect(std::string_view rest = "") {
    std::string body =
        R"([{"channel":"/meta/connect","id":"c1","connectionType":"long-polling","clientId":")" + client_id_ +
        '"' + std::string(rest) + "}]";
    http_reply reply = co_await send(std::move(body));
    co_return reply;
  }
  boost::asio::awaitable<http_reply> disconnect() {
    std::string body = R"([{"channel":"/meta/disconnect","id":"d1","clientId":")" + client_id_ + R"("}])";
    http_reply reply = co_await send(std::move(body));
    co_return reply;
  }

  void keep(std::string_view pair) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    cookies_[std::string(pair.substr(0, equals))] = pair.substr(std::min(equals + 1, pair.size()));
  }
  void drop_cookies() { cookies_.clear(); }
  void set_token(std::string token) { token_ = std::move(token); }
  [[nodiscard]] const std::string& client_id() const { return client_id_; }

 private:
  http_handler to_;
  std::string token_;
  std::string client_id_;
  std::map<std::string, std::string> cookies_;
};

/// The messages of an answer; none where it is not an array of objects.
inline std::vector<boost::json::object> messages_of(const http_reply& reply) {
  boost::system::error_code ec;
  const boost::json::value body = boost::json::parse(reply.body, ec);
  std::vector<boost::json::object> made;
  if (ec || !body.is_array())
    return made;
  for (const boost::json::value& each : body.get_array()) {
    if (each.is_object())
      made.push_back(each.get_object());
  }
  return made;
}

/// Those that carry data.
inline std::vector<boost::json::object> events_of(const http_reply& reply) {
  std::vector<boost::json::object> made = messages_of(reply);
  std::erase_if(made, [](const boost::json::object& each) { return !each.contains("data"); });
  return made;
}

/// The reply that comes last of those with `successful`; empty where there is none.
inline boost::json::object reply_in(const http_reply& reply) {
  boost::json::object found;
  for (boost::json::object& each : messages_of(reply)) {
    if (each.contains("successful"))
      found = std::move(each);
  }
  return found;
}

/// The member's text, or JSON; empty where there is none.
inline std::string member(const boost::json::object& of, std::string_view name) {
  const boost::json::value* found = of.if_contains(name);
  if (found == nullptr)
    return {};
  return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
}

}  // namespace pushguard::simulator
