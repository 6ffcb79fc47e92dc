#include "alerts/delivery.hpp"

#include <gtest/gtest.h>

namespace pushguard::alerts {
namespace {

using namespace std::chrono_literals;
using verdict = delivery_verdict;
using reason = delivery_reason;

const wall_time now = parse_time("1994-11-06T08:49:37Z").value();

struct expectation {
  verdict what;
  reason why;
};

expectation expected_for(int status) {
  if (status < 300)
    return {verdict::sent, reason::ok};
  if (status == 400 || status == 413 || status == 422)
    return {verdict::drop, reason::client_error};
  if (status == 401 || status == 403 || status == 407)
    return {verdict::retry, reason::auth_error};
  if (status == 408)
    return {verdict::retry, reason::timed_out};
  if (status == 429)
    return {verdict::retry, reason::rate_limited};
  return {verdict::retry, status < 500 ? reason::client_error : reason::server_error};
}

TEST(JudgeResponse, KnowsEveryStatus) {
  for (int status = 200; status <= 599; ++status) {
    const delivery got =
        judge_response({.status = status, .headers = {}, .body = {}}, "https://example.com", now);
    EXPECT_EQ(got.verdict, expected_for(status).what) << status;
    EXPECT_EQ(got.reason, expected_for(status).why) << status;
    EXPECT_NE(got.detail.find("https://example.com answered " + std::to_string(status)), std::string::npos)
        << got.detail;
    EXPECT_FALSE(got.retry_after) << status;
  }
}

TEST(JudgeResponse, NeverLosesAMessageToAStatusOutOfRange) {
  for (const int status : {0, 100, 199, 600, 999}) {
    const delivery got = judge_response({.status = status, .headers = {}, .body = {}}, "peer", now);
    EXPECT_EQ(got.verdict, verdict::retry) << status;
    EXPECT_EQ(got.reason, reason::server_error) << status;
  }
}

TEST(JudgeResponse, ReadsRetryAfterWhereverItIsTriedAgain) {
  for (const int status : {429, 500, 503, 408, 401, 404}) {
    const delivery got =
        judge_response({.status = status, .headers = {{"retry-after", "7"}}, .body = {}}, "peer", now);
    EXPECT_EQ(got.retry_after, 7s) << status;
  }
  for (const int status : {200, 202, 400}) {
    const delivery got =
        judge_response({.status = status, .headers = {{"Retry-After", "7"}}, .body = {}}, "peer", now);
    EXPECT_FALSE(got.retry_after) << status;
  }
}

TEST(JudgeResponse, DoesNotRepeatTheBody) {
  const delivery got = judge_response({.status = 500, .headers = {}, .body = "key=hidden"}, "peer", now);
  EXPECT_EQ(got.detail.find("hidden"), std::string::npos);
}

TEST(JudgeFailure, TellsTimeoutsFromTheRest) {
  EXPECT_EQ(judge_failure({errc::timed_out, "x"}).reason, reason::timed_out);
  for (const errc kind :
       {errc::closed, errc::unreachable, errc::untrusted, errc::too_large, errc::malformed}) {
    const delivery got = judge_failure({kind, "why"});
    EXPECT_EQ(got.verdict, verdict::retry);
    EXPECT_EQ(got.reason, reason::network);
    EXPECT_EQ(got.detail, "why");
  }
}

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after(" 5 ", now), 5s);
  EXPECT_GT(parse_retry_after("99999999999999999999", now), 24h * 365);
}

TEST(RetryAfter, ReadsEachFormOfADate) {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994"}) {
    EXPECT_EQ(parse_retry_after(text, now), 60s) << text;
  }
}

TEST(RetryAfter, TakesADateThatHasPassedAsNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 0s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1988 08:49:37 GMT", now), 0s);
}

TEST(RetryAfter, CompletesYearsOfTwoDigitsWithinFiftyYears) {
  EXPECT_EQ(parse_retry_after("Friday, 01-Jan-99 00:00:00 GMT", now),
            *parse_time("1999-01-01T00:00:00Z") - now);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-44 08:49:37 GMT", now),
            *parse_time("2044-11-06T08:49:37Z") - now);
  EXPECT_EQ(parse_retry_after("Tuesday, 06-Nov-45 08:49:37 GMT", now), 0s) << "1945: 2045 is 51 years on";
}

TEST(RetryAfter, IgnoresWhatItCannotRead) {
  for (const char* text :
       {"", " ", "-1", "1.5", "soon", "5s", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994",
        "Sun, 06 Non 1994 08:50:37 GMT", "Sun, 31 Feb 1995 08:50:37 GMT", "Sun, 06 Nov 1994 24:50:37 GMT",
        "Sun, 06 Nov 1994 8:50:37 GMT", "Sun, 06 Nov 1994 08:50:37 CET", "Sun, 06 Nov 99999 08:50:37 GMT",
        "Sun, -6 Nov 1994 08:50:37 CET", "Sun, 06 Nov 1994 08:60:37 GMT"}) {
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
  }
}

TEST(DeliveryNames, AreDistinct) {
  std::string all;
  for (const auto each : delivery_reasons) {
    const std::string name(to_string(each));
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(all.find(" " + name + " "), std::string::npos) << name;
    all += " " + name + " ";
  }
}

}  // namespace
}  // namespace pushguard::alerts
