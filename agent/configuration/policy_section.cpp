#include <fmt/format.h>

#include "agent/configuration/sections.hpp"

namespace pushguard::configuration {
namespace {

using namespace pushguard::policy;

constexpr std::size_t policies_max = 64;  // every event is judged by each rule of each
constexpr std::size_t rules_max = 64;
constexpr std::size_t titles_max = 256;

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
  made.usual = from.share("usual", {0, 1, yaml_ends::excluded}).value_or(made.usual);
  from.finish();
  return made;
}

rule_specification read_rule(yaml_reader& from, unique_names& names, const reading& context) {
  rule_specification made;
  made.name = names.read(from);
  made.test = read_rule_test(from, context);
  made.action = from.choice<rule_action>("action", actions).value_or(made.action);
  made.severity =
      from.choice<rule_severity>("severity", severities)
          .value_or(made.action == rule_action::abort ? rule_severity::critical : rule_severity::warning);
  from.finish();
  return made;
}

policy_specification read_policy(yaml_reader& from, unique_names& names, const reading& context) {
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
    made.rules.push_back(read_rule(rule, rule_names, context));
  }
  from.finish();
  return made;
}

}  // namespace

std::vector<policy_specification> read_policies(yaml_reader& root, const reading& context) {
  std::vector<policy_specification> made;
  unique_names names("policy");
  for (const yaml_node& item : bounded_sequence(root, "policies", policies_max)) {
    yaml_reader from(item, "an item of policies", root.problems());
    made.push_back(read_policy(from, names, context));
  }
  return made;
}

}  // namespace pushguard::configuration
