#include "alerts/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <set>

#include "alerts/alert_book.hpp"
#include "base/fake_time.hpp"
#include "tests/support/memory_outbox_store.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using kind = notification_kind;

delivery answer(delivery_verdict verdict, delivery_reason reason, std::optional<duration> retry_after = {}) {
  return {
      .verdict = verdict, .reason = reason, .retry_after = retry_after, .detail = "https://peer answered"};
}
const delivery sent = answer(delivery_verdict::sent, delivery_reason::ok);
const delivery unavailable = answer(delivery_verdict::retry, delivery_reason::server_error);
const delivery refused = answer(delivery_verdict::drop, delivery_reason::client_error);

/// What a receiver does, and what it was asked: it outlives the outboxes of a test.
struct script {
  std::function<delivery(const outbox_row&)> judge = [](const outbox_row&) { return sent; };
  bool hangs = false;
  superseding mode = superseding::updates;
  std::optional<resend_policy> resends;

  struct attempt {
    steady_time when;
    outbox_row row;
  };
  std::vector<attempt> attempts;
  bool gathers = false;                            ///< by the label `group`
  std::vector<std::vector<std::string>> together;  ///< the alerts of each message of several

  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> out;
    out.reserve(attempts.size());
    for (const attempt& each : attempts) {
      out.push_back(each.row.content.id + " " + std::string(to_string(each.row.kind)));
    }
    return out;
  }
};

class scripted_receiver final : public receiver {
 public:
  scripted_receiver(std::string name, script& plays, time_source& time)
      : name_(std::move(name)), script_(plays), time_(time) {}

  const std::string& name() const noexcept override { return name_; }
  superseding supersedes() const noexcept override { return script_.mode; }
  std::optional<resend_policy> resends() const noexcept override { return script_.resends; }

  std::string group_of(const alert& content) const override {
    const auto group = content.labels.find("group");
    return script_.gathers && group != content.labels.end() ? group->second : "";
  }
  asio::awaitable<delivery> deliver_together(std::vector<outbox_row> rows) override {
    delivery worst = sent;
    std::vector<std::string> alerts;
    for (const outbox_row& row : rows) {
      alerts.push_back(row.content.id);
      if (const delivery outcome = script_.judge(row); outcome.verdict != delivery_verdict::sent) {
        worst = outcome;
      }
    }
    script_.together.push_back(std::move(alerts));
    co_return worst;
  }

  asio::awaitable<delivery> deliver(outbox_row row) override {
    script_.attempts.push_back({time_.steady_now(), row});
    if (script_.hangs) {
      co_await time_.sleep_until(steady_time::max());
    }
    co_return script_.judge(row);
  }

 private:
  std::string name_;
  script& script_;
  time_source& time_;
};

struct counting_observer final : outbox_observer {
  void on_outcome(std::string_view receiver, notification_outcome outcome, delivery_reason reason) override {
    ++outcomes[std::string(receiver) + " " + std::string(to_string(outcome)) + " " +
               std::string(to_string(reason))];
  }
  void on_queue(std::string_view receiver, std::size_t length, std::optional<wall_time> oldest) override {
    lengths[std::string(receiver)] = length;
    oldests[std::string(receiver)] = oldest;
  }

  std::map<std::string, int> outcomes;
  std::map<std::string, std::size_t> lengths;
  std::map<std::string, std::optional<wall_time>> oldests;
};

class Outbox : public testing::Test {
 protected:
  void make() {
    context_ = std::make_unique<asio::io_context>(1);
    std::vector<std::unique_ptr<receiver>> receivers;
    receivers.reserve(scripts_.size());
    for (auto& [name, plays] : scripts_) {
      receivers.push_back(std::make_unique<scripted_receiver>(name, plays, time_));
    }
    outbox_ = std::make_unique<outbox>(context_->get_executor(), std::move(receivers), store_, time_, log_,
                                       observer_, random_engine(42), options_);
  }

  void start() {
    make();
    go();
  }

  void go() {
    stop_ = std::make_unique<asio::cancellation_signal>();
    has_ended_ = false;
    asio::co_spawn(*context_, outbox_->run(),
                   asio::bind_cancellation_slot(stop_->slot(), [this](const std::exception_ptr& error) {
                     has_ended_ = true;
                     if (error) {
                       std::rethrow_exception(error);
                     }
                   }));
    pass(0s);
  }

  /// As kill -9: nothing is settled, nobody says goodbye.
  void crash() {
    context_.reset();
    outbox_.reset();
  }

