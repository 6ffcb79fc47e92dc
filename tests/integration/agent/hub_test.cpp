#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <set>

#include "tests/support/key_pair.hpp"
#include "tests/support/simulated_agent.hpp"

/// The agent against a simulated hub: every way to log in, every trouble that a call can have, and every
/// kind of org. What it knows in the end is held against what really happened.
namespace pushguard {
namespace {

using namespace std::chrono_literals;
using simulator::api_fault_kind;
using test::simulated_agent;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A rollout in three waves, too small to be judged badly.
simulator::scenario small_rollout() {
  simulator::scenario plan;
  plan.waves = {{.created = 0s, .start = 1min, .orgs = 20},
                {.created = 0s, .start = 10min, .orgs = 40},
                {.created = 5min, .start = 20min, .orgs = 60}};
  plan.failures.rate = 0.02;
  plan.failures.ineligible_rate = 0.02;
  return plan;
}

domain::push_status status_of(simulator::push_state state) {
  return domain::parse_push_status(simulator::to_salesforce(state, simulator::in_progress_spelling::joined));
}

/// Every request and job that really exists is known with its status, every failed job with its error, every
/// org by its key, and nothing else is.
void expect_truth(const agent::read_model& model, std::string_view hub, const simulator::hub_truth& truth) {
  std::map<std::string, std::size_t> jobs_of;
  for (const simulator::request_truth& request : truth.requests) {
    const auto id = domain::request_id::parse(request.id).value();
    const auto known = model.requests().find({std::string(hub), id});
    ASSERT_NE(known, model.requests().end()) << request.id;
    EXPECT_EQ(known->second.row.status, status_of(request.state)) << request.id;
    jobs_of[request.id] = 0;
  }
  for (const simulator::job_truth& job : truth.jobs) {
    const auto* table = model.jobs({std::string(hub), domain::request_id::parse(job.request_id).value()});
    ASSERT_NE(table, nullptr) << job.request_id;
    ++jobs_of[job.request_id];
    const auto known = table->find(domain::job_id::parse(job.id).value());
    ASSERT_NE(known, table->end()) << job.id;
    EXPECT_EQ(known->second.status, status_of(job.state)) << job.id;
    EXPECT_EQ(known->second.org.key(), std::string_view(job.org_key).substr(0, 15)) << job.id;
    if (job.state == simulator::push_state::failed) {
      ASSERT_TRUE(known->second.error) << job.id;
      EXPECT_EQ(*known->second.error, job.error_type.empty() ? domain::error_type::unknown
                                                             : domain::parse_error_type(job.error_type))
          << job.id;
    }
    const auto* org = model.org(hub, known->second.org);
    ASSERT_NE(org, nullptr) << job.org_key;
    EXPECT_NE(org->name, "") << job.org_key;
    EXPECT_NE(org->sf_instance, "") << job.org_key;
  }
  for (const auto& [request, count] : jobs_of)
    EXPECT_EQ(model.jobs({std::string(hub), domain::request_id::parse(request).value()})->size(), count);
}

std::uint64_t queries_of(const simulator::hub_truth& truth) {
  std::uint64_t calls = 0;
  for (const auto& [label, count] : truth.api_calls_by)
    calls += label.starts_with("query") || label.starts_with("next_page") ? count : 0;
  return calls;
}

/// What following small_rollout() takes where nothing goes wrong. Trouble may cost more, but not much.
constexpr std::uint64_t calls_of_small_rollout = 330;

/// Runs to the end of the rollout and a little further, so that what was left open is read again.
void expect_the_end(simulated_agent& world, std::uint64_t calls_max = calls_of_small_rollout * 5 / 4 + 40) {
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(10min);
  expect_truth(world.model(), "devhub", world.truth());
  EXPECT_LE(queries_of(world.truth()), calls_max);
}

/// What was told under a name, in order. An Alertmanager is told again and again what still holds: that
/// counts once.
std::vector<std::string> alerts_named(const simulated_agent& world, std::string_view name) {
  std::vector<std::string> told;
  for (const test::told_alert& alert : world.alerts()) {
    const std::string text = (alert.is_resolved ? "resolved: " : "") + alert.summary;
    if (alert.name == name && (told.empty() || told.back() != text))
      told.push_back(text);
  }
  return told;
}

// ---- logging in ----

void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path) << content;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct login_case {
  std::string name;
  void (*plan)(simulator::scenario&);
  void (*configure)(simulated_agent&);
  std::string flow;  ///< as the hub counts it; empty: it sees no login
};

void PrintTo(const login_case& of, std::ostream* out) {
  *out << of.name;
}

const login_case login_cases[] = {
    {"ClientCredentials", [](simulator::scenario&) {}, [](simulated_agent&) {}, "client_credentials"},
    {"JwtBearer",
     [](simulator::scenario& plan) {
       plan.credentials.jwt =
           simulator::jwt_plan{.public_key = test::rsa_key().public_pem(), .username = "push@example.com"};
     },
     [](simulated_agent& world) {
       write_file(world.directory() / "hub.key", test::rsa_key().private_pem());
       world.use_login(
           "login_url: {hub}\nauth:\n  jwt_bearer: { client_id: simulated-client, username: "
           "push@example.com, private_key_file: hub.key }\n");
     },
     "jwt_bearer"},
    {"RefreshToken",
     [](simulator::scenario& plan) {
       plan.credentials.refresh_tokens = {"5Aep861.first"};
       plan.credentials.refresh_use = simulator::refresh_token_use::rotated;
     },
     [](simulated_agent& world) {
       write_file(world.directory() / "token", "5Aep861.first\n");
       world.use_login(
           "login_url: {hub}\nauth:\n  refresh_token: { client_id: simulated-client, "
           "client_secret: simulated-secret, refresh_token_file: token }\n");
     },
     "refresh_token"},
    {"SfdxAuthUrl",
     [](simulator::scenario& plan) {
       plan.credentials.refresh_tokens = {"5Aep861.first"};
       plan.credentials.refresh_secret = simulator::refresh_secret::optional;
     },
     [](simulated_agent& world) {
       const std::string host = world.hub_address().substr(std::string("http://").size());
       write_file(world.directory() / "url",
                  R"({"status":0,"result":{"sfdxAuthUrl":"force://simulated-client::5Aep861.first@)" + host +
                      R"("}})");
       world.use_login("auth: { sfdx_auth_url_file: url }\n");
     },
     "refresh_token"},
    {"AccessToken", [](simulator::scenario&) {},
     [](simulated_agent& world) {
       write_file(world.directory() / "token", world.hub().issue_token());
       world.use_login("auth:\n  access_token: { instance_url: '{hub}', token_file: token }\n");
     },
     ""},
};

