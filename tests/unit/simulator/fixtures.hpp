#pragma once

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "simulator/scenario.hpp"

namespace pushguard::simulator {

/// Two waves, an hour apart, of a world in which time passes as on the clock.
inline scenario small_scenario(std::size_t orgs_per_wave = 50, double failure_rate = 0.2) {
  using namespace std::chrono_literals;
  scenario plan;
  plan.seed = 42;
  plan.failures.rate = failure_rate;
  plan.waves = {{.start = 60s, .orgs = orgs_per_wave}, {.start = 1h, .orgs = orgs_per_wave}};
  return plan;
}

inline instant start_of_test() {
  using namespace std::chrono_literals;
  return {wall_time{std::chrono::sys_days{std::chrono::year{2026} / 3 / 10}} + 12h, steady_time{} + 1h};
}

inline instant later(instant from, duration by) {
  return {from.wall + by, from.steady + by};
}

/// The text of a JSON string; what else it is, written as JSON.
inline std::string text_of(const boost::json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
}

inline http_request token_request(std::string body, std::string host = "hub.example:8080") {
  return {.method = "POST",
          .target = "/services/oauth2/token",
          .headers = {{"Host", std::move(host)}, {"Content-Type", "application/x-www-form-urlencoded"}},
          .body = std::move(body)};
}

inline constexpr std::string_view good_login =
    "grant_type=client_credentials&client_id=simulated-client&client_secret=simulated-secret";

}  // namespace pushguard::simulator
