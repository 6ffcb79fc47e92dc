#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/net.hpp"

namespace pushguard::test {

/// A directory that goes with its owner.
class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// When a certificate is valid, against the machine's clock.
enum class validity { now, over, not_yet };

/// What a certificate may be shown for (extendedKeyUsage).
enum class certificate_use { server, client };

struct certificate_wish {
  /// As in OpenSSL's configuration: `DNS:localhost`, `IP:127.0.0.1`. None: only a common name.
  std::vector<std::string> names = {};
  std::string common_name = "test server";
  validity when = validity::now;
  certificate_use use = certificate_use::server;
};

/// A certificate with its key and the one that signed it, made while the test runs.
struct certificate_chain {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM
};

/// An authority that a test may trust. Its key never leaves the process.
class certificate_authority {
 public:
  certificate_authority();
  ~certificate_authority();
  certificate_authority(const certificate_authority&) = delete;
  certificate_authority& operator=(const certificate_authority&) = delete;

  /// Its own certificate, as a file to be trusted.
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
  [[nodiscard]] certificate_chain issue(const certificate_wish& wish) const;

 private:
  struct keys;
  temporary_directory directory_;
  std::filesystem::path file_;
  std::unique_ptr<keys> keys_;
};

enum class tls_version { any, only_1_1 };

/// Takes TLS connections on a free port of 127.0.0.1. Handshakes that fail are passed over.
[[nodiscard]] std::unique_ptr<listener> listen_tls(const boost::asio::any_io_executor& executor,
                                                   const certificate_chain& chain,
                                                   tls_version version = tls_version::any);

/// Ends a transport of listen_tls in order, with close_notify, and waits until the peer has gone.
[[nodiscard]] boost::asio::awaitable<void> say_goodbye(transport& accepted);

/// The name that the peer asked for (SNI); empty where it named none.
[[nodiscard]] std::string asked_name(const transport& accepted);

}  // namespace pushguard::test
