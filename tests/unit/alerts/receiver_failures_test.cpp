// What goes wrong on the way to a receiver: for each of the four kinds it is one outcome, and the alert is
// kept.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "alerts/outbox.hpp"
#include "base/http_date.hpp"
#include "tests/support/memory_outbox_store.hpp"
#include "tests/support/receiver_kinds.hpp"
#include "tests/unit/alerts/receiver_world.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

outbox_row make_row(wall_time now) {
  outbox_row row;
  row.id = 1767323045678000;
  row.content.id = "breach:devhub:1";
  row.content.name = "PushguardRuleBreached";
  row.content.severity = alert_severity::critical;
  row.content.summary = "17 of 100 failed";
  row.content.starts_at = now;
  row.created_at = now;
  return row;
}

class ReceiverFailure : public testing::Test {
 protected:
  std::vector<std::unique_ptr<receiver>> all_at(const origin& at) {
    return test::make_every_kind(at, world.net(), world.time(), world.log());
  }
  /// Every kind is told while the world is as it is.
  void expect_of_all(delivery_verdict verdict, delivery_reason reason, const std::string& what) {
    for (const auto& to : all_at(world.peer())) {
      const delivery got = world.deliver(*to, make_row(world.time().wall_now()));
      EXPECT_EQ(got.verdict, verdict) << to->name() << " " << what << ": " << got.detail;
      EXPECT_EQ(got.reason, reason) << to->name() << " " << what << ": " << got.detail;
      EXPECT_THAT(got.detail, Not(HasSubstr("s3cret"))) << to->name();
      if (verdict != delivery_verdict::sent)
        EXPECT_THAT(got.detail, HasSubstr(world.peer().text()))
            << to->name() << " does not say who: " << what;
    }
  }

  receiver_world world;
};

// By class and with both ends of each: what delivery_test.cpp holds against the function, held against the
// receivers.
TEST_F(ReceiverFailure, OfEachStatusIsWhatTheTableSays) {
  using enum delivery_verdict;
  struct row {
    int first;
    int last;
    delivery_verdict verdict;
    delivery_reason reason;
  };
  constexpr row table[] = {{200, 299, sent, delivery_reason::ok},
                           {300, 399, retry, delivery_reason::client_error},
                           {400, 400, drop, delivery_reason::client_error},
                           {401, 401, retry, delivery_reason::auth_error},
                           {402, 402, retry, delivery_reason::client_error},
                           {403, 403, retry, delivery_reason::auth_error},
                           {404, 406, retry, delivery_reason::client_error},
                           {407, 407, retry, delivery_reason::auth_error},
                           {408, 408, retry, delivery_reason::timed_out},
                           {409, 412, retry, delivery_reason::client_error},
                           {413, 413, drop, delivery_reason::client_error},
                           {414, 421, retry, delivery_reason::client_error},
                           {422, 422, drop, delivery_reason::client_error},
                           {423, 428, retry, delivery_reason::client_error},
                           {429, 429, retry, delivery_reason::rate_limited},
                           {430, 499, retry, delivery_reason::client_error},
                           {500, 599, retry, delivery_reason::server_error}};
  int next = 200;
  for (const auto& to : all_at(world.peer())) {
    next = 200;
    for (const row& each : table) {
      ASSERT_EQ(each.first, next) << "the table leaves out a status";
      next = each.last + 1;
      for (int status = each.first; status <= each.last; ++status) {
        world.status = status;
        const delivery got = world.deliver(*to, make_row(world.time().wall_now()));
        // 410 of Standard Webhooks: the endpoint wants no more.
        const bool is_gone = status == 410 && to->name() == "bus";
        EXPECT_EQ(got.verdict, is_gone ? drop : each.verdict) << to->name() << " " << status;
        EXPECT_EQ(got.reason, each.reason) << to->name() << " " << status;
      }
    }
  }
  EXPECT_EQ(next, 600);
}

TEST_F(ReceiverFailure, OfAConnectionThatIsRefusedIsOfTheNetwork) {
  origin nobody = world.peer();
  nobody.port = static_cast<std::uint16_t>(nobody.port + 1);
  for (const auto& to : all_at(nobody)) {
    const delivery got = world.deliver(*to, make_row(world.time().wall_now()));
    EXPECT_EQ(got.verdict, delivery_verdict::retry) << to->name();
    EXPECT_EQ(got.reason, delivery_reason::network) << to->name();
    EXPECT_THAT(got.detail, HasSubstr(nobody.text())) << to->name();
  }
}

