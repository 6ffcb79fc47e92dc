#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard {

/// Checks a Salesforce record id: 15 case-sensitive alphanumerics, or 18 with a right checksum.
/// `prefix` is the object's three-character key prefix, or empty for any.
/// Fails with errc::invalid and a text that quotes the id (shortened to 40 bytes) and names `what`.
[[nodiscard]] result<> check_record_id(std::string_view text, std::string_view prefix, std::string_view what);

/// The three checksum characters that turn a 15-character id into its 18-character form.
/// `key` has 15 characters.
[[nodiscard]] std::array<char, 3> record_id_checksum(std::string_view key) noexcept;

/// A Salesforce record id. `Tag` has `prefix` (three characters, or empty) and `name` ("push request").
/// Equality, order and hash use the 15-character key; text() answers the form it was given in.
template <class Tag>
class id {
 public:
  /// An empty id, equal only to other empty ids.
  constexpr id() = default;

  [[nodiscard]] static result<id> parse(std::string_view text) {
    if (auto checked = check_record_id(text, Tag::prefix, Tag::name); !checked) {
      return std::unexpected(checked.error());
    }
    id made;
    made.length_ = static_cast<std::uint8_t>(text.size());
    text.copy(made.text_.data(), text.size());
    return made;
  }

  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), length_}; }
  /// The 15-character, case-sensitive key; empty for an empty id.
  [[nodiscard]] std::string_view key() const noexcept { return text().substr(0, key_length); }
  /// The 18-character form.
  [[nodiscard]] std::string long_text() const {
    if (empty())
      return {};
    const auto checksum = record_id_checksum(key());
    return std::string(key()).append(checksum.data(), checksum.size());
  }
  [[nodiscard]] bool empty() const noexcept { return length_ == 0; }

  // What an id does not have is zero: keys of a fixed length compare without a call.
  friend bool operator==(const id& a, const id& b) noexcept {
    return std::memcmp(a.text_.data(), b.text_.data(), key_length) == 0;
  }
  friend std::strong_ordering operator<=>(const id& a, const id& b) noexcept {
    return std::memcmp(a.text_.data(), b.text_.data(), key_length) <=> 0;
  }

  /// Of the key alone. Spreads ids as they come; ids that were made to collide make a table slow.
  [[nodiscard]] std::size_t hash() const noexcept {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    std::memcpy(&front, text_.data(), sizeof front);
    std::memcpy(&back, text_.data() + key_length - sizeof back, sizeof back);
    std::uint64_t mixed = (front ^ (front >> 29U)) * 0x9E3779B97F4A7C15U;
    mixed = ((mixed ^ (mixed >> 32U)) + back) * 0xD6E8FEB86659FD93U;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32U));
  }

 private:
  static constexpr std::size_t key_length = 15;
  std::array<char, 18> text_{};
  std::uint8_t length_ = 0;
};

}  // namespace pushguard

template <class Tag>
struct std::hash<pushguard::id<Tag>> {
  std::size_t operator()(const pushguard::id<Tag>& value) const noexcept { return value.hash(); }
};
