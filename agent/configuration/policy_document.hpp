#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/configuration/configuration.hpp"
#include "agent/configuration/sweep.hpp"
#include "base/yaml.hpp"

namespace pushguard::configuration {

/// What rollouts are judged by.
struct policy_set {
  std::vector<policy::policy_specification> policies;
  duration rollout_gap = std::chrono::days(7);
};

/// A configuration of which only `policies` and `rollout_gap` are looked at, so that it can be read where its
/// hubs' secrets are not: on a laptop, in CI. Files that policies name are read.
class policy_document {
 public:
  /// Fails where the file cannot be read or is no YAML.
  [[nodiscard]] static std::expected<policy_document, problem_list> load(const std::filesystem::path& file);
  /// The same from text; `file` as in read_configuration().
  [[nodiscard]] static std::expected<policy_document, problem_list> parse(std::string_view text,
                                                                          const std::filesystem::path& file);

  [[nodiscard]] std::expected<policy_set, problem_list> read() const;

  /// How values of the field are written. Fails with errc::not_found and a sentence that lists what there is.
  [[nodiscard]] result<swept_kind> find(const swept_field& field) const;
  /// As if the file had `value` there; it goes through the same checks. Without the warning limit beside an
  /// `above`, which might be above it. Fails also where find() does.
  [[nodiscard]] std::expected<policy_set, problem_list> read_with(const swept_field& field,
                                                                  std::string_view value) const;

 private:
  policy_document(yaml_node root, std::filesystem::path file)
      : root_(std::move(root)), file_(std::move(file)) {}

  [[nodiscard]] std::expected<policy_set, problem_list> read(const yaml_node& root) const;

  yaml_node root_;
  std::filesystem::path file_;
};

}  // namespace pushguard::configuration
