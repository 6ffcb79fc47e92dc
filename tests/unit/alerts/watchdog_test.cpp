#include "alerts/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/fake_time.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// What a receiver answers, and what it was told.
struct listening_post {
  delivery answer{
      .verdict = delivery_verdict::sent, .reason = delivery_reason::ok, .retry_after = {}, .detail = {}};
  duration takes{};
  std::vector<duration> told_at = {};  ///< since the test began
  std::vector<outbox_row> told = {};
};

class posted_receiver final : public receiver {
 public:
  posted_receiver(std::string name, listening_post& at, time_source& time, steady_time begin)
      : name_(std::move(name)), at_(at), time_(time), begin_(begin) {}

  const std::string& name() const noexcept override { return name_; }
  asio::awaitable<delivery> deliver(outbox_row row) override {
    at_.told_at.push_back(std::chrono::duration_cast<duration>(time_.steady_now() - begin_));
    at_.told.push_back(std::move(row));
    if (at_.takes > 0s)
      co_await time_.sleep_for(at_.takes);
    co_return at_.answer;
  }

 private:
  std::string name_;
  listening_post& at_;
  time_source& time_;
  steady_time begin_;
};

alert always() {
  alert out;
  out.id = "watchdog";
  out.name = "Watchdog";
  out.severity = alert_severity::info;
  out.summary = "always fires";
  return out;
}

class Watchdog : public testing::Test, protected watchdog_observer {
 protected:
  watchdog_duty duty_to(std::string name, listening_post& at, duration interval = 1min) {
    return {.to = std::make_unique<posted_receiver>(std::move(name), at, time_, begin_),
            .interval = interval};
  }
  void start() {
    asio::co_spawn(
        context_, watchdog_.run(),
        asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr&) { ended_ = true; }));
    pass(0s);
  }
  void pass(duration length) { test::run_simulated_for(context_, time_, length); }
  void on_watchdog_sent(wall_time at) override { sent_at_.push_back(at); }

  fake_time time_;
  steady_time begin_ = time_.steady_now();
  test::recording_logger log_;
  std::vector<wall_time> sent_at_;
  watchdog watchdog_{always(), time_, log_, *this};
  asio::io_context context_{1};
  asio::cancellation_signal stop_;
  bool ended_ = false;
};

TEST_F(Watchdog, TellsAtOnceAndAtEachInterval) {
  listening_post post;
  const wall_time born = time_.wall_now();
  watchdog_.configure(duty_to("nurse", post));
  start();
  EXPECT_THAT(post.told_at, ElementsAre(0s));
  pass(2min + 59s);
  EXPECT_THAT(post.told_at, ElementsAre(0s, 1min, 2min));
  EXPECT_THAT(sent_at_, ElementsAre(born, born + 1min, born + 2min));
  EXPECT_THAT(log_.text(), IsEmpty());
}

TEST_F(Watchdog, IsOneAlertThatFiresAndNoStoredNotification) {
  listening_post post;
  const wall_time born = time_.wall_now();
  watchdog_.configure(duty_to("nurse", post));
  start();
  pass(1min);
  ASSERT_THAT(post.told, SizeIs(2));
  EXPECT_EQ(post.told[0].kind, notification_kind::fired);
  EXPECT_EQ(post.told[1].kind, notification_kind::repeated);
  EXPECT_NE(post.told[0].id, post.told[1].id)
      << "a receiver that knows ids must not take it for a repetition";
  for (const outbox_row& row : post.told) {
    EXPECT_LT(row.id, 0) << "below those of stored rows";
    EXPECT_EQ(row.receiver, "nurse");
    EXPECT_EQ(row.content.id, "watchdog");
    EXPECT_EQ(row.content.state, alert_state::firing);
    EXPECT_EQ(row.content.starts_at, born);
    EXPECT_EQ(row.content.updated_at, row.created_at);
  }
}

TEST_F(Watchdog, KeepsItsIntervalBesideSlowAnswers) {
  listening_post post{.takes = 9s};
  watchdog_.configure(duty_to("nurse", post, 10s));
  start();
  pass(35s);
  EXPECT_THAT(post.told_at, ElementsAre(0s, 10s, 20s, 30s));
}

TEST_F(Watchdog, DoesNotMakeUpForWhatASlowAnswerMissed) {
  listening_post post{.takes = 25s};
  watchdog_.configure(duty_to("nurse", post, 10s));
  start();
  pass(24s);
  post.takes = 0s;
  pass(15s);
  // Two were due meanwhile; the first late one comes at once, and nothing comes in a burst after that.
  EXPECT_THAT(post.told_at, ElementsAre(0s, 25s, 35s));
}

