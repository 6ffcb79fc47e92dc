#include "agent/cancellation.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using domain::push_status;
using policy::cancel_outcome;

class Cancellation : public testing::Test {
 protected:
  cancellation::action tell(const cancellation::event& happened) {
    return machine_.resume(happened, now_, random_);
  }
  cancellation::action read(push_status status) { return tell(cancellation::status_read{status}); }
  cancellation::action accepted() { return tell(cancellation::cancel_answered{true, "", ""}); }
  cancellation::action refused() {
    return tell(cancellation::cancel_answered{false, "INVALID_STATUS", "cannot be canceled"});
  }

  template <class Action>
  static bool is(const cancellation::action& action) {
    return std::holds_alternative<Action>(action);
  }
  static cancel_outcome outcome_of(const cancellation::action& action) {
    const auto* done = std::get_if<cancellation::done>(&action);
    EXPECT_NE(done, nullptr) << "not done yet";
    return done != nullptr ? done->outcome : cancel_outcome::unconfirmed;
  }

  steady_time now_{};
  random_engine random_{1};
  cancellation machine_{now_};
};

TEST_F(Cancellation, ReadsThenCancelsThenBelievesOnlyWhatItReads) {
  EXPECT_TRUE(is<cancellation::read_status>(cancellation::begin()));
  EXPECT_TRUE(is<cancellation::send_cancel>(read(push_status::pending)));
  EXPECT_TRUE(is<cancellation::read_status>(accepted()));
  EXPECT_EQ(outcome_of(read(push_status::canceled)), cancel_outcome::canceled);
  EXPECT_EQ(machine_.patches_sent(), 1U);
}

TEST_F(Cancellation, SendsNothingWhereAllIsDecidedAlready) {
  EXPECT_EQ(outcome_of(read(push_status::canceled)), cancel_outcome::canceled);
  EXPECT_EQ(outcome_of(read(push_status::succeeded)), cancel_outcome::finished_first);
  EXPECT_EQ(outcome_of(read(push_status::failed)), cancel_outcome::finished_first);
  EXPECT_EQ(machine_.patches_sent(), 0U);
}

TEST_F(Cancellation, KeepsSalesforcesWordsWhenARunningRequestIsRefused) {
  EXPECT_TRUE(is<cancellation::send_cancel>(read(push_status::in_progress)));
  EXPECT_TRUE(is<cancellation::read_status>(refused()));
  EXPECT_EQ(outcome_of(read(push_status::in_progress)), cancel_outcome::refused);
  EXPECT_EQ(machine_.refusal_code(), "INVALID_STATUS");
  EXPECT_EQ(machine_.refusal_message(), "cannot be canceled");
}

TEST_F(Cancellation, LosesTheRaceWhenThePendingRequestStartsBeforeThePatch) {
  EXPECT_TRUE(is<cancellation::send_cancel>(read(push_status::pending)));
  EXPECT_TRUE(is<cancellation::read_status>(refused()));
  EXPECT_EQ(outcome_of(read(push_status::in_progress)), cancel_outcome::refused);
}

TEST_F(Cancellation, DoesNotBelieveAnAcceptedPatchThatChangedNothing) {
  EXPECT_TRUE(is<cancellation::send_cancel>(read(push_status::pending)));
  EXPECT_TRUE(is<cancellation::read_status>(accepted()));
  EXPECT_TRUE(is<cancellation::wait>(read(push_status::pending)));
  EXPECT_TRUE(is<cancellation::read_status>(tell(cancellation::waited{})));
  EXPECT_TRUE(is<cancellation::send_cancel>(read(push_status::pending)));
  EXPECT_TRUE(is<cancellation::read_status>(accepted()));
  EXPECT_EQ(outcome_of(read(push_status::canceled)), cancel_outcome::canceled);
  EXPECT_EQ(machine_.patches_sent(), 2U);
}

TEST_F(Cancellation, ReadsAgainAfterAnAnswerThatWasLost) {
  EXPECT_TRUE(is<cancellation::send_cancel>(read(push_status::pending)));
  EXPECT_TRUE(is<cancellation::wait>(tell(cancellation::failed{})));
  EXPECT_TRUE(is<cancellation::read_status>(tell(cancellation::waited{})));
  EXPECT_EQ(outcome_of(read(push_status::canceled)), cancel_outcome::canceled)
      << "the PATCH had arrived, only its answer was lost";
}

TEST_F(Cancellation, TriesOnForADayAndThenGivesUp) {
  now_ += 24h - 1ms;
  EXPECT_TRUE(is<cancellation::wait>(tell(cancellation::failed{})));
  now_ += 1ms;
  EXPECT_EQ(outcome_of(tell(cancellation::failed{})), cancel_outcome::unconfirmed);
}

TEST_F(Cancellation, WaitsNoLongerThanHalfAMinuteBetweenTries) {
  for (int i = 0; i < 200; ++i) {
    const auto action = tell(cancellation::failed{});
    ASSERT_TRUE(is<cancellation::wait>(action));
    EXPECT_LE(std::get<cancellation::wait>(action).length, 30s);
  }
}

TEST_F(Cancellation, SurvivesAFailureAtEveryStepOfTheSequence) {
  for (int failing_step = 0; failing_step < 3; ++failing_step) {
    cancellation machine(now_);
    push_status world = push_status::pending;
    cancellation::action action = cancellation::begin();
    int step = 0;
    for (int guard = 0; guard < 20 && !is<cancellation::done>(action); ++guard) {
      const bool fails = step++ == failing_step;
      cancellation::event happened = cancellation::waited{};
      if (fails) {
        happened = cancellation::failed{};
      } else if (is<cancellation::read_status>(action)) {
        happened = cancellation::status_read{world};
      } else if (is<cancellation::send_cancel>(action)) {
        world = push_status::canceled;
        happened = cancellation::cancel_answered{true, "", ""};
      }
      action = machine.resume(happened, now_, random_);
    }
    EXPECT_EQ(outcome_of(action), cancel_outcome::canceled) << "failing at step " << failing_step;
  }
}

}  // namespace
}  // namespace pushguard::agent
