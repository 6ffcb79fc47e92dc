#include "tests/interop/dashboard_lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <map>
#include <set>
#include <stdexcept>

#include "base/yaml.hpp"

namespace pushguard::test {

namespace json = boost::json;

namespace {

constexpr std::size_t uid_size_max = 40;  // Grafana's own limit
constexpr std::int64_t grid_columns = 24;
constexpr std::string_view data_source = "${datasource}";

/// Those of Grafana's units that our panels need.
const std::set<std::string>& known_units() {
  static const std::set<std::string> units{
      "none", "short", "percentunit", "s", "bytes", "cps", "reqps", "dateTimeAsIso",
  };
  return units;
}

const std::set<std::string>& known_panels() {
  static const std::set<std::string> types{
      "stat", "timeseries", "state-timeline", "table", "bargauge", "gauge", "heatmap", "row",
  };
  return types;
}

bool is_counter(std::string_view metric) {
  constexpr std::array<std::string_view, 4> endings{"_total", "_bucket", "_seconds_count", "_seconds_sum"};
  return std::ranges::any_of(endings, [&](std::string_view end) { return metric.ends_with(end); });
}

bool is_rate(std::string_view function) {
  return function == "rate" || function == "increase";
}

/// One series for each org: a hundred thousand of them must neither be drawn nor read for each step.
bool is_of_an_org(std::string_view metric) {
  return metric.starts_with("pushguard_org_push_") || metric == "pushguard_org_info";
}

struct grid_place {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;

  [[nodiscard]] bool overlaps(const grid_place& other) const {
    return x < other.x + other.width && other.x < x + width && y < other.y + other.height &&
           other.y < y + height;
  }
};

class linter {
 public:
  explicit linter(const dashboard& board)
      : board_(board), content_(board.content), title_(text_at(content_, "/title")) {}

  std::vector<dashboard_finding> run() {
    check_text();
    check_head();
    check_variables();
    check_annotations();
    check_panels();
    check_layout();
    for (const dashboard_query& query : queries_of(board_))
      check_query(query);
    for (const auto& [name, variable] : variables_) {
      if (!used_.contains(name) && name != "datasource")
        report("unused-variable", "", fmt::format("no query uses the variable \"{}\"", name));
    }
    return std::move(found_);
  }

 private:
  void report(std::string rule, const std::string& panel, std::string_view what) {
    std::string message = panel.empty()
                              ? fmt::format("{}: {} ({})", board_.name, what, rule)
                              : fmt::format("{}, panel \"{}\": {} ({})", board_.name, panel, what, rule);
    found_.push_back(
        {.rule = std::move(rule), .dashboard = title_, .panel = panel, .message = std::move(message)});
  }
  void require(bool is_right, std::string rule, const std::string& panel, std::string_view what) {
    if (!is_right)
      report(std::move(rule), panel, what);
  }

  /// As a person can read and compare it.
  void check_text() {
    require(board_.text.ends_with("}\n"), "pretty-printed", "", "the file does not end with a line's end");
    std::size_t number = 1;
    for (std::size_t at = 0; at < board_.text.size(); ++number) {
      const std::size_t end = std::min(board_.text.find('\n', at), board_.text.size());
      const std::string_view line = std::string_view(board_.text).substr(at, end - at);
      const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
      if (indent % 2 != 0 || line.find('\t') != std::string_view::npos || line.ends_with(' '))
        report("pretty-printed", "", fmt::format("line {} is not indented by pairs of spaces", number));
      at = end + 1;
    }
  }

