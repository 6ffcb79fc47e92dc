#pragma once

#include <memory>

#include "agent/configuration/configuration.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"
#include "base/url.hpp"

namespace pushguard::agent {

/// The whole agent on threads of its own: deciding, serving and storing never wait for each other.
class running_agent {
 public:
  virtual ~running_agent() = default;

  /// Where it answers.
  [[nodiscard]] virtual origin local() const = 0;
  /// Asks it to end in order; it does so within seconds. Thread-safe, idempotent.
  virtual void stop() = 0;
  /// Waits for the end; the failure that ended it, if one did. Call it once.
  [[nodiscard]] virtual result<> wait() = 0;
};

/// Opens the port and starts. A store that another agent holds is waited for, with `pushguard_leader` 0.
/// Fails where the port is taken or a certificate file cannot be read. `time` and `log` outlive the agent.
[[nodiscard]] result<std::unique_ptr<running_agent>> start_agent(configuration::configuration configuration,
                                                                 time_source& time, logger& log);

}  // namespace pushguard::agent
