#include "agent/salesforce/session_access.hpp"

#include <algorithm>

#include "agent/salesforce/api_error.hpp"
#include "base/condition.hpp"

namespace pushguard::salesforce {

namespace asio = boost::asio;

namespace {

constexpr duration patience_first = std::chrono::minutes(1);
constexpr duration patience_longest = std::chrono::minutes(5);

}  // namespace

/// One login under way and those who wait for it. No outcome once it landed: whoever led was cancelled.
struct session_access::flight {
  condition landed;
  std::optional<result<access>> outcome;
};

session_access::session_access(std::unique_ptr<login> flow, time_source& time, api_observer& observer)
    : flow_(std::move(flow)), time_(time), observer_(observer), patience_(patience_first) {}

session_access::~session_access() = default;

asio::awaitable<result<access>> session_access::current() {
  if ((session_ || refusal_) && flow_->has_news()) {
    session_.reset();
    refusal_.reset();
  }
  if (session_)
    co_return *session_;
  if (refusal_ && time_.steady_now() < refused_until_)
    co_return std::unexpected(*refusal_);
  auto session = co_await fly();
  co_return session;
}

asio::awaitable<result<access>> session_access::renew(secret stale) {
  if (session_ && session_->token == stale) {
    session_.reset();
    stale_ = std::move(stale);
  }
  auto session = co_await current();
  co_return session;
}

void session_access::give_up(const secret& token, failure why) {
  if (!session_ || session_->token != token)
    return;
  session_.reset();
  stale_ = token;
  refused(std::move(why));
}

void session_access::refused(failure why) {
  refusal_ = std::move(why);
  refused_until_ = time_.steady_now() + patience_;
  patience_ = std::min(2 * patience_, patience_longest);
}

asio::awaitable<result<access>> session_access::fly() {
  while (flight_) {
    const auto joined = flight_;
    co_await joined->landed.wait();
    if (joined->outcome)
      co_return *joined->outcome;
  }
  auto session = co_await lead();
  co_return session;
}

asio::awaitable<result<access>> session_access::lead() {
  struct landing {
    std::shared_ptr<flight>& place;
    ~landing() {
      const auto landed = std::move(place);
      landed->landed.notify_all();
    }
  };
  flight_ = std::make_shared<flight>();
  const landing lands{flight_};
  refusal_.reset();
  auto obtained = co_await flow_->obtain();
  if (obtained && !stale_.empty() && obtained->token == stale_)
    obtained = fail(errc::unauthorized, "logging in gave the same token again, which Salesforce refuses");
  if (obtained) {
    session_ = *obtained;
    patience_ = patience_first;
  } else if (obtained.error().is(errc::unauthorized)) {
    refused(obtained.error());
  }
  const auto outcome = obtained ? api_outcome::success : outcome_of(transport_failure("", obtained.error()));
  observer_.call_ended(api_operation::login, outcome);
  flight_->outcome = obtained;
  co_return obtained;
}

}  // namespace pushguard::salesforce
