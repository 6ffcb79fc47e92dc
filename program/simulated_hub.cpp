#include "program/simulated_hub.hpp"

#include "program/server_thread.hpp"

namespace pushguard::program {
namespace {

class threaded_hub final : public simulated_hub {
 public:
  threaded_hub(simulator::scenario plan, time_source& time, logger& log)
      : time_(time),
        log_(log),
        network_(make_socket_network(time)),
        hub_(simulator::make_hub(std::move(plan), time, log)) {}

  ~threaded_hub() override { thread_.stop(); }

  result<> start(std::string_view host, std::uint16_t port) {
    auto listening = thread_.listen(*network_, host, port);
    if (!listening) {
      return std::unexpected(listening.error());
    }
    listener_ = std::move(*listening);
    thread_.run(simulator::serve_hub(*hub_, *listener_, time_, log_));
    return {};
  }

  origin local() const override { return listener_->local(); }
  simulator::hub_truth truth() override {
    return thread_.ask([this] { return hub_->truth(); });
  }
  bool is_finished() override {
    return thread_.ask([this] { return hub_->is_finished(); });
  }
  void change(const std::function<void(simulator::hub&)>& what) override {
    thread_.ask([this, &what] {
      what(*hub_);
      return true;
    });
  }

 private:
  time_source& time_;
  logger& log_;
  server_thread thread_;
  std::unique_ptr<network> network_;
  std::unique_ptr<simulator::hub> hub_;
  std::unique_ptr<listener> listener_;
};

}  // namespace

result<std::unique_ptr<simulated_hub>> start_simulated_hub(simulator::scenario plan, std::string_view host,
                                                           std::uint16_t port, time_source& time,
                                                           logger& log) {
  auto made = std::make_unique<threaded_hub>(std::move(plan), time, log);
  if (auto started = made->start(host, port); !started) {
    return std::unexpected(started.error());
  }
  return made;
}

}  // namespace pushguard::program
