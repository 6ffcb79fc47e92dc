#include "simulator/soql_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/id.hpp"
#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::size_t id_key_size = 15;

using failed = std::unexpected<api_error>;

constexpr bool is_id(field_type type) noexcept {
  return type == field_type::id || type == field_type::reference;
}
constexpr bool is_text(field_type type) noexcept {
  return is_id(type) || type == field_type::text || type == field_type::picklist;
}

std::string_view type_name(field_type type) noexcept {
  switch (type) {
    case field_type::id:
    case field_type::reference:
      return "id";
    case field_type::text:
    case field_type::picklist:
      return "string";
    case field_type::date_time:
      return "dateTime";
    case field_type::integer:
      return "int";
    case field_type::boolean:
      return "boolean";
  }
  return "";
}

/// SQL's LIKE: % is any text, _ any character; both are lower case.
bool is_like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%')
    ++p;
  return p == pattern.size();
}

template <class T>
bool holds(soql_operator op, const T& value, const T& literal) {
  switch (op) {
    case soql_operator::equal:
    case soql_operator::in:
      return value == literal;
    case soql_operator::unequal:
    case soql_operator::not_in:
      return value != literal;
    case soql_operator::less:
      return value < literal;
    case soql_operator::less_equal:
      return value <= literal;
    case soql_operator::greater:
      return value > literal;
    case soql_operator::greater_equal:
      return value >= literal;
    case soql_operator::like:
      break;
  }
  return false;
}

bool time_holds(soql_operator op, wall_time value, const soql_time_range& range) {
  switch (op) {
    case soql_operator::equal:
    case soql_operator::in:
      return value >= range.begin && value < range.end;
    case soql_operator::unequal:
    case soql_operator::not_in:
      return value < range.begin || value >= range.end;
    case soql_operator::less:
      return value < range.begin;
    case soql_operator::less_equal:
      return value < range.end;
    case soql_operator::greater:
      return value >= range.end;
    case soql_operator::greater_equal:
      return value >= range.begin;
    case soql_operator::like:
      break;
  }
  return false;
}

constexpr bool is_negative(soql_operator op) noexcept {
  return op == soql_operator::unequal || op == soql_operator::not_in;
}
constexpr bool is_membership(soql_operator op) noexcept {
  return op == soql_operator::equal || op == soql_operator::in || is_negative(op);
}

bool text_holds(const bound_test& test, std::string_view value) {
  // Ids compare by their case-sensitive key; every other text without regard to case.
  const std::string key =
      is_id(test.path.field->type) ? std::string(value.substr(0, id_key_size)) : to_lower_ascii(value);
  if (is_membership(test.op))
    return test.text_set.contains(key) != is_negative(test.op);
  if (test.texts.empty())
    return false;
  if (test.op == soql_operator::like)
    return is_like(key, test.texts.front());
  return holds(test.op, key, test.texts.front());
}

template <class T, class Literals, class Compare>
bool any_or_all(soql_operator op, const T& value, const Literals& literals, Compare compare) {
  const auto each = [&](const auto& literal) { return compare(op, value, literal); };
  return is_negative(op) ? std::ranges::all_of(literals, each) : std::ranges::any_of(literals, each);
}

bool test_holds(const bound_test& test, const field_value& value) {
  if (std::holds_alternative<std::monostate>(value))
    return test.has_null != is_negative(test.op) && is_membership(test.op);
  if (const auto* text = std::get_if<std::string>(&value))
    return text_holds(test, *text);
  if (const auto* time = std::get_if<wall_time>(&value))
    return any_or_all(test.op, *time, test.times, time_holds);
  const auto* flag = std::get_if<bool>(&value);
  const std::int64_t number = flag != nullptr ? std::int64_t{*flag} : std::get<std::int64_t>(value);
  return any_or_all(test.op, number, test.numbers, holds<std::int64_t>);
}

bool condition_holds(const bound_condition& condition, const database& data, row_index row) {
  const auto part_holds = [&](const bound_condition& part) { return condition_holds(part, data, row); };
  switch (condition.is) {
    case soql_condition::kind::test:
      return test_holds(condition.test, condition.test.path.read(data, row));
    case soql_condition::kind::all:
      return std::ranges::all_of(condition.parts, part_holds);
    case soql_condition::kind::any:
      return std::ranges::any_of(condition.parts, part_holds);
    case soql_condition::kind::negation:
      return !part_holds(condition.parts.front());
  }
  return false;
}