  /// Answers how long the outbox took to end.
  duration stop() {
    const steady_time begin = time_.steady_now();
    stop_->emit(asio::cancellation_type::terminal);
    test::run_simulated(*context_, time_, [this] { return has_ended_; });
    return std::chrono::duration_cast<duration>(time_.steady_now() - begin);
  }

  void pass(duration length) { test::run_simulated_for(*context_, time_, length); }

  outbox_row make_row(const std::string& receiver, std::string alert_id, kind why = kind::fired) {
    outbox_row row;
    row.id = ids_.next(time_.wall_now());
    row.receiver = receiver;
    row.kind = why;
    row.content.id = std::move(alert_id);
    row.content.name = "Trouble";
    row.content.state = why == kind::resolved ? alert_state::resolved : alert_state::firing;
    if (why == kind::resolved) {
      row.content.resolved_at = time_.wall_now();
    }
    row.created_at = time_.wall_now();
    row.next_attempt_at = row.created_at;
    return row;
  }

  void commit(std::vector<outbox_row> rows) {
    for (const outbox_row& row : rows) {
      store_.rows[row.id] = row;
    }
    if (outbox_) {
      outbox_->notify_committed(std::move(rows));
    }
  }

  void commit(const notification& from) {
    auto rows = make_outbox_rows(from, time_.wall_now(), ids_);
    store_.commit(from, rows);
    if (outbox_) {
      outbox_->notify_committed(std::move(rows));
    }
  }

  void TearDown() override { crash(); }

  fake_time time_;
  test::memory_outbox_store store_;
  test::recording_logger log_;
  counting_observer observer_;
  outbox_ids ids_;
  outbox_options options_;
  std::map<std::string, script> scripts_{{"a", {}}, {"b", {}}};
  script& a_ = scripts_["a"];
  script& b_ = scripts_["b"];
  std::unique_ptr<asio::io_context> context_;
  std::unique_ptr<outbox> outbox_;
  std::unique_ptr<asio::cancellation_signal> stop_;
  bool has_ended_ = false;
};

TEST_F(Outbox, DeliversWhatWasCommittedAndSettlesIt) {
  start();
  const outbox_row row = make_row("a", "x");
  commit({row});
  pass(0s);
  ASSERT_THAT(a_.attempts, SizeIs(1));
  EXPECT_EQ(a_.attempts[0].row, row);
  EXPECT_THAT(b_.attempts, IsEmpty());
  EXPECT_THAT(store_.rows, IsEmpty());
  EXPECT_EQ(store_.ended.at(row.id), outbox_end::sent);
  EXPECT_EQ(observer_.outcomes, (std::map<std::string, int>{{"a sent ok", 1}}));
  EXPECT_THAT(log_.lines_of("notification_sent"), SizeIs(1));
}

TEST_F(Outbox, DeliversWhatTheStoreHeldBefore) {
  commit({make_row("a", "x"), make_row("b", "x"), make_row("a", "y")});
  start();
  EXPECT_THAT(a_.told(), ElementsAre("x fired", "y fired"));
  EXPECT_THAT(b_.told(), ElementsAre("x fired"));
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Outbox, DeliversRowsOnceThatWereCommittedBeforeItRuns) {
  make();
  commit({make_row("a", "x")});
  EXPECT_EQ(observer_.lengths["a"], 1U);
  go();
  pass(1h);
  EXPECT_THAT(a_.told(), ElementsAre("x fired"));
  EXPECT_EQ(observer_.lengths["a"], 0U);
}

TEST_F(Outbox, WaitsBetweenAttemptsWithFullJitterUpToTheLimit) {
  a_.judge = [](const outbox_row&) { return unavailable; };
  start();
  commit({make_row("a", "x")});
  pass(1h);
  ASSERT_GT(a_.attempts.size(), 60U) << "an hour at most 60 s apart";
  EXPECT_LT(a_.attempts.size(), 240U);
  duration longest_wait{};
  for (std::size_t i = 1; i < a_.attempts.size(); ++i) {
    const auto wait = std::chrono::duration_cast<duration>(a_.attempts[i].when - a_.attempts[i - 1].when);
    const duration ceiling =
        std::min<duration>(60s, 1s * (std::int64_t{1} << std::min<std::size_t>(i - 1, 30)));
    EXPECT_LE(wait, ceiling) << "after attempt " << i;
    longest_wait = std::max(longest_wait, wait);
  }
  EXPECT_GT(longest_wait, 50s) << "the waits should fill their range";
}

