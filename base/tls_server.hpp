#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/net.hpp"
#include "base/secret.hpp"

struct ssl_st;

namespace pushguard {

/// Whether peers show a certificate, and what is made of it.
enum class client_certificates {
  ignored,
  requested,  ///< neither needed nor verified
  required,   ///< any will do
  verified_if_given,
  verified
};

/// The versions that are spoken. OpenSSL has older ones only with its security level lowered for everything.
enum class tls_protocol { tls_1_2, tls_1_3 };

struct tls_server_settings {
  std::string certificate;     ///< PEM: the server's own, then those between it and its authority
  secret key;                  ///< PEM, without a passphrase
  std::string client_ca = {};  ///< PEM; needed where client certificates are verified
  client_certificates clients = client_certificates::ignored;
  /// Where not empty, a verified certificate must have one of them as a subject alternative name: a DNS name,
  /// an address, an e-mail address or a URI, letter by letter.
  std::vector<std::string> client_names = {};
  tls_protocol version_min = tls_protocol::tls_1_2;
  tls_protocol version_max = tls_protocol::tls_1_3;  ///< not below version_min
  /// IANA's names (`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`), the best first; none of a version: OpenSSL's
  /// choice.
  std::vector<std::string> cipher_suites = {};
  std::vector<std::string> curves =
      {};                         ///< names of OpenSSL (`P-256`, `X25519`), the best first; none: its choice
  bool prefers_own_order = true;  ///< of the cipher suites, before the peer's
};

/// Which of the settings is wrong.
enum class tls_setting { certificate, key, client_ca, cipher_suites, curves };

struct tls_setting_problem {
  tls_setting setting;
  std::string message;  ///< without its subject, and without a secret: "is not the key of the certificate"
};

/// Settings that were found right, for any number of connections. Immutable; sessions keep what they need of
/// it.
class tls_server_context {
 public:
  virtual ~tls_server_context() = default;

  /// OpenSSL's object for one connection, which the caller frees; nullptr where there is no memory.
  [[nodiscard]] virtual ssl_st* make_session() const = 0;
  /// Whether the server's certificate is over by the machine's clock.
  [[nodiscard]] virtual bool is_expired() const = 0;
};

/// Fails with everything that is wrong. Sessions are never resumed, so that a client's certificate is looked
/// at for each connection.
[[nodiscard]] std::expected<std::shared_ptr<const tls_server_context>, std::vector<tls_setting_problem>>
make_tls_server_context(const tls_server_settings& settings);

/// IANA's names of the cipher suites that OpenSSL has here, without those that neither encrypt nor
/// authenticate.
[[nodiscard]] std::vector<std::string> known_cipher_suites();

/// What a connection is to be secured with; nullptr: it is not. Asked once for each.
using tls_context_source = std::function<std::shared_ptr<const tls_server_context>()>;

/// Listens on `host` (an address) and `port` (0: any free one) as network::listen() does, and secures what it
/// accepts. The handshake is made by the first read or write of a connection, so that none waits for another;
/// it takes ten seconds at most. Where it fails, so does the read or write, with errc::closed, and the log
/// has `tls_handshake_failed` at debug. local() has the security of the moment it was opened. What is
/// referred to outlives it and its connections.
[[nodiscard]] result<std::unique_ptr<listener>> listen_secured(const boost::asio::any_io_executor& executor,
                                                               std::string_view host, std::uint16_t port,
                                                               tls_context_source source, time_source& time,
                                                               logger& log);

}  // namespace pushguard
