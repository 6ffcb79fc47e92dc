#include "tests/bench/decision/observed_listener.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::string text_of(const tcp::endpoint& end) {
  return fmt::format("{}:{}", end.address().to_string(), end.port());
}

/// What one recvmsg(2) brought.
struct received {
  ssize_t bytes = 0;  ///< -1: `error`
  int error = 0;
  steady_time at = {};
};

/// When what was received came. The kernel notes it by the calendar, and soon after the first socket asks for
/// it; what came before that came now.
steady_time arrival_of(msghdr& message) {
  const steady_time now = std::chrono::steady_clock::now();
  for (cmsghdr* told = CMSG_FIRSTHDR(&message); told != nullptr; told = CMSG_NXTHDR(&message, told)) {
    if (told->cmsg_level != SOL_SOCKET || told->cmsg_type != SCM_TIMESTAMPNS)
      continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(told), sizeof stamp);
    const auto since = std::chrono::system_clock::now().time_since_epoch() -
                       (std::chrono::seconds(stamp.tv_sec) + std::chrono::nanoseconds(stamp.tv_nsec));
    return now - std::max(since, decltype(since)::zero());
  }
  return now;
}

received receive(int socket, std::span<char> into) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  iovec place{.iov_base = into.data(), .iov_len = into.size()};
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t bytes = ::recvmsg(socket, &message, MSG_DONTWAIT);
  if (bytes < 0)
    return {.bytes = bytes, .error = errno};
  return {.bytes = bytes, .at = arrival_of(message)};
}

class observed_transport final : public transport {
 public:
  observed_transport(tcp::socket socket, wire_observer& observer)
      : socket_(std::move(socket)), observer_(observer) {
    error_code gone;
    peer_ = text_of(socket_.remote_endpoint(gone));
    socket_.set_option(tcp::no_delay(true), gone);
    const int on = 1;
    static_cast<void>(::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
  }

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    for (;;) {
      const received got = receive(socket_.native_handle(), into);
      if (got.bytes >= 0) {
        const auto size = static_cast<std::size_t>(got.bytes);
        observer_.was_read(this, {into.data(), size}, got.at);
        co_return size;
      }
      if (got.error != EAGAIN && got.error != EINTR)
        co_return fail(errc::closed, std::generic_category().message(got.error));
      error_code ec;
      co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, ec));
      if (ec)
        co_return fail(errc::closed, ec.message());
    }
  }
  asio::awaitable<result<>> write(std::string_view bytes) override {
    observer_.is_written(this, bytes);
    error_code ec;
    co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
      co_return fail(errc::closed, ec.message());
    co_return result<>{};
  }
  void end_writing() noexcept override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }
  void reset() noexcept override {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }
  std::string peer() const override { return peer_; }

 private:
  tcp::socket socket_;
  wire_observer& observer_;
  std::string peer_;
};

class observed_listener final : public listener {
 public:
  observed_listener(const asio::any_io_executor& executor, wire_observer& observer)
      : acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        observer_(observer),
        local_{.security = security::plain, .host = "127.0.0.1", .port = acceptor_.local_endpoint().port()} {}

  asio::awaitable<result<std::unique_ptr<transport>>> accept() override {
    error_code ec;
    tcp::socket accepted = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
      co_return fail(errc::closed, ec.message());
    co_return std::make_unique<observed_transport>(std::move(accepted), observer_);
  }
  origin local() const override { return local_; }
  void close() noexcept override {
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  tcp::acceptor acceptor_;
  wire_observer& observer_;
  origin local_;
};

}  // namespace

std::unique_ptr<listener> listen_observed(const asio::any_io_executor& executor, wire_observer& observer) {
  return std::make_unique<observed_listener>(executor, observer);
}

}  // namespace pushguard::bench
