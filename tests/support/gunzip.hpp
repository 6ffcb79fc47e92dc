#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/gzip.hpp"

namespace pushguard::test {

/// The text that was compressed. Throws std::runtime_error where it is no whole gzip.
inline std::string gunzip(std::string_view compressed) {
  std::string out;
  gzip_decoder decoder([&out](std::string_view piece) -> result<> {
    out += piece;
    return {};
  });
  if (!decoder.feed(compressed) || !decoder.finish())
    throw std::runtime_error("the body is no whole gzip");
  return out;
}

}  // namespace pushguard::test
