#include "simulator/bayeux.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "base/text.hpp"
#include "simulator/dice.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t body_size_max = 32'768;       // Salesforce's limit
constexpr std::size_t events_per_reply_max = 1000;  // keeps an answer under a mebibyte
constexpr unsigned version_oldest = 37;             // of streaming
constexpr std::string_view routing_value = "!node-1";
// CometD of Salesforce's time answers a superseded poll with 408; later ones do with 500.
constexpr int superseded_status = 408;

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

std::string_view text_of(const json::object& message, std::string_view name) {
  const json::value* found = message.if_contains(name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view{};
}

json::object advice(std::string_view reconnect) {
  return {{"reconnect", reconnect}, {"interval", 0}};
}

std::string cookie_date(wall_time time) {
  // With dashes, as Salesforce's edge writes it.
  return fmt::format("{:%a, %d-%b-%Y %H:%M:%S} GMT", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

/// A JSON array of messages in the making.
class bayeux_server::reply_list {
 public:
  void add(const json::object& message) { add_raw(json::serialize(message)); }
  void add_raw(std::string_view message) {
    if (text_.size() > 1)
      text_ += ',';
    text_ += message;
  }
  void add_event(std::string_view channel, const event_writer& write, const logged_event& event) {
    add_raw(R"({"data":)");
    write(text_, event);
    text_ += R"(,"channel":)";
    append_json_string(text_, channel);
    text_ += '}';
  }
  [[nodiscard]] http_reply reply() const {
    return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .body = text_ + ']'};
  }

 private:
  std::string text_ = "[";
};

/// One HTTP request on its way through, and the message it is at.
struct bayeux_server::exchange {
  const http_request& request;
  instant now;
  unsigned version;
  std::size_t message_count = 0;
  const json::object* message = nullptr;
  std::string_view channel = {};
  std::string_view client_id = {};
  reply_list replies = {};
  std::vector<std::string> cookies = {};

  /// A reply to the message, with its channel and id.
  [[nodiscard]] json::object reply(bool is_successful) const {
    json::object made{{"channel", channel}, {"successful", is_successful}};
    if (const json::value* id = message->if_contains("id"); id != nullptr)
      made["id"] = *id;
    return made;
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
  [[nodiscard]] http_reply finish() const {
    http_reply made = replies.reply();
    for (const std::string& cookie : cookies)
      made.headers.add("Set-Cookie", cookie);
    return made;
  }
  /// Salesforce's are Secure as well; over plain HTTP a client would then not return them.
  void set_routing_cookie() {
    cookies.push_back(fmt::format("sfdc-stream={}; Path=/; Max-Age={}; SameSite=None", routing_value,
                                  std::chrono::floor<std::chrono::seconds>(routing_cookie_life).count()));
  }
  [[nodiscard]] bool is_routed_here() const { return find_cookie(request, "sfdc-stream") == routing_value; }
};

bayeux_server::bayeux_server(const stream_plan& plan, std::uint64_t seed, token_desk& tokens, event_log& log,
                             event_writer write_event)
    : plan_(plan), seed_(seed), tokens_(tokens), log_(log), write_event_(std::move(write_event)) {}

std::variant<http_reply, held_poll> bayeux_server::receive(const http_request& request, instant now) {
  const auto version = read_version(request.path());
  if (!version)
    return plain_reply(404, "404::API version in the URI is mandatory");
  if (request.method != "POST") {
    http_reply reply = plain_reply(405, "405::Method not allowed");
    reply.headers.add("Allow", "POST");
    return reply;
  }
  if (request.body.size() > body_size_max)
    return plain_reply(413, "413::Maximum Request Size Exceeded");
  if (!to_lower_ascii(request.headers.find("Content-Type").value_or("")).starts_with("application/json"))
    return plain_reply(400, "400::Content-Type must be application/json");

  boost::system::error_code ec;
  const json::value body = json::parse(request.body, ec);
  if (ec || !body.is_array() || body.get_array().empty())
    return plain_reply(400, "400::The body must be a JSON array of messages");
  const json::array& messages = body.get_array();
  if (!std::ranges::all_of(messages, &json::value::is_object))
    return plain_reply(400, "400::Every message must be a JSON object");
  const auto is_handshake = [](const json::value& each) {
    return text_of(each.get_object(), "channel") == "/meta/handshake";
  };
  if (messages.size() > 1 && std::ranges::any_of(messages, is_handshake))
    return plain_reply(500, "500::A handshake must come alone");

  forget_expired(now.steady);
  tokens_.prolong(request, now.steady);
  exchange of{.request = request, .now = now, .version = *version, .message_count = messages.size()};
  std::optional<held_poll> held;
  for (const json::value& each : messages) {
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
  if (of.version < version_oldest)
    return refuse_handshake(of,
                            "400::Unsupported API version. Only API versions 37.0 and later are supported");
  switch (tokens_.check(of.request, of.now.steady)) {
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
  made.browser = std::string(find_cookie(of.request, "BAYEUX_BROWSER").value_or(client_id.substr(4)));
  made.expiry = of.now.steady + session_timeout;
  of.cookies.push_back(
      fmt::format("BrowserId=w4f3{}; Domain=.salesforce.com; Path=/; Expires={}; Max-Age=5184000",
                  client_id.substr(0, 12), cookie_date(of.now.wall + std::chrono::days(60))));
  of.cookies.push_back(fmt::format("t={}; Path=/cometd/; HttpOnly", client_id.substr(2, 10)));
  of.cookies.push_back(fmt::format("BAYEUX_BROWSER={}; Path=/cometd/", made.browser));
  if (!of.is_routed_here())
    of.set_routing_cookie();
  sessions_.emplace(client_id, std::move(made));
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
  dice roll(seed_, draw::client, clients_made_);
  std::string made = fmt::format("{:x}", ++clients_made_);
  while (made.size() < 26)
    made += letters[roll.below(letters.size())];
  return made;
}

bayeux_server::session* bayeux_server::authorised_session(exchange& of) {
  // Salesforce advises connects to shake hands again, and says "none" to everything else.
  const std::string_view reconnect = of.channel == "/meta/connect" ? "handshake" : "none";
  if (!of.is_routed_here()) {
    // Another node was asked, which knows no such client; its answer sets the cookie anew.
    if (of.cookies.empty())
      of.set_routing_cookie();
    of.refuse("403::Unknown client", reconnect);
    return nullptr;
  }
  const auto found = sessions_.find(of.client_id);
  if (found == sessions_.end()) {
    of.refuse("403::Unknown client", reconnect);
    return nullptr;
  }
  const auto browser = find_cookie(of.request, "BAYEUX_BROWSER");
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
  if (tokens_.check(of.request, of.now.steady) != token_check::valid) {
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
  owner->held = 0;  // an older poll finds itself superseded
  owner->expiry = of.now.steady + session_timeout;

  const json::value* own_advice = of.message->if_contains("advice");
  const json::value* timeout = own_advice != nullptr && own_advice->is_object()
                                   ? own_advice->get_object().if_contains("timeout")
                                   : nullptr;
  const bool wants_answer = timeout != nullptr && timeout->is_int64() && timeout->get_int64() == 0;
  const bool has_events = append_events(*owner, of.replies);
  if (is_first || wants_answer || has_events || of.message_count > 1) {
    json::object reply = of.reply(true);
    reply["clientId"] = of.client_id;
    if (is_first) {
      json::object given = advice("retry");
      given["timeout"] = std::chrono::milliseconds(poll_timeout).count();
      reply["advice"] = std::move(given);
    }
    of.replies.add(reply);
    return std::nullopt;
  }
  owner->held = ++polls_made_;
  const json::value* id = of.message->if_contains("id");
  return held_poll{std::string(of.client_id), id != nullptr ? json::serialize(*id) : std::string{},
                   owner->held, of.now.steady + poll_timeout};
}

std::optional<http_reply> bayeux_server::resume(const held_poll& poll, steady_time now) {
  const auto found = sessions_.find(poll.client_id);
  const bool is_ended = found == sessions_.end();
  if (!is_ended && found->second.held != poll.number)
    return plain_reply(superseded_status, "408::Another connect took this one's place");

  reply_list replies;
  const bool has_events = !is_ended && append_events(found->second, replies);
  if (!is_ended && !has_events && now < poll.until)
    return std::nullopt;
  json::object reply{{"channel", "/meta/connect"}, {"clientId", poll.client_id}, {"successful", true}};
  if (!poll.message_id.empty())
    reply["id"] = json::parse(poll.message_id);
  if (is_ended) {
    reply["advice"] = advice("none");
  } else {
    found->second.held = 0;
    found->second.expiry = now + session_timeout;
  }
  replies.add(reply);
  return replies.reply();
}

void bayeux_server::abandon(const held_poll& poll, steady_time now) {
  const auto found = sessions_.find(poll.client_id);
  if (found == sessions_.end() || found->second.held != poll.number)
    return;
  found->second.held = 0;
  found->second.expiry = now + session_timeout;
}

bool bayeux_server::append_events(session& of, reply_list& replies) {
  if (!of.next)
    return false;
  event_log::position& next = *of.next;
  next = std::max(next, log_.earliest());
  const event_log::position end = std::min(log_.tip(), next + events_per_reply_max);
  const bool has_events = next < end;
  for (; next < end; ++next) {
    replies.add_event(plan_.channel, write_event_, log_.at(next));
    ++events_delivered_;
  }
  return has_events;
}

// Subscriptions

void bayeux_server::subscribe(exchange& of) {
  session* owner = authorised_session(of);
  if (owner == nullptr)
    return;
  const json::value* wanted = of.message->if_contains("subscription");
  json::array channels;
  if (wanted != nullptr && wanted->is_array())
    channels = wanted->get_array();
  else if (wanted != nullptr)
    channels.push_back(*wanted);
  std::string error = channels.empty() ? "400::Channel name not specified" : "";
  for (const json::value& channel : channels) {
    if (!error.empty())
      break;
    error = channel.is_string() ? subscribe_to(*owner, of, std::string_view(channel.get_string()))
                                : "400::Channel name not specified";
  }
  if (!error.empty())
    return of.refuse(error, {});
  json::object reply = of.reply(true);
  reply["clientId"] = of.client_id;
  reply["subscription"] = *wanted;
  of.replies.add(reply);
}

std::string bayeux_server::subscribe_to(session& to, exchange& of, std::string_view channel) {
  const std::string_view shown = cut_at_character(channel, 200);
  if (!channel.starts_with('/'))
    return fmt::format("400::Channel name must start with '/': {}", shown);
  if (channel != plan_.channel)
    return fmt::format("400::The channel you requested to subscribe to does not exist {{{}}}", shown);
  return start_replay(to, of, channel);
}

std::string bayeux_server::start_replay(session& to, const exchange& of, std::string_view channel) {
  const json::value* ext = of.message->if_contains("ext");
  const json::value* map =
      ext != nullptr && ext->is_object() ? ext->get_object().if_contains("replay") : nullptr;
  if (map == nullptr) {
    to.next = log_.tip();
    return {};
  }
  const json::value* wanted = map->is_object() ? map->get_object().if_contains(channel) : nullptr;
  if (wanted == nullptr)
    return fmt::format(
        "400::The replayId for channel {{{}}} wasn't found using the provided replay ID map {{{}}}", channel,
        cut_at_character(json::serialize(*map), 500));
  // Clients send numbers and numeric strings.
  const std::string text = wanted->is_string() ? std::string(wanted->get_string()) : json::serialize(*wanted);
  std::int64_t id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool is_number = code == std::errc{} && end == text.data() + text.size();
  std::optional<event_log::position> from;
  if (is_number && id == -1)
    from = log_.tip();
  else if (is_number && id == -2)
    from = log_.earliest();
  else if (is_number)
    from = log_.after(id);
  if (!from)
    return fmt::format(
        "400::The replayId {{{}}} you provided was invalid.  Please provide a valid ID, -2 to "
        "replay all events, or -1 to replay only new events.",
        cut_at_character(text, 100));
  to.next = from;
  return {};
}

void bayeux_server::unsubscribe(exchange& of) {
  session* owner = authorised_session(of);
  if (owner == nullptr)
    return;
  const json::value* wanted = of.message->if_contains("subscription");
  if (wanted == nullptr)
    return of.refuse("400::Channel name not specified", {});
  const auto is_channel = [this](const json::value& each) {
    return each.is_string() && std::string_view(each.get_string()) == plan_.channel;
  };
  if (wanted->is_array() ? std::ranges::any_of(wanted->get_array(), is_channel) : is_channel(*wanted))
    owner->next.reset();
  json::object reply = of.reply(true);
  reply["clientId"] = of.client_id;
  reply["subscription"] = *wanted;
  of.replies.add(reply);
}

void bayeux_server::disconnect(exchange& of) {
  if (authorised_session(of) == nullptr)
    return;
  json::object reply = of.reply(true);
  reply["clientId"] = of.client_id;
  of.replies.add(reply);
  sessions_.erase(sessions_.find(of.client_id));
  ++disconnects_;
}

// Sessions

void bayeux_server::forget_expired(steady_time now) {
  std::erase_if(sessions_,
                [now](const auto& each) { return each.second.held == 0 && each.second.expiry <= now; });
}

std::size_t bayeux_server::open_sessions(steady_time now) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      sessions_, [now](const auto& each) { return each.second.held != 0 || each.second.expiry > now; }));
}

}  // namespace pushguard::simulator
