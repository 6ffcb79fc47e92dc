#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace pushguard::salesforce {

/// What a JWT bearer assertion claims (Salesforce: "OAuth 2.0 JWT Bearer Flow for Server-to-Server
/// Integration").
struct jwt_claims {
  std::string issuer;    ///< the consumer key
  std::string subject;   ///< the username
  std::string audience;  ///< the login host as a URL
  wall_time expiry;      ///< told in whole seconds
};

/// An RSA private key in PEM that needs no passphrase. Fails with errc::invalid and says what the text is
/// instead: encrypted, a certificate, a public key, of another kind. The text never repeats the input.
[[nodiscard]] result<> check_private_key(const secret& pem);

/// The claims signed with RS256 (RFC 7519, RFC 7518 §3.3). Fails as check_private_key().
[[nodiscard]] result<std::string> sign_jwt(const jwt_claims& claims, const secret& pem);

}  // namespace pushguard::salesforce
