#include "base/http_parser.hpp"

#include <algorithm>

namespace pushguard {
namespace {

constexpr std::size_t read_size = 16UZ * 1024;

}  // namespace

boost::asio::awaitable<result<std::size_t>> read_behind(transport& wire, std::string& buffer) {
  const std::size_t before = buffer.size();
  buffer.resize(before + read_size);
  const auto got = co_await wire.read_some(std::span(buffer).subspan(before));
  buffer.resize(before + got.value_or(0));
  co_return got;
}

bool is_http_token(std::string_view text) noexcept {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

bool is_request_target(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace pushguard
