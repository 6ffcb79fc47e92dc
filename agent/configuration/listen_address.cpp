#include "agent/configuration/listen_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace pushguard::configuration {
namespace {

bool is_address(int family, std::string_view host) {
  in6_addr largest{};
  return inet_pton(family, std::string(host).c_str(), &largest) == 1;
}

std::optional<std::string> read_host(std::string_view host) {
  if (host == "localhost")
    return "127.0.0.1";
  if (is_address(AF_INET, host))
    return std::string(host);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']' &&
      is_address(AF_INET6, host.substr(1, host.size() - 2)))
    return std::string(host.substr(1, host.size() - 2));
  return std::nullopt;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return port;
}

}  // namespace

std::string listen_address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

result<listen_address> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  auto host = read_host(text.substr(0, colon));
  const auto port = colon == std::string_view::npos ? std::nullopt : read_port(text.substr(colon + 1));
  if (!host || !port)
    return fail(errc::invalid,
                "write an address and a port: 127.0.0.1:9595, or 0.0.0.0:9595 for every interface");
  return listen_address{std::move(*host), *port};
}

}  // namespace pushguard::configuration