TEST_F(Outbox, LosesNothingInAnHoursOutage) {
  bool is_down = true;
  a_.judge = [&](const outbox_row&) { return is_down ? unavailable : sent; };
  start();
  for (int i = 0; i < 60; ++i) {
    commit({make_row("a", "x" + std::to_string(i))});
    pass(1min);
  }
  EXPECT_THAT(store_.rows, SizeIs(60));
  is_down = false;
  a_.attempts.clear();
  pass(2min);
  EXPECT_THAT(a_.attempts, SizeIs(60));
  EXPECT_THAT(store_.rows, IsEmpty());
  EXPECT_THAT(log_.lines_of("receiver_failing"), SizeIs(1)) << "a repeated failure is counted, not repeated";
  EXPECT_THAT(log_.lines_of("receiver_recovered"), SizeIs(1));
}

TEST_F(Outbox, HonoursRetryAfterForTheWholeReceiver) {
  bool is_first = true;
  a_.judge = [&](const outbox_row&) {
    return std::exchange(is_first, false)
               ? answer(delivery_verdict::retry, delivery_reason::rate_limited, 10min)
               : sent;
  };
  start();
  commit({make_row("a", "x"), make_row("a", "y")});
  pass(10min - 1ms);
  EXPECT_THAT(a_.told(), ElementsAre("x fired"));
  pass(1ms);
  EXPECT_THAT(a_.told(), ElementsAre("x fired", "y fired", "x fired"));
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Outbox, DoesNotLetRetryAfterSilenceAReceiverForGood) {
  a_.judge = [](const outbox_row&) {
    return answer(delivery_verdict::retry, delivery_reason::rate_limited, 24h * 365);
  };
  start();
  commit({make_row("a", "x")});
  pass(1h - 1ms);
  EXPECT_THAT(a_.attempts, SizeIs(1));
  pass(1min + 1ms);
  EXPECT_THAT(a_.attempts, SizeIs(2));
}

TEST_F(Outbox, HoldsRetryAfterOverARestart) {
  a_.judge = [](const outbox_row&) {
    return answer(delivery_verdict::retry, delivery_reason::rate_limited, 10min);
  };
  start();
  commit({make_row("a", "x")});
  pass(1min);
  stop();
  crash();
  a_.judge = [](const outbox_row&) { return sent; };
  start();
  pass(9min - 1ms);
  EXPECT_THAT(a_.attempts, SizeIs(1));
  pass(1ms);
  ASSERT_THAT(a_.attempts, SizeIs(2));
  EXPECT_EQ(a_.attempts[1].row.attempts, 1U);
}

TEST_F(Outbox, IsNotKeptWaitingByAClockThatWasSetBack) {
  outbox_row row = make_row("a", "x");
  row.next_attempt_at += 24h * 365;
  commit({row});
  start();
  pass(1h);
  EXPECT_THAT(a_.attempts, SizeIs(1));
}

TEST_F(Outbox, TriesSlowlyWhatOnlyAHumanCanHeal) {
  a_.judge = [](const outbox_row&) { return answer(delivery_verdict::retry, delivery_reason::auth_error); };
  start();
  commit({make_row("a", "x")});
  pass(2h);
  EXPECT_GT(a_.attempts.size(), 24U);
  EXPECT_LT(a_.attempts.size(), 90U);
  const auto lines = log_.lines_of("receiver_failing");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], HasSubstr("level=error"));
  EXPECT_THAT(lines[0], HasSubstr("auth_error"));
  EXPECT_THAT(store_.rows, SizeIs(1));
}

TEST_F(Outbox, LogsAFailureAgainWhenItsReasonChanges) {
  delivery_reason why = delivery_reason::network;
  a_.judge = [&](const outbox_row&) { return answer(delivery_verdict::retry, why); };
  start();
  commit({make_row("a", "x")});
  pass(10min);
  why = delivery_reason::server_error;
  pass(10min);
  EXPECT_THAT(log_.lines_of("receiver_failing"),
              ElementsAre(HasSubstr("reason=network"), HasSubstr("reason=server_error")));
}

TEST_F(Outbox, KeepsTheOrderOfOneAlertAndLetsOthersPass) {
  int failures_left = 3;
  a_.judge = [&](const outbox_row& row) {
    return row.content.id == "x" && failures_left-- > 0 ? unavailable : sent;
  };
  start();
  commit(
      {make_row("a", "x", kind::fired), make_row("a", "x", kind::resolved), make_row("a", "y", kind::fired)});
  pass(5min);
  std::vector<std::string> of_x;
  std::size_t y_at = 0;
  for (const auto& each : a_.told()) {
    if (each == "y fired") {
      y_at = of_x.size();
    } else {
      of_x.push_back(each);
    }
  }
  EXPECT_THAT(of_x, ElementsAre("x fired", "x fired", "x fired", "x fired", "x resolved"));
  EXPECT_LT(y_at, 4U) << "y waited for x";
}

