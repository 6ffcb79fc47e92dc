#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fstream>

#include "base/condition.hpp"
#include "base/connect_tunnel.hpp"
#include "base/deadline.hpp"
#include "base/net.hpp"
#include "base/tls_server.hpp"

namespace pushguard {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;
using boost::system::error_code;

class tls_trust {
 public:
  ssl::context context{ssl::context::tls_client};
};

namespace {

// Names with more addresses are misconfigured; trying all of them would take minutes.
constexpr std::size_t addresses_max = 8;
// How long written data may stay unacknowledged before the connection counts as dead; without it Linux
// takes about fifteen minutes.
constexpr unsigned unacknowledged_max_milliseconds = 30'000;
// A silent connection is probed after a minute, so that a peer that vanished is noticed.
constexpr int probe_after_seconds = 60;
constexpr int probe_every_seconds = 15;
constexpr int accept_backlog = 128;
// With no file descriptors left, accepting again at once would only burn the processor.
constexpr duration accept_pause = std::chrono::milliseconds(100);
// A peer that is slow or silent costs a descriptor for so long, and nobody else any time.
constexpr duration accepted_handshake_max = std::chrono::seconds(10);

void set_option(tcp::socket& socket, int level, int name, int value) {
  // A refused option costs speed of detection, not correctness.
  static_cast<void>(::setsockopt(socket.native_handle(), level, name, &value, sizeof value));
}

void prepare(tcp::socket& socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, probe_after_seconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, probe_every_seconds);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(unacknowledged_max_milliseconds));
}

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.port())
                         : fmt::format("{}:{}", address.to_string(), endpoint.port());
}

/// The system's or OpenSSL's text, without the position in OpenSSL's source that Asio appends.
std::string reason(const error_code& ec) {
  if (ec.category() == asio::error::get_ssl_category()) {
    const char* const text = ::ERR_reason_error_string(static_cast<unsigned long>(ec.value()));
    return text ? text : "TLS failure";
  }
  return ec.message();
}

/// A socket, in the clear or under TLS, with what its operations need to say why they ended.
template <class Stream>
struct connection_state {
  template <class... Arguments>
  explicit connection_state(Arguments&&... arguments) : stream(std::forward<Arguments>(arguments)...) {}

  tcp::socket& socket() { return static_cast<tcp::socket&>(stream.lowest_layer()); }

  void close() noexcept {
    is_closed = true;
    error_code ignored;
    socket().close(ignored);
  }

  /// The failure that `ec` stands for. Throws where the waiting coroutine was cancelled.
  std::unexpected<failure> failed(const error_code& ec) const {
    if (is_closed) {
      return fail(errc::closed, "the connection was closed on this side");
    }
    if (ec == asio::error::operation_aborted) {
      throw boost::system::system_error(ec);
    }
    return fail(errc::closed, reason(ec));
  }

  Stream stream;
  std::string peer;
  bool is_closed = false;
};

template <class Stream>
using connection_pointer = std::shared_ptr<connection_state<Stream>>;

template <class Stream>
asio::awaitable<result<std::size_t>> read_from(connection_pointer<Stream> on, std::span<char> into) {
  error_code ec;
  const std::size_t got = co_await on->stream.async_read_some(asio::buffer(into.data(), into.size()),
                                                              asio::redirect_error(asio::use_awaitable, ec));
  if (!ec) {
    co_return got;
  }
  if (ec == asio::error::eof && !on->is_closed) {
    co_return std::size_t{0};
  }
  co_return on->failed(ec);
}

template <class Stream>
asio::awaitable<result<>> write_to(connection_pointer<Stream> on, std::string_view bytes) {
  error_code ec;
  co_await asio::async_write(on->stream, asio::buffer(bytes.data(), bytes.size()),
                             asio::redirect_error(asio::use_awaitable, ec));
  if (ec) {
    co_return on->failed(ec);
  }
  co_return result<>{};
}

