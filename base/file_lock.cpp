#include "base/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

namespace pushguard {
namespace {

std::string system_text(int error) {
  return std::generic_category().message(error);
}

/// The process id that the holder wrote, or nothing readable.
std::string holder_of(int descriptor) {
  std::array<char, 16> text{};  // longer than any process id
  const auto size = ::pread(descriptor, text.data(), text.size(), 0);
  long process = 0;
  if (size <= 0)
    return "another process";
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, process);
  return error == std::errc{} ? fmt::format("process {}", process) : "another process";
}

/// For whoever finds the lock taken; the lock holds without it.
void write_holder(int descriptor) {
  const std::string process = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(descriptor, process.data(), process.size(), 0);
  }
}

}  // namespace

file_lock::~file_lock() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

result<file_lock> try_lock(const std::filesystem::path& file) {
  // Two names of one file must meet at one lock.
  std::error_code ec;
  auto resolved = std::filesystem::weakly_canonical(file, ec);
  if (ec)
    resolved = file;
  const std::string lock_file = resolved.string() + ".lock";
  const int descriptor = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(errc::storage,
                fmt::format("cannot open the lock file {}: {}", lock_file, system_text(errno)));
  file_lock lock(std::move(resolved), descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(errc::conflict,
                  fmt::format("{} is in use by {}", lock.path().string(), holder_of(descriptor)));
    return fail(errc::storage, fmt::format("cannot lock {}: {}", lock_file, system_text(errno)));
  }
  write_holder(descriptor);
  return lock;
}

}  // namespace pushguard
