#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace pushguard::simulator {

/// What is wrong with an assertion, in the order in which it is looked at.
enum class assertion_defect : std::uint8_t {
  malformed,        ///< not three parts of base64url, the first two of them JSON objects
  wrong_algorithm,  ///< anything but RS256
  wrong_signature,
  wrong_issuer,
  wrong_subject,
  wrong_audience,
  expired,
  too_far_ahead,  ///< `exp` lies more than a day ahead: milliseconds, not seconds
};

/// What an assertion must say, and who must have signed it.
struct assertion_rules {
  std::string_view public_key;  ///< PEM, as is_rsa_public_key() takes it
  std::string_view issuer;
  std::string_view subject;                ///< a username: letters compare without case
  std::span<const std::string> audiences;  ///< one of these
  duration skew;                           ///< how long an assertion is taken after its `exp`
};

/// The first defect of a JSON Web Token that is to be exchanged for a session (RFC 7523), as Salesforce reads
/// it: `iss`, `sub`, `aud` (a text) and `exp` (seconds) count, other claims do not. Nothing where it is good.
[[nodiscard]] std::optional<assertion_defect> find_defect(std::string_view assertion,
                                                          const assertion_rules& rules, wall_time now);

/// Whether `pem` begins with a public key of RSA, or a certificate of one. A private key is neither.
[[nodiscard]] bool is_rsa_public_key(std::string_view pem);

}  // namespace pushguard::simulator
