#include "agent/decision_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "agent/store/audit_chain.hpp"
#include "agent/view_making.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;
using store::test::sample_audit;
using store::test::sample_decision;
using testing::HasSubstr;

class DecisionApi : public testing::Test {
 protected:
  DecisionApi() {
    add_decision_routes(router_, [this] { return is_leader_ ? store_.get() : nullptr; });
  }

  void commit(store::batch changes) {
    const auto written = test::simulate(context_, time_, store_->commit(std::move(changes)));
    ASSERT_TRUE(written && written->is_applied());
  }
  http_reply ask(const std::string& target) {
    const http_request request{.target = target};
    return test::simulate(context_, time_, router_(request));
  }
  json::value get(const std::string& target) {
    const http_reply reply = ask(target);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse(reply.body);
  }
  std::vector<std::int64_t> ids(const json::value& answer) {
    std::vector<std::int64_t> found;
    for (const json::value& decision : answer.at("decisions").as_array())
      found.push_back(decision.at("id").to_number<std::int64_t>());
    return found;
  }

  store::test::scratch_directory scratch_;
  fake_time time_;
  boost::asio::io_context context_{1};
  std::unique_ptr<store::store> store_ =
      test::must(store::open_inline_sqlite_store(test::must(try_lock(scratch_.database()))));
  bool is_leader_ = true;
  http_router router_;
};

TEST_F(DecisionApi, PagesDecisionsNewestFirst) {
  store::batch changes;
  for (int id = 1; id <= 5; ++id)
    changes.decisions.push_back(sample_decision(id, fmt::format("rule-{}", id)));
  changes.decisions[1].key.rollout.number = 2;
  commit(std::move(changes));
  using numbers = std::vector<std::int64_t>;
  const json::value first = get("/api/v1/decisions?limit=2");
  EXPECT_EQ(ids(first), (numbers{5, 4}));
  EXPECT_EQ(first.at("next"), 4);
  const json::value last = get("/api/v1/decisions?limit=4&before=4");
  EXPECT_EQ(ids(last), (numbers{3, 2, 1}));
  EXPECT_TRUE(last.at("next").is_null());
  EXPECT_EQ(ids(get("/api/v1/decisions")), (numbers{5, 4, 3, 2, 1}));
  EXPECT_EQ(ids(get("/api/v1/decisions?hub=devhub&rollout=04t000000000001%2F2")), numbers{2});
  EXPECT_EQ(ids(get("/api/v1/decisions?hub=other&rollout=04t000000000001%2F2")), numbers{});
  EXPECT_TRUE(get("/api/v1/decisions?before=1").at("decisions").as_array().empty());
}

TEST_F(DecisionApi, TellsWhatHappenedAfterADryRun) {
  store::batch changes;
  changes.decisions = {sample_decision(1), sample_decision(2, "other")};
  changes.decisions[1].since = {
      .counted_at = wall_time{}, .orgs = 40, .started = 30, .succeeded = 20, .failed = 9, .is_final = true};
  commit(std::move(changes));
  const json::value answer = get("/api/v1/decisions");
  EXPECT_EQ(answer.at("decisions").at(0).at("since"),
            json::parse(R"({"counted_at": "1970-01-01T00:00:00.000Z", "would_have_spared": 40, "started": 30,
                            "succeeded": 20, "failed": 9, "final": true})"));
  EXPECT_TRUE(answer.at("decisions").at(1).at("since").is_null());
}

