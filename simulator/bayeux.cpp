#include "simulator/bayeux.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/text.hpp"
#include "simulator/answer_text.hpp"
#include "simulator/dice.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

// CometD of Salesforce's time answers a superseded poll with 408; later ones do with 500.
constexpr int superseded_status = 408;
constexpr std::string_view quota_error = "403::Organization total events daily limit exceeded";

json::object advice(std::string_view reconnect) {
  return {{"reconnect", reconnect}, {"interval", 0}};
}

std::string cookie_date(wall_time time) {
  // With dashes, as Salesforce's edge writes it.
  return fmt::format("{:%a, %d-%b-%Y %H:%M:%S} GMT", std::chrono::floor<std::chrono::seconds>(time));
}

/// `/topic/X?Name=v` is the channel /topic/X.
std::string_view without_filter(std::string_view channel) {
  return channel.substr(0, channel.find('?'));
}

/// The channels that a subscribe names; nothing where it names none or something else.
std::vector<std::string_view> channels_wanted(const json::object& message) {
  const json::value* wanted = message.if_contains("subscription");
  if (wanted == nullptr)
    return {};
  if (wanted->is_string())
    return {std::string_view(wanted->get_string())};
  std::vector<std::string_view> found;
  if (!wanted->is_array())
    return found;
  for (const json::value& each : wanted->get_array()) {
    if (!each.is_string())
      return {};
    found.emplace_back(each.get_string());
  }
  return found;
}

/// Whether a connect says `advice: {timeout: 0}`.
bool wants_answer_at_once(const json::object& message) {
  const json::value* advice = message.if_contains("advice");
  const json::value* timeout =
      advice != nullptr && advice->is_object() ? advice->get_object().if_contains("timeout") : nullptr;
  return timeout != nullptr && timeout->is_int64() && timeout->get_int64() == 0;
}

/// The replay extension's map from channels to ids; nullptr where there is none.
const json::value* replay_map(const json::object& message) {
  const json::value* ext = message.if_contains("ext");
  return ext != nullptr && ext->is_object() ? ext->get_object().if_contains("replay") : nullptr;
}

/// Whether the replay map has an entry for the channel, and none for one that is not subscribed to.
bool is_map_for(const json::value& map, std::string_view channel,
                const std::vector<std::string_view>& wanted) {
  if (!map.is_object() || !map.get_object().contains(channel))
    return false;
  return std::ranges::all_of(map.get_object(), [&wanted](const json::key_value_pair& entry) {
    return std::ranges::find(wanted, std::string_view(entry.key()), without_filter) != wanted.end();
  });
}

/// Where the events of a channel start for who subscribes to it; the error where that cannot be.
std::expected<event_log::position, std::string> start_of_replay(const event_log& log,
                                                                const json::object& message,
                                                                std::string_view channel) {
  const json::value* map = replay_map(message);
  if (map == nullptr)
    return log.tip();
  if (!is_map_for(*map, channel, channels_wanted(message)))
    return std::unexpected(fmt::format(
        "400::The replayId for channel {{{}}} wasn't found using the provided replay ID map {{{}}}", channel,
        cut_at_character(json::serialize(*map), 500)));
  // Clients send numbers and numeric strings.
  const json::value& wanted = map->get_object().at(channel);
  const std::string id = wanted.is_string() ? std::string(wanted.get_string()) : json::serialize(wanted);
  if (id == "-1")
    return log.tip();
  if (id == "-2")
    return log.earliest();
  if (const auto after = log.after(id))
    return *after;
  return std::unexpected(
      fmt::format("400::The replayId {{{}}} you provided was invalid.  Please provide a valid ID, -2 to "
                  "replay all events, or -1 to replay only new events.",
                  cut_at_character(id, 100)));
}

}  // namespace

/// One HTTP request on its way through, and the message it is at.
struct bayeux_server::exchange {
  const bayeux_request& request;
  instant now;
  route taken;
  const json::object* message = nullptr;
  std::string_view channel = {};
  std::string_view client_id = {};
  answer_text replies = {};
  std::vector<std::string> cookies = {};

