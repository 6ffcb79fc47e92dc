#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "agent/store/ports.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

namespace asio = boost::asio;

using opener = result<std::unique_ptr<store>> (*)(file_lock, sqlite_options);

struct kind_of_store {
  const char* name;
  opener open;
};

class AnyStore : public testing::TestWithParam<kind_of_store> {
 protected:
  std::unique_ptr<store> open() { return must(GetParam().open(must(try_lock(scratch_.database())), {})); }

  /// Runs `task` to its end on this thread.
  template <class T>
  T run(asio::awaitable<T> task) {
    asio::io_context context;
    auto value = asio::co_spawn(context, std::move(task), asio::use_future);
    context.run();
    return value.get();
  }

  scratch_directory scratch_;
};

INSTANTIATE_TEST_SUITE_P(Of, AnyStore,
                         testing::Values(kind_of_store{"Threaded", open_sqlite_store},
                                         kind_of_store{"Inline", open_inline_sqlite_store}),
                         [](const auto& made) { return made.param.name; });

batch with_decision(std::int64_t id) {
  batch changes;
  changes.decisions.push_back(sample_decision(id, fmt::format("rule-{}", id)));
  return changes;
}

TEST_P(AnyStore, AnswersEveryQuestion) {
  const auto opened = open();
  auto changes = with_decision(1);
  changes.spared = {{1, {org(1)}}};
  changes.watched = {sample_watched()};
  changes.checkpoints = {{"devhub", {"/event/A__e", "7", "", "", at_second(1)}}};
  changes.alerts = {sample_alert("a")};
  changes.notifications = {sample_notification(4, "oncall")};
  EXPECT_TRUE(must(run(opened->commit(changes))).is_applied());
  EXPECT_FALSE(must(run(opened->commit(changes))).is_applied());
  EXPECT_EQ(must(run(opened->load())).watched.size(), 1U);
  EXPECT_EQ(must(run(opened->decisions({}))).size(), 1U);
  EXPECT_EQ(must(run(opened->spared_orgs_of(rollout()))), std::vector{org(1)});
  EXPECT_EQ(must(run(opened->checkpoints_of("devhub"))).size(), 1U);
  EXPECT_EQ(must(run(opened->notifications_for("oncall", 5))).total, 1U);
  EXPECT_EQ(must(run(opened->alert_records(at_second(0)))).size(), 1U);
}

TEST_P(AnyStore, ResumesOnTheThreadOfItsCaller) {
  const auto opened = open();
  std::thread::id resumed;
  const auto ask = [&]() -> asio::awaitable<void> {
    const auto loaded = co_await opened->load();
    resumed = std::this_thread::get_id();
    EXPECT_TRUE(loaded);
  };
  asio::io_context context;
  asio::co_spawn(context, ask(), asio::detached);
  context.run();
  EXPECT_EQ(resumed, std::this_thread::get_id());
}

TEST_P(AnyStore, WritesWhatManyCallersAskForAtOnce) {
  constexpr int callers = 300;
  const auto opened = open();
  asio::io_context context;
  int applied = 0;
  const auto write = [&](int id) -> asio::awaitable<void> {
    const auto outcome = co_await opened->commit(with_decision(id));
    applied += outcome && outcome->is_applied() ? 1 : 0;
  };
  for (int id = 1; id <= callers; ++id)
    asio::co_spawn(context, write(id), asio::detached);
  context.run();
  EXPECT_EQ(applied, callers);
  EXPECT_EQ(must(run(opened->decisions({.limit = 1000}))).size(), static_cast<std::size_t>(callers));
}

TEST_P(AnyStore, LetsOneOfTwoRivalsDecide) {
  const auto opened = open();
  asio::io_context context;
  int applied = 0;
  const auto write = [&](std::int64_t id) -> asio::awaitable<void> {
    batch changes;
    changes.decisions.push_back(sample_decision(id));
    const auto outcome = co_await opened->commit(std::move(changes));
    applied += outcome && outcome->is_applied() ? 1 : 0;
  };
  asio::co_spawn(context, write(1), asio::detached);
  asio::co_spawn(context, write(2), asio::detached);
  context.run();
  EXPECT_EQ(applied, 1);
}

TEST_P(AnyStore, RefusesAfterItWasClosedAndLetsGoOfTheLock) {
  const auto opened = open();
  must(run(opened->commit(with_decision(1))));
  opened->close();
  opened->close();
  const auto refused = run(opened->commit(with_decision(2)));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(errc::closed));
  const auto unread = run(opened->load());
  ASSERT_FALSE(unread);
  EXPECT_TRUE(unread.error().is(errc::closed));
  EXPECT_EQ(must(run(open()->decisions({}))).size(), 1U);
}

TEST_P(AnyStore, CannotBeOpenedOnADatabaseThatCannot) {
  const auto opened = GetParam().open(must(try_lock(scratch_.path() / "full.db")), {.pages_max = 2});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(errc::storage));
}

TEST_P(AnyStore, ServesTheSessionsOfEachHub) {
  const auto opened = open();
  const auto port = make_checkpoint_store(*opened, "devhub");
  const cometd::checkpoint at{"/event/A__e", "7", "", "", at_second(1)};
  EXPECT_TRUE(run(port->save({at})));
  EXPECT_EQ(must(run(port->load())), std::vector{at});
  EXPECT_TRUE(must(run(make_checkpoint_store(*opened, "other")->load())).empty());
}

TEST_P(AnyStore, ServesTheOutbox) {
  const auto opened = open();
  batch changes;
  changes.alerts = {sample_alert("a")};
  changes.notifications = {sample_notification(4, "oncall"), sample_notification(5, "oncall")};
  must(run(opened->commit(changes)));
  const auto port = make_outbox_store(*opened);
  EXPECT_EQ(must(run(port->load_rows("oncall", 1))).total, 2U);
  EXPECT_EQ(must(run(port->load_alerts(at_second(0)))), std::vector{sample_alert("a")});
  EXPECT_TRUE(run(port->settle({.done = {{.id = 4, .end = alerts::outbox_end::sent}}, .retried = {}})));
  EXPECT_EQ(must(run(port->load_rows("oncall", 5))).rows, std::vector{sample_notification(5, "oncall")});
}

TEST(ThreadedStore, FinishesWhatWasAskedForBeforeItCloses) {
  const scratch_directory scratch;
  asio::io_context context;
  auto opened = must(open_sqlite_store(must(try_lock(scratch.database()))));
  int applied = 0;
  const auto write = [&](int id) -> asio::awaitable<void> {
    const auto outcome = co_await opened->commit(with_decision(id));
    applied += outcome && outcome->is_applied() ? 1 : 0;
  };
  for (int id = 1; id <= 50; ++id)
    asio::co_spawn(context, write(id), asio::detached);
  context.poll();
  opened->close();
  context.restart();
  context.run();
  EXPECT_EQ(applied, 50);
}

}  // namespace
}  // namespace pushguard::store::test
