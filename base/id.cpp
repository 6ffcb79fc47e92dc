#include "base/id.hpp"

#include <algorithm>

namespace pushguard {
namespace {

constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 40;
  std::string out = "'";
  for (const char c : text.substr(0, shown_max))
    out += (c >= ' ' && c < 127) ? c : '?';
  return out + (text.size() > shown_max ? "…'" : "'");
}

}  // namespace

std::array<char, 3> record_id_checksum(std::string_view key) noexcept {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
  std::array<char, 3> checksum{};
  for (std::size_t group = 0; group < checksum.size(); ++group) {
    unsigned bits = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      const char c = key[group * 5 + i];
      if (c >= 'A' && c <= 'Z')
        bits |= 1U << i;
    }
    checksum[group] = alphabet[bits];
  }
  return checksum;
}

result<> check_record_id(std::string_view text, std::string_view prefix, std::string_view what) {
  if (text.size() != 15 && text.size() != 18) {
    return fail(errc::invalid, quoted(text) + " is not a " + std::string(what) + " id: it has " +
                                   std::to_string(text.size()) + " characters, not 15 or 18");
  }
  if (!std::ranges::all_of(text, is_alphanumeric)) {
    return fail(errc::invalid, quoted(text) + " is not a " + std::string(what) +
                                   " id: it has characters other than letters and digits");
  }
  if (!text.starts_with(prefix)) {
    return fail(errc::invalid, quoted(text) + " is not a " + std::string(what) +
                                   " id: it does not begin with " + std::string(prefix));
  }
  if (text.size() == 18) {
    const auto checksum = record_id_checksum(text.substr(0, 15));
    if (text.substr(15) != std::string_view(checksum.data(), checksum.size())) {
      return fail(errc::invalid, quoted(text) + " is not a " + std::string(what) +
                                     " id: its last three characters do not match the others");
    }
  }
  return {};
}

}  // namespace pushguard
