#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/yaml.hpp"
#include "tests/interop/dashboard.hpp"
#include "tests/interop/dashboard_lint.hpp"
#include "tests/interop/monitoring_server.hpp"
#include "tests/interop/recording_server.hpp"
#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::child_process;
using test::dashboard;
using test::dashboard_finding;
using test::dashboard_query;
using test::list_at;
using test::read_source_file;
using test::running_world;
using test::text_at;
using testing::HasSubstr;
namespace json = boost::json;

std::vector<std::string> names_of(const std::vector<dashboard>& boards) {
  std::vector<std::string> names;
  for (const dashboard& board : boards)
    names.push_back(board.name);
  return names;
}

// ---- By themselves

TEST(Dashboards, AreThree) {
  EXPECT_THAT(names_of(test::load_dashboards()),
              testing::ElementsAre("pushguard-agent", "pushguard-fleet", "pushguard-rollout"));
}

TEST(Dashboards, HaveNothingThatTheLintFindsButWhatIsExcludedWithAReason) {
  const auto exclusions = test::read_lint_exclusions(read_source_file("deploy/grafana/dashboards/.lint"));
  std::vector<bool> is_needed(exclusions.size());
  for (const dashboard& board : test::load_dashboards()) {
    for (const dashboard_finding& finding : test::lint_dashboard(board)) {
      bool is_excluded = false;
      for (std::size_t i = 0; i < exclusions.size(); ++i) {
        if (exclusions[i].covers(finding))
          is_needed[i] = is_excluded = true;
      }
      EXPECT_TRUE(is_excluded) << finding.message;
    }
  }
  for (std::size_t i = 0; i < exclusions.size(); ++i) {
    EXPECT_TRUE(is_needed[i]) << ".lint excludes " << exclusions[i].rule << " for " << exclusions[i].dashboard
                              << ", where nothing is found";
    EXPECT_FALSE(exclusions[i].reason.empty()) << exclusions[i].rule;
  }
}

TEST(Dashboards, LeadOnlyToOneAnother) {
  const std::vector<dashboard> boards = test::load_dashboards();
  const std::vector<std::string> names = names_of(boards);
  const std::regex link("/d/([a-z-]+)");
  int links = 0;
  for (const dashboard& board : boards) {
    for (std::sregex_iterator at(board.text.begin(), board.text.end(), link); at != std::sregex_iterator();
         ++at, ++links)
      EXPECT_THAT(names, testing::Contains((*at)[1].str())) << board.name;
  }
  EXPECT_GE(links, 1) << "the fleet leads to a rollout";
}

TEST(Dashboards, ShowEveryMetric) {
  std::set<std::string> shown;
  for (const dashboard& board : test::load_dashboards()) {
    for (const dashboard_query& query : test::queries_of(board)) {
      for (const test::metric_use& use : test::metrics_in(query.text)) {
        constexpr std::string_view of_a_histogram = "_bucket";
        shown.insert(use.name.ends_with(of_a_histogram)
                         ? use.name.substr(0, use.name.size() - of_a_histogram.size())
                         : use.name);
      }
    }
  }
  std::set<std::string> listed;
  std::istringstream page(read_source_file("docs/metrics.md"));
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `"))
      listed.insert(line.substr(3, line.find('`', 3) - 3));
  }
  EXPECT_EQ(shown, listed);
}

/// A good dashboard with one thing changed, and what must be said of it.
struct broken_dashboard {
  std::string what;
  std::string replaced;
  std::string by;
  std::string rule;
};

/// As little as a dashboard can be.
std::string small_dashboard() {
  return read_source_file("tests/data/dashboards/small.json");
}

TEST(DashboardLint, FindsNothingInAGoodOne) {
  for (const dashboard_finding& finding :
       test::lint_dashboard(test::parse_dashboard("small", small_dashboard())))
    ADD_FAILURE() << finding.message;
}

