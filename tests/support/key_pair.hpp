#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pushguard::test {

/// A key pair made for this run, in the forms in which people keep them. Throws std::runtime_error where
/// OpenSSL fails.
class key_pair {
 public:
  enum class kind { rsa, rsa_pss, elliptic, edwards };

  explicit key_pair(kind of);

  [[nodiscard]] std::string private_pem() const;                ///< PKCS#8
  [[nodiscard]] std::string traditional_pem() const;            ///< PKCS#1 for RSA, SEC 1 for elliptic curves
  [[nodiscard]] std::string protected_pem() const;              ///< PKCS#8 under a passphrase
  [[nodiscard]] std::string traditional_protected_pem() const;  ///< with `Proc-Type: 4,ENCRYPTED`
  [[nodiscard]] std::string public_pem() const;                 ///< SubjectPublicKeyInfo
  [[nodiscard]] std::string certificate_pem() const;            ///< self-signed

  /// Whether `signature` is this key's over `text`, by RSASSA-PKCS1-v1_5 with SHA-256 for RSA.
  [[nodiscard]] bool has_signed(std::string_view text, std::string_view signature) const;

 private:
  std::shared_ptr<void> key_;
};

/// RSA keys take a while to make: one for all tests of a program.
[[nodiscard]] const key_pair& rsa_key();

/// The bytes of a base64url text without padding (RFC 7515 §2). Throws std::runtime_error where it is none.
[[nodiscard]] std::string decode_base64url(std::string_view text);

}  // namespace pushguard::test
