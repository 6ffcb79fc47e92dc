#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cometd/message.hpp"
#include "tests/support/bayeux_oracle.hpp"

namespace pushguard::cometd {
namespace {

struct outcome {
  std::vector<message> messages;
  bool is_accepted = false;
  std::size_t skipped = 0;
  std::size_t repaired = 0;

  friend bool operator==(const outcome&, const outcome&) = default;
};

/// Feeds `text` in pieces of the sizes that `next_size(bytes left)` gives.
outcome parse(std::string_view text, const std::function<std::size_t(std::size_t)>& next_size) {
  outcome got;
  message_parser parser;
  bool is_fed = true;
  while (!text.empty() && is_fed) {
    const std::size_t size = std::clamp<std::size_t>(next_size(text.size()), 1, text.size());
    is_fed = parser.feed(text.substr(0, size), got.messages).has_value();
    text.remove_prefix(size);
  }
  got.is_accepted = parser.finish().has_value();
  got.skipped = parser.skipped();
  got.repaired = parser.repaired();
  return got;
}

void expect(bool is_right, const std::string& what) {
  if (is_right)
    return;
  std::fprintf(stderr, "the parser is wrong: %s\n", what.c_str());
  std::abort();
}

}  // namespace
}  // namespace pushguard::cometd

/// Whatever a server sends, in whatever pieces it comes: the same messages, and those that Boost.JSON sees.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushguard::cometd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const outcome at_once = parse(text, [](std::size_t left) { return left; });
  expect(parse(text, [](std::size_t) { return 1; }) == at_once, "byte by byte it reads something else");
  expect(parse(text, [](std::size_t left) { return left / 2; }) == at_once,
         "in halves it reads something else");
  std::size_t at = 0;
  expect(parse(text, [&](std::size_t) { return data[at++] % 32; }) == at_once,
         "in pieces of any size it reads something else");
  const std::string difference = difference_from_boost(text);
  expect(difference.empty(), difference);
  for (const message& each : at_once.messages) {
    const std::string again = R"({"channel":"/a","data":)" + each.data.value_or("0") + "}";
    expect(difference_from_boost(again).empty(), "data is no JSON");
  }
  return 0;
}