TEST(DashboardLint, FindsWhatIsBroken) {
  const std::vector<broken_dashboard> all{
      {"an id of some Grafana", R"("id": null)", R"("id": 17)", "dashboard-head"},
      {"another uid", R"("uid": "small")", R"("uid": "other")", "dashboard-head"},
      {"another schema", R"("schemaVersion": 39)", R"("schemaVersion": 12)", "dashboard-head"},
      {"no title", R"("title": "Small")", R"("title": "")", "dashboard-head"},
      {"no tag", R"("tags": ["pushguard"],
  "templating")",
       R"("tags": [],
  "templating")",
       "dashboard-head"},
      {"no links", R"("keepTime": true)", R"("keepTime": false)", "dashboard-head"},
      {"no refresh", R"("refresh": "30s")", R"("refresh": "")", "dashboard-head"},
      {"editable", R"("editable": false)", R"("editable": true)", "uneditable-dashboard"},
      {"an odd indent", "  \"refresh\"", "   \"refresh\"", "pretty-printed"},
      {"a fixed data source", R"("name": "Aborts",
        "datasource": { "type": "prometheus", "uid": "${datasource}" })",
       R"("name": "Aborts",
        "datasource": { "type": "prometheus", "uid": "my-prometheus" })",
       "panel-datasource-rule"},
      {"a data source of another label", R"("Data Source")", R"("Source")", "template-datasource-rule"},
      {"a variable that stays as it was", R"("refresh": 2)", R"("refresh": 1)",
       "template-on-time-change-reload-rule"},
      {"a variable of another query", R"json("query": "label_values(pushguard_hub_up, hub)")json",
       R"json("query": "metrics(pushguard_hub_up)")json", "template-label-promql-rule"},
      {"no variable for the job", R"("name": "job", "label": "Job")", R"("name": "work", "label": "Job")",
       "template-job-rule"},
      {"an annotation at the wrong time", R"("useValueForTime": true)", R"("useValueForTime": false)",
       "annotation"},
      {"one id twice", R"("id": 3)", R"("id": 2)", "panel-id"},
      {"an unknown type", R"("type": "timeseries")", R"("type": "graph")", "panel-type"},
      {"no description", R"("How many?")", R"("")", "panel-title-description-rule"},
      {"one title twice", R"("title": "Rows")", R"("title": "Calls")", "panel-title-description-rule"},
      {"no unit", R"("unit": "reqps")", R"("unit": "calls")", "panel-units-rule"},
      {"plain numbers", R"("unit": "reqps")", R"("unit": "none")", "panel-units-rule"},
      {"a value without color", R"("text": "good", "color": "green")", R"("text": "good", "color": "")",
       "value-mapping"},
      {"thresholds that fall", R"("color": "green", "value": null)", R"("color": "green", "value": 2)",
       "thresholds"},
      {"no legend", R"("legendFormat": "calls")", R"("legendFormat": "")", "legend"},
      {"a table over time", R"("instant": true,
          "range": false)",
       R"("instant": false,
          "range": true)",
       "target-kind"},
      {"a table without end", R"("id": "limit")", R"("id": "merge")", "table-limit"},
      {"too wide", R"("w": 12, "x": 12)", R"("w": 13, "x": 12)", "layout"},
      {"over another", R"("w": 12, "x": 12)", R"("w": 12, "x": 11)", "layout"},
      {"a counter as it is",
       R"json(rate(pushguard_salesforce_requests_total{job=~\"$job\", instance=~\"$instance\", hub=\"$hub\"}[$__rate_interval]))json",
       R"json(sum(pushguard_salesforce_requests_total{job=~\"$job\", instance=~\"$instance\", hub=\"$hub\"}))json",
       "target-counter-agg-rule"},
      {"the rate of what is no counter", "pushguard_salesforce_requests_total", "pushguard_hub_up",
       "target-counter-agg-rule"},
      {"a fixed window", "[$__rate_interval]", "[5m]", "target-rate-interval-rule"},
      {"the whole range at each step", "[$__rate_interval]", "[$__range]", "target-rate-interval-rule"},
      {"a misspelt variable", R"(hub=\"$hub\")", R"(hub=\"$hut\")", "unknown-variable"},
      {"a variable that nothing uses", R"(, hub=\"$hub\")", "", "unused-variable"},
      {"one value for several", R"(hub=\"$hub\")", R"(hub=\"$job\")", "variable-matcher"},
      {"several values for one", R"(hub=\"$hub\")", R"(hub=~\"$hub\")", "variable-matcher"},
      {"another job's numbers", R"(_total{job=~\"$job\", )", "_total{", "target-job-rule"},
      {"another agent's numbers", R"(_success{job=~\"$job\", instance=~\"$instance\"})",
       R"(_success{job=~\"$job\"})", "target-instance-rule"},
      {"every org at once", "topk(10, pushguard_org_push_success", "max(pushguard_org_push_success",
       "too-many-series"},
      {"no query",
       R"json("expr": "topk(10, pushguard_org_push_success{job=~\"$job\", instance=~\"$instance\"})")json",
       R"("expr": "")", "target-promql-rule"},
  };
  for (const broken_dashboard& broken : all) {
    std::string text = small_dashboard();
    const auto at = text.find(broken.replaced);
    ASSERT_NE(at, std::string::npos) << broken.what;
    text.replace(at, broken.replaced.size(), broken.by);
    std::string told;
    std::set<std::string> rules;
    for (const dashboard_finding& finding : test::lint_dashboard(test::parse_dashboard("small", text))) {
      rules.insert(finding.rule);
      told += finding.message + '\n';
    }
    EXPECT_THAT(rules, testing::Contains(broken.rule)) << broken.what << ": " << told;
  }
}

