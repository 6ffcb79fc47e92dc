#include "agent/salesforce/rest.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/array.hpp>

#include "base/gzip.hpp"
#include "tests/unit/agent/salesforce/scripted_hub.hpp"

namespace pushguard::salesforce::test {
namespace {

namespace asio = boost::asio;

domain::request_id request_one() {
  return *domain::request_id::parse("0DV000000000001");
}

class Rest : public testing::Test {
 protected:
  api_result<query_summary> query(std::string soql = "SELECT Id FROM PackagePushJob") {
    return hub.run(client.rest.query(std::move(soql),
                                     [this](std::span<const boost::json::value> records, std::uint64_t) {
                                       rows_of_pages.push_back(records.size());
                                     }));
  }

  scripted_hub hub;
  hub_client client{hub};
  std::vector<std::size_t> rows_of_pages;
};

TEST_F(Rest, SendsTheQueryWithTheToken) {
  hub.answer(fixture("requests.json"));
  const auto summary = query("SELECT Id FROM X WHERE Name = 'a+b & c'");
  ASSERT_TRUE(summary) << summary.error().cause.text();
  EXPECT_EQ(summary->pages, 1U);
  EXPECT_EQ(summary->rows, 2U);
  EXPECT_EQ(hub.calls.at(0).path(), "/services/data/v67.0/query");
  EXPECT_EQ(hub.soql(0), "SELECT Id FROM X WHERE Name = 'a+b & c'");
  EXPECT_EQ(hub.calls[0].headers.find("Authorization"), "Bearer token-1");
  EXPECT_EQ(hub.calls[0].headers.find("Accept-Encoding"), "gzip");
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::success), 1);
}

TEST_F(Rest, FollowsThePagesOfAQuery) {
  hub.answer(fixture("jobs_page_1.json"));
  hub.answer(fixture("jobs_page_2.json"));
  const auto summary = query();
  ASSERT_TRUE(summary) << summary.error().cause.text();
  EXPECT_EQ(summary->total, 3U);
  EXPECT_EQ(summary->rows, 3U);
  EXPECT_EQ(rows_of_pages, (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(hub.calls.at(1).target, "/services/data/v67.0/query/01g000000000001AAA-2000");
}

TEST_F(Rest, UnpacksCompressedPages) {
  hub.answer(
      {.status = 200, .headers = {{"Content-Encoding", "gzip"}}, .body = gzip(fixture("requests.json"))});
  const auto summary = query();
  ASSERT_TRUE(summary) << summary.error().cause.text();
  EXPECT_EQ(summary->rows, 2U);
}

TEST_F(Rest, TellsTheUsageOfTheApi) {
  hub.answer({.status = 200,
              .headers = {{"Sforce-Limit-Info", "api-usage=10018/100000"}},
              .body = fixture("requests.json")});
  hub.answer({.status = 400, .headers = {{"Sforce-Limit-Info", "api-usage=10019/100000"}}, .body = "[]"});
  hub.answer(
      {.status = 200, .headers = {{"Sforce-Limit-Info", "nonsense"}}, .body = fixture("requests.json")});
  EXPECT_TRUE(query());
  EXPECT_FALSE(query());
  EXPECT_TRUE(query());
  EXPECT_EQ(client.observer.usages, (std::vector{api_usage{10018, 100000}, api_usage{10019, 100000}}));
}

TEST_F(Rest, RenewsTheSessionOnceAndRepeatsInTheMiddleOfPages) {
  hub.answer(fixture("jobs_page_1.json"));
  hub.answer(fixture("jobs_page_2.json"));
  const auto ask = [this]() -> asio::awaitable<api_result<query_summary>> {
    auto summary = co_await client.rest.query(
        "SELECT Id FROM X", [this](std::span<const boost::json::value>, std::uint64_t) { hub.revoke(); });
    co_return summary;
  };
  const auto summary = hub.run(ask());
  ASSERT_TRUE(summary) << summary.error().cause.text();
  EXPECT_EQ(summary->rows, 3U);
  EXPECT_EQ(hub.logins.size(), 2U);
  ASSERT_EQ(hub.calls.size(), 3U);
  EXPECT_EQ(hub.calls[1].target, hub.calls[2].target);
  EXPECT_EQ(hub.calls[2].headers.find("Authorization"), "Bearer token-2");
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::unauthorized), 1);
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::success), 2);
}

TEST_F(Rest, RenewsOneSessionForCallersSideBySide) {
  ASSERT_TRUE(hub.run(client.session.current()));
  hub.revoke();
  for (int i = 0; i < 4; ++i)
    hub.answer(fixture("requests.json"));
  int answered = 0;
  const auto ask = [&]() -> asio::awaitable<void> {
    const auto summary = co_await client.rest.query(
        "SELECT Id FROM X", [](std::span<const boost::json::value>, std::uint64_t) {});
    answered += summary ? 1 : 0;
  };
  for (int i = 0; i < 4; ++i)
    asio::co_spawn(hub.context(), ask(), asio::detached);
  pushguard::test::run_simulated_for(hub.context(), hub.time(), std::chrono::minutes(1));
  EXPECT_EQ(answered, 4);
  EXPECT_EQ(hub.logins.size(), 2U);
}

