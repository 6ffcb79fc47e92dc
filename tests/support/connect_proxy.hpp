#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/net.hpp"

namespace pushguard::test {

enum class proxy_manner {
  helpful,
  silent,  ///< takes the request and never answers
};

struct connect_proxy_options {
  /// What `Proxy-Authorization` must be, as it stands in the header: `Basic bWU6c2VjcmV0`. Empty: anything.
  std::string authorization = {};
  proxy_manner manner = proxy_manner::helpful;
};

/// A proxy that makes connections for others by CONNECT, over whatever carries them. It reads requests with
/// code of its own, so that it cannot be wrong together with the program's. For one thread.
class connect_proxy {
 public:
  /// Takes connections from `from` and makes them on `beyond`. Both must outlive run().
  connect_proxy(listener& from, network& beyond, connect_proxy_options options = {})
      : from_(from), beyond_(beyond), options_(std::move(options)) {}

  /// Serves until cancelled, or until `from` is closed and every tunnel has ended.
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// Changes what must stand in `Proxy-Authorization`; tunnels there are stay.
  void demand(std::string authorization) { options_.authorization = std::move(authorization); }

  /// Where each request wanted to go, `host:port`, refused ones included.
  [[nodiscard]] const std::vector<std::string>& asked() const noexcept { return asked_; }
  /// Connections made so far.
  [[nodiscard]] std::size_t tunnels() const noexcept { return tunnels_; }

 private:
  boost::asio::awaitable<void> serve(std::unique_ptr<transport> client);
  boost::asio::awaitable<std::unique_ptr<transport>> open(transport& client, std::string request);

  listener& from_;
  network& beyond_;
  connect_proxy_options options_;
  std::vector<std::string> asked_;
  std::size_t tunnels_ = 0;
};

}  // namespace pushguard::test
