#pragma once

#include <vector>

#include "agent/configuration/configuration.hpp"
#include "agent/configuration/reading.hpp"

/// The parts of the file, one reader each. Each reads its key of `root` and reports what is wrong.
namespace pushguard::configuration {

[[nodiscard]] std::vector<hub> read_hubs(yaml_reader& root, const reading& context);
[[nodiscard]] std::vector<policy::policy_specification> read_policies(yaml_reader& root,
                                                                      const reading& context);
/// What a rule tests: the one key of `rule` that names a kind. Its name, action and severity are not read.
[[nodiscard]] policy::rule_test read_rule_test(yaml_reader& rule, const reading& context);
/// `policies` are those that routes may name.
[[nodiscard]] alerting read_alerting(yaml_reader& root, const reading& context,
                                     const std::vector<policy::policy_specification>& policies);
[[nodiscard]] std::optional<duration> read_rollout_gap(yaml_reader& root);

/// The text of a file, up to one byte more than parse_yaml accepts: it says that the file is too large then.
[[nodiscard]] std::expected<std::string, problem_list> read_configuration_file(
    const std::filesystem::path& file);

}  // namespace pushguard::configuration
