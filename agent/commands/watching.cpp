#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>

#include "agent/commands/agent_channel.hpp"
#include "agent/commands/commands.hpp"
#include "agent/commands/event_printing.hpp"
#include "agent/commands/terminal_session.hpp"
#include "agent/commands/watch_frame.hpp"
#include "agent/commands/watch_lines.hpp"
#include "agent/commands/watch_source.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr duration clock_interval = std::chrono::seconds(1);
constexpr char control_d = 4;
constexpr char control_l = 12;

int complain(const failure& why) {
  fmt::print(stderr, "pushguard: {}\n", why.text());
  return exit_failed;
}

/// How a watch ended: done, failed, or by a signal that this process is to die of as usual.
struct watch_end {
  result<> outcome = {};
  int signal = 0;
};

bool is_utf8_locale(const configuration::environment& variables) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = variables(name);
    if (!value || value->empty())
      continue;
    const std::string locale = to_lower_ascii(*value);
    return locale.contains("utf-8") || locale.contains("utf8");
  }
  return false;
}

colour choose_colours(colour_choice choice, const configuration::environment& variables) {
  if (choice == colour_choice::automatic)
    return variables("NO_COLOR").value_or("").empty() ? colour::yes : colour::no;
  return choice == colour_choice::always ? colour::yes : colour::no;
}

/// A terminal that can place its cursor.
bool is_screen(const configuration::environment& variables) {
  const std::string kind = variables("TERM").value_or("");
  return ::isatty(STDOUT_FILENO) == 1 && !kind.empty() && kind != "dumb";
}

/// The frame in a terminal. Four loops on one thread; the first that ends ends all.
class live_view {
 public:
  live_view(watch_source& source, time_source& time, terminal_session& terminal, duration interval,
            colour colours, glyphs shown)
      : source_(source),
        time_(time),
        terminal_(terminal),
        interval_(interval),
        colours_(colours),
        glyphs_(shown) {}

  asio::awaitable<watch_end> run() {
    const auto executor = co_await asio::this_coro::executor;
    // Before the terminal is changed: from now on no signal ends the program with its terminal in disorder.
    asio::signal_set signals(executor, SIGINT, SIGTERM, SIGHUP);
    for (const int each : {SIGWINCH, SIGTSTP, SIGCONT})
      signals.add(each);
    asio::posix::stream_descriptor keys(executor, ::dup(terminal_.keys()));
    if (auto entered = terminal_.enter(); !entered)
      co_return watch_end{.outcome = entered};
    if (auto drawn = draw(); !drawn)
      co_return watch_end{};
    auto group =
        asio::experimental::make_parallel_group(asio::co_spawn(executor, ask(), asio::deferred),
                                                asio::co_spawn(executor, read_keys(keys), asio::deferred),
                                                asio::co_spawn(executor, obey(signals), asio::deferred),
                                                asio::co_spawn(executor, tick(), asio::deferred));
    auto [order, ask_error, asked, keys_error, pressed, signal_error, obeyed, tick_error, ticked] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    const std::array errors{ask_error, keys_error, signal_error, tick_error};
    if (errors[order[0]])
      std::rethrow_exception(errors[order[0]]);
    const std::array ends{&asked, &pressed, &obeyed, &ticked};
    co_return std::move(*ends[order[0]]);
  }

 private:
  /// Fails where the terminal is gone: then there is nothing left to do.
  result<> draw() {
    return terminal_.show(render_frame(source_.state(), terminal_.size(), colours_, glyphs_));
  }

  asio::awaitable<watch_end> ask() {
    for (;;) {
      const steady_time next = time_.steady_now() + interval_;
      if (auto refreshed = co_await source_.refresh(); !refreshed)
        co_return watch_end{.outcome = refreshed};
      if (!draw())
        co_return watch_end{};
      co_await time_.sleep_until(next);
    }
  }

  /// The clock in the frame, and how old things are.
  asio::awaitable<watch_end> tick() {
    for (;;) {
      co_await time_.sleep_for(clock_interval);
      if (!draw())
        co_return watch_end{};
    }
  }

  asio::awaitable<watch_end> read_keys(asio::posix::stream_descriptor& keys) {
    std::array<char, 256> typed{};
    for (;;) {
      boost::system::error_code ec;
      const std::size_t size =
          co_await keys.async_read_some(asio::buffer(typed), asio::redirect_error(asio::use_awaitable, ec));
      if (ec == asio::error::interrupted)
        continue;
      if (ec)  // the terminal is gone
        co_return watch_end{};
      for (const char key : std::string_view(typed.data(), size)) {
        if (key == 'q' || key == 'Q' || key == control_d)
          co_return watch_end{};
        if (key == control_l)
          terminal_.forget();
      }
      if (!draw())
        co_return watch_end{};
    }
  }

