#include "simulator/node_router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

http_request with_cookie(std::string_view set_cookie) {
  return {.headers = {{"Cookie", "other=1; " + std::string(set_cookie.substr(0, set_cookie.find(';')))}}};
}

const steady_time start = start_of_test().steady;

TEST(NodeRouter, SendsRequestsWhereTheirCookieSays) {
  node_router router(3, 3h);
  const route first = router.choose({}, std::nullopt, start);
  const route second = router.choose({}, std::nullopt, start);
  EXPECT_NE(first.node, second.node);
  EXPECT_THAT(first.cookie, HasSubstr("; Max-Age=10800;"));
  for (int turn = 0; turn < 5; ++turn) {
    const route again = router.choose(with_cookie(first.cookie), std::nullopt, start + 3h - 1ms);
    EXPECT_EQ(again.node, first.node);
    EXPECT_EQ(again.cookie, "");
    EXPECT_FALSE(again.is_dead);
  }
}

TEST(NodeRouter, GivesACookieForOneThatIsNotValid) {
  node_router router(2, 3h);
  const std::string given = router.choose({}, std::nullopt, start).cookie;
  EXPECT_NE(router.choose(with_cookie(given), std::nullopt, start + 3h).cookie, "");
  for (const std::string_view value : {"", "!node-", "!node-1", "!node-0-99999999999", "!node-3-99999999999",
                                       "!node-1-x", "!node-1-99999999999x", "nonsense"})
    EXPECT_NE(router.choose(with_cookie("sfdc-stream=" + std::string(value)), std::nullopt, start).cookie, "")
        << value;
}

TEST(NodeRouter, WithoutACookieAClientDoesNotFindItsNodeByChance) {
  node_router router(2, 3h);
  for (const std::size_t home : {0UZ, 0UZ, 1UZ, 0UZ, 1UZ, 1UZ})
    EXPECT_EQ(router.choose({}, home, start).node, 1 - home);
  node_router single(1, 3h);
  EXPECT_EQ(single.choose({}, 0, start).node, 0U) << "there is no other";
}

TEST(NodeRouter, ADeadRouteIsOneUntilItsCookieIsDropped) {
  node_router router(2, 3h);
  const http_request lost = with_cookie(dead_route_cookie());
  const route nowhere = router.choose(lost, 0, start + 24h);
  EXPECT_TRUE(nowhere.is_dead);
  EXPECT_EQ(nowhere.cookie, "");
  http_reply reply;
  router.complete(lost, reply, start);
  EXPECT_EQ(reply.headers.size(), 0U);
  router.complete({}, reply, start);
  EXPECT_EQ(reply.headers.size(), 1U);
}

}  // namespace
}  // namespace pushguard::simulator
