#pragma once

#include <memory>
#include <string>

#include "alerts/http_post.hpp"
#include "alerts/receiver.hpp"
#include "base/secret.hpp"

namespace pushguard::alerts {

struct slack_options {
  std::string name;
  secret webhook_url;  ///< as parse_url() takes it
  std::string group_label =
      {};  ///< the label of alerts whose notifications may come as one message; or empty
  http_post_options post;
};

/// A Slack incoming webhook: one message for each notification, or for what waits of one group, as blocks.
/// Slack allows about one message a second, and no message is ever edited. `network` and `time` outlive it;
/// throws std::invalid_argument where `webhook_url` is no URL.
[[nodiscard]] std::unique_ptr<receiver> make_slack_receiver(slack_options options, network& network,
                                                            time_source& time);

/// The message for a notification. Texts cannot mention anyone, link or format; lengths are those of Slack's
/// reference for blocks.
[[nodiscard]] std::string slack_body(const outbox_row& row);

/// The message for several, each in short; at most receiver::gathered_max.
[[nodiscard]] std::string slack_body(const std::vector<outbox_row>& rows);

}  // namespace pushguard::alerts
