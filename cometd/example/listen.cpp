// Prints the events of a channel, also those that came while it did not run:
//   listen https://example.my.salesforce.com TOKEN_FILE /event/Order__e
#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <random>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cometd/file_checkpoint_store.hpp"
#include "cometd/simple_parts.hpp"

using namespace pushguard;

int main(int argc, char** argv) try {
  if (argc != 4)
    throw std::invalid_argument("usage: listen URL TOKEN_FILE CHANNEL");
  boost::asio::io_context context(1);
  const auto time = make_system_time();
  const auto network = make_socket_network(*time);
  const auto log = make_stderr_logger(log_level::info, log_format::logfmt, *time);
  random_engine random(std::random_device{}());
  const auto positions = cometd::open_checkpoint_file("positions.json").value();
  const std::string token(trim(read_file(argv[2], 65'536).value()));
  cometd::fixed_access access({.endpoint = parse_url(argv[1]).value().origin, .bearer = secret(token)});
  cometd::function_consumer print([](const cometd::event& each) -> result<> {
    fmt::print("{} {}\n", each.channel, each.data);
    return std::fflush(stdout) == 0 ? result<>{} : fail(errc::closed, "standard output is closed");
  });
  cometd::client_options options;
  options.session.channels = {{.channel = argv[3]}};
  options.connect.trust = load_tls_trust(std::nullopt).value();
  const auto client = make_client(
      options, {*network, *time, access, *positions, print, cometd::null_observer(), *log, random});
  boost::asio::cancellation_signal stop;
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](auto, int) { stop.emit(boost::asio::cancellation_type::terminal); });
  co_spawn(context, client->run(), bind_cancellation_slot(stop.slot(), [&](auto) { signals.cancel(); }));
  context.run();
} catch (const std::bad_expected_access<failure>& refused) {
  fmt::print(stderr, "listen: {}\n", refused.error().text());
  return 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "listen: {}\n", error.what());
  return 1;
}
