#include "base/tls_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace pushguard {
namespace {

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using context_pointer = std::unique_ptr<SSL_CTX, freer<&SSL_CTX_free>>;
using bio_pointer = std::unique_ptr<BIO, freer<&BIO_free>>;
using certificate_pointer = std::unique_ptr<X509, freer<&X509_free>>;
using key_pointer = std::unique_ptr<EVP_PKEY, freer<&EVP_PKEY_free>>;
using names_pointer = std::unique_ptr<GENERAL_NAMES, freer<&GENERAL_NAMES_free>>;

using name_list = std::vector<std::string>;
using problem_list = std::vector<tls_setting_problem>;

bio_pointer reader_of(std::string_view text) {
  return bio_pointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// OpenSSL would ask at the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

/// Every certificate of a PEM text; none where one of them cannot be read.
std::vector<certificate_pointer> read_certificates(std::string_view text) {
  std::vector<certificate_pointer> made;
  const bio_pointer from = reader_of(text);
  while (X509* const next = PEM_read_bio_X509(from.get(), nullptr, no_passphrase, nullptr))
    made.emplace_back(next);
  const unsigned long why = ERR_peek_last_error();
  const bool is_at_the_end = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_at_the_end)
    made.clear();
  return made;
}

std::string reason_of_last_error() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != nullptr ? text : "OpenSSL does not say why";
}

void use_certificate(SSL_CTX* context, const tls_server_settings& settings, problem_list& problems) {
  const auto chain = read_certificates(settings.certificate);
  if (chain.empty()) {
    problems.push_back({tls_setting::certificate, "holds no certificate in PEM form"});
    return;
  }
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    problems.push_back(
        {tls_setting::certificate, "has a certificate that OpenSSL refuses: " + reason_of_last_error()});
  for (std::size_t i = 1; i < chain.size(); ++i)
    SSL_CTX_add1_chain_cert(context, chain[i].get());
}

void use_key(SSL_CTX* context, const tls_server_settings& settings, problem_list& problems) {
  const bio_pointer from = reader_of(settings.key.reveal());
  const key_pointer key(PEM_read_bio_PrivateKey(from.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) {
    problems.push_back({tls_setting::key, "holds no private key in PEM form without a passphrase"});
    return;
  }
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  if (certificate == nullptr)
    return;  // told already
  const bool is_its_key =
      X509_check_private_key(certificate, key.get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  ERR_clear_error();
  if (!is_its_key)
    problems.push_back({tls_setting::key, "is not the key of the certificate"});
}

void use_client_ca(SSL_CTX* context, const tls_server_settings& settings, problem_list& problems) {
  if (settings.client_ca.empty())
    return;
  const auto authorities = read_certificates(settings.client_ca);
  if (authorities.empty()) {
    problems.push_back({tls_setting::client_ca, "holds no certificate in PEM form"});
    return;
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& each : authorities) {
    X509_STORE_add_cert(store, each.get());
    SSL_CTX_add_client_CA(context, each.get());
  }
  ERR_clear_error();
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16)
    return "";
  const char* const made =
      inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text.data(), text.size());
  return made != nullptr ? made : "";
}

bool has_one_of(X509* certificate, const name_list& wanted) {
  const names_pointer names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind);
    std::string name;
    if (kind == GEN_DNS || kind == GEN_EMAIL || kind == GEN_URI)
      name = text_of(static_cast<const ASN1_STRING*>(value));
    else if (kind == GEN_IPADD)
      name = address_of(static_cast<const ASN1_OCTET_STRING*>(value));
    if (!name.empty() && std::ranges::find(wanted, name) != wanted.end())
      return true;
  }
  return false;
}

void free_names(void*, void* names, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<name_list*>(names);
}

/// Where a context keeps the names that its peers may have.
int names_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_names);
  return index;
}

int take_any(int, X509_STORE_CTX*) {
  return 1;
}

