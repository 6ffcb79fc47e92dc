#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/domain/ids.hpp"

namespace pushguard::configuration {

/// Larger files are mistakes: ten times the orgs of the largest package fit.
inline constexpr std::size_t orgs_file_bytes_max = 32UL * 1024 * 1024;
inline constexpr std::size_t orgs_file_lines_max = 1'000'000;
/// Of customer, tier and contact each: they stand in alerts.
inline constexpr std::size_t org_note_bytes_max = 256;
/// Problems told of one file.
inline constexpr std::size_t orgs_file_problems_max = 100;

/// What an operator knows of an org. Valid UTF-8 of one line, at most org_note_bytes_max bytes each; empty
/// where it is not known.
struct org_note {
  std::string_view customer = {};
  std::string_view tier = {};
  std::string_view contact = {};

  friend bool operator==(const org_note&, const org_note&) = default;
};

/// Whose orgs they are, as an operator's CSV file tells. Never changes; any thread may read it.
class org_directory {
 public:
  /// Knows no org.
  org_directory() = default;

  /// Reads RFC 4180 with a header line: `org_key` (15 or 18 characters), and `customer`, `tier` and `contact`
  /// if they are wanted, in any order; other columns are passed over. A line may end with LF or CRLF, a byte
  /// order mark may stand first, blanks around a value and empty lines do not count. Control characters in a
  /// value become blanks, and what is not UTF-8 U+FFFD. Or everything wrong with it, each as
  /// `file:line: message` and in the order of the file; the last tells how many more there are.
  [[nodiscard]] static std::expected<org_directory, std::vector<std::string>> parse(
      std::string_view text, const std::filesystem::path& file);

  /// Nothing for an org that the file does not have. Valid for as long as the directory.
  [[nodiscard]] std::optional<org_note> find(const domain::org_key& org) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  class builder;

  struct piece {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct entry {
    domain::org_key org;
    std::uint32_t line = 0;
    piece customer;
    piece tier;
    piece contact;
  };

  [[nodiscard]] std::string_view text_of(piece from) const noexcept {
    return std::string_view(texts_).substr(from.offset, from.size);
  }

  std::string texts_;           ///< every value once: there are far fewer customers and tiers than orgs
  std::vector<entry> entries_;  ///< by org
};

}  // namespace pushguard::configuration
