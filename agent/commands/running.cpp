#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/version.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <thread>

#include "agent/commands/commands.hpp"
#include "agent/core.hpp"
#include "agent/running_agent.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;

std::string library_text(int version, int major_unit, int minor_unit) {
  return fmt::format("{}.{}.{}", version / major_unit,
                     version / minor_unit % 1000 % (major_unit / minor_unit), version % minor_unit);
}

}  // namespace

int run(const run_options& options, const configuration::environment& variables) {
  auto loaded = configuration::load_configuration(options.config, variables);
  if (!loaded) {
    for (const std::string& problem : loaded.error())
      fmt::print(stderr, "{}\n", problem);
    return exit_failed;
  }
  const auto time = make_system_time();
  const auto log = make_stderr_logger(loaded->log.level, loaded->log.format, *time);
  boost::asio::io_context signals_context(1);
  // Before the agent starts: what comes from now on waits, and ends nothing by its default action.
  boost::asio::signal_set signals(signals_context, SIGINT, SIGTERM);
  boost::asio::signal_set hangups(signals_context, SIGHUP);
  std::signal(SIGPIPE, SIG_IGN);  // a log reader that went away must not end the watch
  auto agent = start_agent(std::move(*loaded), *time, *log,
                           [&] { return configuration::load_configuration(options.config, variables); });
  if (!agent) {
    fmt::print(stderr, "pushguard: {}\n", agent.error().text());
    return exit_failed;
  }
  const std::function<void(const boost::system::error_code&, int)> on_hangup =
      [&](const boost::system::error_code& ec, int) {
        if (ec)
          return;
        (*agent)->reload();
        hangups.async_wait(on_hangup);
      };
  hangups.async_wait(on_hangup);
  signals.async_wait([&](const boost::system::error_code& ec, int signal) {
    if (ec)
      return;
    log->info("agent_stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
    (*agent)->stop();
    signals.clear();  // a second signal ends the process as usual
    hangups.clear();
  });
  std::thread waiter([&] { signals_context.run(); });
  const auto ended = (*agent)->wait();
  signals_context.stop();
  waiter.join();
  if (!ended) {
    log->error("agent_failed", {{"error", ended.error().text()}});
    fmt::print(stderr, "pushguard: {}\n", ended.error().text());
    return exit_failed;
  }
  log->info("agent_stopped");
  return exit_done;
}

int version(const version_options& options) {
  const agent_identity build = this_build();
  const std::string boost = library_text(BOOST_VERSION, 100'000, 100);
  const std::string fmt_version = library_text(FMT_VERSION, 10'000, 100);
  if (options.output == output_form::json) {
    fmt::print("{}\n", json::serialize(json::object{
                           {"version", build.version},
                           {"commit", build.commit},
                           {"libraries", json::object{{"boost", boost}, {"fmt", fmt_version}}}}));
  } else {
    fmt::print("pushguard {} ({})\nboost {}, fmt {}\n", build.version, build.commit, boost, fmt_version);
  }
  return exit_done;
}

}  // namespace pushguard::agent
