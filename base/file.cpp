#include "base/file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace pushguard {

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
