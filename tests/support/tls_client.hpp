#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "base/net.hpp"
#include "tests/support/tls_server.hpp"

namespace pushguard::test {

enum class tls_client_version { any, only_1_2 };

struct tls_client_wish {
  std::filesystem::path ca_file;              ///< whose signature the server's certificate must have
  std::optional<certificate_chain> own = {};  ///< shown where the server asks for one
  tls_client_version version = tls_client_version::any;
  std::string cipher_suites = {};  ///< of TLS 1.2, in OpenSSL's names; empty: its choice
};

struct tls_answer {
  std::string text;         ///< everything that the server sent
  std::string common_name;  ///< of its certificate
  std::string cipher_suite;
};

/// Sends `request` on a connection of its own and reads to its end. Fails with what OpenSSL says.
[[nodiscard]] boost::asio::awaitable<result<tls_answer>> ask_over_tls(origin to, tls_client_wish wish,
                                                                      std::string request);

/// A request after which the server ends the connection. `headers` are whole lines.
[[nodiscard]] std::string last_request(std::string_view method, std::string_view path,
                                       std::string_view headers = "");
[[nodiscard]] std::string last_get(std::string_view path);

}  // namespace pushguard::test