template <class Stream>
class socket_transport final : public transport {
 public:
  explicit socket_transport(connection_pointer<Stream> on) : on_(std::move(on)) {}
  ~socket_transport() override {
    if (on_) {
      on_->close();
    }
  }
  socket_transport(const socket_transport&) = delete;
  socket_transport& operator=(const socket_transport&) = delete;

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    return read_from(on_, into);
  }
  asio::awaitable<result<>> write(std::string_view bytes) override { return write_to(on_, bytes); }
  void end_writing() noexcept override {
    if constexpr (std::is_same_v<Stream, tcp::socket>) {
      error_code ignored;
      on_->stream.shutdown(tcp::socket::shutdown_send, ignored);
    }
  }
  void close() noexcept override { on_->close(); }
  void reset() noexcept override {
    if (!on_->is_closed) {
      error_code ignored;
      on_->socket().set_option(asio::socket_base::linger(true, 0), ignored);
      on_->close();
    }
  }
  std::string peer() const override { return on_->peer; }

  /// The connection, no longer closed with this object.
  connection_pointer<Stream> release() noexcept { return std::move(on_); }

 private:
  connection_pointer<Stream> on_;
};

using plain_stream = tcp::socket;
template <class Carrier>
using tls_over = ssl::stream<Carrier>;

connection_pointer<plain_stream> make_plain_connection(tcp::socket socket, std::string peer) {
  auto on = std::make_shared<connection_state<plain_stream>>(std::move(socket));
  on->peer = std::move(peer);
  return on;
}

std::unique_ptr<transport> make_plain_transport(tcp::socket socket, std::string peer) {
  return std::make_unique<socket_transport<plain_stream>>(
      make_plain_connection(std::move(socket), std::move(peer)));
}

using endpoint_list = std::vector<tcp::endpoint>;

/// The threads of an io_context that look up names, from the first look-up on. Asio's own resolver has one
/// thread, so that a name whose servers are silent would delay every other.
class lookup_threads final : public asio::execution_context::service {
 public:
  using key_type = lookup_threads;
  // NOLINTNEXTLINE(cert-err58-cpp): Asio finds its services by such an object
  static inline asio::execution_context::id id;

  explicit lookup_threads(asio::execution_context& owner) : service(owner) {}

  [[nodiscard]] asio::thread_pool& pool() noexcept { return pool_; }

 private:
  void shutdown() override { pool_.join(); }

  static constexpr std::size_t threads = 8;

  asio::thread_pool pool_{threads};
};

/// A look-up that can be given up. The system's resolver cannot be interrupted, so what it needs is shared
/// with its handler, which may come after everyone has left.
struct lookup {
  error_code ec;
  endpoint_list found;
  bool has_ended = false;
  condition ended;
};

/// Looks up `to` on another thread; what it found comes back on `executor`.
void start_lookup(std::shared_ptr<lookup> asked, const origin& to, const asio::any_io_executor& executor) {
  asio::thread_pool& pool =
      asio::use_service<lookup_threads>(asio::query(executor, asio::execution::context)).pool();
  const auto back = asio::prefer(executor, asio::execution::outstanding_work.tracked);
  asio::post(pool, [asked = std::move(asked), host = to.host, port = std::to_string(to.port), back, &pool] {
    error_code ec;
    endpoint_list found;
    tcp::resolver resolver(pool);
    for (const auto& each : resolver.resolve(host, port, tcp::resolver::numeric_service, ec)) {
      if (found.size() < addresses_max)
        found.push_back(each.endpoint());
    }
    asio::post(back, [asked, ec, found = std::move(found)]() mutable {
      asked->ec = ec;
      asked->found = std::move(found);
      asked->has_ended = true;
      asked->ended.notify_all();
    });
  });
}

asio::awaitable<result<endpoint_list>> await_lookup(std::shared_ptr<lookup> asked) {
  while (!asked->has_ended) {
    co_await asked->ended.wait();
  }
  if (asked->ec || asked->found.empty()) {
    co_return fail(errc::unreachable, asked->ec ? asked->ec.message() : "the name has no address");
  }
  co_return asked->found;
}

