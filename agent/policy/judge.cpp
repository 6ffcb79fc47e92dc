#include "agent/policy/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "agent/policy/ledger.hpp"
#include "agent/policy/opinion.hpp"
#include "agent/policy/standing.hpp"
#include "agent/policy/tally.hpp"

namespace pushguard::policy {
namespace {

using domain::rollout_id;

/// How bad a verdict is that a rule gives by itself; hysteresis delays the way back only.
constexpr int badness(verdict value) {
  switch (value) {
    case verdict::breached:
      return 2;
    case verdict::warning:
      return 1;
    case verdict::insufficient_data:
    case verdict::ok:
    case verdict::blind:
      return 0;
  }
  return 0;
}

constexpr std::optional<wall_time> earlier(std::optional<wall_time> a, std::optional<wall_time> b) {
  if (a && b)
    return std::min(*a, *b);
  return a ? a : b;
}

/// A segment whose orgs have not told yet where they belong.
constexpr std::string_view unknown_segment = "unknown";

/// One rule of one policy in one scope and segment.
struct verdict_state {
  judgement newest;
  verdict answered = verdict::insufficient_data;  // by the evaluation before this one
  verdict stands = verdict::insufficient_data;    // what hysteresis compares with
  std::optional<wall_time> better_since;          // the rule says something better than what stands
  std::optional<wall_time> due;                   // when time alone makes it say something else
  bool is_new = true;
  bool is_renamed = false;    // speaks of another rollout than when it was last answered
  bool is_judged = false;     // by the evaluation under way
  bool is_lingering = false;  // stands by hysteresis only
  bool is_changed = false;    // to be answered by the evaluation under way
  bool is_unsettled = false;  // a breach that rests on what a query could still unmake
};

/// What one policy counts together, with a tally for each way its rules split the orgs.
struct scope_state {
  std::size_t policy = 0;
  counted_jobs counted;
  tracker::rollout_index rollout{};  // where a package is counted: its newest
  wall_time rollout_begins = wall_time::min();
  std::vector<tally> tallies;
  std::vector<std::size_t> tally_of_rule;
  std::vector<std::unique_ptr<ledger>> ledgers;               // by rule; null where the tally is enough
  std::vector<arming*> armings;                               // by rule; into judge::state::armings
  std::vector<std::deque<verdict_state>> verdicts;            // by rule, then by segment
  std::vector<std::pair<std::size_t, segment_index>> judged;  // rules and segments, by this evaluation
  std::optional<wall_time> due;                               // the earliest of the verdicts'
  bool is_dirty = false;
  bool is_touched = false;      // since it was last judged
  bool is_judged_whole = true;  // all segments, not only those whose counts changed
  bool is_unconfirmable = false;
};

struct policy_state {
  const policy_specification& specification;
  std::deque<rule_judge> rules{};
  boost::unordered_flat_map<std::uint32_t, std::size_t> scopes{};  // by scope index
};

using arming_key = std::tuple<rollout_id, std::string, std::string>;  // rollout, policy, rule

std::string_view segment_name(const tracker::tracker& tracker, segmentation by, tracker::org_index org,
                              const org_standing& stands) {
  const auto or_unknown = [](std::string_view text) { return text.empty() ? unknown_segment : text; };
  switch (by) {
    case segmentation::sf_instance:
      return or_unknown(tracker.at(tracker.at(org).sf_instance));
    case segmentation::org_type:
      return to_string(tracker.at(org).type);
    case segmentation::from_version:
      return or_unknown(tracker.at(tracker.at(stands.job).from_version));
    case segmentation::request:
      return tracker.at(tracker.at(stands.job).request).row.id.text();
  }
  return unknown_segment;
}

// What is made without detail has no reason and no bound: these are compared where both have them.
bool is_other_reason(std::string_view a, std::string_view b) {
  return !a.empty() && !b.empty() && a != b;
}
bool are_other_numbers(judged_numbers a, const judged_numbers& b) {
  if (!a.lower_bound || !b.lower_bound)
    a.lower_bound = b.lower_bound;
  return a != b;
}

}  // namespace

struct judge::state {
  state(std::vector<policy_specification> given, judge_memory memory, detail wanted);

