#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "cometd/message.hpp"

/// Whatever a server sends, in whatever pieces it comes: the same messages, and no fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushguard::cometd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<message> at_once;
  message_parser whole;
  const bool is_whole_right = whole.feed(text, at_once).has_value() && whole.finish().has_value();
  if (size == 0) {
    return 0;
  }
  const std::size_t cut = data[0] % size;
  std::vector<message> in_pieces;
  message_parser pieces;
  const bool are_pieces_right = pieces.feed(text.substr(0, cut), in_pieces).has_value() &&
                                pieces.feed(text.substr(cut), in_pieces).has_value() &&
                                pieces.finish().has_value();
  if (is_whole_right != are_pieces_right || at_once.size() != in_pieces.size()) {
    std::abort();
  }
  return 0;
}
