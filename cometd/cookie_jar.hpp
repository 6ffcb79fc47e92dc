#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/url.hpp"

namespace pushguard::cometd {

/// Cookies of one session (the parts of RFC 6265 that streaming needs). Pure: now is handed in.
///
/// A cookie of a foreign domain, or one that cannot be read, is skipped: never a reason to stop.
/// Secure cookies go over TLS only, and to loopback addresses, as browsers do.
class cookie_jar {
 public:
  /// Far more than a server sends; the oldest leave first, and those may be the session's own.
  static constexpr std::size_t cookies_max = 300;
  static constexpr std::size_t cookie_size_max = 4096;
  /// Common servers refuse longer header fields.
  static constexpr std::size_t header_size_max = std::size_t{16} * 1024;

  enum class stored { kept, removed, skipped };

  /// Takes one Set-Cookie value of an answer from `from` to a request for `path`.
  stored store(const origin& from, std::string_view path, std::string_view set_cookie, wall_time now);

  /// The Cookie header of a request; empty where no cookie applies.
  [[nodiscard]] std::string header(const origin& to, std::string_view path, wall_time now) const;

  void clear() noexcept { cookies_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return cookies_.size(); }

 private:
  struct cookie {
    std::string name;
    std::string value;
    std::string domain;
    std::string path;
    wall_time expires;
    std::uint64_t created;  // a serial number: RFC 6265 sends older cookies first
    bool is_host_only;
    bool is_secure;
  };

  std::vector<cookie> cookies_;
  std::uint64_t next_created_ = 0;
};

/// Reads a cookie date in any of its forms (RFC 6265 §5.1.1): `Sun, 13-Jan-2019 08:12:31 GMT`,
/// `Sun, 13 Jan 2019 08:12:31 GMT`, asctime. Fails with errc::malformed.
[[nodiscard]] result<wall_time> parse_cookie_date(std::string_view text);

}  // namespace pushguard::cometd