TEST(DashboardLint, NamesDashboardAndPanel) {
  std::string text = small_dashboard();
  const std::string description = R"("How many?")";
  text.replace(text.find(description), description.size(), R"("")");
  const auto found = test::lint_dashboard(test::parse_dashboard("small", text));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().message,
            "small, panel \"Calls\": it does not say what it answers (panel-title-description-rule)");
}

TEST(DashboardLint, RefusesWhatIsNoJsonAndExclusionsWithoutAReason) {
  EXPECT_THROW((void)test::parse_dashboard("small", "{"), std::runtime_error);
  EXPECT_THROW(
      (void)test::read_lint_exclusions("exclusions: { target-job-rule: { entries: [ { dashboard: x } ] } }"),
      std::runtime_error);
}

TEST(DashboardProvisioning, IsOfTheFirstApiVersionAndNamesWhatGrafanaNeeds) {
  const auto load = [](const char* path) { return parse_yaml(read_source_file(path), path); };
  const auto first_of = [](const yaml_node& root, std::string_view list) -> const yaml_node& {
    static const yaml_node none;
    const yaml_node* found = root.find(list);
    return found == nullptr || found->items.empty() ? none : found->items.front();
  };
  const auto text = [](const yaml_node& node, std::string_view key) {
    const yaml_node* found = node.find(key);
    return found == nullptr ? "" : found->text;
  };
  const auto sources = load("deploy/grafana/provisioning/datasources/prometheus.yml");
  ASSERT_TRUE(sources) << sources.error().detail;
  EXPECT_EQ(text(*sources, "apiVersion"), "1");
  EXPECT_EQ(text(first_of(*sources, "datasources"), "type"), "prometheus");
  const auto boards = load("deploy/grafana/provisioning/dashboards/pushguard.yml");
  ASSERT_TRUE(boards) << boards.error().detail;
  EXPECT_EQ(text(*boards, "apiVersion"), "1");
  const yaml_node& provider = first_of(*boards, "providers");
  EXPECT_EQ(text(provider, "type"), "file");
  EXPECT_EQ(text(provider, "allowUiUpdates"), "false") << "they are not editable";
  const yaml_node* options = provider.find("options");
  ASSERT_NE(options, nullptr);
  // The page says where to copy the dashboards.
  EXPECT_THAT(read_source_file("docs/dashboards.md"), HasSubstr(text(*options, "path")));
}

// ---- Against their page

/// The rows and panels of a dashboard, as its page tells them.
struct told_panel {
  std::string row;
  std::string title;
  std::string answers;
  std::string when_red;  ///< empty for one that never is
};