TEST_F(ReceiverFailure, OfAnAnswerThatBreaksOffIsOfTheNetworkWhereverItBreaks) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\nnot all twenty bytes";
  for (const after_reply end : {after_reply::close, after_reply::reset}) {
    world.after = end;
    for (std::size_t size = 0; size + 1 < whole.size(); size += 7) {
      world.raw = whole.substr(0, size);
      expect_of_all(delivery_verdict::retry, delivery_reason::network, fmt::format("after {} bytes", size));
    }
    world.raw = whole;
    expect_of_all(delivery_verdict::sent, delivery_reason::ok, "the whole answer");
  }
}

TEST_F(ReceiverFailure, OfAnAnswerThatIsNoHttpIsOfTheNetwork) {
  world.after = after_reply::close;
  for (const char* nonsense : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\r\n\r\n\r\n", "{}"}) {
    world.raw = nonsense;
    expect_of_all(delivery_verdict::retry, delivery_reason::network, nonsense);
  }
}

TEST_F(ReceiverFailure, OfAnAnswerThatIsTooLargeIsOfTheNetwork) {
  constexpr std::size_t answer_size_max = std::size_t{64} * 1024;
  world.answer = std::string(answer_size_max, 'x');
  expect_of_all(delivery_verdict::sent, delivery_reason::ok, "as large as may be");
  world.answer += 'x';
  expect_of_all(delivery_verdict::retry, delivery_reason::network, "a byte too large");
}

TEST_F(ReceiverFailure, OfAnAnswerThatNeverComesIsATimeoutInTime) {
  world.hangs = true;
  for (const auto& to : all_at(world.peer())) {
    const steady_time begin = world.time().steady_now();
    const delivery got = world.deliver(*to, make_row(world.time().wall_now()));
    EXPECT_EQ(got.verdict, delivery_verdict::retry) << to->name();
    EXPECT_EQ(got.reason, delivery_reason::timed_out) << to->name();
    EXPECT_EQ(world.time().steady_now() - begin, to->name() == "bus" ? 20s : 10s) << to->name();
  }
}

/// The outbox of one receiver in the world.
class told_by_outbox final : public outbox_observer {
 public:
  told_by_outbox(receiver_world& world, std::unique_ptr<receiver> to, outbox_row row)
      : world_(world), tasks_(world.context().get_executor()) {
    row.receiver = to->name();
    store.rows[row.id] = row;
    std::vector<std::unique_ptr<receiver>> receivers;
    receivers.push_back(std::move(to));
    outbox_ = std::make_unique<outbox>(world.context().get_executor(), std::move(receivers), store,
                                       world.time(), world.log(), *this, random_engine(5));
    tasks_.spawn(outbox_->run());
  }
  ~told_by_outbox() override {
    tasks_.cancel();
    world_.pass(1min);
  }
  told_by_outbox(const told_by_outbox&) = delete;
  told_by_outbox& operator=(const told_by_outbox&) = delete;

  test::memory_outbox_store store;

 private:
  void on_outcome(std::string_view, notification_outcome, delivery_reason) override {}
  void on_queue(std::string_view, std::size_t, std::optional<wall_time>) override {}

  receiver_world& world_;
  task_group tasks_;
  std::unique_ptr<outbox> outbox_;
};

TEST_F(ReceiverFailure, ThatAsksForAWaitIsGivenItAndThenTheAlert) {
  const auto in_seconds = [](wall_time) { return std::string("90"); };
  const auto as_date = [](wall_time now) { return format_http_date(now + 90s); };
  for (const std::function<std::string(wall_time)>& wait :
       {std::function<std::string(wall_time)>(in_seconds), std::function<std::string(wall_time)>(as_date)}) {
    for (std::size_t i = 0; i < 4; ++i) {
      world.seen.clear();
      world.seen_at.clear();
      world.status = 429;
      world.headers.set("Retry-After", wait(world.time().wall_now()));
      told_by_outbox told(world, std::move(all_at(world.peer())[i]), make_row(world.time().wall_now()));
      world.pass(80s);
      EXPECT_THAT(world.seen, SizeIs(1)) << i;
      world.status = 200;
      world.pass(20s);
      ASSERT_GE(world.seen.size(), 2U) << i;
      // A date has no fractions of a second.
      EXPECT_GE(world.seen_at[1] - world.seen_at[0], 89s) << i;
      EXPECT_LE(world.seen_at[1] - world.seen_at[0], 91s) << i;
      EXPECT_EQ(world.seen[0].body.size(), world.seen[1].body.size()) << i;
      EXPECT_THAT(told.store.rows, IsEmpty()) << i;
    }
  }
}

}  // namespace
}  // namespace pushguard::alerts
