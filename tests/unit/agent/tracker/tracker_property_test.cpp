// Random rows and events in random order: what must hold whatever comes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <variant>

#include "agent/tracker/tracker.hpp"
#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::tracker {
namespace {

using namespace test;

constexpr unsigned runs = 200;
constexpr unsigned jobs = 12;

using input = std::variant<domain::job_row, domain::push_event>;

push_status any_status(std::mt19937& random) {
  return domain::all_push_statuses[std::uniform_int_distribution<std::size_t>(0, 5)(random)];
}

/// A job's rows with growing times and no way back from a terminal state, as Salesforce gives them, and
/// events that may say anything.
std::vector<input> make_inputs(std::mt19937& random) {
  std::vector<input> out;
  for (unsigned n = 1; n <= jobs; ++n) {
    auto status = push_status::created;
    for (int i = 0; i < 5; ++i) {
      if (!is_terminal(status))
        status = std::max(status, any_status(random));
      out.emplace_back(job_row(n, 1 + n % 2, status, std::chrono::minutes{i}));
      out.emplace_back(job_event(n, any_status(random)));
    }
  }
  return out;
}

changes feed(tracker& hub, const input& what, wall_time now) {
  if (const auto* row = std::get_if<domain::job_row>(&what))
    return hub.apply(std::span(row, 1), now);
  return hub.apply(std::get<domain::push_event>(what), now);
}

tracker fed(const std::vector<input>& inputs) {
  tracker hub;
  (void)apply(hub, {request_row(1), request_row(2)});
  auto now = at(0s);
  for (const auto& what : inputs)
    (void)feed(hub, what, now += 1s);
  return hub;
}

std::map<domain::job_id, push_status> statuses(const tracker& hub) {
  std::map<domain::job_id, push_status> out;
  for (const auto& job : hub.jobs())
    out[job.id] = job.status;
  return out;
}

void expect_counts_to_add_up(const tracker& hub) {
  std::vector<status_counts> counted(hub.requests().size());
  for (const auto& job : hub.jobs())
    ++counted[static_cast<std::size_t>(job.request)][static_cast<std::size_t>(job.status)];
  for (std::size_t i = 0; i < counted.size(); ++i)
    EXPECT_EQ(hub.requests()[i].job_counts, counted[i]);
}

TEST(TrackerProperty, QueriedTerminalStatesDoNotDependOnTheOrder) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937 random(seed);
    auto inputs = make_inputs(random);
    std::map<domain::job_id, push_status> truth;
    for (const auto& what : inputs) {
      if (const auto* row = std::get_if<domain::job_row>(&what); row != nullptr && is_terminal(row->status))
        truth[row->id] = row->status;
    }
    std::ranges::shuffle(inputs, random);
    const auto hub = fed(inputs);
    const auto found = statuses(hub);
    for (const auto& [id, status] : truth)
      EXPECT_EQ(found.at(id), status) << "seed " << seed;
    expect_counts_to_add_up(hub);
  }
}

TEST(TrackerProperty, RowsAloneGiveTheSameStateInEveryOrder) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937 random(seed);
    auto inputs = make_inputs(random);
    std::erase_if(inputs, [](const input& what) { return std::holds_alternative<domain::push_event>(what); });
    const auto straight = statuses(fed(inputs));
    std::ranges::shuffle(inputs, random);
    EXPECT_EQ(statuses(fed(inputs)), straight) << "seed " << seed;
  }
}

TEST(TrackerProperty, SayingEverythingAgainChangesNothing) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937 random(seed);
    auto inputs = make_inputs(random);
    std::ranges::shuffle(inputs, random);
    auto hub = fed(inputs);
    // Once more, so that rows have confirmed what only events had said.
    auto now = at(1h);
    std::vector<domain::job_row> rows;
    for (const auto& what : inputs) {
      if (const auto* row = std::get_if<domain::job_row>(&what))
        rows.push_back(*row);
    }
    (void)hub.apply(rows, now);
    const auto before = statuses(hub);
    const auto again = hub.apply(rows, now);
    EXPECT_TRUE(again.empty()) << "seed " << seed;
    EXPECT_EQ(statuses(hub), before) << "seed " << seed;
  }
}

TEST(TrackerProperty, ChangesTellTheWholeStory) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937 random(seed);
    auto inputs = make_inputs(random);
    std::ranges::shuffle(inputs, random);
    tracker hub;
    (void)apply(hub, {request_row(1), request_row(2)});
    std::map<job_index, push_status> replica;
    auto now = at(0s);
    for (const auto& what : inputs) {
      for (const auto& change : feed(hub, what, now += 1s).jobs) {
        if (change.is_new())
          EXPECT_FALSE(replica.contains(change.job));
        else
          EXPECT_EQ(replica.at(change.job), change.before);
        replica[change.job] = change.after;
      }
    }
    for (const auto& [job, status] : replica)
      EXPECT_EQ(hub.at(job).status, status);
    EXPECT_EQ(replica.size(), hub.jobs().size());
  }
}

}  // namespace
}  // namespace pushguard::tracker