  /// A reply to the message, with its channel and id.
  [[nodiscard]] json::object reply(bool is_successful) const {
    json::object made{{"channel", channel}, {"successful", is_successful}};
    if (const json::value* id = message->if_contains("id"); id != nullptr)
      made["id"] = *id;
    return made;
  }
  void accept() {
    json::object made = reply(true);
    made["clientId"] = client_id;
    if (const json::value* wanted = message->if_contains("subscription"); wanted != nullptr)
      made["subscription"] = *wanted;
    replies.add(made);
  }
  void refuse(std::string_view error, std::string_view reconnect) {
    json::object made = reply(false);
    made["error"] = error;
    if (const json::value* wanted = message->if_contains("subscription"); wanted != nullptr)
      made["subscription"] = *wanted;
    if (!reconnect.empty())
      made["advice"] = advice(reconnect);
    replies.add(made);
  }
  [[nodiscard]] http_reply finish() {
    http_reply made = replies.take();
    for (const std::string& cookie : cookies)
      made.headers.add("Set-Cookie", cookie);
    if (!taken.cookie.empty())
      made.headers.add("Set-Cookie", taken.cookie);
    return made;
  }
};

bayeux_server::bayeux_server(const streaming_plan& plan, token_desk& tokens, channel_list& channels,
                             node_router& router)
    : plan_(plan),
      tokens_(tokens),
      channels_(channels),
      router_(router),
      deliveries_(plan.daily_events_max) {}

std::variant<http_reply, held_poll> bayeux_server::receive(const bayeux_request& request, instant now) {
  forget_expired(now.steady);
  tokens_.prolong(request.http, now.steady);
  exchange of{.request = request,
              .now = now,
              .taken = router_.choose(request.http, node_of(request.client_id()), now.steady)};
  std::optional<held_poll> held;
  for (const json::value& each : request.messages) {
    of.message = &each.get_object();
    of.channel = text_of(*of.message, "channel");
    of.client_id = text_of(*of.message, "clientId");
    if (of.channel == "/meta/connect")
      held = connect(of);
    else
      other(of);
  }
  if (held)
    return std::move(*held);
  return of.finish();
}

std::optional<std::size_t> bayeux_server::node_of(std::string_view client_id) const {
  const auto found = sessions_.find(client_id);
  return found == sessions_.end() ? std::nullopt : std::optional(found->second.node);
}

void bayeux_server::other(exchange& of) {
  if (of.channel == "/meta/handshake")
    return handshake(of);
  if (of.channel == "/meta/subscribe")
    return subscribe(of);
  if (of.channel == "/meta/unsubscribe")
    return unsubscribe(of);
  if (of.channel == "/meta/disconnect")
    return disconnect(of);
  if (of.channel.empty())
    return of.refuse("400::Channel name not specified", {});
  of.refuse(of.channel.starts_with("/meta/") ? "404::Unknown channel"
                                             : "403:denied_by_security_policy:publish_denied",
            {});
}

// Handshake

void bayeux_server::handshake(exchange& of) {
  if (of.request.version < plan_.version_oldest)
    return refuse_handshake(
        of, fmt::format("400::Unsupported API version. Only API versions {}.0 and later are supported",
                        plan_.version_oldest));
  switch (tokens_.check(of.request.http, of.now.steady)) {
    case token_check::missing:
      return refuse_handshake(of, "401::Request requires authentication");
    case token_check::invalid:
      return refuse_handshake(of, "401::Authentication invalid");
    case token_check::valid:
      break;
  }
  if (sessions_.size() >= plan_.clients_max)
    return refuse_handshake(of, "403::Organization concurrent user limit exceeded");

  const std::string client_id = new_client_id();
  session made;
  // A client that shakes hands again keeps its browser.
  made.browser = std::string(find_cookie(of.request.http, "BAYEUX_BROWSER").value_or(client_id.substr(4)));
  made.node = of.taken.node;
  made.is_advised = !std::exchange(withholds_advice_, false);
  made.expiry = of.now.steady + plan_.session_timeout;
  of.cookies.push_back(
      fmt::format("BrowserId=w4f3{}; Domain=.salesforce.com; Path=/; Expires={}; Max-Age=5184000",
                  client_id.substr(0, 12), cookie_date(of.now.wall + std::chrono::days(60))));
  of.cookies.push_back(fmt::format("t={}; Path=/cometd/; HttpOnly", client_id.substr(2, 10)));
  of.cookies.push_back(fmt::format("BAYEUX_BROWSER={}; Path=/cometd/", made.browser));
  if (!of.taken.is_dead)
    sessions_.emplace(client_id, std::move(made));
  open_sessions_peak_ = std::max(open_sessions_peak_, sessions_.size());
  ++handshakes_;

  json::object reply = of.reply(true);
  reply["version"] = "1.0";
  reply["minimumVersion"] = "1.0";
  reply["clientId"] = client_id;
  reply["supportedConnectionTypes"] = json::array{"long-polling"};
  reply["ext"] = json::object{{"replay", true}, {"payload.format", true}};
  of.replies.add(reply);
}

