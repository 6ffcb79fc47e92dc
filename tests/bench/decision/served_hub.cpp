#include "tests/bench/decision/served_hub.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "base/condition.hpp"
#include "base/http_server.hpp"
#include "base/scheduling.hpp"
#include "base/task_group.hpp"
#include "program/server_thread.hpp"
#include "tests/bench/decision/observed_listener.hpp"
#include "tests/bench/decision/push_rows.hpp"

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t events_per_response = 1000;
constexpr duration load_step = std::chrono::milliseconds(10);
constexpr std::string_view description =
    R"({"name":"Any","fields":[{"name":"Status","updateable":true,"filterable":true,"picklistValues":[]},)"
    R"({"name":"SystemModstamp","filterable":true,"picklistValues":[]}]})";

std::string_view text_of(const json::object& message, std::string_view name) {
  const json::value* found = message.if_contains(name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view{};
}

json::object reply_to(const json::object& message) {
  json::object reply{{"channel", message.at("channel")}, {"successful", true}};
  for (const std::string_view name : {"id", "clientId", "subscription"}) {
    if (const json::value* given = message.if_contains(name); given != nullptr)
      reply[name] = *given;
  }
  return reply;
}

/// `advice: {"timeout": 0}`: the client wants to know that the server is there.
bool asks_at_once(const json::object& message) {
  const json::value* advice = message.if_contains("advice");
  const json::object* given = advice != nullptr ? advice->if_object() : nullptr;
  const json::value* timeout = given != nullptr ? given->if_contains("timeout") : nullptr;
  return timeout != nullptr && timeout->is_int64() && timeout->get_int64() == 0;
}

http_reply json_reply(std::string body) {
  return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .body = std::move(body)};
}

/// Follows one breach over the wire. For the hub's thread, but for what wait() shares.
class breach_watch final : public wire_observer {
 public:
  void was_read(const void* connection, std::string_view bytes, steady_time at) override {
    const call asked = classify(bytes);
    asked_[connection] = asked;
    if (asked.kind != call_kind::poll)
      note_activity();
    if (asked.kind == call_kind::confirm_jobs)
      set_once(timing_.confirm_asked, at);
    if (asked.kind == call_kind::read_status || asked.kind == call_kind::cancel)
      set_once(timing_.containment_asked, at);
    if (asked.kind == call_kind::cancel)
      was_cancelled_[asked.request] = true;
  }

  void is_written(const void* connection, std::string_view bytes) override {
    const call asked = std::exchange(asked_[connection], {});
    if (asked.kind == call_kind::poll) {
      if (!job_.empty() && !timing_.event_written && bytes.contains(job_))
        timing_.event_written = std::chrono::steady_clock::now();
      return;
    }
    note_activity();
    if (asked.kind == call_kind::confirm_errors)
      set_once(timing_.confirm_answered, std::chrono::steady_clock::now());
    if (asked.kind == call_kind::read_status && was_cancelled_[asked.request] &&
        open_.erase(asked.request) > 0 && open_.empty())
      finish(std::chrono::steady_clock::now());
  }

  /// Begins to follow the breach of a rollout.
  void begin(const small_rollout& rollout) {
    timing_ = {};
    was_cancelled_.clear();
    open_.clear();
    job_ = job_id(rollout.job);
    for (const std::uint32_t request : rollout.waiting_requests)
      open_[request_id(request)] = true;
    const std::lock_guard hold(mutex_);
    done_.reset();
  }

  /// On the other thread: what was noted, when it is complete.
  std::optional<breach_timing> wait(duration patience) {
    std::unique_lock hold(mutex_);
    changed_.wait_for(hold, patience, [this] { return done_.has_value(); });
    return std::exchange(done_, std::nullopt);
  }

  /// On the other thread: until something happens, or for so long.
  void wait_for_activity(duration length) {
    std::unique_lock hold(mutex_);
    changed_.wait_for(hold, length);
  }

  /// On the other thread.
  bool wait_for_quiet(duration length, duration patience) {
    const auto give_up_at = std::chrono::steady_clock::now() + patience;
    std::unique_lock hold(mutex_);
    while (std::chrono::steady_clock::now() < give_up_at) {
      const auto quiet_at = last_activity_ + length;
      if (std::chrono::steady_clock::now() >= quiet_at)
        return true;
      changed_.wait_until(hold, quiet_at);
    }
    return false;
  }

 private:
  enum class call_kind : unsigned char { other, poll, confirm_jobs, confirm_errors, read_status, cancel };
  struct call {
    call_kind kind = call_kind::other;
    std::string request = {};
  };