TEST_F(Outbox, GivesTheOthersTheirTurnBesideOneThatAlwaysFails) {
  a_.judge = [](const outbox_row& row) { return row.content.id == "poison" ? unavailable : sent; };
  start();
  commit({make_row("a", "poison")});
  pass(1h);
  std::set<outbox_id> expected;
  for (int i = 0; i < 100; ++i) {
    auto row = make_row("a", "x" + std::to_string(i));
    expected.insert(row.id);
    commit({row});
    pass(1min + 1s);
  }
  for (const outbox_id id : expected) {
    EXPECT_EQ(store_.ended.count(id), 1U);
  }
  EXPECT_THAT(store_.rows, SizeIs(1));
}

TEST_F(Outbox, IsNotDelayedByAReceiverThatNeverAnswers) {
  a_.hangs = true;
  start();
  for (int i = 0; i < 50; ++i) {
    commit({make_row("a", "x" + std::to_string(i)), make_row("b", "x" + std::to_string(i))});
    pass(0s);
    EXPECT_THAT(b_.attempts, SizeIs(i + 1));
  }
  pass(1min);
  EXPECT_EQ(observer_.outcomes["a retried timed_out"], 1);
  EXPECT_THAT(a_.attempts.size(), testing::Ge(1U));
  EXPECT_EQ(observer_.lengths["a"], 50U);
  EXPECT_EQ(observer_.lengths["b"], 0U);
}

TEST_F(Outbox, DropsWhatTheReceiverRefusesForGood) {
  a_.judge = [](const outbox_row&) { return refused; };
  start();
  const outbox_row row = make_row("a", "x");
  commit({row});
  pass(1h);
  EXPECT_THAT(a_.attempts, SizeIs(1));
  EXPECT_EQ(store_.ended.at(row.id), outbox_end::dropped);
  EXPECT_EQ(observer_.outcomes["a dropped client_error"], 1);
  ASSERT_THAT(log_.lines_of("notification_dropped"), SizeIs(1));
  EXPECT_THAT(log_.lines_of("notification_dropped")[0], HasSubstr("level=error"));
}

class Groups : public Outbox {
 protected:
  outbox_row make_grouped(const std::string& alert_id, const std::string& group) {
    outbox_row row = make_row("a", alert_id);
    row.content.labels = {{"group", group}};
    return row;
  }
};

TEST_F(Groups, ComeAsOneMessageWhereTheReceiverLikesThat) {
  a_.gathers = true;
  start();
  commit({make_grouped("x", "one"), make_grouped("y", "one"), make_grouped("z", "two")});
  pass(1s);
  EXPECT_THAT(a_.together, ElementsAre(ElementsAre("x", "y")));
  EXPECT_THAT(a_.told(), ElementsAre("z fired"));
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Groups, AreTriedAgainTogether) {
  a_.gathers = true;
  bool is_up = false;
  a_.judge = [&](const outbox_row&) { return is_up ? sent : unavailable; };
  start();
  commit({make_grouped("x", "one"), make_grouped("y", "one")});
  pass(10ms);
  is_up = true;
  pass(1min);
  ASSERT_THAT(a_.together, SizeIs(testing::Ge(2U)));
  EXPECT_THAT(a_.together.back(), ElementsAre("x", "y"));
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Groups, AreTakenApartWhereTheyAreRefusedSoThatOnlyTheCulpritIsDropped) {
  a_.gathers = true;
  a_.judge = [](const outbox_row& row) { return row.content.id == "bad" ? refused : sent; };
  start();
  const outbox_row bad = make_grouped("bad", "one");
  const outbox_row good = make_grouped("good", "one");
  commit({bad, good});
  pass(1s);
  EXPECT_THAT(a_.together, SizeIs(1));
  EXPECT_THAT(a_.told(), ElementsAre("bad fired", "good fired"));
  EXPECT_EQ(store_.ended.at(bad.id), outbox_end::dropped);
  EXPECT_EQ(store_.ended.at(good.id), outbox_end::sent);
}

