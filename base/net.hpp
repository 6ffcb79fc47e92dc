#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/proxy.hpp"
#include "base/result.hpp"
#include "base/time_source.hpp"
#include "base/url.hpp"

namespace pushguard {

/// A connection as bytes, whatever carries them: a socket, TLS, or a pipe inside the process.
/// One read and one write may be under way at once. Not thread-safe.
class transport {
 public:
  virtual ~transport() = default;

  /// Reads at least one byte into `into` (not empty). 0 means the peer ended its side in order.
  /// Fails with errc::closed after a reset, a truncated TLS stream or close().
  [[nodiscard]] virtual boost::asio::awaitable<result<std::size_t>> read_some(std::span<char> into) = 0;

  /// Writes all of `bytes`, which must stay valid until it completes.
  [[nodiscard]] virtual boost::asio::awaitable<result<>> write(std::string_view bytes) = 0;

  /// Says that nothing more will be written: the peer reads what is there, then the end. Reading goes
  /// on. Where the carrier has no such thing (TLS here), nothing happens.
  virtual void end_writing() noexcept = 0;

  /// Ends both directions at once; what is under way completes with errc::closed. Idempotent.
  virtual void close() noexcept = 0;

  /// As close(), but the peer sees a reset where the carrier has such a thing.
  virtual void reset() noexcept = 0;

  /// `127.0.0.1:4711`, or the pipe's name.
  [[nodiscard]] virtual std::string peer() const = 0;
};

class listener {
 public:
  virtual ~listener() = default;

  /// The next connection. Passing faults (a peer gone before accept, no file descriptors left) are
  /// waited out inside; errc::closed after close().
  [[nodiscard]] virtual boost::asio::awaitable<result<std::unique_ptr<transport>>> accept() = 0;

  /// Where it listens; a port asked for as 0 is answered as given by the system.
  [[nodiscard]] virtual origin local() const = 0;

  virtual void close() noexcept = 0;
};

/// Certificates that are believed: the system's, plus those of one file. Shared by connections.
class tls_trust;

/// Reads the system's trust store and, where given, `extra_ca_file` (PEM, one or more certificates).
/// Fails with errc::invalid and names the file.
[[nodiscard]] result<std::shared_ptr<tls_trust>> load_tls_trust(
    const std::optional<std::filesystem::path>& extra_ca_file);

struct connect_options {
  duration resolve = std::chrono::seconds(10);
  duration connect = std::chrono::seconds(10);  ///< for each address; all of them are tried
  duration handshake = std::chrono::seconds(15);
  duration tunnel = std::chrono::seconds(30);  ///< for a proxy's answer; it resolves and connects meanwhile
  std::shared_ptr<tls_trust> trust = {};  ///< needed for security::tls; verification cannot be turned off
  /// Which proxy stands in the way of which origin; nullptr: none does. Through a proxy, TLS is between
  /// this program and the origin, whose own name is verified; peer() of the connection is the proxy.
  std::shared_ptr<const proxy_rules> proxies = {};
};

/// Makes and takes connections.
class network {
 public:
  virtual ~network() = default;

  /// Fails with errc::unreachable, errc::timed_out or errc::untrusted, naming peer and phase; with
  /// errc::rejected where a proxy refuses to make the connection.
  [[nodiscard]] virtual boost::asio::awaitable<result<std::unique_ptr<transport>>> connect(
      origin to, connect_options options) = 0;

  /// Listens without TLS on `host` (an address) and `port` (0: any free one).
  /// Fails with errc::conflict where the port is taken, else errc::invalid.
  [[nodiscard]] virtual result<std::unique_ptr<listener>> listen(const boost::asio::any_io_executor& executor,
                                                                 std::string_view host,
                                                                 std::uint16_t port) = 0;
};

/// Sockets. TCP_NODELAY, keep-alive and TCP_USER_TIMEOUT are set. `time` must outlive it and what it
/// opens. A name that cannot be resolved in time is given up; the system's resolver may go on for a
/// while in a thread of Asio's, and destroying the io_context waits for it.
[[nodiscard]] std::unique_ptr<network> make_socket_network(time_source& time);

/// Connections inside the process, for one io_context on one thread: bytes written are read by the
/// other end, with back-pressure at 64 KiB; connecting to an address nobody listens on is refused.
/// What was written before close() or reset() can still be read. An origin with security::tls is
/// reached as it is, without TLS. Proxies are asked as on sockets, but without a deadline: there is no
/// clock here. What was opened may outlive the network.
[[nodiscard]] std::unique_ptr<network> make_pipe_network();

}  // namespace pushguard
