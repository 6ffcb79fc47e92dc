#include "agent/backtest.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <set>

#include "agent/policy/judge.hpp"
#include "agent/policy/standing.hpp"
#include "agent/replay.hpp"

namespace pushguard::agent {
namespace {

using policy::consequence;
using policy::judgement;
using policy::verdict;

/// A rule of a policy by their places in the configuration, in a rollout by its place.
struct place {
  std::size_t rollout = 0;
  std::size_t policy = 0;
  std::size_t rule = 0;

  friend auto operator<=>(const place&, const place&) = default;
};

/// What a rule said last of one of the groups that it tests.
using group_key = std::pair<domain::request_id, std::string>;  // request, segment
struct last_words {
  verdict value = verdict::insufficient_data;
  policy::judged_numbers numbers{};
};

/// What the groups of a rule come to together.
struct judged_group {
  std::size_t groups = 0;
  policy::judged_numbers numbers{};  // of the only group, or the sums of failed and started
  bool is_judged = false;

  void add(const last_words& words) {
    is_judged = is_judged || words.value != verdict::insufficient_data;
    if (groups++ == 0) {
      numbers = words.numbers;
      return;
    }
    numbers.failed += words.numbers.failed;
    numbers.started += words.numbers.started;
  }
  [[nodiscard]] double rate() const {
    if (groups == 1)
      return numbers.observed.value_or(0.0);
    return numbers.started == 0 ? 0.0
                                : static_cast<double>(numbers.failed) / static_cast<double>(numbers.started);
  }
};

/// Which failed orgs are counted.
struct failure_question {
  std::size_t policy = 0;
  tracker::rollout_index rollout{};
  std::set<domain::request_id> without{};  ///< requests that would have been cancelled
  wall_time until = wall_time::max();      ///< by when the jobs had ended
};

class backtester {
 public:
  backtester(std::span<const history::past_push> pushes, std::vector<policy::policy_specification> policies,
             const backtest_settings& settings)
      : pushes_(pushes),
        settings_(settings),
        rollouts_(find_rollouts(pushes, settings.rollout_gap)),
        tracker_({.rollout_gap = settings.rollout_gap}, known_rollouts(pushes, rollouts_)),
        judge_(std::move(policies), {}, policy::detail::verdicts) {}

  backtest_report run() {
    begin_report();
    const bool counts_packages = std::ranges::any_of(judge_.policies(), [](const auto& policy) {
      return policy.scope == policy::counting_scope::package;
    });
    replay_steps steps;
    // What is counted together over rollouts is named after the newest from now on.
    if (counts_packages)
      steps.before_rollout = [this] { note_last_words(); };
    steps.happened = [this](const tracker::changes& changed, wall_time now) { happened(changed, now); };
    replay(pushes_, rollouts_, tracker_, steps);
    note_last_words();
    conclude();
    return std::move(report_);
  }

 private:
  void begin_report() {
    const auto policies = judge_.policies();
    for (std::size_t i = 0; i < policies.size(); ++i) {
      for (std::size_t rule = 0; rule < policies[i].rules.size(); ++rule)
        rule_places_.emplace(std::pair(policies[i].name, policies[i].rules[rule].name), std::pair(i, rule));
    }
    for (std::size_t i = 0; i < rollouts_.size(); ++i) {
      const recorded_rollout& recorded = rollouts_[i];
      const history::history_header& header = pushes_[recorded.pushes.front()].header;
      auto& made =
          report_.rollouts.emplace_back(backtest_rollout{.id = recorded.id,
                                                         .hub = header.hub,
                                                         .package_name = header.request.package_name,
                                                         .version_number = header.request.version_number,
                                                         .began = recorded.began});
      for (const std::size_t push : recorded.pushes)
        made.requests.push_back(pushes_[push].header.request.id);
      places_of_rollouts_.emplace(recorded.id, i);
      for (std::size_t policy = 0; policy < policies.size(); ++policy) {
        if (matches_package(policies[policy].match, header.request.package))
          add_rules(made, i, policy);
      }
    }
  }

  void add_rules(backtest_rollout& to, std::size_t rollout, std::size_t policy) {
    const auto& specification = judge_.policies()[policy];
    for (std::size_t rule = 0; rule < specification.rules.size(); ++rule) {
      const auto& of_rule = specification.rules[rule];
      rows_.emplace(place{rollout, policy, rule}, to.rules.size());
      const auto own = limit_of(of_rule.test);
      to.rules.push_back({.policy = specification.name,
                          .rule = of_rule.name,
                          .action = of_rule.action,
                          .mode = specification.mode,
                          .limit = own && settings_.limit ? settings_.limit : own});
    }
  }