TEST_F(Outbox, SendsAgainWithTheSameIdsAfterACrashBeforeTheSettling) {
  store_.fails_to_settle = true;
  start();
  const outbox_row row = make_row("a", "x");
  commit({row});
  pass(0s);
  ASSERT_THAT(a_.attempts, SizeIs(1));
  crash();
  store_.fails_to_settle = false;
  start();
  ASSERT_THAT(a_.attempts, SizeIs(2));
  EXPECT_EQ(a_.attempts[1].row.id, row.id);
  EXPECT_EQ(a_.attempts[1].row.content, row.content);
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Outbox, SettlesLaterWhatTheStoreWouldNotTakeWithoutSendingTwice) {
  store_.fails_to_settle = true;
  start();
  commit({make_row("a", "x"), make_row("a", "y")});
  pass(10min);
  EXPECT_THAT(a_.attempts, SizeIs(2)) << "a failing store does not stop delivery";
  EXPECT_THAT(store_.rows, SizeIs(2));
  EXPECT_THAT(log_.lines_of("outbox_store_failing"), SizeIs(1));
  store_.fails_to_settle = false;
  pass(2min);
  EXPECT_THAT(store_.rows, IsEmpty());
  EXPECT_THAT(a_.attempts, SizeIs(2));
  EXPECT_THAT(log_.lines_of("outbox_store_recovered"), SizeIs(1));
}

TEST_F(Outbox, SettlesInBatches) {
  start();
  store_.hangs = true;
  for (int i = 0; i < 100; ++i) {
    commit({make_row("a", "x" + std::to_string(i))});
  }
  pass(1s);
  EXPECT_THAT(a_.attempts, SizeIs(100));
  EXPECT_EQ(store_.settlings, 1) << "one runs, the rest wait for it";
  store_.release();
  pass(0s);
  EXPECT_EQ(store_.settlings, 2);
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Outbox, DeliversWhatIsAtHandWhileTheStoreCannotBeRead) {
  store_.fails_to_load = true;
  start();
  pass(1min);
  commit({make_row("a", "x")});
  pass(0s);
  EXPECT_THAT(a_.told(), ElementsAre("x fired"));
  EXPECT_THAT(log_.lines_of("outbox_load_failing"), SizeIs(2)) << "once for each receiver";
  store_.fails_to_load = false;
  pass(2min);
  EXPECT_THAT(a_.attempts, SizeIs(1)) << "it is settled by then";
  EXPECT_THAT(log_.lines_of("outbox_load_recovered"), SizeIs(2));
}

TEST_F(Outbox, DeliversWhatIsAtHandWhenTheStoreDoesNotAnswer) {
  store_.hangs = true;
  make();
  // As where decisions are carried out although they cannot be recorded: the store does not have them.
  outbox_->notify_committed({make_row("a", "before it runs")});
  go();
  outbox_->notify_committed({make_row("a", "while it reads")});
  pass(options_.store_timeout - 1ms);
  EXPECT_THAT(a_.attempts, IsEmpty());
  pass(1ms);
  EXPECT_THAT(a_.told(), ElementsAre("before it runs fired", "while it reads fired"));
  EXPECT_EQ(observer_.lengths["a"], 0U);
}

TEST_F(Outbox, ReadsAgainWhenMoreCameThanItCouldHoldMeanwhile) {
  options_.rows_in_memory_max = 4;
  store_.hangs = true;
  start();
  for (int i = 0; i < 30; ++i) {
    commit({make_row("a", "x", i % 2 == 0 ? kind::fired : kind::resolved)});
  }
  EXPECT_EQ(observer_.lengths["a"], 30U);
  store_.release();
  pass(1s);
  ASSERT_THAT(a_.attempts, SizeIs(30));
  for (std::size_t i = 1; i < 30; ++i) {
    EXPECT_LT(a_.attempts[i - 1].row.id, a_.attempts[i].row.id);
  }
  EXPECT_EQ(observer_.lengths["a"], 0U);
}

TEST_F(Outbox, KeepsMemoryBoundedAndTheOrderWhenALotWaits) {
  options_.rows_in_memory_max = 20;
  a_.judge = [](const outbox_row&) { return unavailable; };
  start();
  for (int i = 0; i < 1000; ++i) {
    const kind why = i % 2 == 0 ? kind::fired : kind::resolved;
    commit({make_row("a", "x" + std::to_string(i % 10), why)});
  }
  pass(1s);
  EXPECT_EQ(observer_.lengths["a"], 1000U);
  a_.judge = [](const outbox_row&) { return sent; };
  pass(2min);
  EXPECT_THAT(store_.rows, IsEmpty());
  EXPECT_EQ(observer_.lengths["a"], 0U);
  EXPECT_LE(store_.largest_page, 20U + 20U) << "at most what is at hand or just ended, and a memory's worth";
  std::map<std::string, outbox_id> last;
  std::set<outbox_id> seen;
  for (const auto& each : a_.attempts) {
    EXPECT_GE(each.row.id, last[each.row.content.id]) << "out of order";
    last[each.row.content.id] = each.row.id;
    seen.insert(each.row.id);
  }
  EXPECT_THAT(seen, SizeIs(1000));
}

