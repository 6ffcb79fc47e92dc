#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pushguard::test {

/// A Grafana dashboard as classic JSON.
struct dashboard {
  std::string name;  ///< of its file, without `.json`
  std::string text;
  boost::json::value content;  ///< an object
};

/// Throws std::runtime_error with one sentence where `text` is no JSON object.
[[nodiscard]] dashboard parse_dashboard(std::string name, std::string text);
/// Those of deploy/grafana/dashboards, by name. Throws as above.
[[nodiscard]] std::vector<dashboard> load_dashboards();
/// A file of the source tree; throws std::runtime_error where it cannot be read.
[[nodiscard]] std::string read_source_file(const std::string& path);

/// What stands at a JSON pointer; nothing (nullptr, "" or an empty list) where there is no such value.
[[nodiscard]] const boost::json::value* value_at(const boost::json::value& from, std::string_view pointer);
[[nodiscard]] std::string text_at(const boost::json::value& from, std::string_view pointer);
[[nodiscard]] const boost::json::array& list_at(const boost::json::value& from, std::string_view pointer);
[[nodiscard]] bool flag_at(const boost::json::value& from, std::string_view pointer);

/// The panels, rows included, in their order. They live as long as `board`.
[[nodiscard]] const boost::json::array& panels_of(const dashboard& board);
[[nodiscard]] bool is_row(const boost::json::value& panel);

/// One text in PromQL (or, for a variable, in Grafana's `label_values(…)` and `query_result(…)` around it).
struct dashboard_query {
  enum class place { variable, annotation, panel };
  place kind = place::panel;
  std::string owner;  ///< the variable's or annotation's name, or the panel's title
  std::string ref;    ///< of a panel's target: A, B, …
  std::string text;
  bool is_instant = false;

  /// For messages: `panel "State", query A`.
  [[nodiscard]] std::string where() const;
};
[[nodiscard]] std::vector<dashboard_query> queries_of(const dashboard& board);

/// A metric as it stands in a query.
struct metric_use {
  std::string name;
  std::string function;  ///< that is called with nothing but this metric: `rate`; or empty
  std::string selector;  ///< between the braces; or empty
  std::string range;     ///< between the brackets; or empty
};
/// Those of `pushguard_…` and `process_…` in a query, in their order.
[[nodiscard]] std::vector<metric_use> metrics_in(std::string_view query);

/// A variable as it stands in a query.
struct variable_use {
  std::string name;       ///< without `$` and braces
  std::string before;     ///< the three characters before it, fewer at the beginning
  std::size_t begin = 0;  ///< of the `$`
  std::size_t end = 0;    ///< past it and its braces
};
[[nodiscard]] std::vector<variable_use> variables_in(std::string_view query);

}  // namespace pushguard::test