class LogIn : public testing::TestWithParam<login_case> {
 protected:
  static simulator::scenario plan() {
    simulator::scenario made = small_rollout();
    GetParam().plan(made);
    return made;
  }
  /// Someone renews what the agent cannot renew itself.
  static void renew_for(simulated_agent& world) {
    if (GetParam().flow.empty())
      write_file(world.directory() / "token", world.hub().issue_token() + "\n");
  }
  static std::uint64_t logins(const simulator::hub_truth& truth) {
    return GetParam().flow.empty() ? 0 : truth.logins_by_flow.at(GetParam().flow);
  }
};

TEST_P(LogIn, FollowsARolloutToItsEnd) {
  simulated_agent world(plan());
  GetParam().configure(world);
  world.start();
  expect_the_end(world);
  const simulator::hub_truth truth = world.truth();
  EXPECT_EQ(logins(truth), GetParam().flow.empty() ? 0U : 1U) << "one login serves REST and stream";
  EXPECT_EQ(truth.logins, logins(truth));
  EXPECT_EQ(truth.refused_logins, 0U);
}

TEST_P(LogIn, GetsANewTokenWhereOneIsRevokedInTheMiddleOfAPoll) {
  simulated_agent world(plan());
  GetParam().configure(world);
  world.start();
  world.run_for(3min);
  for (int revocation = 1; revocation <= 3; ++revocation) {
    world.hub().revoke_tokens();
    renew_for(world);
    world.run_for(4min);
    EXPECT_TRUE(world.model().hubs().at("devhub").is_up) << world.model().hubs().at("devhub").last_failure;
    if (!GetParam().flow.empty()) {
      EXPECT_EQ(logins(world.truth()), 1U + static_cast<unsigned>(revocation))
          << "REST and stream share the renewal";
    }
  }
  expect_the_end(world);
  EXPECT_THAT(alerts_named(world, "PushguardLoginRefused"), IsEmpty());
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Hub, LogIn, testing::ValuesIn(login_cases),
                         [](const auto& each) { return each.param.name; });

