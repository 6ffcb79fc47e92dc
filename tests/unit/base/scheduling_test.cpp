#include "base/scheduling.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

namespace pushguard {
namespace {

int niceness() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
}

TEST(Scheduling, IsAThreadsOwn) {
  const int before = niceness();
  int meanwhile = before;
  int after = before;
  std::thread([&] {
    run_soon();
    meanwhile = niceness();
    give_way(before + 1);
    run_soon();
    after = niceness();
  }).join();
  EXPECT_EQ(meanwhile, before) << "its share stays the same";
  EXPECT_EQ(after, before + 1);
  EXPECT_EQ(niceness(), before);
}

}  // namespace
}  // namespace pushguard
