#include "simulator/rest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "base/url.hpp"
#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Rest : public testing::Test {
 protected:
  explicit Rest(scenario plan = small_scenario()) : world_(std::move(plan)) {
    const http_reply reply = tokens_.answer(token_request(std::string(good_login)), now_).reply;
    token_ = std::string(json::parse(reply.body).at("access_token").as_string());
    advance(10s);
  }

  void advance(duration to) {
    world_.advance_to(to);
    now_ = later(start_of_test(), to);
  }

  http_reply send(std::string method, std::string target, std::string body = "", http_headers headers = {}) {
    headers.add("Authorization", "Bearer " + token_);
    return rest_.answer({.method = std::move(method),
                         .target = std::move(target),
                         .headers = std::move(headers),
                         .body = std::move(body)},
                        now_);
  }

  http_reply get(std::string target) { return send("GET", std::move(target)); }

  http_reply query(std::string_view soql, std::string options = "") {
    http_headers headers;
    if (!options.empty())
      headers.add("Sforce-Query-Options", std::move(options));
    return send("GET", "/services/data/v62.0/query?q=" + percent_encode(soql), "", std::move(headers));
  }

  http_reply patch(row_index request, std::string body = R"({"Status":"Canceled"})") {
    return send("PATCH", "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(request),
                std::move(body));
  }

  static std::string error_code(const http_reply& reply) {
    return std::string(json::parse(reply.body).at(0).at("errorCode").as_string());
  }

  world world_;
  calendar times_{start_of_test().wall, 1};
  token_desk tokens_{world_.plan().credentials, 1};
  rest_service rest_{world_, times_, tokens_};
  instant now_ = start_of_test();
  std::string token_;
};

TEST_F(Rest, ListsVersionsWithoutALoginAndWithoutTheLimit) {
  const http_reply reply = rest_.answer({.target = "/services/data/"}, now_);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.find("Sforce-Limit-Info"), std::nullopt);
  const json::value versions = json::parse(reply.body);
  EXPECT_EQ(versions.at(0).at("version"), "31.0");
  const json::value& newest = versions.as_array().back();
  EXPECT_EQ(newest.at("version"), "67.0");
  EXPECT_EQ(text_of(newest.at("url")), "/services/data/v67.0");
  EXPECT_EQ(newest.at("label"), "Summer '26");
  EXPECT_EQ(rest_.calls(), 0U);
}

TEST_F(Rest, RefusesBadTokens) {
  for (const http_headers& headers : {http_headers{}, http_headers{{"Authorization", "Bearer nonsense"}}}) {
    const http_reply reply =
        rest_.answer({.target = "/services/data/v62.0/limits", .headers = headers}, now_);
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.body, R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])");
  }
  EXPECT_EQ(rest_.calls(), 0U);
}