TEST(RefreshToken, ThatSalesforceReplacesIsKept) {
  simulator::scenario plan = small_rollout();
  login_cases[2].plan(plan);
  simulated_agent world(plan);
  login_cases[2].configure(world);
  world.start();
  world.run_for(2min);
  const std::string first = content_of(world.directory() / "token");
  EXPECT_NE(first, "5Aep861.first\n");
  world.stop();
  world.start();
  expect_the_end(world);
  EXPECT_NE(content_of(world.directory() / "token"), first) << "each use gives another";
  EXPECT_EQ(world.truth().refused_logins, 0U);
}

TEST(JwtBearer, GoesByTheClockOfTheHub) {
  for (const duration offset : {duration(-2h), duration(2h)}) {
    simulator::scenario plan = small_rollout();
    login_cases[1].plan(plan);
    plan.credentials.clock_offset = offset;
    simulated_agent world(plan);
    login_cases[1].configure(world);
    world.start();
    expect_the_end(world);
    EXPECT_LE(world.truth().refused_logins, 1U) << offset.count();
  }
}

TEST(AccessToken, ThatAnotherProcessRenewsIsReadAgain) {
  simulated_agent world(small_rollout());
  login_cases[4].configure(world);
  world.start();
  world.run_for(3min);
  world.hub().revoke_tokens();
  ASSERT_TRUE(world.run_until([&] { return !alerts_named(world, "PushguardLoginRefused").empty(); }, 10min));
  EXPECT_FALSE(world.model().hubs().at("devhub").is_up);
  write_file(world.directory() / "token",
             R"({"status":0,"result":{"accessToken":")" + world.hub().issue_token() + R"("}})");
  ASSERT_TRUE(world.run_until([&] { return world.model().hubs().at("devhub").is_up; }, 1min))
      << "at once, not after the minutes that a refused login waits";
  expect_the_end(world);
  EXPECT_THAT(alerts_named(world, "PushguardLoginRefused"),
              testing::ElementsAre(HasSubstr("hub devhub"), HasSubstr("resolved: ")));
}

TEST(RefusedLogin, IsToldOnceAndTriedSlowly) {
  simulator::scenario plan = small_rollout();
  simulated_agent world(plan);
  world.start();
  world.run_for(3min);
  world.hub().deactivate_user();
  world.run_for(1h);
  const std::uint64_t refused = world.truth().refused_logins;
  EXPECT_THAT(refused, AllOf(testing::Ge(10U), testing::Le(16U))) << "after 1, 2, 4, then every 5 minutes";
  EXPECT_THAT(alerts_named(world, "PushguardLoginRefused"), SizeIs(1));
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), SizeIs(1)) << "and that it is blind by now";
  EXPECT_THAT(world.model().hubs().at("devhub").last_failure, HasSubstr("inactive_user"));
  world.hub().activate_user();
  expect_the_end(world);
  EXPECT_THAT(alerts_named(world, "PushguardLoginRefused"), Contains(HasSubstr("resolved: ")));
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), Contains(HasSubstr("resolved: ")));
}

TEST(Login, SurvivesEveryTroubleThatPasses) {
  using simulator::login_fault_kind;
  for (const login_fault_kind kind :
       {login_fault_kind::rate_limited, login_fault_kind::server_error, login_fault_kind::maintenance_page,
        login_fault_kind::slow, login_fault_kind::no_answer, login_fault_kind::garbage,
        login_fault_kind::no_token, login_fault_kind::html_200, login_fault_kind::huge_answer,
        login_fault_kind::foreign_http_instance}) {
    simulator::scenario plan = small_rollout();
    plan.credentials.faults = {{.kind = kind, .times = 2}};
    simulated_agent world(plan);
    world.start();
    world.run_for(2min);
    EXPECT_TRUE(world.model().hubs().at("devhub").is_up) << static_cast<int>(kind);
    EXPECT_THAT(alerts_named(world, "PushguardLoginRefused"), IsEmpty()) << static_cast<int>(kind);
  }
}

