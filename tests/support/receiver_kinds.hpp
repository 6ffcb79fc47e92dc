#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alerts/alertmanager.hpp"
#include "alerts/pagerduty.hpp"
#include "alerts/slack.hpp"
#include "alerts/webhook.hpp"

namespace pushguard::test {

/// What a receiver is told by which path.
inline constexpr const char* pagerduty_path = "/v2/enqueue";
inline constexpr const char* slack_path = "/services/T000/B000/slack-s3cret";
inline constexpr const char* webhook_path = "/hook?token=hook-s3cret";
inline constexpr const char* alertmanager_path = "/api/v2/alerts";

inline constexpr const char* pagerduty_key = "0123456789abcdef0123456789s3cret";

/// One receiver of each kind, all of them at `at`: oncall, chat, bus, prometheus. `trust` is for https.
/// References outlive them.
inline std::vector<std::unique_ptr<alerts::receiver>> make_every_kind(
    const origin& at, network& network, time_source& time, logger& log,
    const std::shared_ptr<tls_trust>& trust = {}) {
  std::vector<std::unique_ptr<alerts::receiver>> all;
  alerts::http_post_options post;
  post.connect.trust = trust;
  all.push_back(alerts::make_pagerduty_receiver({.name = "oncall",
                                                 .base = {.origin = at, .target = "/"},
                                                 .routing_key = secret(pagerduty_key),
                                                 .labels = {.source = "hub", .component = {}, .group = {}},
                                                 .post = post},
                                                network, time));
  all.push_back(alerts::make_slack_receiver(
      {.name = "chat", .webhook_url = secret(at.text() + slack_path), .post = post}, network, time));
  alerts::webhook_options hook{.name = "bus",
                               .target = secret(at.text() + webhook_path),
                               .secrets = {secret("s3cret-s3cret-s3cret-s3cret")}};
  hook.post.connect.trust = trust;
  all.push_back(alerts::make_webhook_receiver(std::move(hook), network, time));
  alerts::alertmanager_options options;
  options.name = "prometheus";
  options.urls = {url{.origin = at, .target = "/"}};
  options.connect.trust = trust;
  all.push_back(alerts::make_alertmanager_receiver(std::move(options), network, time, log, random_engine(1)));
  return all;
}

}  // namespace pushguard::test
