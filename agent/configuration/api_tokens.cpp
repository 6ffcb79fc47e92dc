#include "agent/configuration/api_tokens.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "base/text.hpp"

namespace pushguard::configuration {
namespace {

constexpr std::size_t name_size_max = 64;
constexpr std::size_t digest_size = 32;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_size_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

/// Digests have one length, so that comparing them does not tell that of a token.
std::array<unsigned char, digest_size> digest_of(std::string_view text) {
  std::array<unsigned char, digest_size> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256");
  return digest;
}

/// What is wrong with one line; empty where it is added to `made`.
std::string read_line(std::string_view line, std::map<std::string, std::size_t>& names,
                      std::vector<api_token>& made) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return "a line must be name:token";
  const std::string_view name = line.substr(0, colon);
  const std::string_view token = line.substr(colon + 1);
  if (!is_name(name))
    return fmt::format("the name before the colon must be 1 to {} letters, digits, '.', '_' or '-'",
                       name_size_max);
  if (token.size() < api_token_size_min || token.size() > api_token_size_max)
    return fmt::format("the token of '{}' must have {} to {} characters", name, api_token_size_min,
                       api_token_size_max);
  if (!is_visible(token))
    return fmt::format("the token of '{}' may have visible ASCII characters only", name);
  if (names.contains(std::string(name)))
    return fmt::format("another token is named '{}' too", name);
  const auto same =
      std::ranges::find_if(made, [&](const api_token& each) { return each.token.reveal() == token; });
  if (same != made.end())
    return fmt::format("the token of '{}' is that of '{}' too", name, same->name);
  names.emplace(name, made.size());
  made.push_back({std::string(name), secret(std::string(token))});
  return {};
}

}  // namespace

std::expected<std::vector<api_token>, std::vector<std::string>> parse_api_tokens(
    std::string_view text, const std::filesystem::path& file) {
  std::vector<api_token> made;
  std::vector<std::string> problems;
  std::map<std::string, std::size_t> names;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#'))
      continue;
    std::string wrong = read_line(line, names, made);
    if (wrong.empty() && made.size() > api_tokens_max)
      wrong = fmt::format("a file may have at most {} tokens", api_tokens_max);
    if (!wrong.empty())
      problems.push_back(fmt::format("{}:{}: {}", file.string(), number, wrong));
    if (made.size() > api_tokens_max)
      break;
  }
  if (problems.empty() && made.empty())
    problems.push_back(fmt::format("{}: there is no token in it; a line is name:token", file.string()));
  if (!problems.empty())
    return std::unexpected(std::move(problems));
  return made;
}

std::optional<std::string> actor_of(std::span<const api_token> tokens, std::string_view presented) {
  const auto wanted = digest_of(presented);
  const api_token* found = nullptr;
  for (const api_token& each : tokens) {
    const auto digest = digest_of(each.token.reveal());
    if (CRYPTO_memcmp(digest.data(), wanted.data(), digest_size) == 0)
      found = &each;  // and on: the place must not tell
  }
  return found != nullptr ? std::optional(found->name) : std::nullopt;
}

}  // namespace pushguard::configuration