void bayeux_server::refuse_handshake(exchange& of, std::string_view reason) {
  json::object reply = of.reply(false);
  reply["error"] = "403::Handshake denied";
  reply["ext"] = json::object{
      {"sfdc", json::object{{"failureReason", reason}}}, {"replay", true}, {"payload.format", true}};
  reply["advice"] = json::object{{"reconnect", "none"}};
  reply["version"] = "1.0";
  reply["minimumVersion"] = "1.0";
  reply["supportedConnectionTypes"] = json::array{"long-polling"};
  of.replies.add(reply);
}

std::string bayeux_server::new_client_id() {
  static constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuvwxyz";
  dice roll(plan_.seed, draw::client, clients_made_);
  std::string made = fmt::format("{:x}", ++clients_made_);
  while (made.size() < 26)
    made += letters[roll.below(letters.size())];
  return made;
}

bayeux_server::session* bayeux_server::authorised_session(exchange& of) {
  // Salesforce advises connects to shake hands again, and says "none" to everything else.
  const std::string_view reconnect = of.channel == "/meta/connect" ? "handshake" : "none";
  const auto found = sessions_.find(of.client_id);
  // A node knows its own sessions only.
  if (of.taken.is_dead || found == sessions_.end() || found->second.node != of.taken.node) {
    of.refuse("403::Unknown client", reconnect);
    return nullptr;
  }
  const auto browser = find_cookie(of.request.http, "BAYEUX_BROWSER");
  if (!browser) {
    of.refuse(fmt::format("400::Client {} has established a session, but no BAYEUX_BROWSER cookie present",
                          of.client_id),
              "none");
    return nullptr;
  }
  if (*browser != found->second.browser) {
    of.refuse("403::Unknown client", reconnect);
    return nullptr;
  }
  if (tokens_.check(of.request.http, of.now.steady) != token_check::valid) {
    of.refuse("401::Authentication invalid", "none");
    return nullptr;
  }
  return &found->second;
}

// Connect

std::optional<held_poll> bayeux_server::connect(exchange& of) {
  session* owner = authorised_session(of);
  if (owner == nullptr)
    return std::nullopt;
  if (text_of(*of.message, "connectionType") != "long-polling") {
    of.refuse("400::Invalid connection type", "none");
    return std::nullopt;
  }
  const bool is_first = !owner->has_connected;
  owner->has_connected = true;
  if (owner->held != 0) {
    ++overlaps_;
    ++interruptions_;
  }
  owner->held = 0;  // an older poll finds itself superseded
  owner->expiry = of.now.steady + plan_.session_timeout;
  if (!owner->subscriptions.empty() && deliveries_.left(of.now.steady) == 0) {
    owner->subscriptions.clear();
    of.refuse(quota_error, {});
    return std::nullopt;
  }

  const bool has_events = append_events(*owner, of.replies, of.now.steady);
  if (is_first || has_events || wants_answer_at_once(*of.message) || of.request.messages.size() > 1) {
    json::object reply = of.reply(true);
    reply["clientId"] = of.client_id;
    if (is_first && owner->is_advised) {
      json::object given = advice("retry");
      given["timeout"] = plan_.poll_timeout.count();
      reply["advice"] = std::move(given);
    }
    of.replies.add(reply);
    return std::nullopt;
  }
  owner->held = ++polls_made_;
  const json::value* id = of.message->if_contains("id");
  return held_poll{std::string(of.client_id), id != nullptr ? json::serialize(*id) : std::string{},
                   owner->held, of.now.steady + plan_.poll_timeout, of.taken.cookie};
}

std::optional<http_reply> bayeux_server::resume(const held_poll& poll, steady_time now) {
  const auto found = sessions_.find(poll.client_id);
  const bool is_ended = found == sessions_.end();
  if (!is_ended && found->second.held != poll.number)
    return plain_reply(superseded_status, "408::Another connect took this one's place");

  answer_text replies;
  const bool has_events = !is_ended && append_events(found->second, replies, now);
  if (!is_ended && !has_events && now < poll.until)
    return std::nullopt;
  json::object reply{{"channel", "/meta/connect"}, {"clientId", poll.client_id}, {"successful", true}};
  if (!poll.message_id.empty())
    reply["id"] = json::parse(poll.message_id);
  if (is_ended) {
    reply["advice"] = advice("none");
  } else {
    found->second.held = 0;
    found->second.expiry = now + plan_.session_timeout;
  }
  replies.add(reply);
  http_reply answer = replies.take();
  if (!poll.routing_cookie.empty())
    answer.headers.add("Set-Cookie", poll.routing_cookie);
  return answer;
}

