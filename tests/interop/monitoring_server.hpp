#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/url.hpp"
#include "tests/interop/running_world.hpp"

namespace pushguard::test {

/// A server of Debian's (Prometheus, Alertmanager) that must be ready before the test goes on. It ends with
/// this object.
class monitoring_server {
 public:
  /// The command that starts it on `address` (host:port).
  using command_maker = std::function<std::vector<std::string>(const std::string& address)>;

  /// A free port found may be taken before the server gets it, so it is tried a few times.
  monitoring_server(running_world& world, const command_maker& command);

  [[nodiscard]] bool is_running() const noexcept { return process_ != nullptr; }
  [[nodiscard]] const origin& address() const noexcept { return address_; }
  void signal(int number) { process_->signal(number); }

 private:
  origin address_;
  std::unique_ptr<child_process> process_;
};

/// Scrapes both paths of the agent at `agent` (host:port) every second.
[[nodiscard]] std::string scrape_configuration(const std::string& agent);

/// Debian's Prometheus with `configuration`, its data in the world's directory; `name` tells several apart.
[[nodiscard]] std::unique_ptr<monitoring_server> start_prometheus(running_world& world,
                                                                  const std::string& configuration,
                                                                  const std::string& name = "prometheus");

/// The value of the first series that an instant query finds; nothing where there is none.
[[nodiscard]] std::optional<double> query(running_world& world, const origin& prometheus,
                                          const std::string& expression);

}  // namespace pushguard::test
