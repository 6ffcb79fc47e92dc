#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace pushguard::simulator {

/// An error as Salesforce's REST API answers it.
struct api_error {
  int status = 400;
  std::string code;  ///< errorCode: MALFORMED_QUERY, …
  std::string message;
  std::vector<std::string> fields = {};
};

/// A field, perhaps of a parent: {"PackageVersion", "MetadataPackage", "Name"}.
struct soql_path {
  std::vector<std::string> names = {};
  std::size_t column = 1;  ///< where it stands in the query, from 1

  [[nodiscard]] std::string text() const;
};

enum class soql_function { none, count, minimum, maximum };

struct soql_item {
  soql_function function = soql_function::none;
  soql_path path = {};  ///< without names for COUNT()
  std::string alias = {};
};

/// A stretch of time [begin, end): an instant lasts one millisecond, TODAY a day.
struct soql_time_range {
  wall_time begin;
  wall_time end;
};

struct soql_literal {
  std::variant<std::monostate, bool, std::int64_t, std::string, soql_time_range> value =
      {};  ///< monostate: NULL
  std::size_t column = 1;
};

enum class soql_operator { equal, unequal, less, less_equal, greater, greater_equal, like, in, not_in };

struct soql_condition {
  enum class kind { test, all, any, negation };

  kind is = kind::test;
  std::vector<soql_condition> parts = {};  ///< of all, any and negation (one)
  soql_path path = {};                     ///< of a test, as are the next two
  soql_operator op = soql_operator::equal;
  std::vector<soql_literal> literals = {};  ///< one, or any number for in and not_in
};

enum class soql_direction { ascending, descending };
enum class soql_nulls { first, last };

struct soql_order {
  soql_path path;
  soql_direction direction = soql_direction::ascending;
  soql_nulls nulls = soql_nulls::first;
};

struct soql_query {
  std::vector<soql_item> items;
  std::string object;
  std::size_t object_column = 1;
  std::optional<soql_condition> where;
  std::vector<soql_path> group_by;
  std::vector<soql_order> order_by;
  std::optional<std::uint64_t> limit;
  std::uint64_t offset = 0;
};

inline constexpr std::size_t soql_size_max = 100'000;  // Salesforce's own limit, in characters
inline constexpr unsigned soql_depth_max = 50;         // parentheses and NOTs; keeps the recursion short

/// Reads a query; `now` is what TODAY and LAST_N_DAYS:n count from. Names are not checked. Subqueries,
/// HAVING and functions other than COUNT, MIN and MAX are refused as malformed.
[[nodiscard]] std::expected<soql_query, api_error> parse_soql(std::string_view text, wall_time now);

/// `code` with Salesforce's usual text: the place in the query, a caret under it, and `what`.
[[nodiscard]] api_error soql_error(std::string_view query, std::size_t column, std::string_view code,
                                   std::string_view what);

}  // namespace pushguard::simulator
