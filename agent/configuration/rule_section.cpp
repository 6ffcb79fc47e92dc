#include <fmt/format.h>

#include <algorithm>

#include "agent/configuration/sections.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;
using namespace pushguard::policy;

constexpr yaml_range<double> open_share{0, 1, yaml_ends::excluded};
constexpr yaml_range<double> any_share{0, 1};
constexpr yaml_range<std::int64_t> org_range{1, 10'000'000};  // far above any package's installations
constexpr yaml_range<std::int64_t> allowance_range{0, 10'000'000};
constexpr yaml_range<duration> time_range{1min, 30 * 24h};
constexpr std::size_t keys_file_bytes_max = 8UL * 1024 * 1024;
constexpr std::size_t listed_orgs_max = 200'000;

constexpr std::array segmentations{yaml_choice<segmentation>{"sf_instance", segmentation::sf_instance},
                                   yaml_choice<segmentation>{"org_type", segmentation::org_type},
                                   yaml_choice<segmentation>{"from_version", segmentation::from_version},
                                   yaml_choice<segmentation>{"request", segmentation::request}};

std::optional<org_count> read_org_count(yaml_reader& from, std::string_view key,
                                        yaml_presence presence = yaml_presence::optional,
                                        yaml_range<std::int64_t> range = org_range) {
  const auto read = from.integer(key, range, presence);
  return read ? std::optional(static_cast<org_count>(*read)) : std::nullopt;
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

failure_count_rule read_failure_count(yaml_reader& from) {
  failure_count_rule made;
  made.above = read_org_count(from, "above", yaml_presence::required, allowance_range).value_or(made.above);
  from.finish();
  return made;
}

errors_rule read_errors(yaml_reader& from) {
  errors_rule made;
  made.types = read_names<domain::error_type>(
      from, "types", domain::all_error_types, [](domain::error_type type) { return domain::to_string(type); },
      yaml_presence::required);
  made.min_orgs = read_org_count(from, "min_orgs").value_or(made.min_orgs);
  made.min_ratio = from.share("min_ratio", any_share).value_or(made.min_ratio);
  from.finish();
  return made;
}

same_error_rule read_same_error(yaml_reader& from) {
  same_error_rule made;
  made.min_orgs = read_org_count(from, "min_orgs").value_or(made.min_orgs);
  made.share = from.share("share", any_share).value_or(made.share);
  if (made.share == 0.0)
    from.problem("share", "share must be above 0%");
  made.min_ratio = from.share("min_ratio", any_share).value_or(made.min_ratio);
  from.finish();
  return made;
}

/// One org key a line; empty lines and what follows a `#` are passed over.
std::vector<domain::org_key> read_keys(const std::string& content, const std::string& file,
                                       yaml_reader& from) {
  std::vector<domain::org_key> keys;
  std::size_t line_number = 0;
  std::string_view rest = content;
  while (!rest.empty()) {
    ++line_number;
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    line = trim(line.substr(0, line.find('#')));
    if (line.empty())
      continue;
    const auto key = domain::org_key::parse(line);
    if (!key) {
      from.problem("keys_file", fmt::format("keys_file: {}:{}: {}", file, line_number, key.error().text()));
      return {};
    }
    keys.push_back(*key);
  }
  std::ranges::sort(keys);
  const auto twice = std::ranges::unique(keys);
  keys.erase(twice.begin(), twice.end());
  if (keys.empty())
    from.problem("keys_file", fmt::format("keys_file: {} names no org", file));
  if (keys.size() > listed_orgs_max)
    from.problem("keys_file", fmt::format("keys_file: {} names more than {} orgs", file, listed_orgs_max));
  return keys;
}

orgs_rule read_orgs(yaml_reader& from, const reading& context) {
  orgs_rule made;
  if (const auto name = from.text("keys_file", yaml_presence::required)) {
    const auto path = context.resolve(*name);
    if (const auto content = read_file(path, keys_file_bytes_max))
      made.keys = read_keys(*content, path.string(), from);
    else
      from.problem("keys_file", "keys_file: " + content.error().text());
  }
  made.max_failed =
      read_org_count(from, "max_failed", yaml_presence::optional, allowance_range).value_or(made.max_failed);
  from.finish();
  return made;
}

consecutive_failures_rule read_consecutive_failures(yaml_reader& from) {
  consecutive_failures_rule made;
  made.at_least = read_org_count(from, "at_least", yaml_presence::required, {2, consecutive_failures_max})
                      .value_or(made.at_least);
  from.finish();
  return made;
}

stalled_rule read_stalled(yaml_reader& from) {
  stalled_rule made;
  made.no_progress_for =
      from.time("no_progress_for", time_range, yaml_presence::required).value_or(made.no_progress_for);
  from.finish();
  return made;
}

job_running_rule read_job_running(yaml_reader& from) {
  job_running_rule made;
  made.longer_than = from.time("longer_than", time_range, yaml_presence::required).value_or(made.longer_than);
  made.min_orgs = read_org_count(from, "min_orgs").value_or(made.min_orgs);
  from.finish();
  return made;
}

late_start_rule read_late_start(yaml_reader& from) {
  late_start_rule made;
  made.by = from.time("by", time_range, yaml_presence::required).value_or(made.by);
  from.finish();
  return made;
}

}  // namespace

policy::rule_test read_rule_test(yaml_reader& rule, const reading& context) {
  constexpr std::array<std::string_view, 10> kinds{
      "failure_rate", "failure_budget",       "failure_count", "errors",      "same_error",
      "orgs",         "consecutive_failures", "stalled",       "job_running", "late_start"};
  const auto kind = rule.exactly_one_of(kinds);
  auto test = kind ? rule.mapping(*kind) : std::nullopt;
  if (!test)
    return {};
  if (*kind == "failure_rate")
    return read_failure_rate(*test);
  if (*kind == "failure_budget")
    return read_failure_budget(*test);
  if (*kind == "failure_count")
    return read_failure_count(*test);
  if (*kind == "errors")
    return read_errors(*test);
  if (*kind == "same_error")
    return read_same_error(*test);
  if (*kind == "orgs")
    return read_orgs(*test, context);
  if (*kind == "consecutive_failures")
    return read_consecutive_failures(*test);
  if (*kind == "stalled")
    return read_stalled(*test);
  if (*kind == "job_running")
    return read_job_running(*test);
  return read_late_start(*test);
}

}  // namespace pushguard::configuration