  // counting
  scope_state& find_or_add_scope(std::size_t policy, const tracker::tracker& tracker,
                                 tracker::request_index request);
  [[nodiscard]] std::uint32_t scope_index(counting_scope scope, const tracker::tracker& tracker,
                                          tracker::request_index request);
  void prepare_tallies(scope_state& scope);
  void count_org(scope_state& scope, const tracker::tracker& tracker, tracker::org_index org);
  void count_job(const tracker::tracker& tracker, tracker::job_index job);
  void see_request(const tracker::tracker& tracker, tracker::request_index request);
  void see_due(wall_time now);
  void mark(scope_state& scope);
  void mark_whole(scope_state& scope);
  void mark_rollout(const rollout_id& rollout);

  // judging
  void judge_scope(scope_state& scope, const tracker::tracker& tracker, wall_time now);
  void judge_segment(scope_state& scope, std::size_t rule, segment_index segment,
                     const tracker::tracker& tracker, wall_time now, detail least);
  static void linger(verdict_state& target, wall_time now);
  void name_judgement(judgement& made, const scope_state& scope, std::size_t rule, segment_index segment,
                      const tracker::tracker& tracker) const;
  void settle(verdict_state& target, const opinion& opinion, const scope_state& scope,
              const tracker::tracker& tracker) const;
  void arm_candidates(evaluation& out);
  void set_arming(const arming_key& key, policy_mode mode, arming value);
  void conclude(scope_state& scope, const tracker::tracker& tracker, wall_time now, evaluation& out);
  [[nodiscard]] consequence consequence_of(const verdict_state& target);
  [[nodiscard]] bool is_held(const judgement_key& key) const {
    return std::ranges::any_of(holds, [&](const known_hold& hold) { return hold.covers(key); });
  }
  void end_holds(wall_time now);
  void collect_wanted(const tracker::tracker& tracker, evaluation& out);
  [[nodiscard]] known_epoch epoch_of(const rollout_id& rollout) const {
    const auto found = epochs.find(rollout);
    return found == epochs.end() ? known_epoch{.rollout = rollout} : found->second;
  }
  void watch_arming(scope_state& scope, const tracker::tracker& tracker);
  void forget_counts(scope_state& scope);