/// By the title of the dashboard, which is the heading above.
std::map<std::string, std::vector<told_panel>> panels_told_by(const std::string& page) {
  std::map<std::string, std::vector<told_panel>> told;
  std::string board;
  std::string row;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) {
      board = line.substr(3);
    } else if (line.starts_with("### ")) {
      row = line.substr(4);
    } else if (line.starts_with("| ") && !line.starts_with("| panel |")) {
      const auto first = line.find(" | ");
      const auto second = line.find(" | ", first + 3);
      const auto end = line.rfind(" |");
      if (second == std::string::npos || end <= second)
        throw std::runtime_error("a row of docs/dashboards.md has not three cells: " + line);
      const std::string red = line.substr(second + 3, end - second - 3);
      told[board].push_back({.row = row,
                             .title = line.substr(2, first - 2),
                             .answers = line.substr(first + 3, second - first - 3),
                             .when_red = red == "–" ? "" : red});
    }
  }
  return told;
}

/// Whether a panel has a red of its own: a threshold or a value. Lines drawn red are a matter of taste.
bool can_be_red(const json::value& panel) {
  const auto is_red = [](const json::value& steps) {
    return std::ranges::any_of(
        steps.as_array(), [](const json::value& step) { return text_at(step, "/color").ends_with("red"); });
  };
  const auto has_red_value = [](const json::array& mappings) {
    return json::serialize(mappings).find("\"red\"") != std::string::npos;
  };
  if (is_red(list_at(panel, "/fieldConfig/defaults/thresholds/steps")) ||
      has_red_value(list_at(panel, "/fieldConfig/defaults/mappings")))
    return true;
  for (const json::value& each : list_at(panel, "/fieldConfig/overrides")) {
    for (const json::value& property : list_at(each, "/properties")) {
      const std::string id = text_at(property, "/id");
      if ((id == "thresholds" && is_red(list_at(property, "/value/steps"))) ||
          (id == "mappings" && has_red_value(list_at(property, "/value"))))
        return true;
    }
  }
  return false;
}

TEST(DashboardsPage, ListsEveryPanelInItsOrderWithWhatItAnswersAndNothingElse) {
  const auto told = panels_told_by(read_source_file("docs/dashboards.md"));
  std::set<std::string> titles;
  for (const dashboard& board : test::load_dashboards()) {
    const std::string title = text_at(board.content, "/title");
    titles.insert(title);
    const auto found = told.find(title);
    ASSERT_NE(found, told.end()) << title << " has no section";
    std::string row;
    std::vector<std::string> shown;
    std::size_t at = 0;
    for (const json::value& panel : test::panels_of(board)) {
      if (test::is_row(panel)) {
        row = text_at(panel, "/title");
        continue;
      }
      const std::string name = title + ", panel \"" + text_at(panel, "/title") + "\"";
      ASSERT_LT(at, found->second.size()) << name << " is not on the page";
      const told_panel& on_page = found->second[at++];
      EXPECT_EQ(on_page.title, text_at(panel, "/title")) << title;
      EXPECT_EQ(on_page.row, row) << name;
      EXPECT_EQ(on_page.answers, text_at(panel, "/description")) << name;
      if (can_be_red(panel))
        EXPECT_NE(on_page.when_red, "") << name << " can be red, and the page does not say what to do then";
    }
    EXPECT_EQ(at, found->second.size()) << "the page has panels that " << title << " has not";
  }
  for (const auto& [board, panels] : told)
    EXPECT_TRUE(titles.contains(board)) << "there is no dashboard " << board;
}

TEST(DashboardsPage, LeadsToSectionsThatAreThere) {
  const std::string page = read_source_file("docs/dashboards.md");
  const std::regex link(R"(\]\(([a-z-]+\.md)#([a-z0-9_-]+)\))");
  const auto sections_of = [](const std::string& file) {
    std::set<std::string> sections;
    std::istringstream lines(read_source_file("docs/" + file));
    for (std::string line; std::getline(lines, line);) {
      const auto text = line.find_first_not_of('#');
      if (text == 0 || text == std::string::npos || line[text] != ' ')
        continue;
      std::string anchor;
      for (const char c : line.substr(text + 1)) {
        if (c == ' ')
          anchor += '-';
        else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_')
          anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      sections.insert(anchor);
    }
    return sections;
  };
  int links = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), link); at != std::sregex_iterator(); ++at, ++links)
    EXPECT_TRUE(sections_of((*at)[1]).contains((*at)[2])) << at->str();
  EXPECT_GT(links, 20);
}

