#include "agent/policy/explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent/policy/failure_budget.hpp"
#include "agent/policy/failure_rate.hpp"
#include "agent/policy/opinion.hpp"
#include "agent/policy/reason.hpp"

namespace pushguard::policy {
namespace {

// Above every min_started: what is told is told of rollouts that are not over.
constexpr org_count rollout_orgs = 10'000'000;

/// `5%`, `2.5%`: as an author writes it.
std::string share_text(double share) {
  std::string text = fmt::format("{:.4f}", share * 100.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.'))
    text.pop_back();
  return text + '%';
}

std::string orgs_text(org_count count) {
  return count == 1 ? "1 org" : fmt::format("{} orgs", count);
}

std::string_view group_text(segmentation by) {
  switch (by) {
    case segmentation::sf_instance:
      return "Salesforce instance";
    case segmentation::org_type:
      return "org type";
    case segmentation::from_version:
      return "installed version";
    case segmentation::request:
      return "push request";
  }
  return "group";
}

/// How the promise for the whole rule is kept over its groups.
std::string groups_text(segmentation by, double confidence) {
  const double alpha = 1.0 - confidence;
  return fmt::format(
      "; each {} is tested by itself, the first that appears with {} confidence, the second with {}, the "
      "tenth "
      "with {}, so that it is {} for all together",
      group_text(by), confidence_text(segment_alpha(alpha, 1)), confidence_text(segment_alpha(alpha, 2)),
      confidence_text(segment_alpha(alpha, 10)), confidence_text(alpha));
}

std::string error_types_text(const std::vector<domain::error_type>& types) {
  std::vector<std::string_view> names;
  for (const auto type : types)
    names.push_back(domain::to_string(type));
  return fmt::format("{}", fmt::join(names, " or "));
}

std::string at_least_text(double min_ratio) {
  return min_ratio == 0.0 ? std::string()
                          : fmt::format(", and they are at least {} of the started", share_text(min_ratio));
}

/// One sentence for each kind of rule: when it is breached.
struct sentence_of {
  std::string operator()(const failure_rate_rule& rule) const {
    std::string text = fmt::format(
        "is breached when more than {} of the started orgs fail, with {} confidence, once {} have started",
        share_text(rule.above), share_text(rule.confidence), orgs_text(rule.min_started));
    if (rule.warn_at)
      text += fmt::format("; warns above {} with the same confidence", share_text(*rule.warn_at));
    if (rule.by)
      text += groups_text(*rule.by, rule.confidence);
    return text;
  }
  std::string operator()(const failure_budget_rule& rule) const {
    std::string text = fmt::format("is breached when more than {} of {} fail", share_text(rule.above),
                                   rule.of ? orgs_text(*rule.of) : "the orgs scheduled so far");
    if (rule.of)
      text += fmt::format(", which is more than {}", orgs_text(failures_allowed(rule.above, *rule.of)));
    if (rule.min_failed > 1)
      text += fmt::format(", and at least {} did", orgs_text(rule.min_failed));
    return text;
  }
  std::string operator()(const failure_count_rule& rule) const {
    return fmt::format("is breached when more than {} fail", orgs_text(rule.above));
  }
  std::string operator()(const errors_rule& rule) const {
    return fmt::format("is breached when at least {} fail with {}{}", orgs_text(rule.min_orgs),
                       error_types_text(rule.types), at_least_text(rule.min_ratio));
  }
  std::string operator()(const same_error_rule& rule) const {
    return fmt::format(
        "is breached when at least {} fail with the same error, and they are at least {} of the failed{}",
        orgs_text(rule.min_orgs), share_text(rule.share), at_least_text(rule.min_ratio));
  }
  std::string operator()(const orgs_rule& rule) const {
    return fmt::format("is breached when more than {} of the {} listed fail", orgs_text(rule.max_failed),
                       rule.keys.size());
  }
  std::string operator()(const consecutive_failures_rule& rule) const {
    return fmt::format("is breached when {} in a row fail, in the order of their ends",
                       orgs_text(rule.at_least));
  }
  std::string operator()(const stalled_rule& rule) const {
    return fmt::format("is breached when no job has started or ended for {} while one is in progress",
                       format_duration(rule.no_progress_for));
  }
  std::string operator()(const job_running_rule& rule) const {
    return fmt::format("is breached when the jobs of at least {} run for longer than {}",
                       orgs_text(rule.min_orgs), format_duration(rule.longer_than));
  }
  std::string operator()(const late_start_rule& rule) const {
    return fmt::format("is breached when a request has not started {} after its scheduled start",
                       format_duration(rule.by));
  }
};

/// How many orgs are scheduled where `started` have started; nothing for rules that do not count failed orgs.
struct scheduled_for {
  org_count started;

  std::optional<org_count> operator()(const failure_rate_rule&) const { return rollout_orgs; }
  std::optional<org_count> operator()(const failure_budget_rule&) const { return started; }
  std::optional<org_count> operator()(const failure_count_rule&) const { return rollout_orgs; }
  std::optional<org_count> operator()(const errors_rule&) const { return rollout_orgs; }
  std::optional<org_count> operator()(const same_error_rule&) const { return rollout_orgs; }
  std::optional<org_count> operator()(const orgs_rule&) const { return rollout_orgs; }
  std::optional<org_count> operator()(const consecutive_failures_rule&) const { return std::nullopt; }
  std::optional<org_count> operator()(const stalled_rule&) const { return std::nullopt; }
  std::optional<org_count> operator()(const job_running_rule&) const { return std::nullopt; }
  std::optional<org_count> operator()(const late_start_rule&) const { return std::nullopt; }
};

/// The only place that asks a rule. All failures are of the kind that it names.
bool is_breached(rule_judge& rule, org_count failed, org_count started, org_count scheduled) {
  const org_counts counts{
      .failed = failed, .succeeded = started - failed, .present = scheduled, .scheduled = scheduled};
  return rule.judge({.counts = counts, .named = failed, .possible = failed}).value == verdict::breached;
}

tripping_point find_tripping_point(rule_judge& rule, org_count started, org_count scheduled) {
  if (!is_breached(rule, started, started, scheduled))
    return {.started = started};
  org_count least = 0;
  org_count most = started;  // is a breach
  while (least < most) {
    const org_count middle = least + (most - least) / 2;
    if (is_breached(rule, middle, started, scheduled))
      most = middle;
    else
      least = middle + 1;
  }
  return {.started = started, .failed = most};
}

rule_explanation explain_rule(const rule_specification& rule) {
  rule_explanation made{.name = rule.name,
                        .sentence = std::visit(sentence_of{}, rule.test),
                        .action = rule.action,
                        .severity = rule.severity};
  rule_judge judge(rule);
  for (const org_count started : explained_counts) {
    if (const auto scheduled = std::visit(scheduled_for{started}, rule.test))
      made.points.push_back(find_tripping_point(judge, started, *scheduled));
  }
  return made;
}

std::string match_text(const policy_match& match) {
  std::vector<std::string_view> types;
  for (const auto type : match.org_types)
    types.push_back(domain::to_string(type));
  std::vector<std::string_view> packages;
  for (const auto& package : match.packages)
    packages.push_back(package.text());
  return fmt::format("{} orgs of {}", types.empty() ? "all" : fmt::format("{}", fmt::join(types, " and ")),
                     packages.empty() ? "every package" : fmt::format("{}", fmt::join(packages, ", ")));
}

std::string_view scope_text(counting_scope scope) {
  switch (scope) {
    case counting_scope::request:
      return "each push request by itself";
    case counting_scope::rollout:
      return "over the whole rollout";
    case counting_scope::package:
      return "over all rollouts of the package";
  }
  return {};
}

std::string_view containment_text(containment contain) {
  switch (contain) {
    case containment::rollout:
      return "every request of the rollout that has not started";
    case containment::package:
      return "every request of the package that has not started";
    case containment::matching:
      return "those requests of the rollout that hold such an org and have not started";
  }
  return {};
}

std::string exclusion_text(const error_exclusion& exclusion) {
  if (exclusion.empty())
    return "every failure counts";
  std::vector<std::string> names;
  for (const auto type : exclusion.types)
    names.emplace_back(domain::to_string(type));
  for (const auto& title : exclusion.titles)
    names.push_back("'" + title + "'");
  return fmt::format("orgs that fail only with {} do not count, and more than {} of them are told",
                     fmt::join(names, ", "), share_text(exclusion.usual));
}

}  // namespace

policy_explanation explain(const policy_specification& policy) {
  policy_explanation made{.name = policy.name};
  made.sentence =
      fmt::format("counts {} {}; {}; an abort {} {}{}", match_text(policy.match), scope_text(policy.scope),
                  exclusion_text(policy.exclude_errors),
                  policy.mode == policy_mode::enforce ? "cancels" : "is only told (dry run) and would cancel",
                  containment_text(policy.contain),
                  policy.in_progress == in_progress_handling::try_cancel ? ", and tries those that run" : "");
  for (const auto& rule : policy.rules)
    made.rules.push_back(explain_rule(rule));
  return made;
}

}  // namespace pushguard::policy