  void check_head() {
    require(!title_.empty() && !text_at(content_, "/description").empty(), "dashboard-head", "",
            "it lacks a title or a description");
    require(text_at(content_, "/uid") == board_.name && board_.name.size() <= uid_size_max, "dashboard-head",
            "", fmt::format("its uid is not the file's name, or longer than {} characters", uid_size_max));
    const json::value* id = value_at(content_, "/id");
    require(id != nullptr && id->is_null(), "dashboard-head", "",
            "its id is not null, so it is one Grafana's own");
    const json::value* schema = value_at(content_, "/schemaVersion");
    require(schema != nullptr && *schema == 39, "dashboard-head", "", "its schemaVersion is not 39");
    const json::value* editable = value_at(content_, "/editable");
    require(editable != nullptr && *editable == false, "uneditable-dashboard", "", "it can be edited");
    require(std::ranges::count(list_at(content_, "/tags"), json::value("pushguard")) == 1, "dashboard-head",
            "", "it lacks the tag pushguard, by which the others find it");
    require(!text_at(content_, "/refresh").empty() && !text_at(content_, "/time/from").empty() &&
                text_at(content_, "/time/to") == "now",
            "dashboard-head", "", "it does not refresh itself, or has no time range up to now");
    const json::array& links = list_at(content_, "/links");
    require(std::ranges::any_of(links,
                                [](const json::value& link) {
                                  return text_at(link, "/type") == "dashboards" &&
                                         text_at(link, "/tags/0") == "pushguard" &&
                                         flag_at(link, "/keepTime") && flag_at(link, "/includeVars");
                                }),
            "dashboard-head", "", "it has no link to the other dashboards that keeps time and variables");
  }

  void check_variables() {
    int sources = 0;
    for (const json::value& each : list_at(content_, "/templating/list")) {
      const std::string name = text_at(each, "/name");
      const std::string type = text_at(each, "/type");
      if (type == "datasource") {
        ++sources;
        require(name == "datasource" && text_at(each, "/label") == "Data Source" &&
                    text_at(each, "/query") == "prometheus" && variables_.empty(),
                "template-datasource-rule", "",
                "the data source is not the first variable, of Prometheus, named datasource and labelled "
                "\"Data Source\"");
      } else if (type == "query") {
        require(text_at(each, "/datasource/uid") == data_source, "template-datasource-rule", "",
                fmt::format("the variable \"{}\" does not ask the chosen data source", name));
        const json::value* refresh = value_at(each, "/refresh");
        require(refresh != nullptr && *refresh == 2, "template-on-time-change-reload-rule", "",
                fmt::format("the variable \"{}\" is not read anew when the time range changes", name));
        const std::string query = text_at(each, "/query/query");
        const bool is_read = query.ends_with(')') &&
                             (query.starts_with("label_values(") || query.starts_with("query_result("));
        require(is_read && query == text_at(each, "/definition"), "template-label-promql-rule", "",
                fmt::format(
                    "the variable \"{}\" is neither label_values() nor query_result(), or defined otherwise",
                    name));
      } else {
        report("template-datasource-rule", "",
               fmt::format("the variable \"{}\" is of the type \"{}\"", name, type));
      }
      require(!text_at(each, "/label").empty(), "dashboard-head", "",
              fmt::format("the variable \"{}\" has no label", name));
      require(variables_.emplace(name, flag_at(each, "/multi")).second, "dashboard-head", "",
              fmt::format("two variables are named \"{}\"", name));
    }
    require(sources == 1, "template-datasource-rule", "",
            fmt::format("it has {} data source variables", sources));
    for (const char* name : {"job", "instance"}) {
      const auto found = variables_.find(name);
      require(found != variables_.end() && found->second, fmt::format("template-{}-rule", name), "",
              fmt::format("it has no variable \"{}\" of which several can be chosen", name));
    }
  }

  void check_annotations() {
    for (const json::value& each : list_at(content_, "/annotations/list")) {
      const std::string name = text_at(each, "/name");
      require(text_at(each, "/datasource/uid") == data_source, "panel-datasource-rule", "",
              fmt::format("the annotation \"{}\" does not ask the chosen data source", name));
      require(flag_at(each, "/useValueForTime") && text_at(each, "/expr").ends_with("* 1000"), "annotation",
              "", fmt::format("the annotation \"{}\" does not stand at its instant in milliseconds", name));
      require(!text_at(each, "/titleFormat").empty() && !text_at(each, "/textFormat").empty(), "annotation",
              "", fmt::format("the annotation \"{}\" says nothing", name));
    }
  }

  void check_panels() {
    std::set<std::int64_t> ids;
    std::set<std::string> titles;
    for (const json::value& panel : panels_of(board_)) {
      const std::string title = text_at(panel, "/title");
      const json::value* id = value_at(panel, "/id");
      require(id != nullptr && id->is_int64() && ids.insert(id->get_int64()).second, "panel-id", title,
              "its id is missing or another panel's too");
      require(known_panels().contains(text_at(panel, "/type")), "panel-type", title,
              "its type is not one we know");
      require(!title.empty(), "panel-title-description-rule", title, "a panel has no title");
      if (is_row(panel))
        continue;
      require(titles.insert(title).second, "panel-title-description-rule", title,
              "another panel has the same title");
      require(!text_at(panel, "/description").empty(), "panel-title-description-rule", title,
              "it does not say what it answers");
      require(text_at(panel, "/datasource/uid") == data_source, "panel-datasource-rule", title,
              "it does not ask the chosen data source");
      check_display(panel, title);
      check_targets(panel, title);
    }
  }

