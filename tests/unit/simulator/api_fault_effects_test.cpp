#include "simulator/api_fault_effects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "base/url.hpp"
#include "simulator/rest.hpp"
#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// A hub's REST half under faults, after a few failed jobs.
class ApiFaultEffects : public testing::Test {
 protected:
  ApiFaultEffects() {
    log_in();
    world_.advance_to(5min);
    now_ = later(start_of_test(), 5min);
  }

  void log_in() { token_ = tokens_.issue(now_.steady); }

  rest_answer send(std::string method, std::string target, std::string body = "") {
    return rest_.serve({.method = std::move(method),
                        .target = std::move(target),
                        .headers = {{"Authorization", "Bearer " + token_}},
                        .body = std::move(body)},
                       now_);
  }
  rest_answer get(std::string_view path) { return send("GET", "/services/data/v62.0" + std::string(path)); }
  rest_answer query(std::string_view soql) { return get("/query?q=" + percent_encode(soql)); }
  rest_answer cancel(row_index request) {
    return send("PATCH", "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(request),
                R"({"Status":"Canceled"})");
  }
  void hit_once(api_fault_kind kind) { rest_.add_fault({.kind = kind, .times = 1}); }

  static constexpr std::string_view jobs =
      "SELECT Id, SubscriberOrganizationKey, Status FROM PackagePushJob ORDER BY Id";

  world world_{small_scenario(50, 0.3)};
  calendar times_{start_of_test().wall, 1};
  token_desk tokens_{world_.plan().credentials, 1};
  rest_service rest_{world_, times_, tokens_};
  instant now_ = start_of_test();
  std::string token_;
};

TEST_F(ApiFaultEffects, RefuseAsSalesforceDoes) {
  struct refusal {
    api_fault_kind kind;
    std::string path;
    int status;
    std::string code;
  };
  using enum api_fault_kind;
  const std::string any = "/query?q=" + percent_encode(jobs);
  const std::string page = "/query/01g000000000000-2000";
  for (const refusal& each : std::vector<refusal>{{session_invalid_403, any, 403, "INVALID_SESSION_ID"},
                                                  {request_limit, any, 403, "REQUEST_LIMIT_EXCEEDED"},
                                                  {server_unavailable, any, 503, "SERVER_UNAVAILABLE"},
                                                  {query_timeout, any, 400, "QUERY_TIMEOUT"},
                                                  {row_locked, any, 400, "UNABLE_TO_LOCK_ROW"},
                                                  {internal_error, any, 500, "UNKNOWN_EXCEPTION"},
                                                  {malformed_query, any, 400, "MALFORMED_QUERY"},
                                                  {invalid_field, any, 400, "INVALID_FIELD"},
                                                  {invalid_type, any, 400, "INVALID_TYPE"},
                                                  {insufficient_access, any, 403, "INSUFFICIENT_ACCESS"},
                                                  {not_found, any, 404, "NOT_FOUND"},
                                                  {invalid_locator, page, 400, "INVALID_QUERY_LOCATOR"}}) {
    hit_once(each.kind);
    const rest_answer answered = get(each.path);
    EXPECT_EQ(answered.fault, each.kind);
    EXPECT_EQ(answered.reply.status, each.status) << each.code;
    EXPECT_EQ(text_of(json::parse(answered.reply.body).at(0).at("errorCode")), each.code);
    EXPECT_EQ(answered.reply.headers.find("Content-Type"), "application/json;charset=UTF-8");
    EXPECT_FALSE(get("/limits").fault) << "once";
  }
  hit_once(invalid_type);
  EXPECT_THAT(query(jobs).reply.body, HasSubstr("sObject type 'PackagePushJob' is not supported"));
}

TEST_F(ApiFaultEffects, PagesOfOthersAreNoJson) {
  using enum api_fault_kind;
  for (const auto& [kind, status] :
       {std::pair{misdirected, 420}, {bad_gateway_page, 502}, {maintenance_page, 200}}) {
    hit_once(kind);
    const http_reply reply = get("/limits").reply;
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.headers.find("Content-Type"), "text/html");
    EXPECT_THAT(reply.body, HasSubstr("<html>"));
    EXPECT_EQ(reply.headers.find("Sforce-Limit-Info"), std::nullopt);
  }
  EXPECT_EQ(rest_.calls(), 0U) << "none of them reached the API";
  EXPECT_EQ(rest_.calls_by_label().at("limits"), 3U);
}