void bayeux_server::abandon(const held_poll& poll, steady_time now) {
  const auto found = sessions_.find(poll.client_id);
  if (found == sessions_.end() || found->second.held != poll.number)
    return;
  found->second.held = 0;
  found->second.expiry = now + plan_.session_timeout;
}

bool bayeux_server::append_events(session& of, answer_text& into, steady_time now) {
  const std::uint64_t room = std::min<std::uint64_t>(plan_.events_per_reply_max, deliveries_.left(now));
  std::uint64_t appended = 0;
  // A long backlog of one channel must not keep the others waiting: each answer begins behind the channel at
  // which the last one was full.
  auto at = of.subscriptions.upper_bound(of.last_served);
  for (std::size_t count = 0; count < of.subscriptions.size() && appended < room; ++count) {
    if (at == of.subscriptions.end())
      at = of.subscriptions.begin();
    auto& [name, wanted] = *at++;
    const event_log& log = wanted.channel->log;
    wanted.next = std::max(wanted.next, log.earliest());
    const event_log::position end = std::min(log.tip(), wanted.next + (room - appended));
    appended += end - wanted.next;
    for (; wanted.next < end; ++wanted.next)
      into.add_event(name, *wanted.channel, log.at(wanted.next));
    if (appended == room)
      of.last_served = name;
  }
  deliveries_.count(appended, now);
  return appended > 0;
}

// Subscriptions

void bayeux_server::subscribe(exchange& of) {
  if (of.taken.is_dead)
    return of.accept();  // seen in the field: only the connect that follows finds out
  session* owner = authorised_session(of);
  if (owner == nullptr)
    return;
  const std::vector<std::string_view> wanted = channels_wanted(*of.message);
  std::string error = wanted.empty() ? "400::Channel name not specified" : "";
  for (const std::string_view channel : wanted) {
    if (error.empty())
      error = subscribe_to(*owner, of, channel);
  }
  if (!error.empty())
    return of.refuse(error, {});
  of.accept();
}

std::string bayeux_server::subscribe_to(session& to, const exchange& of, std::string_view wanted) {
  const std::string_view name = without_filter(wanted);
  if (!name.starts_with('/'))
    return fmt::format("400::Channel name must start with '/': {}", cut_at_character(name, 200));
  event_channel* channel = channels_.find(name);
  if (channel == nullptr)
    return fmt::format("400::The channel you requested to subscribe to does not exist {{{}}}",
                       cut_at_character(name, 200));
  if (!channel->refusal.empty())
    return channel->refusal;
  if (deliveries_.left(of.now.steady) == 0)
    return std::string(quota_error);
  const auto from = start_of_replay(channel->log, *of.message, name);
  if (!from)
    return from.error();
  to.subscriptions.insert_or_assign(std::string(wanted), subscription{channel, *from});
  return {};
}

void bayeux_server::unsubscribe(exchange& of) {
  session* owner = authorised_session(of);
  if (owner == nullptr)
    return;
  const json::value* wanted = of.message->if_contains("subscription");
  if (wanted == nullptr)
    return of.refuse("400::Channel name not specified", {});
  for (const std::string_view channel : channels_wanted(*of.message)) {
    if (const auto found = owner->subscriptions.find(channel); found != owner->subscriptions.end())
      owner->subscriptions.erase(found);
  }
  of.accept();
}

void bayeux_server::disconnect(exchange& of) {
  if (authorised_session(of) == nullptr)
    return;
  of.accept();
  forget(of.client_id);
  ++disconnects_;
}

// Sessions

void bayeux_server::forget_expired(steady_time now) {
  std::erase_if(sessions_,
                [now](const auto& each) { return each.second.held == 0 && each.second.expiry <= now; });
}

void bayeux_server::forget(std::string_view client_id) {
  const auto found = sessions_.find(client_id);
  if (found == sessions_.end())
    return;
  if (found->second.held != 0)
    ++interruptions_;
  sessions_.erase(found);
}

void bayeux_server::drop_subscriptions(std::string_view client_id) {
  if (const auto found = sessions_.find(client_id); found != sessions_.end())
    found->second.subscriptions.clear();
}

std::size_t bayeux_server::open_sessions(steady_time now) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      sessions_, [now](const auto& each) { return each.second.held != 0 || each.second.expiry > now; }));
}

}  // namespace pushguard::simulator