TEST_F(Watchdog, SaysOnceThatItFailsAndOnceThatItRecovered) {
  listening_post post;
  post.answer = {.verdict = delivery_verdict::retry,
                 .reason = delivery_reason::server_error,
                 .retry_after = {},
                 .detail = "http://nurse answered 503"};
  watchdog_.configure(duty_to("nurse", post));
  start();
  pass(3min);
  post.answer.verdict = delivery_verdict::drop;
  pass(1min);
  EXPECT_THAT(post.told_at, ElementsAre(0s, 1min, 2min, 3min, 4min));
  EXPECT_THAT(sent_at_, IsEmpty());
  EXPECT_THAT(log_.lines_of("watchdog_failing"),
              ElementsAre(AllOf(HasSubstr("receiver=nurse"), HasSubstr("reason=server_error"),
                                HasSubstr("http://nurse answered 503"))));
  post.answer.verdict = delivery_verdict::sent;
  pass(2min);
  EXPECT_THAT(sent_at_, SizeIs(2));
  EXPECT_EQ(post.told[5].kind, notification_kind::fired) << "nobody had heard of it";
  EXPECT_EQ(post.told[6].kind, notification_kind::repeated);
  EXPECT_THAT(log_.lines_of("watchdog_recovered"), ElementsAre(HasSubstr("failures=5")));
  EXPECT_THAT(log_.lines_of("watchdog_failing"), SizeIs(1));
}

TEST_F(Watchdog, WaitsForRetryAfterUpToAnHour) {
  listening_post post;
  post.answer = {.verdict = delivery_verdict::retry,
                 .reason = delivery_reason::rate_limited,
                 .retry_after = 150s,
                 .detail = {}};
  watchdog_.configure(duty_to("nurse", post));
  start();
  pass(150s);
  EXPECT_THAT(post.told_at, ElementsAre(0s, 150s));
  post.answer.retry_after = 24h;
  pass(150s);
  ASSERT_THAT(post.told_at, SizeIs(3));
  pass(1h);
  EXPECT_THAT(post.told_at, ElementsAre(0s, 150s, 5min, 5min + 1h));
}

TEST_F(Watchdog, GivesUpOnAnAnswerThatNeverComes) {
  listening_post post{.takes = 24h};
  watchdog_.configure(duty_to("nurse", post));
  start();
  pass(2min);
  EXPECT_THAT(post.told_at, ElementsAre(0s, 1min, 2min));
  EXPECT_THAT(log_.lines_of("watchdog_failing"), ElementsAre(HasSubstr("telling nurse: timed out")));
}

TEST_F(Watchdog, TellsSomebodyElseFromNowOn) {
  listening_post before;
  listening_post after;
  watchdog_.configure(duty_to("nurse", before));
  start();
  pass(90s);
  watchdog_.configure(duty_to("doctor", after, 10s));
  pass(0s);
  EXPECT_THAT(after.told_at, ElementsAre(90s)) << "at once";
  EXPECT_EQ(after.told[0].kind, notification_kind::fired);
  pass(25s);
  EXPECT_THAT(before.told_at, ElementsAre(0s, 1min));
  EXPECT_THAT(after.told_at, ElementsAre(90s, 100s, 110s));
}

TEST_F(Watchdog, LetsAnAttemptEndBeforeItTellsSomebodyElse) {
  listening_post before{.takes = 24h};
  listening_post after;
  watchdog_.configure(duty_to("nurse", before));
  start();
  watchdog_.configure(duty_to("doctor", after));
  pass(59s);
  EXPECT_THAT(after.told_at, IsEmpty());
  pass(1s);
  EXPECT_THAT(after.told_at, ElementsAre(1min));
  EXPECT_THAT(before.told_at, ElementsAre(0s));
}

TEST_F(Watchdog, TellsNobodyWithoutDuty) {
  listening_post post;
  start();
  pass(1h);
  watchdog_.configure(duty_to("nurse", post));
  pass(1min);
  EXPECT_THAT(post.told_at, ElementsAre(1h, 1h + 1min));
  watchdog_.configure({});
  pass(1h);
  EXPECT_THAT(post.told_at, SizeIs(2));
}

TEST_F(Watchdog, EndsWithoutAWord) {
  listening_post post;
  watchdog_.configure(duty_to("nurse", post));
  start();
  pass(30s);
  stop_.emit(asio::cancellation_type::terminal);
  pass(1h);
  EXPECT_TRUE(ended_);
  EXPECT_THAT(post.told_at, ElementsAre(0s));
  EXPECT_THAT(log_.text(), IsEmpty());
}

TEST_F(Watchdog, EndsInTheMiddleOfAnAttempt) {
  listening_post post{.takes = 24h};
  watchdog_.configure(duty_to("nurse", post));
  start();
  stop_.emit(asio::cancellation_type::terminal);
  pass(0s);
  EXPECT_TRUE(ended_);
  EXPECT_THAT(log_.text(), IsEmpty()) << "it was not the receiver that failed";
}

}  // namespace
}  // namespace pushguard::alerts