TEST_F(ApiFaultEffects, OnlyANewLoginHelpsWhereTheSessionIsInvalid) {
  hit_once(api_fault_kind::session_invalid);
  const http_reply first = get("/limits").reply;
  EXPECT_EQ(first.status, 401);
  EXPECT_EQ(first.body, R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])");
  EXPECT_EQ(get("/limits").reply.status, 401);
  log_in();
  EXPECT_EQ(get("/limits").reply.status, 200);
  hit_once(api_fault_kind::session_invalid_403);
  EXPECT_EQ(get("/limits").reply.status, 403);
  EXPECT_EQ(get("/limits").reply.status, 200) << "that session lives";
}

TEST_F(ApiFaultEffects, BreakTheAnswersBytes) {
  using enum api_fault_kind;
  const std::string whole = query(jobs).reply.body;
  hit_once(cut_body);
  const http_reply cut = query(jobs).reply;
  ASSERT_TRUE(cut.raw);
  EXPECT_THAT(*cut.raw, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(*cut.raw, HasSubstr("\r\nContent-Length: " + std::to_string(whole.size()) + "\r\n\r\n{"));
  EXPECT_THAT(*cut.raw, EndsWith(whole.substr(0, whole.size() / 2)));
  EXPECT_EQ(cut.after, after_reply::reset);
  hit_once(no_answer);
  const http_reply none = query(jobs).reply;
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.after, after_reply::reset);
  hit_once(empty_body);
  const http_reply empty = query(jobs).reply;
  EXPECT_EQ(empty.status, 200);
  EXPECT_EQ(empty.body, "");
  boost::system::error_code ec;
  for (const api_fault_kind kind : {garbage, truncated_json}) {
    hit_once(kind);
    const http_reply reply = query(jobs).reply;
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(reply.body.empty());
    (void)json::parse(reply.body, ec);
    EXPECT_TRUE(ec) << name_of(kind);
    EXPECT_EQ(whole.starts_with(reply.body), kind == truncated_json);
  }
  hit_once(wrong_encoding);
  const http_reply encoded = query(jobs).reply;
  EXPECT_EQ(encoded.headers.find("Content-Encoding"), "gzip");
  EXPECT_EQ(encoded.body, whole);
}

TEST_F(ApiFaultEffects, SlowAnswersAreRight) {
  const std::string whole = query(jobs).reply.body;
  rest_.add_fault({.kind = api_fault_kind::slow, .delay = 40s});
  const rest_answer slow = query(jobs);
  EXPECT_EQ(slow.reply.body, whole);
  EXPECT_EQ(slow.delay, 40s);
}

TEST_F(ApiFaultEffects, PagesLeadElsewhereOrInACircle) {
  hit_once(api_fault_kind::wrong_page);
  const json::value wrong = json::parse(query(jobs).reply.body);
  EXPECT_EQ(wrong.at("done"), false);
  EXPECT_THAT(text_of(wrong.at("nextRecordsUrl")),
              StartsWith("https://elsewhere.example/services/data/v62.0/query/01g"));
  rest_.add_fault({.kind = api_fault_kind::cycling_page, .times = 3});
  const json::value first = json::parse(query(jobs).reply.body);
  const std::string next = text_of(first.at("nextRecordsUrl"));
  for (int round = 0; round < 2; ++round) {
    const json::value again = json::parse(send("GET", next).reply.body);
    EXPECT_EQ(text_of(again.at("nextRecordsUrl")), next);
    EXPECT_EQ(again.at("records"), first.at("records"));
  }
  EXPECT_EQ(json::parse(send("GET", next).reply.body).at("done"), true);
  EXPECT_EQ(rest_.faults_hit().at(api_fault_kind::cycling_page), 3U);
}

