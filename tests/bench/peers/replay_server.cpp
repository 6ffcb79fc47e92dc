#include "tests/bench/peers/replay_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/condition.hpp"
#include "base/http_server.hpp"
#include "program/server_thread.hpp"
#include "tests/bench/peers/cores.hpp"
#include "tests/bench/peers/event_texts.hpp"

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr duration outage = std::chrono::seconds(3);
constexpr std::uint64_t events_cut = 5;            // in the response that is cut
constexpr std::size_t events_before_cut = 3;       // whole ones; of the next, half
constexpr std::int64_t advised_timeout = 110'000;  // milliseconds; Salesforce's
constexpr std::string_view unavailable_page =
    "<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    "<body><h1>503 Service Unavailable</h1></body></html>";

std::string_view text_of(const json::object& message, std::string_view name) {
  const json::value* found = message.if_contains(name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view{};
}

const json::object* object_of(const json::object& message, std::string_view name) {
  const json::value* found = message.if_contains(name);
  return found != nullptr ? found->if_object() : nullptr;
}

/// A reply to `message` with what ties it to that.
json::object reply_to(const json::object& message, bool is_successful) {
  json::object reply{{"channel", message.at("channel")}, {"successful", is_successful}};
  for (const std::string_view name : {"id", "clientId", "subscription"}) {
    if (const json::value* given = message.if_contains(name); given != nullptr)
      reply[name] = *given;
  }
  return reply;
}

json::object refusal(const json::object& message, std::string_view error, std::string_view reconnect) {
  json::object reply = reply_to(message, false);
  reply["error"] = error;
  reply["advice"] = {{"reconnect", reconnect}, {"interval", 0}};
  return reply;
}

/// `advice: {"timeout": 0}`: the client wants to know that the server is there.
bool asks_at_once(const json::object& message) {
  const json::object* advice = object_of(message, "advice");
  const json::value* timeout = advice != nullptr ? advice->if_contains("timeout") : nullptr;
  return timeout != nullptr && timeout->is_int64() && timeout->get_int64() == 0;
}

/// The replay id that a subscribe asks for; -1, Salesforce's default, where it names none.
std::int64_t replay_of(const json::object& message) {
  const json::object* ext = object_of(message, "ext");
  const json::object* replay = ext != nullptr ? object_of(*ext, "replay") : nullptr;
  const json::value* id = replay != nullptr ? replay->if_contains(bench_channel) : nullptr;
  return id != nullptr && id->is_int64() ? id->get_int64() : -1;
}

/// The messages of a response in the making.
class reply_list {
 public:
  void add(const json::object& message) {
    separate();
    text_ += json::serialize(message);
  }
  void add_event(const event_texts& texts, std::uint64_t number) {
    separate();
    texts.append(text_, number);
  }
  [[nodiscard]] std::string take() { return std::move(text_ += ']'); }

 private:
  void separate() {
    if (text_.size() > 1)
      text_ += ',';
  }

  std::string text_ = "[";
};

/// The Bayeux side, for the server's thread. The last session is the only one that is known.
class org {
 public:
  explicit org(const replay_server_options& options) : texts_(options.message_size), batch_(options.batch) {}

  asio::awaitable<http_reply> handle(const http_request& request);
  std::uint64_t publish(std::uint64_t count);
  std::future<fault_report> plan(fault which);

 private:
  struct planned_fault {
    fault which;
    std::promise<fault_report> report;
  };

  /// Nothing: the poll is to be held.
  std::optional<http_reply> answer(const http_request& request);
  http_reply render(reply_list& replies, bool has_events);
  http_reply cut(std::string body);
  bool add_replies(const http_request& request, const json::array& messages, reply_list& replies);
  void handshake(const json::object& message, reply_list& replies);
  void subscribe(const json::object& message, reply_list& replies);
  bool connect(const json::object& message, reply_list& replies);
  void forgotten(const json::object& message, reply_list& replies);
  std::uint64_t add_events(reply_list& replies);
  void strike(planned_fault planned);

  [[nodiscard]] bool is_token_valid(const http_request& request) const;
  [[nodiscard]] bool is_known(const json::object& message) const {
    return !session_.empty() && text_of(message, "clientId") == session_;
  }

  event_texts texts_;
  std::size_t batch_;
  condition changed_;

  std::uint64_t published_ = 0;
  std::uint64_t oldest_ = 0;  // the first event that is retained
  unsigned token_ = 1;

  unsigned sessions_ = 0;
  std::string session_;  // the client id; empty: there is none
  bool is_subscribed_ = false;
  std::uint64_t next_ = 0;  // the event that the session gets next

  std::optional<planned_fault> planned_;
  std::string_view advice_when_forgotten_ = "handshake";
  bool says_goodbye_ = false;
  bool cuts_ = false;
  steady_time unavailable_until_{};
  bool owes_event_ = false;  // one is published when the outage is over
};

asio::awaitable<http_reply> org::handle(const http_request& request) {
  for (;;) {
    auto reply = answer(request);
    if (reply)
      co_return std::move(*reply);
    if (planned_) {
      strike(std::move(*std::exchange(planned_, std::nullopt)));
    } else {
      co_await changed_.wait();
    }
  }
}

std::uint64_t org::publish(std::uint64_t count) {
  published_ += count;
  changed_.notify_all();
  return published_ - 1;
}

std::future<fault_report> org::plan(fault which) {
  planned_.emplace(planned_fault{which, {}});
  changed_.notify_all();
  return planned_->report.get_future();
}

std::optional<http_reply> org::answer(const http_request& request) {
  if (std::chrono::steady_clock::now() < unavailable_until_)
    return http_reply{
        .status = 503, .headers = {{"Content-Type", "text/html"}}, .body = std::string(unavailable_page)};
  if (std::exchange(owes_event_, false))
    publish(1);
  boost::system::error_code ec;
  const json::value body = json::parse(request.body, ec);
  if (ec || !body.is_array())
    return error_reply(400, "bad_request", "not an array of messages");
  reply_list replies;
  const std::uint64_t next = next_;
  if (!add_replies(request, body.get_array(), replies))
    return std::nullopt;
  return render(replies, next_ > next);
}

http_reply org::render(reply_list& replies, bool has_events) {
  if (has_events && std::exchange(cuts_, false))
    return cut(replies.take());
  return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .body = replies.take()};
}

