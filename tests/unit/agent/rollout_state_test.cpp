#include "agent/rollout_state.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using domain::push_status;

constexpr wall_time noon{std::chrono::hours(12)};

class RolloutState : public testing::Test {
 protected:
  RolloutState() {
    rollout_.hub = "devhub";
    rollout_.id = "04t000000000001/1";
    rollout_.requests = {domain::request_id::parse("0DV000000000001").value()};
  }
  rollout_state with_wave(push_status status) {
    request_view wave;
    wave.hub = "devhub";
    wave.row.id = rollout_.requests.front();
    wave.row.status = status;
    view_update update;
    update.requests = {wave};
    read_model model;
    model.apply(update);
    return state_of(rollout_, model);
  }

  rollout_view rollout_;
};

TEST_F(RolloutState, FollowsItsWaves) {
  EXPECT_EQ(with_wave(push_status::created), rollout_state::waiting);
  EXPECT_EQ(with_wave(push_status::pending), rollout_state::waiting);
  EXPECT_EQ(with_wave(push_status::in_progress), rollout_state::running);
  rollout_.is_open = false;
  EXPECT_EQ(with_wave(push_status::succeeded), rollout_state::ended);
  EXPECT_EQ(with_wave(push_status::canceled), rollout_state::ended);
}

TEST_F(RolloutState, RunsWhileAJobDoes) {
  rollout_.jobs[static_cast<std::size_t>(push_status::in_progress)] = 1;
  EXPECT_EQ(with_wave(push_status::pending), rollout_state::running);
}

TEST_F(RolloutState, IsAbortedUntilItIsResumed) {
  rollout_.aborted_at = noon;
  EXPECT_EQ(with_wave(push_status::in_progress), rollout_state::aborted) << "whatever still runs";
  rollout_.resumed_at = noon + 1h;
  EXPECT_EQ(with_wave(push_status::in_progress), rollout_state::running);
  rollout_.aborted_at = noon + 2h;
  EXPECT_EQ(with_wave(push_status::in_progress), rollout_state::aborted) << "once more";
}

TEST_F(RolloutState, OfAWaveThatIsNotKnownYetIsWaiting) {
  EXPECT_EQ(state_of(rollout_, read_model()), rollout_state::waiting);
}

}  // namespace
}  // namespace pushguard::agent
