#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_stream.hpp"

namespace pushguard {
namespace {

struct told {
  std::string type;
  std::string data;
  std::string id;

  friend bool operator==(const told&, const told&) = default;
};

struct outcome {
  std::vector<told> events;
  std::string last_id;
  std::optional<duration> retry;

  friend bool operator==(const outcome&, const outcome&) = default;
};

void expect(bool is_right, const char* what) {
  if (is_right)
    return;
  std::fprintf(stderr, "the parser is wrong: %s\n", what);
  std::abort();
}

/// Feeds `text` in pieces of the sizes that `next_size(bytes left)` gives.
outcome parse(std::string_view text, const std::function<std::size_t(std::size_t)>& next_size) {
  outcome got;
  event_stream_parser parser;
  while (!text.empty()) {
    const std::size_t size = std::clamp<std::size_t>(next_size(text.size()), 1, text.size());
    const auto fed = parser.feed(text.substr(0, size), [&](const stream_event& event) -> result<> {
      got.events.push_back({event.type, event.data, event.id});
      return {};
    });
    expect(fed.has_value(), "it refuses what is short");
    text.remove_prefix(size);
  }
  got.last_id = parser.last_event_id();
  got.retry = parser.retry();
  return got;
}

/// Takes a whole line off, with its end; nothing where the text ends first.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos)
    return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  return line;
}

/// The same as the format's own text has it, over the whole at once.
outcome read_as_specified(std::string_view text) {
  outcome got;
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  told next;
  bool has_data = false;
  while (const auto line = take_line(text)) {
    if (line->empty()) {
      got.last_id = next.id;
      if (has_data)
        got.events.push_back({next.type.empty() ? "message" : next.type, next.data, next.id});
      next = {.type = "", .data = "", .id = next.id};
      has_data = false;
      continue;
    }
    const std::size_t colon = line->find(':');
    const std::string_view name = line->substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line->substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
    if (name == "event")
      next.type = value;
    else if (name == "data") {
      next.data += (has_data ? "\n" : "") + std::string(value);
      has_data = true;
    } else if (name == "id" && !value.contains('\0'))
      next.id = value;
  }
  return got;
}

}  // namespace
}  // namespace pushguard

/// Whatever a server sends, in whatever pieces it comes: the same events, and those that the format tells.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushguard;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const outcome at_once = parse(text, [](std::size_t left) { return left; });
  expect(parse(text, [](std::size_t) { return 1; }) == at_once, "byte by byte it reads something else");
  std::size_t at = 0;
  expect(parse(text, [&](std::size_t) { return data[at++] % 32; }) == at_once,
         "in pieces of any size it reads something else");
  const outcome specified = read_as_specified(text);
  expect(specified.events == at_once.events, "it reads other events");
  expect(specified.last_id == at_once.last_id, "it keeps another id");
  expect(!at_once.retry || *at_once.retry >= duration::zero(), "it would wait for less than nothing");
  return 0;
}