  [[nodiscard]] std::optional<place> place_of(const judgement& made) const {
    const auto rollout = places_of_rollouts_.find(made.key.rollout);
    const auto rule = rule_places_.find(std::pair(made.key.policy, made.key.rule));
    if (rollout == places_of_rollouts_.end() || rule == rule_places_.end())
      return std::nullopt;
    return place{rollout->second, rule->second.first, rule->second.second};
  }

  [[nodiscard]] backtest_rule* row_of(const place& at) {
    const auto row = rows_.find(at);
    return row == rows_.end() ? nullptr : &report_.rollouts[at.rollout].rules[row->second];
  }

  void happened(const tracker::changes& changed, wall_time now) {
    if (!changed.empty())
      judge_.apply(tracker_, changed);
    for (const judgement& made : judge_.evaluate(tracker_, now, policy::freshness::fresh).judgements) {
      if (made.value == verdict::breached || made.value == verdict::warning)
        note(made);
    }
  }

  void note(const judgement& made) {
    const auto at = place_of(made);
    auto* row = at ? row_of(*at) : nullptr;
    if (row == nullptr)
      return;
    if (made.value == verdict::warning) {
      if (!row->warned)
        row->warned = moment_of(made);
      return;
    }
    if (!row->breached)
      row->breached = moment_of(made);
    const bool aborts = made.follows == consequence::abort || made.follows == consequence::would_abort;
    row->is_breached_before_arming |= made.follows == consequence::breached_before_arming;
    if (row->fired || (!aborts && made.follows != consequence::alert))
      return;
    row->fired = moment_of(made);
    if (aborts)
      row->abort = plan_abort(made, at->policy);
  }

  [[nodiscard]] backtest_moment moment_of(const judgement& made) const {
    const auto began = rollouts_[places_of_rollouts_.at(made.key.rollout)].began;
    return {.at = made.at,
            .elapsed = std::max(duration::zero(), made.at - began),
            .segment = made.key.segment,
            .request = made.key.request,
            .numbers = made.numbers,
            .reason = made.reason};
  }

  [[nodiscard]] std::optional<backtest_abort> plan_abort(const judgement& made, std::size_t policy) const {
    const auto rollout = tracker_.find(made.key.rollout);
    if (!rollout)
      return std::nullopt;
    auto plan = policy::make_abort_plan(tracker_, *rollout, judge_.policies()[policy]);
    std::erase_if(plan.requests,
                  [](const auto& request) { return request.step == policy::plan_step::too_late; });
    backtest_abort out{.spared = static_cast<policy::org_count>(plan.spared.size()),
                       .in_flight = static_cast<policy::org_count>(plan.in_flight.size()),
                       .still_to_start = plan.still_to_start};
    out.cancelable = static_cast<policy::org_count>(
        std::ranges::count(plan.requests, policy::plan_step::cancel, &policy::planned_request::step));
    out.requests = std::move(plan.requests);
    return out;
  }

  void note_last_words() {
    for (const judgement& made : judge_.current()) {
      const auto at = place_of(made);
      if (at)
        last_words_[*at][{made.key.request, made.key.segment}] = {made.value, made.numbers};
    }
  }

  void conclude() {
    report_.totals.rollouts = report_.rollouts.size();
    for (const auto& [at, row] : rows_)
      assess(report_.rollouts[at.rollout].rules[row], at);
    for (std::size_t i = 0; i < rollouts_.size(); ++i)
      conclude(report_.rollouts[i], static_cast<tracker::rollout_index>(i));
  }

  void assess(backtest_rule& row, const place& at) {
    row.final_rate = final_rate(row, at);
    if (!row.fired)
      return;
    if (settings_.are_healthy)
      row.assessment = abort_assessment::mistaken;
    else if (row.limit && row.final_rate)
      row.assessment = *row.final_rate > *row.limit ? abort_assessment::right : abort_assessment::mistaken;
    if (row.abort)
      count_failures(*row.abort, at, row.fired->at);
  }

  [[nodiscard]] std::optional<double> final_rate(const backtest_rule& row, const place& at) const {
    const auto groups = last_words_.find(at);
    if (!row.limit || groups == last_words_.end())
      return std::nullopt;
    if (row.fired) {
      const auto group = groups->second.find({row.fired->request, row.fired->segment});
      return group == groups->second.end() ? std::nullopt : std::optional(group->second.numbers.observed);
    }
    return highest_rate(groups->second);
  }

  /// Of all groups of a request together, if requests are counted one by one: among many small groups one
  /// stands out by chance.
  static std::optional<double> highest_rate(const std::map<group_key, last_words>& groups) {
    std::map<domain::request_id, judged_group> together;
    for (const auto& [key, words] : groups)
      together[key.first].add(words);
    std::optional<double> highest;
    for (const auto& [request, group] : together) {
      if (group.is_judged)
        highest = std::max(highest.value_or(0.0), group.rate());
    }
    return highest;
  }