/// The events of `body` are gone for that session, as on Salesforce, which knows no acknowledgement.
http_reply org::cut(std::string body) {
  body.resize(1 + events_before_cut * (texts_.message_size() + 1) + texts_.message_size() / 2);
  const auto write = [this, body = std::move(body)](body_writer& to) -> asio::awaitable<result<>> {
    const auto written = co_await to.write(body);
    publish(1);
    if (!written)
      co_return written;
    co_return fail(errc::closed, "cut, as was planned");
  };
  return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .stream = write};
}

/// False where the one message is a poll to be held.
bool org::add_replies(const http_request& request, const json::array& messages, reply_list& replies) {
  for (const json::value& each : messages) {
    const json::object& message = each.as_object();
    const std::string_view channel = text_of(message, "channel");
    if (channel == "/meta/handshake" && !is_token_valid(request)) {
      json::object denied = refusal(message, "403::Handshake denied", "none");
      denied["ext"] = {{"sfdc", {{"failureReason", "401::Authentication invalid"}}}, {"replay", true}};
      replies.add(denied);
    } else if (!is_token_valid(request)) {
      replies.add(refusal(message, "401::Authentication invalid", "none"));
    } else if (channel == "/meta/handshake") {
      handshake(message, replies);
    } else if (!is_known(message)) {
      forgotten(message, replies);
    } else if (channel == "/meta/subscribe") {
      subscribe(message, replies);
    } else if (channel == "/meta/connect") {
      if (!connect(message, replies) && messages.size() == 1)
        return false;
    } else {
      replies.add(reply_to(message, true));
    }
  }
  return true;
}

void org::handshake(const json::object& message, reply_list& replies) {
  session_ = fmt::format("{}shq0cbz4gqxu1yxpbm6x0bhz1k", ++sessions_);
  is_subscribed_ = false;
  json::object reply = reply_to(message, true);
  reply["ext"] = {{"replay", true}, {"payload.format", true}};
  reply["version"] = "1.0";
  reply["minimumVersion"] = "1.0";
  reply["clientId"] = session_;
  reply["supportedConnectionTypes"] = json::array{"long-polling"};
  replies.add(reply);
}

void org::subscribe(const json::object& message, reply_list& replies) {
  const std::int64_t asked = replay_of(message);
  const auto number = static_cast<std::uint64_t>(asked) - first_replay_id;
  if (asked >= 0 && (number < oldest_ || number >= published_)) {
    replies.add(
        refusal(message,
                fmt::format("400::The replayId {{{}}} you provided was invalid. Please provide a valid "
                            "ID, -2 to replay all events, or -1 to replay only new events.",
                            asked),
                "retry"));
    return;
  }
  is_subscribed_ = true;
  changed_.notify_all();  // a poll may be held already
  next_ = asked >= 0 ? number + 1 : asked == -2 ? oldest_ : published_;
  replies.add(reply_to(message, true));
}