TEST_F(Rest, GivesUpWhenARenewedSessionIsRefusedToo) {
  const std::string refusal =
      R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])";
  hub.answer(401, refusal);
  hub.answer(401, refusal);
  const auto summary = query();
  ASSERT_FALSE(summary);
  EXPECT_TRUE(summary.error().cause.is(errc::unauthorized));
  EXPECT_EQ(hub.calls.size(), 2U);
  EXPECT_EQ(hub.logins.size(), 2U);
}

TEST_F(Rest, LogsInAgainWhenTheInstanceMovedAndNeverFollows) {
  hub.answer({.status = 301, .headers = {{"Location", "https://evil.example/"}}, .body = ""});
  hub.answer(fixture("requests.json"));
  EXPECT_TRUE(query());
  EXPECT_EQ(hub.logins.size(), 2U);
  EXPECT_EQ(hub.calls.size(), 2U);
}

TEST_F(Rest, PassesARefusedLoginOn) {
  hub.answer_login({.status = 400, .headers = {}, .body = R"({"error":"invalid_grant"})"});
  const auto summary = query();
  ASSERT_FALSE(summary);
  EXPECT_TRUE(summary.error().cause.is(errc::unauthorized));
  EXPECT_TRUE(hub.calls.empty());
  EXPECT_EQ(client.observer.count(api_operation::login, api_outcome::unauthorized), 1);
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::unauthorized), 0) << "nothing was asked";
}

TEST_F(Rest, KeepsSalesforcesErrorCode) {
  hub.answer(403, R"([{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}])");
  const auto summary = query();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().kind, api_error_kind::request_limit);
  EXPECT_EQ(summary.error().error_code, "REQUEST_LIMIT_EXCEEDED");
  EXPECT_EQ(summary.error().cause.text(),
            "querying PackagePushJob: Salesforce answered 403 REQUEST_LIMIT_EXCEEDED: TotalRequests Limit "
            "exceeded.");
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::limit_exceeded), 1);
}

TEST_F(Rest, SurvivesGarbageInsteadOfAPage) {
  const std::vector<std::string> bodies{"",
                                        "<html>Down for maintenance</html>",
                                        "[]",
                                        "{}",
                                        "null",
                                        R"({"done":true,"records":{}})",
                                        R"({"done":true,"records":null})",
                                        R"({"done":false,"records":[]})",
                                        R"({"records":[]})",
                                        R"({"done":false,"records":[],"nextRecordsUrl":7})",
                                        R"({"done":true,"records":[)"};
  constexpr int attempts = 3;
  for (const std::string& body : bodies) {
    for (int attempt = 0; attempt < attempts; ++attempt)
      hub.answer(body);
    const auto summary = query();
    ASSERT_FALSE(summary) << body;
    EXPECT_EQ(summary.error().kind, api_error_kind::malformed_answer) << body;
    EXPECT_TRUE(summary.error().cause.is(errc::malformed)) << body;
  }
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::malformed),
            attempts * static_cast<int>(bodies.size()));
  EXPECT_EQ(hub.logins.size(), 1U);
}

TEST_F(Rest, SurvivesAConnectionThatEndsInTheMiddleOfAnAnswer) {
  for (int attempt = 0; attempt < 3; ++attempt)
    hub.answer({.status = 0, .headers = {}, .body = "", .after = after_reply::reset});
  const auto summary = query();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().kind, api_error_kind::transport);
  EXPECT_EQ(summary.error().http_status, 0);
  EXPECT_EQ(client.observer.count(api_operation::query, api_outcome::unavailable), 3);
}

TEST_F(Rest, AsksAgainWhereTheTroublePasses) {
  const http_reply troubles[] = {
      {.status = 0, .headers = {}, .body = "", .after = after_reply::reset},
      {.status = 200, .headers = {}, .body = "<html>Down for maintenance</html>"},
      {.status = 502, .headers = {}, .body = "<html>Bad gateway</html>"},
      {.status = 420, .headers = {}, .body = ""},
      {.status = 503, .headers = {}, .body = R"([{"errorCode":"SERVER_UNAVAILABLE","message":"busy"}])"},
      {.status = 500, .headers = {}, .body = R"([{"errorCode":"UNKNOWN_EXCEPTION","message":"oops"}])"},
      {.status = 400, .headers = {}, .body = R"([{"errorCode":"UNABLE_TO_LOCK_ROW","message":"held"}])"}};
  for (const http_reply& trouble : troubles) {
    const steady_time began = hub.time().steady_now();
    hub.answer(trouble);
    hub.answer(trouble);
    hub.answer(one_page("{}"));
    const auto summary = query();
    ASSERT_TRUE(summary) << trouble.status << trouble.body << summary.error().cause.text();
    EXPECT_EQ(summary->rows, 1U);
    EXPECT_LE(hub.time().steady_now() - began, std::chrono::milliseconds(1500)) << "0.5 s, then 1 s at most";
  }
  EXPECT_EQ(hub.calls.size(), 3 * std::size(troubles));
}

