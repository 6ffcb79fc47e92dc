#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace pushguard::configuration {

/// Who may change something through the API, and how it is known.
struct api_token {
  std::string name;  ///< the actor; unique
  secret token;      ///< unique; at least api_token_size_min characters
};

inline constexpr std::size_t api_token_size_min = 16;  // 80 bits, were they drawn from base32
inline constexpr std::size_t api_token_size_max = 512;
inline constexpr std::size_t api_tokens_max = 1000;

/// Reads lines `name:token`; empty lines and those that begin with `#` are skipped. Names are 1 to 64
/// letters, digits, `.`, `_` and `-`; a token has 16 to 512 visible ASCII characters. Fails with everything
/// that is wrong, each as `file:line: message` without a token; a file without tokens is wrong too.
[[nodiscard]] std::expected<std::vector<api_token>, std::vector<std::string>> parse_api_tokens(
    std::string_view text, const std::filesystem::path& file);

/// The name of the token that was presented; nothing where there is no such one. How long it takes tells
/// nothing about the tokens but their number.
[[nodiscard]] std::optional<std::string> actor_of(std::span<const api_token> tokens,
                                                  std::string_view presented);

}  // namespace pushguard::configuration
