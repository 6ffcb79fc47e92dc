#include "agent/commands/policy_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "agent/commands/render.hpp"
#include "agent/policy/reason.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;
using policy::percentage_of;
using policy::rule_action;

std::string_view name_of(rule_action action) {
  return action == rule_action::abort ? "abort" : "alert";
}

std::string_view name_of(policy::policy_mode mode) {
  return mode == policy::policy_mode::enforce ? "enforce" : "dry_run";
}

std::string_view name_of(policy::rule_severity severity) {
  switch (severity) {
    case policy::rule_severity::critical:
      return "critical";
    case policy::rule_severity::error:
      return "error";
    case policy::rule_severity::warning:
      return "warning";
    case policy::rule_severity::info:
      return "info";
  }
  return "info";
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::string text_of(std::string_view text) {
  return json::string(text.data(), text.size());
}

// ---- tables ----

/// Rows of cells, the columns as wide as their widest cell and set to the right.
std::string render_table(std::span<const std::vector<std::string>> rows, std::string_view indentation) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    out += indentation;
    for (std::size_t i = 0; i < row.size(); ++i)
      out += fmt::format("{}{:>{}}", i == 0 ? "" : "  ", row[i], widths[i]);
    out += '\n';
  }
  return out;
}

// ---- explain ----

std::string render_points(std::span<const policy::tripping_point> points) {
  if (points.empty())
    return {};
  std::vector<std::vector<std::string>> rows{{"started orgs"}, {"failures that trip it"}};
  for (const policy::tripping_point& point : points) {
    rows[0].push_back(fmt::format("{}", point.started));
    rows[1].push_back(point.failed ? fmt::format("{}", *point.failed) : "never");
  }
  return render_table(rows, "      ");
}

json::array points_to_json(std::span<const policy::tripping_point> points) {
  json::array out;
  for (const policy::tripping_point& point : points)
    out.push_back(json::object{{"started", point.started}, {"failed", or_null(point.failed)}});
  return out;
}

// ---- backtest ----

std::string render_moment(std::string_view what, const backtest_moment& moment) {
  std::string of;
  if (!moment.segment.empty())
    of += fmt::format(" [{}]", printable(moment.segment));
  if (!moment.request.empty())
    of += fmt::format(" [{}]", moment.request.text());
  return fmt::format("    {:<9} {}  +{}{}  {}\n", what, format_time(moment.at),
                     format_duration(moment.elapsed), of, moment.reason);
}

std::string render_abort(const backtest_abort& abort) {
  std::string out =
      fmt::format("              {} could be cancelled, {} spared; {} in flight",
                  counted(abort.cancelable, "request"), counted(abort.spared, "org"), abort.in_flight);
  if (abort.still_to_start > 0)
    out += fmt::format(", {} still to start in requests that ran", abort.still_to_start);
  out += fmt::format("\n              failed orgs: {} by then and {} to come, {} without the abort\n",
                     abort.failed_before, abort.failed_after, abort.failed_without);
  return out;
}

std::string render_assessment(const backtest_rule& rule) {
  if (rule.fired && rule.assessment != abort_assessment::unassessed) {
    const std::string_view what = rule.action == rule_action::abort ? "abort" : "alert";
    if (!rule.final_rate || !rule.limit)
      return fmt::format("              a false {}: the histories are said to be healthy\n", what);
    const auto texts = policy::percentages_of(*rule.final_rate, *rule.limit);
    return fmt::format("              a {} {}: it ended with {} failed, and the limit is {}\n",
                       to_string(rule.assessment), what, texts.first, texts.second);
  }
  if (rule.is_missed()) {
    const auto texts = policy::percentages_of(*rule.final_rate, *rule.limit);
    return fmt::format("    missed    it ended with {} failed, and the limit is {}\n", texts.first,
                       texts.second);
  }
  return {};
}

std::string render_rule(const backtest_rule& rule) {
  std::string out =
      fmt::format("  {}/{} ({}, {})\n", rule.policy, rule.rule, name_of(rule.action), name_of(rule.mode));
  if (!rule.warned && !rule.breached) {
    const std::string assessment = render_assessment(rule);
    return out + (assessment.empty() ? "    silent\n" : assessment);
  }
  if (rule.warned)
    out += render_moment("warned", *rule.warned);
  if (rule.breached && (!rule.fired || rule.fired->at != rule.breached->at))
    out += render_moment("breached", *rule.breached);
  if (rule.fired)
    out += render_moment(rule.abort ? "aborted" : "alerted", *rule.fired);
  if (rule.is_after_abort)
    out += "              after the abort: some of this would not have happened\n";
  if (rule.is_breached_before_arming)
    out += "              breached when the rollout was first seen: only an alert until it is armed\n";
  if (rule.abort)
    out += render_abort(*rule.abort);
  return out + render_assessment(rule);
}

