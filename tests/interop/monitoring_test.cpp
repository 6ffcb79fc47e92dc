#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using simulator::push_state;
using test::bad_rollout;
using test::child_process;
using test::running_world;
using testing::HasSubstr;

/// A server of Debian's that must be ready before the test goes on. A free port found may be taken before the
/// server gets it, so it is tried a few times.
class monitoring_server {
 public:
  using command_maker = std::function<std::vector<std::string>(const std::string& address)>;

  monitoring_server(running_world& world, const command_maker& command) {
    constexpr int tries = 5;
    for (int i = 0; i < tries && !process_; ++i) {
      address_ = world.free_address();
      process_ = std::make_unique<child_process>(command(address_.authority()));
      const bool is_ready = world.wait_for(
          [&] { return world.get(address_, "/-/ready").has_value() || process_->wait(0ms).has_value(); });
      if (!is_ready || process_->wait(0ms))
        process_.reset();
    }
  }

  [[nodiscard]] bool is_running() const noexcept { return process_ != nullptr; }
  [[nodiscard]] const origin& address() const noexcept { return address_; }

 private:
  origin address_;
  std::unique_ptr<child_process> process_;
};

std::optional<double> query(running_world& world, const origin& prometheus, const std::string& expression) {
  const auto answer = world.get_json(prometheus, "/api/v1/query?query=" + percent_encode(expression));
  if (!answer || answer->at("data").at("result").as_array().empty())
    return std::nullopt;
  return std::stod(std::string(answer->at("data").at("result").at(0).at("value").at(1).as_string()));
}

TEST(Prometheus, ScrapesBothPathsAndCountsWhatReallyHappened) {
  ASSERT_TRUE(test::find_program("prometheus")) << "prometheus is not installed; ./dev test installs it";
  running_world world(bad_rollout());
  world.start_agent(world.configuration());
  const std::string target = world.agent_address().authority();
  const auto config = world.write_file("prometheus.yml", fmt::format(R"(
global: {{ scrape_interval: 1s, scrape_timeout: 1s }}
scrape_configs:
  - job_name: pushguard
    static_configs: [ {{ targets: ["{0}"] }} ]
  - job_name: pushguard-orgs
    metrics_path: /metrics/orgs
    static_configs: [ {{ targets: ["{0}"] }} ]
)",
                                                                     target));
  const monitoring_server prometheus(world, [&](const std::string& address) {
    return std::vector<std::string>{"prometheus", "--config.file=" + config.string(),
                                    "--storage.tsdb.path=" + (world.directory() / "tsdb").string(),
                                    "--web.listen-address=" + address, "--log.level=error"};
  });
  ASSERT_TRUE(prometheus.is_running());
  ASSERT_TRUE(world.wait_for_the_end());
  const simulator::hub_truth truth = world.hub().truth();
  const auto real = [&](push_state state) {
    return static_cast<double>(simulator::count_of(truth.rollout_jobs, state));
  };
  const auto shows = [&](const std::string& expression, double expected) {
    return world.wait_for([&] { return query(world, prometheus.address(), expression) == expected; });
  };
  EXPECT_TRUE(shows("min(up)", 1));
  EXPECT_TRUE(shows("sum(pushguard_request_jobs{status=\"succeeded\"})", real(push_state::succeeded)));
  EXPECT_TRUE(shows("sum(pushguard_request_jobs{status=\"failed\"})", real(push_state::failed)));
  EXPECT_TRUE(shows("sum(pushguard_request_jobs{status=\"canceled\"})", real(push_state::canceled)));
  EXPECT_TRUE(shows("count(pushguard_org_push_success == 1)", real(push_state::succeeded)));
  EXPECT_TRUE(shows("count(pushguard_org_push_success == 0)", real(push_state::failed)));
  EXPECT_TRUE(shows("sum(pushguard_rollout_spared_orgs)", static_cast<double>(truth.spared_orgs.size())));
  EXPECT_TRUE(shows("sum(pushguard_aborts_total{mode=\"enforce\",outcome=\"confirmed\"})", 1));
  // The join by which a dashboard names the orgs that failed.
  EXPECT_TRUE(shows(
      "count((pushguard_org_push_success == 0) * on(hub, org_key) group_left(org_name) pushguard_org_info)",
      real(push_state::failed)));
}

