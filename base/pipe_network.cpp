#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <map>

#include "base/condition.hpp"
#include "base/connect_tunnel.hpp"
#include "base/net.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;

// What a socket's buffers hold, about: a writer that is further ahead waits for its reader.
constexpr std::size_t pipe_capacity = 64UZ * 1024;
// Connections made but not accepted; more are refused, so that a stuck server is seen as one.
constexpr std::size_t backlog_max = 1024;
constexpr std::uint16_t first_port = 40000;

/// Bytes on their way in one direction.
struct pipe_channel {
  std::string bytes;
  bool is_ended = false;      ///< the writer closed: what is left can be read, then the end
  bool is_reset = false;      ///< the writer reset: what is left can be read, then a failure
  bool is_abandoned = false;  ///< the reader closed
  condition changed;
};

using channel_pointer = std::shared_ptr<pipe_channel>;

asio::awaitable<result<std::size_t>> read_from(channel_pointer in, std::span<char> into) {
  while (true) {
    if (in->is_abandoned) {
      co_return fail(errc::closed, "the connection was closed on this side");
    }
    if (!in->bytes.empty()) {
      const std::size_t taken = in->bytes.copy(into.data(), into.size());
      in->bytes.erase(0, taken);
      in->changed.notify_all();
      co_return taken;
    }
    if (in->is_reset) {
      co_return fail(errc::closed, "the peer reset the connection");
    }
    if (in->is_ended) {
      co_return std::size_t{0};
    }
    co_await in->changed.wait();
  }
}

asio::awaitable<result<>> write_to(channel_pointer out, std::string_view bytes) {
  while (true) {
    if (out->is_ended) {
      co_return fail(errc::closed, "the connection was closed on this side");
    }
    if (out->is_abandoned) {
      co_return fail(errc::closed, "the peer closed the connection");
    }
    const std::size_t room = pipe_capacity - out->bytes.size();
    const std::string_view piece = bytes.substr(0, room);
    if (!piece.empty()) {
      out->bytes += piece;
      out->changed.notify_all();
      bytes.remove_prefix(piece.size());
    }
    if (bytes.empty()) {
      co_return result<>{};
    }
    co_await out->changed.wait();
  }
}

class pipe_transport final : public transport {
 public:
  pipe_transport(channel_pointer in, channel_pointer out, std::string peer)
      : in_(std::move(in)), out_(std::move(out)), peer_(std::move(peer)) {}
  ~pipe_transport() override { pipe_transport::close(); }
  pipe_transport(const pipe_transport&) = delete;
  pipe_transport& operator=(const pipe_transport&) = delete;

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    return read_from(in_, into);
  }
  asio::awaitable<result<>> write(std::string_view bytes) override { return write_to(out_, bytes); }

  void end_writing() noexcept override {
    out_->is_ended = true;
    out_->changed.notify_all();
  }

  void close() noexcept override {
    out_->is_ended = true;
    in_->is_abandoned = true;
    in_->bytes.clear();
    out_->changed.notify_all();
    in_->changed.notify_all();
  }

  void reset() noexcept override {
    if (!in_->is_abandoned) {
      out_->is_reset = true;
    }
    close();
  }

  std::string peer() const override { return peer_; }

 private:
  channel_pointer in_;
  channel_pointer out_;
  std::string peer_;
};

using address = std::pair<std::string, std::uint16_t>;

/// What the network and a listener share.
struct pipe_port {
  origin local;
  std::deque<std::unique_ptr<transport>> backlog;
  bool is_closed = false;
  condition arrived;
};

struct pipe_ports {
  std::map<address, std::shared_ptr<pipe_port>> open;
  std::uint16_t next = first_port;
  std::uint64_t connections = 0;

  std::uint16_t free_port(const std::string& host) {
    while (open.contains({host, next}) || next < first_port) {
      ++next;
    }
    return next++;
  }
};

asio::awaitable<result<std::unique_ptr<transport>>> accept_from(std::shared_ptr<pipe_port> port) {
  while (true) {
    if (port->is_closed) {
      co_return fail(errc::closed, port->local.text() + ": the listener was closed");
    }
    if (!port->backlog.empty()) {
      auto accepted = std::move(port->backlog.front());
      port->backlog.pop_front();
      co_return accepted;
    }
    co_await port->arrived.wait();
  }
}

