#include "tests/interop/cometd_relay.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

#include "base/condition.hpp"

namespace pushguard::test {

namespace asio = boost::asio;

namespace {

// As much as a socket gives at once, so that a small response comes in one piece.
constexpr std::size_t buffer_size = 64UZ * 1024;

origin on_loopback(std::uint16_t port) {
  return {.security = security::plain, .host = "127.0.0.1", .port = port};
}

}  // namespace

struct spoiling_relay::link {
  std::unique_ptr<transport> client;
  std::unique_ptr<transport> server;
  bool is_frozen = false;
  condition thawed = {};  // never notified: a frozen link only ends

  void cut() const {
    client->reset();
    server->reset();
  }
};

spoiling_relay::spoiling_relay(socket_loop& loop, std::uint16_t server_port)
    : loop_(loop),
      listener_(loop.net().listen(loop.context().get_executor(), "127.0.0.1", 0).value()),
      server_port_(server_port),
      tasks_(loop.context().get_executor()) {
  tasks_.spawn(accept_links());
}

spoiling_relay::~spoiling_relay() {
  listener_->close();
  tasks_.cancel();
  asio::co_spawn(loop_.context(), tasks_.join(), [this](const std::exception_ptr&) { has_ended_ = true; });
  static_cast<void>(loop_.run_until([this] { return has_ended_; }));
}

origin spoiling_relay::address() const {
  return listener_->local();
}

void spoiling_relay::cut() {
  for (const link* each : links_)
    each->cut();
}

void spoiling_relay::freeze() {
  for (link* each : links_)
    each->is_frozen = true;
}

void spoiling_relay::replace(std::string from, std::string to) {
  if (from.size() != to.size())
    throw std::invalid_argument("the length of a response is stated before it");
  replacement_.emplace(std::move(from), std::move(to));
}

void spoiling_relay::slow_down(std::size_t size, duration pause) noexcept {
  piece_size_ = size;
  piece_pause_ = pause;
}

asio::awaitable<void> spoiling_relay::accept_links() {
  for (;;) {
    auto client = co_await listener_->accept();
    if (!client)
      co_return;
    if (is_refusing_) {
      (*client)->reset();
    } else {
      tasks_.spawn(serve(std::move(*client)));
    }
  }
}

asio::awaitable<void> spoiling_relay::serve(std::unique_ptr<transport> client) {
  auto server = co_await loop_.net().connect(on_loopback(server_port_), {});
  if (!server) {
    client->reset();
    co_return;
  }
  link on{.client = std::move(client), .server = std::move(*server)};
  const auto place = links_.insert(links_.end(), &on);
  task_group both(loop_.context().get_executor());
  both.spawn(carry_up(on));
  both.spawn(carry_down(on));
  co_await both.join();
  links_.erase(place);
}

asio::awaitable<void> spoiling_relay::carry_up(link& on) {
  std::array<char, 4096> buffer;
  for (;;) {
    auto size = co_await on.client->read_some(buffer);
    while (on.is_frozen)
      co_await on.thawed.wait();
    if (!size || *size == 0)
      break;
    auto written = co_await on.server->write({buffer.data(), *size});
    if (!written)
      break;
  }
  on.cut();
}

asio::awaitable<void> spoiling_relay::carry_down(link& on) {
  std::string buffer(buffer_size, '\0');
  for (;;) {
    auto size = co_await on.server->read_some(buffer);
    while (on.is_frozen)
      co_await on.thawed.wait();
    if (!size || *size == 0)
      break;
    std::string bytes = buffer.substr(0, *size);
    spoil(bytes);
    const auto found = cut_behind_ ? bytes.find(*cut_behind_) : std::string::npos;
    if (found != std::string::npos) {
      bytes.resize(found + cut_behind_->size());
      cut_behind_.reset();
      co_await pass_down(on, bytes);
      on.client->end_writing();  // what was passed must arrive
      on.server->reset();
      co_return;
    }
    co_await pass_down(on, bytes);
  }
  on.client->close();
}

asio::awaitable<void> spoiling_relay::pass_down(link& on, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = piece_size_ == 0 ? bytes.size() : std::min(piece_size_, bytes.size());
    auto written = co_await on.client->write(bytes.substr(0, size));
    if (!written)
      co_return;
    bytes.remove_prefix(size);
    if (piece_size_ != 0)
      co_await loop_.time().sleep_for(piece_pause_);
  }
}

void spoiling_relay::spoil(std::string& bytes) {
  const auto found = replacement_ ? bytes.find(replacement_->first) : std::string::npos;
  if (found == std::string::npos)
    return;
  bytes.replace(found, replacement_->second.size(), replacement_->second);
  replacement_.reset();
}

}  // namespace pushguard::test