TEST(Promtool, FindsNothingToComplainAboutOnBothPaths) {
  ASSERT_TRUE(test::find_program("promtool")) << "promtool is not installed; ./dev test installs it";
  running_world world(bad_rollout());
  world.start_agent(world.configuration());
  const auto check = [&](const char* path) {
    const auto body = world.get(world.agent_address(), path);
    EXPECT_TRUE(body) << path;
    const auto file = world.write_file("scrape.txt", body.value_or(""));
    child_process promtool({"sh", "-c", "promtool check metrics < " + file.string()},
                           {.directory = {}, .environment = {}, .joins_stderr = true});
    EXPECT_EQ(promtool.read_all(60s), "") << path;
    EXPECT_EQ(promtool.wait(10s), 0) << path;
  };
  check("/metrics");  // before anything happened
  check("/metrics/orgs");
  ASSERT_TRUE(world.wait_for_the_end());
  check("/metrics");
  check("/metrics/orgs");
}

/// docs/metrics.md lists every family, and nothing that is not there.
TEST(MetricsPage, ListsWhatAScrapeShows) {
  running_world world(bad_rollout());
  world.start_agent(world.configuration({"http://127.0.0.1:9"}));
  ASSERT_TRUE(world.wait_for_the_end());
  const auto names_in = [](std::istream& in, std::string_view before, char after) {
    std::set<std::string> names;
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with(before))
        continue;
      const std::string rest = line.substr(before.size());
      names.insert(rest.substr(0, rest.find(after)));
    }
    return names;
  };
  std::istringstream scraped(*world.get(world.agent_address(), "/metrics") +
                             *world.get(world.agent_address(), "/metrics/orgs"));
  std::ifstream page(PUSHGUARD_SOURCE_DIR "/docs/metrics.md");
  EXPECT_EQ(names_in(scraped, "# TYPE ", ' '), names_in(page, "| `", '`'));
}

TEST(Alertmanager, ShowsTheBreachAndTheContainment) {
  ASSERT_TRUE(test::find_program("prometheus-alertmanager"))
      << "prometheus-alertmanager is not installed; ./dev test installs it";
  running_world world(bad_rollout());
  const auto config =
      world.write_file("alertmanager.yml", "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n");
  const monitoring_server alertmanager(world, [&](const std::string& address) {
    return std::vector<std::string>{"prometheus-alertmanager",
                                    "--config.file=" + config.string(),
                                    "--storage.path=" + (world.directory() / "alertmanager").string(),
                                    "--web.listen-address=" + address,
                                    "--cluster.listen-address=",
                                    "--log.level=error"};
  });
  ASSERT_TRUE(alertmanager.is_running());
  world.start_agent(world.configuration({alertmanager.address().text()}));
  ASSERT_TRUE(world.wait_for_the_end());
  const auto summary_of = [&](std::string_view name) -> std::string {
    const auto answer = world.get_json(alertmanager.address(), "/api/v2/alerts");
    if (!answer)
      return "";
    for (const boost::json::value& alert : answer->as_array()) {
      if (alert.at("labels").at("alertname").as_string() == name)
        return std::string(alert.at("annotations").at("summary").as_string());
    }
    return "";
  };
  EXPECT_TRUE(world.wait_for([&] {
    return summary_of("PushguardContainment").find("abort confirmed") != std::string::npos;
  })) << summary_of("PushguardContainment");
  EXPECT_TRUE(world.wait_for([&] { return !summary_of("PushguardRuleBreached").empty(); }));
  EXPECT_THAT(summary_of("PushguardRuleBreached"), HasSubstr("budget"));
}

}  // namespace
}  // namespace pushguard
