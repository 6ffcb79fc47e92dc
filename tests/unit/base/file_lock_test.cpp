#include "base/file_lock.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/scratch_directory.hpp"

namespace pushguard {
namespace {

using test::must;
using test::scratch_directory;

TEST(FileLock, IsHeldOnce) {
  const scratch_directory scratch;
  const auto held = must(try_lock(scratch.path() / "state.db"));
  const auto second = try_lock(scratch.path() / "state.db");
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(errc::conflict));
  EXPECT_EQ(second.error().text(),
            fmt::format("{} is in use by process {}", held.path().string(), ::getpid()));
}

TEST(FileLock, IsFreeAgainWhenItsHolderIsGone) {
  const scratch_directory scratch;
  {
    const auto held = must(try_lock(scratch.path() / "state.db"));
  }
  EXPECT_TRUE(try_lock(scratch.path() / "state.db"));
}

TEST(FileLock, IsTheSameUnderAnotherName) {
  const scratch_directory scratch;
  std::ofstream(scratch.path() / "state.db").close();
  std::filesystem::create_symlink(scratch.path() / "state.db", scratch.path() / "alias.db");
  const auto held = must(try_lock(scratch.path() / "alias.db"));
  EXPECT_FALSE(try_lock(scratch.path() / "state.db"));
  EXPECT_FALSE(try_lock(scratch.path() / "." / "state.db"));
}

TEST(FileLock, IsNotSharedBetweenDatabases) {
  const scratch_directory scratch;
  const auto held = must(try_lock(scratch.path() / "state.db"));
  EXPECT_TRUE(try_lock(scratch.path() / "other.db"));
}

TEST(FileLock, NeedsADirectory) {
  const scratch_directory scratch;
  const auto lock = try_lock(scratch.path() / "nowhere" / "state.db");
  ASSERT_FALSE(lock);
  EXPECT_TRUE(lock.error().is(errc::storage));
}

}  // namespace
}  // namespace pushguard
