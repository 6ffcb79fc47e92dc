#include "agent/policy/opinion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent/policy/counting_rules.hpp"
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

std::string nothing_started(detail wanted) {
  return wanted == detail::full ? observed_text(0, 0) : std::string{};
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

/// A breach, one that the orgs still to be read decide, or none.
void set_verdict(opinion& made, bool is_breach, bool is_certain) {
  made.value = is_breach ? verdict::breached : verdict::ok;
  made.breach = is_breach && !is_certain ? settlement::unsettled : settlement::settled;
}

/// The numbers of a rule that names some of the orgs.
judged_numbers numbers_of_named(const observation& seen) {
  auto numbers = numbers_of(seen.counts);
  numbers.failed = seen.named;
  numbers.unsettled = seen.possible - seen.named;
  return numbers;
}

opinion judge_budget(const failure_budget_rule& rule, const org_counts& counts, detail wanted) {
  const auto total = rule.of.value_or(counts.scheduled);
  opinion out{.numbers = numbers_of(counts)};
  out.numbers.observed = ratio(counts.failed, total);
  out.numbers.threshold = rule.above;
  if (counts.started() == 0) {
    out.reason = nothing_started(wanted);
    return out;
  }
  const bool is_exceeded = is_budget_exceeded(rule, counts.failed, counts.scheduled);
  set_verdict(out, is_exceeded, is_budget_exceeded(rule, counts.failed - counts.unsettled, counts.scheduled));
  if (wanted == detail::verdicts)
    return out;
  out.reason = budget_reason(rule, counts, total, is_exceeded);
  return out;
}

opinion judge_count(const failure_count_rule& rule, const org_counts& counts, detail wanted) {
  opinion out{.numbers = numbers_of(counts)};
  out.reason = nothing_started(wanted);
  if (counts.started() == 0)
    return out;
  out.numbers.observed = ratio(counts.failed, counts.started());
  set_verdict(out, is_count_exceeded(rule, counts.failed),
              is_count_exceeded(rule, counts.failed - counts.unsettled));
  if (wanted == detail::verdicts)
    return out;
  out.reason = fmt::format("{}; {} {} limit {}", observed_text(counts.failed, counts.started()),
                           counts.failed, is_count_exceeded(rule, counts.failed) ? ">" : "<=", rule.above);
  return out;
}

std::string names_of(const std::vector<domain::error_type>& types) {
  std::vector<std::string_view> names;
  for (const auto type : types)
    names.push_back(to_string(type));
  return fmt::format("{}", fmt::join(names, " or "));
}

/// `3 >= 3 orgs`: what is there, and what it takes.
std::string least_text(org_count found, org_count least) {
  return fmt::format("{} {} {} orgs", found, found >= least ? ">=" : "<", least);
}
std::string least_share_text(double found, double least, std::string_view of) {
  const auto texts = percentages_of(found, least);
  return fmt::format("{} of {} {} {}", texts.first, of, found >= least ? ">=" : "<", texts.second);
}

opinion judge_errors(const errors_rule& rule, const observation& seen, detail wanted) {
  const auto started = seen.counts.started();
  opinion out{.numbers = numbers_of_named(seen)};
  out.numbers.threshold = rule.min_ratio;
  out.reason = nothing_started(wanted);
  if (started == 0)
    return out;
  out.numbers.observed = ratio(seen.named, started);
  set_verdict(out, is_errors_breach(rule, seen.possible, started),
              is_errors_breach(rule, seen.named, started));
  if (wanted == detail::verdicts)
    return out;
  out.reason = fmt::format("{} of {} started failed with {}; {}", seen.named, started, names_of(rule.types),
                           least_text(seen.named, rule.min_orgs));
  if (rule.min_ratio > 0.0)
    out.reason += " and " + least_share_text(*out.numbers.observed, rule.min_ratio, "started");
  return out;
}

opinion judge_same_error(const same_error_rule& rule, const observation& seen, detail wanted) {
  const auto& counts = seen.counts;
  opinion out{.numbers = numbers_of_named(seen)};
  out.numbers.threshold = rule.min_ratio;
  out.reason = nothing_started(wanted);
  if (counts.started() == 0)
    return out;
  out.numbers.observed = ratio(seen.named, counts.started());
  set_verdict(out, is_same_error_breach(rule, seen.possible, counts.failed, counts.started()),
              is_same_error_breach(rule, seen.named, counts.failed, counts.started()));
  if (wanted == detail::verdicts)
    return out;
  out.reason = fmt::format("the most frequent error is that of {} of {} failed; {}", seen.named,
                           counts.failed, least_text(seen.named, rule.min_orgs));
  if (seen.named >= rule.min_orgs) {
    out.reason += fmt::format(", {} and {}: {}",
                              least_share_text(ratio(seen.named, counts.failed), rule.share, "failed"),
                              least_share_text(*out.numbers.observed, rule.min_ratio, "started"), seen.label);
  }
  return out;
}

opinion judge_orgs(const orgs_rule& rule, const observation& seen, detail wanted) {
  const auto listed = static_cast<org_count>(rule.keys.size());
  opinion out{.numbers = numbers_of_named(seen)};
  // What may be a failure counts as one until it is read, as for every rule about failures.
  out.numbers.failed = seen.possible;
  out.reason = nothing_started(wanted);
  if (seen.counts.started() == 0)
    return out;
  out.numbers.observed = ratio(seen.possible, listed);
  set_verdict(out, seen.possible > rule.max_failed, seen.named > rule.max_failed);
  if (wanted == detail::verdicts)
    return out;
  out.reason = fmt::format("failed {} of {} listed orgs; {} {} limit {}", seen.possible, listed,
                           seen.possible, seen.possible > rule.max_failed ? ">" : "<=", rule.max_failed);
  return out;
}

opinion judge_streak(const consecutive_failures_rule& rule, const observation& seen, detail wanted) {
  opinion out{.numbers = numbers_of(seen.counts)};
  out.reason = nothing_started(wanted);
  if (seen.counts.started() == 0)
    return out;
  out.numbers.observed = ratio(seen.counts.failed, seen.counts.started());
  const bool is_breach = seen.possible >= rule.at_least;
  set_verdict(out, is_breach, seen.named >= rule.at_least);
  if (wanted == detail::verdicts)
    return out;
  out.reason = is_breach
                   ? fmt::format("{} orgs failed in a row >= limit {}", seen.possible, rule.at_least)
                   : fmt::format("the newest {} failed in a row < limit {}", seen.possible, rule.at_least);
  return out;
}

opinion judge_stall(const stalled_rule& rule, const observation& seen, detail wanted) {
  opinion out{.numbers = numbers_of(seen.counts)};
  if (seen.named == 0 || !seen.since) {
    out.value = verdict::ok;
    if (wanted == detail::full)
      out.reason = "no job is in progress";
    return out;
  }
  const bool is_breach = is_stalled(rule, seen.now - *seen.since);
  set_verdict(out, is_breach, is_breach);
  if (wanted == detail::verdicts)
    return out;
  out.reason = fmt::format(
      "{} in progress, and none started or ended since {}: {} {}", seen.named, format_time(*seen.since),
      is_breach ? "not for the limit of" : "less than the limit of", format_duration(rule.no_progress_for));
  return out;
}

opinion judge_running(const job_running_rule& rule, const observation& seen, detail wanted) {
  opinion out{.numbers = numbers_of(seen.counts)};
  out.numbers.failed = seen.named;
  out.numbers.unsettled = 0;
  const bool is_breach = seen.named >= rule.min_orgs;
  set_verdict(out, is_breach, is_breach);
  if (wanted == detail::verdicts)
    return out;
  out.reason =
      fmt::format("{} of {} in progress run for longer than {}; {}", seen.named, seen.counts.in_flight,
                  format_duration(rule.longer_than), least_text(seen.named, rule.min_orgs));
  if (seen.named != 0 && seen.since)
    out.reason += fmt::format("; the first since {}", format_time(*seen.since));
  return out;
}

opinion judge_late(const late_start_rule& rule, const observation& seen, detail wanted) {
  opinion out{.numbers = numbers_of(seen.counts)};
  const bool is_breach = seen.named != 0;
  set_verdict(out, is_breach, is_breach);
  if (wanted == detail::verdicts)
    return out;
  if (!is_breach || !seen.since) {
    out.reason = fmt::format("no request is late by {}", format_duration(rule.by));
    return out;
  }
  out.reason = fmt::format("{} was to start at {} and is late by {} or more", seen.label,
                           format_time(*seen.since), format_duration(rule.by));
  if (seen.named > 1)
    out.reason += fmt::format("; {} requests are", seen.named);
  return out;
}

}  // namespace