TEST_F(Outbox, TakesRowsInThatComeWhileTheStoreIsRead) {
  start();
  crash();
  commit({make_row("a", "old")});
  store_.hangs = true;
  start();
  commit({make_row("a", "new")});
  pass(1s);
  EXPECT_THAT(a_.attempts, IsEmpty());
  store_.release();
  pass(0s);
  EXPECT_THAT(a_.told(), ElementsAre("old fired", "new fired"));
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Outbox, LetsANewerNotificationStandForOlderOnes) {
  a_.mode = superseding::any;
  a_.judge = [](const outbox_row&) { return unavailable; };
  start();
  const outbox_row first = make_row("a", "x", kind::fired);
  const outbox_row second = make_row("a", "x", kind::updated);
  const outbox_row third = make_row("a", "x", kind::resolved);
  commit({first});
  pass(5s);
  commit({second});
  commit({third});
  a_.judge = [](const outbox_row&) { return sent; };
  a_.attempts.clear();
  pass(2min);
  EXPECT_THAT(a_.told(), ElementsAre("x resolved"));
  EXPECT_EQ(store_.ended.at(first.id), outbox_end::superseded);
  EXPECT_EQ(store_.ended.at(second.id), outbox_end::superseded);
  EXPECT_EQ(store_.ended.at(third.id), outbox_end::sent);
  EXPECT_EQ(observer_.outcomes["a superseded ok"], 2);
}

TEST_F(Outbox, ReportsEveryQueueFromTheStart) {
  start();
  EXPECT_EQ(observer_.lengths, (std::map<std::string, std::size_t>{{"a", 0}, {"b", 0}}));
  a_.judge = [](const outbox_row&) { return unavailable; };
  const wall_time made = time_.wall_now();
  commit({make_row("a", "x")});
  pass(1min);
  commit({make_row("a", "y")});
  EXPECT_EQ(observer_.lengths["a"], 2U);
  EXPECT_EQ(observer_.oldests["a"], made);
  const auto status = outbox_->status();
  ASSERT_THAT(status, SizeIs(2));
  EXPECT_EQ(status[0].receiver, "a");
  EXPECT_EQ(status[0].queue_length, 2U);
  EXPECT_EQ(status[0].oldest, made);
  EXPECT_EQ(status[0].last_reason, delivery_reason::server_error);
  EXPECT_EQ(status[0].last_failure, "https://peer answered");
  EXPECT_GT(status[0].failures, 0U);
  EXPECT_FALSE(status[0].last_sent_at);
  a_.judge = [](const outbox_row&) { return sent; };
  pass(2min);
  EXPECT_FALSE(observer_.oldests["a"]);
  EXPECT_EQ(outbox_->status()[0].failures, 0U);
  EXPECT_EQ(outbox_->status()[0].last_failure, "");
  EXPECT_TRUE(outbox_->status()[0].last_sent_at);
}

TEST_F(Outbox, LeavesRowsOfUnknownReceiversInTheStore) {
  start();
  commit({make_row("gone", "x"), make_row("a", "x")});
  pass(1h);
  EXPECT_THAT(a_.told(), ElementsAre("x fired"));
  EXPECT_THAT(store_.rows, SizeIs(1));
  EXPECT_THAT(log_.lines_of("receiver_unknown"), SizeIs(1));
}

TEST_F(Outbox, TakesOnAReceiverAndDeliversWhatWaitsForIt) {
  script c;
  commit({make_row("c", "before")});
  start();
  std::vector<std::unique_ptr<receiver>> added;
  added.push_back(std::make_unique<scripted_receiver>("c", c, time_));
  outbox_->configure({}, std::move(added));
  commit({make_row("c", "after"), make_row("a", "x")});
  pass(1min);
  EXPECT_THAT(c.told(), ElementsAre("before fired", "after fired"));
  EXPECT_THAT(a_.told(), ElementsAre("x fired"));
  EXPECT_THAT(outbox_->status(), SizeIs(3));
}