int take_named(int is_verified, X509_STORE_CTX* checked) {
  if (is_verified != 1 || X509_STORE_CTX_get_error_depth(checked) != 0)
    return is_verified;
  const auto* const session =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(checked, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* const names =
      static_cast<name_list*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), names_index()));
  if (names == nullptr || has_one_of(X509_STORE_CTX_get_current_cert(checked), *names))
    return 1;
  X509_STORE_CTX_set_error(checked, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

void ask_clients(SSL_CTX* context, const tls_server_settings& settings) {
  constexpr int required = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  switch (settings.clients) {
    case client_certificates::ignored:
      return;
    case client_certificates::requested:
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, take_any);
      return;
    case client_certificates::required:
      SSL_CTX_set_verify(context, required, take_any);
      return;
    case client_certificates::verified_if_given:
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, take_named);
      break;
    case client_certificates::verified:
      SSL_CTX_set_verify(context, required, take_named);
      break;
  }
  if (!settings.client_names.empty())
    SSL_CTX_set_ex_data(context, names_index(), new name_list(settings.client_names));
}

int number_of(tls_protocol version) {
  return version == tls_protocol::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

std::string joined(const name_list& names) {
  return fmt::format("{}", fmt::join(names, ":"));
}

/// Every suite that may be asked for, in a context made for looking them up.
context_pointer make_catalogue() {
  context_pointer all(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_cipher_list(all.get(), "ALL:!aNULL:!eNULL");
  return all;
}

const SSL_CIPHER* find_suite(const SSL_CTX* catalogue, const std::string& name) {
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(catalogue);
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    const SSL_CIPHER* const each = sk_SSL_CIPHER_value(all, i);
    if (name == SSL_CIPHER_standard_name(each))
      return each;
  }
  return nullptr;
}

void use_suites(SSL_CTX* context, const tls_server_settings& settings, problem_list& problems) {
  if (settings.cipher_suites.empty())
    return;
  const context_pointer catalogue = make_catalogue();
  name_list older;
  name_list newest;  // OpenSSL keeps those of TLS 1.3 in a list of their own
  for (const std::string& name : settings.cipher_suites) {
    const SSL_CIPHER* const suite = find_suite(catalogue.get(), name);
    if (suite == nullptr)
      problems.push_back(
          {tls_setting::cipher_suites, fmt::format("has '{}', which is no cipher suite of OpenSSL", name)});
    else
      (std::string_view(SSL_CIPHER_get_version(suite)) == "TLSv1.3" ? newest : older)
          .emplace_back(SSL_CIPHER_get_name(suite));
  }
  if (!problems.empty())
    return;
  if (older.empty() && settings.version_min == tls_protocol::tls_1_2)
    problems.push_back(
        {tls_setting::cipher_suites, "has none for TLS 1.2: add one, or let TLS 1.3 be the least version"});
  if ((!older.empty() && SSL_CTX_set_cipher_list(context, joined(older).c_str()) != 1) ||
      (!newest.empty() && SSL_CTX_set_ciphersuites(context, joined(newest).c_str()) != 1))
    problems.push_back({tls_setting::cipher_suites, "is refused by OpenSSL: " + reason_of_last_error()});
}

class openssl_context final : public tls_server_context {
 public:
  explicit openssl_context(context_pointer context) : context_(std::move(context)) {}

  ssl_st* make_session() const override { return SSL_new(context_.get()); }
  bool is_expired() const override {
    return X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(context_.get()))) < 0;
  }

 private:
  context_pointer context_;
};

}  // namespace

std::vector<std::string> known_cipher_suites() {
  const context_pointer catalogue = make_catalogue();
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(catalogue.get());
  name_list names;
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i)
    names.emplace_back(SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(all, i)));
  return names;
}

std::expected<std::shared_ptr<const tls_server_context>, std::vector<tls_setting_problem>>
make_tls_server_context(const tls_server_settings& settings) {
  problem_list problems;
  context_pointer made(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = made.get();
  SSL_CTX_set_min_proto_version(context, number_of(settings.version_min));
  SSL_CTX_set_max_proto_version(context, number_of(settings.version_max));
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  if (settings.prefers_own_order)
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  use_certificate(context, settings, problems);
  use_key(context, settings, problems);
  use_client_ca(context, settings, problems);
  ask_clients(context, settings);
  problem_list of_suites;
  use_suites(context, settings, of_suites);
  std::ranges::move(of_suites, std::back_inserter(problems));
  if (!settings.curves.empty() && SSL_CTX_set1_groups_list(context, joined(settings.curves).c_str()) != 1)
    problems.push_back({tls_setting::curves, "is refused by OpenSSL: " + reason_of_last_error()});
  if (!problems.empty())
    return std::unexpected(std::move(problems));
  return std::make_shared<const openssl_context>(std::move(made));
}

}  // namespace pushguard
