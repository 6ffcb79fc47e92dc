#include "agent/hold_watch.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;

struct notice_case {
  duration length;
  duration before_the_end;
};

const notice_case notice_cases[] = {{7 * 24h, 30min}, {2h, 30min}, {1h, 30min}, {40min, 20min}, {1min, 30s}};

class Notice : public testing::TestWithParam<notice_case> {};

TEST_P(Notice, ComesHalfAnHourBeforeTheEndOrHalfWay) {
  const wall_time since{1000h};
  const store::hold_record hold{.target = {.rollout = {}, .policy = "a", .rule = "b"},
                                .actor = "alice",
                                .reason = "we know",
                                .since = since,
                                .until = since + GetParam().length};
  EXPECT_EQ(notice_due(hold), hold.until - GetParam().before_the_end);
}

INSTANTIATE_TEST_SUITE_P(All, Notice, testing::ValuesIn(notice_cases));

}  // namespace
}  // namespace pushguard::agent