  const std::vector<policy_specification> specifications;
  const detail wanted;
  std::deque<policy_state> policies;
  std::deque<scope_state> scopes;
  boost::unordered_flat_map<domain::package_id, std::uint32_t, std::hash<domain::package_id>> packages;
  std::vector<scope_state*> dirty;
  std::optional<wall_time> next_due;  // the earliest of the scopes'
  std::set<scope_state*> awaiting;    // those with breaches to be confirmed
  std::map<rollout_id, known_epoch> epochs;
  std::set<firing_key> fired;
  std::vector<known_hold> holds;
  duration clock_ahead{};  // of the hub's clock
  std::map<arming_key, arming> armings;
  std::set<arming_key> candidates;  // waiting, and seen by a complete reconciliation
  std::vector<known_arming> new_armings;
  bool is_reconciled = false;  // a complete read ended since the last evaluation
  freshness hub = freshness::fresh;
  bool was_ever_read = false;
};

judge::state::state(std::vector<policy_specification> given, judge_memory memory, detail wanted)
    : specifications(std::move(given)), wanted(wanted) {
  std::map<std::string, policy_mode> modes;
  for (const auto& specification : specifications) {
    modes[specification.name] = specification.mode;
    auto& made = policies.emplace_back(policy_state{specification});
    for (const auto& rule : specification.rules)
      made.rules.emplace_back(rule);
  }
  for (const auto& known : memory.armings) {
    const auto mode = modes.find(known.policy);
    if (mode != modes.end() && mode->second == known.mode)
      armings[{known.rollout, known.policy, known.rule}] = known.state;
  }
  for (const auto& epoch : memory.epochs)
    epochs.insert_or_assign(epoch.rollout, epoch);
  fired.insert(memory.fired.begin(), memory.fired.end());
}

// ---- counting ----

void judge::state::mark(scope_state& scope) {
  scope.is_touched = true;
  if (std::exchange(scope.is_dirty, true))
    return;
  dirty.push_back(&scope);
}

void judge::state::mark_whole(scope_state& scope) {
  scope.is_judged_whole = true;
  mark(scope);
}

void judge::state::mark_rollout(const rollout_id& rollout) {
  for (auto& scope : scopes) {
    const bool is_its_own = std::ranges::any_of(scope.verdicts, [&](const auto& segments) {
      return !segments.empty() && segments.front().newest.key.rollout == rollout;
    });
    if (is_its_own)
      mark_whole(scope);
  }
}

std::uint32_t judge::state::scope_index(counting_scope scope, const tracker::tracker& tracker,
                                        tracker::request_index request) {
  switch (scope) {
    case counting_scope::request:
      return static_cast<std::uint32_t>(request);
    case counting_scope::rollout:
      return static_cast<std::uint32_t>(tracker.at(request).rollout);
    case counting_scope::package:
      return packages
          .try_emplace(tracker.at(request).row.package, static_cast<std::uint32_t>(packages.size()))
          .first->second;
  }
  return 0;
}

scope_state& judge::state::find_or_add_scope(std::size_t policy, const tracker::tracker& tracker,
                                             tracker::request_index request) {
  auto& owner = policies[policy];
  const scope_key key{owner.specification.scope, scope_index(owner.specification.scope, tracker, request)};
  const auto [at, is_new] = owner.scopes.try_emplace(key.index, scopes.size());
  if (!is_new)
    return scopes[at->second];
  auto& made = scopes.emplace_back();
  made.policy = policy;
  made.counted = {.scope = key, .package = tracker.at(request).row.package};
  prepare_tallies(made);
  mark(made);
  return made;
}

void judge::state::prepare_tallies(scope_state& scope) {
  scope.tallies.clear();
  scope.tally_of_rule.clear();
  scope.ledgers.clear();
  auto& rules = policies[scope.policy].rules;
  for (const auto& rule : rules) {
    auto found = std::ranges::find(scope.tallies, rule.by(), &tally::by);
    if (found == scope.tallies.end())
      found = scope.tallies.insert(scope.tallies.end(), tally(rule.by()));
    scope.tally_of_rule.push_back(static_cast<std::size_t>(found - scope.tallies.begin()));
    scope.ledgers.push_back(make_ledger(policies[scope.policy].specification, rule.rule()));
  }
  scope.verdicts.resize(rules.size());
}

void judge::state::forget_counts(scope_state& scope) {
  prepare_tallies(scope);
  for (auto& segments : scope.verdicts)
    segments.clear();
  scope.judged.clear();
  scope.is_unconfirmable = false;
  mark_whole(scope);
}

void judge::state::see_request(const tracker::tracker& tracker, tracker::request_index index) {
  const auto& request = tracker.at(index);
  for (std::size_t policy = 0; policy < policies.size(); ++policy) {
    if (!matches_package(policies[policy].specification.match, request.row.package))
      continue;
    auto& scope = find_or_add_scope(policy, tracker, index);
    for (const auto& ledger : scope.ledgers) {
      if (ledger)
        ledger->see(index);
    }
    mark(scope);
    if (scope.rollout_begins != wall_time::min() && request.begins() < scope.rollout_begins)
      continue;
    const bool is_other_rollout =
        scope.rollout_begins == wall_time::min() || scope.rollout != request.rollout;
    scope.rollout = request.rollout;
    scope.rollout_begins = request.begins();
    if (is_other_rollout) {
      scope.counted.since = std::max(scope.counted.since, epoch_of(tracker.at(request.rollout).id).since);
      watch_arming(scope, tracker);
      mark_whole(scope);
    }
  }
}

void judge::state::count_job(const tracker::tracker& tracker, tracker::job_index job) {
  const auto request = tracker.at(job).request;
  for (std::size_t policy = 0; policy < policies.size(); ++policy) {
    if (!matches_package(policies[policy].specification.match, tracker.at(request).row.package))
      continue;
    count_org(find_or_add_scope(policy, tracker, request), tracker, tracker.at(job).org);
  }
}

void judge::state::count_org(scope_state& scope, const tracker::tracker& tracker, tracker::org_index org) {
  const auto stands = standing_of(tracker, org, scope.counted, policies[scope.policy].specification);
  for (auto& tally : scope.tallies) {
    const bool is_split = tally.by() && stands.state != standing::absent;
    tally.set(org, stands, is_split ? segment_name(tracker, *tally.by(), org, stands) : std::string_view{});
  }
  for (const auto& ledger : scope.ledgers) {
    if (ledger)
      ledger->set(tracker, org, stands);
  }
  if (stands.settled == settlement::settled)
    scope.is_unconfirmable = false;
  mark(scope);
}

// ---- judging ----

void judge::state::watch_arming(scope_state& scope, const tracker::tracker& tracker) {
  const auto& specification = policies[scope.policy].specification;
  scope.armings.clear();
  for (const auto& rule : specification.rules) {
    const arming_key key{tracker.at(scope.rollout).id, specification.name, rule.name};
    scope.armings.push_back(&armings.try_emplace(key, arming::waiting).first->second);
  }
}

// Scopes of which the passing of time changes what a rule says.
void judge::state::see_due(wall_time now) {
  if (!next_due || *next_due > now)
    return;
  next_due.reset();
  for (auto& scope : scopes) {
    if (scope.due && *scope.due <= now)
      mark_whole(scope);
    else
      next_due = earlier(next_due, scope.due);
  }
}

void judge::state::judge_scope(scope_state& scope, const tracker::tracker& tracker, wall_time now) {
  if (!std::exchange(scope.is_touched, false))
    return;
  if (scope.is_judged_whole)
    scope.due.reset();
  std::vector<std::vector<segment_index>> changed;
  changed.reserve(scope.tallies.size());
  for (auto& tally : scope.tallies)
    changed.push_back(tally.take_changed());
  for (std::size_t rule = 0; rule < scope.verdicts.size(); ++rule) {
    const auto tally = scope.tally_of_rule[rule];
    const auto count = scope.tallies[tally].segment_count();
    for (auto i = scope.verdicts[rule].size(); i < count; ++i)
      scope.verdicts[rule].emplace_back();
    if (scope.is_judged_whole) {
      for (std::size_t i = 0; i < count; ++i)
        judge_segment(scope, rule, static_cast<segment_index>(i), tracker, now, wanted);
    } else if (scope.ledgers[rule]) {
      judge_segment(scope, rule, segment_index{}, tracker, now, wanted);
    } else {
      for (const auto segment : changed[tally])
        judge_segment(scope, rule, segment, tracker, now, wanted);
    }
  }
  scope.is_judged_whole = false;
  next_due = earlier(next_due, scope.due);
}

void judge::state::judge_segment(scope_state& scope, std::size_t rule, segment_index segment,
                                 const tracker::tracker& tracker, wall_time now, detail least) {
  const auto position = static_cast<std::size_t>(segment);
  auto& target = scope.verdicts[rule][position];
  observation seen{.counts = scope.tallies[scope.tally_of_rule[rule]].counts(segment),
                   .now = now + clock_ahead};
  if (scope.ledgers[rule])
    scope.ledgers[rule]->observe(tracker, seen);
  if (seen.due)
    *seen.due -= clock_ahead;
  // What it speaks of may have changed, and then it is told whole when it is told next.
  const auto made_of_it = scope.is_judged_whole || target.is_renamed ? detail::full : least;
  const auto opinion =
      policies[scope.policy].rules[rule].judge(seen, static_cast<std::uint32_t>(position) + 1, made_of_it);
  auto& made = target.newest;
  const auto known_value = made.value;
  const auto known_reason = std::exchange(made.reason, {});
  const auto known_numbers = std::exchange(made.numbers, opinion.numbers);
  if (target.is_new || scope.is_judged_whole) {
    const auto known_rollout = made.key.rollout;
    name_judgement(made, scope, rule, segment, tracker);
    target.is_renamed = target.is_renamed || known_rollout != made.key.rollout;
  }
  made.at = now;
  settle(target, opinion, scope, tracker);
  if (made_of_it == detail::verdicts)
    made.reason.clear();
  target.due = earlier(
      seen.due, target.better_since ? std::optional(*target.better_since + recovery_after) : std::nullopt);
  scope.due = earlier(scope.due, target.due);
  target.is_changed = std::exchange(target.is_new, false) || target.is_changed || known_value != made.value ||
                      is_other_reason(known_reason, made.reason) ||
                      are_other_numbers(known_numbers, made.numbers);
  if (!std::exchange(target.is_judged, true))
    scope.judged.emplace_back(rule, segment);
}

void judge::state::name_judgement(judgement& made, const scope_state& scope, std::size_t rule,
                                  segment_index segment, const tracker::tracker& tracker) const {
  const auto& specification = policies[scope.policy].specification;
  const auto& of_rule = specification.rules[rule];
  made.key.rollout = tracker.at(scope.rollout).id;
  if (specification.scope == counting_scope::request)
    made.key.request = tracker.at(static_cast<tracker::request_index>(scope.counted.scope.index)).row.id;
  made.key.policy = specification.name;
  made.key.rule = of_rule.name;
  made.key.segment = scope.tallies[scope.tally_of_rule[rule]].name(segment);
  made.action = of_rule.action;
  made.severity = of_rule.severity;
  made.mode = specification.mode;
  made.epoch = epoch_of(made.key.rollout).number;
}

// From what the rule makes of the counts to what may be said: old data and unread errors stand in between.
void judge::state::settle(verdict_state& target, const opinion& opinion, const scope_state& scope,
                          const tracker::tracker& tracker) const {
  auto& made = target.newest;
  made.value = opinion.value;
  made.reason = opinion.reason;
  target.is_unsettled = false;
  target.is_lingering = false;
  if (hub == freshness::blind || !tracker.last_reconciled()) {
    // What is seen afterwards is judged anew.
    target.stands = verdict::insufficient_data;
    target.better_since.reset();
  }
  if (hub == freshness::blind) {
    made.value = verdict::blind;
    made.reason = "the last complete read of the hub is too old; by then: " + opinion.reason;
  } else if (!tracker.last_reconciled()) {
    made.value = verdict::insufficient_data;
    made.reason = "the first read of the hub is not complete; so far: " + opinion.reason;
  } else if (opinion.value == verdict::breached && opinion.breach == settlement::unsettled) {
    target.is_unsettled = true;
    const auto unread = fmt::format("; {} of the failures could not be confirmed", opinion.numbers.unsettled);
    const auto awaited = fmt::format("; {} of the failures are being confirmed", opinion.numbers.unsettled);
    made.value = scope.is_unconfirmable ? verdict::blind : target.answered;
    if (made.value == verdict::blind && !scope.is_unconfirmable)
      made.value = verdict::ok;  // sees again, and is not sure yet
    made.reason += scope.is_unconfirmable ? unread : awaited;
  } else {
    linger(target, made.at);
  }
}

// Hysteresis: what is bad goes back only after it has been better for a while, so that a bound which moves
// about its limit does not fire an alert with every org.
void judge::state::linger(verdict_state& target, wall_time now) {
  auto& made = target.newest;
  if (badness(made.value) >= badness(target.stands)) {
    target.stands = made.value;
    target.better_since.reset();
    return;
  }
  if (!target.better_since || *target.better_since > now)
    target.better_since = now;
  if (now - *target.better_since >= recovery_after) {
    target.stands = made.value;
    target.better_since.reset();
    return;
  }
  made.value = target.stands;
  made.reason += fmt::format("; {} until it has been better for {}", to_string(target.stands),
                             format_duration(recovery_after));
  target.is_lingering = true;
}

void judge::state::set_arming(const arming_key& key, policy_mode mode, arming value) {
  armings[key] = value;
  const auto& [rollout, policy, rule] = key;
  new_armings.push_back({rollout, mode, policy, rule, value});
}

// A rule arms when a complete read has found no breach of it anywhere in the rollout.
void judge::state::arm_candidates(evaluation& out) {
  if (hub == freshness::fresh && std::exchange(is_reconciled, false)) {
    for (const auto& [key, value] : armings) {
      if (value == arming::waiting)
        candidates.insert(key);
    }
  }
  if (hub == freshness::fresh && !candidates.empty()) {
    std::map<arming_key, verdict> worst;  // breached, or blind for what cannot be said yet
    std::map<arming_key, policy_mode> modes;
    for (const auto& scope : scopes) {
      for (const auto& segments : scope.verdicts) {
        for (const auto& target : segments) {
          const auto& made = target.newest;
          const arming_key key{made.key.rollout, made.key.policy, made.key.rule};
          modes[key] = made.mode;
          if (made.value == verdict::breached)
            worst[key] = verdict::breached;
          else if (target.is_unsettled)
            worst.try_emplace(key, verdict::blind);
        }
      }
    }
    std::erase_if(candidates, [&](const arming_key& key) {
      const auto found = worst.find(key);
      const auto mode = modes.find(key);
      if (mode == modes.end())
        return true;  // not judged at present: the next complete read asks again
      if (found != worst.end() && found->second == verdict::blind)
        return false;
      set_arming(key, mode->second, found == worst.end() ? arming::armed : arming::breached_before_arming);
      mark_rollout(std::get<rollout_id>(key));
      return true;
    });
  }
  out.armings = std::exchange(new_armings, {});
}

consequence judge::state::consequence_of(const verdict_state& target) {
  const auto& made = target.newest;
  if (made.value == verdict::warning)
    return consequence::alert;
  if (made.value != verdict::breached || target.is_unsettled)
    return consequence::nothing;
  if (made.action == rule_action::alert)
    return consequence::alert;
  if (target.is_lingering)
    return made.follows == consequence::breached_before_arming ? made.follows : consequence::nothing;
  if (made.armed == arming::breached_before_arming)
    return consequence::breached_before_arming;
  if (made.armed == arming::waiting || fired.contains(made.firing()))
    return consequence::nothing;
  if (is_held(made.key))
    return consequence::held;
  fired.insert(made.firing());
  return made.mode == policy_mode::enforce ? consequence::abort : consequence::would_abort;
}

// What was held may act from now on.
void judge::state::end_holds(wall_time now) {
  if (std::erase_if(holds, [now](const known_hold& hold) { return hold.until <= now; }) == 0)
    return;
  for (auto& scope : scopes)
    mark_whole(scope);
}

void judge::state::conclude(scope_state& scope, const tracker::tracker& tracker, wall_time now,
                            evaluation& out) {
  for (const auto& [rule, segment] : std::exchange(scope.judged, {})) {
    auto& target = scope.verdicts[rule][static_cast<std::size_t>(segment)];
    auto& made = target.newest;
    made.before = std::exchange(target.answered, made.value);
    const auto armed = std::exchange(made.armed, *scope.armings[rule]);
    const auto follows = std::exchange(made.follows, consequence_of(target));
    if (target.is_unsettled)
      awaiting.insert(&scope);
    // What it says once more is the same; now it is shown.
    if (made.reason.empty() && (made.before != made.value || follows != made.follows))
      judge_segment(scope, rule, segment, tracker, now, detail::full);
    target.is_judged = false;
    const bool acts = made.follows == consequence::abort || made.follows == consequence::would_abort;
    if (std::exchange(target.is_changed, false) || armed != made.armed || follows != made.follows || acts) {
      target.is_renamed = false;
      out.judgements.push_back(made);
    }
  }
}

void judge::state::collect_wanted(const tracker::tracker& tracker, evaluation& out) {
  std::erase_if(awaiting, [&](const scope_state* scope) {
    const auto wanted = out.needs_errors.size();
    for (std::size_t rule = 0; rule < scope->verdicts.size(); ++rule) {
      for (std::size_t i = 0; i < scope->verdicts[rule].size(); ++i) {
        if (!scope->verdicts[rule][i].is_unsettled)
          continue;
        const auto& tally = scope->tallies[scope->tally_of_rule[rule]];
        const auto& ledger = scope->ledgers[rule];
        for (const auto job :
             ledger ? ledger->unsettled_jobs() : tally.unsettled_jobs(static_cast<segment_index>(i)))
          out.needs_errors.push_back(tracker.at(job).id);
      }
    }
    return wanted == out.needs_errors.size();
  });
  std::ranges::sort(out.needs_errors);
  const auto twice = std::ranges::unique(out.needs_errors);
  out.needs_errors.erase(twice.begin(), twice.end());
  if (out.needs_errors.size() > confirmed_jobs_max)
    out.needs_errors.resize(confirmed_jobs_max);
}

// ---- the judge ----

judge::judge(std::vector<policy_specification> policies, judge_memory memory, detail wanted)
    : state_(std::make_unique<state>(std::move(policies), std::move(memory), wanted)) {}
judge::~judge() = default;
judge::judge(judge&&) noexcept = default;
judge& judge::operator=(judge&&) noexcept = default;

void judge::apply(const tracker::tracker& tracker, const tracker::changes& changes) {
  for (const auto& change : changes.requests)
    state_->see_request(tracker, change.request);
  for (const auto& change : changes.jobs)
    state_->count_job(tracker, change.job);
  for (const auto org : changes.subscribers) {
    for (auto job = tracker.at(org).newest_job; job != tracker::no_job; job = tracker.at(job).next_of_org)
      state_->count_job(tracker, job);
  }
  if (!changes.is_reconciled)
    return;
  state_->is_reconciled = true;
  if (std::exchange(state_->was_ever_read, true))
    return;
  for (auto& scope : state_->scopes)
    state_->mark_whole(scope);
}

void judge::apply_all(const tracker::tracker& tracker) {
  for (std::size_t i = 0; i < tracker.requests().size(); ++i)
    state_->see_request(tracker, static_cast<tracker::request_index>(i));
  for (std::size_t i = 0; i < tracker.jobs().size(); ++i)
    state_->count_job(tracker, static_cast<tracker::job_index>(i));
  state_->was_ever_read = tracker.last_reconciled().has_value();
  state_->is_reconciled = state_->was_ever_read;
}

evaluation judge::evaluate(const tracker::tracker& tracker, wall_time now, freshness hub) {
  if (std::exchange(state_->hub, hub) != hub) {
    for (auto& scope : state_->scopes)
      state_->mark_whole(scope);
  }
  state_->end_holds(now);
  state_->see_due(now);
  const auto judge_dirty = [&] {
    for (auto* scope : state_->dirty)
      state_->judge_scope(*scope, tracker, now);
  };
  evaluation out;
  judge_dirty();
  state_->arm_candidates(out);
  judge_dirty();  // what arming has touched; the others have nothing new
  for (auto* scope : std::exchange(state_->dirty, {})) {
    scope->is_dirty = false;
    state_->conclude(*scope, tracker, now, out);
  }
  state_->collect_wanted(tracker, out);
  return out;
}

void judge::cannot_confirm(const tracker::tracker& tracker, std::span<const domain::job_id> jobs) {
  for (const auto& id : jobs) {
    const auto job = tracker.find(id);
    if (!job)
      continue;
    for (std::size_t policy = 0; policy < state_->policies.size(); ++policy) {
      const auto request = tracker.at(*job).request;
      if (!matches_package(state_->policies[policy].specification.match, tracker.at(request).row.package))
        continue;
      auto& scope = state_->find_or_add_scope(policy, tracker, request);
      scope.is_unconfirmable = true;
      state_->mark_whole(scope);
    }
  }
}

void judge::withdraw(const firing_key& key) {
  if (state_->fired.erase(key) != 0)
    state_->mark_rollout(key.rollout);
}

void judge::arm(const rollout_id& rollout) {
  for (const auto& policy : state_->policies) {
    for (const auto& rule : policy.specification.rules) {
      const arming_key key{rollout, policy.specification.name, rule.name};
      const auto known = state_->armings.find(key);
      if (known == state_->armings.end() || known->second == arming::armed)
        continue;
      state_->candidates.erase(key);
      state_->set_arming(key, policy.specification.mode, arming::armed);
    }
  }
  state_->mark_rollout(rollout);
}

void judge::set_holds(std::vector<known_hold> holds) {
  if (holds == state_->holds)
    return;
  state_->holds = std::move(holds);
  for (auto& scope : state_->scopes)
    state_->mark_whole(scope);
}

void judge::set_clock_ahead(duration ahead) {
  if (std::exchange(state_->clock_ahead, ahead) == ahead)
    return;
  for (auto& scope : state_->scopes)
    state_->mark_whole(scope);
}

wall_time judge::hub_time(wall_time now) const noexcept {
  return now + state_->clock_ahead;
}

void judge::resume(const tracker::tracker& tracker, const rollout_id& rollout, wall_time now) {
  auto epoch = state_->epoch_of(rollout);
  epoch = {rollout, epoch.number + 1, now};
  state_->epochs.insert_or_assign(rollout, epoch);
  for (auto& scope : state_->scopes) {
    if (tracker.at(scope.rollout).id != rollout)
      continue;
    scope.counted.since = now;
    state_->forget_counts(scope);
  }
  const auto index = tracker.find(rollout);
  if (!index)
    return;
  // All requests of the package, since a policy may count them together.
  for (std::size_t i = 0; i < tracker.requests().size(); ++i) {
    const auto& request = tracker.requests()[i];
    if (request.row.package != tracker.at(*index).package)
      continue;
    state_->see_request(tracker, static_cast<tracker::request_index>(i));
    for (const auto job : request.jobs)
      state_->count_job(tracker, job);
  }
}

judge_memory judge::memory() const {
  judge_memory out;
  std::map<std::string, policy_mode> modes;
  for (const auto& policy : state_->policies)
    modes[policy.specification.name] = policy.specification.mode;
  for (const auto& [key, value] : state_->armings) {
    const auto& [rollout, policy, rule] = key;
    const auto mode = modes.find(policy);
    if (value != arming::waiting && mode != modes.end())
      out.armings.push_back({rollout, mode->second, policy, rule, value});
  }
  for (const auto& [rollout, epoch] : state_->epochs)
    out.epochs.push_back(epoch);
  out.fired.assign(state_->fired.begin(), state_->fired.end());
  return out;
}

std::uint32_t judge::epoch(const rollout_id& rollout) const {
  return state_->epoch_of(rollout).number;
}

std::vector<judgement> judge::current() const {
  std::vector<judgement> out;
  for (const auto& scope : state_->scopes) {
    for (const auto& segments : scope.verdicts) {
      for (const auto& target : segments) {
        if (!target.is_new)
          out.push_back(target.newest);
      }
    }
  }
  return out;
}

std::span<const policy_specification> judge::policies() const noexcept {
  return state_->specifications;
}

const policy_specification* judge::find_policy(std::string_view name) const noexcept {
  const auto found = std::ranges::find(state_->specifications, name, &policy_specification::name);
  return found == state_->specifications.end() ? nullptr : &*found;
}

}  // namespace pushguard::policy
