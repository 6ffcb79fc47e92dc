#include "agent/configuration/policy_document.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent/configuration/sections.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;

struct sweepable {
  std::string_view kind;
  std::string_view field;
  swept_kind values;
};

/// The numbers of every kind of rule.
constexpr std::array sweepables{
    sweepable{"failure_rate", "above", swept_kind::share},
    sweepable{"failure_rate", "confidence", swept_kind::share},
    sweepable{"failure_rate", "min_started", swept_kind::count},
    sweepable{"failure_rate", "warn_at", swept_kind::share},
    sweepable{"failure_budget", "above", swept_kind::share},
    sweepable{"failure_budget", "of", swept_kind::count},
    sweepable{"failure_budget", "min_failed", swept_kind::count},
    sweepable{"failure_count", "above", swept_kind::count},
    sweepable{"errors", "min_orgs", swept_kind::count},
    sweepable{"errors", "min_ratio", swept_kind::share},
    sweepable{"same_error", "min_orgs", swept_kind::count},
    sweepable{"same_error", "share", swept_kind::share},
    sweepable{"same_error", "min_ratio", swept_kind::share},
    sweepable{"orgs", "max_failed", swept_kind::count},
    sweepable{"consecutive_failures", "at_least", swept_kind::count},
    sweepable{"stalled", "no_progress_for", swept_kind::time},
    sweepable{"job_running", "longer_than", swept_kind::time},
    sweepable{"job_running", "min_orgs", swept_kind::count},
    sweepable{"late_start", "by", swept_kind::time},
};

std::string name_of(const yaml_node& item) {
  const yaml_node* name = item.find("name");
  return name == nullptr ? std::string() : name->text;
}

/// The item of the list under `key` that has this name, or the names that there are.
template <class Node>
std::expected<Node*, std::string> find_item(Node& of, std::string_view key, std::string_view name) {
  std::vector<std::string> names;
  for (auto& entry : of.entries) {
    if (entry.key != key)
      continue;
    for (auto& item : entry.value.items) {
      if (name_of(item) == name)
        return &item;
      names.push_back(name_of(item));
    }
  }
  return std::unexpected(names.empty() ? "none at all" : fmt::format("only {}", fmt::join(names, ", ")));
}

/// The entry of a rule that says what it tests.
template <class Node>
auto* find_test(Node& rule) {
  const auto found = std::ranges::find_if(rule.entries, [](const yaml_entry& entry) {
    return std::ranges::find(sweepables, entry.key, &sweepable::kind) != sweepables.end();
  });
  return found == rule.entries.end() ? nullptr : &*found;
}

yaml_node scalar(std::string_view text, yaml_position position) {
  yaml_node made;
  made.kind = yaml_kind::scalar;
  made.position = position;
  made.text = text;
  return made;
}

template <class Node>
result<Node*> find_rule(Node& root, const swept_field& field) {
  const auto policy = find_item(root, "policies", field.policy);
  if (!policy)
    return fail(errc::not_found,
                fmt::format("there is no policy '{}' to sweep, {}", field.policy, policy.error()));
  const auto rule = find_item(**policy, "rules", field.rule);
  if (!rule)
    return fail(errc::not_found, fmt::format("the policy {} has no rule '{}' to sweep, {}", field.policy,
                                             field.rule, rule.error()));
  return *rule;
}

}  // namespace

std::expected<policy_document, problem_list> policy_document::load(const std::filesystem::path& file) {
  const auto text = read_configuration_file(file);
  if (!text)
    return std::unexpected(text.error());
  return parse(*text, file);
}

std::expected<policy_document, problem_list> policy_document::parse(std::string_view text,
                                                                    const std::filesystem::path& file) {
  yaml_problems problems(file.string());
  auto root = parse_yaml(text, problems);
  if (!root || !problems.empty())
    return std::unexpected(problems.lines());
  return policy_document(std::move(*root), file);
}

std::expected<policy_set, problem_list> policy_document::read() const {
  return read(root_);
}

std::expected<policy_set, problem_list> policy_document::read(const yaml_node& node) const {
  yaml_problems problems(file_.string());
  yaml_reader root(node, "the configuration", problems);
  policy_set made;
  made.rollout_gap = read_rollout_gap(root).value_or(made.rollout_gap);
  // Policies name no secrets, and so no environment variables.
  const environment no_variables = [](std::string_view) { return std::optional<std::string>(); };
  const auto directory = file_.parent_path();
  made.policies =
      read_policies(root, {.problems = problems,
                           .directory = directory.empty() ? std::filesystem::path(".") : directory,
                           .variables = no_variables});
  if (!problems.empty())
    return std::unexpected(problems.lines());
  return made;
}

result<swept_kind> policy_document::find(const swept_field& field) const {
  const auto rule = find_rule(root_, field);
  if (!rule)
    return std::unexpected(rule.error());
  const auto* test = find_test(**rule);
  std::vector<std::string_view> fields;
  for (const sweepable& each : sweepables) {
    if (test == nullptr || each.kind != test->key)
      continue;
    if (each.field == field.field)
      return each.values;
    fields.push_back(each.field);
  }
  return fail(errc::not_found, fmt::format("the rule {}/{} has no field '{}' to sweep, only {}", field.policy,
                                           field.rule, field.field, fmt::join(fields, ", ")));
}

std::expected<policy_set, problem_list> policy_document::read_with(const swept_field& field,
                                                                   std::string_view value) const {
  yaml_node changed = root_;
  const auto rule = find_rule(changed, field);
  auto* test = rule ? find_test(**rule) : nullptr;
  if (test == nullptr)
    return std::unexpected(problem_list{rule ? field.text() + " is not there" : rule.error().text()});
  yaml_node& numbers = test->value;
  // A warning limit must be below the limit, and says nothing about when a rule fires.
  if (field.field == "above")
    std::erase_if(numbers.entries, [](const yaml_entry& each) { return each.key == "warn_at"; });
  auto entry = std::ranges::find(numbers.entries, field.field, &yaml_entry::key);
  if (entry == numbers.entries.end())
    entry = numbers.entries.insert(
        entry, {.key = field.field, .position = numbers.position, .value = scalar({}, numbers.position)});
  entry->value = scalar(value, entry->value.position);
  return read(changed);
}

}  // namespace pushguard::configuration
