#include "base/base64.hpp"

#include <boost/beast/core/detail/base64.hpp>

namespace pushguard {

namespace codec = boost::beast::detail::base64;

std::string encode_base64(std::string_view bytes) {
  std::string out(codec::encoded_size(bytes.size()), '\0');
  out.resize(codec::encode(out.data(), bytes.data(), bytes.size()));
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out(codec::decoded_size(text.size()), '\0');
  const auto [written, read] = codec::decode(out.data(), text.data(), text.size());
  out.resize(written);
  // The codec stops at what it does not know and forgives what a canonical encoder would not write.
  if (encode_base64(out) != text)
    return std::nullopt;
  return out;
}

}  // namespace pushguard
