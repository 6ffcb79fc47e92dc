#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"

namespace pushguard {

/// What a proxy asks for as `Proxy-Authorization: Basic` (RFC 7617).
struct basic_credentials {
  secret user;  ///< without a colon
  secret password = {};

  friend bool operator==(const basic_credentials&, const basic_credentials&) = default;
};

/// A server that makes connections for others by CONNECT (RFC 9110 §9.3.6).
struct proxy {
  origin at = {};  ///< with security::tls the way to the proxy itself is encrypted too
  std::optional<basic_credentials> credentials = {};

  friend bool operator==(const proxy&, const proxy&) = default;
};

/// Reads `http://[user:password@]host[:port]`, or the same with https://. Without a port it is the
/// scheme's own, 80 or 443, as for every URL. User and password are percent-decoded; a slash behind the
/// host is allowed, a path is not. Fails with errc::invalid in one sentence that repeats nothing of `text`.
[[nodiscard]] result<proxy> parse_proxy(std::string_view text);

/// The hosts that NO_PROXY names, read as curl does and, for ports, as Go does. Between commas or blanks:
/// `*` (every host), a name (itself and all below it, with a leading dot or `*.` or without), an address
/// (IPv6 with brackets or without), a network as `10.0.0.0/8`; each but `*` and networks may end in
/// `:port`. Items of no such form match nothing.
class proxy_exceptions {
 public:
  proxy_exceptions() = default;
  explicit proxy_exceptions(std::string_view text);

  [[nodiscard]] bool contain(const origin& to) const;

  friend bool operator==(const proxy_exceptions&, const proxy_exceptions&) = default;

 private:
  struct item {
    std::string host;                      ///< lower case, without dots or brackets around it
    std::optional<std::uint16_t> port;     ///< nothing: any
    std::optional<unsigned> network_bits;  ///< of a network: how many leading bits of `host` count

    friend bool operator==(const item&, const item&) = default;
  };

  static std::optional<item> parse(std::string_view text);
  static bool covers(const item& each, const origin& to);

  std::vector<item> items_;
  bool is_everything_ = false;
};

/// Who said what proxy to use.
enum class proxy_source {
  configuration,  ///< it is for every origin
  environment,    ///< it is for https origins that are neither exceptions nor this machine
};

/// Which connections go through a proxy. By default none does.
struct proxy_rules {
  std::optional<proxy> via = {};
  proxy_source source = proxy_source::configuration;
  proxy_exceptions exceptions = {};  ///< of the environment

  /// The proxy on the way to `to`; nullptr for a direct connection. Valid as long as this object.
  [[nodiscard]] const proxy* on_the_way_to(const origin& to) const;

  friend bool operator==(const proxy_rules&, const proxy_rules&) = default;
};

/// What the environment says: https_proxy or HTTPS_PROXY, and no_proxy or NO_PROXY. As with curl, the name
/// in lower case wins, an empty variable counts as not set, and a proxy without scheme is meant as http://.
/// Fails with errc::invalid and names the variable where its value cannot be used.
[[nodiscard]] result<proxy_rules> environment_proxy(
    const std::function<std::optional<std::string>(std::string_view name)>& variables);

}  // namespace pushguard