// ---- Against a real Prometheus

/// A query that finds nothing when it is asked at the end, and why.
struct query_that_passes {
  std::string dashboard;
  std::string panel;
  std::string why;
};

const std::vector<query_that_passes>& passing_queries() {
  static const std::vector<query_that_passes> all{
      {"pushguard-rollout", "Longest running jobs", "jobs run only while the rollout does"},
  };
  return all;
}

/// Asks a Prometheus what Grafana would.
class dashboard_reader {
 public:
  dashboard_reader(running_world& world, const origin& prometheus, wall_time begin, wall_time end)
      : world_(world), prometheus_(prometheus), begin_(begin), end_(end) {}

  /// Sets each variable to its first value, or to all of them. Nothing left to choose from is a failure.
  void read_variables(const dashboard& board) {
    variables_.clear();
    variables_["__rate_interval"] = "5s";
    variables_["__range"] = "60s";
    for (const json::value& each : list_at(board.content, "/templating/list")) {
      if (text_at(each, "/type") != "query")
        continue;
      const std::vector<std::string> values =
          values_of(substitute(text_at(each, "/query/query")), text_at(each, "/regex"));
      EXPECT_FALSE(values.empty()) << board.name << ", variable " << text_at(each, "/name")
                                   << " has no value";
      if (!values.empty())
        variables_[text_at(each, "/name")] =
            test::flag_at(each, "/multi") ? fmt::format("{}", fmt::join(values, "|")) : values.front();
    }
  }

  [[nodiscard]] std::string substitute(std::string_view text) const {
    std::string out;
    std::size_t done = 0;
    for (const test::variable_use& use : test::variables_in(text)) {
      const auto found = variables_.find(use.name);
      out.append(text.substr(done, use.begin - done)).append(found == variables_.end() ? "" : found->second);
      done = use.end;
    }
    return out.append(text.substr(done));
  }

  [[nodiscard]] bool finds_something_now(const std::string& expression) const {
    const auto answer = ask_now(expression);
    return answer && std::ranges::any_of(list_at(*answer, "/data/result"), [](const json::value& series) {
             return is_number(series.at("value").at(1));
           });
  }

  /// The sum of all series, as of the end; NaN without any.
  [[nodiscard]] double total_now(const std::string& expression) const {
    const auto answer = ask_now("sum(" + expression + ")");
    if (!answer || list_at(*answer, "/data/result").empty())
      return std::nan("");
    return std::stod(text_at(*answer, "/data/result/0/value/1"));
  }

  /// At any full second up to the end, which is one of them.
  [[nodiscard]] bool finds_something_ever(const std::string& expression) const {
    const double end = to_unix_seconds(end_);
    const double begin = end - std::ceil(end - to_unix_seconds(begin_));
    const auto answer =
        world_.get_json(prometheus_, fmt::format("/api/v1/query_range?query={}&start={}&end={}&step=1",
                                                 percent_encode(expression), begin, end));
    return answer && std::ranges::any_of(list_at(*answer, "/data/result"), [](const json::value& series) {
             return std::ranges::any_of(list_at(series, "/values"),
                                        [](const json::value& sample) { return is_number(sample.at(1)); });
           });
  }

  /// What Prometheus has against it, for messages; empty where it is valid.
  [[nodiscard]] std::string complaint(const std::string& expression) const {
    child_process promtool({"promtool", "query", "instant", prometheus_.text(), expression},
                           {.directory = {}, .environment = {}, .joins_stderr = true});
    const std::string said = promtool.read_all(20s);
    return promtool.wait(10s) == 0 ? "" : said;
  }

 private:
  static bool is_number(const json::value& value) {
    return value.is_string() && !std::isnan(std::stod(std::string(value.get_string())));
  }