TEST(MovedOrg, IsFollowed) {
  simulated_agent world(small_rollout());
  world.start();
  world.run_for(5min);
  world.move_hub();
  world.hub().revoke_tokens();
  expect_the_end(world);
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), IsEmpty());
  EXPECT_LE(world.truth().logins, 3U);
}

TEST(MovedOrg, IsFollowedWithoutARevocation) {
  simulated_agent world(small_rollout());
  world.start();
  world.run_for(5min);
  world.move_hub();
  expect_the_end(world);
  EXPECT_LE(world.truth().logins, 3U) << "the redirection is never followed with the old token";
}

// ---- trouble ----

/// Kinds of fault, each hitting some calls at the beginning and some in the middle.
class ApiTrouble : public testing::TestWithParam<api_fault_kind> {};

TEST_P(ApiTrouble, LosesNothing) {
  simulator::scenario clean = small_rollout();
  clean.api.page_rows_max = 25;  // so that there are pages
  simulated_agent calm(clean);
  calm.start();
  ASSERT_TRUE(calm.run_to_the_end());
  calm.run_for(10min);

  simulator::scenario plan = clean;
  plan.api.faults = {{.kind = GetParam(), .skip = 1, .times = 2},
                     {.kind = GetParam(), .from = 11min, .times = 2},
                     {.kind = GetParam(), .from = 21min, .skip = 3, .times = 1}};
  simulated_agent world(plan);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(10min);
  expect_truth(world.model(), "devhub", world.truth());
  const std::string name(simulator::name_of(GetParam()));
  if (GetParam() != api_fault_kind::cancel_lost)
    EXPECT_GE(world.truth().faults_hit.at(name), 1U);
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), IsEmpty());
  EXPECT_LE(queries_of(world.truth()), queries_of(calm.truth()) * 5 / 4 + 40) << "and asks little more";
}

INSTANTIATE_TEST_SUITE_P(Hub, ApiTrouble, testing::ValuesIn(simulator::all_api_fault_kinds()),
                         [](const auto& each) { return std::string(simulator::name_of(each.param)); });

TEST(Revocation, InTheMiddleOfAPageIsRenewedThere) {
  simulator::scenario plan = small_rollout();
  plan.api.page_rows_max = 10;
  for (const std::size_t skip : {1U, 4U})
    plan.api.faults.push_back({.kind = api_fault_kind::session_invalid,
                               .operation = simulator::api_operation::next_page,
                               .skip = skip,
                               .times = 1});
  simulated_agent world(plan);
  world.start();
  world.run_for(1min);
  EXPECT_EQ(world.truth().faults_hit.at("session_invalid"), 2U);
  EXPECT_EQ(world.truth().logins, 3U) << "one at the start, and one for each";
  expect_the_end(world, 600);  // pages of ten rows
}

TEST(CancelLost, IsFoundOutByReading) {
  simulator::demo_options options;
  options.time_scale = 1;
  simulator::scenario plan = simulator::make_demo_scenario(options);
  plan.api.faults = {{.kind = api_fault_kind::cancel_lost, .times = 10}};
  simulated_agent world(plan);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(10min);
  expect_truth(world.model(), "devhub", world.truth());
  ASSERT_THAT(world.decisions(), SizeIs(1));
  EXPECT_EQ(world.decisions().front().outcome, "confirmed");
}

// ---- orgs of every kind ----

struct org_case {
  std::string name;
  void (*change)(simulator::scenario&);
};

void PrintTo(const org_case& of, std::ostream* out) {
  *out << of.name;
}

class AnyOrg : public testing::TestWithParam<org_case> {};

