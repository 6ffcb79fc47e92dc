// The process that the soak kills: soak_client PORT DATABASE FACTOR CHANNEL...
// Ends in order on SIGTERM.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdio>
#include <random>

#include "base/http_client.hpp"
#include "tests/soak/soak_store.hpp"
#include "tests/support/quick_time.hpp"

namespace pushguard::soak {
namespace {

namespace asio = boost::asio;

/// Logs in at the org's own token endpoint.
class org_login final : public cometd::token_provider {
 public:
  org_login(network& net, time_source& time, origin org)
      : org_(org), http_(make_http_client(net, time, std::move(org))) {}

  asio::awaitable<result<cometd::access>> current() override {
    if (token_.empty())
      co_return co_await renew();
    co_return cometd::access{org_, token_, "00D000000000001"};
  }

  asio::awaitable<result<cometd::access>> renew() override {
    http_request request{.method = "POST",
                         .target = "/services/oauth2/token",
                         .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                         .body =
                             "grant_type=client_credentials&client_id=simulated-client&"
                             "client_secret=simulated-secret"};
    const auto reply = co_await http_->send(std::move(request));
    if (!reply)
      co_return std::unexpected(reply.error());
    if (!reply->is_success())
      co_return fail(errc::unauthorized, "the login was refused");
    token_ = secret(std::string(boost::json::parse(reply->body).at("access_token").as_string()));
    co_return cometd::access{org_, token_, "00D000000000001"};
  }

 private:
  origin org_;
  std::unique_ptr<http_client> http_;
  secret token_;
};

int run(const std::vector<std::string>& arguments) {
  const auto port = static_cast<std::uint16_t>(std::stoi(arguments.at(0)));
  asio::io_context context(1);
  test::quick_time time(std::stoi(arguments.at(2)));
  const auto net = make_socket_network(time);
  soak_store store(arguments.at(1));
  org_login login(*net, time, {.security = security::plain, .host = "127.0.0.1", .port = port});
  random_engine random(std::random_device{}());
  cometd::client_options options;
  for (std::size_t i = 3; i < arguments.size(); ++i)
    options.session.channels.push_back({.channel = arguments[i]});
  const auto client = cometd::make_client(options, {.network = *net,
                                                    .time = time,
                                                    .tokens = login,
                                                    .checkpoints = store,
                                                    .consumer = store,
                                                    .observer = cometd::null_observer(),
                                                    .log = null_logger(),
                                                    .random = random});
  asio::cancellation_signal stop;
  asio::signal_set signals(context, SIGTERM);
  signals.async_wait(
      [&](const boost::system::error_code&, int) { stop.emit(asio::cancellation_type::terminal); });
  std::exception_ptr failed;
  asio::co_spawn(context, client->run(),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr error) {
                   failed = std::move(error);
                   signals.cancel();
                 }));
  context.run();
  if (failed)
    std::rethrow_exception(failed);
  return 0;
}

}  // namespace
}  // namespace pushguard::soak

int main(int argc, char** argv) {
  try {
    return pushguard::soak::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soak_client: %s\n", error.what());
    return 1;
  }
}
