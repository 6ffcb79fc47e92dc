#include "base/http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(HttpHeaders, FindsNamesWithoutCaseAndTheFirstValue) {
  const http_headers headers{{"Set-Cookie", "a=1"}, {"X", "y"}, {"set-cookie", "b=2"}};
  EXPECT_EQ(headers.find("SET-COOKIE"), "a=1");
  EXPECT_THAT(headers.all("Set-Cookie"), ElementsAre("a=1", "b=2"));
  EXPECT_EQ(headers.find("Set-Cooki"), std::nullopt);
  EXPECT_THAT(headers.all("nothing"), IsEmpty());
}

TEST(HttpHeaders, SetReplacesEveryFieldOfTheNameWhereTheFirstStood) {
  http_headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
  headers.set("a", "5");
  EXPECT_THAT((std::vector<http_headers::field>(headers.begin(), headers.end())),
              ElementsAre(Pair("A", "5"), Pair("B", "2"), Pair("C", "4")));
  headers.set("D", "6");
  EXPECT_EQ(headers.find("d"), "6");
  EXPECT_EQ(headers.size(), 4U);
}

TEST(HttpRequest, SplitsItsTarget) {
  EXPECT_EQ((http_request{.target = "/a/b?c=d"}).path(), "/a/b");
  EXPECT_EQ((http_request{.target = "/a/b"}).path(), "/a/b");
  EXPECT_EQ((http_request{.target = "/?"}).path(), "/");
}

TEST(HttpRequest, DecodesQueryParameters) {
  const http_request request{.target = "/x?a=1&b=two%20words+more&empty=&bare&a=2&%6Bey=k%26v&c=d=e"};
  EXPECT_EQ(request.query("a"), "1");
  EXPECT_EQ(request.query("b"), "two words more");
  EXPECT_EQ(request.query("empty"), "");
  EXPECT_EQ(request.query("bare"), "");
  EXPECT_EQ(request.query("key"), "k&v");
  EXPECT_EQ(request.query("c"), "d=e");
  EXPECT_EQ(request.query("d"), std::nullopt);
  EXPECT_EQ((http_request{.target = "/x"}).query("a"), std::nullopt);
  EXPECT_EQ((http_request{.target = "/x?"}).query("a"), std::nullopt);
  EXPECT_EQ((http_request{.target = "/x?&&=&"}).query("a"), std::nullopt);
}

TEST(HttpResponse, SucceedsWithTwoHundreds) {
  for (const auto& [status, is_success] :
       {std::pair(199, false), std::pair(200, true), std::pair(299, true), std::pair(300, false)}) {
    EXPECT_EQ((http_response{.status = status}).is_success(), is_success) << status;
  }
}

TEST(HttpReason, NamesWhatHasAName) {
  EXPECT_EQ(http_reason(200), "OK");
  EXPECT_EQ(http_reason(404), "Not Found");
  EXPECT_EQ(http_reason(503), "Service Unavailable");
  EXPECT_EQ(http_reason(299), "Unknown");
  EXPECT_EQ(http_reason(-1), "Unknown");
}

}  // namespace
}  // namespace pushguard
