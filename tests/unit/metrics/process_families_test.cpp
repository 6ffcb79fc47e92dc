#include "metrics/process_families.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace pushguard::metrics {
namespace {

double value_of(const std::vector<prometheus::MetricFamily>& families, std::string_view name) {
  const auto found = std::ranges::find(families, name, &prometheus::MetricFamily::name);
  EXPECT_NE(found, families.end()) << name;
  if (found == families.end() || found->metric.size() != 1) {
    ADD_FAILURE() << name << " has no value";
    return -1;
  }
  return found->type == prometheus::MetricType::Counter ? found->metric[0].counter.value
                                                        : found->metric[0].gauge.value;
}

TEST(ProcessFamilies, TellOfThisProcess) {
  const auto families = collect_process_families();
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const double start = value_of(families, "process_start_time_seconds");
  EXPECT_LE(start, now + 2);  // the system's start is told in whole seconds
  EXPECT_GT(start, now - 24 * 3600);
  EXPECT_GE(value_of(families, "process_threads"), 1);
  const double resident = value_of(families, "process_resident_memory_bytes");
  EXPECT_GT(resident, 1e6);
  EXPECT_GE(value_of(families, "process_virtual_memory_bytes"), resident);
  EXPECT_GT(value_of(families, "process_max_fds"), value_of(families, "process_open_fds"));
}

TEST(ProcessFamilies, CountOpenFilesAndTheTimeSpent) {
  const double files = value_of(collect_process_families(), "process_open_fds");
  const double spent = value_of(collect_process_families(), "process_cpu_seconds_total");
  std::vector<int> opened;
  for (int i = 0; i < 5; ++i)
    opened.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(value_of(collect_process_families(), "process_open_fds"), files + 5);
  for (const int each : opened)
    ::close(each);
  EXPECT_EQ(value_of(collect_process_families(), "process_open_fds"), files);
  while (value_of(collect_process_families(), "process_cpu_seconds_total") <= spent) {
  }
}

TEST(ProcessFamilies, TakeUpMemoryWithWhatIsUsed) {
  const double before = value_of(collect_process_families(), "process_resident_memory_bytes");
  const std::vector<char> used(50'000'000, 'x');
  EXPECT_GT(value_of(collect_process_families(), "process_resident_memory_bytes"), before + 40e6);
  EXPECT_EQ(used.back(), 'x');
}

}  // namespace
}  // namespace pushguard::metrics
