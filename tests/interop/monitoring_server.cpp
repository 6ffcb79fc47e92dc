#include "tests/interop/monitoring_server.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace pushguard::test {

using namespace std::chrono_literals;

monitoring_server::monitoring_server(running_world& world, const command_maker& command) {
  constexpr int tries = 5;
  for (int i = 0; i < tries && !process_; ++i) {
    address_ = world.free_address();
    process_ = std::make_unique<child_process>(command(address_.authority()));
    const bool is_ready = world.wait_for(
        [&] { return world.get(address_, "/-/ready").has_value() || process_->wait(0ms).has_value(); });
    if (!is_ready || process_->wait(0ms))
      process_.reset();
  }
}

std::string scrape_configuration(const std::string& agent) {
  return fmt::format(R"(
global: {{ scrape_interval: 1s, scrape_timeout: 1s }}
scrape_configs:
  - job_name: pushguard
    static_configs: [ {{ targets: ["{0}"] }} ]
  - job_name: pushguard-orgs
    metrics_path: /metrics/orgs
    static_configs: [ {{ targets: ["{0}"] }} ]
)",
                     agent);
}

std::unique_ptr<monitoring_server> start_prometheus(running_world& world, const std::string& configuration,
                                                    const std::string& name) {
  const auto file = world.write_file(name + ".yml", configuration);
  return std::make_unique<monitoring_server>(world, [&](const std::string& address) {
    return std::vector<std::string>{"prometheus", "--config.file=" + file.string(),
                                    "--storage.tsdb.path=" + (world.directory() / name).string(),
                                    "--web.listen-address=" + address, "--log.level=error"};
  });
}

std::optional<double> query(running_world& world, const origin& prometheus, const std::string& expression) {
  const auto answer = world.get_json(prometheus, "/api/v1/query?query=" + percent_encode(expression));
  if (!answer || answer->at("data").at("result").as_array().empty())
    return std::nullopt;
  return std::stod(std::string(answer->at("data").at("result").at(0).at("value").at(1).as_string()));
}

}  // namespace pushguard::test
