#include "metrics/line_blocks.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <stdexcept>
#include <utility>

#include "metrics/text_format.hpp"

namespace pushguard::metrics {
namespace {

using detail::line_counts;
using detail::line_page;
using detail::place_index;
using detail::slot_texts;

constexpr std::uint64_t all_slots_used = ~std::uint64_t{0};
constexpr auto page_slots = static_cast<std::uint32_t>(slot_texts::slots);

std::uint32_t page_of(place_index::place at) {
  return at / page_slots;
}

std::uint32_t slot_of(place_index::place at) {
  return at % page_slots;
}

std::size_t hash_of(std::string_view key) {
  return std::hash<std::string_view>{}(key);
}

/// Assigning {} would keep the memory.
template <class T>
void free_all(std::vector<T>& all) {
  std::vector<T>().swap(all);
}

std::size_t count_lines(std::string_view text) {
  std::size_t lines = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1))
    ++lines;
  return lines;
}

std::shared_ptr<const detail::family_headers> render_headers(const std::vector<family_header>& families) {
  std::set<std::string_view> names;
  detail::family_headers headers;
  for (const family_header& family : families) {
    if (!names.insert(family.name).second)
      throw std::invalid_argument("two families of the name " + family.name);
    for (const exposition_format format : all_exposition_formats)
      append_header(headers[static_cast<std::size_t>(format)].emplace_back(), family.name, family.help,
                    family.type, format);
  }
  return std::make_shared<const detail::family_headers>(std::move(headers));
}

std::size_t sum_series(const std::vector<line_counts>& counts) {
  std::size_t sum = 0;
  for (const line_counts& each : counts)
    sum += each.series;
  return sum;
}

}  // namespace

// --- slot_texts ----------------------------------------------------------------------------------

void slot_texts::replace(std::size_t slot, std::string_view text) {
  // Pages are filled from the front: what lies behind needs no end yet.
  for (; filled_ <= slot; ++filled_)
    ends_[filled_] = static_cast<std::uint32_t>(text_.size());
  const std::size_t first = begin(slot);
  const std::size_t old_size = ends_[slot] - first;
  if (first == text_.size())
    text_ += text;
  else
    text_.replace(first, old_size, text);
  // Unsigned arithmetic: shrinking wraps around and comes out right.
  const auto change = static_cast<std::uint32_t>(text.size() - old_size);
  for (std::size_t i = slot; i < filled_; ++i)
    ends_[i] += change;
}

void slot_texts::trim() {
  if (text_.capacity() - text_.size() > text_.size() / 8)
    text_.shrink_to_fit();
}

// --- place_index ---------------------------------------------------------------------------------

void place_index::put(cell what) noexcept {
  std::size_t i = home(what.tag);
  while (cells_[i].at != nowhere)
    i = next(i);
  cells_[i] = what;
}

void place_index::resize(std::size_t cells) {
  const std::vector<cell> old = std::exchange(cells_, std::vector<cell>(cells));
  for (const cell& each : old) {
    if (each.at != nowhere)
      put(each);
  }
}

void place_index::insert(std::size_t hash, place at) {
  constexpr std::size_t cells_least = 64;
  if ((size_ + 1) * 4 > cells_.size() * 3)
    resize(std::max(cells_least, cells_.size() * 2));
  put({.tag = tag_of(hash), .at = at});
  ++size_;
}

void place_index::erase(std::size_t hash, place at) {
  std::size_t hole = home(tag_of(hash));
  while (cells_[hole].at != at)
    hole = next(hole);
  // What was put further on because this cell was taken moves back (Knuth 6.4, algorithm R).
  for (std::size_t i = next(hole); cells_[i].at != nowhere; i = next(i)) {
    const std::size_t mask = cells_.size() - 1;
    const std::size_t wanted = home(cells_[i].tag);
    if (((i - wanted) & mask) >= ((i - hole) & mask)) {
      cells_[hole] = cells_[i];
      hole = i;
    }
  }
  cells_[hole] = {};
  --size_;
  // What had to hold very many once must not stay that large.
  if (size_ == 0)
    free_all(cells_);
  else if (size_ * 8 < cells_.size())
    resize(cells_.size() / 4);
}

// --- line_snapshot -------------------------------------------------------------------------------

std::size_t line_snapshot::series() const noexcept {
  return sum_series(counts_);
}

std::size_t line_snapshot::size_bytes(exposition_format format) const noexcept {
  std::size_t sum = 0;
  for (const std::string& header : headers(format))
    sum += header.size();
  for (const line_counts& each : counts_)
    sum += each.bytes;
  return sum;
}

// --- line_cursor ---------------------------------------------------------------------------------

std::string_view line_cursor::next_piece() {
  while (family_ < snapshot_.counts_.size()) {
    if (page_ > snapshot_.pages_.size()) {
      page_ = 0;
      ++family_;
      continue;
    }
    const std::size_t at = page_++;
    if (at == 0)
      return snapshot_.headers(format_)[family_];
    const auto& page = snapshot_.pages_[at - 1];
    if (page != nullptr && !page->all(family_).empty())
      return page->all(family_);
  }
  return {};
}

std::span<const std::string_view> line_cursor::next(std::size_t bytes_max) {
  pieces_.clear();
  for (std::size_t left = bytes_max; left > 0;) {
    if (rest_.empty())
      rest_ = next_piece();
    if (rest_.empty())
      break;
    pieces_.push_back(rest_.substr(0, left));
    rest_.remove_prefix(pieces_.back().size());
    left -= pieces_.back().size();
  }
  return pieces_;
}

// --- line_blocks ---------------------------------------------------------------------------------

line_blocks::line_blocks(const std::vector<family_header>& families)
    : headers_(render_headers(families)), counts_(families.size()) {}

