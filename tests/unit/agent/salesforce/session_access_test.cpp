#include "agent/salesforce/session_access.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "tests/unit/agent/salesforce/scripted_hub.hpp"

namespace pushguard::salesforce::test {
namespace {

namespace asio = boost::asio;

/// A login that ends when the test says so.
class held_login final : public login {
 public:
  held_login(scripted_hub& hub, int& asked, bool& has_news, std::deque<result<access>> outcomes)
      : hub_(hub), asked_(asked), has_news_(has_news), outcomes_(std::move(outcomes)) {}

  asio::awaitable<result<access>> obtain() override {
    ++asked_;
    has_news_ = false;
    co_await hub_.time().sleep_for(std::chrono::seconds(10));
    auto outcome = std::move(outcomes_.front());
    outcomes_.pop_front();
    co_return outcome;
  }

  bool has_news() override { return has_news_; }

 private:
  scripted_hub& hub_;
  int& asked_;
  bool& has_news_;
  std::deque<result<access>> outcomes_;
};

access session_with(std::string token) {
  access made;
  made.token = secret(std::move(token));
  return made;
}

struct shared_session {
  explicit shared_session(std::deque<result<access>> outcomes)
      : session(std::make_unique<held_login>(hub, asked, has_news, std::move(outcomes)), hub.time(),
                observer) {}

  /// Starts a caller that wants a session; what it got is kept as text.
  void start(const std::shared_ptr<asio::cancellation_signal>& cancelled =
                 std::make_shared<asio::cancellation_signal>()) {
    const auto want = [](shared_session& self) -> asio::awaitable<void> {
      const auto got = co_await self.session.current();
      self.answers.push_back(got ? got->token.reveal() : got.error().text());
    };
    asio::co_spawn(
        hub.context(), want(*this),
        asio::bind_cancellation_slot(cancelled->slot(), [cancelled](const std::exception_ptr&) {}));
  }
  void run_for(duration length) { pushguard::test::run_simulated_for(hub.context(), hub.time(), length); }

