#include "agent/commands/frame_line.hpp"

#include <algorithm>
#include <numeric>

#include "base/display_width.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

constexpr std::string_view cut_mark = "…";

std::string_view sgr(style how) {
  switch (how) {
    case style::plain:
      return "";
    case style::strong:
      return "1";
    case style::faint:
      return "2";
    case style::good:
      return "32";
    case style::caution:
      return "33";
    case style::bad:
      return "1;31";
    case style::alarm:
      return "1;7;31";
  }
  return "";
}

/// A terminal that knows no UTF-8 would show each byte of it.
std::string as_ascii(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::max<std::size_t>(utf8_character_size(text), 1);
    const std::string_view character = text.substr(0, size);
    if (size == 1 && static_cast<unsigned char>(character[0]) < 0x80)
      out += character;
    else if (character == cut_mark)
      out += '~';
    else
      out.append(display_width(character), '?');
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace

std::string shortened(std::string_view text, std::size_t cells) {
  if (display_width(text) <= cells)
    return std::string(text);
  if (cells == 0)
    return {};
  return std::string(cut_at_width(text, cells - 1)) + std::string(cut_mark);
}

frame_line& frame_line::add(std::string_view text, style how) {
  if (!text.empty()) {
    pieces_.push_back({std::string(text), how});
    width_ += display_width(text);
  }
  return *this;
}

frame_line& frame_line::add_left(std::string_view text, std::size_t cells, style how) {
  const std::string cut = shortened(text, cells);
  add(cut, how);
  return add(std::string(cells - display_width(cut), ' '));
}

frame_line& frame_line::add_right(std::string_view text, std::size_t cells, style how) {
  const std::string cut = shortened(text, cells);
  add(std::string(cells - display_width(cut), ' '));
  return add(cut, how);
}

frame_line& frame_line::fill_to(std::size_t cells) {
  return width_ < cells ? add(std::string(cells - width_, ' ')) : *this;
}

std::string frame_line::render(std::size_t columns, colour colours, glyphs shown) const {
  std::string out;
  std::size_t left = columns;
  const bool is_cut = width_ > columns;
  for (const piece& each : pieces_) {
    if (left == 0)
      break;
    // The mark stands in the last cell, whichever piece that is in.
    const std::size_t width = display_width(each.text);
    const bool is_last = is_cut && width >= left;
    const std::string text = !is_last        ? each.text
                             : width == left ? shortened(each.text + " ", left)
                                             : shortened(each.text, left);
    left = is_last ? 0 : left - width;
    const std::string_view code = colours == colour::yes ? sgr(each.how) : "";
    if (!code.empty())
      out.append("\x1b[").append(code).append("m");
    out += shown == glyphs::utf8 ? text : as_ascii(text);
    if (!code.empty())
      out += "\x1b[0m";
  }
  while (out.ends_with(' '))
    out.pop_back();
  return out;
}

void add_bar(frame_line& line, std::size_t cells, const std::vector<bar_part>& parts, glyphs shown) {
  const auto total = std::accumulate(
      parts.begin(), parts.end(), std::int64_t{0},
      [](std::int64_t sum, const bar_part& part) { return sum + std::max<std::int64_t>(part.count, 0); });
  if (total == 0) {
    line.add(std::string(cells, ' '));
    return;
  }
  std::vector<std::size_t> lengths;
  std::size_t used = 0;
  for (const bar_part& part : parts) {
    const auto count = std::max<std::int64_t>(part.count, 0);
    const auto share = static_cast<std::size_t>(static_cast<double>(cells) * static_cast<double>(count) /
                                                static_cast<double>(total));
    lengths.push_back(count > 0 ? std::max<std::size_t>(share, 1) : 0);
    used += lengths.back();
  }
  // What rounding leaves or takes too much concerns the longest part.
  while (used != cells) {
    const auto longest = std::ranges::max_element(lengths);
    if (*longest == 0)
      break;
    *longest += used < cells ? 1 : -1UZ;
    used += used < cells ? 1 : -1UZ;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string text;
    for (std::size_t k = 0; k < lengths[i]; ++k)
      text += shown == glyphs::utf8 ? parts[i].utf8 : parts[i].ascii;
    line.add(text, parts[i].how);
  }
}

}  // namespace pushguard::agent