/// False where there is nothing to tell.
bool org::connect(const json::object& message, reply_list& replies) {
  const bool is_probe = asks_at_once(message);
  if (add_events(replies) == 0 && !is_probe)
    return false;
  json::object reply = reply_to(message, true);
  if (is_probe)
    reply["advice"] = {{"reconnect", "retry"}, {"interval", 0}, {"timeout", advised_timeout}};
  replies.add(reply);
  return true;
}

void org::forgotten(const json::object& message, reply_list& replies) {
  if (text_of(message, "channel") == "/meta/connect" && std::exchange(says_goodbye_, false))
    replies.add({{"channel", "/meta/disconnect"}});
  replies.add(refusal(message, "403::Unknown client", advice_when_forgotten_));
}

std::uint64_t org::add_events(reply_list& replies) {
  const std::uint64_t count = is_subscribed_ ? std::min<std::uint64_t>(published_ - next_, batch_) : 0;
  for (std::uint64_t i = 0; i < count; ++i)
    replies.add_event(texts_, next_ + i);
  next_ += count;
  return count;
}

void org::strike(planned_fault planned) {
  fault_report report{.when = std::chrono::steady_clock::now(), .last_event = published_};
  switch (planned.which) {
    case fault::node_restart:
      session_.clear();
      advice_when_forgotten_ = "none";
      says_goodbye_ = true;
      publish(1);
      break;
    case fault::token_expired:
      session_.clear();
      ++token_;
      publish(1);
      break;
    case fault::response_cut:
      cuts_ = true;
      publish(events_cut);
      report.last_event += events_cut;
      break;
    case fault::unavailable:
      unavailable_until_ = report.when + outage;
      owes_event_ = true;
      break;
    case fault::position_lost:
      session_.clear();
      advice_when_forgotten_ = "handshake";
      oldest_ = published_;
      publish(1);
      break;
  }
  planned.report.set_value(report);
}

bool org::is_token_valid(const http_request& request) const {
  const auto given = request.headers.find("Authorization");
  return given && *given == fmt::format("Bearer token-{}", token_);
}

asio::awaitable<void> serve_on_core(std::optional<unsigned> core, listener& from, org& about,
                                    time_source& time) {
  if (core)
    pin_this_thread(*core);
  auto handler = [&about](const http_request& request) { return about.handle(request); };
  http_server_limits limits;
  limits.drain = duration(0);  // a poll that is held at the end is of no interest
  co_await serve_http(from, handler, limits, time, null_logger());
}

}  // namespace

std::string_view to_string(fault which) noexcept {
  switch (which) {
    case fault::node_restart:
      return "node_restart";
    case fault::token_expired:
      return "token_expired";
    case fault::response_cut:
      return "response_cut";
    case fault::unavailable:
      return "unavailable";
    case fault::position_lost:
      return "position_lost";
  }
  return "node_restart";
}

struct replay_server::state {
  explicit state(const replay_server_options& options)
      : time(make_system_time()), network(make_socket_network(*time)), bayeux(options) {
    auto opened = thread.listen(*network, "127.0.0.1", 0);
    if (!opened)
      throw std::runtime_error(opened.error().text());
    from = std::move(*opened);
    thread.run(serve_on_core(options.core, *from, bayeux, *time));
  }
  // The listener belongs to the thread's context, which is declared last.
  ~state() {
    thread.stop();
    from.reset();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  std::unique_ptr<time_source> time;
  std::unique_ptr<pushguard::network> network;
  org bayeux;
  std::unique_ptr<listener> from;
  program::server_thread thread;
};

replay_server::replay_server(replay_server_options options) : state_(std::make_unique<state>(options)) {}
replay_server::~replay_server() = default;

std::uint16_t replay_server::port() const noexcept {
  return state_->from->local().port;
}

std::uint64_t replay_server::publish(std::uint64_t count) {
  return state_->thread.ask([this, count] { return state_->bayeux.publish(count); });
}

std::optional<fault_report> replay_server::strike(fault which, duration patience) {
  auto report = state_->thread.ask([this, which] { return state_->bayeux.plan(which); });
  if (report.wait_for(patience) != std::future_status::ready)
    return std::nullopt;
  return report.get();
}

}  // namespace pushguard::bench
