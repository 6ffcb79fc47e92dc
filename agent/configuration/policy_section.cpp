#include <fmt/format.h>

#include <limits>

#include "agent/configuration/sections.hpp"

namespace pushguard::configuration {
namespace {

using namespace pushguard::policy;

constexpr std::size_t policies_max = 64;  // every event is judged by each rule of each
constexpr std::size_t rules_max = 64;
constexpr std::size_t titles_max = 256;
constexpr yaml_range<double> open_share{0, 1, yaml_ends::excluded};
constexpr yaml_range<std::int64_t> org_range{1, 10'000'000};  // far above any package's installations

constexpr std::array scopes{yaml_choice<counting_scope>{"request", counting_scope::request},
                            yaml_choice<counting_scope>{"rollout", counting_scope::rollout},
                            yaml_choice<counting_scope>{"package", counting_scope::package}};
constexpr std::array containments{yaml_choice<containment>{"rollout", containment::rollout},
                                  yaml_choice<containment>{"package", containment::package},
                                  yaml_choice<containment>{"matching", containment::matching}};
constexpr std::array modes{yaml_choice<policy_mode>{"dry_run", policy_mode::dry_run},
                           yaml_choice<policy_mode>{"enforce", policy_mode::enforce}};
constexpr std::array handlings{yaml_choice<in_progress_handling>{"leave", in_progress_handling::leave},
                               yaml_choice<in_progress_handling>{"try", in_progress_handling::try_cancel}};
constexpr std::array actions{yaml_choice<rule_action>{"alert", rule_action::alert},
                             yaml_choice<rule_action>{"abort", rule_action::abort}};
constexpr std::array severities{yaml_choice<rule_severity>{"critical", rule_severity::critical},
                                yaml_choice<rule_severity>{"error", rule_severity::error},
                                yaml_choice<rule_severity>{"warning", rule_severity::warning},
                                yaml_choice<rule_severity>{"info", rule_severity::info}};
constexpr std::array segmentations{yaml_choice<segmentation>{"sf_instance", segmentation::sf_instance},
                                   yaml_choice<segmentation>{"org_type", segmentation::org_type},
                                   yaml_choice<segmentation>{"from_version", segmentation::from_version},
                                   yaml_choice<segmentation>{"request", segmentation::request}};

std::optional<org_count> read_org_count(yaml_reader& from, std::string_view key) {
  const auto read = from.integer(key, org_range);
  return read ? std::optional(static_cast<org_count>(*read)) : std::nullopt;
}

/// The items of a list that must be names of a table; wrong ones are left out.
template <class Enum, class Range, class Name>
std::vector<Enum> read_names(yaml_reader& from, std::string_view key, const Range& all, Name name_of) {
  std::vector<Enum> made;
  std::vector<std::string_view> names;
  for (const Enum value : all)
    names.push_back(name_of(value));
  for (const yaml_node& item : from.sequence(key)) {
    const auto index = yaml_read_name(item, fmt::format("an item of {}", key), names, from.problems());
    if (index)
      made.push_back(all[*index]);
  }
  return made;
}

policy_match read_match(yaml_reader& from) {
  constexpr std::array types{domain::org_type::production, domain::org_type::sandbox};
  policy_match made;
  made.packages = read_ids<domain::package_id>(from, "packages");
  made.org_types = read_names<domain::org_type>(
      from, "org_types", types, [](domain::org_type type) { return domain::to_string(type); });
  from.finish();
  return made;
}

/// Those that Salesforce writes: a failed job without errors is always counted.
std::vector<domain::error_type> nameable_error_types() {
  std::vector<domain::error_type> made;
  for (const domain::error_type type : domain::all_error_types) {
    if (type != domain::error_type::unknown && type != domain::error_type::unrecognized)
      made.push_back(type);
  }
  return made;
}

error_exclusion read_exclusion(yaml_reader& from) {
  error_exclusion made;
  if (from.has("types"))
    made.types =
        read_names<domain::error_type>(from, "types", nameable_error_types(),
                                       [](domain::error_type type) { return domain::to_string(type); });
  if (from.has("titles")) {
    made.titles.clear();
    for (const yaml_node& item : bounded_sequence(from, "titles", titles_max)) {
      if (auto title = yaml_read_text(item, "an item of titles", from.problems()))
        made.titles.push_back(std::move(*title));
    }
  }
  (void)from.node("types");
  (void)from.node("titles");
  from.finish();
  return made;
}

failure_rate_rule read_failure_rate(yaml_reader& from) {
  failure_rate_rule made;
  const auto above = from.share("above", open_share, yaml_presence::required);
  made.above = above.value_or(made.above);
  // Below one half a "bound" says less than a coin.
  made.confidence = from.share("confidence", {0.5, 1, yaml_ends::excluded}).value_or(made.confidence);
  made.min_started = read_org_count(from, "min_started").value_or(made.min_started);
  made.warn_at = from.share("warn_at", open_share);
  if (above && made.warn_at && *made.warn_at >= *above)
    from.problem("warn_at", "warn_at must be below above, or the warning would come after the breach");
  made.by = from.choice<segmentation>("by", segmentations);
  from.finish();
  return made;
}

failure_budget_rule read_failure_budget(yaml_reader& from) {
  failure_budget_rule made;
  made.above = from.share("above", open_share, yaml_presence::required).value_or(made.above);
  made.of = read_org_count(from, "of");
  made.min_failed = read_org_count(from, "min_failed").value_or(made.min_failed);
  from.finish();
  return made;
}

rule_test read_test(yaml_reader& rule) {
  constexpr std::array<std::string_view, 2> kinds{"failure_rate", "failure_budget"};
  constexpr std::array<std::string_view, 8> later{
      "failure_count",        "errors",  "same_error",  "orgs",
      "consecutive_failures", "stalled", "job_running", "late_start"};
  rule.refuse(later, unsupported);
  for (const std::string_view key : later) {
    if (rule.has(key)) {
      (void)rule.node(kinds[0]);
      (void)rule.node(kinds[1]);
      return {};
    }
  }
  const auto kind = rule.exactly_one_of(kinds);
  auto test = kind ? rule.mapping(*kind) : std::nullopt;
  if (!test)
    return {};
  if (*kind == kinds[0])
    return read_failure_rate(*test);
  return read_failure_budget(*test);
}

rule_specification read_rule(yaml_reader& from, unique_names& names) {
  rule_specification made;
  made.name = names.read(from);
  made.test = read_test(from);
  made.action = from.choice<rule_action>("action", actions).value_or(made.action);
  made.severity =
      from.choice<rule_severity>("severity", severities)
          .value_or(made.action == rule_action::abort ? rule_severity::critical : rule_severity::warning);
  from.finish();
  return made;
}

policy_specification read_policy(yaml_reader& from, unique_names& names) {
  policy_specification made;
  made.name = names.read(from);
  if (made.name == "manual")
    from.problem("name", "a policy cannot be named 'manual': what operators abort is told under that name");
  if (auto match = from.mapping("match"))
    made.match = read_match(*match);
  made.scope = from.choice<counting_scope>("scope", scopes).value_or(made.scope);
  made.contain = from.choice<containment>("contain", containments).value_or(made.contain);
  made.mode = from.choice<policy_mode>("mode", modes).value_or(made.mode);
  made.in_progress = from.choice<in_progress_handling>("in_progress", handlings).value_or(made.in_progress);
  if (auto exclusion = from.mapping("exclude_errors"))
    made.exclude_errors = read_exclusion(*exclusion);
  unique_names rule_names("rule of this policy");
  for (const yaml_node& item : bounded_sequence(from, "rules", rules_max, yaml_presence::required)) {
    yaml_reader rule(item, "an item of rules", from.problems());
    made.rules.push_back(read_rule(rule, rule_names));
  }
  from.finish();
  return made;
}

}  // namespace

std::vector<policy_specification> read_policies(yaml_reader& root) {
  std::vector<policy_specification> made;
  unique_names names("policy");
  for (const yaml_node& item : bounded_sequence(root, "policies", policies_max)) {
    yaml_reader from(item, "an item of policies", root.problems());
    made.push_back(read_policy(from, names));
  }
  return made;
}

}  // namespace pushguard::configuration
