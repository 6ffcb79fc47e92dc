#include "simulator/scenario_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "simulator/objects.hpp"

namespace pushguard::simulator {
namespace {

constexpr duration time_max = std::chrono::hours(24 * 365);
constexpr std::int64_t calls_max = 1'000'000'000;        // beyond any org
constexpr std::int64_t fault_calls_max = 1'000'000'000;  // beyond any run
constexpr std::size_t name_shown_max = 80;               // of a wrong name, in a problem
constexpr unsigned api_version_any = ~0U;                // has every field
constexpr std::size_t hidden_max = 100;                  // more than there are

std::string_view shown(std::string_view name) {
  return cut_at_character(name, name_shown_max);
}

/// The object of that name; what is no object is reported.
const object_description* object_named(const yaml_text& name, yaml_problems& problems) {
  const object_description* object = find_object(name.text);
  if (object != nullptr)
    return object;
  std::vector<std::string_view> names;
  for (const object_description& each : all_objects())
    names.push_back(each.name);
  problems.add(name.position, fmt::format("{} is not an object of the simulated hub; the objects are {}",
                                          shown(name.text), fmt::join(names, ", ")));
  return nullptr;
}

void read_hidden_objects(yaml_reader& in, api_plan& plan) {
  for (const yaml_text& each : in.texts("hidden_objects").value_or(std::vector<yaml_text>{})) {
    if (const auto* object = object_named(each, in.problems()))
      plan.hidden_objects.emplace_back(object->name);
  }
}

void read_hidden_fields(yaml_reader& in, api_plan& plan) {
  const auto fields = in.texts("hidden_fields").value_or(std::vector<yaml_text>{});
  if (fields.size() > hidden_max)
    return in.problem("hidden_fields",
                      fmt::format("there must not be more than {} hidden fields", hidden_max));
  for (const yaml_text& each : fields) {
    const std::size_t dot = each.text.find('.');
    if (dot == std::string::npos) {
      in.problems().add(each.position, "a hidden field is written as OBJECT.FIELD");
      continue;
    }
    const auto* object = object_named({each.text.substr(0, dot), each.position}, in.problems());
    if (object == nullptr)
      continue;
    const auto* field = find_field(*object, std::string_view(each.text).substr(dot + 1), api_version_any);
    if (field == nullptr)
      in.problems().add(each.position, fmt::format("{} has no field {}", object->name,
                                                   shown(std::string_view(each.text).substr(dot + 1))));
    else if (field->type == field_type::id)
      in.problems().add(each.position, "Id cannot be hidden");
    else
      plan.hidden_fields.push_back(fmt::format("{}.{}", object->name, field->name));
  }
}

std::optional<api_fault_kind> kind_named(const yaml_node& node, yaml_problems& problems) {
  const auto name = yaml_read_text(node, "kind", problems);
  if (!name)
    return std::nullopt;
  const auto kind = find_api_fault_kind(*name);
  if (kind)
    return kind;
  std::vector<std::string_view> names;
  for (const api_fault_kind each : all_api_fault_kinds())
    names.push_back(name_of(each));
  const std::string_view meant = nearest_word(shown(*name), names);
  problems.add(node.position, meant.empty()
                                  ? fmt::format("{} is not a fault that a call can have", shown(*name))
                                  : fmt::format("{} is not a fault; did you mean {}?", shown(*name), meant));
  return std::nullopt;
}

std::optional<std::size_t> read_count(yaml_reader& in, std::string_view key, std::int64_t least) {
  const auto count = in.integer(key, {least, fault_calls_max});
  return count ? std::optional(static_cast<std::size_t>(*count)) : std::nullopt;
}

void check_object(yaml_reader& in, const api_fault_plan& plan) {
  if (plan.operation == api_operation::versions || plan.operation == api_operation::limits)
    in.problem("object", fmt::format("{} calls have no object", name_of(*plan.operation)));
  if (plan.operation == api_operation::cancel && plan.object != describe(object_name::push_request).name)
    in.problem("object", "only objects of PackagePushRequest can be canceled");
}

std::optional<api_fault_plan> read_fault(yaml_reader& in) {
  static constexpr api_operation operations[] = {
      api_operation::versions,  api_operation::limits, api_operation::describe, api_operation::query,
      api_operation::next_page, api_operation::cancel, api_operation::retrieve};
  static constexpr yaml_range<duration> any_time{duration::zero(), time_max};
  const yaml_node* name = in.node("kind", yaml_presence::required);
  const auto kind = name != nullptr ? kind_named(*name, in.problems()) : std::nullopt;
  api_fault_plan plan{.kind = kind.value_or(api_fault_kind::slow)};
  plan.from = in.time("from", any_time).value_or(duration::zero());
  plan.until = in.time("until", any_time);
  if (plan.until && *plan.until <= plan.from)
    in.problem("until", "until must be later than from");
  std::vector<yaml_choice<api_operation>> choices;
  for (const api_operation each : operations)
    choices.emplace_back(name_of(each), each);
  plan.operation = in.choice<api_operation>("operation", choices);
  if (const auto object = in.text("object")) {
    if (const auto* found = object_named({*object, in.position("object")}, in.problems())) {
      plan.object = found->name;
      check_object(in, plan);
    }
  }
  plan.skip = read_count(in, "skip", 0).value_or(0);
  plan.times = read_count(in, "times", 1);
  plan.delay = in.time("delay", any_time);
  if (!kind)
    return std::nullopt;
  if (plan.operation && !can_hit(*kind, *plan.operation))
    in.problem("operation",
               fmt::format("{} cannot happen to a {} call", name_of(*kind), name_of(*plan.operation)));
  return plan;
}

void read_faults(yaml_reader& in, api_plan& plan) {
  const auto nodes = in.sequence("faults");
  if (nodes.size() > faults_max)
    return in.problem("faults", fmt::format("there must not be more than {} faults", faults_max));
  for (const yaml_node& node : nodes) {
    yaml_reader fault(node, "fault", in.problems());
    if (auto read = read_fault(fault))
      plan.faults.push_back(std::move(*read));
    fault.finish();
  }
}

void read_number(yaml_reader& in, std::string_view key, yaml_range<std::int64_t> range, std::uint64_t& to) {
  if (const auto number = in.integer(key, range))
    to = static_cast<std::uint64_t>(*number);
}

}  // namespace

void read_api_section(yaml_reader& in, api_plan& plan) {
  static constexpr yaml_choice<in_progress_spelling> spellings[] = {
      {"InProgress", in_progress_spelling::joined}, {"In Progress", in_progress_spelling::spaced}};
  static constexpr yaml_choice<modstamp_filter> filters[] = {{"filterable", modstamp_filter::allowed},
                                                             {"refused", modstamp_filter::refused},
                                                             {"absent", modstamp_filter::absent}};
  static constexpr yaml_choice<org_key_form> forms[] = {{"15", org_key_form::short_key},
                                                        {"18", org_key_form::long_id}};
  plan.spelling = in.choice<in_progress_spelling>("status_spelling", spellings).value_or(plan.spelling);
  plan.system_modstamp =
      in.choice<modstamp_filter>("system_modstamp", filters).value_or(plan.system_modstamp);
  plan.org_keys = in.choice<org_key_form>("org_key_form", forms).value_or(plan.org_keys);
  plan.limits_visible = in.flag("limits_visible").value_or(plan.limits_visible);
  read_number(in, "daily_calls_max", {1, calls_max}, plan.daily_calls_max);
  read_number(in, "other_calls_per_hour", {0, calls_max}, plan.other_calls_per_hour);
  read_number(in, "query_timeout_above", {0, 100 * static_cast<std::int64_t>(orgs_max)},
              plan.query_timeout_above);
  read_number(in, "page_rows_max", {1, static_cast<std::int64_t>(page_rows_limit)}, plan.page_rows_max);
  read_hidden_objects(in, plan);
  read_hidden_fields(in, plan);
  read_faults(in, plan);
}

}  // namespace pushguard::simulator
