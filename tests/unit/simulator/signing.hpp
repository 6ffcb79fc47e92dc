#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace pushguard::simulator {

/// Without padding.
[[nodiscard]] std::string base64url(std::string_view bytes);

/// A key pair made for this run. Throws std::runtime_error where OpenSSL fails.
class signing_key {
 public:
  enum class kind { rsa, elliptic };

  explicit signing_key(kind of = kind::rsa);

  [[nodiscard]] std::string public_pem() const;
  [[nodiscard]] std::string private_pem() const;
  /// Self-signed.
  [[nodiscard]] std::string certificate_pem() const;

  /// A JSON Web Token of `header` and `claims`, which are JSON, signed as RS256 whatever the header says.
  [[nodiscard]] std::string sign(std::string_view header, std::string_view claims) const;

 private:
  std::shared_ptr<void> key_;
};

/// `header.claims.signature` with the MAC of HS256.
[[nodiscard]] std::string sign_with_secret(std::string_view secret, std::string_view header,
                                           std::string_view claims);

/// RSA keys take a while to make: one for all tests, and another that nobody trusts.
[[nodiscard]] const signing_key& trusted_key();
[[nodiscard]] const signing_key& stranger_key();

inline constexpr std::string_view rs256 = R"({"alg":"RS256"})";

/// What a good agent claims; `expiry` in whole seconds.
struct claims {
  std::string issuer = "simulated-client";
  std::string subject = "push@acme.example";
  std::string audience = "https://login.salesforce.com";
  wall_time expiry = {};

  [[nodiscard]] std::string json() const;
};

}  // namespace pushguard::simulator