class pipe_listener final : public listener {
 public:
  pipe_listener(std::shared_ptr<pipe_ports> ports, std::shared_ptr<pipe_port> port)
      : ports_(std::move(ports)), port_(std::move(port)) {}
  ~pipe_listener() override { pipe_listener::close(); }
  pipe_listener(const pipe_listener&) = delete;
  pipe_listener& operator=(const pipe_listener&) = delete;

  asio::awaitable<result<std::unique_ptr<transport>>> accept() override { return accept_from(port_); }
  origin local() const override { return port_->local; }

  void close() noexcept override {
    if (port_->is_closed) {
      return;
    }
    port_->is_closed = true;
    for (const auto& waiting : port_->backlog) {
      waiting->reset();
    }
    port_->backlog.clear();
    port_->arrived.notify_all();
    ports_->open.erase({port_->local.host, port_->local.port});
  }

 private:
  std::shared_ptr<pipe_ports> ports_;
  std::shared_ptr<pipe_port> port_;
};

asio::awaitable<result<std::unique_ptr<transport>>> connect_directly(std::shared_ptr<pipe_ports> ports,
                                                                     origin to) {
  const auto executor = co_await asio::this_coro::executor;
  // As with a socket, others get their turn before the connection stands.
  co_await asio::post(executor, asio::use_awaitable);
  const auto found = ports->open.find({to.host, to.port});
  if (found == ports->open.end()) {
    co_return fail(errc::unreachable, to.text() + ": connecting: nobody listens there");
  }
  pipe_port& port = *found->second;
  if (port.backlog.size() >= backlog_max) {
    co_return fail(errc::unreachable, to.text() + ": connecting: too many connections wait there");
  }
  const auto there = std::make_shared<pipe_channel>();
  const auto back = std::make_shared<pipe_channel>();
  port.backlog.push_back(
      std::make_unique<pipe_transport>(there, back, fmt::format("pipe-{}", ++ports->connections)));
  port.arrived.notify_all();
  std::unique_ptr<transport> made =
      std::make_unique<pipe_transport>(back, there, fmt::format("{}:{}", to.host, to.port));
  co_return made;
}

asio::awaitable<result<std::unique_ptr<transport>>> connect_through(std::shared_ptr<pipe_ports> ports,
                                                                    proxy through, origin to) {
  auto made = co_await connect_directly(std::move(ports), through.at);
  if (!made) {
    co_return fail_in(tunnel_phase(through, to), made.error());
  }
  const auto opened = co_await open_tunnel(**made, through, to);
  if (!opened) {
    co_return std::unexpected(opened.error());
  }
  co_return std::move(*made);
}

class pipe_network final : public network {
 public:
  asio::awaitable<result<std::unique_ptr<transport>>> connect(origin to, connect_options options) override {
    const proxy* const through = options.proxies ? options.proxies->on_the_way_to(to) : nullptr;
    return through ? connect_through(ports_, *through, std::move(to))
                   : connect_directly(ports_, std::move(to));
  }

  result<std::unique_ptr<listener>> listen(const asio::any_io_executor&, std::string_view host,
                                           std::uint16_t port) override {
    const std::string name(host);
    const std::uint16_t given = port == 0 ? ports_->free_port(name) : port;
    if (ports_->open.contains({name, given})) {
      return fail(errc::conflict, fmt::format("listening on {}:{}: the port is in use", name, given));
    }
    auto made = std::make_shared<pipe_port>();
    made->local = origin{.security = security::plain, .host = name, .port = given};
    ports_->open.emplace(address{name, given}, made);
    return std::make_unique<pipe_listener>(ports_, std::move(made));
  }

 private:
  std::shared_ptr<pipe_ports> ports_ = std::make_shared<pipe_ports>();
};

}  // namespace

std::unique_ptr<network> make_pipe_network() {
  return std::make_unique<pipe_network>();
}

}  // namespace pushguard