std::optional<segmentation> rule_judge::by() const noexcept {
  const auto* rate = std::get_if<failure_rate_rule>(&rule_->test);
  return rate == nullptr ? std::nullopt : rate->by;
}

opinion rule_judge::judge(const observation& seen, std::uint32_t ordinal, detail wanted) {
  struct visitor {
    rule_judge& self;
    const observation& seen;
    std::uint32_t ordinal;
    detail wanted;

    opinion operator()(const failure_rate_rule& rule) const {
      return self.judge_rate(rule, seen.counts, ordinal, wanted);
    }
    opinion operator()(const failure_budget_rule& rule) const {
      return judge_budget(rule, seen.counts, wanted);
    }
    opinion operator()(const failure_count_rule& rule) const {
      return judge_count(rule, seen.counts, wanted);
    }
    opinion operator()(const errors_rule& rule) const { return judge_errors(rule, seen, wanted); }
    opinion operator()(const same_error_rule& rule) const { return judge_same_error(rule, seen, wanted); }
    opinion operator()(const orgs_rule& rule) const { return judge_orgs(rule, seen, wanted); }
    opinion operator()(const consecutive_failures_rule& rule) const {
      return judge_streak(rule, seen, wanted);
    }
    opinion operator()(const stalled_rule& rule) const { return judge_stall(rule, seen, wanted); }
    opinion operator()(const job_running_rule& rule) const { return judge_running(rule, seen, wanted); }
    opinion operator()(const late_start_rule& rule) const { return judge_late(rule, seen, wanted); }
  };
  return std::visit(visitor{*this, seen, ordinal, wanted}, rule_->test);
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

opinion rule_judge::judge_rate(const failure_rate_rule& rule, const org_counts& counts, std::uint32_t ordinal,
                               detail wanted) {
  auto& table = tables(rule, ordinal);
  const auto started = counts.started();
  const double alpha = table.breach.alpha();
  opinion out{.numbers = numbers_of(counts)};
  out.numbers.observed = ratio(counts.failed, started);
  out.numbers.threshold = rule.above;
  double bound = 0.0;
  if (wanted == detail::full) {
    bound = failure_rate_lower_bound(counts.failed, started, prior_for(rule.above), alpha);
    out.numbers.lower_bound = bound;
    out.reason = observed_text(counts.failed, started);
  }
  if (const auto needed = std::min(rule.min_started, counts.eligible()); started < needed || started == 0) {
    if (wanted == detail::full)
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
  if (wanted == detail::verdicts)
    return out;
  const bool warns = out.value == verdict::warning;
  out.reason +=
      "; " + bound_text(bound, warns ? "warning limit" : "limit", warns ? *rule.warn_at : rule.above, alpha);
  return out;
}

}  // namespace pushguard::policy
