#include "tests/support/key_pair.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace pushguard::test {
namespace {

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
using bio_pointer = std::unique_ptr<BIO, freer<&BIO_free>>;
using certificate_pointer = std::unique_ptr<X509, freer<&X509_free>>;
using context_pointer = std::unique_ptr<EVP_PKEY_CTX, freer<&EVP_PKEY_CTX_free>>;
using digest_pointer = std::unique_ptr<EVP_MD_CTX, freer<&EVP_MD_CTX_free>>;

constexpr std::string_view passphrase = "correct horse";

void demand(bool holds, const char* what) {
  if (!holds)
    throw std::runtime_error(std::string("OpenSSL fails at ") + what);
}

template <class Write>
std::string written(Write write) {
  const bio_pointer out(BIO_new(BIO_s_mem()));
  demand(out && write(out.get()) == 1, "writing PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

EVP_PKEY* key_in(const std::shared_ptr<void>& holder) {
  return static_cast<EVP_PKEY*>(holder.get());
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

EVP_PKEY* make_of_type(const char* type) {
  const context_pointer context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  demand(context && EVP_PKEY_keygen_init(context.get()) == 1, "beginning a key");
  demand(EVP_PKEY_generate(context.get(), &made) == 1, "making a key");
  return made;
}

EVP_PKEY* make(key_pair::kind of) {
  switch (of) {
    case key_pair::kind::rsa:
      return EVP_RSA_gen(2048U);
    case key_pair::kind::rsa_pss:
      return make_of_type("RSA-PSS");
    case key_pair::kind::elliptic:
      return EVP_EC_gen("P-256");
    case key_pair::kind::edwards:
      return make_of_type("ED25519");
  }
  return nullptr;
}

}  // namespace

key_pair::key_pair(kind of) : key_(make(of), [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }) {
  demand(key_ != nullptr, "making a key");
}

std::string key_pair::private_pem() const {
  return written([this](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key_in(key_), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string key_pair::traditional_pem() const {
  return written([this](BIO* out) {
    return PEM_write_bio_PrivateKey_traditional(out, key_in(key_), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string key_pair::protected_pem() const {
  return written([this](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key_in(key_), EVP_aes_256_cbc(), passphrase.data(),
                                         static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

std::string key_pair::traditional_protected_pem() const {
  return written([this](BIO* out) {
    return PEM_write_bio_PrivateKey_traditional(out, key_in(key_), EVP_aes_256_cbc(), bytes_of(passphrase),
                                                static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

std::string key_pair::public_pem() const {
  return written([this](BIO* out) { return PEM_write_bio_PUBKEY(out, key_in(key_)); });
}

std::string key_pair::certificate_pem() const {
  const certificate_pointer made(X509_new());
  demand(made && X509_set_pubkey(made.get(), key_in(key_)) == 1, "making a certificate");
  demand(X509_gmtime_adj(X509_getm_notBefore(made.get()), 0) != nullptr, "making a certificate");
  demand(X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600) != nullptr, "making a certificate");
  demand(X509_sign(made.get(), key_in(key_), EVP_sha256()) > 0, "signing a certificate");
  return written([&made](BIO* out) { return PEM_write_bio_X509(out, made.get()); });
}

bool key_pair::has_signed(std::string_view text, std::string_view signature) const {
  const digest_pointer digest(EVP_MD_CTX_new());
  demand(digest && EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_in(key_)) == 1,
         "beginning to verify");
  return EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) ==
         1;
}

const key_pair& rsa_key() {
  static const key_pair key(key_pair::kind::rsa);
  return key;
}

std::string decode_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos)
    throw std::runtime_error("this is base64, not base64url");
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  const std::size_t padding = (4 - standard.size() % 4) % 4;
  standard.append(padding, '=');
  std::vector<unsigned char> bytes(standard.size() / 4 * 3);
  const int size = EVP_DecodeBlock(bytes.data(), bytes_of(standard), static_cast<int>(standard.size()));
  if (padding > 2 || size < 0)
    throw std::runtime_error("this is no base64url");
  return {bytes.begin(), bytes.begin() + size - static_cast<std::ptrdiff_t>(padding)};
}

}  // namespace pushguard::test
