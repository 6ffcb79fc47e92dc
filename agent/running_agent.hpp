#pragma once

#include <functional>
#include <memory>

#include "agent/configuration/configuration.hpp"
#include "agent/store/store.hpp"
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

/// Opens the store that a lock is for; called once, on the thread that decides.
using store_opener = std::function<result<std::unique_ptr<store::store>>(file_lock lock)>;

/// The store that every agent has, but for those that are measured.
[[nodiscard]] store_opener sqlite_store_opener();

/// Opens the port and starts. A store that another agent holds is waited for, with `pushguard_leader` 0.
/// Fails where the port is taken or a certificate file cannot be read. `time` and `log` outlive the agent.
[[nodiscard]] result<std::unique_ptr<running_agent>> start_agent(
    configuration::configuration configuration, time_source& time, logger& log,
    store_opener open_store = sqlite_store_opener());

}  // namespace pushguard::agent