asio::awaitable<result<endpoint_list>> resolve(time_source& time, const origin& to, duration patience) {
  error_code not_an_address;
  const auto address = asio::ip::make_address(to.host, not_an_address);
  if (!not_an_address) {
    co_return endpoint_list{{address, to.port}};
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto asked = std::make_shared<lookup>();
  start_lookup(asked, to, executor);
  const std::string phase = to.text() + ": resolving the name";
  auto found = co_await with_deadline(time, time.steady_now() + patience, phase, await_lookup(asked));
  if (!found && !found.error().is(errc::timed_out)) {
    co_return fail_in(phase, found.error());
  }
  co_return found;
}

asio::awaitable<result<>> connect_socket(tcp::socket& socket, tcp::endpoint to) {
  error_code ec;
  co_await socket.async_connect(to, asio::redirect_error(asio::use_awaitable, ec));
  if (ec == asio::error::operation_aborted) {
    throw boost::system::system_error(ec);
  }
  if (ec) {
    co_return fail(errc::unreachable, ec.message());
  }
  co_return result<>{};
}

/// Tries the addresses one after the other; answers the last failure where none can be reached.
asio::awaitable<result<tcp::socket>> connect_any(time_source& time, const origin& to,
                                                 const endpoint_list& addresses, duration patience) {
  const auto executor = co_await asio::this_coro::executor;
  failure last;
  for (const tcp::endpoint& address : addresses) {
    tcp::socket socket(executor);
    const std::string phase = fmt::format("{}: connecting to {}", to.text(), to_text(address));
    const auto connected =
        co_await with_deadline(time, time.steady_now() + patience, phase, connect_socket(socket, address));
    if (connected) {
      prepare(socket);
      co_return socket;
    }
    last = connected.error();
    if (!last.is(errc::timed_out)) {
      last.detail = phase + ": " + last.detail;
    }
  }
  co_return std::unexpected(std::move(last));
}

/// Makes the certificate's check cover the peer's name or address; to be done before the handshake.
bool expect_peer(SSL* session, const origin& to) {
  error_code not_an_address;
  asio::ip::make_address(to.host, not_an_address);
  X509_VERIFY_PARAM* const checks = ::SSL_get0_param(session);
  if (!not_an_address) {
    return ::X509_VERIFY_PARAM_set1_ip_asc(checks, to.host.c_str()) == 1;
  }
  // As browsers do: a name counts only where it is a subject alternative name.
  ::X509_VERIFY_PARAM_set_hostflags(
      checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return ::X509_VERIFY_PARAM_set1_host(checks, to.host.c_str(), to.host.size()) == 1 &&
         ::SSL_set_tlsext_host_name(session, to.host.c_str()) == 1;
}

template <class Carrier>
asio::awaitable<result<>> shake_hands(connection_pointer<tls_over<Carrier>> on) {
  error_code ec;
  co_await on->stream.async_handshake(ssl::stream_base::client,
                                      asio::redirect_error(asio::use_awaitable, ec));
  if (ec == asio::error::operation_aborted) {
    throw boost::system::system_error(ec);
  }
  if (!ec) {
    co_return result<>{};
  }
  const long verdict = ::SSL_get_verify_result(on->stream.native_handle());
  if (verdict != X509_V_OK) {
    co_return fail(errc::untrusted, fmt::format("the certificate is not trusted: {}",
                                                ::X509_verify_cert_error_string(verdict)));
  }
  co_return fail(errc::unreachable, reason(ec));
}

/// TLS with `to`, on what carries bytes to it: a socket, or TLS with a proxy.
template <class Carrier>
asio::awaitable<result<connection_pointer<tls_over<Carrier>>>> start_tls(time_source& time, origin to,
                                                                         connection_pointer<Carrier> under,
                                                                         connect_options options) {
  const auto on =
      std::make_shared<connection_state<tls_over<Carrier>>>(std::move(under->stream), options.trust->context);
  on->peer = std::move(under->peer);
  const std::string phase = to.text() + ": TLS handshake";
  if (!expect_peer(on->stream.native_handle(), to)) {
    co_return fail(errc::invalid, phase + ": the host's name cannot be checked");
  }
  const auto done =
      co_await with_deadline(time, time.steady_now() + options.handshake, phase, shake_hands<Carrier>(on));
  if (!done) {
    co_return done.error().is(errc::timed_out) ? std::unexpected(done.error()) : fail_in(phase, done.error());
  }
  co_return on;
}

asio::awaitable<result<connection_pointer<plain_stream>>> connect_socket_to(time_source& time, origin to,
                                                                            connect_options options) {
  const auto addresses = co_await resolve(time, to, options.resolve);
  if (!addresses) {
    co_return std::unexpected(addresses.error());
  }
  auto socket = co_await connect_any(time, to, *addresses, options.connect);
  if (!socket) {
    co_return std::unexpected(socket.error());
  }
  error_code gone;
  std::string peer = to_text(socket->remote_endpoint(gone));
  co_return make_plain_connection(std::move(*socket), std::move(peer));
}

/// What `to` asks for on a connection that reaches it.
template <class Carrier>
asio::awaitable<result<std::unique_ptr<transport>>> secure(time_source& time, origin to,
                                                           connection_pointer<Carrier> on,
                                                           connect_options options) {
  if (to.security == security::plain) {
    std::unique_ptr<transport> made = std::make_unique<socket_transport<Carrier>>(on);
    co_return made;
  }
  const auto secured = co_await start_tls(time, to, on, options);
  if (!secured) {
    co_return std::unexpected(secured.error());
  }
  std::unique_ptr<transport> made = std::make_unique<socket_transport<tls_over<Carrier>>>(*secured);
  co_return made;
}

/// Makes the connection to a proxy one to `to`.
template <class Carrier>
asio::awaitable<result<std::unique_ptr<transport>>> tunnel(time_source& time, proxy through, origin to,
                                                           connection_pointer<Carrier> on,
                                                           connect_options options) {
  // Closed where the tunnel does not come about, and left open for what follows where it does.
  socket_transport<Carrier> wire(std::move(on));
  const std::string phase = tunnel_phase(through, to) + ": waiting for its answer";
  const auto opened =
      co_await with_deadline(time, time.steady_now() + options.tunnel, phase, open_tunnel(wire, through, to));
  if (!opened) {
    co_return std::unexpected(opened.error());
  }
  auto made = co_await secure(time, to, wire.release(), options);
  co_return made;
}

asio::awaitable<result<std::unique_ptr<transport>>> connect_through(time_source& time, proxy through,
                                                                    origin to, connect_options options) {
  const std::string phase = tunnel_phase(through, to);
  const auto reached = co_await connect_socket_to(time, through.at, options);
  if (!reached) {
    co_return fail_in(phase, reached.error());
  }
  if (through.at.security == security::plain) {
    auto made = co_await tunnel(time, through, to, *reached, options);
    co_return made;
  }
  const auto secured = co_await start_tls(time, through.at, *reached, options);
  if (!secured) {
    co_return fail_in(phase, secured.error());
  }
  auto made = co_await tunnel(time, through, to, *secured, options);
  co_return made;
}

asio::awaitable<result<std::unique_ptr<transport>>> connect_to(time_source& time, origin to,
                                                               connect_options options) {
  const proxy* const through = options.proxies ? options.proxies->on_the_way_to(to) : nullptr;
  const bool is_secured =
      to.security == security::tls || (through != nullptr && through->at.security == security::tls);
  if (is_secured && !options.trust) {
    co_return fail(errc::invalid, to.text() + ": no trusted certificates were given");
  }
  if (through != nullptr) {
    auto made = co_await connect_through(time, *through, to, options);
    co_return made;
  }
  const auto reached = co_await connect_socket_to(time, to, options);
  if (!reached) {
    co_return std::unexpected(reached.error());
  }
  auto made = co_await secure(time, to, *reached, options);
  co_return made;
}

/// An accepted connection whose handshake is made when it is first used.
struct greeted_connection {
  enum class state { fresh, greeting, secured, failed };

  greeted_connection(connection_pointer<tls_over<plain_stream>> accepted, time_source& source, logger& to)
      : on(std::move(accepted)), time(source), log(to) {}

  connection_pointer<tls_over<plain_stream>> on;
  time_source& time;
  logger& log;
  state now = state::fresh;
  condition changed;
};

asio::awaitable<result<>> answer_handshake(connection_pointer<tls_over<plain_stream>> on) {
  error_code ec;
  co_await on->stream.async_handshake(ssl::stream_base::server,
                                      asio::redirect_error(asio::use_awaitable, ec));
  if (!ec) {
    co_return result<>{};
  }
  if (ec == asio::error::operation_aborted && !on->is_closed) {
    throw boost::system::system_error(ec);
  }
  const long verdict = ::SSL_get_verify_result(on->stream.native_handle());
  co_return fail(errc::closed, verdict == X509_V_OK ? reason(ec)
                                                    : fmt::format("the client's certificate is refused: {}",
                                                                  ::X509_verify_cert_error_string(verdict)));
}

asio::awaitable<result<>> greet_alone(std::shared_ptr<greeted_connection> with) {
  struct ending {
    explicit ending(greeted_connection& what) : of(what) { of.now = greeted_connection::state::greeting; }
    ~ending() {
      of.now = is_secured ? greeted_connection::state::secured : greeted_connection::state::failed;
      of.changed.notify_all();
    }
    ending(const ending&) = delete;
    ending& operator=(const ending&) = delete;

    greeted_connection& of;
    bool is_secured = false;
  };
  ending at_the_end(*with);
  const auto done =
      co_await with_deadline(with->time, with->time.steady_now() + accepted_handshake_max,
                             "the peer did not finish the TLS handshake in time", answer_handshake(with->on));
  at_the_end.is_secured = done.has_value();
  if (!done) {
    with->log.debug("tls_handshake_failed", {{"peer", with->on->peer}, {"reason", done.error().text()}});
    co_return fail(errc::closed, with->on->peer + ": TLS handshake: " + done.error().text());
  }
  co_return done;
}

/// Returns when the connection is secured, whoever of a reader and a writer began to make it so.
asio::awaitable<result<>> greet(std::shared_ptr<greeted_connection> with) {
  if (with->now == greeted_connection::state::fresh) {
    co_return co_await greet_alone(with);
  }
  while (with->now == greeted_connection::state::greeting) {
    co_await with->changed.wait();
  }
  if (with->now == greeted_connection::state::failed) {
    co_return fail(errc::closed, with->on->peer + ": TLS handshake: it failed before");
  }
  co_return result<>{};
}

asio::awaitable<result<std::size_t>> read_greeted(std::shared_ptr<greeted_connection> from,
                                                  std::span<char> into) {
  const auto greeted = co_await greet(from);
  if (!greeted) {
    co_return std::unexpected(greeted.error());
  }
  co_return co_await read_from(from->on, into);
}

asio::awaitable<result<>> write_greeted(std::shared_ptr<greeted_connection> to, std::string_view bytes) {
  const auto greeted = co_await greet(to);
  if (!greeted) {
    co_return greeted;
  }
  co_return co_await write_to(to->on, bytes);
}

class greeted_transport final : public transport {
 public:
  explicit greeted_transport(std::shared_ptr<greeted_connection> with)
      : with_(std::move(with)), under_(with_->on) {}

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    return read_greeted(with_, into);
  }
  asio::awaitable<result<>> write(std::string_view bytes) override { return write_greeted(with_, bytes); }
  void end_writing() noexcept override { under_.end_writing(); }
  void close() noexcept override { under_.close(); }
  void reset() noexcept override { under_.reset(); }
  std::string peer() const override { return under_.peer(); }

 private:
  std::shared_ptr<greeted_connection> with_;
  socket_transport<tls_over<plain_stream>> under_;
};

/// What an acceptor secures connections with.
struct acceptor_security {
  tls_context_source source;
  logger& log;
};

struct acceptor_state {
  acceptor_state(const asio::any_io_executor& executor, time_source& source)
      : acceptor(executor), time(source) {}

  tcp::acceptor acceptor;
  time_source& time;
  std::optional<acceptor_security> security = {};
  origin local;
  bool is_closed = false;
};

/// The transport of an accepted socket; nothing where there is no memory for its session.
std::unique_ptr<transport> make_accepted(acceptor_state& by, tcp::socket socket, std::string peer) {
  const auto context = by.security ? by.security->source() : nullptr;
  if (!context) {
    return make_plain_transport(std::move(socket), std::move(peer));
  }
  SSL* const session = context->make_session();
  if (session == nullptr) {
    return nullptr;
  }
  auto on = std::make_shared<connection_state<tls_over<plain_stream>>>(std::move(socket), session);
  on->peer = std::move(peer);
  return std::make_unique<greeted_transport>(
      std::make_shared<greeted_connection>(std::move(on), by.time, by.security->log));
}

asio::awaitable<result<std::unique_ptr<transport>>> accept_from(std::shared_ptr<acceptor_state> on) {
  while (true) {
    if (on->is_closed) {
      co_return fail(errc::closed, on->local.text() + ": the listener was closed");
    }
    const auto executor = co_await asio::this_coro::executor;
    tcp::socket socket(executor);
    error_code ec;
    co_await on->acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) {
      prepare(socket);
      error_code gone;
      std::string peer = to_text(socket.remote_endpoint(gone));
      if (auto made = make_accepted(*on, std::move(socket), std::move(peer))) {
        co_return made;
      }
    }
    if (ec == asio::error::operation_aborted && !on->is_closed) {
      throw boost::system::system_error(ec);
    }
    // A peer that went before it was accepted is its own misfortune; everything else (no file
    // descriptors left, say) passes, but not at once.
    if (!on->is_closed && ec != asio::error::connection_aborted) {
      co_await on->time.sleep_for(accept_pause);
    }
  }
}

