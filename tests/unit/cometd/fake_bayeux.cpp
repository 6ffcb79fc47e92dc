#include "tests/unit/cometd/fake_bayeux.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/deadline.hpp"

namespace pushguard::cometd::test {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string text_at(const json::object& from, std::string_view key) {
  const json::value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

http_reply reply_of(const json::array& messages, int status = 200) {
  http_reply reply;
  reply.status = status;
  reply.headers.add("Content-Type", "application/json");
  reply.body = json::serialize(messages);
  return reply;
}

json::object refusal(const json::object& request, std::string_view error, std::string_view advice) {
  return {{"channel", request.at("channel")},
          {"successful", false},
          {"error", error},
          {"advice", {{"reconnect", advice}, {"interval", 0}}}};
}

}  // namespace

fake_bayeux::fake_bayeux(network& net, time_source& time, const asio::any_io_executor& executor,
                         std::string_view host)
    : time_(time), listener_(net.listen(executor, host, 0).value()) {}

asio::awaitable<void> fake_bayeux::serve() {
  http_handler handler = [this](const http_request& request) { return answer(request); };
  co_await serve_http(*listener_, std::move(handler), {}, time_, null_logger());
}

std::int64_t fake_bayeux::publish(const std::string& channel, const std::string& text) {
  last_id_ += 1 + last_id_ % 3;
  log_.push_back({channel, last_id_, text});
  published_.notify_all();
  return last_id_;
}

void fake_bayeux::forget_clients() {
  clients_.clear();
  published_.notify_all();
}

std::size_t fake_bayeux::count(std::string_view kind) const {
  return static_cast<std::size_t>(std::ranges::count(requests, kind, &seen::kind));
}

std::set<std::string> fake_bayeux::living_clients() const {
  std::set<std::string> ids;
  for (const auto& [id, state] : clients_)
    ids.insert(id);
  return ids;
}

asio::awaitable<http_reply> fake_bayeux::answer(http_request request) {
  const json::object message = json::parse(request.body).as_array().at(0).as_object();
  seen here;
  here.kind = text_at(message, "channel").substr(std::string_view("/meta/").size());
  here.authorization = request.headers.find("Authorization").value_or("");
  here.cookie = request.headers.find("Cookie").value_or("");
  here.subscription = text_at(message, "subscription");
  here.client_id = text_at(message, "clientId");
  if (const json::value* ext = message.if_contains("ext"); ext != nullptr && here.kind == "subscribe")
    here.replay = json::serialize(ext->at("replay").at(here.subscription));
  requests.push_back(here);

  const auto planned =
      std::ranges::find_if(script, [&](const scripted& each) { return each.kind == here.kind; });
  std::function<asio::awaitable<http_reply>(http_reply)> change;
  if (planned != script.end()) {
    change = std::move(planned->answer);
    script.erase(planned);
  }
  http_reply reply = co_await own_answer(message, here.authorization);
  if (!set_cookie.empty())
    reply.headers.add("Set-Cookie", set_cookie);
  if (!change)
    co_return reply;
  http_reply changed = co_await change(std::move(reply));
  co_return changed;
}

asio::awaitable<http_reply> fake_bayeux::own_answer(json::object message, std::string authorization) {
  const std::string channel = text_at(message, "channel");
  const std::string client = text_at(message, "clientId");
  if (!token.empty() && authorization != token)
    co_return reply_of({refusal(message, "401::Authentication invalid", "none")});
  if (channel == "/meta/handshake") {
    const std::string id = "client" + std::to_string(++next_client_);
    clients_[id] = {};
    co_return reply_of({json::object{{"channel", channel},
                                     {"successful", true},
                                     {"version", "1.0"},
                                     {"clientId", id},
                                     {"supportedConnectionTypes", {"long-polling"}},
                                     {"ext", {{"replay", true}}}}});
  }
  const auto found = clients_.find(client);
  if (found == clients_.end())
    co_return reply_of({refusal(message, "403::Unknown client", "none")});
  if (channel == "/meta/subscribe")
    co_return reply_of({subscribe(message, found->second)});
  if (channel == "/meta/disconnect") {
    clients_.erase(found);
    co_return reply_of({json::object{{"channel", channel}, {"successful", true}}});
  }
  http_reply reply = co_await connect(std::move(message), client);
  co_return reply;
}

json::object fake_bayeux::subscribe(const json::object& message, client_state& client) {
  const std::string subscription = text_at(message, "subscription");
  std::int64_t position = -1;
  if (const json::value* ext = message.if_contains("ext"))
    position = ext->at("replay").at(subscription).as_int64();
  if (position >= 0 && position < oldest_kept) {
    return refusal(message, "400::The replayId {" + std::to_string(position) + "} you provided was invalid.",
                   "none");
  }
  client.positions[subscription] = position == -1 ? last_id_ : std::max(position, oldest_kept);
  return {{"channel", "/meta/subscribe"}, {"successful", true}, {"subscription", subscription}};
}

json::array fake_bayeux::events_for(client_state& client) {
  json::array events;
  for (const auto& each : log_) {
    const auto place = client.positions.find(each.channel);
    if (place == client.positions.end() || each.id <= place->second)
      continue;
    place->second = each.id;
    events.push_back(json::object{{"channel", each.channel},
                                  {"data", {{"payload", each.text}, {"event", {{"replayId", each.id}}}}}});
  }
  return events;
}

asio::awaitable<http_reply> fake_bayeux::connect(json::object message, std::string client) {
  const steady_time end = time_.steady_now() + hold;
  const json::value* advice = message.if_contains("advice");
  const bool is_held = advice == nullptr;
  json::array messages;
  for (;;) {
    const auto found = clients_.find(client);
    if (found == clients_.end())
      co_return reply_of({refusal(message, "403::Unknown client", "none")});
    messages = events_for(found->second);
    if (!is_held || !messages.empty())
      break;
    auto waiting = [](condition& published) -> asio::awaitable<result<>> {
      co_await published.wait();
      co_return result<>{};
    };
    auto woken = co_await with_deadline(time_, end, "holding", waiting(published_));
    if (!woken)
      break;
  }
  messages.push_back(
      json::object{{"channel", "/meta/connect"},
                   {"successful", true},
                   {"advice", {{"reconnect", "retry"}, {"interval", 0}, {"timeout", hold.count()}}}});
  co_return reply_of(std::move(messages));
}

asio::awaitable<http_reply> reset_instead(http_reply own) {
  own.after = after_reply::reset;
  own.body.clear();
  own.stream = [](body_writer&) -> asio::awaitable<result<>> { co_return fail(errc::closed, "scripted"); };
  co_return own;
}

}  // namespace pushguard::cometd::test
