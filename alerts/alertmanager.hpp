#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alerts/receiver.hpp"
#include "base/backoff.hpp"
#include "base/http_client.hpp"
#include "base/log.hpp"
#include "base/url.hpp"

namespace pushguard::alerts {

struct alertmanager_options {
  std::string name;
  std::vector<url> urls;  ///< every peer of the cluster, with its path prefix where it has one; not empty
  connect_options connect{.resolve = std::chrono::seconds(5),
                          .connect = std::chrono::seconds(5),
                          .handshake = std::chrono::seconds(5)};
  duration timeout = std::chrono::seconds(10);  ///< for one peer's answer, connecting included
  resend_policy resend;
  /// A firing alert is told to end this long after it was last sent, so that a dead agent's alerts end.
  duration ends_after = std::chrono::minutes(4);
};

/// Alertmanager, API v2: POST /api/v2/alerts to every peer, as peers do not share alerts with each other.
///
/// One that accepts makes it sent: that peer notifies. A peer that failed gets the alert with a later
/// re-send; until its own backoff has passed it is left out, so that a dead one does not slow the others,
/// unless no other accepted. When none accepts, the outcome is the most hopeful one: a retry before a drop.
///
/// `network`, `time` and `log` must outlive it.
[[nodiscard]] std::unique_ptr<receiver> make_alertmanager_receiver(alertmanager_options options,
                                                                   network& network, time_source& time,
                                                                   logger& log, random_engine random);

/// The body that is posted for `content` at `now`.
///
/// Labels are those of the alert with `alertname` and `severity`; names that Alertmanager would refuse
/// are cleaned (other characters become `_`) and empty values left out, as it does itself. Annotations
/// hold `summary`, `description` and each link as `<name>_url`.
[[nodiscard]] std::string alertmanager_body(const alert& content, wall_time now, duration ends_after);

}  // namespace pushguard::alerts