TEST_P(AnyOrg, IsReadToItsEndWithAndWithoutTheStream) {
  for (const bool with_stream : {true, false}) {
    simulator::scenario plan = small_rollout();
    GetParam().change(plan);
    simulated_agent world(plan);
    world.use_stream(with_stream);
    world.start();
    ASSERT_TRUE(world.run_to_the_end(3h)) << world.model().hubs().at("devhub").last_failure;
    world.run_for(10min);
    expect_truth(world.model(), "devhub", world.truth());
    EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), IsEmpty()) << with_stream;
    EXPECT_THAT(world.log().lines_of("hub_blind"), IsEmpty());
    EXPECT_THAT(world.log().lines_of("hub_unreadable"), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Hub, AnyOrg,
    testing::Values(
        org_case{"AsItComes", [](simulator::scenario&) {}},
        org_case{
            "SpelledWithABlank",
            [](simulator::scenario& plan) { plan.api.spelling = simulator::in_progress_spelling::spaced; }},
        org_case{"SystemModstampCannotBeFiltered",
                 [](simulator::scenario& plan) {
                   plan.api.system_modstamp = simulator::modstamp_filter::refused;
                 }},
        org_case{
            "WithoutSystemModstamp",
            [](simulator::scenario& plan) { plan.api.system_modstamp = simulator::modstamp_filter::absent; }},
        org_case{"KeysOf18Characters",
                 [](simulator::scenario& plan) { plan.api.org_keys = simulator::org_key_form::long_id; }},
        org_case{"KeysThatDifferByCase", [](simulator::scenario& plan) { plan.orgs.case_twins = 20; }},
        org_case{"ManyPages",
                 [](simulator::scenario& plan) {
                   plan.waves.push_back({.created = 0s, .start = 5min, .orgs = 2500});
                   plan.push.concurrency = 200;
                 }},
        org_case{"QueriesTimeOut",
                 [](simulator::scenario& plan) {
                   plan.waves.push_back({.created = 0s, .start = 5min, .orgs = 900});
                   plan.push.concurrency = 50;
                   plan.api.query_timeout_above = 250;
                 }},
        org_case{"LimitsHidden", [](simulator::scenario& plan) { plan.api.limits_visible = false; }},
        org_case{"SeveralErrorRowsOrNone",
                 [](simulator::scenario& plan) {
                   plan.failures.several_rows_share = 0.5;
                   plan.failures.no_rows_share = 0.5;
                 }},
        org_case{
            "RequestsEndLate",
            [](simulator::scenario& plan) { plan.push.request_end_lag = {.least = 1min, .most = 4min}; }},
        org_case{"ScheduledElsewhereWhileItRuns",
                 [](simulator::scenario& plan) {
                   plan.waves.push_back({.created = 12min, .start = 12min, .orgs = 30});
                   plan.waves.push_back({.created = 25min, .start = 40min, .orgs = 30});
                 }}),
    [](const auto& each) { return each.param.name; });

TEST(Orphans, AreStaleAndKeepNothingBusy) {
  simulator::scenario plan = small_rollout();
  plan.orphans = {{.age = 48h, .orgs = 7}};
  simulated_agent world(plan);
  world.start();
  ASSERT_TRUE(world.run_until([&] { return world.hub().is_finished(); }));
  world.run_for(10min);
  expect_truth(world.model(), "devhub", world.truth());
  std::size_t stale = 0;
  for (const auto& [key, request] : world.model().requests()) {
    EXPECT_EQ(request.is_stale, request.row.status == domain::push_status::created);
    stale += request.is_stale ? 1 : 0;
  }
  EXPECT_EQ(stale, 1U);
  const auto before = queries_of(world.truth());
  world.run_for(1h);
  EXPECT_LE(queries_of(world.truth()) - before, 2 * 13U) << "every five minutes, not every fifteen seconds";
  EXPECT_THAT(world.get("/api/v1/requests"), HasSubstr(R"("stale":true)"));
}

TEST(Campaigns, OfOneVersionAreRolloutsOfTheirOwn) {
  simulator::scenario plan = small_rollout();
  plan.history = {{.age = 24h * 6, .orgs = 30, .version = simulator::pushed_version::to}};
  simulated_agent near(plan);
  near.start();
  near.run_for(5min);
  EXPECT_THAT(near.model().rollouts(), SizeIs(1)) << "within a week it is one campaign";

  plan.history.front().age = 24h * 20;
  simulated_agent far(plan);
  far.start();
  far.run_for(5min);
  for (const auto& [key, rollout] : far.model().rollouts())
    EXPECT_THAT(key.second, HasSubstr("/")) << "what ended so long ago is not read";
  EXPECT_THAT(far.model().rollouts(), SizeIs(1));
}