TEST_F(Outbox, LetsGoOfAReceiverAndKeepsWhatWaitsForIt) {
  a_.judge = [](const outbox_row&) { return unavailable; };
  start();
  commit({make_row("a", "x")});
  pass(1min);
  outbox_->configure({"a"}, {});
  const auto attempts = a_.attempts.size();
  pass(1h);
  EXPECT_THAT(a_.attempts, SizeIs(attempts));
  EXPECT_THAT(store_.rows, SizeIs(1));
  EXPECT_THAT(outbox_->status(), SizeIs(1));
  // It comes back, and is well.
  a_.judge = [](const outbox_row&) { return sent; };
  std::vector<std::unique_ptr<receiver>> added;
  added.push_back(std::make_unique<scripted_receiver>("a", a_, time_));
  outbox_->configure({}, std::move(added));
  pass(1min);
  EXPECT_THAT(a_.attempts, SizeIs(attempts + 1));
  EXPECT_THAT(store_.rows, IsEmpty());
}

TEST_F(Outbox, ReplacesAReceiverThatHangsAndDisturbsNoOther) {
  script changed;
  a_.hangs = true;
  start();
  commit({make_row("a", "x"), make_row("b", "x")});
  pass(0s);
  std::vector<std::unique_ptr<receiver>> added;
  added.push_back(std::make_unique<scripted_receiver>("a", changed, time_));
  outbox_->configure({"a"}, std::move(added));
  pass(1s);
  EXPECT_THAT(changed.told(), ElementsAre("x fired"));
  EXPECT_THAT(b_.told(), ElementsAre("x fired"));
  EXPECT_LT(stop(), 1s);
}

TEST_F(Outbox, EndsAtOnceAndSettlesWhatItKnows) {
  a_.hangs = true;
  start();
  store_.hangs = true;
  commit({make_row("a", "x"), make_row("b", "y")});
  pass(1s);
  ASSERT_THAT(b_.attempts, SizeIs(1));
  store_.hangs = false;
  EXPECT_EQ(stop(), 0s);
  EXPECT_THAT(store_.rows, SizeIs(1)) << "y was delivered, x was not";
  EXPECT_EQ(store_.rows.begin()->second.content.id, "x");
}

TEST_F(Outbox, EndsWithinItsBoundWhenTheStoreHangs) {
  a_.hangs = true;
  start();
  store_.hangs = true;
  commit({make_row("a", "x"), make_row("b", "y")});
  pass(1s);
  EXPECT_EQ(stop(), options_.drain);
  EXPECT_TRUE(has_ended_);
}

TEST_F(Outbox, EndsWhileItWaitsBetweenAttempts) {
  a_.judge = [](const outbox_row&) { return unavailable; };
  store_.fails_to_load = true;
  start();
  pass(1min);
  EXPECT_EQ(stop(), 0s);
}

// Whatever is killed whenever: everything is delivered, and in the order of each alert.
TEST_F(Outbox, LosesAndReordersNothingOverManyCrashes) {
  options_.rows_in_memory_max = 8;
  random_engine random(7);
  std::uniform_int_distribution<int> die(0, 99);
  std::map<std::string, std::vector<outbox_id>> first_deliveries;
  std::set<outbox_id> committed;
  std::set<outbox_id> delivered;
  a_.judge = [&](const outbox_row& row) {
    if (die(random) < 40) {
      return unavailable;
    }
    if (delivered.insert(row.id).second) {
      first_deliveries[row.content.id].push_back(row.id);
    }
    return sent;
  };
  start();
  for (int round = 0; round < 400; ++round) {
    store_.fails_to_settle = die(random) < 20;
    for (int i = die(random) % 4; i > 0; --i) {
      const outbox_row row =
          make_row("a", "x" + std::to_string(die(random) % 5), i % 2 ? kind::fired : kind::resolved);
      committed.insert(row.id);
      commit({row});
    }
    pass(std::chrono::milliseconds(die(random) * 20));
    if (die(random) < 15) {
      crash();
      start();
    }
  }
  store_.fails_to_settle = false;
  pass(1h);
  EXPECT_THAT(store_.rows, IsEmpty());
  EXPECT_EQ(delivered, committed);
  for (const auto& [id, order] : first_deliveries) {
    EXPECT_TRUE(std::ranges::is_sorted(order)) << id;
  }
}

class OutboxResends : public Outbox {
 protected:
  OutboxResends() {
    a_.mode = superseding::any;
    a_.resends = resend_policy{.interval = 1min, .resolved_for = 5min};
  }