std::string render_rollout(const backtest_rollout& rollout) {
  std::string out =
      fmt::format("{}  {} {}  began {}  {} in {}\n", rollout.id.text(), printable(rollout.package_name),
                  printable(rollout.version_number), format_time(rollout.began), counted(rollout.orgs, "org"),
                  counted(rollout.requests.size(), "request"));
  if (rollout.rules.empty())
    out += "  no policy matches its package\n";
  for (const backtest_rule& rule : rollout.rules)
    out += render_rule(rule);
  if (rollout.aborted_by) {
    const backtest_rule& first = rollout.rules[*rollout.aborted_by];
    out += fmt::format("  => would have been aborted by {}/{} after {}\n", first.policy, first.rule,
                       format_duration(first.fired->elapsed));
  } else {
    out += "  => would not have been aborted\n";
  }
  return out + '\n';
}

json::value moment_to_json(const std::optional<backtest_moment>& moment) {
  if (!moment)
    return nullptr;
  const auto& numbers = moment->numbers;
  return json::object{
      {"at", format_time(moment->at)},
      {"elapsed_seconds", static_cast<double>(moment->elapsed.count()) / 1000.0},
      {"segment", moment->segment.empty() ? json::value(nullptr) : text_of(moment->segment)},
      {"request_id", moment->request.empty() ? json::value(nullptr) : text_of(moment->request.text())},
      {"failed", numbers.failed},
      {"started", numbers.started},
      {"excluded", numbers.excluded},
      {"in_flight", numbers.in_flight},
      {"scheduled", numbers.scheduled},
      {"observed", or_null(numbers.observed)},
      {"lower_bound", or_null(numbers.lower_bound)},
      {"threshold", or_null(numbers.threshold)},
      {"reason", moment->reason}};
}

json::value abort_to_json(const std::optional<backtest_abort>& abort) {
  if (!abort)
    return nullptr;
  json::array requests;
  for (const policy::planned_request& request : abort->requests)
    requests.push_back(
        json::object{{"request_id", text_of(request.id.text())},
                     {"status_at_decision", text_of(domain::to_string(request.status_at_decision))},
                     {"step", text_of(policy::to_string(request.step))}});
  return json::object{{"requests", std::move(requests)},
                      {"cancelable_requests", abort->cancelable},
                      {"spared_orgs", abort->spared},
                      {"in_flight_orgs", abort->in_flight},
                      {"still_to_start_orgs", abort->still_to_start},
                      {"failed_before", abort->failed_before},
                      {"failed_after", abort->failed_after},
                      {"failed_with_abort", abort->failed_with()},
                      {"failed_without_abort", abort->failed_without}};
}

json::object rule_to_json(const backtest_rule& rule) {
  return {{"policy", rule.policy},
          {"rule", rule.rule},
          {"action", text_of(name_of(rule.action))},
          {"mode", text_of(name_of(rule.mode))},
          {"warned", moment_to_json(rule.warned)},
          {"breached", moment_to_json(rule.breached)},
          {"fired", moment_to_json(rule.fired)},
          {"abort", abort_to_json(rule.abort)},
          {"breached_before_arming", rule.is_breached_before_arming},
          {"after_abort", rule.is_after_abort},
          {"limit", or_null(rule.limit)},
          {"final_rate", or_null(rule.final_rate)},
          {"assessment", text_of(to_string(rule.assessment))},
          {"missed", rule.is_missed()}};
}

json::object rollout_to_json(const backtest_rollout& rollout) {
  json::array requests;
  for (const auto& request : rollout.requests)
    requests.push_back(text_of(request.text()));
  json::array rules;
  for (const backtest_rule& rule : rollout.rules)
    rules.push_back(rule_to_json(rule));
  json::value aborted_by = nullptr;
  if (rollout.aborted_by) {
    const backtest_rule& first = rollout.rules[*rollout.aborted_by];
    aborted_by = json::object{{"policy", first.policy}, {"rule", first.rule}};
  }
  return {{"id", rollout.id.text()},
          {"hub", rollout.hub},
          {"package_name", rollout.package_name},
          {"package_version", rollout.version_number},
          {"requests", std::move(requests)},
          {"began", format_time(rollout.began)},
          {"orgs", rollout.orgs},
          {"aborted_by", std::move(aborted_by)},
          {"rules", std::move(rules)}};
}

}  // namespace

