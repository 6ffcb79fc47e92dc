#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <csignal>
#include <cstdio>
#include <random>

#include "agent/commands/commands.hpp"
#include "agent/commands/render.hpp"
#include "agent/hub_check.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;

struct hub_findings {
  std::string hub;
  std::vector<finding> findings;
};

asio::awaitable<void> check_into(const configuration::hub& hub, hub_connection_parts parts,
                                 hub_check_options options, std::vector<finding>& into) {
  auto found = co_await check_hub(hub, std::move(parts), options);
  into = std::move(found);
}

/// Every hub, side by side: one that hangs keeps the others from nothing.
asio::awaitable<void> check_each(const configuration::configuration& loaded, hub_connection_parts like,
                                 std::vector<hub_findings>& into) {
  const hub_check_options options{.aborts = has_aborting_policy(loaded)};
  task_group tasks(co_await asio::this_coro::executor);
  for (std::size_t i = 0; i < loaded.hubs.size(); ++i) {
    const configuration::hub& hub = loaded.hubs[i];
    const auto trust = load_hub_trust(hub);
    if (!trust) {
      into[i].findings.push_back({finding_level::problem, "login", trust.error().text()});
      continue;
    }
    hub_connection_parts parts = like;
    parts.trust = *trust;
    tasks.spawn(check_into(hub, std::move(parts), options, into[i].findings));
  }
  co_await tasks.join();
}

std::vector<hub_findings> check_online(const configuration::configuration& loaded) {
  std::vector<hub_findings> found;
  for (const configuration::hub& hub : loaded.hubs)
    found.push_back({hub.name, {}});
  asio::io_context context(1);
  const auto time = make_system_time();
  const auto network = make_socket_network(*time);
  const auto log = make_stderr_logger(log_level::warning, log_format::logfmt, *time);
  random_engine random{std::random_device{}()};
  bool has_ended = false;
  asio::co_spawn(
      context, check_each(loaded, {.network = *network, .time = *time, .log = *log, .random = random}, found),
      [&](const std::exception_ptr& error) {
        if (error)
          std::rethrow_exception(error);
        has_ended = true;
      });
  while (!has_ended && context.run_one() > 0) {
  }
  return found;
}

std::size_t count_of(const hub_findings& of, finding_level level) {
  return static_cast<std::size_t>(std::ranges::count(of.findings, level, &finding::level));
}

std::string_view sign_of(finding_level level) {
  switch (level) {
    case finding_level::ok:
      return "ok";
    case finding_level::warning:
      return "warn";
    case finding_level::problem:
      break;
  }
  return "FAIL";
}

std::string sum_of(const hub_findings& of) {
  const auto counted = [](std::size_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
  };
  return fmt::format("{}, {}", counted(count_of(of, finding_level::problem), "problem"),
                     counted(count_of(of, finding_level::warning), "warning"));
}

void print(const hub_findings& of) {
  fmt::print("\nhub {}\n", of.hub);
  for (const finding& each : of.findings)
    fmt::print("{:<5} {:<12} {}\n", sign_of(each.level), each.what, printable(each.text));
  fmt::print("hub {}: {}\n", of.hub, sum_of(of));
}

json::object to_json(const hub_findings& of) {
  json::array findings;
  for (const finding& each : of.findings)
    findings.push_back(
        json::object{{"level", to_string(each.level)}, {"what", each.what}, {"text", each.text}});
  return {{"name", of.hub},
          {"problems", count_of(of, finding_level::problem)},
          {"warnings", count_of(of, finding_level::warning)},
          {"findings", std::move(findings)}};
}

}  // namespace

int check(const check_options& options, const configuration::environment& variables) {
  const auto loaded = configuration::load_configuration(options.config, variables);
  const auto warnings = loaded ? configuration::find_warnings(*loaded) : configuration::problem_list{};
  json::array problems;
  if (!loaded) {
    for (const std::string& problem : loaded.error()) {
      problems.emplace_back(problem);
      if (options.output == output_form::text)
        fmt::print(stderr, "{}\n", problem);
    }
  } else if (options.output == output_form::text) {
    fmt::print("{} is valid: {} hubs, {} policies, {} receivers\n", options.config.string(),
               loaded->hubs.size(), loaded->policies.size(), loaded->alerts.receivers.size());
    for (const std::string& warning : warnings)
      fmt::print("warning: {}\n", warning);
    std::fflush(stdout);  // asking the hubs takes a while
  }
  std::vector<hub_findings> hubs;
  if (loaded && options.asks_hubs) {
    std::signal(SIGPIPE, SIG_IGN);
    hubs = check_online(*loaded);
  }
  if (options.output == output_form::json) {
    json::object answer{{"valid", loaded.has_value()},
                        {"problems", std::move(problems)},
                        {"warnings", json::value_from(warnings)}};
    if (options.asks_hubs) {
      json::array list;
      for (const hub_findings& each : hubs)
        list.push_back(to_json(each));
      answer["hubs"] = std::move(list);
    }
    fmt::print("{}\n", json::serialize(answer));
  } else {
    std::ranges::for_each(hubs, print);
  }
  const bool is_well = std::ranges::all_of(
      hubs, [](const hub_findings& each) { return count_of(each, finding_level::problem) == 0; });
  return loaded && is_well ? exit_done : exit_failed;
}

}  // namespace pushguard::agent
