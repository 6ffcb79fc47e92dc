#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <random>
#include <system_error>

#include "agent/commands/commands.hpp"
#include "agent/commands/render.hpp"
#include "agent/core.hpp"
#include "agent/history/writer.hpp"
#include "agent/past_push_reader.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;

int complain(const failure& why) {
  fmt::print(stderr, "pushguard: {}\n", printable(why.text()));
  return exit_failed;
}

/// One line of a terminal that says what is being done, and goes away. Nothing where standard error is a
/// file.
class progress_line {
 public:
  progress_line() = default;
  ~progress_line() { clear(); }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  void show(std::string_view text) {
    if (!is_terminal_)
      return;
    fmt::print(stderr, "\r\x1b[K{}…", text);
    std::fflush(stderr);
    is_shown_ = true;
  }
  void clear() {
    if (is_shown_)
      fmt::print(stderr, "\r\x1b[K");
    is_shown_ = false;
  }

 private:
  bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool is_shown_ = false;
};

result<past_push_reading> read_from(const configuration::hub& hub, const export_history_options& options,
                                    progress_line& progress) {
  const auto trust = load_hub_trust(hub);
  if (!trust)
    return std::unexpected(trust.error());
  asio::io_context context(1);
  const auto time = make_system_time();
  const auto network = make_socket_network(*time);
  const auto log = make_stderr_logger(log_level::warning, log_format::logfmt, *time);
  random_engine random{std::random_device{}()};
  hub_connection connection(
      hub, {.network = *network, .time = *time, .log = *log, .random = random, .trust = *trust});
  past_push_wish wish{.request = options.request,
                      .hub = hub.name,
                      .api_version = hub.api_version,
                      .pushguard_version = this_build().version,
                      .texts = options.leaves_out_texts ? history::texts::left_out : history::texts::kept};
  std::optional<result<past_push_reading>> outcome;
  asio::co_spawn(
      context,
      read_past_push(connection, *time, std::move(wish),
                     [&](std::string_view step) { progress.show(fmt::format("{}: {}", hub.name, step)); }),
      [&](const std::exception_ptr& error, result<past_push_reading> got) {
        if (error)
          std::rethrow_exception(error);
        outcome = std::move(got);
      });
  while (!outcome && context.run_one() > 0) {
  }
  if (!outcome)
    return fail(errc::closed, "the hub did not answer");
  return std::move(*outcome);
}

result<std::vector<configuration::hub>> hubs_to_ask(const configuration::configuration& loaded,
                                                    const export_history_options& options) {
  if (!options.hub)
    return loaded.hubs;
  std::string names;
  for (const configuration::hub& hub : loaded.hubs) {
    if (hub.name == *options.hub)
      return std::vector{hub};
    names += (names.empty() ? "" : ", ") + hub.name;
  }
  return fail(errc::not_found,
              fmt::format("{} has no hub named {}, only {}", options.config.string(), *options.hub, names));
}

/// The push from the first hub that has it, or what each of them answered instead.
result<past_push_reading> read_from_any(const std::vector<configuration::hub>& hubs,
                                        const export_history_options& options) {
  progress_line progress;
  std::string answers;
  for (const configuration::hub& hub : hubs) {
    auto read = read_from(hub, options, progress);
    if (read)
      return read;
    answers += fmt::format("{}{}: {}", answers.empty() ? "" : "; ", hub.name, read.error().text());
  }
  return fail(errc::not_found, fmt::format("push request {} could not be read from any hub: {}",
                                           options.request.text(), answers));
}

failure output_failure() {
  return {make_error_code(errc::storage),
          "cannot write to standard output: " + std::generic_category().message(errno)};
}

result<> print(const history::past_push& push) {
  const auto write = [](const std::string& line) {
    return std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
  };
  if (!write(history::write_header(push.header)))
    return std::unexpected(output_failure());
  for (const history::history_job& job : push.jobs) {
    if (!write(history::write_job(job)))
      return std::unexpected(output_failure());
  }
  if (std::fflush(stdout) != 0)
    return std::unexpected(output_failure());
  return {};
}

}  // namespace

int export_history(const export_history_options& options, const configuration::environment& variables) {
  const auto loaded = configuration::load_configuration(options.config, variables);
  if (!loaded) {
    for (const std::string& problem : loaded.error())
      fmt::print(stderr, "{}\n", problem);
    return exit_failed;
  }
  const auto hubs = hubs_to_ask(*loaded, options);
  if (!hubs) {
    return complain(hubs.error());
  }
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is told like a full disk
  const auto read = read_from_any(*hubs, options);
  if (!read) {
    return complain(read.error());
  }
  for (const std::string& warning : read->warnings)
    fmt::print(stderr, "pushguard: warning: {}\n", printable(warning));
  const auto printed = print(read->push);
  return printed ? exit_done : complain(printed.error());
}

}  // namespace pushguard::agent
