#include "agent/alert_testing.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <random>
#include <tuple>

#include "agent/commands/commands.hpp"
#include "agent/commands/render.hpp"
#include "agent/receiver_making.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_wrong_usage = 2;

using receiver_list = std::vector<configuration::receiver>;

test_sender this_sender(const configuration::environment& variables) {
  boost::system::error_code ec;
  std::string host = asio::ip::host_name(ec);
  return {.user = variables("USER").value_or(fmt::format("user {}", ::geteuid())),
          .host = ec || host.empty() ? "an unnamed host" : std::move(host)};
}

std::string names_of(const receiver_list& receivers) {
  std::string names;
  for (const configuration::receiver& each : receivers)
    names += (names.empty() ? "" : ", ") + each.name;
  return names;
}

void print(const configuration::receiver& to, const alert_test_step& step) {
  const alerts::delivery& outcome = step.outcome;
  const std::string reason = outcome.verdict == alerts::delivery_verdict::sent
                                 ? ""
                                 : fmt::format(" ({})", alerts::to_string(outcome.reason));
  fmt::print("{} ({}) {}: {}{}: {}\n", to.name, receiver_kind(to), alerts::to_string(step.step),
             alerts::to_string(outcome.verdict), reason, printable(outcome.detail));
  std::fflush(stdout);  // others may take a while
}

json::object to_json(const configuration::receiver& to, const alert_test_step& step) {
  return {{"receiver", to.name},
          {"kind", receiver_kind(to)},
          {"step", alerts::to_string(step.step)},
          {"verdict", alerts::to_string(step.outcome.verdict)},
          {"reason", alerts::to_string(step.outcome.reason)},
          {"detail", step.outcome.detail}};
}

/// In the order of `tested`; on_step hears of each as it ends.
std::vector<alert_test_step> run_test(const receiver_list& tested, const std::shared_ptr<tls_trust>& trust,
                                      test_sender sender,
                                      const std::function<void(const alert_test_step&)>& on_step) {
  asio::io_context context(1);
  const auto time = make_system_time();
  const auto network = make_socket_network(*time);
  std::random_device seed;
  std::vector<std::unique_ptr<alerts::receiver>> receivers;
  for (const configuration::receiver& each : tested)
    receivers.push_back(make_receiver(each, {.network = *network,
                                             .time = *time,
                                             .log = null_logger(),
                                             .trust = trust,
                                             .random = random_engine(seed())}));
  std::vector<alert_test_step> steps;
  bool has_ended = false;
  asio::co_spawn(context,
                 test_receivers(receivers, std::move(sender), *time,
                                [&](alert_test_step step) {
                                  on_step(step);
                                  steps.push_back(std::move(step));
                                }),
                 [&](const std::exception_ptr& error) {
                   if (error)
                     std::rethrow_exception(error);
                   has_ended = true;
                 });
  while (!has_ended && context.run_one() > 0) {
  }
  std::ranges::sort(steps, {},
                    [](const alert_test_step& each) { return std::tuple(each.receiver, each.step); });
  return steps;
}

}  // namespace

int alert_test(const alert_test_options& options, const configuration::environment& variables) {
  const auto loaded = configuration::load_configuration(options.config, variables);
  if (!loaded) {
    for (const std::string& problem : loaded.error())
      fmt::print(stderr, "{}\n", problem);
    return exit_failed;
  }
  receiver_list tested = loaded->alerts.receivers;
  if (tested.empty()) {
    fmt::print(stderr, "pushguard: {} has no receivers\n", options.config.string());
    return exit_failed;
  }
  if (options.receiver) {
    std::erase_if(tested,
                  [&](const configuration::receiver& each) { return each.name != *options.receiver; });
    if (tested.empty()) {
      fmt::print(stderr, "pushguard: {} has no receiver named '{}', only {}\n", options.config.string(),
                 printable(*options.receiver), names_of(loaded->alerts.receivers));
      return exit_wrong_usage;
    }
  }
  const auto trust = load_tls_trust(std::nullopt);
  if (!trust) {
    fmt::print(stderr, "pushguard: reading the system's certificates: {}\n", trust.error().text());
    return exit_failed;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const bool prints_text = options.output == output_form::text;
  const auto steps = run_test(tested, *trust, this_sender(variables), [&](const alert_test_step& step) {
    if (prints_text)
      print(tested[step.receiver], step);
  });
  const bool is_sent = std::ranges::all_of(steps, [](const alert_test_step& each) {
    return each.outcome.verdict == alerts::delivery_verdict::sent;
  });
  if (!prints_text) {
    json::array list;
    for (const alert_test_step& each : steps)
      list.push_back(to_json(tested[each.receiver], each));
    fmt::print("{}\n", json::serialize(json::object{{"sent", is_sent}, {"deliveries", std::move(list)}}));
  }
  return is_sent ? exit_done : exit_failed;
}

}  // namespace pushguard::agent