std::size_t line_blocks::series() const noexcept {
  return sum_series(counts_);
}

void line_blocks::check(std::span<const std::string> lines) const {
  if (lines.size() != counts_.size())
    throw std::invalid_argument("line_blocks::set: one text per family is needed");
  for (const std::string& text : lines) {
    if (!text.empty() && text.back() != '\n')
      throw std::invalid_argument("line_blocks::set: a line has no end");
    if (text.size() > key_text_size_max)
      throw std::invalid_argument("line_blocks::set: too much text for one key");
  }
}

void line_blocks::set(std::string_view key, std::span<const std::string> lines) {
  check(lines);
  set(add(key), lines);
}

void line_blocks::set(place where, std::span<const std::string> lines) {
  check(lines);
  for (std::size_t family = 0; family < lines.size(); ++family)
    replace(where, family, lines[family]);
}

void line_blocks::clear(place where) {
  for (std::size_t family = 0; family < counts_.size(); ++family)
    replace(where, family, {});
}

void line_blocks::erase(std::string_view key) {
  if (const auto where = find(key))
    erase(*where);
}

void line_blocks::erase(place where) {
  clear(where);
  places_.erase(hash_of(keys_[page_of(where)].texts.at(slot_of(where))), where);
  release(where);
}

line_blocks::place line_blocks::find(std::string_view key, std::size_t hash) const {
  return places_.find(hash, [&](place at) { return keys_[page_of(at)].texts.at(slot_of(at)) == key; });
}

std::optional<line_blocks::place> line_blocks::find(std::string_view key) const {
  const place found = find(key, hash_of(key));
  return found == place_index::nowhere ? std::nullopt : std::optional(found);
}

std::string_view line_blocks::text_at(place where, std::size_t family) const {
  const line_page* page = pages_[page_of(where)].get();
  return page == nullptr ? std::string_view() : page->at(family, slot_of(where));
}

void line_blocks::replace(place where, std::size_t family, std::string_view text) {
  const std::string_view old = text_at(where, family);
  if (old == text)
    return;
  line_counts& counts = counts_[family];
  counts.series = counts.series - count_lines(old) + count_lines(text);
  counts.bytes = counts.bytes - old.size() + text.size();
  writable(page_of(where), family).replace(slot_of(where), text);
}

line_blocks::place line_blocks::add(std::string_view key) {
  const std::size_t hash = hash_of(key);
  if (const place known = find(key, hash); known != place_index::nowhere)
    return known;
  if (key.size() > key_size_max)
    throw std::invalid_argument("line_blocks::add: the key is too long");
  const std::uint32_t index = open_page();
  detail::page_keys& keys = keys_[index];
  const auto slot = static_cast<std::uint32_t>(std::countr_one(keys.used));
  keys.used |= std::uint64_t{1} << slot;
  if (keys.used == all_slots_used)
    open_.pop_back();
  const place where = index * page_slots + slot;
  keys.texts.replace(slot, key);
  places_.insert(hash, where);
  return where;
}

void line_blocks::release(place where) {
  const std::uint32_t index = page_of(where);
  detail::page_keys& keys = keys_[index];
  if (keys.used == all_slots_used)
    open_.push_back(index);
  keys.used &= ~(std::uint64_t{1} << slot_of(where));
  keys.texts.replace(slot_of(where), {});
  if (keys.used != 0)
    return;
  pages_[index].reset();
  keys = {};
  if (places_.size() == 0) {
    free_all(pages_);
    free_all(keys_);
    free_all(open_);
    free_all(edited_);
  }
}

std::uint32_t line_blocks::open_page() {
  if (open_.empty()) {
    open_.push_back(static_cast<std::uint32_t>(pages_.size()));
    pages_.emplace_back();
    keys_.emplace_back();
  }
  return open_.back();
}

// What was made since the last snapshot is nobody else's; all else is copied before it is changed.
line_page& line_blocks::writable(std::uint32_t index) {
  std::shared_ptr<line_page>& page = pages_[index];
  if (page != nullptr && page->epoch == epoch_)
    return *page;
  page = page == nullptr ? std::make_shared<line_page>() : std::make_shared<line_page>(*page);
  page->families.resize(counts_.size());
  page->epoch = epoch_;
  edited_.push_back(index);
  return *page;
}

slot_texts& line_blocks::writable(std::uint32_t index, std::size_t family) {
  std::shared_ptr<line_page::family>& held = writable(index).families[family];
  if (held != nullptr && held->epoch == epoch_)
    return held->lines;
  if (held == nullptr) {
    held = std::make_shared<line_page::family>();
    held->lines.reserve(likely_size(index, family));
  } else {
    held = std::make_shared<line_page::family>(*held);
  }
  held->epoch = epoch_;
  return held->lines;
}

// A page will be much like the one before: growing step by step would copy its text ten times.
std::size_t line_blocks::likely_size(std::uint32_t index, std::size_t family) const {
  if (index == 0 || pages_[index - 1] == nullptr)
    return 0;
  const std::size_t size = pages_[index - 1]->all(family).size();
  return size + size / 16;
}

line_snapshot line_blocks::snapshot() {
  // From here on these pages are copied before they change: they need no room to grow.
  for (const std::uint32_t index : edited_) {
    if (pages_[index] == nullptr)
      continue;
    for (const auto& family : pages_[index]->families) {
      if (family != nullptr && family->epoch == epoch_)
        family->lines.trim();
    }
    keys_[index].texts.trim();
  }
  edited_.clear();
  ++epoch_;
  line_snapshot taken;
  taken.headers_ = headers_;
  taken.pages_.assign(pages_.begin(), pages_.end());
  taken.counts_ = counts_;
  return taken;
}

}  // namespace pushguard::metrics
