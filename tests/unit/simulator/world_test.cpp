#include "simulator/world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "base/text.hpp"
#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

std::size_t sum(const state_counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

/// The states of all jobs, and of all requests.
struct states {
  std::vector<push_state> jobs;
  std::vector<push_state> requests;

  explicit states(const world& of) {
    for (const job_row& job : of.jobs())
      jobs.push_back(job.state);
    for (const request_row& request : of.requests())
      requests.push_back(request.state);
  }
};

TEST(World, AWaveGoesThroughItsStatesToTheEnd) {
  world simulated(small_scenario(20, 0.5));
  simulated.advance_to(0s);
  ASSERT_EQ(simulated.requests().size(), 2U);
  EXPECT_EQ(simulated.requests()[0].state, push_state::created);
  simulated.advance_to(5s);
  EXPECT_EQ(simulated.requests()[0].state, push_state::pending);
  simulated.advance_to(60s);
  EXPECT_EQ(simulated.requests()[0].state, push_state::pending) << "the start lags by a second at least";
  simulated.advance_to(71s);
  EXPECT_EQ(simulated.requests()[0].state, push_state::in_progress);
  simulated.advance_to(59min);
  EXPECT_EQ(simulated.requests()[0].state, push_state::failed) << "one failed org is enough";
  EXPECT_EQ(simulated.requests()[1].state, push_state::pending);
  EXPECT_FALSE(simulated.is_finished());
  simulated.advance_to(2h);
  EXPECT_TRUE(simulated.is_finished());
  EXPECT_EQ(simulated.next_event(), std::nullopt);
}

TEST(World, ARequestWithoutFailuresSucceeds) {
  scenario plan = small_scenario(20, 0);
  plan.failures.ineligible_rate = 0;
  plan.failures.benign_rate = 0;
  world simulated(plan);
  simulated.advance_to(2h);
  EXPECT_EQ(simulated.requests()[0].state, push_state::succeeded);
  EXPECT_EQ(count_of(simulated.requests()[0].jobs, push_state::succeeded), 20U);
  EXPECT_TRUE(simulated.errors().empty());
  for (const job_row& job : simulated.jobs())
    EXPECT_EQ(simulated.orgs()[job.org].version, version_to);
}

TEST(World, JobsAreConservedTerminalStatesStayAndConcurrencyIsKept) {
  scenario plan = small_scenario(120, 0.3);
  plan.push.concurrency = 7;
  world simulated(plan);
  states before(simulated);
  for (duration at = 0s; !simulated.is_finished(); at += 3s) {
    simulated.advance_to(at);
    const states now(simulated);
    std::map<row_index, std::size_t> running;
    for (std::size_t job = 0; job < now.jobs.size(); ++job) {
      if (job < before.jobs.size() && is_terminal(before.jobs[job])) {
        ASSERT_EQ(now.jobs[job], before.jobs[job]);
      }
      if (now.jobs[job] == push_state::in_progress)
        ++running[simulated.jobs()[job].request];
    }
    for (std::size_t request = 0; request < now.requests.size(); ++request) {
      if (request < before.requests.size() && is_terminal(before.requests[request])) {
        ASSERT_EQ(now.requests[request], before.requests[request]);
      }
      ASSERT_EQ(sum(simulated.requests()[request].jobs), 120U);
      ASSERT_LE(running[static_cast<row_index>(request)], 7U);
    }
    before = now;
    ASSERT_LT(at, 24h);
  }
}

TEST(World, EveryOrgIsPushedOnceInARollout) {
  world simulated(small_scenario());
  simulated.advance_to(0s);
  std::set<row_index> orgs;
  for (const job_row& job : simulated.jobs())
    orgs.insert(job.org);
  EXPECT_EQ(orgs.size(), 100U);
}

TEST(World, RunsTheSameInOneStepAndInMany) {
  world at_once(small_scenario());
  world by_steps(small_scenario());
  const std::vector<job_change> expected = at_once.advance_to(2h);
  std::vector<job_change> changes;
  for (duration at = 0s; at <= 2h; at += 700ms) {
    const auto some = by_steps.advance_to(at);
    changes.insert(changes.end(), some.begin(), some.end());
  }
  EXPECT_EQ(changes, expected);
  EXPECT_GE(changes.size(), 300U) << "pending, in progress and an end for each of a hundred jobs";
}

TEST(World, AnotherSeedIsAnotherRollout) {
  scenario plan = small_scenario();
  world one(plan);
  ++plan.seed;
  world other(plan);
  EXPECT_NE(one.advance_to(2h), other.advance_to(2h));
}

TEST(World, ChangesTellEveryStepOfEveryJob) {
  world simulated(small_scenario(30));
  std::map<row_index, std::vector<push_state>> steps;
  duration last = 0s;
  for (const job_change& change : simulated.advance_to(2h)) {
    EXPECT_GE(change.at, last);
    last = change.at;
    steps[change.job].push_back(change.state);
  }
  EXPECT_EQ(steps.size(), 60U);
  for (const auto& [job, states_of_job] : steps) {
    ASSERT_EQ(states_of_job.size(), 3U);
    EXPECT_EQ(states_of_job[0], push_state::pending);
    EXPECT_EQ(states_of_job[1], push_state::in_progress);
    EXPECT_EQ(states_of_job[2], simulated.jobs()[job].state);
  }
}

TEST(World, FailuresReportSoonerThanSuccesses) {
  world simulated(small_scenario(100));
  simulated.advance_to(2h);
  for (const job_row& job : simulated.jobs()) {
    const duration took = *job.end - *job.start;
    if (job.state == push_state::failed) {
      EXPECT_LE(took, 30s);
    } else {
      EXPECT_GE(took, 40s);
    }
  }
}

// Cancelling

TEST(World, CancelsARequestThatIsCreated) {
  world simulated(small_scenario());
  simulated.advance_to(1s);
  EXPECT_EQ(simulated.cancel(1), cancel_answer::accepted);
  EXPECT_EQ(simulated.requests()[1].state, push_state::canceled);
}

TEST(World, CancelsAPendingRequestAndItsJobsFollow) {
  scenario plan = small_scenario();
  plan.push.cancel_lag = {2s, 2s};
  world simulated(plan);
  simulated.advance_to(30s);
  EXPECT_EQ(simulated.cancel(1), cancel_answer::accepted);
  EXPECT_EQ(count_of(simulated.requests()[1].jobs, push_state::pending), 50U) << "the jobs lag behind";
  const auto changes = simulated.advance_to(32s);
  EXPECT_EQ(count_of(simulated.requests()[1].jobs, push_state::canceled), 50U);
  EXPECT_EQ(changes.size(), 50U);
  simulated.advance_to(3h);
  EXPECT_EQ(count_of(simulated.requests()[1].jobs, push_state::canceled), 50U) << "it never starts";
  EXPECT_TRUE(simulated.is_finished());
}

TEST(World, RefusesToCancelWhatRunsOrHasEnded) {
  world simulated(small_scenario());
  simulated.advance_to(75s);
  ASSERT_EQ(simulated.requests()[0].state, push_state::in_progress);
  EXPECT_EQ(simulated.cancel(0), cancel_answer::refused);
  EXPECT_EQ(simulated.requests()[0].state, push_state::in_progress);
  EXPECT_EQ(simulated.cancel(1), cancel_answer::accepted);
  EXPECT_EQ(simulated.cancel(1), cancel_answer::refused) << "it is canceled already";
  simulated.advance_to(59min);
  ASSERT_TRUE(is_terminal(simulated.requests()[0].state));
  EXPECT_EQ(simulated.cancel(0), cancel_answer::refused);
}

TEST(World, CancellingOneRequestLeavesTheFateOfTheOthers) {
  world with(small_scenario());
  world without(small_scenario());
  with.advance_to(30s);
  ASSERT_EQ(with.cancel(1), cancel_answer::accepted);
  with.advance_to(3h);
  without.advance_to(3h);
  for (row_index job = 0; job < 50; ++job) {
    EXPECT_EQ(with.jobs()[job].state, without.jobs()[job].state);
    EXPECT_EQ(with.jobs()[job].end, without.jobs()[job].end);
  }
}

TEST(World, IsNotFinishedWhileAWaveIsStillToBeCreated) {
  scenario plan = small_scenario(5);
  plan.waves[1].created = 30min;
  world simulated(plan);
  simulated.advance_to(29min);
  EXPECT_EQ(simulated.requests().size(), 1U);
  EXPECT_TRUE(is_terminal(simulated.requests()[0].state));
  EXPECT_FALSE(simulated.is_finished());
  simulated.advance_to(30min);
  EXPECT_EQ(simulated.requests().size(), 2U);
}

// Failures

TEST(World, FailsAboutAsManyOrgsAsTheOddsSay) {
  scenario plan = small_scenario(5000, 0.2);
  plan.push.concurrency = 1000;
  plan.failures.ineligible_rate = 0;
  plan.failures.benign_rate = 0;
  world simulated(plan);
  simulated.advance_to(10h);
  std::size_t failed = 0;
  for (const request_row& request : simulated.requests())
    failed += count_of(request.jobs, push_state::failed);
  EXPECT_NEAR(static_cast<double>(failed), 2000.0, 200.0);  // five standard deviations
}

TEST(World, AnInstanceAndAWaveCanHaveOddsOfTheirOwn) {
  scenario plan = small_scenario(200, 0);
  plan.failures.ineligible_rate = 0;
  plan.failures.benign_rate = 0;
  plan.failures.instance_rates = {{"DEU12", 1.0}};
  plan.waves[1].failure_rate = 1.0;
  plan.failures.instance_rates.push_back({"JPN88", 0.0});
  world simulated(plan);
  simulated.advance_to(10h);
  for (const job_row& job : simulated.jobs()) {
    const std::string& instance = plan.orgs.instances[simulated.orgs()[job.org].instance].name;
    const bool fails = instance == "DEU12" || (job.request == 1 && instance != "JPN88");
    EXPECT_EQ(job.state, fails ? push_state::failed : push_state::succeeded) << instance;
  }
}

TEST(World, AFailedJobHasOneErrorRowOrSeveralOrNone) {
  scenario plan = small_scenario(1000, 1);
  plan.push.concurrency = 1000;
  plan.failures.no_rows_share = 0.1;
  plan.failures.several_rows_share = 0.3;
  world simulated(plan);
  simulated.advance_to(10h);
  std::map<int, int> jobs_by_rows;
  std::size_t rows = 0;
  for (const job_row& job : simulated.jobs()) {
    ++jobs_by_rows[job.error_count];
    for (row_index place = 0; place < job.error_count; ++place)
      EXPECT_EQ(&simulated.jobs()[simulated.errors()[job.first_error + place].job], &job);
    rows += job.error_count;
    EXPECT_EQ(simulated.error_type_of(job).empty(), job.error_count == 0);
  }
  EXPECT_EQ(rows, simulated.errors().size());
  EXPECT_EQ(jobs_by_rows.size(), 4U) << "0, 1, 2 and 3";
  EXPECT_GT(jobs_by_rows[1], jobs_by_rows[2]);
}

TEST(World, HistoryHasEndedBeforeTheRolloutBegins) {
  scenario plan = small_scenario(30);
  plan.history = {{.age = 24h * 14, .orgs = 40, .failure_rate = 0.5}};
  world simulated(plan);
  ASSERT_EQ(simulated.requests().size(), 1U);
  const request_row& past = simulated.requests()[0];
  EXPECT_TRUE(past.is_history);
  EXPECT_EQ(past.state, push_state::failed);
  EXPECT_EQ(past.version, version_from);
  EXPECT_EQ(past.modified, -24h * 14);
  EXPECT_GT(count_of(past.jobs, push_state::failed), 0U);
  EXPECT_EQ(sum(past.jobs), 40U);
  EXPECT_FALSE(simulated.is_finished());
  simulated.advance_to(10h);
  EXPECT_TRUE(simulated.is_finished());
}

TEST(World, HistoryCanPushTheVersionOfTheRollout) {
  scenario plan = small_scenario(30, 0.5);
  plan.time_scale = 2;
  plan.history = {{.age = 24h * 40, .orgs = 5},
                  {.age = 24h * 20, .orgs = 10, .failure_rate = 0.5, .version = pushed_version::to}};
  world simulated(plan);
  EXPECT_EQ(simulated.requests()[0].version, version_from);
  EXPECT_EQ(simulated.requests()[1].version, version_to);
  EXPECT_EQ(simulated.requests()[1].end, -2 * 24h * 20) << "ages are told on the clock";
  for (const job_row& job : simulated.jobs()) {
    const bool is_upgraded = job.request == 1 && job.state == push_state::succeeded;
    if (job.request == 1)
      EXPECT_EQ(simulated.orgs()[job.org].version, is_upgraded ? version_to : version_from);
  }
}

TEST(World, AnOrphanStaysCreatedAndHoldsNothingUp) {
  scenario plan = small_scenario(10);
  plan.orphans = {{.age = 24h, .orgs = 25, .version = pushed_version::to}};
  world simulated(plan);
  EXPECT_EQ(simulated.orgs().size(), 25U);
  simulated.advance_to(24h);
  const request_row& orphan = simulated.requests()[0];
  EXPECT_TRUE(orphan.is_orphan);
  EXPECT_EQ(orphan.state, push_state::created);
  EXPECT_EQ(orphan.version, version_to);
  EXPECT_EQ(orphan.modified, -24h);
  EXPECT_EQ(count_of(orphan.jobs, push_state::created), 25U);
  EXPECT_TRUE(simulated.is_finished());
  EXPECT_EQ(simulated.cancel(0), cancel_answer::accepted);
  EXPECT_TRUE(simulated.is_finished());
  simulated.advance_to(25h);
  EXPECT_EQ(count_of(simulated.requests()[0].jobs, push_state::canceled), 25U);
  EXPECT_TRUE(simulated.is_finished());
}

TEST(World, CaseTwinsAreOrgsBesideThoseThatArePushed) {
  scenario plan = small_scenario(100);
  world without(plan);
  plan.orgs.case_twins = 20;
  world with(plan);
  without.advance_to(10h);
  with.advance_to(10h);
  ASSERT_EQ(with.orgs().size(), without.orgs().size() + 20);
  ASSERT_EQ(with.jobs().size(), without.jobs().size());
  std::set<std::string> keys;
  for (row_index org = 0; org < with.orgs().size(); ++org)
    EXPECT_TRUE(keys.insert(with.org_key(org)).second) << "no key twice";
  for (row_index job = 0; job < with.jobs().size(); ++job) {
    EXPECT_EQ(with.jobs()[job].org, without.jobs()[job].org);
    EXPECT_EQ(with.jobs()[job].end, without.jobs()[job].end);
  }
  for (row_index twin = 0; twin < 20; ++twin) {
    const std::string key = with.org_key(200 + twin);
    const std::string partner = with.org_key(with.jobs()[twin].org);
    EXPECT_NE(key, partner);
    EXPECT_EQ(to_lower_ascii(key), to_lower_ascii(partner));
  }
}

TEST(World, ARequestCanEndLaterThanItsJobs) {
  scenario plan = small_scenario(20);
  world without(plan);
  plan.push.request_end_lag = {2min, 5min};
  world with(plan);
  without.advance_to(10h);
  duration last{};
  for (row_index job = 0; job < 20; ++job)
    last = std::max(last, *without.jobs()[job].end);
  with.advance_to(last + 2min - 1ms);
  EXPECT_EQ(with.requests()[0].state, push_state::in_progress);
  EXPECT_EQ(count_of(with.requests()[0].jobs, push_state::in_progress), 0U) << "its jobs have ended";
  EXPECT_EQ(with.cancel(0), cancel_answer::refused);
  with.advance_to(last + 5min);
  EXPECT_EQ(with.requests()[0].state, without.requests()[0].state);
  EXPECT_GE(*with.requests()[0].end, last + 2min);
  EXPECT_FALSE(with.is_finished());
  with.advance_to(10h);
  EXPECT_TRUE(with.is_finished());
  EXPECT_EQ(with.jobs()[30].end, without.jobs()[30].end) << "the draws are the same";
}

TEST(World, AHundredThousandOrgsAreNoMatter) {
  scenario plan = small_scenario(50'000, 0.05);
  plan.push.concurrency = 5'000;
  world simulated(plan);
  std::size_t changes = 0;
  for (duration at = 0s; !simulated.is_finished(); at += 10min) {
    changes += simulated.advance_to(at).size();
    ASSERT_LT(at, 24h);
  }
  EXPECT_EQ(changes, 300'000U);
}

TEST(World, FindsRequestsByIdInBothForms) {
  world simulated(small_scenario());
  simulated.advance_to(0s);
  EXPECT_EQ(find_request(simulated, request_id_of(1)), 1U);
  EXPECT_EQ(find_request(simulated, request_id_of(1).substr(0, 15)), 1U);
  EXPECT_EQ(find_request(simulated, request_id_of(2)), std::nullopt);
  EXPECT_EQ(find_request(simulated, job_id_of(1)), std::nullopt);
}

}  // namespace
}  // namespace pushguard::simulator
