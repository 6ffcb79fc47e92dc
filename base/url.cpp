#include "base/url.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.hpp"

namespace pushguard {
namespace {

// Longer than any URL that a server of ours accepts.
constexpr std::size_t url_size_max = 8UZ * 1024;
constexpr std::size_t host_size_max = 253;  // RFC 1035 §2.3.4
constexpr std::size_t label_size_max = 63;

constexpr std::uint16_t default_port(security kind) noexcept {
  return kind == security::tls ? 443 : 80;
}

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_label(std::string_view label) noexcept {
  return !label.empty() && label.size() <= label_size_max &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_host_name(std::string_view host) {
  if (host.size() > host_size_max) {
    return false;
  }
  std::string_view rest = host;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!is_label(label)) {
      return false;
    }
    if (dot == std::string_view::npos) {
      // A name that ends in a number is meant as an address.
      return !is_digits(label) || is_ipv4(std::string(host));
    }
    rest.remove_prefix(dot + 1);
  }
}

result<std::string> parse_host(std::string_view text) {
  if (text.empty()) {
    return fail(errc::invalid, "the URL has no host");
  }
  if (text.front() == '[') {
    std::string address(text.substr(1, text.size() - 2));
    if (text.back() != ']' || !is_ipv6(address)) {
      return fail(errc::invalid, "the URL's host is not an IPv6 address in brackets");
    }
    return to_lower_ascii(address);
  }
  if (!is_host_name(text)) {
    return fail(errc::invalid, "the URL's host is neither a host name nor an address");
  }
  return to_lower_ascii(text);
}

result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size() || port == 0) {
    return fail(errc::invalid, "the URL's port is not a number from 1 to 65535");
  }
  return port;
}

/// Splits `host:port`, where the host may be in brackets; the port is empty where there is none.
std::pair<std::string_view, std::string_view> split_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {authority, {}};
  }
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

result<origin> parse_authority(security kind, std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return fail(errc::invalid, "the URL carries user information, which is not allowed");
  }
  const auto [host_text, port_text] = split_port(authority);
  auto host = parse_host(host_text);
  if (!host) {
    return std::unexpected(host.error());
  }
  origin made{.security = kind, .host = std::move(*host), .port = default_port(kind)};
  if (!port_text.empty()) {
    const auto port = parse_port(port_text);
    if (!port) {
      return std::unexpected(port.error());
    }
    made.port = *port;
  }
  return made;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

std::optional<char> decode_escape(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%') {
    return std::nullopt;
  }
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  if (high < 0 || low < 0) {
    return std::nullopt;
  }
  return static_cast<char>(high * 16 + low);
}

enum class plus_means { plus, blank };

std::string decode(std::string_view text, plus_means plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto decoded = decode_escape(text.substr(i))) {
      out += *decoded;
      i += 2;
    } else {
      out += text[i] == '+' && plus == plus_means::blank ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::string origin::authority() const {
  const bool is_bracketed = host.find(':') != std::string::npos;
  std::string out = is_bracketed ? "[" + host + "]" : host;
  if (port != default_port(security)) {
    out += fmt::format(":{}", port);
  }
  return out;
}

std::string origin::text() const {
  return (security == pushguard::security::tls ? "https://" : "http://") + authority();
}

bool origin::is_loopback() const noexcept {
  if (host == "localhost") {
    return true;
  }
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

result<url> parse_url(std::string_view text) {
  if (text.size() > url_size_max) {
    return fail(errc::invalid, fmt::format("the URL is longer than {} bytes", url_size_max));
  }
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; })) {
    return fail(errc::invalid, "the URL has blanks, control or non-ASCII characters, which must be escaped");
  }
  const std::size_t scheme_end = text.find("://");
  const std::string scheme = to_lower_ascii(text.substr(0, std::min(scheme_end, text.size())));
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return fail(errc::invalid, "the URL does not begin with https:// or http://");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));  // a fragment is never sent
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  auto where =
      parse_authority(scheme == "https" ? security::tls : security::plain, rest.substr(0, authority_end));
  if (!where) {
    return std::unexpected(where.error());
  }
  url made{.origin = std::move(*where), .target = std::string(rest.substr(authority_end))};
  if (!made.target.starts_with('/')) {
    made.target.insert(0, 1, '/');
  }
  return made;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  return decode(text, plus_means::blank);
}

std::string percent_decode_path(std::string_view text) {
  return decode(text, plus_means::plus);
}

}  // namespace pushguard