// ---- pace ----

TEST(FirstRead, TakesAsManyCallsAsThereArePages) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 6h, .orgs = 3000}, {.created = 0s, .start = 7h, .orgs = 1500}};
  simulated_agent world(plan);
  world.use_stream(false);
  world.start();
  world.run_for(1min);
  EXPECT_EQ(world.truth().api_calls_by, (std::map<std::string, std::uint64_t>{
                                            {"versions", 1},
                                            {"describe PackagePushRequest", 1},
                                            {"describe PackagePushJob", 1},
                                            {"query PackagePushRequest", 1},
                                            {"query PackagePushJob", 2},  // the counts, and the jobs
                                            {"next_page PackagePushJob", 2},
                                            {"query PackageSubscriber", 1},
                                            {"next_page PackageSubscriber", 2},
                                        }));
}

TEST(FirstRead, OfARolloutThatIsOverReadsItsErrorsInBulk) {
  simulator::scenario plan = small_rollout();
  plan.waves.clear();
  plan.waves.push_back({.created = 0s, .start = 1min, .orgs = 3000});
  plan.push.concurrency = 300;
  plan.failures.rate = 0.2;
  simulated_agent world(plan);
  world.use_policies(" []");
  world.use_stream(false);
  world.run_for(1h);
  ASSERT_TRUE(world.hub().is_finished());
  world.start();
  world.run_for(1min);
  expect_truth(world.model(), "devhub", world.truth());
  EXPECT_EQ(world.truth().api_calls_by.at("query PackagePushError"), 1U) << "not by lists of job ids";
}

TEST(SteadyPass, TakesTwoCalls) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 6h, .orgs = 3000}};
  simulated_agent world(plan);
  world.use_stream(false);
  world.start();
  world.run_for(10min);
  const std::uint64_t before = queries_of(world.truth());
  world.run_for(1h);
  EXPECT_EQ(queries_of(world.truth()) - before, 12U * 2) << "every five minutes, as nothing is due";
}

TEST(Pace, IsQuickOnceARolloutIsDue) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 2h, .orgs = 10}};
  simulated_agent world(plan);
  world.use_stream(false);
  world.start();
  world.run_for(2h);
  ASSERT_TRUE(world.run_until(
      [&] {
        return world.model().rollouts().begin()->second.jobs[static_cast<std::size_t>(
                   domain::push_status::in_progress)] > 0;
      },
      1min))
      << "within a few active intervals, though the idle interval is five minutes";
}

TEST(Day, OfAThousandOrgsStaysInsideTheBudgetOfASmallHub) {
  simulator::scenario plan = small_rollout();
  plan.waves.clear();
  // From morning to evening, a wave every two hours.
  for (int wave = 0; wave < 5; ++wave)
    plan.waves.push_back({.created = 0s, .start = 1h + wave * 2h, .orgs = 200});
  plan.api.daily_calls_max = 15'000;
  simulated_agent world(plan);
  world.start();
  world.run_for(24h);
  expect_truth(world.model(), "devhub", world.truth());
  ASSERT_TRUE(world.hub().is_finished());
  const std::uint64_t calls = world.truth().api_calls;
  RecordProperty("api_calls", static_cast<int>(calls));
  std::cout << "a day of a 1 000-org rollout took " << calls << " API calls of 15 000\n";
  EXPECT_LT(calls, 15'000U / 5);
  EXPECT_GT(calls, 300U) << "it did look";
}

TEST(Day, OfARolloutThatLastsAllOfItStaysInsideTheBudget) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 1min, .orgs = 360}};
  plan.push.concurrency = 1;  // a day of it
  plan.push.success_takes = {.least = 200s, .most = 300s};
  plan.api.daily_calls_max = 15'000;
  simulated_agent world(plan);
  world.start();
  world.run_for(24h);
  EXPECT_LE(world.truth().api_calls, 3000U);
  EXPECT_THAT(alerts_named(world, "PushguardApiBudgetLow"), Not(IsEmpty()));
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), IsEmpty()) << "slower is not blind";
}