  alert make_alert(const std::string& id) {
    alert out;
    out.id = id;
    out.name = "Trouble";
    return out;
  }

  alert_book book_{{{.severities = {}, .receivers = {"a", "b"}}}};
};

TEST_F(OutboxResends, TellAFiringAlertAgainEveryInterval) {
  start();
  commit(*book_.raise(make_alert("x"), time_.wall_now()));
  pass(10min);
  EXPECT_THAT(a_.attempts, SizeIs(11));
  EXPECT_THAT(b_.attempts, SizeIs(1)) << "b did not ask for it";
  EXPECT_THAT(log_.lines_of("notification_sent"), SizeIs(2)) << "re-sends are no news";
  EXPECT_EQ(observer_.outcomes["a sent ok"], 11);
}

TEST_F(OutboxResends, TellTheLatestContent) {
  start();
  commit(*book_.raise(make_alert("x"), time_.wall_now()));
  pass(90s);
  alert changed = make_alert("x");
  changed.summary = "worse";
  commit(*book_.raise(changed, time_.wall_now()));
  pass(0s);
  a_.attempts.clear();
  pass(3min);
  ASSERT_THAT(a_.attempts, SizeIs(3));
  for (const auto& each : a_.attempts) {
    EXPECT_EQ(each.row.content.summary, "worse");
  }
}

TEST_F(OutboxResends, EndSomeTimeAfterTheResolution) {
  start();
  commit(*book_.raise(make_alert("x"), time_.wall_now()));
  pass(1s);
  commit(*book_.resolve("x", time_.wall_now()));
  a_.attempts.clear();
  pass(1h);
  EXPECT_THAT(a_.attempts, SizeIs(6)) << "once, and each minute for five";
  EXPECT_THAT(a_.told(), Each(std::string("x resolved")));
}

TEST_F(OutboxResends, GoOnAfterARestart) {
  start();
  commit(*book_.raise(make_alert("fires"), time_.wall_now()));
  commit(*book_.raise(make_alert("ended"), time_.wall_now()));
  commit(*book_.raise(make_alert("ended long ago"), time_.wall_now()));
  pass(0s);
  commit(*book_.resolve("ended long ago", time_.wall_now()));
  pass(4min);
  commit(*book_.resolve("ended", time_.wall_now()));
  pass(2min);
  crash();
  a_.attempts.clear();
  b_.attempts.clear();
  start();
  EXPECT_THAT(a_.told(), testing::UnorderedElementsAre("fires repeated", "ended resolved"));
  pass(10min);
  EXPECT_EQ(std::ranges::count(a_.told(), "fires repeated"), 11);
  EXPECT_EQ(std::ranges::count(a_.told(), "ended resolved"), 4);
  EXPECT_THAT(b_.attempts, IsEmpty());
}

TEST_F(OutboxResends, AreForReceiversThatWereTold) {
  alert_book elsewhere({{.severities = {}, .receivers = {"b"}}});
  commit(*elsewhere.raise(make_alert("x"), time_.wall_now()));
  start();
  pass(1h);
  EXPECT_THAT(a_.attempts, IsEmpty());
}

TEST_F(OutboxResends, StopWhenTheReceiverRefusesTheAlert) {
  start();
  commit(*book_.raise(make_alert("x"), time_.wall_now()));
  pass(1s);
  a_.judge = [](const outbox_row&) { return refused; };
  a_.attempts.clear();
  pass(1h);
  EXPECT_THAT(a_.attempts, SizeIs(1));
  EXPECT_THAT(log_.lines_of("notification_dropped"), SizeIs(1));
}

TEST_F(OutboxResends, GoOnAfterAnOutageAndLetNewsThrough) {
  start();
  commit(*book_.raise(make_alert("x"), time_.wall_now()));
  pass(1s);
  a_.judge = [](const outbox_row&) { return unavailable; };
  pass(1h);
  EXPECT_EQ(observer_.lengths["a"], 0U) << "a re-send waits in no queue";
  commit(*book_.raise(make_alert("y"), time_.wall_now()));
  a_.judge = [](const outbox_row& row) { return row.content.id == "x" ? unavailable : sent; };
  pass(3min);
  EXPECT_THAT(store_.rows, IsEmpty()) << "y waited for x";
  a_.judge = [](const outbox_row&) { return sent; };
  pass(2min);
  a_.attempts.clear();
  pass(10min);
  EXPECT_EQ(std::ranges::count(a_.told(), "x repeated"), 10);
}

}  // namespace
}  // namespace pushguard::alerts