std::string render_explanations(std::span<const policy::policy_explanation> policies) {
  std::string out;
  for (const policy::policy_explanation& each : policies) {
    out += fmt::format("{}policy {} {}\n", out.empty() ? "" : "\n", each.name, printable(each.sentence));
    for (const policy::rule_explanation& rule : each.rules) {
      out += fmt::format("\n  rule {} ({}, {}) {}\n", rule.name, name_of(rule.action), name_of(rule.severity),
                         printable(rule.sentence));
      out += render_points(rule.points);
    }
  }
  return out;
}

json::value to_json(std::span<const policy::policy_explanation> policies) {
  json::array out;
  for (const policy::policy_explanation& each : policies) {
    json::array rules;
    for (const policy::rule_explanation& rule : each.rules)
      rules.push_back(json::object{{"name", rule.name},
                                   {"action", text_of(name_of(rule.action))},
                                   {"severity", text_of(name_of(rule.severity))},
                                   {"sentence", rule.sentence},
                                   {"smallest_failures", points_to_json(rule.points)}});
    out.push_back(
        json::object{{"name", each.name}, {"sentence", each.sentence}, {"rules", std::move(rules)}});
  }
  return json::object{{"policies", std::move(out)}};
}

std::string render_backtest(const backtest_report& report) {
  std::string out;
  for (const backtest_rollout& rollout : report.rollouts)
    out += render_rollout(rollout);
  const auto& totals = report.totals;
  out += fmt::format("{}: {} would have been aborted, {} of them falsely; {} spared\n",
                     counted(totals.rollouts, "rollout"), totals.aborts, totals.mistaken_aborts,
                     counted(totals.spared, "org"));
  return out;
}

json::value to_json(const backtest_report& report) {
  json::array rollouts;
  for (const backtest_rollout& rollout : report.rollouts)
    rollouts.push_back(rollout_to_json(rollout));
  return json::object{{"rollouts", std::move(rollouts)},
                      {"totals", json::object{{"rollouts", report.totals.rollouts},
                                              {"aborts", report.totals.aborts},
                                              {"false_aborts", report.totals.mistaken_aborts},
                                              {"spared_orgs", report.totals.spared}}}};
}

std::string render_sweep(const sweep_report& report, std::string_view key) {
  std::vector<std::vector<std::string>> rows{{std::string(key.substr(key.rfind('.') + 1)), "aborts", "false",
                                              "missed", "soonest", "started by then", "spared orgs"}};
  for (const sweep_row& row : report.rows)
    rows.push_back({row.value, fmt::format("{}", row.aborts), fmt::format("{}", row.mistaken_aborts),
                    report.limit ? fmt::format("{}", row.missed) : "-",
                    row.soonest ? format_duration(*row.soonest) : "-",
                    row.started_by_then ? fmt::format("{}", *row.started_by_then) : "-",
                    fmt::format("{}", row.spared)});
  return fmt::format(
      "{} over {}{}\n\n{}", key, counted(report.rollouts, "rollout"),
      report.limit ? fmt::format("; false and missed by the limit of {}", percentage_of(*report.limit)) : "",
      render_table(rows, "  "));
}

json::value to_json(const sweep_report& report, std::string_view key) {
  json::array rows;
  for (const sweep_row& row : report.rows)
    rows.push_back(json::object{{"value", row.value},
                                {"aborts", row.aborts},
                                {"false_aborts", row.mistaken_aborts},
                                {"missed", report.limit ? json::value(row.missed) : json::value(nullptr)},
                                {"soonest_abort_seconds",
                                 row.soonest ? json::value(static_cast<double>(row.soonest->count()) / 1000.0)
                                             : json::value(nullptr)},
                                {"started_by_then", or_null(row.started_by_then)},
                                {"spared_orgs", row.spared}});
  return json::object{{"key", text_of(key)},
                      {"rollouts", report.rollouts},
                      {"limit", or_null(report.limit)},
                      {"rows", std::move(rows)}};
}

}  // namespace pushguard::agent
