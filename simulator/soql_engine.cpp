#include "simulator/soql_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "base/id.hpp"
#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::size_t id_key_size = 15;

using failed = std::unexpected<api_error>;

/// A field and the references that lead to it from the query's object.
struct bound_path {
  std::vector<const field_description*> hops = {};
  const object_description* object = nullptr;  ///< that has the field
  const field_description* field = nullptr;

  [[nodiscard]] field_value read(const database& data, row_index row) const {
    for (const field_description* hop : hops)
      row = hop->parent(data, row);
    return field->read(data, row);
  }
};

/// A test with its literals in the form that values of its field are compared in.
struct bound_test {
  bound_path path = {};
  soql_operator op = soql_operator::equal;
  std::vector<std::string> texts = {};  ///< lower case; of ids: their 15-character keys
  std::unordered_set<std::string> text_set = {};
  std::vector<std::int64_t> numbers = {};  ///< of integers, and of booleans as 0 and 1
  std::vector<soql_time_range> times = {};
  bool has_null = false;
};

struct bound_condition {
  soql_condition::kind is = soql_condition::kind::test;
  std::vector<bound_condition> parts = {};
  bound_test test = {};
};

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

/// One query from text to answer; the first error ends it.
class engine {
 public:
  engine(const database& data, std::string_view text, unsigned api_version)
      : data_(data), text_(text), api_version_(api_version) {}

  std::expected<query_answer, api_error> run(const soql_query& query) {
    object_ = find_object(query.object);
    if (object_ == nullptr)
      return failed(soql_error(text_, query.object_column, "INVALID_TYPE",
                               fmt::format("sObject type '{}' is not supported. If you are attempting to use "
                                           "a custom object, be sure to append the '__c' after the entity "
                                           "name. Please reference your WSDL or the describe call for the "
                                           "appropriate names.",
                                           query.object)));
    if (query.where) {
      auto bound = bind(*query.where);
      if (!bound)
        return failed(std::move(bound.error()));
      where_ = std::move(*bound);
    }
    const bool has_function = std::ranges::any_of(
        query.items, [](const soql_item& item) { return item.function != soql_function::none; });
    if (query.items.size() == 1 && has_function && query.items.front().path.names.empty() &&
        query.group_by.empty() && query.items.front().alias.empty())
      return count_rows();
    return has_function || !query.group_by.empty() ? groups(query) : rows(query);
  }

 private:
  [[nodiscard]] failed error(std::size_t column, std::string_view code, std::string_view what) const {
    return failed(soql_error(text_, column, code, what));
  }

  std::expected<bound_path, api_error> bind(const soql_path& path) const {
    bound_path bound{.object = object_};
    for (std::size_t index = 0; index + 1 < path.names.size(); ++index) {
      const field_description* hop = find_relationship(*bound.object, path.names[index]);
      if (hop == nullptr)
        return error(
            path.column, "INVALID_FIELD",
            fmt::format("Didn't understand relationship '{}' in field path. If you are attempting to "
                        "use a custom relationship, be sure to append the '__r' after the custom "
                        "relationship name. Please reference your WSDL or the describe call for the "
                        "appropriate names.",
                        path.names[index]));
      bound.hops.push_back(hop);
      bound.object = &describe(hop->parent_object);
    }
    bound.field = find_field(*bound.object, path.names.back(), api_version_);
    if (bound.field == nullptr)
      return error(path.column, "INVALID_FIELD",
                   fmt::format("No such column '{}' on entity '{}'. If you are attempting to use a custom "
                               "field, be sure to append the '__c' after the custom field name. Please "
                               "reference your WSDL or the describe call for the appropriate names.",
                               path.names.back(), bound.object->name));
    return bound;
  }

