#include "base/proxy.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace pushguard {
namespace {

// What RFC 7617 forbids in a user's name or either part.
bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

result<basic_credentials> parse_credentials(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool has_password = colon != std::string_view::npos;
  basic_credentials made{.user = secret(percent_decode_path(text.substr(0, colon))),
                         .password = secret(has_password ? percent_decode_path(text.substr(colon + 1)) : "")};
  if (made.user.empty()) {
    return fail(errc::invalid, "the proxy's URL has no user before the @");
  }
  if (made.user.reveal().find(':') != std::string::npos) {
    return fail(errc::invalid, "the user in the proxy's URL has a colon in the name, which cannot be sent");
  }
  if (has_control_characters(made.user.reveal()) || has_control_characters(made.password.reveal())) {
    return fail(errc::invalid, "the user or the password in the proxy's URL has control characters");
  }
  return made;
}

/// An IP address as its bytes: 4, 16, or none where `host` is a name.
struct address_bytes {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;

  explicit address_bytes(const std::string& host) {
    if (inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) {
      size = 4;
    } else if (inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) {
      size = 16;
    }
  }

  [[nodiscard]] bool shares_front(const address_bytes& other, unsigned bits) const {
    const std::size_t whole = bits / 8;
    const auto mask = static_cast<unsigned char>(0xFF00U >> (bits % 8));
    return size == other.size && std::equal(bytes.begin(), bytes.begin() + whole, other.bytes.begin()) &&
           (bits % 8 == 0 || (bytes.at(whole) & mask) == (other.bytes.at(whole) & mask));
  }
};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool is_between_items(char c) {
  return c == ',' || c == ' ' || c == '\t';
}

std::string_view without_dots(std::string_view name) {
  if (name.starts_with("*.")) {
    name.remove_prefix(1);
  }
  if (name.starts_with('.')) {
    name.remove_prefix(1);
  }
  if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  return name;
}

/// The value of a variable under either of its names, and which name it was.
std::optional<std::pair<std::string_view, std::string>> find_variable(
    const std::function<std::optional<std::string>(std::string_view)>& variables,
    std::array<std::string_view, 2> names) {
  for (const std::string_view name : names) {
    auto value = variables(name);
    if (value && !value->empty()) {
      return std::pair(name, std::move(*value));
    }
  }
  return std::nullopt;
}

}  // namespace

result<proxy> parse_proxy(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  const std::string scheme = to_lower_ascii(text.substr(0, std::min(scheme_end, text.size())));
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return fail(errc::invalid, "the proxy's URL does not begin with http:// or https://");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  proxy made;
  const std::size_t at = rest.substr(0, rest.find_first_of("/?#")).rfind('@');
  if (at != std::string_view::npos) {
    auto credentials = parse_credentials(rest.substr(0, at));
    if (!credentials) {
      return std::unexpected(credentials.error());
    }
    made.credentials = std::move(*credentials);
    rest.remove_prefix(at + 1);
  }
  auto where = parse_url(scheme + "://" + std::string(rest));
  if (!where) {
    return fail(errc::invalid, "the proxy's URL is wrong: " + where.error().text());
  }
  if (where->target != "/" || rest.find_first_of("?#") != std::string_view::npos) {
    return fail(errc::invalid, "the proxy's URL must end after the host and its port, without a path");
  }
  made.at = std::move(where->origin);
  return made;
}

proxy_exceptions::proxy_exceptions(std::string_view text) {
  while (!text.empty()) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if(text, is_between_items) - text.begin());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word == "*") {
      is_everything_ = true;
    } else if (auto parsed = parse(word)) {
      items_.push_back(std::move(*parsed));
    }
  }
}

std::optional<proxy_exceptions::item> proxy_exceptions::parse(std::string_view text) {
  item made;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    made.host = to_lower_ascii(text.substr(0, slash));
    made.network_bits = parse_number<unsigned>(text.substr(slash + 1));
    const address_bytes network(made.host);
    const bool is_network = network.size > 0 && made.network_bits && *made.network_bits <= network.size * 8;
    return is_network ? std::optional(std::move(made)) : std::nullopt;
  }
  const std::size_t colon = text.rfind(':');
  const bool is_bracketed = text.starts_with('[');
  const bool has_port = colon != std::string_view::npos &&
                        (is_bracketed ? colon > 0 && text[colon - 1] == ']' : text.find(':') == colon);
  if (has_port) {
    made.port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!made.port) {
      return std::nullopt;
    }
    text = text.substr(0, colon);
  }
  if (is_bracketed) {
    if (!text.ends_with(']')) {
      return std::nullopt;
    }
    text = text.substr(1, text.size() - 2);
  }
  made.host = to_lower_ascii(without_dots(text));
  return made.host.empty() ? std::nullopt : std::optional(std::move(made));
}

bool proxy_exceptions::covers(const item& each, const origin& to) {
  if (each.port && *each.port != to.port) {
    return false;
  }
  const address_bytes mine(each.host);
  const address_bytes theirs(to.host);
  if (mine.size > 0 || theirs.size > 0) {
    const unsigned all = static_cast<unsigned>(mine.size) * 8;
    return mine.size > 0 && mine.shares_front(theirs, each.network_bits.value_or(all));
  }
  return to.host == each.host || to.host.ends_with("." + each.host);
}

bool proxy_exceptions::contain(const origin& to) const {
  return is_everything_ || std::ranges::any_of(items_, [&](const item& each) { return covers(each, to); });
}

const proxy* proxy_rules::on_the_way_to(const origin& to) const {
  if (!via) {
    return nullptr;
  }
  if (source == proxy_source::environment &&
      (to.security == security::plain || to.is_loopback() || exceptions.contain(to))) {
    return nullptr;
  }
  return &*via;
}

result<proxy_rules> environment_proxy(
    const std::function<std::optional<std::string>(std::string_view name)>& variables) {
  proxy_rules made{.source = proxy_source::environment};
  const auto given = find_variable(variables, {"https_proxy", "HTTPS_PROXY"});
  if (!given) {
    return made;
  }
  const auto& [name, value] = *given;
  auto parsed = parse_proxy(value.find("://") == std::string::npos ? "http://" + value : value);
  if (!parsed) {
    return fail_in(fmt::format("the environment variable {}", name), parsed.error());
  }
  made.via = std::move(*parsed);
  if (const auto except = find_variable(variables, {"no_proxy", "NO_PROXY"})) {
    made.exceptions = proxy_exceptions(except->second);
  }
  return made;
}

}  // namespace pushguard
