#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "tests/interop/monitoring_server.hpp"
#include "tests/interop/recording_server.hpp"
#include "tests/interop/running_world.hpp"
#include "tests/support/exposition_reader.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using simulator::push_state;
using test::bad_rollout;
using test::child_process;
using test::monitoring_server;
using test::running_world;
using testing::HasSubstr;

TEST(Prometheus, TwoAtOnceScrapeBothPathsAndCountWhatReallyHappened) {
  ASSERT_TRUE(test::find_program("prometheus")) << "prometheus is not installed; ./dev test installs it";
  running_world world(bad_rollout());
  world.start_agent(world.configuration());
  const std::string target = world.agent_address().authority();
  const std::string configuration = test::scrape_configuration(target);
  const auto first = test::start_prometheus(world, configuration, "first");
  const auto second = test::start_prometheus(world, configuration, "second");
  ASSERT_TRUE(first->is_running() && second->is_running());
  ASSERT_TRUE(world.wait_for_the_end());
  const simulator::hub_truth truth = world.hub().truth();
  const auto real = [&](push_state state) {
    return static_cast<double>(simulator::count_of(truth.rollout_jobs, state));
  };
  const auto shows = [&](const std::string& expression, double expected) {
    return world.wait_for([&] {
      return test::query(world, first->address(), expression) == expected &&
             test::query(world, second->address(), expression) == expected;
    });
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

/// Asks for the large page, reads nothing of it, and hangs up in the end.
asio::awaitable<void> ask_and_ignore(running_world& world, std::vector<std::unique_ptr<transport>>& ignored) {
  auto wire = co_await world.network().connect(world.agent_address(), {});
  if (!wire)
    throw std::runtime_error(wire.error().text());
  (void)co_await (*wire)->write("GET /metrics/orgs HTTP/1.1\r\nHost: agent\r\n\r\n");
  ignored.push_back(std::move(*wire));
}

TEST(Scrapes, ThatAreNotReadHoldUpNobody) {
  simulator::scenario plan = bad_rollout();
  running_world world(plan);
  world.start_agent(world.configuration());
  std::vector<std::unique_ptr<transport>> ignored;
  for (int i = 0; i < 10; ++i)
    world.run(ask_and_ignore(world, ignored));
  ASSERT_TRUE(world.wait_for_the_end()) << "the rollout is followed and contained";
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(world.get(world.agent_address(), "/metrics/orgs"));
  ignored.clear();
  EXPECT_TRUE(world.get(world.agent_address(), "/metrics/orgs"));
  EXPECT_TRUE(world.get(world.agent_address(), "/metrics"));
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

struct family_facts {
  std::string type;
  std::set<std::string> labels;

  friend bool operator==(const family_facts&, const family_facts&) = default;
  friend std::ostream& operator<<(std::ostream& to, const family_facts& facts) {
    to << facts.type;
    for (const std::string& label : facts.labels)
      to << ' ' << label;
    return to;
  }
};
using family_table = std::map<std::string, family_facts>;

/// The tables of docs/metrics.md: `| `name` | type | `label`, `label` | meaning |`.
family_table read_metrics_page() {
  std::ifstream page(PUSHGUARD_SOURCE_DIR "/docs/metrics.md");
  family_table families;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `"))
      continue;
    std::vector<std::string> cells;
    std::istringstream rest(line.substr(1));
    for (std::string cell; std::getline(rest, cell, '|');)
      cells.push_back(cell);
    family_facts facts{std::string(trim(cells.at(1))), {}};
    std::istringstream labels(cells.at(2));
    for (std::string text; std::getline(labels, text, '`');) {
      if (std::getline(labels, text, '`'))
        facts.labels.insert(text);
    }
    const std::string name(trim(cells.at(0)));
    families.emplace(name.substr(1, name.size() - 2), std::move(facts));
  }
  return families;
}

std::vector<test::read_family> scrape(running_world& world) {
  std::vector<test::read_family> families;
  for (const char* path : {"/metrics", "/metrics/orgs"}) {
    const auto body = world.get(world.agent_address(), path);
    const auto read = test::read_exposition(body.value_or("no answer"), false);
    if (!read)
      throw std::runtime_error(std::string(path) + ": " + read.error().text());
    families.insert(families.end(), read->begin(), read->end());
  }
  return families;
}

/// docs/metrics.md lists every family with its type and labels, and nothing that is not there.
TEST(MetricsPage, ListsWhatAScrapeShows) {
  running_world world(bad_rollout());
  world.start_agent(world.configuration({"http://127.0.0.1:9"}));
  ASSERT_TRUE(world.wait_for_the_end());
  family_table families = read_metrics_page();
  for (const test::read_family& family : scrape(world)) {
    const auto documented = families.find(family.name);
    ASSERT_NE(documented, families.end()) << family.name;
    EXPECT_EQ(documented->second.type, family.type) << family.name;
    for (const test::read_sample& sample : family.samples) {
      family_facts seen{family.type, {}};
      for (const auto& [name, value] : sample.labels) {
        if (name != "le")
          seen.labels.insert(name);
      }
      EXPECT_EQ(documented->second, seen) << family.name;
    }
    families.erase(documented);
  }
  EXPECT_TRUE(families.empty()) << families.begin()->first;
}

/// Before anything happened every family is there, and every counter and histogram with all its series.
TEST(MetricsPage, IsAllThereBeforeAnythingHappened) {
  running_world world(bad_rollout());
  std::string text = world.configuration({"http://127.0.0.1:9"});
  const std::string hub = world.hub().local().text();
  text.replace(text.find(hub), hub.size(), world.free_address().text());  // nobody is there
  world.start_agent(text);
  family_table families = read_metrics_page();
  // The agent itself lives: it has tried to log in, and uses memory.
  const std::set<std::string> alive{"pushguard_salesforce_requests_total",
                                    "pushguard_stream_handshakes_total", "pushguard_stream_problems_total",
                                    "process_cpu_seconds_total"};
  for (const test::read_family& family : scrape(world)) {
    families.erase(family.name);
    if (family.type == "gauge" || alive.contains(family.name))
      continue;
    EXPECT_FALSE(family.samples.empty()) << family.name;
    for (const test::read_sample& sample : family.samples)
      EXPECT_EQ(sample.value, 0) << family.name;
  }
  EXPECT_TRUE(families.empty()) << families.begin()->first;
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

/// Debian's Alertmanager with the example of deploy/, whose receivers are led to `told` and whose watchdog is
/// told at once.
std::string example_configuration(const running_world& world, const std::string& told) {
  std::ifstream file(PUSHGUARD_SOURCE_DIR "/deploy/alertmanager/alertmanager.yml");
  std::ostringstream text;
  text << file.rdbuf();
  std::string out = text.str();
  const auto replace = [&out](std::string_view what, const std::string& with) {
    const auto at = out.find(what);
    if (at == std::string::npos)
      throw std::runtime_error(fmt::format("the example has no '{}'", what));
    out.replace(at, what.size(), with);
  };
  const std::string key = world.write_file("pagerduty.key", "0123456789abcdef0123456789abcdef").string();
  replace("routing_key_file: /etc/alertmanager/pagerduty.key",
          fmt::format("routing_key_file: {}\n        url: {}/pager", key, told));
  replace("/etc/alertmanager/slack.url", world.write_file("slack.url", told + "/chat").string());
  replace("https://dead-man.example.com/pushguard", told + "/dead-man");
  replace("group_interval: 1m\n      repeat_interval: 1m", "group_interval: 1s\n      repeat_interval: 1s");
  return out;
}

std::size_t posts_to(const test::recording_server& server, const std::string& target) {
  return static_cast<std::size_t>(
      std::ranges::count(server.seen(), target, [](const http_request& each) { return each.target; }));
}

/// The names of what `amtool alert query` finds.
std::set<std::string> query_amtool(const origin& alertmanager, std::vector<std::string> arguments) {
  std::vector<std::string> command{"amtool", "--alertmanager.url=" + alertmanager.text(), "--output=json",
                                   "alert", "query"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  child_process amtool(command, {.directory = {}, .environment = {}, .joins_stderr = false});
  const std::string answer = amtool.read_all(20s);
  std::set<std::string> names;
  boost::system::error_code ec;
  const boost::json::value read = boost::json::parse(answer, ec);
  if (ec || !read.is_array())
    return {"amtool said: " + answer};
  for (const boost::json::value& alert : read.as_array())
    names.emplace(alert.at("labels").at("alertname").as_string());
  return names;
}

TEST(Alertmanager, ClusterFollowsAnAbortFromItsBeginningToTheEndOfTheAgent) {
  for (const char* program : {"prometheus-alertmanager", "amtool"})
    ASSERT_TRUE(test::find_program(program)) << program << " is not installed; ./dev test installs it";
  simulator::scenario plan = bad_rollout();
  plan.push.request_end_lag = {100h, 100h};  // the rollout is open until the end
  running_world world(plan);
  test::recording_server told;
  const auto config = world.write_file("alertmanager.yml", example_configuration(world, told.url()));
  origin first_gossip;
  const auto start = [&](const std::string& name, const std::string& peer) {
    return std::make_unique<monitoring_server>(world, [&, name, peer](const std::string& address) {
      const origin gossip = world.free_address();
      if (peer.empty())
        first_gossip = gossip;
      std::vector<std::string> command{"prometheus-alertmanager",
                                       "--config.file=" + config.string(),
                                       "--storage.path=" + (world.directory() / name).string(),
                                       "--web.listen-address=" + address,
                                       "--cluster.listen-address=" + gossip.authority(),
                                       "--cluster.advertise-address=" + gossip.authority(),
                                       "--cluster.settle-timeout=0s",
                                       "--log.level=error"};
      if (!peer.empty())
        command.push_back("--cluster.peer=" + peer);
      return command;
    });
  };
  const auto first = start("first", "");
  ASSERT_TRUE(first->is_running());
  const auto second = start("second", first_gossip.authority());
  ASSERT_TRUE(second->is_running());
  const std::vector<origin> peers{first->address(), second->address()};

  world.write_file("api.tokens", "alice:alice-token-0123456789\n");
  std::string text = world.configuration({peers[0].text(), peers[1].text()});
  text.replace(text.find("http: { listen:"), 7,
               fmt::format("http: {{ api_tokens_file: {},", (world.directory() / "api.tokens").string()));
  text.replace(text.find("state: sqlite"), 0, "  watchdog: { receiver: prometheus, interval: 10s }\n");
  world.start_agent(text);

  const auto shows = [&](std::vector<std::string> arguments, const std::string& name, bool is_there) {
    return world.wait_for([&] {
      return std::ranges::all_of(peers, [&](const origin& peer) {
        return query_amtool(peer, arguments).contains(name) == is_there;
      });
    });
  };
  EXPECT_TRUE(shows({}, "PushguardWatchdog", true));
  EXPECT_TRUE(shows({}, "PushguardContainment", true)) << "fires, on every peer";
  const auto outcome_on = [&](const origin& peer) -> std::string {
    const auto answer = world.get_json(peer, "/api/v2/alerts");
    if (!answer)
      return "";
    for (const boost::json::value& alert : answer->as_array()) {
      if (alert.at("labels").at("alertname").as_string() == "PushguardContainment")
        return std::string(alert.at("annotations").at("outcome").as_string());
    }
    return "";
  };
  EXPECT_TRUE(world.wait_for([&] {
    return std::ranges::all_of(peers, [&](const origin& peer) { return outcome_on(peer) == "confirmed"; });
  })) << "is updated";
  EXPECT_TRUE(shows({"--inhibited"}, "PushguardRuleBreached", true))
      << "the rule that only alerts is inhibited";
  EXPECT_TRUE(shows({"--active"}, "PushguardRuleBreached", false));
  EXPECT_TRUE(world.wait_for([&] { return posts_to(told, "/pager") > 0; })) << "somebody is called";
  EXPECT_TRUE(world.wait_for([&] { return posts_to(told, "/dead-man") > 1; })) << "again and again";

  // Acknowledging ends it, and what it inhibited is told again.
  const auto known = world.get_json(world.agent_address(), "/api/v1/alerts");
  ASSERT_TRUE(known);
  std::string fingerprint;
  for (const boost::json::value& alert : known->at("alerts").as_array()) {
    if (alert.at("name").as_string() == "PushguardContainment")
      fingerprint = alert.at("fingerprint").as_string();
  }
  const auto token = world.write_file("token", "alice-token-0123456789\n");
  child_process ack({PUSHGUARD_PROGRAM, "ack", fingerprint, "--url", world.agent_address().text(),
                     "--token-file", token.string(), "--reason", "seen"},
                    {.directory = {}, .environment = {}, .joins_stderr = true});
  const std::string said = ack.read_all(20s);
  EXPECT_EQ(ack.wait(10s), 0) << said;
  EXPECT_TRUE(shows({}, "PushguardContainment", false)) << "is resolved";
  EXPECT_TRUE(shows({"--active"}, "PushguardRuleBreached", true));

  // A dead agent says nothing any more: what it said ends by itself, and the silence can be heard.
  world.kill_agent();
  EXPECT_TRUE(shows({}, "PushguardWatchdog", false)) << "four intervals later";
  const auto left = world.get_json(peers[0], "/api/v2/alerts");
  ASSERT_TRUE(left);
  for (const boost::json::value& alert : left->as_array()) {
    const auto ends = parse_time(std::string(alert.at("endsAt").as_string()));
    ASSERT_TRUE(ends);
    EXPECT_LE(*ends, make_system_time()->wall_now() + 5min) << alert.at("labels").at("alertname");
  }
  const std::size_t calls = posts_to(told, "/dead-man");
  EXPECT_TRUE(shows({}, "PushguardWatchdog", false));
  EXPECT_LE(posts_to(told, "/dead-man"), calls + 1) << "one may have been on its way";
}

}  // namespace
}  // namespace pushguard