  std::expected<bound_condition, api_error> bind(const soql_condition& condition) const {
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

  std::expected<bound_test, api_error> bind_test(const soql_condition& condition) const {
    auto path = bind(condition.path);
    if (!path)
      return failed(std::move(path.error()));
    if (!is_filterable(*path->object, *path->field, data_.rows.plan().api))
      return error(condition.path.column, "INVALID_FIELD",
                   fmt::format("field '{}' can not be filtered in a query call", path->field->name));
    const bool is_ordering = !is_membership(condition.op) && condition.op != soql_operator::like;
    const field_type type = path->field->type;
    if ((is_ordering && (is_id(type) || type == field_type::boolean)) ||
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

  std::expected<void, api_error> add_literal(bound_test& bound, const soql_literal& literal) const {
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

  // Which rows can match at all

  /// The tests that every matching row passes.
  [[nodiscard]] std::vector<const bound_test*> necessary_tests() const {
    std::vector<const bound_test*> found;
    const auto add = [&found](const bound_condition& condition) {
      if (condition.is == soql_condition::kind::test)
        found.push_back(&condition.test);
    };
    if (where_ && where_->is == soql_condition::kind::all)
      std::ranges::for_each(where_->parts, add);
    else if (where_)
      add(*where_);
    return found;
  }

  /// The rows that a necessary test on an id leaves, through the world's own order of rows: jobs of one
  /// request stand together, and requests and jobs know their errors.
  [[nodiscard]] std::optional<std::vector<row_index>> rows_by_id() const {
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

  /// False where this kind of test has no short way.
  bool add_rows(const bound_test& test, std::string_view key, std::vector<row_index>& found) const {
    const std::string_view field = test.path.field->name;
    const auto reaches = [&](std::string_view hop, std::string_view wanted) {
      return field == wanted &&
             (hop.empty() ? test.path.hops.empty()
                          : test.path.hops.size() == 1 && test.path.hops.front()->relationship == hop);
    };
    if (reaches({}, "Id")) {
      if (const auto row = find_row(data_, object_->is, key))
        found.push_back(*row);
      return true;
    }
    if (object_->is == object_name::push_job &&
        (reaches({}, "PackagePushRequestId") || reaches("PackagePushRequest", "Id"))) {
      if (const auto owner = find_row(data_, object_name::push_request, key)) {
        const request_row& request = data_.rows.requests()[*owner];
        for (row_index place = 0; place < request.job_count; ++place)
          found.push_back(request.first_job + place);
      }
      return true;
    }
    if (object_->is != object_name::push_error)
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

  [[nodiscard]] std::vector<row_index> matching_rows() const {
    std::vector<row_index> found;
    if (auto narrowed = rows_by_id()) {
      found = std::move(*narrowed);
    } else {
      found.resize(row_count(data_, object_->is));
      std::iota(found.begin(), found.end(), row_index{0});
    }
    if (where_)
      std::erase_if(found, [this](row_index row) { return !condition_holds(*where_, data_, row); });
    return found;
  }

  // Answers

  std::expected<query_answer, api_error> count_rows() const {
    query_answer made{.is = query_answer::kind::count};
    made.total = matching_rows().size();
    return made;
  }

  std::expected<query_answer, api_error> rows(const soql_query& query) const {
    query_answer made{.is = query_answer::kind::rows};
    made.shape.object = object_;
    for (const soql_item& item : query.items) {
      if (!item.alias.empty())
        return error(item.path.column, "MALFORMED_QUERY", "only aggregate expressions use field aliasing");
      auto path = bind(item.path);
      if (!path)
        return failed(std::move(path.error()));
      if (!add_to_shape(made.shape, *path))
        return error(item.path.column, "INVALID_FIELD",
                     fmt::format("duplicate field selected: {}", item.path.text()));
    }
    std::vector<bound_order> orders;
    for (const soql_order& order : query.order_by) {
      auto path = bind(order.path);
      if (!path)
        return failed(std::move(path.error()));
      if (!path->field->rights.sort)
        return error(order.path.column, "MALFORMED_QUERY",
                     fmt::format("field '{}' can not be sorted in a query call", path->field->name));
      orders.push_back({std::move(*path), order.direction, order.nulls});
    }
    made.rows = matching_rows();
    if (!orders.empty())
      sort_rows(made.rows, orders);
    const std::size_t skipped = std::min<std::size_t>(query.offset, made.rows.size());
    made.rows.erase(made.rows.begin(), made.rows.begin() + static_cast<std::ptrdiff_t>(skipped));
    if (query.limit && *query.limit < made.rows.size())
      made.rows.resize(*query.limit);
    made.total = made.rows.size();
    return made;
  }

  static bool add_to_shape(record_shape& shape, const bound_path& path) {
    record_shape* at = &shape;
    for (const field_description* hop : path.hops) {
      auto found = std::ranges::find_if(at->entries, [hop](const record_shape::entry& each) {
        return !each.parent.empty() && each.field == hop;
      });
      if (found == at->entries.end()) {
        at->entries.push_back({hop, {record_shape{&describe(hop->parent_object), {}}}});
        found = at->entries.end() - 1;
      }
      at = &found->parent.front();
    }
    const bool is_double = std::ranges::any_of(at->entries, [&path](const record_shape::entry& each) {
      return each.parent.empty() && each.field == path.field;
    });
    if (!is_double)
      at->entries.push_back({path.field, {}});
    return !is_double;
  }

  struct bound_order {
    bound_path path;
    soql_direction direction;
    soql_nulls nulls;
  };

  static field_value sort_key(field_value value) {
    if (auto* text = std::get_if<std::string>(&value))
      *text = to_lower_ascii(*text);
    return value;
  }

  /// Rows with equal keys stay in the order of their ids.
  void sort_rows(std::vector<row_index>& rows, const std::vector<bound_order>& orders) const {
    struct keyed {
      std::vector<field_value> keys;
      row_index row;
    };
    std::vector<keyed> sorted;
    sorted.reserve(rows.size());
    for (const row_index row : rows) {
      keyed made{{}, row};
      for (const bound_order& order : orders)
        made.keys.push_back(sort_key(order.path.read(data_, row)));
      sorted.push_back(std::move(made));
    }
    std::ranges::sort(sorted, [&orders](const keyed& a, const keyed& b) {
      for (std::size_t index = 0; index < orders.size(); ++index) {
        const field_value& x = a.keys[index];
        const field_value& y = b.keys[index];
        if (x == y)
          continue;
        if (x.index() == 0 || y.index() == 0)
          return (x.index() == 0) == (orders[index].nulls == soql_nulls::first);
        return orders[index].direction == soql_direction::ascending ? x < y : y < x;
      }
      return a.row < b.row;
    });
    std::ranges::transform(sorted, rows.begin(), &keyed::row);
  }

  // Aggregates

  struct bound_item {
    soql_function function = soql_function::none;
    std::optional<bound_path> path = {};
    std::size_t group = 0;  ///< of a plain field: which of GROUP BY
  };

  struct tally {
    std::int64_t count = 0;
    field_value least;
    field_value most;

    void add(const field_value& value) {
      ++count;
      if (least.index() == 0 || value < least)
        least = value;
      if (most.index() == 0 || most < value)
        most = value;
    }
  };

  std::expected<query_answer, api_error> groups(const soql_query& query) const {
    if (!query.order_by.empty() || query.offset != 0)
      return error(query.order_by.empty() ? 1 : query.order_by.front().path.column, "MALFORMED_QUERY",
                   "this simulated hub does not sort aggregates");
    std::vector<bound_path> by;
    for (const soql_path& path : query.group_by) {
      auto bound = bind(path);
      if (!bound)
        return failed(std::move(bound.error()));
      if (!bound->field->rights.group)
        return error(path.column, "MALFORMED_QUERY",
                     fmt::format("field '{}' can not be grouped in a query call", bound->field->name));
      by.push_back(std::move(*bound));
    }
    query_answer made{.is = query_answer::kind::groups};
    auto items = bind_items(query, by, made.columns);
    if (!items)
      return failed(std::move(items.error()));
    fill_groups(made, by, *items);
    if (made.groups.size() > aggregate_rows_max)
      return failed(api_error{.code = "EXCEEDED_ID_LIMIT",
                              .message =
                                  "Aggregate query does not support queryMore(), use LIMIT to restrict "
                                  "the results to a single batch"});
    if (query.limit && *query.limit < made.groups.size())
      made.groups.resize(*query.limit);
    made.total = made.groups.size();
    return made;
  }

  std::expected<std::vector<bound_item>, api_error> bind_items(const soql_query& query,
                                                               const std::vector<bound_path>& by,
                                                               std::vector<std::string>& columns) const {
    std::vector<bound_item> items;
    unsigned unnamed = 0;
    for (const soql_item& item : query.items) {
      bound_item made{.function = item.function};
      if (!item.path.names.empty()) {
        auto path = bind(item.path);
        if (!path)
          return failed(std::move(path.error()));
        made.path = std::move(*path);
      }
      if (item.function == soql_function::none) {
        const auto found = std::ranges::find_if(by, [&made](const bound_path& each) {
          return each.field == made.path->field && each.hops == made.path->hops;
        });
        if (found == by.end())
          return error(item.path.column, "MALFORMED_QUERY",
                       fmt::format("Field must be grouped or aggregated: {}", item.path.text()));
        made.group = static_cast<std::size_t>(found - by.begin());
        columns.push_back(item.alias.empty() ? std::string(made.path->field->name) : item.alias);
      } else {
        columns.push_back(item.alias.empty() ? fmt::format("expr{}", unnamed++) : item.alias);
      }
      items.push_back(std::move(made));
    }
    return items;
  }

  void fill_groups(query_answer& made, const std::vector<bound_path>& by,
                   const std::vector<bound_item>& items) const {
    std::map<std::vector<field_value>, std::vector<tally>> tallies;
    if (by.empty())
      tallies.try_emplace({}, items.size());
    std::vector<field_value> key(by.size());
    for (const row_index row : matching_rows()) {
      for (std::size_t index = 0; index < by.size(); ++index)
        key[index] = by[index].read(data_, row);
      auto& sums = tallies.try_emplace(key, items.size()).first->second;
      for (std::size_t index = 0; index < items.size(); ++index)
        add_to_tally(sums[index], items[index], row);
    }
    for (const auto& [group, sums] : tallies) {
      std::vector<field_value> values;
      for (std::size_t index = 0; index < items.size(); ++index) {
        switch (items[index].function) {
          case soql_function::none:
            values.push_back(group[items[index].group]);
            break;
          case soql_function::count:
            values.emplace_back(sums[index].count);
            break;
          case soql_function::minimum:
            values.push_back(sums[index].least);
            break;
          case soql_function::maximum:
            values.push_back(sums[index].most);
            break;
        }
      }
      made.groups.push_back(std::move(values));
    }
  }

  void add_to_tally(tally& sum, const bound_item& item, row_index row) const {
    if (item.function == soql_function::none)
      return;
    // Ids are never null, so that counting them needs no reading.
    if (item.function == soql_function::count && (!item.path || item.path->field->type == field_type::id)) {
      ++sum.count;
      return;
    }
    const field_value value = item.path->read(data_, row);
    if (value.index() != 0)
      sum.add(value);
  }

  const database& data_;
  std::string_view text_;
  unsigned api_version_;
  const object_description* object_ = nullptr;
  std::optional<bound_condition> where_;
};

}  // namespace

std::expected<query_answer, api_error> run_query(const database& data, std::string_view soql,
                                                 unsigned api_version, wall_time now) {
  auto query = parse_soql(soql, now);
  if (!query)
    return failed(std::move(query.error()));
  return engine(data, soql, api_version).run(*query);
}

record_shape whole_record(const object_description& object, unsigned api_version) {
  record_shape shape{&object, {}};
  for (const field_description& field : object.fields) {
    if (api_version >= field.since_version)
      shape.entries.push_back({&field, {}});
  }
  return shape;
}

void append_record(std::string& out, const database& data, const record_shape& shape, row_index row,
                   std::string_view version) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"attributes":{{"type":"{}","url":"/services/data/{}/sobjects/{}/{}"}})",
                 shape.object->name, version, shape.object->name, row_id(shape.object->is, row));
  for (const record_shape::entry& entry : shape.entries) {
    const bool is_parent = !entry.parent.empty();
    fmt::format_to(std::back_inserter(out), R"(,"{}":)",
                   is_parent ? entry.field->relationship : entry.field->name);
    if (is_parent)
      append_record(out, data, entry.parent.front(), entry.field->parent(data, row), version);
    else
      append_json(out, entry.field->read(data, row));
  }
  out += '}';
}

void append_group(std::string& out, const std::vector<std::string>& columns,
                  const std::vector<field_value>& values) {
  out += R"({"attributes":{"type":"AggregateResult"})";
  for (std::size_t index = 0; index < columns.size(); ++index) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":)", columns[index]);
    append_json(out, values[index]);
  }
  out += '}';
}

}  // namespace pushguard::simulator
