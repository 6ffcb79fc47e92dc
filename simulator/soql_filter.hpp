#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "simulator/objects.hpp"
#include "simulator/soql.hpp"

namespace pushguard::simulator {

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

/// Finds the fields that a query names, and checks what it does with them.
class soql_binder {
 public:
  /// `text` is the query, for error texts. References must outlive it.
  soql_binder(const database& data, std::string_view text, const object_description& object,
              unsigned api_version)
      : data_(data), text_(text), object_(object), api_version_(api_version) {}

  [[nodiscard]] std::expected<bound_path, api_error> bind(const soql_path& path) const;
  [[nodiscard]] std::expected<bound_condition, api_error> bind(const soql_condition& condition) const;

  [[nodiscard]] std::unexpected<api_error> error(std::size_t column, std::string_view code,
                                                 std::string_view what) const {
    return std::unexpected(soql_error(text_, column, code, what));
  }

 private:
  [[nodiscard]] std::expected<bound_test, api_error> bind_test(const soql_condition& condition) const;
  [[nodiscard]] std::expected<void, api_error> add_literal(bound_test& bound,
                                                           const soql_literal& literal) const;

  const database& data_;
  std::string_view text_;
  const object_description& object_;
  unsigned api_version_;
};

/// The rows of an object for which the condition holds, in the order of their ids; all without one. Tests on
/// ids that every matching row must pass are answered from the world's own order of rows, without a scan.
[[nodiscard]] std::vector<row_index> matching_rows(const database& data, object_name object,
                                                   const std::optional<bound_condition>& where);

}  // namespace pushguard::simulator
