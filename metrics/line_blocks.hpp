#pragma once

#include <prometheus/metric_type.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/text_format.hpp"

/// Very many series of a few families, kept as finished text: a line is rendered when what it tells
/// changes, and a scrape only hands it over. The idea is kube-state-metrics' (a text block per object and
/// family); the pages are ours, so that a scrape reads an immutable snapshot and delays nobody.
namespace pushguard::metrics {

struct family_header {
  std::string name;
  std::string help;
  prometheus::MetricType type = prometheus::MetricType::Gauge;
};

namespace detail {

/// 64 texts in one, so that they are read as one piece.
class slot_texts {
 public:
  static constexpr std::size_t slots = 64;

  [[nodiscard]] std::string_view all() const noexcept { return text_; }
  [[nodiscard]] std::string_view at(std::size_t slot) const noexcept {
    return slot < filled_ ? std::string_view(text_).substr(begin(slot), ends_[slot] - begin(slot))
                          : std::string_view();
  }
  void replace(std::size_t slot, std::string_view text);
  void reserve(std::size_t bytes) { text_.reserve(bytes); }
  /// Gives back what growing left over, where that is worth a copy.
  void trim();

 private:
  [[nodiscard]] std::size_t begin(std::size_t slot) const noexcept { return slot == 0 ? 0 : ends_[slot - 1]; }

  std::string text_;
  std::array<std::uint32_t, slots> ends_{};
  std::uint32_t filled_ = 0;  ///< how many slots have an end; the others are empty
};

/// The lines of up to 64 keys, per family one text (null where there never was a line): a scrape copies
/// few large pieces, and a change copies one text. Immutable once a snapshot has seen it.
struct line_page {
  struct family {
    slot_texts lines;
    std::uint64_t epoch = 0;  ///< how many snapshots had been taken when it was made
  };

  [[nodiscard]] std::string_view all(std::size_t index) const noexcept {
    return families[index] == nullptr ? std::string_view() : families[index]->lines.all();
  }
  [[nodiscard]] std::string_view at(std::size_t index, std::size_t slot) const noexcept {
    return families[index] == nullptr ? std::string_view() : families[index]->lines.at(slot);
  }

  std::vector<std::shared_ptr<family>> families;
  std::uint64_t epoch = 0;
};

/// The keys of one page.
struct page_keys {
  slot_texts texts;
  std::uint64_t used = 0;  ///< one bit per slot
};

/// Finds a place by a hash; who asks compares the keys, which stand elsewhere. Eight bytes an entry.
class place_index {
 public:
  using place = std::uint32_t;
  static constexpr place nowhere = ~place{0};

  /// The place with that hash that `is_it(place)` confirms, or nowhere.
  template <class IsIt>
  [[nodiscard]] place find(std::size_t hash, const IsIt& is_it) const {
    if (cells_.empty())
      return nowhere;
    for (std::size_t i = home(tag_of(hash)); cells_[i].at != nowhere; i = next(i)) {
      if (cells_[i].tag == tag_of(hash) && is_it(cells_[i].at))
        return cells_[i].at;
    }
    return nowhere;
  }
  /// `at` must not be there yet.
  void insert(std::size_t hash, place at);
  /// `at` must be there.
  void erase(std::size_t hash, place at);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct cell {
    std::uint32_t tag = 0;
    place at = nowhere;
  };

  [[nodiscard]] static std::uint32_t tag_of(std::size_t hash) noexcept {
    return static_cast<std::uint32_t>(hash ^ (hash >> 32));
  }
  [[nodiscard]] std::size_t home(std::uint32_t tag) const noexcept { return tag & (cells_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & (cells_.size() - 1); }
  void put(cell what) noexcept;
  void resize(std::size_t cells);

  std::vector<cell> cells_;  ///< open addressing, linear probing; a power of two
  std::size_t size_ = 0;
};

/// HELP and TYPE lines, per format and family.
using family_headers = std::array<std::vector<std::string>, all_exposition_formats.size()>;

struct line_counts {
  std::size_t series = 0;
  std::size_t bytes = 0;
};

}  // namespace detail

/// What the blocks held at one instant. Immutable, cheap to copy, usable from any thread; it keeps the
/// pages it shows alive.
class line_snapshot {
 public:
  /// Series of one family, by its place in the list of headers.
  [[nodiscard]] std::size_t series(std::size_t family) const { return counts_[family].series; }
  /// Series of all families.
  [[nodiscard]] std::size_t series() const noexcept;
  /// The length of the whole text.
  [[nodiscard]] std::size_t size_bytes(exposition_format format = exposition_format::text) const noexcept;

 private:
  friend class line_blocks;
  friend class line_cursor;
  line_snapshot() = default;

  [[nodiscard]] const std::vector<std::string>& headers(exposition_format format) const noexcept {
    return (*headers_)[static_cast<std::size_t>(format)];
  }