  asio::awaitable<watch_end> obey(asio::signal_set& signals) {
    for (;;) {
      const int signal = co_await signals.async_wait(asio::use_awaitable);
      if (signal == SIGINT)
        co_return watch_end{};
      if (signal == SIGTERM || signal == SIGHUP)
        co_return watch_end{.signal = signal};
      if (signal == SIGTSTP) {
        terminal_.leave();
        ::raise(SIGSTOP);  // goes on here
      }
      if (signal == SIGTSTP || signal == SIGCONT) {
        if (auto entered = terminal_.enter(); !entered)
          co_return watch_end{};
      }
      terminal_.forget();
      if (!draw())
        co_return watch_end{};
    }
  }

  watch_source& source_;
  time_source& time_;
  terminal_session& terminal_;
  duration interval_;
  colour colours_;
  glyphs glyphs_;
};

/// One line for each change, for pipes and files.
class line_view {
 public:
  line_view(watch_source& source, time_source& time, duration interval)
      : source_(source), time_(time), interval_(interval) {}

  asio::awaitable<watch_end> run() {
    for (;;) {
      const steady_time next = time_.steady_now() + interval_;
      if (auto refreshed = co_await source_.refresh(); !refreshed)
        co_return watch_end{.outcome = refreshed};
      if (auto told = tell(source_.state()); !told)
        co_return watch_end{.outcome = told};
      if (is_reader_gone(STDOUT_FILENO) || has_ended(source_.state()))
        co_return watch_end{};
      co_await time_.sleep_until(next);
    }
  }

 private:
  result<> tell(const watch_state& state) {
    std::string out;
    if (state.silent_since.has_value() != was_silent_) {
      was_silent_ = state.silent_since.has_value();
      out += was_silent_ ? fmt::format("{}  NO ANSWER from {} since {}: {}\n", format_time(state.now),
                                       state.agent, format_time(*state.silent_since), state.trouble)
                         : fmt::format("{}  {} answers again\n", format_time(state.now), state.agent);
    }
    if (!was_silent_ && state.overview) {
      for (const std::string& line : told_changes(told_, *state.overview, source_.wanted()))
        out += line + "\n";
      told_ = *state.overview;
    }
    return write_all(STDOUT_FILENO, out);
  }

  [[nodiscard]] bool has_ended(const watch_state& state) const {
    if (!source_.wanted() || state.silent_since)
      return false;
    const watch_rollout* rollout = state.focused();
    return rollout != nullptr && rollout->key == *source_.wanted() && rollout->has_ended();
  }

  watch_source& source_;
  time_source& time_;
  duration interval_;
  watch_overview told_;
  bool was_silent_ = false;
};

asio::awaitable<watch_end> watch_events(agent_channel& channel, time_source& time) {
  auto ended = co_await print_events(channel, time, STDOUT_FILENO);
  co_return watch_end{.outcome = std::move(ended)};
}

/// Runs `view` to its end; exceptions come through.
watch_end run_view(asio::io_context& context, asio::awaitable<watch_end> view) {
  std::optional<watch_end> end;
  asio::co_spawn(context, std::move(view), [&](const std::exception_ptr& error, watch_end got) {
    if (error)
      std::rethrow_exception(error);
    end = std::move(got);
  });
  context.run();
  return end ? std::move(*end) : watch_end{};
}

watch_end watch_with(const watch_options& options, const configuration::environment& variables,
                     asio::io_context& context, agent_channel& channel, time_source& time) {
  if (options.output == output_form::json)
    return run_view(context, watch_events(channel, time));
  auto terminal = is_screen(variables) ? terminal_session::open(STDOUT_FILENO)
                                       : result<terminal_session>(fail(errc::unreachable, "no terminal"));
  watch_source source(channel, time, channel.address(),
                      terminal ? watch_details::of_focus : watch_details::of_all_open, options.rollout,
                      options.hub);
  if (!terminal) {
    line_view view(source, time, options.interval);
    return run_view(context, view.run());
  }
  live_view view(source, time, *terminal, options.interval, choose_colours(options.colours, variables),
                 is_utf8_locale(variables) ? glyphs::utf8 : glyphs::ascii);
  return run_view(context, view.run());
}

}  // namespace

int watch(const watch_options& options, const configuration::environment& variables) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has enough is no failure
  asio::io_context context(1);
  const auto time = make_system_time();
  const auto sockets = make_socket_network(*time);
  connect_options connect;
  connect.resolve = connect.connect = connect.handshake = std::chrono::seconds(5);
  const auto channel = make_agent_channel(options.connection, std::move(connect), *sockets, *time);
  if (!channel)
    return complain(channel.error());
  const watch_end end = watch_with(options, variables, context, **channel, *time);
  if (end.signal != 0) {
    std::signal(end.signal, SIG_DFL);
    std::raise(end.signal);
  }
  if (!end.outcome && !end.outcome.error().is(errc::closed))
    return complain(end.outcome.error());
  return exit_done;
}

}  // namespace pushguard::agent
