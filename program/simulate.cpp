#include "program/simulate.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "base/file.hpp"
#include "base/log.hpp"
#include "program/simulated_hub.hpp"
#include "simulator/scenario.hpp"

namespace pushguard::program {
namespace {

constexpr std::size_t scenario_size_max = 4 * 1024 * 1024;  // as much as the YAML reader takes

int complain(const failure& why) {
  fmt::print(stderr, "pushguard: {}\n", why.text());
  return 1;
}

}  // namespace

int simulate(const agent::simulate_options& options) {
  const auto text = read_file(options.scenario, scenario_size_max);
  if (!text) {
    return complain(text.error());
  }
  auto plan = simulator::parse_scenario(*text, options.scenario.string());
  if (!plan) {
    fmt::print(stderr, "{}\n", plan.error().text());
    return 1;
  }
  if (options.speed)
    plan->time_scale = *options.speed;
  const simulator::credentials_plan credentials = plan->credentials;
  const auto time = make_system_time();
  const auto log = make_stderr_logger(log_level::info, log_format::logfmt, *time);
  const auto hub =
      start_simulated_hub(std::move(*plan), options.listen.host, options.listen.port, *time, *log);
  if (!hub) {
    return complain(hub.error());
  }
  fmt::print(
      "A simulated Salesforce hub listens on {0}\n"
      "  login_url:     {0}\n"
      "  client_id:     {1}\n"
      "  client_secret: {2}\n",
      (*hub)->local().text(), credentials.client_id, credentials.client_secret);
  std::fflush(stdout);
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([](const boost::system::error_code&, int) {});
  context.run();
  return 0;
}

}  // namespace pushguard::program