class socket_listener final : public listener {
 public:
  explicit socket_listener(std::shared_ptr<acceptor_state> on) : on_(std::move(on)) {}
  ~socket_listener() override { socket_listener::close(); }
  socket_listener(const socket_listener&) = delete;
  socket_listener& operator=(const socket_listener&) = delete;

  asio::awaitable<result<std::unique_ptr<transport>>> accept() override { return accept_from(on_); }
  origin local() const override { return on_->local; }
  void close() noexcept override {
    on_->is_closed = true;
    error_code ignored;
    on_->acceptor.close(ignored);
  }

 private:
  std::shared_ptr<acceptor_state> on_;
};

error_code open_acceptor(tcp::acceptor& acceptor, const tcp::endpoint& at) {
  error_code ec;
  acceptor.open(at.protocol(), ec);
  if (!ec) {
    // Else a restart would have to wait for the connections of the last run to time out.
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  }
  if (!ec) {
    acceptor.bind(at, ec);
  }
  if (!ec) {
    acceptor.listen(accept_backlog, ec);
  }
  return ec;
}

result<std::unique_ptr<listener>> listen_on(std::shared_ptr<acceptor_state> on, std::string_view host,
                                            std::uint16_t port) {
  error_code ec;
  const auto address = asio::ip::make_address(std::string(host), ec);
  if (ec) {
    return fail(errc::invalid, fmt::format("listening on {}:{}: the host is not an IP address", host, port));
  }
  const tcp::endpoint at(address, port);
  ec = open_acceptor(on->acceptor, at);
  if (ec == asio::error::address_in_use) {
    return fail(errc::conflict,
                fmt::format("listening on {}: the port is in use by another program", to_text(at)));
  }
  if (ec) {
    return fail(errc::invalid, fmt::format("listening on {}: {}", to_text(at), ec.message()));
  }
  on->local = {.security = on->security && on->security->source() ? security::tls : security::plain,
               .host = std::string(host),
               .port = on->acceptor.local_endpoint(ec).port()};
  return std::make_unique<socket_listener>(std::move(on));
}

