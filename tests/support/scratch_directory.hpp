#pragma once

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "base/result.hpp"

namespace pushguard::test {

/// A directory of its own for one test, gone with it.
class scratch_directory {
 public:
  scratch_directory();
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Throws std::runtime_error with the failure's text.
template <class T>
T must(result<T> got) {
  if (!got)
    throw std::runtime_error(got.error().text());
  return std::move(*got);
}

}  // namespace pushguard::test
