#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core.hpp"
#include "agent/history/past_push.hpp"
#include "agent/reloading.hpp"
#include "agent/store/store.hpp"
#include "base/fake_time.hpp"
#include "base/http_client.hpp"
#include "simulator/hub.hpp"
#include "tests/support/connect_proxy.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/support/shifted_time.hpp"

namespace pushguard::test {

/// What an Alertmanager would have been told, in order.
struct told_alert {
  std::string name;
  std::string severity;
  std::string summary;
  std::string outcome;  ///< of a containment
  bool is_resolved = false;
  std::string description = {};
  std::string generator_url = {};
  std::string dashboard_url = {};
};

/// The demo's rollout at the speed of life: jobs take a minute or two, waves start a quarter of an hour
/// apart.
[[nodiscard]] simulator::scenario make_lifelike_rollout(double failure_rate, std::uint64_t seed = 1);

/// Where the hub is, and how the agent comes to know the way.
enum class hub_place {
  near,                     ///< on the agent's network
  behind_configured_proxy,  ///< on another, which only a proxy reaches, that wants a password; the file names
                            ///< it
  behind_environment_proxy,  ///< the same, and HTTPS_PROXY names it
};

/// The agent, a simulated hub and an Alertmanager that remembers, over pipes, on one thread and in simulated
/// time: a day's rollout takes milliseconds and goes the same way each time.
class simulated_agent {
 public:
  explicit simulated_agent(simulator::scenario plan, hub_place place = hub_place::near);
  ~simulated_agent();

  /// The policies of the configuration; before start() or reload(). One enforcing failure-rate rule by
  /// default.
  void use_policies(std::string yaml) { policies_ = std::move(yaml); }
  void use_stream(bool is_used) { uses_stream_ = is_used; }
  /// How the hub is logged in to, instead of client credentials: `login_url` and `auth`, as lines of its item
  /// without indentation. `{hub}` stands for where the hub is, as a URL.
  void use_login(std::string yaml) { login_ = std::move(yaml); }
  /// More lines of the hub's item, without indentation.
  void use_hub_keys(std::string yaml) { hub_keys_ = std::move(yaml); }
  /// Another simulated hub beside the first, which is named devhub; before start() or reload().
  void add_hub(std::string name, simulator::scenario plan);
  /// Where secrets and keys of the configuration may be put.
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

  /// Starts the agent, on the state that an earlier one left.
  void start();
  /// Ends the agent in order, as SIGTERM does. The hub goes on.
  void stop();
  [[nodiscard]] bool is_running() const noexcept { return run_ != nullptr; }
  /// Has the agent load its configuration anew, as SIGHUP does, and waits for the end of it.
  agent::reload_answer reload();
  /// What the file says instead of all that is told with the other functions; empty: that.
  void use_file(std::string yaml) { file_ = std::move(yaml); }
  /// The file as it is now.
  [[nodiscard]] std::string file() const { return file_.empty() ? configuration_text() : file_; }

  /// Whether every request to the hub is answered 503: an outage.
  void set_outage(bool is_out) { is_out_ = is_out; }
  /// The same for one that was added.
  void set_outage_of(const std::string& name, bool is_out) { others_.at(name)->is_out = is_out; }
  /// The hub's org is at another address from now on, and whoever asks at the old one is led there.
  void move_hub();
  /// Whether the hub's answers say how much of the API allocation is used.
  void set_usage_told(bool is_told) { is_usage_told_ = is_told; }
  /// How far the agent's calendar is ahead of everybody else's.
  void set_clock_ahead(duration ahead) noexcept { agent_time_.set_ahead(ahead); }
  /// Whether the store refuses every commit.
  void set_disk_full(bool is_full) { is_disk_full_ = is_full; }
  /// How long a request to cancel is on its way to the hub, which may do something in between.
  void set_cancel_delay(duration delay) { cancel_delay_ = delay; }
  /// Requests that reached the hub, outages included.
  [[nodiscard]] std::size_t hub_requests() const noexcept { return hub_requests_; }

  /// The only way to a hub behind it; nullptr where the hub is near.
  [[nodiscard]] connect_proxy* proxy() const noexcept { return proxy_.get(); }

  /// Runs until `is_done`; false if it did not come true within `bound` of simulated time.
  bool run_until(const std::function<bool()>& is_done, duration bound = std::chrono::hours(24));
  void run_for(duration length) { run_simulated_for(context_, time_, length); }
  /// Runs until the first rule that judges is armed.
  bool run_until_armed();
  /// Runs until the rollout is over, the agent knows it and no containment is under way.
  bool run_to_the_end(duration bound = std::chrono::hours(24));