  std::shared_ptr<const detail::family_headers> headers_;
  std::vector<std::shared_ptr<const detail::line_page>> pages_;
  std::vector<detail::line_counts> counts_;
};

/// Walks through a snapshot's text in chunks, at the pace of whoever writes it out. What ends an exposition
/// (append_end) is not part of it: other families may follow.
class line_cursor {
 public:
  /// What one write to a socket takes well; larger chunks win nothing.
  static constexpr std::size_t chunk_size = std::size_t{64} * 1024;

  explicit line_cursor(line_snapshot snapshot, exposition_format format = exposition_format::text)
      : snapshot_(std::move(snapshot)), format_(format) {}

  /// The next `bytes_max` bytes (> 0), fewer only at the end; empty when there is no more. Cuts anywhere.
  /// They come in pieces, as they are kept, so that nothing is copied here. The list is valid until the next
  /// call, what it shows as long as the cursor.
  [[nodiscard]] std::span<const std::string_view> next(std::size_t bytes_max = chunk_size);

 private:
  [[nodiscard]] std::string_view next_piece();

  line_snapshot snapshot_;
  exposition_format format_;
  std::size_t family_ = 0;
  std::size_t page_ = 0;  ///< 0 is the family's header, n the page before n
  std::string_view rest_;
  std::vector<std::string_view> pieces_;
};

/// Lines by key. A key stands for an entity (a machine, a customer) and has, for each family, no
/// line or some. Not thread-safe; its snapshots are free of it.
///
/// A change costs what it takes to edit one text of 64 keys (to copy it, the first time after a
/// snapshot), a snapshot one pointer per page, a scrape a piece of text per page and family.
class line_blocks {
 public:
  /// More in one family of one key is a bug: it keeps a page's offsets in 32 bits.
  static constexpr std::size_t key_text_size_max = std::size_t{1} << 20;
  /// Keys are names of entities, not texts.
  static constexpr std::size_t key_size_max = 1024;

  /// Stands for a key: a small number, the same until the key is erased, and then given to another one.
  /// Whoever keeps something beside each key has it in a vector by these numbers, and needs no second table
  /// of keys.
  using place = detail::place_index::place;

  /// Throws std::invalid_argument on a wrong or doubled family name.
  explicit line_blocks(const std::vector<family_header>& families);

  /// Sets all lines of `key`: `lines[i]` are those of the i-th family, each ended by a line end
  /// (append_sample), or empty. Setting what is there already costs a comparison.
  /// Throws std::invalid_argument on a wrong number of texts, an unended line or too much text.
  void set(std::string_view key, std::span<const std::string> lines);

  /// The place of `key`, which is added without lines where it is unknown. Throws std::invalid_argument on a
  /// key that is too long.
  [[nodiscard]] place add(std::string_view key);
  /// As set() with the key of this place, which must be there.
  void set(place where, std::span<const std::string> lines);
  /// Takes away the lines of a place; the key stays.
  void clear(place where);
  /// One above the highest place ever given.
  [[nodiscard]] std::size_t places_end() const noexcept { return keys_.size() * detail::slot_texts::slots; }

  /// Removes `key`, which may be unknown, and every line of it.
  void erase(std::string_view key);
  /// Removes the key of this place, which must be there.
  void erase(place where);

  /// The place of `key`, where it is known.
  [[nodiscard]] std::optional<place> find(std::string_view key) const;
  [[nodiscard]] bool contains(std::string_view key) const { return find(key).has_value(); }
  [[nodiscard]] std::size_t keys() const noexcept { return places_.size(); }
  /// Series of one family, by its place in the list of headers.
  [[nodiscard]] std::size_t series(std::size_t family) const { return counts_[family].series; }
  /// Series of all families.
  [[nodiscard]] std::size_t series() const noexcept;
  [[nodiscard]] std::size_t family_count() const noexcept { return counts_.size(); }

  /// What is held now.
  [[nodiscard]] line_snapshot snapshot();

 private:
  void check(std::span<const std::string> lines) const;
  void release(place where);
  [[nodiscard]] place find(std::string_view key, std::size_t hash) const;
  [[nodiscard]] std::string_view text_at(place where, std::size_t family) const;
  void replace(place where, std::size_t family, std::string_view text);
  [[nodiscard]] std::uint32_t open_page();
  [[nodiscard]] detail::line_page& writable(std::uint32_t index);
  [[nodiscard]] detail::slot_texts& writable(std::uint32_t index, std::size_t family);
  [[nodiscard]] std::size_t likely_size(std::uint32_t index, std::size_t family) const;

  std::shared_ptr<const detail::family_headers> headers_;
  detail::place_index places_;
  // A page and a slot in it: place = page * 64 + slot.
  std::vector<detail::page_keys> keys_;                    ///< by page
  std::vector<std::shared_ptr<detail::line_page>> pages_;  ///< null where there is no line
  std::vector<std::uint32_t> open_;                        ///< pages with a free slot
  std::vector<std::uint32_t> edited_;                      ///< pages made since the last snapshot
  std::vector<detail::line_counts> counts_;
  std::uint64_t epoch_ = 0;
};

}  // namespace pushguard::metrics
