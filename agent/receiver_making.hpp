#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "agent/configuration/configuration.hpp"
#include "alerts/receiver.hpp"
#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/net.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// What receivers are made with. References outlive them.
struct receiver_parts {
  pushguard::network& network;
  time_source& time;
  logger& log;
  std::shared_ptr<tls_trust> trust;  ///< for https
  random_engine random;              ///< of jitter
  /// How long after it was last told a firing alert ends, where the receiver lets alerts end by themselves;
  /// nothing: as long as suits what the outbox tells.
  std::optional<duration> ends_after = {};
};

/// `alertmanager`, `pagerduty`, `slack` or `webhook`: its key in the configuration.
[[nodiscard]] std::string_view receiver_kind(const configuration::receiver& of);

/// The receiver that a configuration describes.
[[nodiscard]] std::unique_ptr<alerts::receiver> make_receiver(const configuration::receiver& from,
                                                              const receiver_parts& parts);

/// What is told to a receiver of this kind, and what is not.
[[nodiscard]] alerts::receiver_traits traits_of(const configuration::receiver& receiver);

}  // namespace pushguard::agent