  /// What `export-history` would write of a request of the near hub.
  [[nodiscard]] history::past_push read_past_push(std::string_view request);

  [[nodiscard]] simulator::hub_truth truth() const { return hub_->truth(); }
  [[nodiscard]] simulator::hub& hub() { return *hub_; }
  /// Where the hub listens, as a URL.
  [[nodiscard]] std::string hub_address() const { return hub_listener_->local().text(); }
  [[nodiscard]] const simulator::hub& hub_of(const std::string& name) const { return *others_.at(name)->hub; }
  [[nodiscard]] const agent::read_model& model() const { return server_->model(); }
  [[nodiscard]] std::vector<agent::decision_view> decisions() const;
  [[nodiscard]] const std::vector<told_alert>& alerts() const noexcept { return alerts_; }
  /// Where the Alertmanager listens, as a URL; whatever else is posted there is taken and remembered.
  [[nodiscard]] std::string receivers_address() const { return alertmanager_listener_->local().text(); }
  [[nodiscard]] const std::vector<http_request>& posted() const noexcept { return posted_; }
  /// The status that posts to this target are answered with; 200 by default.
  void answer_posts(const std::string& target, int status) { post_answers_[target] = status; }
  [[nodiscard]] recording_logger& log() noexcept { return log_; }
  [[nodiscard]] fake_time& time() noexcept { return time_; }

  /// The lines of `http.api_tokens_file`; before start(). None by default.
  void use_tokens(const std::string& lines);
  /// Asks the agent for anything; its answer, whatever it is.
  http_response send(http_request request);
  /// POSTs JSON, with a bearer token where one is given.
  http_response post(const std::string& target, std::string body, const std::string& token);

  /// What the agent answers, as http_router::routes(); after start().
  [[nodiscard]] std::vector<std::string> routes() const { return server_->routes(); }

  /// GETs from the agent; the body. An answer other than 200 is an error of the test.
  std::string get(const std::string& target);

 private:
  struct run;
  struct other_hub {
    simulator::scenario plan;
    std::unique_ptr<simulator::hub> hub;
    std::unique_ptr<listener> door;
    boost::asio::cancellation_signal stop;
    bool is_out = false;
  };

  [[nodiscard]] std::string hub_text(const std::string& name, const std::string& url,
                                     const simulator::scenario& plan) const;
  void listen_behind_proxy();
  [[nodiscard]] std::string configuration_text() const;
  [[nodiscard]] agent::loaded_configuration read_file() const;
  [[nodiscard]] std::optional<std::string> variable(std::string_view name) const;
  [[nodiscard]] http_handler alertmanager();
  [[nodiscard]] http_handler hub_gate();

  fake_time time_;
  shifted_time agent_time_{time_};
  recording_logger log_;
  boost::asio::io_context context_{1};
  std::unique_ptr<network> network_ = make_pipe_network();
  std::unique_ptr<network> far_network_ = make_pipe_network();
  std::filesystem::path directory_;
  std::string policies_;
  bool is_disk_full_ = false;
  bool uses_stream_ = true;
  bool is_out_ = false;
  bool is_usage_told_ = true;
  duration cancel_delay_{};
  std::size_t hub_requests_ = 0;
  hub_place place_;
  std::string login_;
  std::string hub_keys_;
  std::string tokens_;
  std::string file_;
  std::map<std::string, std::unique_ptr<other_hub>> others_;
  std::unique_ptr<listener> second_door_;
  boost::asio::cancellation_signal close_second_door_;
  simulator::scenario plan_;
  std::unique_ptr<simulator::hub> hub_;
  std::unique_ptr<listener> hub_listener_;
  std::unique_ptr<listener> proxy_listener_;
  std::unique_ptr<connect_proxy> proxy_;
  std::unique_ptr<listener> alertmanager_listener_;
  std::unique_ptr<listener> web_listener_;
  boost::asio::cancellation_signal stop_world_;
  std::vector<told_alert> alerts_;
  std::vector<http_request> posted_;
  std::map<std::string, int> post_answers_;
  agent::agent_state state_;
  configuration::shared_configuration configuration_;
  std::unique_ptr<agent::agent_core> core_;
  std::unique_ptr<agent::web_server> server_;
  std::optional<agent::reloading> reloading_;
  std::unique_ptr<run> run_;
};

}  // namespace pushguard::test