  call classify(std::string_view bytes) const {
    if (bytes.starts_with("POST /cometd/"))
      return {call_kind::poll};
    const std::string_view line = bytes.substr(0, bytes.find('\r'));
    if (!job_.empty() && line.contains(job_)) {
      if (line.contains("FROM%20PackagePushError%20"))
        return {call_kind::confirm_errors};
      if (line.contains("FROM%20PackagePushJob%20WHERE%20Id%20"))
        return {call_kind::confirm_jobs};
    }
    const bool is_cancel = line.starts_with("PATCH ");
    if (is_cancel || line.contains("FROM%20PackagePushRequest%20WHERE%20Id%20")) {
      for (const auto& [request, is_open] : open_) {
        if (line.contains(request))
          return {is_cancel ? call_kind::cancel : call_kind::read_status, request};
      }
    }
    return {};
  }

  static void set_once(std::optional<steady_time>& into, steady_time at) {
    if (!into)
      into = at;
  }

  void note_activity() {
    const std::lock_guard hold(mutex_);
    last_activity_ = std::chrono::steady_clock::now();
  }

  void finish(steady_time at) {
    timing_.contained = at;
    const std::lock_guard hold(mutex_);
    done_ = timing_;
    changed_.notify_all();
  }

  std::string job_;
  std::map<std::string, bool> open_;           ///< requests that are not known to be cancelled
  std::map<std::string, bool> was_cancelled_;  ///< were asked to be
  std::map<const void*, call> asked_;          ///< by connection
  breach_timing timing_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<breach_timing> done_;
  steady_time last_activity_ = std::chrono::steady_clock::now();
};

/// What the server's thread works with.
class org {
 public:
  org(const hub_size& size, time_source& time) : rows_(size, time.wall_now()), time_(time) {}

  asio::awaitable<http_reply> answer(const http_request& request);
  asio::awaitable<void> publish_load();

  void fail(const small_rollout& rollout);
  void end_one_job();

  [[nodiscard]] const push_rows& rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint64_t published() const noexcept { return published_; }
  [[nodiscard]] bool is_polled() const noexcept { return polls_held_ > 0; }

  std::string instance;
  unsigned events_per_second = 0;
  duration delay{};

 private:
  http_reply answer_rest(const http_request& request);
  asio::awaitable<http_reply> answer_stream(const http_request& request);
  std::string take_events();
  void publish(std::uint32_t job);

  push_rows rows_;
  time_source& time_;
  condition changed_;
  std::vector<std::string> events_;  ///< messages that wait for a poll
  std::uint64_t published_ = 0;
  std::uint32_t next_job_ = 0;  ///< of the running waves; started already where is_next_started_
  bool is_next_started_ = false;
  bool is_subscribed_ = false;
  std::size_t polls_held_ = 0;
};

void org::publish(std::uint32_t job) {
  ++published_;
  events_.push_back(
      fmt::format(R"({{"data":{},"channel":"{}"}})", rows_.event_data(job, published_), hub_channel));
  changed_.notify_all();
}

void org::fail(const small_rollout& rollout) {
  rows_.set_job(rollout.job, "Failed", time_.wall_now());
  rows_.set_request(rollout.running_request, "Failed", time_.wall_now());
  publish(rollout.job);
}

void org::end_one_job() {
  if (next_job_ >= rows_.running_jobs())
    return;
  rows_.set_job(next_job_, "Succeeded", time_.wall_now());
  publish(next_job_++);
  is_next_started_ = false;
}

asio::awaitable<void> org::publish_load() {
  steady_time next = time_.steady_now();
  double due = 0;
  for (;;) {
    next = std::max<steady_time>(next + load_step, time_.steady_now());
    co_await time_.sleep_until(next);
    due += events_per_second * std::chrono::duration<double>(load_step).count();
    for (; due >= 1; due -= 1) {
      if (next_job_ >= rows_.running_jobs())
        break;
      if (is_next_started_) {
        end_one_job();
        continue;
      }
      rows_.set_job(next_job_, "InProgress", time_.wall_now());
      publish(next_job_);
      is_next_started_ = true;
    }
  }
}

asio::awaitable<http_reply> org::answer(const http_request& request) {
  if (request.path().starts_with("/cometd/")) {
    http_reply streamed = co_await answer_stream(request);
    co_return streamed;
  }
  http_reply reply = answer_rest(request);
  if (delay > duration::zero())
    co_await time_.sleep_for(delay);
  co_return reply;
}

http_reply org::answer_rest(const http_request& request) {
  const std::string_view path = request.path();
  if (path == "/services/oauth2/token")
    return json_reply(fmt::format(
        R"({{"access_token":"00D!token","instance_url":"{}","id":"{}/id/00D000000000001EAA/005000000000001AAA","token_type":"Bearer"}})",
        instance, instance));
  if (path == "/services/data/")
    return json_reply(R"([{"label":"Summer","url":"/services/data/v62.0","version":"62.0"}])");
  if (path.ends_with("/describe"))
    return json_reply(std::string(description));
  if (path.ends_with("/limits"))
    return json_reply(R"({"DailyApiRequests":{"Max":100000000,"Remaining":99999999}})");
  if (request.method == "PATCH") {
    rows_.cancel(path.substr(path.rfind('/') + 1), time_.wall_now());
    return {.status = 204};
  }
  if (path.starts_with("/api/v2/alerts"))
    return {.status = 200};
  // A containment and a reading may both go through pages; the bench's containments have one only.
  if (path.starts_with("/services/data/v62.0/query/"))
    return json_reply(rows_.next_page());
  auto found = rows_.answer(request.query("q").value_or(""));
  return found ? json_reply(std::move(*found)) : error_reply(404, "not_found", "not known to the bench");
}

