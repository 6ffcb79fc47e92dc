#include <algorithm>

#include "simulator/scenario.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

/// Sizes that grow evenly: with four waves 10 %, 20 %, 30 % and 40 %, and no wave empty.
std::vector<wave_plan> growing_waves(std::size_t orgs, std::size_t waves) {
  std::vector<wave_plan> made(waves);
  const std::size_t shares = waves * (waves + 1) / 2;
  std::size_t left = orgs;
  for (std::size_t index = 0; index < waves; ++index) {
    const std::size_t waves_after = waves - index - 1;
    const std::size_t share = std::max<std::size_t>(1, orgs * (index + 1) / shares);
    made[index].orgs = waves_after == 0 ? left : std::min(share, left - waves_after);
    made[index].start = 5min + static_cast<int>(index) * 15min;
    left -= made[index].orgs;
  }
  return made;
}

/// Below this rate a policy that aborts above 5 % stays quiet, and above the other it acts early, save for
/// rare luck; between them, or with few orgs before the last wave, either may happen.
constexpr double quiet_below = 0.03;
constexpr double aborts_above = 0.20;
constexpr std::size_t orgs_for_certainty = 60;

expected_outcome expectation_of(const scenario& plan, double failure_rate) {
  expected_outcome expected;
  if (failure_rate <= quiet_below) {
    expected.abort = false;
    return expected;
  }
  const std::size_t orgs = plan.org_count();
  const std::size_t before_last = orgs - plan.waves.back().orgs;
  if (failure_rate < aborts_above || before_last < orgs_for_certainty)
    return expected;
  expected.abort = true;
  expected.outcome = "confirmed";
  // By the time enough orgs have failed, the wave that holds the last of them may be running.
  std::size_t started = 0;
  for (const wave_plan& wave : plan.waves) {
    started += wave.orgs;
    if (started >= orgs_for_certainty)
      break;
  }
  expected.spared_min = orgs - started;
  return expected;
}

}  // namespace

scenario make_demo_scenario(const demo_options& options) {
  scenario made;
  made.seed = options.seed;
  made.time_scale = options.time_scale;
  const std::size_t orgs = std::clamp<std::size_t>(options.orgs, 1, orgs_max);
  const std::size_t waves = std::clamp<std::size_t>(options.waves, 1, std::min(orgs, waves_max));
  made.waves = growing_waves(orgs, waves);
  made.failures.rate = options.failure_rate;
  // The largest wave ends before the next would begin.
  made.push.concurrency = std::max<std::size_t>(8, made.waves.back().orgs / 10);
  // A day's calls last as much shorter as the world runs faster.
  made.api.daily_calls_max = static_cast<std::uint64_t>(static_cast<double>(made.api.daily_calls_max) *
                                                        std::max(1.0, options.time_scale));
  made.expect = expectation_of(made, options.failure_rate);
  return made;
}

}  // namespace pushguard::simulator