  void check_display(const json::value& panel, const std::string& title) {
    const std::string unit = text_at(panel, "/fieldConfig/defaults/unit");
    const json::array& mappings = list_at(panel, "/fieldConfig/defaults/mappings");
    require(known_units().contains(unit), "panel-units-rule", title,
            fmt::format("its unit \"{}\" is none", unit));
    // Texts have no unit, and numbers that stand for something are mapped to it.
    const bool is_text = text_at(panel, "/options/textMode") == "name" || text_at(panel, "/type") == "table";
    require(unit != "none" || is_text || !mappings.empty(), "panel-units-rule", title,
            "it shows plain numbers, with neither a unit nor value mappings");
    for (const json::value& mapping : mappings) {
      for (const auto& option : value_at(mapping, "/options")->as_object())
        require(!text_at(option.value(), "/text").empty() && !text_at(option.value(), "/color").empty(),
                "value-mapping", title,
                fmt::format("the value {} has no text or no color", std::string(option.key())));
    }
    const json::array& steps = list_at(panel, "/fieldConfig/defaults/thresholds/steps");
    bool is_rising = !steps.empty() && value_at(steps.front(), "/value") != nullptr &&
                     value_at(steps.front(), "/value")->is_null();
    for (std::size_t i = 1; i < steps.size() && is_rising; ++i) {
      const json::value* value = value_at(steps[i], "/value");
      const json::value* before = value_at(steps[i - 1], "/value");
      is_rising = value != nullptr && value->is_number() &&
                  (before->is_null() || before->to_number<double>() < value->to_number<double>());
    }
    require(is_rising, "thresholds", title, "its thresholds do not begin with null and rise");
  }

  void check_targets(const json::value& panel, const std::string& title) {
    const bool is_table = text_at(panel, "/type") == "table";
    const json::array& targets = list_at(panel, "/targets");
    require(!targets.empty(), "panel-no-targets-rule", title, "it asks nothing");
    std::set<std::string> refs;
    for (const json::value& target : targets) {
      require(refs.insert(text_at(target, "/refId")).second, "target-ref", title,
              "two of its queries have one refId");
      require(text_at(target, "/datasource/uid") == data_source, "panel-datasource-rule", title,
              "a query does not ask the chosen data source");
      require(is_table || !text_at(target, "/legendFormat").empty(), "legend", title,
              "what a query finds has no readable name (legendFormat)");
      require(flag_at(target, "/instant") != flag_at(target, "/range"), "target-kind", title,
              "a query is not either instant or over the time range");
      require(!is_table || (flag_at(target, "/instant") && text_at(target, "/format") == "table"),
              "target-kind", title, "a query of a table is not instant and in the format of tables");
    }
    if (is_table) {
      require(std::ranges::any_of(list_at(panel, "/transformations"),
                                  [](const json::value& step) {
                                    return text_at(step, "/id") == "limit" &&
                                           value_at(step, "/options/limitField") != nullptr;
                                  }),
              "table-limit", title, "its rows have no limit");
    }
  }

  void check_layout() {
    std::vector<std::pair<std::string, grid_place>> placed;
    for (const json::value& panel : panels_of(board_)) {
      const std::string title = text_at(panel, "/title");
      const auto number = [&](const char* pointer) {
        const json::value* found = value_at(panel, pointer);
        return found != nullptr && found->is_int64() ? found->get_int64() : -1;
      };
      const grid_place place{.x = number("/gridPos/x"),
                             .y = number("/gridPos/y"),
                             .width = number("/gridPos/w"),
                             .height = number("/gridPos/h")};
      require(place.x >= 0 && place.y >= 0 && place.width > 0 && place.height > 0 &&
                  place.x + place.width <= grid_columns,
              "layout", title, fmt::format("it does not lie within {} columns", grid_columns));
      for (const auto& [other, where] : placed)
        require(!place.overlaps(where), "layout", title, fmt::format("it overlaps \"{}\"", other));
      placed.emplace_back(title, place);
    }
  }

