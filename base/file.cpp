#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace pushguard {
namespace {

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

bool write_all(int to, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(to, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    content.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return true;
}

bool write_new(const std::string& path, std::string_view content) {
  const descriptor out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return out.number() >= 0 && write_all(out.number(), content) && ::fsync(out.number()) == 0;
}

/// A rename is on the disk once its directory is.
bool flush_directory(const std::filesystem::path& of) {
  const std::string directory = of.has_parent_path() ? of.parent_path().string() : ".";
  const descriptor in(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return in.number() >= 0 && ::fsync(in.number()) == 0;
}

std::int64_t nanoseconds_of(const timespec& when) {
  constexpr std::int64_t second = 1'000'000'000;
  return static_cast<std::int64_t>(when.tv_sec) * second + when.tv_nsec;
}

}  // namespace

file_stamp stamp_of(const std::filesystem::path& path) noexcept {
  struct ::stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    return {};
  }
  return {.device = found.st_dev,
          .inode = found.st_ino,
          .size = found.st_size,
          .modified = nanoseconds_of(found.st_mtim),
          .changed = nanoseconds_of(found.st_ctim)};
}

result<> replace_file(const std::filesystem::path& path, std::string_view content) {
  const std::string fresh = path.string() + ".new";
  const bool is_done = write_new(fresh, content) && ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!is_done || !flush_directory(path)) {
    const int why = errno;
    if (!is_done) {
      ::unlink(fresh.c_str());
    }
    return fail(errc::storage, fmt::format("cannot write {}: {}", path.string(), std::strerror(why)));
  }
  return {};
}

result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    return fail(errc::storage, fmt::format("cannot read {}: it is a directory", path.string()));
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int why = errno;
    return fail(why == ENOENT ? errc::not_found : errc::storage,
                fmt::format("cannot read {}: {}", path.string(), std::strerror(why)));
  }
  std::string content;
  constexpr std::size_t piece = 64 * 1024;
  while (in) {
    const std::size_t had = content.size();
    content.resize(had + piece);
    in.read(content.data() + had, static_cast<std::streamsize>(piece));
    content.resize(had + static_cast<std::size_t>(in.gcount()));
    if (content.size() > size_max) {
      return fail(errc::too_large, fmt::format("{} is larger than {} bytes", path.string(), size_max));
    }
  }
  if (in.bad()) {
    return fail(errc::storage, fmt::format("cannot read {}: the read failed", path.string()));
  }
  return content;
}

}  // namespace pushguard
