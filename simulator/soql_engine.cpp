#include "simulator/soql_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.hpp"
#include "simulator/soql_filter.hpp"

namespace pushguard::simulator {
namespace {

using failed = std::unexpected<api_error>;

/// One query on one object, from its parts to the answer; the first error ends it.
class engine {
 public:
  engine(const database& data, std::string_view text, const object_description& object, unsigned api_version)
      : data_(data), object_(object), binder_(data, text, object, api_version) {}

  std::expected<query_answer, api_error> run(const soql_query& query) {
    if (query.where) {
      auto bound = binder_.bind(*query.where);
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
  /// The rows that WHERE leaves, if the scenario lets a query of so many end in time. Whoever goes along the
  /// ids stops at the limit.
  std::expected<std::vector<row_index>, api_error> scan(std::uint64_t looked_at_max = ~0ULL) const {
    const std::uint64_t rows_max = data_.rows.plan().api.query_timeout_above;
    std::vector<row_index> found = matching_rows(data_, object_.is, where_);
    const bool is_large =
        object_.is == object_name::package_subscriber || object_.is == object_name::push_job;
    if (rows_max > 0 && is_large && std::min<std::uint64_t>(found.size(), looked_at_max) > rows_max)
      return failed(
          api_error{.code = "QUERY_TIMEOUT", .message = "Your query request was running for too long."});
    return found;
  }

  std::expected<query_answer, api_error> count_rows() const {
    const auto found = scan();
    if (!found)
      return failed(found.error());
    query_answer made{.is = query_answer::kind::count};
    made.total = found->size();
    return made;
  }

  static std::uint64_t rows_looked_at(const soql_query& query) {
    const bool is_by_id = query.order_by.size() == 1 && query.order_by.front().path.names.size() == 1 &&
                          equals_ignoring_case(query.order_by.front().path.names.front(), "Id");
    return is_by_id && query.limit ? *query.limit : ~0ULL;
  }

  std::expected<query_answer, api_error> rows(const soql_query& query) const {
    query_answer made{.is = query_answer::kind::rows};
    made.shape.object = &object_;
    for (const soql_item& item : query.items) {
      if (!item.alias.empty())
        return binder_.error(item.path.column, "MALFORMED_QUERY",
                             "only aggregate expressions use field aliasing");
      auto path = binder_.bind(item.path);
      if (!path)
        return failed(std::move(path.error()));
      if (!add_to_shape(made.shape, *path))
        return binder_.error(item.path.column, "INVALID_FIELD",
                             fmt::format("duplicate field selected: {}", item.path.text()));
    }
    std::vector<bound_order> orders;
    for (const soql_order& order : query.order_by) {
      auto path = binder_.bind(order.path);
      if (!path)
        return failed(std::move(path.error()));
      if (!path->field->rights.sort)
        return binder_.error(order.path.column, "MALFORMED_QUERY",
                             fmt::format("field '{}' can not be sorted in a query call", path->field->name));
      orders.push_back({std::move(*path), order.direction, order.nulls});
    }
    auto found = scan(rows_looked_at(query));
    if (!found)
      return failed(std::move(found.error()));
    made.rows = std::move(*found);
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

  /// Ids are sorted as they are compared: with their case.
  static field_value sort_key(field_type type, field_value value) {
    auto* text = std::get_if<std::string>(&value);
    if (text != nullptr && type != field_type::id && type != field_type::reference)
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
        made.keys.push_back(sort_key(order.path.field->type, order.path.read(data_, row)));
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
      return binder_.error(query.order_by.empty() ? 1 : query.order_by.front().path.column, "MALFORMED_QUERY",
                           "this simulated hub does not sort aggregates");
    std::vector<bound_path> by;
    for (const soql_path& path : query.group_by) {
      auto bound = binder_.bind(path);
      if (!bound)
        return failed(std::move(bound.error()));
      if (!bound->field->rights.group)
        return binder_.error(
            path.column, "MALFORMED_QUERY",
            fmt::format("field '{}' can not be grouped in a query call", bound->field->name));
      by.push_back(std::move(*bound));
    }
    query_answer made{.is = query_answer::kind::groups};
    auto items = bind_items(query, by, made.columns);
    if (!items)
      return failed(std::move(items.error()));
    const auto found = scan();
    if (!found)
      return failed(found.error());
    fill_groups(made, *found, by, *items);
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
        auto path = binder_.bind(item.path);
        if (!path)
          return failed(std::move(path.error()));
        made.path = std::move(*path);
      }
      if (item.function == soql_function::none) {
        const auto found = std::ranges::find_if(by, [&made](const bound_path& each) {
          return each.field == made.path->field && each.hops == made.path->hops;
        });
        if (found == by.end())
          return binder_.error(item.path.column, "MALFORMED_QUERY",
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

  void fill_groups(query_answer& made, const std::vector<row_index>& rows, const std::vector<bound_path>& by,
                   const std::vector<bound_item>& items) const {
    std::map<std::vector<field_value>, std::vector<tally>> tallies;
    if (by.empty())
      tallies.try_emplace({}, items.size());
    std::vector<field_value> key(by.size());
    for (const row_index row : rows) {
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
  const object_description& object_;
  soql_binder binder_;
  std::optional<bound_condition> where_;
};

}  // namespace

std::expected<query_answer, api_error> run_query(const database& data, std::string_view soql,
                                                 unsigned api_version, wall_time now) {
  auto query = parse_soql(soql, now);
  if (!query)
    return failed(std::move(query.error()));
  const object_description* object = find_visible_object(query->object, data.rows.plan().api);
  if (object == nullptr)
    return failed(soql_error(soql, query->object_column, "INVALID_TYPE",
                             fmt::format("sObject type '{}' is not supported. If you are attempting to use a "
                                         "custom object, be sure to append the '__c' after the entity name. "
                                         "Please reference your WSDL or the describe call for the "
                                         "appropriate names.",
                                         query->object)));
  return engine(data, soql, *object, api_version).run(*query);
}

record_shape whole_record(const object_description& object, unsigned api_version, const api_plan& plan) {
  record_shape shape{&object, {}};
  for (const field_description& field : object.fields) {
    if (api_version >= field.since_version && is_visible(object, field, plan))
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
