#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcntl.h>

#include "base/net.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;

class SocketNetwork : public testing::Test {
 protected:
  struct pair {
    std::unique_ptr<transport> here;
    std::unique_ptr<transport> there;
  };

  std::unique_ptr<listener> listen(std::string_view host = "127.0.0.1", std::uint16_t port = 0) {
    return std::move(net().listen(world_->context().get_executor(), host, port).value());
  }

  network& net() { return world_->net(); }

  asio::awaitable<pair> connect_pair(listener& to) {
    auto here = co_await net().connect(to.local(), {});
    auto there = co_await to.accept();
    co_return pair{std::move(here.value()), std::move(there.value())};
  }

  template <class T>
  static asio::awaitable<void> store(asio::awaitable<T> work, std::optional<T>& into) {
    into.emplace(co_await std::move(work));
  }

  void play(const std::function<asio::awaitable<void>()>& body) { world_->run(body()); }

  std::unique_ptr<net_world> world_ = make_socket_world();
};

TEST_F(SocketNetwork, SaysWhichPortIsInUse) {
  const auto first = listen();
  const std::uint16_t port = first->local().port;
  EXPECT_NE(port, 0);
  const auto second = net().listen(world_->context().get_executor(), "127.0.0.1", port);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().is(errc::conflict));
  EXPECT_EQ(second.error().text(),
            "listening on 127.0.0.1:" + std::to_string(port) + ": the port is in use by another program");
}

TEST_F(SocketNetwork, RefusesToListenOnWhatIsNoAddressOfThisMachine) {
  for (const char* host : {"example.com", "", "300.0.0.1", "192.0.2.1"}) {
    const auto refused = net().listen(world_->context().get_executor(), host, 0);
    ASSERT_FALSE(refused.has_value()) << host;
    EXPECT_TRUE(refused.error().is(errc::invalid)) << refused.error().text();
    EXPECT_THAT(refused.error().text(), HasSubstr("listening on"));
  }
}

TEST_F(SocketNetwork, AFreedPortCanBeTakenAtOnceThoughConnectionsWereClosedOnIt) {
  auto first = listen();
  const std::uint16_t port = first->local().port;
  play([&]() -> asio::awaitable<void> {
    pair ends = co_await connect_pair(*first);
    ends.there->close();  // who closes first keeps the port in TIME_WAIT
    ends.here->close();
  });
  first.reset();
  EXPECT_TRUE(net().listen(world_->context().get_executor(), "127.0.0.1", port).has_value());
}

TEST_F(SocketNetwork, NamesPeerAndPhaseWhenNobodyListens) {
  auto gone = listen();
  const origin nobody = gone->local();
  gone.reset();
  play([&]() -> asio::awaitable<void> {
    const auto refused = co_await net().connect(nobody, {});
    EXPECT_TRUE(refused.error().is(errc::unreachable));
    EXPECT_EQ(refused.error().text(),
              nobody.text() + ": connecting to " + nobody.authority() + ": Connection refused");
  });
}

TEST_F(SocketNetwork, NamesPeerAndPhaseWhenTheNameIsUnknown) {
  play([&]() -> asio::awaitable<void> {
    const steady_time start = world_->time().steady_now();
    const auto refused = co_await net().connect(
        {.security = security::plain, .host = "nowhere.invalid", .port = 80}, {.resolve = 2s});
    // Without a name server the system's resolver may take longer than we wait.
    EXPECT_TRUE(refused.error().is(errc::unreachable) || refused.error().is(errc::timed_out));
    EXPECT_THAT(refused.error().text(), HasSubstr("http://nowhere.invalid: resolving the name"));
    EXPECT_LT(world_->time().steady_now() - start, 4s);
  });
}

TEST_F(SocketNetwork, TriesAllAddressesOfAName) {
  // localhost is ::1 and 127.0.0.1 on most machines; the listener has only one of them.
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    origin to = listener->local();
    to.host = "localhost";
    const auto made = co_await net().connect(to, {});
    EXPECT_TRUE(made.has_value()) << made.error().text();
  });
}

TEST_F(SocketNetwork, GivesUpOnAnAddressThatDoesNotAnswer) {
  // A full backlog drops further requests to connect, as a dead host would.
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(fd, 0), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
  play([&]() -> asio::awaitable<void> {
    const origin to{.security = security::plain, .host = "127.0.0.1", .port = ntohs(at.sin_port)};
    std::vector<std::unique_ptr<transport>> filling;
    while (filling.size() < 10) {
      auto made = co_await net().connect(to, {.connect = 200ms});
      if (!made) {
        EXPECT_TRUE(made.error().is(errc::timed_out)) << made.error().text();
        EXPECT_EQ(made.error().text(), to.text() + ": connecting to " + to.authority() + ": timed out");
        co_return;
      }
      filling.push_back(std::move(*made));
    }
    ADD_FAILURE() << "the backlog was never full";
  });
  ::close(fd);
}

