#include "agent/policy/opinion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/policy/failure_budget.hpp"
#include "agent/policy/reason.hpp"

namespace pushguard::policy {
namespace {

double ratio(org_count part, org_count whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

judged_numbers numbers_of(const org_counts& counts) {
  return {.failed = counts.failed,
          .unsettled = counts.unsettled,
          .started = counts.started(),
          .excluded = counts.excluded,
          .in_flight = counts.in_flight,
          .scheduled = counts.scheduled};
}

double alpha_of(const failure_rate_rule& rule, std::uint32_t ordinal) {
  const double alpha = 1.0 - rule.confidence;
  return rule.by ? segment_alpha(alpha, ordinal) : alpha;
}

std::string budget_reason(const failure_budget_rule& rule, const org_counts& counts, org_count total,
                          bool is_exceeded) {
  const auto texts = percentages_of(ratio(counts.failed, total), rule.above);
  auto text = fmt::format("failed {} of {} {} = {} {} limit {}; {} may fail", counts.failed, total,
                          rule.of ? "orgs" : "scheduled so far", texts.first,
                          is_exceeded ? ">" : "<=", texts.second, failures_allowed(rule.above, total));
  // Above the limit, and yet too few.
  if (!is_exceeded && counts.failed > failures_allowed(rule.above, total))
    text = fmt::format("failed {} of {} {} = {}; fewer than {} failed", counts.failed, total,
                       rule.of ? "orgs" : "scheduled so far", texts.first, rule.min_failed);
  return text;
}

}  // namespace

std::optional<segmentation> rule_judge::by() const noexcept {
  const auto* rate = std::get_if<failure_rate_rule>(&rule_->test);
  return rate == nullptr ? std::nullopt : rate->by;
}

opinion rule_judge::judge(const org_counts& counts, std::uint32_t ordinal) {
  if (const auto* rate = std::get_if<failure_rate_rule>(&rule_->test))
    return judge_rate(*rate, counts, ordinal);
  return judge_budget(std::get<failure_budget_rule>(rule_->test), counts);
}

rule_judge::rate_tables& rule_judge::tables(const failure_rate_rule& rule, std::uint32_t ordinal) {
  while (tables_.size() < ordinal) {
    const double alpha = alpha_of(rule, static_cast<std::uint32_t>(tables_.size()) + 1);
    const auto beta = prior_for(rule.above);
    tables_.push_back({failing_counts(rule.above, alpha, beta),
                       failing_counts(rule.warn_at.value_or(rule.above), alpha, beta)});
  }
  return tables_[ordinal - 1];
}

opinion rule_judge::judge_rate(const failure_rate_rule& rule, const org_counts& counts,
                               std::uint32_t ordinal) {
  auto& table = tables(rule, ordinal);
  const auto started = counts.started();
  const double alpha = table.breach.alpha();
  const double bound = failure_rate_lower_bound(counts.failed, started, prior_for(rule.above), alpha);
  opinion out{.numbers = numbers_of(counts)};
  out.numbers.observed = ratio(counts.failed, started);
  out.numbers.lower_bound = bound;
  out.numbers.threshold = rule.above;
  out.reason = observed_text(counts.failed, started);
  if (const auto needed = std::min(rule.min_started, counts.eligible()); started < needed || started == 0) {
    out.reason += fmt::format("; {} must have started", std::max<org_count>(needed, 1));
    return out;
  }
  if (table.breach.is_breach(counts.failed, started)) {
    out.value = verdict::breached;
    const bool is_certain = table.breach.is_breach(counts.failed - counts.unsettled, started);
    out.breach = is_certain ? settlement::settled : settlement::unsettled;
  } else {
    const bool is_warning = rule.warn_at && table.warning.is_breach(counts.failed, started);
    out.value = is_warning ? verdict::warning : verdict::ok;
  }
  const bool warns = out.value == verdict::warning;
  out.reason +=
      "; " + bound_text(bound, warns ? "warning limit" : "limit", warns ? *rule.warn_at : rule.above, alpha);
  return out;
}

opinion rule_judge::judge_budget(const failure_budget_rule& rule, const org_counts& counts) {
  const auto total = rule.of.value_or(counts.scheduled);
  opinion out{.numbers = numbers_of(counts)};
  out.numbers.observed = ratio(counts.failed, total);
  out.numbers.threshold = rule.above;
  if (counts.started() == 0) {
    out.reason = observed_text(0, 0);
    return out;
  }
  const bool is_exceeded = is_budget_exceeded(rule, counts.failed, counts.scheduled);
  out.value = is_exceeded ? verdict::breached : verdict::ok;
  const bool is_certain = is_budget_exceeded(rule, counts.failed - counts.unsettled, counts.scheduled);
  out.breach = is_exceeded && !is_certain ? settlement::unsettled : settlement::settled;
  out.reason = budget_reason(rule, counts, total, is_exceeded);
  return out;
}

}  // namespace pushguard::policy
