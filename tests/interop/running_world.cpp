#include "tests/interop/running_world.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <csignal>
#include <fstream>
#include <stdexcept>

namespace pushguard::test {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

simulator::scenario bad_rollout() {
  simulator::demo_options options;
  options.orgs = 300;
  options.time_scale = 120;
  return simulator::make_demo_scenario(options);
}

running_world::running_world(simulator::scenario plan) : plan_(std::move(plan)) {
  std::string name = std::filesystem::temp_directory_path() / "pushguard-interop-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no temporary directory");
  directory_ = name;
  hub_ = program::start_simulated_hub(plan_, "127.0.0.1", 0, *time_, log_).value();
}

running_world::~running_world() {
  agent_.reset();
  std::error_code ec;
  std::filesystem::remove_all(directory_, ec);
}

std::filesystem::path running_world::write_file(const std::string& name, const std::string& text) const {
  const std::filesystem::path path = directory_ / name;
  std::ofstream(path) << text;
  return path;
}

std::string running_world::configuration(const std::vector<std::string>& alertmanagers,
                                         const std::string& listen) const {
  std::string alerts;
  if (!alertmanagers.empty()) {
    alerts = fmt::format(R"(alerts:
  receivers:
    - name: prometheus
      alertmanager: {{ urls: ["{}"] }}
)",
                         fmt::join(alertmanagers, "\", \""));
  }
  return fmt::format(R"(hubs:
  - name: devhub
    login_url: {}
    auth:
      client_credentials: {{ client_id: {}, client_secret: {} }}
    streaming:
      channels:
        - channel: {}
          fields:
            request_id: payload.Request_Id__c
            job_id: payload.Job_Id__c
            org_key: payload.Org_Key__c
            status: payload.Status__c
            error_type: payload.Error_Type__c
    reconcile: {{ active_interval: 1s, idle_interval: 2s }}
policies:
  - name: production
    mode: enforce
    in_progress: try
    rules:
      - name: failure-rate
        failure_rate: {{ above: 5%, confidence: 99%, min_started: 10 }}
        action: abort
      - name: budget
        failure_budget: {{ above: 1% }}
        action: alert
{}state: sqlite://{}
http: {{ listen: "{}" }}
)",
                     hub_->local().text(), plan_.credentials.client_id, plan_.credentials.client_secret,
                     plan_.stream.channel, alerts, (directory_ / "state.db").string(), listen);
}

void running_world::start_agent(const std::string& configuration) {
  launch_agent(configuration, "", {});
  if (!wait_until_agent_listens())
    throw std::runtime_error("the agent did not start");
}

void running_world::launch_agent(const std::string& configuration, const std::string& program,
                                 std::vector<std::pair<std::string, std::string>> environment) {
  const auto file = write_file("pushguard.yaml", configuration);
  agent_ = std::make_unique<child_process>(
      std::vector<std::string>{program.empty() ? PUSHGUARD_PROGRAM : program, "run", "--config",
                               file.string()},
      child_process::options{.directory = {}, .environment = std::move(environment), .joins_stderr = true});
}

bool running_world::wait_until_agent_listens() {
  const auto started = agent_->read_line_with("event=agent_started", patience);
  if (!started)
    return false;
  const auto begin = started->find("listen=http");
  const auto end = started->find(' ', begin);
  agent_address_ = parse_url(started->substr(begin + 7, end - begin - 7)).value().origin;
  return true;
}

void running_world::kill_agent() {
  agent_->signal(SIGKILL);
  if (!agent_->wait(5s))
    throw std::runtime_error("the agent survived kill -9");
}

std::optional<std::string> running_world::get(const origin& server, const std::string& target) {
  std::optional<std::string> body;
  const auto client = make_http_client(sockets_->net(), sockets_->time(), server);
  const auto ask = [](http_client& from, std::string path,
                      std::optional<std::string>& out) -> asio::awaitable<void> {
    http_request request;
    request.target = std::move(path);
    const auto reply = co_await from.send(std::move(request));
    if (reply && reply->status == 200)
      out = reply->body;
  };
  sockets_->run(ask(*client, target, body));
  return body;
}

std::optional<json::value> running_world::get_json(const origin& server, const std::string& target) {
  const auto body = get(server, target);
  if (!body)
    return std::nullopt;
  boost::system::error_code ec;
  json::value parsed = json::parse(*body, ec);
  return ec ? std::nullopt : std::optional(std::move(parsed));
}

origin running_world::free_address() {
  const auto probe = sockets_->net().listen(sockets_->context().get_executor(), "127.0.0.1", 0).value();
  const origin address = probe->local();
  probe->close();
  return address;
}

bool running_world::wait_for(const std::function<bool()>& is_right) {
  const steady_time end = time_->steady_now() + patience;
  while (!is_right()) {
    if (time_->steady_now() >= end)
      return false;
    sockets_->run(time_->sleep_for(50ms));
  }
  return true;
}

json::value running_world::decisions() {
  const auto answer = get_json(agent_address_, "/api/v1/decisions");
  return answer ? answer->at("decisions") : json::array();
}

bool running_world::wait_for_the_end() {
  return wait_for([&] {
    const json::value made = decisions();
    for (const json::value& decision : made.as_array()) {
      if (decision.at("outcome").is_null())
        return false;
    }
    const auto rollouts = get_json(agent_address_, "/api/v1/rollouts");
    if (!rollouts || rollouts->at("rollouts").as_array().empty())
      return false;
    const json::value& jobs = rollouts->at("rollouts").at(0).at("jobs");
    std::size_t seen = 0;
    for (const char* status : {"succeeded", "failed", "canceled"})
      seen += jobs.at(status).to_number<std::size_t>();
    return seen == plan_.org_count();
  });
}

}  // namespace pushguard::test