TEST_F(Rest, TellsItsLimits) {
  const http_reply reply = get("/services/data/v62.0/limits");
  EXPECT_EQ(reply.headers.find("Sforce-Limit-Info"), "api-usage=1/100000");
  const json::value limits = json::parse(reply.body);
  EXPECT_EQ(limits.at("DailyApiRequests").at("Max"), 100'000);
  EXPECT_EQ(limits.at("DailyApiRequests").at("Remaining"), 99'999);
}

TEST_F(Rest, DoesNotKnowWhatItDoesNotHave) {
  for (const std::string_view target :
       {"/", "/services", "/services/other", "/services/data/v62.0/nonsense", "/services/data/v30.0/limits",
        "/services/data/v68.0/limits", "/services/data/62.0/limits", "/services/data/vx/limits",
        "/services/data/v62.0/sobjects/Account/describe", "/services/data/v62.0/sobjects",
        "/services/data/v62.0/sobjects/PackagePushRequest/0DV000000000001",
        "/services/data/v62.0/sobjects/PackagePushRequest/nonsense",
        "/services/data/v62.0/sobjects/PackagePushRequest/a/b", "/services/data/v62.0/limits/more"}) {
    const http_reply reply = get(std::string(target));
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_EQ(error_code(reply), "NOT_FOUND") << target;
  }
}

TEST_F(Rest, NamesTheMethodsItAllows) {
  const std::string request = "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(0);
  const http_reply reply = send("DELETE", request);
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(error_code(reply), "METHOD_NOT_ALLOWED");
  EXPECT_EQ(reply.headers.find("Allow"), "GET,HEAD,PATCH");
  EXPECT_EQ(send("POST", "/services/data").status, 405);
  EXPECT_EQ(send("POST", "/services/data/v62.0/query?q=x").status, 405);
  EXPECT_EQ(send("PATCH", "/services/data/v62.0/sobjects/PackageSubscriber/0Hb5g0000000001").status, 405);
}

TEST_F(Rest, LongTargetsAreRefused) {
  const std::string start = "/services/data/v62.0/query?q=";
  EXPECT_EQ(get(start + std::string(16'384 - start.size(), 'x')).status, 400);
  EXPECT_EQ(get(start + std::string(16'385 - start.size(), 'x')).status, 414);
}

class RestWithFewCalls : public Rest {
 protected:
  static scenario plan() {
    scenario made = small_scenario();
    made.api.daily_calls_max = 2;
    return made;
  }
  RestWithFewCalls() : Rest(plan()) {}
};

TEST_F(RestWithFewCalls, StopsAtTheDailyLimit) {
  EXPECT_EQ(get("/services/data/v62.0/limits").status, 200);
  EXPECT_EQ(get("/services/data/v62.0/limits").headers.find("Sforce-Limit-Info"), "api-usage=2/2");
  const http_reply reply = get("/services/data/v62.0/limits");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(error_code(reply), "REQUEST_LIMIT_EXCEEDED");
}

// Queries

TEST_F(Rest, AnswersAQuery) {
  const json::value body = json::parse(query("SELECT Id, Status FROM PackagePushRequest").body);
  EXPECT_EQ(body.at("totalSize"), 2);
  EXPECT_EQ(body.at("done"), true);
  EXPECT_FALSE(body.as_object().contains("nextRecordsUrl"));
  EXPECT_EQ(body.at("records").at(0).at("Status"), "Pending");
}

TEST_F(Rest, AnswersCountsAndAggregates) {
  const json::value count = json::parse(query("SELECT COUNT() FROM PackagePushJob").body);
  EXPECT_EQ(count.at("totalSize"), 100);
  EXPECT_TRUE(count.at("records").as_array().empty());
  const json::value groups =
      json::parse(query("SELECT Status, COUNT(Id) FROM PackagePushJob GROUP BY Status").body);
  EXPECT_EQ(groups.at("totalSize"), 1);
  EXPECT_EQ(groups.at("records").at(0).at("expr0"), 100);
}

TEST_F(Rest, RefusesAWrongQuery) {
  const http_reply reply = query("SELECT Nonsense FROM PackagePushJob");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(error_code(reply), "INVALID_FIELD");
  EXPECT_EQ(reply.headers.find("Sforce-Limit-Info"), "api-usage=1/100000");
  EXPECT_EQ(error_code(get("/services/data/v62.0/query")), "MALFORMED_QUERY");
}

TEST_F(Rest, NeedsThePlusOfAnOffsetEscaped) {
  const std::string target =
      "/services/data/v62.0/query?q=SELECT+Id+FROM+PackagePushRequest+WHERE+"
      "ScheduledStartTime+>+2026-03-10T12:00:00";
  EXPECT_EQ(get(target + "%2B00:00").status, 200);
  EXPECT_EQ(error_code(get(target + "+00:00")), "MALFORMED_QUERY");
}

class RestWithManyOrgs : public Rest {
 protected:
  RestWithManyOrgs() : Rest(small_scenario(2'250)) {}

  /// Follows a query through its pages; the sizes of the pages, and every id once.
  std::vector<std::size_t> walk(const std::string& options) {
    std::vector<std::size_t> sizes;
    std::set<std::string> ids;
    http_reply reply = query("SELECT Id FROM PackagePushJob ORDER BY Id DESC", options);
    while (true) {
      EXPECT_EQ(reply.status, 200);
      const json::value page = json::parse(reply.body);
      EXPECT_EQ(page.at("totalSize"), 4'500);
      sizes.push_back(page.at("records").as_array().size());
      for (const json::value& record : page.at("records").as_array())
        ids.insert(std::string(record.at("Id").as_string()));
      const json::value* next = page.as_object().if_contains("nextRecordsUrl");
      EXPECT_EQ(page.at("done").as_bool(), next == nullptr);
      if (next == nullptr)
        break;
      reply = get(std::string(next->as_string()));
    }
    EXPECT_EQ(ids.size(), 4'500U);
    return sizes;
  }
};

TEST_F(RestWithManyOrgs, AnswersInPages) {
  EXPECT_EQ(walk(""), (std::vector<std::size_t>{2'000, 2'000, 500}));
  EXPECT_EQ(walk("batchSize=1500"), (std::vector<std::size_t>{1'500, 1'500, 1'500}));
  std::vector<std::size_t> smallest(22, 200);
  smallest.push_back(100);
  EXPECT_EQ(walk("batchSize=1"), smallest) << "less than 200 is not to be had";
}

TEST_F(RestWithManyOrgs, ThePathOfTheNextPageIsRelative) {
  const json::value page = json::parse(query("SELECT Id FROM PackagePushJob").body);
  const std::string next(page.at("nextRecordsUrl").as_string());
  EXPECT_THAT(next, StartsWith("/services/data/v62.0/query/01g"));
  EXPECT_THAT(next, testing::EndsWith("-2000"));
}

TEST_F(RestWithManyOrgs, OnlyKnowsCursorsThatAreOpen) {
  const json::value page = json::parse(query("SELECT Id FROM PackagePushJob").body);
  const std::string next(page.at("nextRecordsUrl").as_string());
  const std::string cursor = next.substr(0, next.rfind('-'));
  for (const std::string& target : {cursor + "-4500", cursor + "-x", cursor,
                                    std::string("/services/data/v62.0/query/01g000000000000-2000")}) {
    const http_reply reply = get(target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_EQ(error_code(reply), "INVALID_QUERY_LOCATOR") << target;
  }
  EXPECT_EQ(get(next).status, 200);
  for (int more = 0; more < 50; ++more)
    (void)query("SELECT Id FROM PackagePushJob");
  EXPECT_EQ(error_code(get(next)), "INVALID_QUERY_LOCATOR") << "the oldest made room";
}

// Records

TEST_F(Rest, DescribesItsObjects) {
  const json::value made = json::parse(get("/services/data/v62.0/sobjects/packagepushjob/describe").body);
  EXPECT_EQ(made.at("name"), "PackagePushJob");
  EXPECT_EQ(made.at("keyPrefix"), "0DX");
  std::map<std::string, json::value> fields;
  for (const json::value& field : made.at("fields").as_array())
    fields[std::string(field.at("name").as_string())] = field;
  EXPECT_EQ(fields.at("StartTime").at("filterable"), false);
  EXPECT_EQ(fields.at("StartTime").at("sortable"), false);
  EXPECT_EQ(fields.at("Status").at("filterable"), true);
  EXPECT_EQ(fields.at("Status").at("groupable"), true);
  EXPECT_EQ(fields.at("Status").at("updateable"), false);
  EXPECT_EQ(fields.at("Status").at("picklistValues").at(2).at("value"), "InProgress");
  EXPECT_EQ(fields.at("Status").at("picklistValues").at(2).at("label"), "In Progress");
  EXPECT_EQ(fields.at("PackagePushRequestId").at("relationshipName"), "PackagePushRequest");
  EXPECT_EQ(fields.at("SystemModstamp").at("type"), "datetime");
  const json::value old = json::parse(get("/services/data/v50.0/sobjects/PackagePushJob/describe").body);
  EXPECT_EQ(old.at("fields").as_array().size(), fields.size() - 3);
}

TEST_F(Rest, AnswersARecord) {
  const std::string target =
      "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(1).substr(0, 15);
  const json::value whole = json::parse(get(target).body);
  EXPECT_EQ(text_of(whole.at("Id")), request_id_of(1));
  EXPECT_EQ(whole.at("Status"), "Pending");
  const json::value part = json::parse(get(target + "?fields=Status,%20id").body);
  EXPECT_EQ(part.as_object().size(), 3U) << "attributes and two fields";
  EXPECT_EQ(error_code(get(target + "?fields=Nonsense")), "INVALID_FIELD");
}

/// What describe says of a field is what queries may do with it.
TEST_F(Rest, DescribesWhatQueriesMayDo) {
  const auto check = [this](const std::string& name, const std::string& soql, bool may, std::string_view code,
                            std::string_view what) {
    const http_reply reply = query(soql);
    EXPECT_EQ(reply.status == 200, may) << soql << reply.body;
    if (may || reply.status == 200)
      return;
    EXPECT_EQ(error_code(reply), code) << soql;
    EXPECT_THAT(reply.body, HasSubstr(fmt::format("field '{}' can not be {} in a query call", name, what)));
  };
  for (const object_description& object : all_objects()) {
    const json::value described =
        json::parse(get(fmt::format("/services/data/v62.0/sobjects/{}/describe", object.name)).body);
    EXPECT_EQ(described.at("fields").as_array().size(), object.fields.size());
    for (const json::value& field : described.at("fields").as_array()) {
      const std::string name = text_of(field.at("name"));
      const std::string from = fmt::format(" FROM {} ", object.name);
      check(name, "SELECT Id" + from + "WHERE " + name + " = null", field.at("filterable").as_bool(),
            "INVALID_FIELD", "filtered");
      check(name, "SELECT Id" + from + "ORDER BY " + name, field.at("sortable").as_bool(), "MALFORMED_QUERY",
            "sorted");
      check(name, "SELECT " + name + ", COUNT(Id)" + from + "GROUP BY " + name,
            field.at("groupable").as_bool(), "MALFORMED_QUERY", "grouped");
    }
  }
}

/// A user without some rights, in an org that is slow with large queries.
class RestOfALesserUser : public Rest {
 protected:
  static scenario plan() {
    scenario made = small_scenario();
    made.api.hidden_objects = {"PackagePushError", "MetadataPackage"};
    made.api.hidden_fields = {"PackagePushRequest.StartTime"};
    made.api.limits_visible = false;
    made.api.org_keys = org_key_form::long_id;
    made.api.system_modstamp = modstamp_filter::absent;
    made.api.page_rows_max = 7;
    made.api.query_timeout_above = 99;
    return made;
  }
  RestOfALesserUser() : Rest(plan()) {}

  std::set<std::string> described(std::string_view object) {
    std::set<std::string> names;
    const auto reply = get(fmt::format("/services/data/v62.0/sobjects/{}/describe", object));
    for (const json::value& field : json::parse(reply.body).at("fields").as_array())
      names.insert(text_of(field.at("name")));
    return names;
  }
};

TEST_F(RestOfALesserUser, SeesNoHiddenObject) {
  const http_reply reply = query("SELECT Id FROM PackagePushError");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(error_code(reply), "INVALID_TYPE");
  EXPECT_THAT(reply.body, HasSubstr("sObject type 'PackagePushError' is not supported"));
  EXPECT_EQ(get("/services/data/v62.0/sobjects/PackagePushError/describe").status, 404);
  EXPECT_EQ(get("/services/data/v62.0/sobjects/MetadataPackage/" + package_id_of(0)).status, 404);
  EXPECT_THAT(query("SELECT PackageVersion.MetadataPackage.Name FROM PackagePushRequest").body,
              HasSubstr("Didn't understand relationship 'MetadataPackage'"));
  EXPECT_EQ(query("SELECT PackageVersion.Name FROM PackagePushRequest").status, 200);
}

TEST_F(RestOfALesserUser, SeesNoHiddenField) {
  const std::set<std::string> of_requests = described("PackagePushRequest");
  for (const std::string_view name : {"StartTime", "SystemModstamp"}) {
    EXPECT_FALSE(of_requests.contains(std::string(name)));
    const http_reply reply = query(fmt::format("SELECT Id, {} FROM PackagePushRequest", name));
    EXPECT_EQ(error_code(reply), "INVALID_FIELD");
    EXPECT_THAT(reply.body,
                HasSubstr(fmt::format("No such column '{}' on entity 'PackagePushRequest'", name)));
  }
  EXPECT_TRUE(of_requests.contains("EndTime"));
  EXPECT_TRUE(described("PackagePushJob").contains("StartTime"));
  EXPECT_FALSE(described("PackagePushJob").contains("SystemModstamp"));
  EXPECT_TRUE(described("PackageSubscriber").contains("SystemModstamp"));
  const std::string record = "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(0);
  EXPECT_THAT(get(record).body, testing::Not(HasSubstr("StartTime\":null")));
  EXPECT_EQ(error_code(get(record + "?fields=StartTime")), "INVALID_FIELD");
}

TEST_F(RestOfALesserUser, MayNotReadTheLimits) {
  const http_reply reply = get("/services/data/v62.0/limits");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(error_code(reply), "INSUFFICIENT_ACCESS");
  EXPECT_EQ(reply.headers.find("Sforce-Limit-Info"), "api-usage=1/100000") << "but sees the usage";
}

TEST_F(RestOfALesserUser, GetsKeysOfEighteenCharacters) {
  const json::value jobs = json::parse(query("SELECT SubscriberOrganizationKey FROM PackagePushJob WHERE "
                                             "PackagePushRequestId = '" +
                                             request_id_of(0) + "'")
                                           .body);
  const std::string key = text_of(jobs.at("records").at(0).at("SubscriberOrganizationKey"));
  EXPECT_EQ(key.size(), 18U);
  const auto found = [this](const std::string& wanted) {
    return json::parse(query("SELECT OrgKey FROM PackageSubscriber WHERE OrgKey = '" + wanted + "'").body)
        .at("totalSize")
        .as_int64();
  };
  EXPECT_GE(found(key), 1);
  EXPECT_EQ(found(key.substr(0, 15)), 0) << "a text field, compared as it stands";
}

TEST_F(RestOfALesserUser, GetsSmallPagesOfSmallQueries) {
  const std::string from = " FROM PackagePushJob";
  EXPECT_EQ(error_code(query("SELECT Id" + from)), "QUERY_TIMEOUT");
  EXPECT_EQ(error_code(query("SELECT COUNT()" + from)), "QUERY_TIMEOUT");
  EXPECT_EQ(error_code(query("SELECT Status, COUNT(Id)" + from + " GROUP BY Status")), "QUERY_TIMEOUT");
  EXPECT_EQ(error_code(query("SELECT Id FROM PackageSubscriber LIMIT 1")), "QUERY_TIMEOUT");
  http_reply reply = query("SELECT Id" + from + " WHERE PackagePushRequestId = '" + request_id_of(0) + "'");
  std::vector<std::size_t> sizes;
  while (reply.status == 200) {
    const json::value page = json::parse(reply.body);
    sizes.push_back(page.at("records").as_array().size());
    if (page.at("done").as_bool())
      break;
    reply = get(text_of(page.at("nextRecordsUrl")));
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{7, 7, 7, 7, 7, 7, 7, 1}));
}

class RestWithSharedCalls : public Rest {
 protected:
  static scenario plan() {
    scenario made = small_scenario();
    made.api.daily_calls_max = 300;
    made.api.other_calls_per_hour = 12;
    made.credentials.token_life = 48h;
    return made;
  }
  RestWithSharedCalls() : Rest(plan()) {}

  std::string usage() {
    return std::string(get("/services/data/v62.0/limits").headers.find("Sforce-Limit-Info").value_or(""));
  }
};

TEST_F(RestWithSharedCalls, CountsThoseOfADay) {
  EXPECT_EQ(usage(), "api-usage=1/300");
  advance(1h);
  EXPECT_EQ(usage(), "api-usage=14/300");
  advance(24h + 1min);
  EXPECT_EQ(usage(), "api-usage=290/300") << "288 of others, the call of the first hour, and this one";
  EXPECT_EQ(rest_.calls(), 3U);
}

class RestWithALateWave : public Rest {
 protected:
  static scenario plan() {
    scenario made = small_scenario();
    made.waves[1].created = 3min;
    return made;
  }
  RestWithALateWave() : Rest(plan()) {}
};

TEST_F(RestWithALateWave, TellsItWhileAnotherRuns) {
  const std::string soql = "SELECT Id, Status FROM PackagePushRequest ORDER BY Id";
  advance(3min - 1ms);
  EXPECT_EQ(json::parse(query(soql).body).at("totalSize"), 1);
  advance(4min);
  const json::value requests = json::parse(query(soql).body);
  EXPECT_EQ(requests.at("totalSize"), 2);
  EXPECT_EQ(requests.at("records").at(0).at("Status"), "InProgress");
  EXPECT_EQ(requests.at("records").at(1).at("Status"), "Pending");
  EXPECT_EQ(patch(1).status, 204);
}

// Cancelling

TEST_F(Rest, CancelsWhatHasNotStarted) {
  const http_reply reply = patch(1);
  EXPECT_EQ(reply.status, 204);
  EXPECT_TRUE(reply.body.empty());
  EXPECT_EQ(world_.requests()[1].state, push_state::canceled);
  ASSERT_EQ(rest_.cancel_attempts().size(), 1U);
  const cancel_attempt& attempt = rest_.cancel_attempts()[0];
  EXPECT_EQ(attempt.request_id, request_id_of(1));
  EXPECT_EQ(attempt.before, push_state::pending);
  EXPECT_EQ(attempt.http_status, 204);
  EXPECT_EQ(attempt.at, now_.wall);
}

TEST_F(Rest, RefusesToCancelWhatRuns) {
  advance(75s);
  const http_reply reply = patch(0);
  EXPECT_EQ(reply.status, 400);
  EXPECT_FALSE(error_code(reply).empty());
  EXPECT_THAT(reply.body, HasSubstr("'In Progress'"));
  EXPECT_EQ(world_.requests()[0].state, push_state::in_progress);
  EXPECT_EQ(rest_.cancel_attempts().at(0).error_code, error_code(reply));
  EXPECT_EQ(patch(1).status, 204);
  EXPECT_EQ(patch(1).status, 400) << "twice is once too often";
}

TEST_F(Rest, RefusesEveryOtherUpdate) {
  struct refusal {
    std::string body;
    std::string code;
  };
  for (const refusal& each : std::vector<refusal>{
           {"", "JSON_PARSER_ERROR"},
           {"nonsense", "JSON_PARSER_ERROR"},
           {"[]", "JSON_PARSER_ERROR"},
           {R"({"Nonsense":1})", "INVALID_FIELD"},
           {R"({"ScheduledStartTime":"2026-03-10T12:00:00Z"})", "INVALID_FIELD_FOR_INSERT_UPDATE"},
           {R"({"Status":"Pending"})", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
           {R"({"Status":"Cancelled"})", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
           {R"({"Status":null})", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"}}) {
    const http_reply reply = patch(1, each.body);
    EXPECT_EQ(reply.status, 400) << each.body;
    EXPECT_EQ(error_code(reply), each.code) << each.body;
    EXPECT_EQ(world_.requests()[1].state, push_state::pending);
  }
  EXPECT_EQ(patch(9).status, 404);
  EXPECT_EQ(rest_.cancel_attempts().back().before, std::nullopt);
  const http_reply job = send("PATCH", "/services/data/v62.0/sobjects/PackagePushJob/" + job_id_of(0),
                              R"({"Status":"Canceled"})");
  EXPECT_EQ(error_code(job), "INVALID_FIELD_FOR_INSERT_UPDATE") << "a single job cannot be canceled";
}

}  // namespace
}  // namespace pushguard::simulator
