#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/net.hpp"
#include "base/task_group.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;

class PipeNetwork : public testing::Test {
 protected:
  struct pair {
    std::unique_ptr<transport> here;
    std::unique_ptr<transport> there;
  };

  std::unique_ptr<listener> listen(std::string_view host = "127.0.0.1", std::uint16_t port = 0) {
    return std::move(net_->listen(context_.get_executor(), host, port).value());
  }

  asio::awaitable<pair> connect_pair(listener& to) {
    auto here = co_await net_->connect(to.local(), {});
    auto there = co_await to.accept();
    co_return pair{std::move(here.value()), std::move(there.value())};
  }

  static asio::awaitable<result<std::string>> read(transport& from, std::size_t size = 100) {
    std::string into(size, '\0');
    const auto got = co_await from.read_some(into);
    if (!got) {
      co_return std::unexpected(got.error());
    }
    into.resize(*got);
    co_return into;
  }

  template <class T>
  static asio::awaitable<void> store(asio::awaitable<T> work, std::optional<T>& into) {
    into.emplace(co_await std::move(work));
  }

  void play(const std::function<asio::awaitable<void>()>& body) { simulate(context_, time_, body()); }

  fake_time time_;
  std::unique_ptr<network> net_ = make_pipe_network();
  asio::io_context context_;
};

TEST_F(PipeNetwork, CarriesBytesBothWays) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    co_await ends.here->write("ping");
    co_await ends.there->write("pong");
    const auto ping = co_await read(*ends.there, 3);
    const auto rest = co_await read(*ends.there);
    const auto pong = co_await read(*ends.here);
    EXPECT_EQ(ping.value() + rest.value(), "ping");
    EXPECT_EQ(pong.value(), "pong");
    EXPECT_EQ(ends.here->peer(), "127.0.0.1:" + std::to_string(listener->local().port));
  });
}

TEST_F(PipeNetwork, AWriterWaitsWhenItIs64KiBAhead) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    const std::string full(64UZ * 1024, 'x');
    const auto fits = co_await ends.here->write(full);
    EXPECT_TRUE(fits.has_value());
    task_group tasks(co_await asio::this_coro::executor);
    std::optional<result<>> written;
    tasks.spawn(store(ends.here->write("y"), written));
    co_await time_.sleep_for(1s);
    EXPECT_FALSE(written.has_value());
    const auto one = co_await read(*ends.there, 1);
    EXPECT_EQ(one.value(), "x");
    co_await tasks.join();
    EXPECT_TRUE(written.value().has_value());
  });
}

TEST_F(PipeNetwork, WhatWasWrittenBeforeCloseCanBeReadThenComesTheEnd) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    co_await ends.here->write("last words");
    ends.here->close();
    ends.here->close();
    const auto words = co_await read(*ends.there);
    const auto end = co_await read(*ends.there);
    const auto still_the_end = co_await read(*ends.there);
    EXPECT_EQ(words.value(), "last words");
    EXPECT_EQ(end.value(), "");
    EXPECT_EQ(still_the_end.value(), "");
    const auto written = co_await ends.there->write("hello?");
    EXPECT_TRUE(written.error().is(errc::closed));
    const auto own = co_await read(*ends.here);
    EXPECT_TRUE(own.error().is(errc::closed));
  });
}

TEST_F(PipeNetwork, AfterAResetThePeersReadFails) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    co_await ends.here->write("cut");
    ends.here->reset();
    const auto words = co_await read(*ends.there);
    EXPECT_EQ(words.value(), "cut");
    const auto end = co_await read(*ends.there);
    EXPECT_TRUE(end.error().is(errc::closed));
  });
}

TEST_F(PipeNetwork, EndWritingEndsOneDirectionOnly) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    ends.here->end_writing();
    const auto end = co_await read(*ends.there);
    EXPECT_EQ(end.value(), "");
    co_await ends.there->write("answer");
    const auto answer = co_await read(*ends.here);
    EXPECT_EQ(answer.value(), "answer");
    const auto written = co_await ends.here->write("more");
    EXPECT_TRUE(written.error().is(errc::closed));
  });
}

TEST_F(PipeNetwork, CloseEndsWhatIsUnderWayOnBothSides) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    task_group tasks(co_await asio::this_coro::executor);
    std::optional<result<std::string>> own_read;
    std::optional<result<>> own_write;
    const std::string too_much(100'000, 'x');
    tasks.spawn(store(read(*ends.here), own_read));
    tasks.spawn(store(ends.here->write(too_much), own_write));
    co_await time_.sleep_for(1s);
    ends.here->close();
    co_await tasks.join();
    EXPECT_TRUE(own_read.value().error().is(errc::closed));
    EXPECT_TRUE(own_write.value().error().is(errc::closed));
  });
}

TEST_F(PipeNetwork, ACancelledReadLeavesTheConnectionUsable) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    const pair ends = co_await connect_pair(*listener);
    task_group tasks(co_await asio::this_coro::executor);
    std::optional<result<std::string>> got;
    tasks.spawn(store(read(*ends.here), got));
    co_await time_.sleep_for(1s);
    tasks.cancel();
    co_await tasks.join();
    EXPECT_FALSE(got.has_value());
    co_await ends.there->write("later");
    const auto later = co_await read(*ends.here);
    EXPECT_EQ(later.value(), "later");
  });
}

TEST_F(PipeNetwork, GivesEachListenerItsOwnPort) {
  const auto one = listen();
  const auto two = listen();
  EXPECT_NE(one->local().port, two->local().port);
  EXPECT_EQ(listen("hub.example", 8080)->local().text(), "http://hub.example:8080");
}

TEST_F(PipeNetwork, RefusesATakenPortUntilItIsFree) {
  auto first = listen("127.0.0.1", 9595);
  const auto second = net_->listen(context_.get_executor(), "127.0.0.1", 9595);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().is(errc::conflict));
  EXPECT_THAT(second.error().text(), HasSubstr("127.0.0.1:9595"));
  first.reset();
  EXPECT_TRUE(net_->listen(context_.get_executor(), "127.0.0.1", 9595).has_value());
}

TEST_F(PipeNetwork, RefusesConnectionsWhereNobodyListens) {
  play([&]() -> asio::awaitable<void> {
    const origin nobody{.security = security::plain, .host = "127.0.0.1", .port = 9};
    const auto refused = co_await net_->connect(nobody, {});
    EXPECT_TRUE(refused.error().is(errc::unreachable));
    EXPECT_THAT(refused.error().text(), HasSubstr("http://127.0.0.1:9"));
  });
}

TEST_F(PipeNetwork, ClosingAListenerEndsItsWaitAndDropsWhoWasNotAccepted) {
  const auto listener = listen();
  play([&]() -> asio::awaitable<void> {
    auto waiting = co_await net_->connect(listener->local(), {});
    auto accepted = co_await listener->accept();
    auto dropped = co_await net_->connect(listener->local(), {});
    listener->close();
    listener->close();
    const auto next = co_await listener->accept();
    EXPECT_TRUE(next.error().is(errc::closed));
    const auto end = co_await read(**dropped);
    EXPECT_TRUE(end.error().is(errc::closed));
    co_await (*accepted)->write("still here");
    const auto words = co_await read(**waiting);
    EXPECT_EQ(words.value(), "still here");
  });
}

}  // namespace
}  // namespace pushguard::test