/// Which rows can match at all, told from tests on ids.
class id_narrowing {
 public:
  id_narrowing(const database& data, object_name object, const bound_condition& where)
      : data_(data), object_(object), where_(where) {}

  /// The rows that a necessary test on an id leaves, through the world's own order of rows: jobs of one
  /// request stand together, and requests and jobs know their errors.
  [[nodiscard]] std::optional<std::vector<row_index>> rows() const {
    for (const bound_test* test : necessary_tests()) {
      if ((test->op != soql_operator::equal && test->op != soql_operator::in) ||
          !is_id(test->path.field->type) || test->has_null)
        continue;
      std::vector<row_index> found;
      bool is_known = true;
      for (const std::string& key : test->texts)
        is_known = is_known && add_rows(*test, key, found);
      if (!is_known)
        continue;
      std::ranges::sort(found);
      const auto repeated = std::ranges::unique(found);
      found.erase(repeated.begin(), repeated.end());
      return found;
    }
    return std::nullopt;
  }

 private:
  /// The tests that every matching row passes.
  [[nodiscard]] std::vector<const bound_test*> necessary_tests() const {
    std::vector<const bound_test*> found;
    const auto add = [&found](const bound_condition& condition) {
      if (condition.is == soql_condition::kind::test)
        found.push_back(&condition.test);
    };
    if (where_.is == soql_condition::kind::all)
      std::ranges::for_each(where_.parts, add);
    else
      add(where_);
    return found;
  }

  /// False where this kind of test has no short way.
  bool add_rows(const bound_test& test, std::string_view key, std::vector<row_index>& found) const {
    const std::string_view field = test.path.field->name;
    const auto reaches = [&](std::string_view hop, std::string_view wanted) {
      return field == wanted &&
             (hop.empty() ? test.path.hops.empty()
                          : test.path.hops.size() == 1 && test.path.hops.front()->relationship == hop);
    };
    if (reaches({}, "Id")) {
      if (const auto row = find_row(data_, object_, key))
        found.push_back(*row);
      return true;
    }
    if (object_ == object_name::push_job &&
        (reaches({}, "PackagePushRequestId") || reaches("PackagePushRequest", "Id"))) {
      if (const auto owner = find_row(data_, object_name::push_request, key)) {
        const request_row& request = data_.rows.requests()[*owner];
        for (row_index place = 0; place < request.job_count; ++place)
          found.push_back(request.first_job + place);
      }
      return true;
    }
    if (object_ != object_name::push_error)
      return false;
    if (reaches({}, "PackagePushJobId") || reaches("PackagePushJob", "Id")) {
      if (const auto owner = find_row(data_, object_name::push_job, key)) {
        const job_row& job = data_.rows.jobs()[*owner];
        for (row_index place = 0; place < job.error_count; ++place)
          found.push_back(job.first_error + place);
      }
      return true;
    }
    if (reaches("PackagePushJob", "PackagePushRequestId")) {
      if (const auto owner = find_row(data_, object_name::push_request, key)) {
        const auto& errors = data_.rows.requests()[*owner].errors;
        found.insert(found.end(), errors.begin(), errors.end());
      }
      return true;
    }
    return false;
  }

  const database& data_;
  object_name object_;
  const bound_condition& where_;
};

}  // namespace

std::expected<bound_path, api_error> soql_binder::bind(const soql_path& path) const {
  const api_plan& plan = data_.rows.plan().api;
  bound_path bound{.object = &object_};
  for (std::size_t index = 0; index + 1 < path.names.size(); ++index) {
    const field_description* hop = find_visible_relationship(*bound.object, path.names[index], plan);
    if (hop == nullptr)
      return error(path.column, "INVALID_FIELD",
                   fmt::format("Didn't understand relationship '{}' in field path. If you are attempting to "
                               "use a custom relationship, be sure to append the '__r' after the custom "
                               "relationship name. Please reference your WSDL or the describe call for the "
                               "appropriate names.",
                               path.names[index]));
    bound.hops.push_back(hop);
    bound.object = &describe(hop->parent_object);
  }
  bound.field = find_visible_field(*bound.object, path.names.back(), api_version_, plan);
  if (bound.field == nullptr)
    return error(path.column, "INVALID_FIELD",
                 fmt::format("No such column '{}' on entity '{}'. If you are attempting to use a custom "
                             "field, be sure to append the '__c' after the custom field name. Please "
                             "reference your WSDL or the describe call for the appropriate names.",
                             path.names.back(), bound.object->name));
  return bound;
}

