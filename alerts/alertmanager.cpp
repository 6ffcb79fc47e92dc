#include "alerts/alertmanager.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "alerts/receiver_status.hpp"
#include "base/deadline.hpp"
#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;

// An answer is empty, or names what is wrong with one alert.
constexpr std::size_t answer_size_max = std::size_t{64} * 1024;
// How long a peer that failed is left out while another accepts.
constexpr backoff_limits peer_rest{std::chrono::seconds(5), std::chrono::minutes(1)};

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// A name as Prometheus' data model wants it: [a-zA-Z_][a-zA-Z0-9_]*.
std::string clean_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_digit = c >= '0' && c <= '9';
    if (out.empty() && is_digit) {
      out += '_';
    }
    out += is_letter(c) || is_digit ? c : '_';
  }
  return out;
}

void add_field(text_map& to, std::string_view name, std::string_view value) {
  std::string cleaned = clean_name(name);
  if (!cleaned.empty() && !value.empty()) {
    to.emplace(std::move(cleaned), value);
  }
}

void append_object(std::string& out, std::string_view name, const text_map& fields) {
  append_json_string(out, name);
  out += ":{";
  const char* separator = "";
  for (const auto& [key, value] : fields) {
    out += separator;
    separator = ",";
    append_json_string(out, key);
    out += ':';
    append_json_string(out, value);
  }
  out += '}';
}

/// Which of two outcomes is the more hopeful: sent, soon again, after a human's help, never.
int hopelessness(const delivery& outcome) noexcept {
  switch (outcome.verdict) {
    case delivery_verdict::sent:
      return 0;
    case delivery_verdict::retry:
      return needs_human(outcome.reason) ? 2 : 1;
    case delivery_verdict::drop:
      return 3;
  }
  return 3;
}

struct peer {
  std::unique_ptr<http_client> client;
  std::string target;
  backoff rest{peer_rest};
  steady_time rests_until{};
};

class alertmanager_receiver final : public receiver {
 public:
  alertmanager_receiver(alertmanager_options options, network& network, time_source& time, logger& log,
                        random_engine random)
      : options_(std::move(options)), time_(time), log_(log), random_(random) {
    for (const url& each : options_.urls) {
      std::string prefix = each.target;
      while (prefix.ends_with('/')) {
        prefix.pop_back();
      }
      peers_.push_back(
          peer{.client = make_http_client(network, time, each.origin, {.connect = options_.connect}),
               .target = prefix + "/api/v2/alerts"});
    }
  }

  const std::string& name() const noexcept override { return options_.name; }
  superseding supersedes() const noexcept override { return superseding::any; }
  std::optional<resend_policy> resends() const noexcept override { return options_.resend; }

  asio::awaitable<delivery> deliver(outbox_row row) override {
    const std::string body = alertmanager_body(row.content, time_.wall_now(), options_.ends_after);
    std::vector<peer*> awake;
    std::vector<peer*> resting;
    for (peer& each : peers_) {
      (each.rests_until <= time_.steady_now() ? awake : resting).push_back(&each);
    }
    std::vector<delivery> outcomes;
    if (!awake.empty()) {
      delivery first = co_await post_to_all(std::move(awake), body);
      outcomes.push_back(std::move(first));
    }
    const bool is_sent = !outcomes.empty() && outcomes.front().verdict == delivery_verdict::sent;
    if (!is_sent && !resting.empty()) {
      delivery second = co_await post_to_all(std::move(resting), body);
      outcomes.push_back(std::move(second));
    }
    co_return *std::ranges::min_element(outcomes, {}, hopelessness);
  }

