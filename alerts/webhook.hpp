#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/http_post.hpp"
#include "alerts/receiver.hpp"
#include "base/secret.hpp"

namespace pushguard::alerts {

inline constexpr std::string_view webhook_secret_prefix = "whsec_";
inline constexpr std::size_t webhook_secret_size_min = 24;  // bytes, as the specification wants
inline constexpr std::size_t webhook_secret_size_max = 64;
inline constexpr std::size_t webhook_secrets_max = 4;
inline constexpr std::size_t webhook_body_size_max = std::size_t{20} * 1024;

/// The keys in a text of lines `whsec_<base64>`: the one that is signed with first, and those that still hold
/// while they are rotated. Empty lines are passed over. Fails with errc::invalid in one sentence that repeats
/// nothing of them.
[[nodiscard]] result<std::vector<secret>> parse_webhook_secrets(std::string_view text);

struct webhook_options {
  std::string name;
  secret target;                ///< a URL, as parse_url() takes it
  std::vector<secret> secrets;  ///< keys, as parse_webhook_secrets() answers them; not empty
  http_post_options post{.connect = {.resolve = std::chrono::seconds(5),
                                     .connect = std::chrono::seconds(5),
                                     .handshake = std::chrono::seconds(5)},
                         .timeout = std::chrono::seconds(20)};
};

/// Any HTTP endpoint, signed as Standard Webhooks (standardwebhooks.com) has it: `webhook-id` is the same
/// whenever a notification is tried again, `webhook-timestamp` is of the attempt, `webhook-signature` has one
/// signature for each key. 410 gives a notification up: the endpoint wants no more. `network` and `time`
/// outlive it; throws std::invalid_argument where `target` is no URL.
[[nodiscard]] std::unique_ptr<receiver> make_webhook_receiver(webhook_options options, network& network,
                                                              time_source& time);

/// `{"type":"alert.fired","timestamp":…,"data":{…}}`, at most webhook_body_size_max bytes: description and
/// annotations are cut, and `truncated` is then true.
[[nodiscard]] std::string webhook_body(const outbox_row& row);

/// The value of `webhook-signature` for a message.
[[nodiscard]] std::string webhook_signature(const std::vector<secret>& secrets, std::string_view id,
                                            std::string_view timestamp, std::string_view body);

}  // namespace pushguard::alerts
