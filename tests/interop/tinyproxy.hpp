#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard::test {

/// Debian's tinyproxy as a child process on a free port of 127.0.0.1, for clients of this machine.
class tinyproxy {
 public:
  /// `lines` stand in its configuration beside the address. Throws std::runtime_error where the program is
  /// not installed or does not get ready.
  explicit tinyproxy(const std::string& lines = "");

  [[nodiscard]] const origin& address() const noexcept { return address_; }

  /// Ends it; what it logged as wanted by CONNECT, `host:port` in order.
  [[nodiscard]] std::vector<std::string> finish();

 private:
  bool start(const std::string& lines);

  scratch_directory directory_;
  std::unique_ptr<net_world> sockets_ = make_socket_world();
  origin address_;
  std::unique_ptr<child_process> process_;
};

}  // namespace pushguard::test