TEST(Allocation, ThatOthersUseUpIsToldAndWaitedFor) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 1min, .orgs = 300}, {.created = 0s, .start = 5h, .orgs = 300}};
  plan.push.concurrency = 5;
  plan.api.daily_calls_max = 2000;
  plan.api.other_calls_per_hour = 1000;
  simulated_agent world(plan);
  world.start();
  world.run_for(4h);
  EXPECT_THAT(alerts_named(world, "PushguardApiBudgetLow"), Not(IsEmpty()));
  EXPECT_LE(world.hub_requests(), 1500U) << "no hammering on a closed door";
}

TEST(Allocation, IsAskedForWhereAnswersDoNotTellIt) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 48h, .orgs = 10}};
  simulated_agent world(plan);
  world.set_usage_told(false);
  world.start();
  world.run_for(3h);
  EXPECT_EQ(world.truth().api_calls_by.at("limits"), 1U) << "once it is known, it is not asked for again";
  EXPECT_THAT(world.get("/metrics"),
              HasSubstr("pushguard_salesforce_api_calls_limit{hub=\"devhub\"} 100000"));
}

TEST(Allocation, ThatIsHiddenIsAskedForOnceAnHour) {
  simulator::scenario plan = small_rollout();
  plan.waves = {{.created = 0s, .start = 48h, .orgs = 10}};
  plan.api.limits_visible = false;
  simulated_agent world(plan);
  world.set_usage_told(false);
  world.start();
  world.run_for(3h + 10min);
  EXPECT_EQ(world.truth().api_calls_by.at("limits"), 4U);
  EXPECT_TRUE(world.model().hubs().at("devhub").is_up);
}

TEST(SpentBudget, HoldsBackNoAbort) {
  simulator::demo_options options;
  options.time_scale = 1;
  simulator::scenario plan = simulator::make_demo_scenario(options);
  plan.api.daily_calls_max = 500;  // 100 calls a day for Pushguard: one read in 18 minutes
  simulated_agent world(plan);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  ASSERT_THAT(world.decisions(), SizeIs(1));
  const agent::decision_view decision = world.decisions().front();
  EXPECT_EQ(decision.outcome, "confirmed");
  ASSERT_THAT(world.truth().cancel_attempts, Not(IsEmpty()));
  EXPECT_LE(world.truth().cancel_attempts.front().at - decision.decided_at, 1s);
}

TEST(ThreeHubs, OfWhichOneIsDeadDelayNoOther) {
  simulated_agent alone(small_rollout());
  alone.start();
  ASSERT_TRUE(alone.run_to_the_end());

  simulated_agent world(small_rollout());
  world.add_hub("dead", small_rollout());
  world.add_hub("third", small_rollout());
  world.set_outage_of("dead", true);
  world.start();
  ASSERT_TRUE(
      world.run_until([&] { return world.hub().is_finished() && world.hub_of("third").is_finished(); }));
  world.run_for(10min);
  expect_truth(world.model(), "devhub", world.truth());
  expect_truth(world.model(), "third", world.hub_of("third").truth());
  EXPECT_TRUE(world.model().hubs().at("devhub").is_up);
  EXPECT_TRUE(world.model().hubs().at("third").is_up);
  EXPECT_FALSE(world.model().hubs().at("dead").is_up);
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"), testing::ElementsAre(HasSubstr("hub dead")));
  const std::uint64_t calm = queries_of(alone.truth());
  EXPECT_NEAR(static_cast<double>(queries_of(world.truth())), static_cast<double>(calm),
              static_cast<double>(calm) / 3)
      << "as often as if it were alone, but for the end";
  world.set_outage_of("dead", false);
  world.run_for(10min);
  expect_truth(world.model(), "dead", world.hub_of("dead").truth());
  EXPECT_THAT(alerts_named(world, "PushguardHubBlind"),
              testing::ElementsAre(HasSubstr("hub dead"), HasSubstr("resolved: ")));
}

}  // namespace
}  // namespace pushguard
