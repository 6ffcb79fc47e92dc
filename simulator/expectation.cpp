#include "simulator/expectation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pushguard::simulator {
namespace {

using differences = std::vector<std::string>;

void compare_with_scenario(const expected_outcome& expected, const agent_conclusion& concluded,
                           differences& found) {
  if (expected.abort && *expected.abort != concluded.aborted)
    found.push_back(*expected.abort ? "The rollout should have been aborted, but was not."
                                    : "The rollout should not have been aborted, but was.");
  if (expected.outcome && *expected.outcome != concluded.outcome)
    found.push_back(fmt::format("The abort should have ended as {}, but ended as {}.", *expected.outcome,
                                concluded.outcome.empty() ? "nothing" : concluded.outcome));
  if (expected.spared_min && concluded.spared_orgs < *expected.spared_min)
    found.push_back(fmt::format("At least {} orgs should have been spared, but only {} were.",
                                *expected.spared_min, concluded.spared_orgs));
}

void compare_with_truth(const hub_truth& truth, const agent_conclusion& concluded, differences& found) {
  const std::size_t spared = truth.spared_orgs.size();
  if (concluded.spared_orgs != spared)
    found.push_back(fmt::format("The agent counts {} spared orgs, but {} jobs were really canceled.",
                                concluded.spared_orgs, spared));
  const auto accepted = std::ranges::count_if(
      truth.cancel_attempts, [](const cancel_attempt& each) { return each.http_status == 204; });
  if (!concluded.aborted && accepted > 0)
    found.push_back(fmt::format("The agent tells of no abort, but canceled {} requests.", accepted));
  if (concluded.outcome != "confirmed")
    return;
  for (const request_truth& request : truth.requests) {
    if (request.state == push_state::created || request.state == push_state::pending)
      found.push_back(fmt::format("The agent tells of a confirmed abort, but request {} is still {}.",
                                  request.id, to_salesforce(request.state, in_progress_spelling::spaced)));
  }
}

}  // namespace

std::vector<std::string> compare_with_expectation(const expected_outcome& expected, const hub_truth& truth,
                                                  const agent_conclusion& concluded) {
  differences found;
  compare_with_scenario(expected, concluded, found);
  compare_with_truth(truth, concluded, found);
  return found;
}

}  // namespace pushguard::simulator
