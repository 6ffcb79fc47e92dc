#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/objects.hpp"
#include "simulator/soql.hpp"

namespace pushguard::simulator {

/// What of a record is written, in order: fields, and parents with their own lists.
struct record_shape {
  struct entry {
    const field_description* field = nullptr;  ///< of a parent: the reference
    std::vector<record_shape> parent = {};     ///< one for a parent, else empty
  };
  const object_description* object = nullptr;
  std::vector<entry> entries = {};
};

/// An answered query. Rows are places, not copies; their fields are read when a page is written.
struct query_answer {
  enum class kind { rows, groups, count };

  kind is = kind::rows;
  record_shape shape = {};                            ///< of rows
  std::vector<row_index> rows = {};                   ///< of rows
  std::vector<std::string> columns = {};              ///< of groups: expr0, aliases, field names
  std::vector<std::vector<field_value>> groups = {};  ///< of groups
  std::size_t total = 0;
};

/// Aggregate answers are never paged; larger ones are refused, as Salesforce does.
inline constexpr std::size_t aggregate_rows_max = 2000;

/// Reads, checks and runs a query with Salesforce's rules about what may be filtered, sorted and grouped.
/// `now` is the time on the calendar.
[[nodiscard]] std::expected<query_answer, api_error> run_query(const database& data, std::string_view soql,
                                                               unsigned api_version, wall_time now);

/// The shape with every visible field of an object that the version has, parents left out.
[[nodiscard]] record_shape whole_record(const object_description& object, unsigned api_version,
                                        const api_plan& plan);

/// One row as JSON with its attributes; `version` is as in the URL ("v62.0").
void append_record(std::string& out, const database& data, const record_shape& shape, row_index row,
                   std::string_view version);
/// One group as an AggregateResult.
void append_group(std::string& out, const std::vector<std::string>& columns,
                  const std::vector<field_value>& values);

}  // namespace pushguard::simulator