  scripted_hub hub;
  int asked = 0;
  bool has_news = false;
  counting_observer observer;
  session_access session;
  std::vector<std::string> answers;
};

TEST(SessionAccess, LogsInOnceForManyCallers) {
  shared_session shared({session_with("first")});
  for (int i = 0; i < 5; ++i)
    shared.start();
  shared.run_for(std::chrono::minutes(1));
  EXPECT_EQ(shared.asked, 1);
  EXPECT_EQ(shared.answers, std::vector<std::string>(5, "first"));
  shared.start();
  shared.run_for(duration(0));
  EXPECT_EQ(shared.answers.size(), 6U) << "kept, without another login";
  EXPECT_EQ(shared.asked, 1);
  EXPECT_EQ(shared.observer.count(api_operation::login, api_outcome::success), 1);
}

TEST(SessionAccess, SharesAFailureAndTriesAnewAtOnce) {
  shared_session shared({fail(errc::unavailable, "busy"), session_with("second")});
  shared.start();
  shared.start();
  shared.run_for(std::chrono::seconds(10));
  EXPECT_EQ(shared.asked, 1);
  EXPECT_EQ(shared.answers, std::vector<std::string>(2, "busy"));
  EXPECT_EQ(shared.observer.count(api_operation::login, api_outcome::unavailable), 1);
  shared.start();
  shared.run_for(std::chrono::seconds(10));
  EXPECT_EQ(shared.answers.back(), "second");
}

TEST(SessionAccess, TriesRefusedCredentialsMoreAndMoreSlowly) {
  std::deque<result<access>> refusals(6, fail(errc::unauthorized, "refused"));
  shared_session shared(refusals);
  const auto ask_for = [&](duration length) {
    for (duration passed{}; passed < length; passed += std::chrono::seconds(5)) {
      shared.start();
      shared.run_for(std::chrono::seconds(5));
    }
  };
  ask_for(std::chrono::seconds(10));
  std::vector<int> asked;
  for (const int minutes : {1, 2, 4, 5, 5}) {
    // One attempt takes ten seconds; the next comes when its wait is over.
    ask_for(std::chrono::minutes(minutes) - std::chrono::seconds(5));
    asked.push_back(shared.asked);
    ask_for(std::chrono::seconds(15));
  }
  EXPECT_EQ(asked, (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(shared.answers.back(), "refused") << "everybody is told, also while nobody asks Salesforce";
  EXPECT_EQ(shared.observer.count(api_operation::login, api_outcome::unauthorized), shared.asked);
}

TEST(SessionAccess, TriesChangedCredentialsAtOnce) {
  shared_session shared({fail(errc::unauthorized, "refused"), session_with("second"), session_with("third")});
  shared.start();
  shared.run_for(std::chrono::seconds(11));
  shared.start();
  shared.run_for(std::chrono::seconds(11));
  EXPECT_EQ(shared.asked, 1);
  shared.has_news = true;
  shared.start();
  shared.run_for(std::chrono::seconds(11));
  EXPECT_EQ(shared.answers, (std::vector<std::string>{"refused", "refused", "second"}));
  shared.has_news = true;
  shared.start();
  shared.run_for(std::chrono::seconds(11));
  EXPECT_EQ(shared.answers.back(), "third") << "also while the session in use is good";
}

TEST(SessionAccess, DoesNotUseARefusedTokenAgain) {
  shared_session shared({session_with("first"), session_with("first"), session_with("second")});
  const auto renew = [](shared_session& self) -> asio::awaitable<std::vector<std::string>> {
    std::vector<std::string> told;
    const auto first = co_await self.session.current();
    for (const auto wait : {0, 61}) {
      co_await self.hub.time().sleep_for(std::chrono::seconds(wait));
      const auto next = co_await self.session.renew(first->token);
      told.push_back(next ? next->token.reveal() : next.error().text());
    }
    co_return told;
  };
  EXPECT_EQ(
      shared.hub.run(renew(shared)),
      (std::vector<std::string>{"logging in gave the same token again, which Salesforce refuses", "second"}));
}

TEST(SessionAccess, WaitsWhereANewTokenIsRefusedToo) {
  shared_session shared({session_with("first"), session_with("second"), session_with("third")});
  const auto give_up = [](shared_session& self) -> asio::awaitable<std::vector<std::string>> {
    std::vector<std::string> told;
    const auto first = co_await self.session.current();
    const auto second = co_await self.session.renew(first->token);
    self.session.give_up(first->token, {make_error_code(errc::unauthorized), "of another token"});
    self.session.give_up(second->token, {make_error_code(errc::unauthorized), "refused at once"});
    for (const auto wait : {0, 59, 2}) {
      co_await self.hub.time().sleep_for(std::chrono::seconds(wait));
      const auto next = co_await self.session.current();
      told.push_back(next ? next->token.reveal() : next.error().text());
    }
    co_return told;
  };
  EXPECT_EQ(shared.hub.run(give_up(shared)),
            (std::vector<std::string>{"refused at once", "refused at once", "third"}));
}

TEST(SessionAccess, LetsTheNextWaiterTakeOverFromACancelledOne) {
  shared_session shared({session_with("first")});
  const auto leader = std::make_shared<asio::cancellation_signal>();
  shared.start(leader);
  shared.start();
  shared.start();
  shared.run_for(std::chrono::seconds(5));
  leader->emit(asio::cancellation_type::terminal);
  shared.run_for(std::chrono::minutes(1));
  EXPECT_EQ(shared.asked, 2);
  EXPECT_EQ(shared.answers, std::vector<std::string>(2, "first"));
}

TEST(SessionAccess, DoesNotLogInForACancelledWaiter) {
  shared_session shared({session_with("first")});
  const auto waiter = std::make_shared<asio::cancellation_signal>();
  shared.start();
  shared.start(waiter);
  shared.run_for(std::chrono::seconds(5));
  waiter->emit(asio::cancellation_type::terminal);
  shared.run_for(std::chrono::minutes(1));
  EXPECT_EQ(shared.asked, 1);
  EXPECT_EQ(shared.answers, std::vector<std::string>{"first"});
}

TEST(SessionAccess, RenewsAStaleTokenOnce) {
  shared_session shared({session_with("first"), session_with("second")});
  const auto renew = [](shared_session& self) -> asio::awaitable<result<access>> {
    const auto first = co_await self.session.current();
    const auto second = co_await self.session.renew(first->token);
    EXPECT_EQ(second->token.reveal(), "second");
    auto again = co_await self.session.renew(first->token);
    co_return again;
  };
  const auto last = shared.hub.run(renew(shared));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->token.reveal(), "second") << "renewed since by someone else";
  EXPECT_EQ(shared.asked, 2);
}

}  // namespace
}  // namespace pushguard::salesforce::test
