#pragma once

#include <memory>
#include <string>

#include "alerts/http_post.hpp"
#include "alerts/receiver.hpp"
#include "base/secret.hpp"

namespace pushguard::alerts {

/// Which labels of an alert PagerDuty is told as what; empty: none.
struct pagerduty_labels {
  std::string source;     ///< where it happened
  std::string component;  ///< what part of it
  std::string group;      ///< what belongs together
};

struct pagerduty_options {
  std::string name;
  url base;  ///< without path: https://events.pagerduty.com, or the service region's
  secret routing_key;
  pagerduty_labels labels;
  http_post_options post;
};

/// PagerDuty, Events API v2. Trouble goes to /v2/enqueue: the alert's id is the dedup key, so that
/// repetitions and updates join the open incident, an acknowledgement acknowledges it and the end resolves
/// it. Changes go to /v2/change/enqueue, which never notifies. PagerDuty allows about 120 events in a minute
/// for a key. `network` and `time` outlive it.
[[nodiscard]] std::unique_ptr<receiver> make_pagerduty_receiver(pagerduty_options options, network& network,
                                                                time_source& time);

inline constexpr std::size_t pagerduty_body_size_max = 512'000;

/// The event that is posted for `row`, of either kind; at most pagerduty_body_size_max bytes: custom details
/// that are too large are replaced by a note.
[[nodiscard]] std::string pagerduty_body(const outbox_row& row, const secret& routing_key,
                                         const pagerduty_labels& labels);

}  // namespace pushguard::alerts
