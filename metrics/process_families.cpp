#include "metrics/process_families.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "metrics/families.hpp"

namespace pushguard::metrics {
namespace {

/// proc(5): the fields of /proc/self/stat from the third one on. What stands before is the program's name,
/// which may hold anything, in parentheses.
std::vector<double> read_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos)
    return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string state;
  fields >> state;
  return {std::istream_iterator<double>(fields), std::istream_iterator<double>()};
}

/// When the system started, in seconds since 1970.
std::optional<double> read_boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string name; file >> name;) {
    if (double seconds = 0; name == "btime" && file >> seconds)
      return seconds;
  }
  return std::nullopt;
}

std::optional<double> count_open_files() {
  std::error_code ec;
  std::filesystem::directory_iterator entries("/proc/self/fd", ec);
  if (ec)
    return std::nullopt;
  double count = 0;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(ec)) {
    if (ec)
      return std::nullopt;
    ++count;
  }
  return count - 1;  // one is the directory's
}

std::optional<double> read_open_files_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

prometheus::MetricFamily one(family_builder family, std::optional<double> value) {
  if (value)
    family.add({}, *value);
  return std::move(family).build();
}

}  // namespace

std::vector<prometheus::MetricFamily> collect_process_families() {
  // Positions by proc(5), where the state is field 3.
  enum field : std::size_t { utime = 14, stime = 15, num_threads = 20, starttime = 22, vsize = 23, rss = 24 };
  const std::vector<double> stat = read_stat();
  const auto at = [&](field which) -> std::optional<double> {
    constexpr std::size_t first = 4;
    return which - first < stat.size() ? std::optional(stat[which - first]) : std::nullopt;
  };
  const auto scaled = [](std::optional<double> value, double by) {
    return value ? std::optional(*value * by) : std::nullopt;
  };
  const double tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const std::optional<double> user = at(utime);
  const std::optional<double> system = at(stime);
  const std::optional<double> since_boot = scaled(at(starttime), tick);
  const std::optional<double> boot = read_boot_time();
  return {
      one(counter("process_cpu_seconds_total", "User and system time spent."),
          user && system ? std::optional((*user + *system) * tick) : std::nullopt),
      one(gauge("process_resident_memory_bytes", "Resident memory."), scaled(at(rss), page)),
      one(gauge("process_virtual_memory_bytes", "Virtual memory."), at(vsize)),
      one(gauge("process_threads", "Threads of the process."), at(num_threads)),
      one(gauge("process_open_fds", "Open file descriptors."), count_open_files()),
      one(gauge("process_max_fds", "How many file descriptors may be open."), read_open_files_max()),
      one(gauge("process_start_time_seconds", "When the process started, in seconds since 1970."),
          boot && since_boot ? std::optional(*boot + *since_boot) : std::nullopt),
  };
}

}  // namespace pushguard::metrics