 private:
  // Side by side; answers the most hopeful outcome. `body` outlives the call.
  asio::awaitable<delivery> post_to_all(std::vector<peer*> peers, const std::string& body) {
    const auto executor = co_await asio::this_coro::executor;
    using operation = decltype(asio::co_spawn(executor, post_to(*peers.front(), body), asio::deferred));
    std::vector<operation> posts;
    posts.reserve(peers.size());
    for (peer* each : peers) {
      posts.push_back(asio::co_spawn(executor, post_to(*each, body), asio::deferred));
    }
    auto group = asio::experimental::make_parallel_group(std::move(posts));
    auto [order, errors, outcomes] =
        co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (const auto& error : errors) {
      if (error) {
        std::rethrow_exception(error);
      }
    }
    co_return *std::ranges::min_element(outcomes, {}, hopelessness);
  }

  asio::awaitable<delivery> post_to(peer& to, const std::string& body) {
    http_request request{.method = "POST",
                         .target = to.target,
                         .headers = {{"Content-Type", "application/json"}},
                         .body = body};
    http_call call;
    call.limits.body_size = answer_size_max;
    call.retry_stale = stale_retry::always;  // the same alert twice is the same alert
    const std::string where = to.client->peer().text();
    auto sending = to.client->send(std::move(request), std::move(call));
    const auto response = co_await with_deadline(time_, time_.steady_now() + options_.timeout,
                                                 "posting an alert to " + where, std::move(sending));
    delivery outcome =
        response ? judge_response(*response, where, time_.wall_now()) : judge_failure(response.error());
    note(to, where, outcome);
    co_return outcome;
  }

  void note(peer& of, const std::string& where, const delivery& outcome) {
    if (outcome.verdict != delivery_verdict::retry) {
      if (of.rest.failures() > 0) {
        log_.info("alertmanager_peer_recovered", {{"receiver", name()}, {"peer", where}});
      }
      of.rest.reset();
      of.rests_until = {};
      return;
    }
    if (of.rest.failures() == 0) {
      log_.warning("alertmanager_peer_failing", {{"receiver", name()},
                                                 {"peer", where},
                                                 {"reason", to_string(outcome.reason)},
                                                 {"error", outcome.detail}});
    }
    const duration rest = std::max(of.rest.next(random_), outcome.retry_after.value_or(duration::zero()));
    of.rests_until = time_.steady_now() + std::min(rest, peer_rest.longest);
  }

  alertmanager_options options_;
  time_source& time_;
  logger& log_;
  random_engine random_;
  std::vector<peer> peers_;
};

}  // namespace

std::unique_ptr<receiver> make_alertmanager_receiver(alertmanager_options options, network& network,
                                                     time_source& time, logger& log, random_engine random) {
  return std::make_unique<alertmanager_receiver>(std::move(options), network, time, log, random);
}

std::string alertmanager_body(const alert& content, wall_time now, duration ends_after) {
  text_map labels;
  add_field(labels, "alertname", content.name);
  add_field(labels, "severity", to_string(content.severity));
  for (const auto& [name, value] : content.labels) {
    add_field(labels, name, value);
  }
  text_map annotations;
  add_field(annotations, "summary", content.summary);
  add_field(annotations, "description", content.description);
  for (const alert_link& link : content.links) {
    add_field(annotations, link.name + "_url", link.url);
  }
  for (const auto& [name, value] : content.annotations) {
    add_field(annotations, name, value);
  }
  if (content.acknowledged) {
    add_field(annotations, "acknowledged_by", content.acknowledged->by);
  }
  // Alertmanager refuses an end before the start, which a clock that was set back could bring about.
  const wall_time end = content.state == alert_state::resolved
                            ? std::max(content.resolved_at.value_or(now), content.starts_at)
                            : std::max(now, content.starts_at) + ends_after;
  std::string out = "[{";
  append_object(out, "labels", labels);
  out += ',';
  append_object(out, "annotations", annotations);
  out += ",\"startsAt\":";
  append_json_string(out, format_time(content.starts_at));
  out += ",\"endsAt\":";
  append_json_string(out, format_time(end));
  // It must be a URL or absent, or the alert is refused.
  if (parse_url(content.generator_url)) {
    out += ",\"generatorURL\":";
    append_json_string(out, content.generator_url);
  }
  out += "}]";
  return out;
}

}  // namespace pushguard::alerts