  void count_failures(backtest_abort& abort, const place& at, wall_time decided) const {
    failure_question question{.policy = at.policy,
                              .rollout = static_cast<tracker::rollout_index>(at.rollout)};
    abort.failed_without = failed_orgs(question);
    question.until = decided;
    abort.failed_before = failed_orgs(question);
    question.until = wall_time::max();
    for (const auto& request : abort.requests) {
      if (request.step == policy::plan_step::cancel)
        question.without.insert(request.id);
    }
    // An org that failed and succeeded again later is no failure to come.
    const auto in_the_end = failed_orgs(question);
    abort.failed_after = in_the_end > abort.failed_before ? in_the_end - abort.failed_before : 0;
  }

  /// Orgs whose newest finished job failed.
  [[nodiscard]] policy::org_count failed_orgs(const failure_question& question) const {
    const auto& policy = judge_.policies()[question.policy];
    boost::unordered_flat_map<std::uint32_t, tracker::job_index> newest;
    for (const auto request : tracker_.at(question.rollout).requests) {
      if (question.without.contains(tracker_.at(request).row.id))
        continue;
      for (const auto index : tracker_.at(request).jobs) {
        const auto& job = tracker_.at(index);
        const bool is_finished =
            job.status == domain::push_status::failed || job.status == domain::push_status::succeeded;
        if (!is_finished || job.end.value_or(wall_time::min()) > question.until ||
            !matches_org(policy.match, tracker_.at(job.org).type))
          continue;
        const auto [known, is_new] = newest.try_emplace(static_cast<std::uint32_t>(job.org), index);
        if (!is_new && is_newer(job, tracker_.at(known->second)))
          known->second = index;
      }
    }
    return static_cast<policy::org_count>(std::ranges::count_if(newest, [&](const auto& entry) {
      return tracker_.at(entry.second).status == domain::push_status::failed &&
             !is_excluded(tracker_, entry.second, policy.exclude_errors);
    }));
  }

  static bool is_newer(const tracker::job_record& a, const tracker::job_record& b) {
    return std::pair(a.running_since(), a.id) > std::pair(b.running_since(), b.id);
  }

  void conclude(backtest_rollout& rollout, tracker::rollout_index index) {
    boost::unordered_flat_map<std::uint32_t, bool> orgs;
    for (const auto request : tracker_.at(index).requests) {
      for (const auto job : tracker_.at(request).jobs)
        orgs.emplace(static_cast<std::uint32_t>(tracker_.at(job).org), true);
    }
    rollout.orgs = static_cast<policy::org_count>(orgs.size());
    for (std::size_t i = 0; i < rollout.rules.size(); ++i) {
      const auto& rule = rollout.rules[i];
      if (rule.abort && (!rollout.aborted_by || rule.fired->at < first_abort(rollout)))
        rollout.aborted_by = i;
    }
    if (!rollout.aborted_by)
      return;
    for (auto& rule : rollout.rules)
      rule.is_after_abort = rule.fired && rule.fired->at > first_abort(rollout);
    const auto& first = rollout.rules[*rollout.aborted_by];
    ++report_.totals.aborts;
    report_.totals.mistaken_aborts += first.assessment == abort_assessment::mistaken ? 1 : 0;
    report_.totals.spared += first.abort->spared;
  }

  static wall_time first_abort(const backtest_rollout& rollout) {
    return rollout.rules[*rollout.aborted_by].fired->at;
  }

  std::span<const history::past_push> pushes_;
  backtest_settings settings_;
  std::vector<recorded_rollout> rollouts_;
  tracker::tracker tracker_;
  policy::judge judge_;
  backtest_report report_;
  std::map<domain::rollout_id, std::size_t> places_of_rollouts_;
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, std::size_t>> rule_places_;
  std::map<place, std::size_t> rows_;  // of the rollout's rules
  std::map<place, std::map<group_key, last_words>> last_words_;
};

}  // namespace

std::string_view to_string(abort_assessment assessment) noexcept {
  switch (assessment) {
    case abort_assessment::unassessed:
      return "unassessed";
    case abort_assessment::right:
      return "right";
    case abort_assessment::mistaken:
      return "false";
  }
  return "unassessed";
}

std::optional<double> limit_of(const policy::rule_test& test) noexcept {
  if (const auto* rate = std::get_if<policy::failure_rate_rule>(&test))
    return rate->above;
  if (const auto* budget = std::get_if<policy::failure_budget_rule>(&test))
    return budget->above;
  return std::nullopt;
}

backtest_report backtest(std::span<const history::past_push> pushes,
                         std::vector<policy::policy_specification> policies,
                         const backtest_settings& settings) {
  return backtester(pushes, std::move(policies), settings).run();
}

}  // namespace pushguard::agent
