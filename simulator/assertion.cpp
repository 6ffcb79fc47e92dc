#include "simulator/assertion.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <limits>
#include <memory>

#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

// Salesforce asks for three minutes and takes far more; tools in the field send what they like.
constexpr duration ahead_max = std::chrono::hours(24);

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
using bio_pointer = std::unique_ptr<BIO, freer<&BIO_free>>;
using key_pointer = std::unique_ptr<EVP_PKEY, freer<&EVP_PKEY_free>>;
using certificate_pointer = std::unique_ptr<X509, freer<&X509_free>>;
using digest_pointer = std::unique_ptr<EVP_MD_CTX, freer<&EVP_MD_CTX_free>>;

/// OpenSSL would ask the terminal.
int no_password(char* /*to*/, int /*size*/, int /*purpose*/, void* /*context*/) {
  return -1;
}

bio_pointer open(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return nullptr;
  return bio_pointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

key_pointer read_key(std::string_view pem) {
  key_pointer key;
  if (const bio_pointer in = open(pem))
    key.reset(PEM_read_bio_PUBKEY(in.get(), nullptr, no_password, nullptr));
  if (const bio_pointer in = key ? nullptr : open(pem)) {
    const certificate_pointer certificate(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
    if (certificate)
      key.reset(X509_get_pubkey(certificate.get()));
  }
  ERR_clear_error();
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    key.reset();
  return key;
}

bool is_signed(std::string_view text, std::string_view signature, std::string_view pem) {
  const key_pointer key = read_key(pem);
  const digest_pointer digest(EVP_MD_CTX_new());
  if (!key || !digest || EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1) {
    ERR_clear_error();
    return false;
  }
  const auto bytes = [](std::string_view of) { return reinterpret_cast<const unsigned char*>(of.data()); };
  const int verdict =
      EVP_DigestVerify(digest.get(), bytes(signature), signature.size(), bytes(text), text.size());
  ERR_clear_error();
  return verdict == 1;
}

std::optional<std::uint32_t> sextet(char letter) {
  static constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t value = letters.find(letter);
  return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<std::uint32_t>(value));
}

/// Without padding, as RFC 7515 has it.
std::optional<std::string> decode_base64url(std::string_view text) {
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string made;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char letter : text) {
    const auto value = sextet(letter);
    if (!value)
      return std::nullopt;
    bits = (bits << 6U) | *value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      made += static_cast<char>((bits >> count) & 0xFFU);
    }
  }
  return made;
}

std::optional<json::object> decode_object(std::string_view part) {
  const auto text = decode_base64url(part);
  if (!text)
    return std::nullopt;
  boost::system::error_code ec;
  json::value value = json::parse(*text, ec);
  if (ec || !value.is_object())
    return std::nullopt;
  return std::move(value.get_object());
}

/// "" where it is absent or no text.
std::string_view text_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view{};
}

std::optional<assertion_defect> find_defect_of_time(const json::object& claims, duration skew,
                                                    wall_time now) {
  const json::value* value = claims.if_contains("exp");
  if (value == nullptr || !value->is_number())
    return assertion_defect::expired;
  const auto expiry = value->to_number<double>() * 1000;
  const auto at = static_cast<double>(now.time_since_epoch().count());
  if (expiry < at - static_cast<double>(skew.count()))
    return assertion_defect::expired;
  if (expiry > at + static_cast<double>(ahead_max.count()))
    return assertion_defect::too_far_ahead;
  return std::nullopt;
}

std::optional<assertion_defect> find_defect_of_claims(const json::object& claims,
                                                      const assertion_rules& rules, wall_time now) {
  if (text_of(claims, "iss") != rules.issuer)
    return assertion_defect::wrong_issuer;
  if (!equals_ignoring_case(text_of(claims, "sub"), rules.subject))
    return assertion_defect::wrong_subject;
  if (std::ranges::find(rules.audiences, text_of(claims, "aud")) == rules.audiences.end())
    return assertion_defect::wrong_audience;
  return find_defect_of_time(claims, rules.skew, now);
}

}  // namespace

std::optional<assertion_defect> find_defect(std::string_view assertion, const assertion_rules& rules,
                                            wall_time now) {
  const std::size_t first = assertion.find('.');
  const std::size_t last = assertion.rfind('.');
  if (first == last || assertion.find('.', first + 1) != last)
    return assertion_defect::malformed;
  const auto header = decode_object(assertion.substr(0, first));
  const auto claims = decode_object(assertion.substr(first + 1, last - first - 1));
  const auto signature = decode_base64url(assertion.substr(last + 1));
  if (!header || !claims || !signature)
    return assertion_defect::malformed;
  if (text_of(*header, "alg") != "RS256")
    return assertion_defect::wrong_algorithm;
  if (!is_signed(assertion.substr(0, last), *signature, rules.public_key))
    return assertion_defect::wrong_signature;
  return find_defect_of_claims(*claims, rules, now);
}

bool is_rsa_public_key(std::string_view pem) {
  return read_key(pem) != nullptr;
}

}  // namespace pushguard::simulator