std::string org::take_events() {
  std::string text;
  const std::size_t count = std::min(events_.size(), events_per_response);
  for (std::size_t i = 0; i < count; ++i)
    text += events_[i] + ',';
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(count));
  return text;
}

asio::awaitable<http_reply> org::answer_stream(const http_request& request) {
  boost::system::error_code ec;
  const json::value body = json::parse(request.body, ec);
  if (ec || !body.is_array())
    co_return error_reply(400, "bad_request", "not an array of messages");
  std::string replies;
  for (const json::value& each : body.get_array()) {
    const json::object& message = each.as_object();
    const std::string_view channel = text_of(message, "channel");
    json::object reply = reply_to(message);
    if (channel == "/meta/handshake") {
      reply["ext"] = {{"replay", true}, {"payload.format", true}};
      reply["version"] = "1.0";
      reply["minimumVersion"] = "1.0";
      reply["clientId"] = "1shq0cbz4gqxu1yxpbm6x0bhz1k";
      reply["supportedConnectionTypes"] = json::array{"long-polling"};
    } else if (channel == "/meta/subscribe") {
      is_subscribed_ = true;
    } else if (channel == "/meta/connect" && asks_at_once(message)) {
      reply["advice"] = {{"reconnect", "retry"}, {"interval", 0}, {"timeout", 110'000}};
    } else if (channel == "/meta/connect") {
      ++polls_held_;
      const struct held {
        std::size_t& count;
        ~held() { --count; }
      } while_waiting{polls_held_};
      while (events_.empty() || !is_subscribed_)
        co_await changed_.wait();
      replies += take_events();
    }
    replies += json::serialize(reply) + ',';
  }
  replies.back() = ']';
  co_return json_reply('[' + replies);
}

asio::awaitable<void> serve(listener& from, org& about, time_source& time) {
  run_soon();  // a hub has processors of its own: that a call has come must be noted when it comes
  const auto executor = co_await asio::this_coro::executor;
  http_server_limits limits;
  limits.drain = duration(0);  // a poll that is held at the end is of no interest
  auto handler = [&about](const http_request& request) { return about.answer(request); };
  task_group tasks(executor);
  tasks.spawn(about.publish_load());
  tasks.spawn(serve_http(from, std::move(handler), limits, time, null_logger()));
  co_await tasks.join();
}

}  // namespace

struct served_hub::state {
  state(const hub_size& size, time_source& time) : about(size, time) {
    from = listen_observed(thread.executor(), watch);
    local = from->local();
    about.instance = local.text();
    thread.run(serve(*from, about, time));
  }
  // The listener belongs to the thread's context, which is declared last.
  ~state() {
    thread.stop();
    from.reset();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  org about;
  breach_watch watch;
  origin local;
  std::unique_ptr<listener> from;
  program::server_thread thread;
};

served_hub::served_hub(const hub_size& size, time_source& time)
    : state_(std::make_unique<state>(size, time)) {}
served_hub::~served_hub() = default;

const origin& served_hub::local() const noexcept {
  return state_->local;
}

const std::vector<small_rollout>& served_hub::rollouts_of_one() const noexcept {
  return state_->about.rows().rollouts_of_one();
}

const std::vector<small_rollout>& served_hub::rollouts_of_many() const noexcept {
  return state_->about.rows().rollouts_of_many();
}

bool served_hub::wait_for_poll(duration patience) {
  const auto give_up_at = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < give_up_at) {
    if (state_->thread.ask([this] { return state_->about.is_polled(); }))
      return true;
    state_->watch.wait_for_activity(std::chrono::milliseconds(20));
  }
  return false;
}

bool served_hub::wait_for_quiet(duration length, duration patience) {
  return state_->watch.wait_for_quiet(length, patience);
}

void served_hub::end_one_job() {
  state_->thread.ask([this] { return state_->about.end_one_job(), true; });
}

void served_hub::load(unsigned events_per_second) {
  state_->thread.ask([=, this] { return state_->about.events_per_second = events_per_second; });
}

void served_hub::delay_answers(duration by) {
  state_->thread.ask([=, this] { return state_->about.delay = by; });
}

std::optional<breach_timing> served_hub::breach(const small_rollout& rollout, duration patience) {
  state_->thread.ask([&] {
    state_->watch.begin(rollout);
    state_->about.fail(rollout);
    return true;
  });
  return state_->watch.wait(patience);
}

std::uint64_t served_hub::events_published() const {
  return state_->thread.ask([this] { return state_->about.published(); });
}

}  // namespace pushguard::bench