TEST_F(Rest, DoesNotAskAgainWhereThatIsUseless) {
  for (const char* code : {"REQUEST_LIMIT_EXCEEDED", "QUERY_TIMEOUT", "INVALID_FIELD", "MALFORMED_QUERY",
                           "INVALID_TYPE", "INSUFFICIENT_ACCESS", "NOT_FOUND", "INVALID_QUERY_LOCATOR"}) {
    const std::size_t before = hub.calls.size();
    hub.answer(400, fmt::format(R"([{{"errorCode":"{}","message":"no"}}])", code));
    EXPECT_FALSE(query()) << code;
    EXPECT_EQ(hub.calls.size(), before + 1) << code;
  }
}

TEST_F(Rest, TellsALostCursorFromAMissingObject) {
  for (const char* code : {"INVALID_QUERY_LOCATOR", "NOT_FOUND"}) {
    hub.answer(fixture("jobs_page_1.json"));
    hub.answer(404, fmt::format(R"([{{"errorCode":"{}","message":"gone"}}])", code));
    const auto summary = query();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().kind, api_error_kind::cursor_lost) << code;
  }
  hub.answer(404, R"([{"errorCode":"NOT_FOUND","message":"gone"}])");
  EXPECT_EQ(query().error().kind, api_error_kind::not_found);
}

TEST_F(Rest, WaitsWhereANewSessionIsRefusedToo) {
  const auto refused = [&] { hub.answer(401, R"([{"errorCode":"INVALID_SESSION_ID","message":"no"}])"); };
  refused();
  refused();
  EXPECT_EQ(query().error().kind, api_error_kind::session_invalid);
  const std::size_t calls = hub.calls.size();
  const std::size_t logins = hub.logins.size();
  EXPECT_TRUE(query().error().cause.is(errc::unauthorized));
  EXPECT_EQ(hub.calls.size(), calls) << "nothing is asked for a minute";
  EXPECT_EQ(hub.logins.size(), logins);
  hub.time().advance(std::chrono::seconds(61));
  hub.answer(one_page("{}"));
  EXPECT_TRUE(query());
}

TEST_F(Rest, StopsWhenPagesGoInCircles) {
  hub.answer(fixture("jobs_page_1.json"));
  hub.answer(fixture("jobs_page_1.json"));
  const auto summary = query();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().kind, api_error_kind::malformed_answer);
  EXPECT_EQ(hub.calls.size(), 2U);
}

TEST(NextPage, StaysOnTheInstanceAndUnderTheQueryPath) {
  const origin instance{security::tls, "a.my.salesforce.com", 443};
  const std::string path = "/services/data/v67.0/query/";
  const auto target = [&](std::string_view next) { return next_page_target(next, path, instance); };
  EXPECT_EQ(target("/services/data/v67.0/query/01gX-2000").value_or(""),
            "/services/data/v67.0/query/01gX-2000");
  EXPECT_EQ(target("https://a.my.salesforce.com/services/data/v67.0/query/01gX-2000").value_or(""),
            "/services/data/v67.0/query/01gX-2000");
  for (const char* next : {"", "/", "/services/data/v67.0/query/", "/services/data/v67.0/query/../sobjects",
                           "/services/data/v66.0/query/01g", "//evil.example/services/data/v67.0/query/01g",
                           "https://evil.example/services/data/v67.0/query/01g",
                           "http://a.my.salesforce.com/services/data/v67.0/query/01g",
                           "services/data/v67.0/query/01g", "/services/data/v67.0/query/01g\r\nX: y",
                           "/services/data/v67.0/query/01g?q=x", "/services/data/v67.0/query/%2e%2e",
                           "https://a.my.salesforce.com:444/services/data/v67.0/query/01g"}) {
    const auto refused = target(next);
    ASSERT_FALSE(refused) << next;
    EXPECT_TRUE(refused.error().is(errc::malformed)) << next;
  }
}

TEST_F(Rest, SendsNoTokenToAnotherServerForTheNextPage) {
  hub.answer(
      R"({"done":false,"records":[],"nextRecordsUrl":"https://evil.example/services/data/v67.0/query/01g"})");
  const auto summary = query();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().kind, api_error_kind::malformed_answer);
  EXPECT_EQ(hub.calls.size(), 1U);
}