class socket_network final : public network {
 public:
  explicit socket_network(time_source& time) : time_(time) {}

  asio::awaitable<result<std::unique_ptr<transport>>> connect(origin to, connect_options options) override {
    return connect_to(time_, std::move(to), std::move(options));
  }

  result<std::unique_ptr<listener>> listen(const asio::any_io_executor& executor, std::string_view host,
                                           std::uint16_t port) override {
    return listen_on(std::make_shared<acceptor_state>(executor, time_), host, port);
  }

 private:
  time_source& time_;
};

result<> add_certificates(ssl::context& context, const std::filesystem::path& file) {
  if (!std::ifstream(file)) {
    return fail(errc::invalid, file.string() + ": the certificate file cannot be read");
  }
  error_code ec;
  context.load_verify_file(file.string(), ec);
  if (ec) {
    return fail(errc::invalid, file.string() + ": the file holds no certificate in PEM form");
  }
  return {};
}

}  // namespace

result<std::shared_ptr<tls_trust>> load_tls_trust(const std::optional<std::filesystem::path>& extra_ca_file) {
  auto trust = std::make_shared<tls_trust>();
  ssl::context& context = trust->context;
  error_code ec;
  context.set_default_verify_paths(ec);
  if (ec) {
    return fail(errc::invalid, "the system's certificates cannot be read: " + reason(ec));
  }
  if (extra_ca_file) {
    if (auto added = add_certificates(context, *extra_ca_file); !added) {
      return std::unexpected(added.error());
    }
  }
  context.set_verify_mode(ssl::verify_peer);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION);
  return trust;
}

result<std::unique_ptr<listener>> listen_secured(const asio::any_io_executor& executor, std::string_view host,
                                                 std::uint16_t port, tls_context_source source,
                                                 time_source& time, logger& log) {
  auto on = std::make_shared<acceptor_state>(executor, time);
  on->security.emplace(std::move(source), log);
  return listen_on(std::move(on), host, port);
}

std::unique_ptr<network> make_socket_network(time_source& time) {
  return std::make_unique<socket_network>(time);
}

}  // namespace pushguard
