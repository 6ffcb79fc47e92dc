#include "agent/salesforce/jwt_assertion.hpp"

#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <memory>

namespace pushguard::salesforce {
namespace {

struct bio_freer {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct key_freer {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct jwt_freer {
  void operator()(jwt_t* jwt) const noexcept { jwt_free(jwt); }
};
struct text_freer {
  void operator()(char* text) const noexcept { std::free(text); }  // as libjwt 1.10 documents
};

/// OpenSSL would ask for it at the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*is_writing*/, void* /*user*/) {
  return -1;
}

std::string_view what_instead(std::string_view pem) {
  if (pem.find("ENCRYPTED") != std::string_view::npos)
    return "the private key is protected by a passphrase, which nobody could type here; `openssl pkey` takes "
           "it off";
  if (pem.find("BEGIN CERTIFICATE") != std::string_view::npos)
    return "this is a certificate, which belongs to the app in Salesforce; the private key is needed here";
  if (pem.find("PUBLIC KEY-----") != std::string_view::npos)
    return "this is a public key; the private key is needed here";
  return "this is no private key in PEM";
}

}  // namespace

result<> check_private_key(const secret& pem) {
  const std::string& text = pem.reveal();
  const std::unique_ptr<BIO, bio_freer> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const std::unique_ptr<EVP_PKEY, key_freer> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key)
    return fail(errc::invalid, std::string(what_instead(text)));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    return fail(errc::invalid, "the private key is not RSA, which RS256 needs");
  return {};
}

result<std::string> sign_jwt(const jwt_claims& claims, const secret& pem) {
  if (auto usable = check_private_key(pem); !usable)
    return std::unexpected(usable.error());
  jwt_t* made = nullptr;
  if (jwt_new(&made) != 0)
    return fail(errc::invalid, "the JWT library refused to begin");
  const std::unique_ptr<jwt_t, jwt_freer> jwt(made);
  const std::string& text = pem.reveal();
  const auto expiry = std::chrono::floor<std::chrono::seconds>(claims.expiry).time_since_epoch().count();
  const bool is_filled = jwt_set_alg(made, JWT_ALG_RS256, reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size())) == 0 &&
                         jwt_add_grant(made, "iss", claims.issuer.c_str()) == 0 &&
                         jwt_add_grant(made, "sub", claims.subject.c_str()) == 0 &&
                         jwt_add_grant(made, "aud", claims.audience.c_str()) == 0 &&
                         jwt_add_grant_int(made, "exp", static_cast<long>(expiry)) == 0;
  const std::unique_ptr<char, text_freer> encoded(is_filled ? jwt_encode_str(made) : nullptr);
  ERR_clear_error();
  if (!encoded)
    return fail(errc::invalid, "the JWT library could not sign with the private key");
  return std::string(encoded.get());
}

}  // namespace pushguard::salesforce
