#include "agent/store/store_lock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

TEST(StoreLock, IsHeldOnce) {
  const scratch_directory scratch;
  const auto held = must(try_lock(scratch.database()));
  const auto second = try_lock(scratch.database());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(errc::conflict));
  EXPECT_EQ(second.error().text(),
            fmt::format("{} is in use by another agent (process {})", held.database().string(), ::getpid()));
}

TEST(StoreLock, IsFreeAgainWhenItsHolderIsGone) {
  const scratch_directory scratch;
  {
    const auto held = must(try_lock(scratch.database()));
  }
  EXPECT_TRUE(try_lock(scratch.database()));
}

TEST(StoreLock, IsHeldAsLongAsTheDatabaseIsOpen) {
  const scratch_directory scratch;
  {
    const auto database = open(scratch.database());
    EXPECT_FALSE(try_lock(scratch.database()));
  }
  EXPECT_TRUE(try_lock(scratch.database()));
}

TEST(StoreLock, IsTheSameUnderAnotherName) {
  const scratch_directory scratch;
  std::ofstream(scratch.database()).close();
  std::filesystem::create_symlink(scratch.database(), scratch.path() / "alias.db");
  const auto held = must(try_lock(scratch.path() / "alias.db"));
  EXPECT_FALSE(try_lock(scratch.database()));
  EXPECT_FALSE(try_lock(scratch.path() / "." / "state.db"));
}

TEST(StoreLock, IsNotSharedBetweenDatabases) {
  const scratch_directory scratch;
  const auto held = must(try_lock(scratch.database()));
  EXPECT_TRUE(try_lock(scratch.path() / "other.db"));
}

TEST(StoreLock, NeedsADirectory) {
  const scratch_directory scratch;
  const auto lock = try_lock(scratch.path() / "nowhere" / "state.db");
  ASSERT_FALSE(lock);
  EXPECT_TRUE(lock.error().is(errc::storage));
}

}  // namespace
}  // namespace pushguard::store::test