TEST_F(DecisionApi, TellsRatiosSampleOrgsAndEachCall) {
  store::batch changes;
  changes.decisions = {sample_decision(7), sample_decision(8, "other")};
  changes.audit = {sample_audit(1), sample_audit(2), sample_audit(3), sample_audit(4)};
  changes.audit[1].kind = store::audit_kind::settled;
  changes.audit[2].decision = 8;
  changes.audit[3].details = "[\"no object\"]";
  commit(std::move(changes));
  const json::value answer = get("/api/v1/decisions");
  const json::value& decision = answer.at("decisions").at(1);
  EXPECT_EQ(decision.at("id"), 7);
  EXPECT_EQ(decision.at("observed_ratio"), 0.17);
  EXPECT_EQ(decision.at("lower_bound_ratio"), 0.066);
  EXPECT_EQ(decision.at("threshold_ratio"), 0.05);
  EXPECT_EQ(decision.at("error_signatures").at(0).at("sample_org_keys"),
            json::parse(R"(["00D000000000001", "00D000000000002"])"));
  EXPECT_EQ(decision.at("calls"), json::parse(R"([{"at": "1970-01-01T00:16:41.007Z", "n": 1},
                                                  {"at": "1970-01-01T00:16:44.007Z"}])"));
  EXPECT_EQ(answer.at("decisions").at(0).at("calls"),
            json::parse(R"([{"at": "1970-01-01T00:16:43.007Z", "n": 3}])"));
}

TEST_F(DecisionApi, PagesTheTrailByteForByte) {
  store::batch changes;
  for (int n = 1; n <= 5; ++n)
    changes.audit.push_back(sample_audit(n));
  changes.audit[2].details = R"({"ratio":0.1000, "z":1,"a":1e2})";  // as no JSON library would write it
  commit(std::move(changes));
  store::audit_verifier verifier;
  std::int64_t after = 0;
  for (const std::size_t expected : {2U, 2U, 1U, 0U}) {
    const http_reply page = ask(fmt::format("/api/v1/audit?format=ndjson&limit=2&after={}", after));
    EXPECT_EQ(page.headers.find("Content-Type"), "application/x-ndjson");
    std::size_t lines = 0;
    for (std::string_view rest = page.body; !rest.empty(); ++lines) {
      EXPECT_TRUE(verifier.add_line(rest.substr(0, rest.find('\n'))));
      rest.remove_prefix(rest.find('\n') + 1);
    }
    EXPECT_EQ(lines, expected);
    after = verifier.entries();
  }
  const json::value page = get("/api/v1/audit?limit=2&after=1");
  EXPECT_EQ(page.at("next"), 3);
  EXPECT_EQ(page.at("entries").as_array().size(), 2U);
  EXPECT_EQ(page.at("entries").at(1).at("details").at("a"), 100.0);
  EXPECT_EQ(page.at("entries").at(1).at("previous_hash"), page.at("entries").at(0).at("hash"));
  EXPECT_EQ(get("/api/v1/audit?after=5"), json::parse(R"({"entries": [], "next": null})"));
}

TEST_F(DecisionApi, RefusesWhatItCannotRead) {
  for (const char* target :
       {"/api/v1/decisions?limit=0", "/api/v1/decisions?limit=x",
        "/api/v1/decisions?limit=", "/api/v1/decisions?before=0", "/api/v1/decisions?before=1x",
        "/api/v1/decisions?hub=devhub", "/api/v1/decisions?rollout=04t000000000001%2F1",
        "/api/v1/decisions?hub=devhub&rollout=04t000000000001", "/api/v1/audit?limit=-1",
        "/api/v1/audit?after=-1", "/api/v1/audit?after=99999999999999999999", "/api/v1/audit?format=xml"}) {
    const http_reply reply = ask(target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_THAT(reply.body, HasSubstr("\"bad_request\"")) << target;
  }
}

TEST_F(DecisionApi, IsUnavailableWhileAnotherAgentHoldsTheStore) {
  is_leader_ = false;
  for (const char* target : {"/api/v1/decisions", "/api/v1/audit"}) {
    const http_reply reply = ask(target);
    EXPECT_EQ(reply.status, 503) << target;
    EXPECT_THAT(reply.body, HasSubstr("another agent holds the lock")) << target;
  }
}

TEST_F(DecisionApi, SaysWhyTheStoreCannotBeRead) {
  store_->close();
  for (const char* target : {"/api/v1/decisions", "/api/v1/audit"}) {
    const http_reply reply = ask(target);
    EXPECT_EQ(reply.status, 500) << target;
    EXPECT_THAT(reply.body, HasSubstr("the store is closed")) << target;
  }
}

}  // namespace
}  // namespace pushguard::agent