  [[nodiscard]] std::optional<json::value> ask_now(const std::string& expression) const {
    return world_.get_json(prometheus_, fmt::format("/api/v1/query?query={}&time={}",
                                                    percent_encode(expression), to_unix_seconds(end_)));
  }

  /// As Grafana reads `label_values(metric, label)`, and `query_result(expression)` with a regular
  /// expression.
  [[nodiscard]] std::vector<std::string> values_of(const std::string& query, const std::string& regex) const {
    std::string inside = query.substr(query.find('(') + 1);
    inside.pop_back();
    std::vector<std::string> values;
    const auto add = [&values](std::string value) {
      if (std::ranges::find(values, value) == values.end())
        values.push_back(std::move(value));
    };
    if (query.starts_with("label_values(")) {
      const auto comma = inside.rfind(", ");
      const std::string label = inside.substr(comma + 2);
      const auto answer = ask_now(fmt::format("group by ({}) ({})", label, inside.substr(0, comma)));
      for (const json::value& series : answer ? list_at(*answer, "/data/result") : json::array())
        add(text_at(series, "/metric/" + label));
      return values;
    }
    const auto answer = ask_now(inside);
    const std::regex pattern(regex.substr(1, regex.size() - 2));
    for (const json::value& series : answer ? list_at(*answer, "/data/result") : json::array()) {
      std::string text = "{";
      for (const auto& label : series.at("metric").as_object())
        text += fmt::format("{}{}=\"{}\"", text.size() > 1 ? "," : "", std::string(label.key()),
                            std::string(label.value().as_string()));
      text += fmt::format("}} {}", std::string(series.at("value").at(1).as_string()));
      std::smatch match;
      if (std::regex_search(text, match, pattern))
        add(match[1]);
    }
    return values;
  }

  running_world& world_;
  origin prometheus_;
  wall_time begin_;
  wall_time end_;
  std::map<std::string, std::string> variables_;
};

void replace_once(std::string& text, std::string_view what, const std::string& with) {
  const auto at = text.find(what);
  if (at == std::string::npos)
    throw std::runtime_error(fmt::format("the configuration has no '{}'", what));
  text.replace(at, what.size(), with);
}

/// The configuration of the world with everything that a dashboard tells of: a rule by segment, a watchdog, a
/// receiver that takes alerts and one that refuses them, and who may hold a rule.
std::string full_configuration(const running_world& world, const std::string& listen,
                               const std::string& taking, const std::string& refusing) {
  world.write_file("api.tokens", "alice:alice-token-0123456789\n");
  std::string text = world.configuration({taking}, listen);
  replace_once(text, "alerts:\n  receivers:\n",
               fmt::format(R"(alerts:
  watchdog: {{ receiver: prometheus, interval: 10s }}
  receivers:
    - name: refusing
      alertmanager: {{ urls: ["{}"] }}
)",
                           refusing));
  replace_once(text, "      - name: budget\n", R"(      - name: pod
        failure_rate: { above: 10%, confidence: 99%, min_started: 2, by: sf_instance }
      - name: budget
)");
  replace_once(
      text, "http: { listen:",
      fmt::format("http: {{ api_tokens_file: {}, listen:", (world.directory() / "api.tokens").string()));
  return text;
}

std::unique_ptr<test::monitoring_server> start_scraping(running_world& world, const std::string& agent) {
  return test::start_prometheus(world, test::scrape_configuration(agent));
}

void hold_a_rule(running_world& world) {
  const auto token = world.write_file("token", "alice-token-0123456789\n");
  child_process hold({PUSHGUARD_PROGRAM, "hold", "production/budget", "--for", "2h", "--reason", "known",
                      "--url", world.agent_address().text(), "--token-file", token.string()},
                     {.directory = {}, .environment = {}, .joins_stderr = true});
  const std::string said = hold.read_all(20s);
  ASSERT_EQ(hold.wait(10s), 0) << said;
}