TEST_F(Rest, CancelsARequest) {
  hub.answer(http_reply{.status = 204, .headers = {}, .body = ""});
  const auto answer = hub.run(client.rest.cancel(request_one()));
  ASSERT_TRUE(answer) << answer.error().cause.text();
  EXPECT_TRUE(answer->is_accepted());
  EXPECT_EQ(answer->http_status, 204);
  EXPECT_EQ(hub.calls.at(0).method, "PATCH");
  EXPECT_EQ(hub.calls[0].target, "/services/data/v67.0/sobjects/PackagePushRequest/0DV000000000001");
  EXPECT_EQ(hub.calls[0].body, R"({"Status":"Canceled"})");
  EXPECT_EQ(hub.calls[0].headers.find("Content-Type"), "application/json");
  EXPECT_EQ(client.observer.count(api_operation::cancel, api_outcome::success), 1);
}

TEST_F(Rest, AnswersARefusedCancellationVerbatim) {
  hub.answer(400,
             R"([{"message":"You can't abort it:\nin progress","errorCode":"INVALID_STATUS","fields":[]}])");
  const auto answer = hub.run(client.rest.cancel(request_one()));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->is_accepted());
  EXPECT_EQ(answer->http_status, 400);
  EXPECT_EQ(answer->error_code, "INVALID_STATUS");
  EXPECT_EQ(answer->message, "You can't abort it:\nin progress");
  EXPECT_EQ(client.observer.count(api_operation::cancel, api_outcome::rejected), 1);
}

TEST_F(Rest, CancelsWithARenewedSession) {
  ASSERT_TRUE(hub.run(client.session.current()));
  hub.revoke();
  hub.answer(http_reply{.status = 204, .headers = {}, .body = ""});
  const auto answer = hub.run(client.rest.cancel(request_one()));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->is_accepted());
  EXPECT_EQ(hub.logins.size(), 2U);
}

TEST_F(Rest, FailsToCancelWhereNobodyAnswers) {
  hub.answer({.status = 0, .headers = {}, .body = "", .after = after_reply::close});
  hub.answer({.status = 0, .headers = {}, .body = "", .after = after_reply::close});
  const auto answer = hub.run(client.rest.cancel(request_one()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, api_error_kind::transport);
}

TEST_F(Rest, SendsACancellationOnceMoreWhenItsConnectionWasStale) {
  hub.answer(fixture("requests.json"));
  ASSERT_TRUE(query());
  hub.answer({.status = 0, .headers = {}, .body = "", .after = after_reply::close});
  hub.answer(http_reply{.status = 204, .headers = {}, .body = ""});
  const auto answer = hub.run(client.rest.cancel(request_one()));
  ASSERT_TRUE(answer) << answer.error().cause.text();
  EXPECT_TRUE(answer->is_accepted());
}

TEST_F(Rest, ListsVersionsLimitsAndFields) {
  hub.answer(fixture("versions.json"));
  const auto versions = hub.run(client.rest.versions());
  ASSERT_TRUE(versions);
  EXPECT_EQ(*versions, (std::vector<std::string>{"20.0", "67.0", "60.0"}));

  hub.answer(fixture("limits.json"));
  const auto limits = hub.run(client.rest.limits());
  ASSERT_TRUE(limits);
  ASSERT_EQ(limits->size(), 2U) << "entries of another shape are left out";
  EXPECT_EQ(limits->front().name, "DailyApiRequests");
  EXPECT_EQ(limits->front().max, 15000U);
  EXPECT_EQ(limits->front().remaining, 14998U);

  hub.answer(fixture("describe_job.json"));
  const auto described = hub.run(client.rest.describe("PackagePushJob"));
  ASSERT_TRUE(described);
  EXPECT_EQ(hub.calls.at(2).target, "/services/data/v67.0/sobjects/PackagePushJob/describe");
  ASSERT_EQ(described->fields.size(), 3U);
  EXPECT_FALSE(described->fields[1].is_filterable);
  EXPECT_TRUE(described->fields[2].is_groupable);
  EXPECT_EQ(described->fields[2].picklist, (std::vector<std::string>{"InProgress", "Canceled"}));
}

TEST_F(Rest, SurvivesGarbageInsteadOfLists) {
  for (const char* body : {"", "<html>", "7", "[]", "[[]]"}) {
    hub.answer(body);
    EXPECT_FALSE(hub.run(client.rest.describe("X"))) << body;
    hub.answer(body);
    EXPECT_FALSE(hub.run(client.rest.limits())) << body;
  }
  hub.answer(R"({"fields":7})");
  EXPECT_FALSE(hub.run(client.rest.describe("X")));
  hub.answer("<html>");
  EXPECT_FALSE(hub.run(client.rest.versions()));
}

}  // namespace
}  // namespace pushguard::salesforce::test