TEST_F(SocketNetwork, SpeaksIpv6) {
  auto listening = net().listen(world_->context().get_executor(), "::1", 0);
  if (!listening) {
    GTEST_SKIP() << "no IPv6 here: " << listening.error().text();
  }
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(**listening);
    EXPECT_EQ(ends.here->peer(), "[::1]:" + std::to_string((*listening)->local().port));
  });
}

TEST_F(SocketNetwork, CloseEndsWhatIsUnderWay) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    std::string too_much;
    too_much.resize(50'000'000, 'x');  // more than any socket's buffers hold
    std::array<char, 16> into;
    std::optional<result<std::size_t>> read;
    std::optional<result<>> written;
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(store(ends.here->read_some(into), read));
    tasks.spawn(store(ends.here->write(too_much), written));
    co_await world_->time().sleep_for(50ms);
    EXPECT_FALSE(written.has_value());
    ends.here->close();
    ends.here->close();
    co_await tasks.join();
    EXPECT_TRUE(read.value().error().is(errc::closed));
    EXPECT_TRUE(written.value().error().is(errc::closed));
    const auto later = co_await ends.here->read_some(into);
    EXPECT_TRUE(later.error().is(errc::closed));
  });
}

TEST_F(SocketNetwork, CancellationEndsWhatIsUnderWay) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    std::string too_much;
    too_much.resize(50'000'000, 'x');  // more than any socket's buffers hold
    std::array<char, 16> into;
    std::optional<result<std::size_t>> read;
    std::optional<result<>> written;
    std::optional<result<std::unique_ptr<transport>>> accepted;
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(store(ends.here->read_some(into), read));
    tasks.spawn(store(ends.here->write(too_much), written));
    tasks.spawn(store(listener->accept(), accepted));
    co_await world_->time().sleep_for(50ms);
    tasks.cancel();
    co_await tasks.join();
    EXPECT_FALSE(read.has_value() || written.has_value() || accepted.has_value());
  });
}

TEST_F(SocketNetwork, ThePeerSeesAnEndAfterCloseAndAFailureAfterReset) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    std::array<char, 16> into;
    const pair closed = co_await connect_pair(*listener);
    co_await closed.here->write("bye");
    closed.here->close();
    const auto words = co_await closed.there->read_some(into);
    const auto end = co_await closed.there->read_some(into);
    EXPECT_EQ(words.value(), 3U);
    EXPECT_EQ(end.value(), 0U);

    const pair reset = co_await connect_pair(*listener);
    reset.here->reset();
    const auto failed = co_await reset.there->read_some(into);
    EXPECT_TRUE(failed.error().is(errc::closed));
  });
}

TEST_F(SocketNetwork, EndWritingEndsOneDirectionOnly) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    std::array<char, 16> into;
    const pair ends = co_await connect_pair(*listener);
    ends.here->end_writing();
    const auto end = co_await ends.there->read_some(into);
    EXPECT_EQ(end.value(), 0U);
    co_await ends.there->write("answer");
    const auto answer = co_await ends.here->read_some(into);
    EXPECT_EQ(answer.value(), 6U);
  });
}

TEST_F(SocketNetwork, AcceptGoesOnAfterFileDescriptorsRanOut) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const auto waiting = co_await net().connect(listener->local(), {});
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none_left);
    std::optional<result<std::unique_ptr<transport>>> accepted;
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(store(listener->accept(), accepted));
    co_await world_->time().sleep_for(150ms);
    EXPECT_FALSE(accepted.has_value());
    ::setrlimit(RLIMIT_NOFILE, &before);
    co_await tasks.join();
    EXPECT_TRUE(accepted.value().has_value());
  });
}

TEST_F(SocketNetwork, ClosingAListenerEndsItsWait) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    std::optional<result<std::unique_ptr<transport>>> accepted;
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(store(listener->accept(), accepted));
    co_await world_->time().sleep_for(20ms);
    listener->close();
    co_await tasks.join();
    EXPECT_TRUE(accepted.value().error().is(errc::closed));
    const auto later = co_await listener->accept();
    EXPECT_TRUE(later.error().is(errc::closed));
  });
}

int option_of(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

/// The descriptors of this process that are connected to `port` of loopback, or from it.
std::vector<int> sockets_at(std::uint16_t port) {
  std::vector<int> found;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in here{};
    sockaddr_in there{};
    socklen_t size = sizeof here;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size) != 0) {
      continue;
    }
    size = sizeof there;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&there), &size) == 0 &&
        (ntohs(here.sin_port) == port || ntohs(there.sin_port) == port)) {
      found.push_back(fd);
    }
  }
  return found;
}

TEST_F(SocketNetwork, SetsTheOptionsOfALongLivedConnectionOnBothSides) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    const auto sockets = sockets_at(listener->local().port);
    EXPECT_EQ(sockets.size(), 2U);
    for (const int fd : sockets) {
      EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
      EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
      EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
    }
  });
}

}  // namespace
}  // namespace pushguard::test