  void check_query(const dashboard_query& query) {
    const std::string panel = query.kind == dashboard_query::place::panel ? query.owner : "";
    const auto say = [&](std::string rule, std::string_view what) {
      report(std::move(rule), panel, fmt::format("{}: {}", query.where(), what));
    };
    if (query.text.empty()) {
      say("target-promql-rule", "it is empty");
      return;
    }
    for (const variable_use& use : variables_in(query.text)) {
      if (use.name == "__rate_interval" || use.name == "__range")
        continue;
      const auto variable = variables_.find(use.name);
      if (variable == variables_.end()) {
        say("unknown-variable", fmt::format("there is no variable \"{}\"", use.name));
        continue;
      }
      used_.insert(use.name);
      const bool is_pattern = use.before == "=~\"";
      const bool may_be_absent = query.text.substr(use.end).starts_with("|\"");
      if (variable->second ? !is_pattern : is_pattern != may_be_absent)
        say("variable-matcher", fmt::format("\"{}\" does not stand where {} can", use.name,
                                            variable->second ? "several values" : "one value"));
    }
    const std::vector<metric_use> metrics = metrics_in(query.text);
    if (metrics.empty())
      say("target-promql-rule", "it names no metric");
    for (const metric_use& use : metrics)
      check_metric(query, use, say);
  }

  template <class Say>
  void check_metric(const dashboard_query& query, const metric_use& use, const Say& say) {
    if (is_counter(use.name) != is_rate(use.function))
      say("target-counter-agg-rule",
          fmt::format("{} is {}", use.name,
                      is_counter(use.name) ? "a counter without rate() or increase()" : "no counter"));
    // Over the shown time where one number tells of all of it.
    const bool is_interval = use.range == "$__rate_interval" || (use.range == "$__range" && query.is_instant);
    if (is_rate(use.function) ? !is_interval : !use.range.empty())
      say("target-rate-interval-rule",
          fmt::format("{} is taken over [{}], not [$__rate_interval]", use.name, use.range));
    if (is_of_an_org(use.name) && !(query.is_instant && query.text.find("topk(") != std::string::npos))
      say("too-many-series",
          fmt::format("{} has a series for each org, and is drawn over time or without topk()", use.name));
    if (query.kind == dashboard_query::place::variable)
      return;
    for (const char* label : {"job", "instance"}) {
      if (use.selector.find(fmt::format("{0}=~\"${0}\"", label)) == std::string::npos)
        say(fmt::format("target-{}-rule", label),
            fmt::format("{} is not selected by \"{}\"", use.name, label));
    }
  }

  const dashboard& board_;
  const json::value& content_;
  const std::string title_;
  std::map<std::string, bool> variables_;  ///< by name: may several values be chosen?
  std::set<std::string> used_;
  std::vector<dashboard_finding> found_;
};

const yaml_node& child_of(const yaml_node& node, std::string_view key, const std::string& rule) {
  const yaml_node* found = node.find(key);
  if (found == nullptr)
    throw std::runtime_error(
        fmt::format(".lint:{}: the exclusion of {} has no {}", node.position.line, rule, key));
  return *found;
}

}  // namespace

std::vector<dashboard_finding> lint_dashboard(const dashboard& board) {
  return linter(board).run();
}

bool lint_exclusion::covers(const dashboard_finding& finding) const {
  return rule == finding.rule && dashboard == finding.dashboard && (panel.empty() || panel == finding.panel);
}

std::vector<lint_exclusion> read_lint_exclusions(const std::string& text) {
  const auto root = parse_yaml(text, ".lint");
  if (!root)
    throw std::runtime_error(root.error().detail);
  std::vector<lint_exclusion> all;
  for (const yaml_entry& each : child_of(*root, "exclusions", "everything").entries) {
    const std::string reason = child_of(each.value, "reason", each.key).text;
    for (const yaml_node& entry : child_of(each.value, "entries", each.key).items) {
      const yaml_node* panel = entry.find("panel");
      all.push_back({.rule = each.key,
                     .reason = reason,
                     .dashboard = child_of(entry, "dashboard", each.key).text,
                     .panel = panel == nullptr ? "" : panel->text});
    }
  }
  return all;
}

}  // namespace pushguard::test