std::expected<bound_condition, api_error> soql_binder::bind(const soql_condition& condition) const {
  bound_condition bound{.is = condition.is};
  if (condition.is == soql_condition::kind::test) {
    auto test = bind_test(condition);
    if (!test)
      return failed(std::move(test.error()));
    bound.test = std::move(*test);
    return bound;
  }
  for (const soql_condition& part : condition.parts) {
    auto made = bind(part);
    if (!made)
      return failed(std::move(made.error()));
    bound.parts.push_back(std::move(*made));
  }
  return bound;
}

std::expected<bound_test, api_error> soql_binder::bind_test(const soql_condition& condition) const {
  auto path = bind(condition.path);
  if (!path)
    return failed(std::move(path.error()));
  if (!is_filterable(*path->object, *path->field, data_.rows.plan().api))
    return error(condition.path.column, "INVALID_FIELD",
                 fmt::format("field '{}' can not be filtered in a query call", path->field->name));
  const bool is_ordering = !is_membership(condition.op) && condition.op != soql_operator::like;
  const field_type type = path->field->type;
  // Ids have an order: Salesforce's "PK chunking techniques for massive orgs" goes by it.
  if ((is_ordering && type == field_type::boolean) ||
      (condition.op == soql_operator::like && (is_id(type) || !is_text(type))))
    return error(condition.path.column, "INVALID_QUERY_FILTER_OPERATOR",
                 fmt::format("invalid operator on {} field", type_name(type)));
  bound_test bound{.path = std::move(*path), .op = condition.op};
  for (const soql_literal& literal : condition.literals) {
    if (auto added = add_literal(bound, literal); !added)
      return failed(std::move(added.error()));
  }
  bound.text_set.insert(bound.texts.begin(), bound.texts.end());
  return bound;
}

std::expected<void, api_error> soql_binder::add_literal(bound_test& bound,
                                                        const soql_literal& literal) const {
  const field_description& field = *bound.path.field;
  if (std::holds_alternative<std::monostate>(literal.value)) {
    bound.has_null = true;
    return {};
  }
  if (const auto* text = std::get_if<std::string>(&literal.value); text != nullptr && is_text(field.type)) {
    if (!is_id(field.type)) {
      bound.texts.push_back(to_lower_ascii(*text));
      return {};
    }
    if (!check_record_id(*text, {}, "id"))
      return error(literal.column, "INVALID_QUERY_FILTER_OPERATOR",
                   fmt::format("invalid ID field: {}", cut_at_character(*text, 40)));
    bound.texts.push_back(text->substr(0, id_key_size));
    return {};
  }
  if (const auto* time = std::get_if<soql_time_range>(&literal.value);
      time != nullptr && field.type == field_type::date_time) {
    bound.times.push_back(*time);
    return {};
  }
  if (const auto* number = std::get_if<std::int64_t>(&literal.value);
      number != nullptr && field.type == field_type::integer) {
    bound.numbers.push_back(*number);
    return {};
  }
  if (const auto* flag = std::get_if<bool>(&literal.value);
      flag != nullptr && field.type == field_type::boolean) {
    bound.numbers.push_back(*flag ? 1 : 0);
    return {};
  }
  return error(literal.column, "INVALID_FIELD",
               fmt::format("value of filter criterion for field '{}' must be of type {} and should {}be "
                           "enclosed in quotes",
                           field.name, type_name(field.type), is_text(field.type) ? "" : "not "));
}

std::vector<row_index> matching_rows(const database& data, object_name object,
                                     const std::optional<bound_condition>& where) {
  std::optional<std::vector<row_index>> narrowed;
  if (where)
    narrowed = id_narrowing(data, object, *where).rows();
  std::vector<row_index> found;
  if (narrowed) {
    found = std::move(*narrowed);
  } else {
    found.resize(row_count(data, object));
    std::iota(found.begin(), found.end(), row_index{0});
  }
  if (where)
    std::erase_if(found, [&](row_index row) { return !condition_holds(*where, data, row); });
  return found;
}

}  // namespace pushguard::simulator
