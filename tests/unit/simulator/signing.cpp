#include "tests/unit/simulator/signing.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace pushguard::simulator {
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
using digest_pointer = std::unique_ptr<EVP_MD_CTX, freer<&EVP_MD_CTX_free>>;

void must(bool holds, const char* what) {
  if (!holds)
    throw std::runtime_error(std::string("OpenSSL fails at ") + what);
}

template <class Write>
std::string written(Write write) {
  const bio_pointer out(BIO_new(BIO_s_mem()));
  must(out && write(out.get()) == 1, "writing PEM");
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

std::string joined(std::string_view header, std::string_view claims) {
  return base64url(header) + '.' + base64url(claims);
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::vector<unsigned char> made((bytes.size() + 2) / 3 * 4 + 1);
  const int size = EVP_EncodeBlock(made.data(), bytes_of(bytes), static_cast<int>(bytes.size()));
  std::string text;
  for (const unsigned char each : std::vector(made.begin(), made.begin() + size)) {
    if (each != '=')
      text += each == '+' ? '-' : each == '/' ? '_' : static_cast<char>(each);
  }
  return text;
}

signing_key::signing_key(kind of)
    : key_(of == kind::rsa ? EVP_RSA_gen(2048U) : EVP_EC_gen("P-256"),
           [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }) {
  must(key_ != nullptr, "making a key");
}

std::string signing_key::public_pem() const {
  return written([this](BIO* out) { return PEM_write_bio_PUBKEY(out, key_in(key_)); });
}

std::string signing_key::private_pem() const {
  return written([this](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key_in(key_), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string signing_key::certificate_pem() const {
  const certificate_pointer made(X509_new());
  must(made && X509_set_pubkey(made.get(), key_in(key_)) == 1, "making a certificate");
  must(X509_gmtime_adj(X509_getm_notBefore(made.get()), 0) != nullptr, "making a certificate");
  must(X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600) != nullptr, "making a certificate");
  must(X509_sign(made.get(), key_in(key_), EVP_sha256()) > 0, "signing a certificate");
  return written([&made](BIO* out) { return PEM_write_bio_X509(out, made.get()); });
}

std::string signing_key::sign(std::string_view header, std::string_view claims) const {
  const std::string text = joined(header, claims);
  const digest_pointer digest(EVP_MD_CTX_new());
  must(digest && EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_in(key_)) == 1,
       "beginning to sign");
  std::size_t size = 0;
  must(EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(text), text.size()) == 1, "measuring");
  std::string signature(size, '\0');
  must(EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(text),
                      text.size()) == 1,
       "signing");
  signature.resize(size);
  return text + '.' + base64url(signature);
}

std::string sign_with_secret(std::string_view secret, std::string_view header, std::string_view claims) {
  const std::string text = joined(header, claims);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  must(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(text), text.size(),
            mac.data(), &size) != nullptr,
       "HMAC");
  return text + '.' + base64url({reinterpret_cast<const char*>(mac.data()), size});
}

const signing_key& trusted_key() {
  static const signing_key key;
  return key;
}

const signing_key& stranger_key() {
  static const signing_key key;
  return key;
}

std::string claims::json() const {
  return fmt::format(R"({{"iss":"{}","sub":"{}","aud":"{}","exp":{}}})", issuer, subject, audience,
                     std::chrono::floor<std::chrono::seconds>(expiry).time_since_epoch().count());
}

}  // namespace pushguard::simulator