TEST_F(ApiFaultEffects, AShortPageIsConsistent) {
  rest_.add_fault({.kind = api_fault_kind::short_page, .times = 2});
  std::set<std::string> ids;
  std::vector<std::size_t> sizes;
  http_reply reply = query(jobs).reply;
  while (true) {
    const json::value page = json::parse(reply.body);
    EXPECT_EQ(page.at("totalSize"), 100);
    sizes.push_back(page.at("records").as_array().size());
    for (const json::value& record : page.at("records").as_array())
      ids.insert(text_of(record.at("Id")));
    if (page.at("done").as_bool())
      break;
    reply = send("GET", text_of(page.at("nextRecordsUrl"))).reply;
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 98}));
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(rest_.calls_by_label().at("query PackagePushJob"), 1U);
  EXPECT_EQ(rest_.calls_by_label().at("next_page PackagePushJob"), 2U);
}

TEST_F(ApiFaultEffects, OneRowLacksWhatItNeeds) {
  const json::value right = json::parse(query(jobs).reply.body);
  rest_.add_fault({.kind = api_fault_kind::bad_row, .times = 2});
  for (const std::string_view column : {"SubscriberOrganizationKey", "Status"}) {
    json::value spoilt = json::parse(query(jobs).reply.body);
    json::value& row = spoilt.at("records").at(50);
    EXPECT_TRUE(row.at(column).is_null());
    row.at(column) = right.at("records").at(50).at(column);
    EXPECT_EQ(spoilt, right) << "nothing else differs";
  }
  hit_once(api_fault_kind::bad_row);
  EXPECT_FALSE(query("SELECT Id FROM PackagePushJob").fault);
  EXPECT_FALSE(query("SELECT COUNT(Id) FROM PackagePushJob").fault);
}

TEST_F(ApiFaultEffects, AMessageIsHuge) {
  hit_once(api_fault_kind::huge_message);
  EXPECT_FALSE(query(jobs).fault);
  const json::value errors =
      json::parse(query("SELECT PackagePushJobId, ErrorMessage FROM PackagePushError").reply.body);
  EXPECT_EQ(errors.at("records").at(0).at("ErrorMessage").as_string().size(), 200'000U);
}

TEST_F(ApiFaultEffects, ALostCancellationHasTakenEffect) {
  hit_once(api_fault_kind::cancel_lost);
  EXPECT_FALSE(query(jobs).fault);
  const rest_answer lost = cancel(1);
  EXPECT_EQ(lost.reply.status, 0);
  EXPECT_EQ(lost.reply.after, after_reply::reset);
  EXPECT_EQ(world_.requests()[1].state, push_state::canceled);
  EXPECT_EQ(rest_.cancel_attempts().at(0).http_status, 204);
  EXPECT_EQ(rest_.calls_by_label().at("cancel"), 1U);
}

TEST_F(ApiFaultEffects, ARefusedCancellationHasNone) {
  for (const api_fault_kind kind : {api_fault_kind::row_locked, api_fault_kind::no_answer}) {
    hit_once(kind);
    EXPECT_EQ(cancel(1).fault, kind);
    EXPECT_EQ(world_.requests()[1].state, push_state::pending);
  }
  EXPECT_TRUE(rest_.cancel_attempts().empty());
}

TEST_F(ApiFaultEffects, TellCallsApart) {
  const std::pair<std::string, std::string> calls[] = {
      {"/limits", "limits"},
      {"/sobjects/packagepushjob/describe", "describe PackagePushJob"},
      {"/sobjects/PackagePushRequest/" + request_id_of(0), "retrieve PackagePushRequest"},
      {"/query?q=nonsense", "query"},
      {"/query?q=SELECT+Id+FROM+packagesubscriber", "query PackageSubscriber"},
      {"/query/01g000000000000-2000", "next_page"},
      {"/nonsense", "other"},
  };
  for (const auto& [path, label] : calls)
    EXPECT_EQ(get(path).call, label);
  EXPECT_EQ(send("GET", "/services/data").call, "versions");
  for (const auto& [path, label] : calls)
    EXPECT_EQ(rest_.calls_by_label().at(label), 1U) << label;
  rest_.add_fault({.kind = api_fault_kind::no_answer, .operation = api_operation::versions});
  EXPECT_EQ(rest_.answer({.target = "/services/data"}, now_).status, 0) << "without a login";
  EXPECT_EQ(get("/limits").reply.status, 200);
}

}  // namespace
}  // namespace pushguard::simulator
