#include "agent/audit_backlog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "base/task_group.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/refusing_store.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::agent {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class AuditBacklog : public testing::Test {
 protected:
  /// The `n`s of what is in the trail, in order.
  std::vector<std::string> stored() {
    std::vector<std::string> found;
    for (const store::audit_row& row : test::must(test::simulate(context_, time_, store_.audit_page({}))))
      found.push_back(row.details);
    return found;
  }
  void add(int n) { backlog_.add(store::test::sample_audit(n)); }
  bool flush() { return test::simulate(context_, time_, backlog_.flush()); }

  store::test::scratch_directory scratch_;
  fake_time time_;
  test::recording_logger log_;
  boost::asio::io_context context_{1};
  random_engine random_{1};
  bool is_full_ = false;
  test::refusing_store store_{
      test::must(store::open_inline_sqlite_store(test::must(try_lock(scratch_.database())))), is_full_};
  audit_backlog backlog_{store_, time_, log_, random_};
};

TEST_F(AuditBacklog, KeepsTheOrderOverFailuresAndOtherCommits) {
  is_full_ = true;
  add(1);
  add(2);
  EXPECT_FALSE(flush());
  add(3);
  {
    const auto carried = backlog_.take();
    EXPECT_THAT(carried.entries(), SizeIs(3));
    EXPECT_EQ(backlog_.size(), 0U);
    add(4);  // while the others are on their way
  }
  EXPECT_EQ(backlog_.size(), 4U) << "what was not stored came back";
  is_full_ = false;
  EXPECT_TRUE(flush());
  EXPECT_THAT(stored(), ElementsAre(R"({"n":1})", R"({"n":2})", R"({"n":3})", R"({"n":4})"));
  EXPECT_TRUE(flush()) << "nothing is left";
  EXPECT_THAT(stored(), SizeIs(4));
}

TEST_F(AuditBacklog, ForgetsWhatACallerStored) {
  add(1);
  {
    auto carried = backlog_.take();
    carried.stored();
  }
  EXPECT_EQ(backlog_.size(), 0U);
}

TEST_F(AuditBacklog, WritesByItselfAndTellsAFailureOnce) {
  boost::asio::cancellation_signal stop;
  bool has_ended = false;
  boost::asio::co_spawn(
      context_, backlog_.run(),
      boost::asio::bind_cancellation_slot(
          stop.slot(), [&](const std::exception_ptr& error) { has_ended = is_cancellation(error); }));
  is_full_ = true;
  add(1);
  test::run_simulated_for(context_, time_, std::chrono::minutes(10));
  EXPECT_THAT(log_.lines_of("audit_not_stored"), SizeIs(1));
  is_full_ = false;
  test::run_simulated_for(context_, time_, std::chrono::minutes(2));
  EXPECT_EQ(backlog_.size(), 0U);
  add(2);
  test::run_simulated_for(context_, time_, std::chrono::seconds(0));
  EXPECT_THAT(stored(), ElementsAre(R"({"n":1})", R"({"n":2})"));

  is_full_ = true;
  {
    add(3);
    const auto carried = backlog_.take();
  }
  is_full_ = false;
  test::run_simulated_for(context_, time_, std::chrono::seconds(0));
  EXPECT_THAT(stored(), SizeIs(3)) << "what a caller could not store is written without another entry";
  stop.emit(boost::asio::cancellation_type::terminal);
  test::run_simulated_for(context_, time_, std::chrono::seconds(0));
  EXPECT_TRUE(has_ended);
}

TEST_F(AuditBacklog, LosesWhatIsTooMuchAndSaysSo) {
  constexpr int most = 10'000;
  for (int n = 1; n <= most + 5; ++n)
    add(n);
  EXPECT_EQ(backlog_.size(), std::size_t{most});
  EXPECT_THAT(log_.lines_of("audit_entry_lost"), SizeIs(1));
  EXPECT_TRUE(flush());
  add(1);
  EXPECT_EQ(backlog_.size(), 1U);
}

}  // namespace
}  // namespace pushguard::agent
