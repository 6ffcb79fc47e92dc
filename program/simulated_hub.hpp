#pragma once

#include <functional>
#include <memory>

#include "base/log.hpp"
#include "base/time_source.hpp"
#include "base/url.hpp"
#include "simulator/hub.hpp"

namespace pushguard::program {

/// A simulated hub on a thread and a port of its own.
class simulated_hub {
 public:
  virtual ~simulated_hub() = default;

  [[nodiscard]] virtual origin local() const = 0;
  [[nodiscard]] virtual simulator::hub_truth truth() = 0;
  [[nodiscard]] virtual bool is_finished() = 0;
  /// Does something to the hub on its own thread, and returns when it is done.
  virtual void change(const std::function<void(simulator::hub&)>& what) = 0;
};

/// Listens and starts; destroying it ends it. Port 0 is any free one. `time` and `log` outlive it.
[[nodiscard]] result<std::unique_ptr<simulated_hub>> start_simulated_hub(simulator::scenario plan,
                                                                         std::string_view host,
                                                                         std::uint16_t port,
                                                                         time_source& time, logger& log);

}  // namespace pushguard::program