/// What panels show of an aborted rollout: `dashboard/panel` and the sum of what their first query finds.
std::map<std::string, double> shown_of(const simulator::hub_truth& truth) {
  const auto jobs = [&](simulator::push_state state) {
    return static_cast<double>(simulator::count_of(truth.rollout_jobs, state));
  };
  const double failed = jobs(simulator::push_state::failed);
  const double succeeded = jobs(simulator::push_state::succeeded);
  const auto spared = static_cast<double>(truth.spared_orgs.size());
  return {
      {"pushguard-rollout/State", 4},  // aborted
      {"pushguard-rollout/Orgs done", failed + succeeded},
      {"pushguard-rollout/Orgs left", 0},
      {"pushguard-rollout/Orgs failed", failed},
      {"pushguard-rollout/Orgs spared", spared},
      {"pushguard-rollout/Time left", 0},
      {"pushguard-rollout/Progress of the waves", 4},  // each is done
      {"pushguard-rollout/Failures by error type", failed},
      {"pushguard-rollout/Failures by instance", failed},
      {"pushguard-rollout/Failed orgs", failed},  // a row is 1
      {"pushguard-fleet/Hubs up", 1},
      {"pushguard-fleet/Hubs down", 0},
      {"pushguard-fleet/Rollouts running", 0},
      {"pushguard-fleet/Rollouts aborted", 1},
      {"pushguard-fleet/Orgs spared", spared},
      {"pushguard-agent/Agents that act", 1},
      {"pushguard-agent/Configuration", 1},
      {"pushguard-agent/Orgs without series", 0},
  };
}

TEST(DashboardQueries, AreValidAndFindWhatHappenedInARolloutThatWasAborted) {
  for (const char* program : {"prometheus", "promtool"})
    ASSERT_TRUE(test::find_program(program)) << program << " is not installed; ./dev test installs it";
  simulator::scenario plan = test::bad_rollout();
  plan.time_scale = 40;  // slow enough for scrapes to see jobs run
  running_world world(plan);
  const test::recording_server taking;
  const test::recording_server refusing([](const http_request&) { return http_reply{.status = 503}; });
  const origin agent = world.free_address();
  const wall_time begin = make_system_time()->wall_now();
  const auto prometheus = start_scraping(world, agent.authority());
  ASSERT_TRUE(prometheus->is_running());
  world.start_agent(full_configuration(world, agent.authority(), taking.url(), refusing.url()));
  ASSERT_TRUE(world.wait_for_the_end());
  hold_a_rule(world);
  // The last things to happen: once they were scraped, so was all that came before.
  for (const char* last :
       {"pushguard_hold_expiry_timestamp_seconds", "pushguard_watchdog_last_success_timestamp_seconds > 0",
        "count(pushguard_org_push_success) == sum(pushguard_rollout_jobs{status=~\"succeeded|failed\"})",
        "absent(pushguard_org_push_running_since_timestamp_seconds)"}) {
    ASSERT_TRUE(world.wait_for([&] { return test::query(world, prometheus->address(), last).has_value(); }))
        << last;
  }

  dashboard_reader reader(world, prometheus->address(), begin, make_system_time()->wall_now());
  std::map<std::string, double> expected = shown_of(world.hub().truth());
  for (const dashboard& board : test::load_dashboards()) {
    reader.read_variables(board);
    for (const dashboard_query& query : test::queries_of(board)) {
      if (query.kind == dashboard_query::place::variable)
        continue;
      const std::string text = reader.substitute(query.text);
      const auto describe = [&] {
        return fmt::format("{}, {}: {}\n{}", board.name, query.where(), text, reader.complaint(text));
      };
      EXPECT_TRUE(reader.finds_something_ever(text)) << describe();
      const bool passes = std::ranges::any_of(passing_queries(), [&](const query_that_passes& each) {
        return each.dashboard == board.name && each.panel == query.owner;
      });
      if (query.is_instant)
        EXPECT_EQ(reader.finds_something_now(text), !passes) << describe();
      const auto shown = expected.find(board.name + "/" + query.owner);
      if (shown != expected.end()) {
        EXPECT_EQ(reader.total_now(text), shown->second) << describe();
        expected.erase(shown);
      }
    }
  }
  for (const auto& [panel, value] : expected)
    ADD_FAILURE() << "there is no " << panel << " to show " << value;
}

}  // namespace
}  // namespace pushguard
