#include "program/alert_printer.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <map>

#include "base/http_server.hpp"
#include "program/server_thread.hpp"

namespace pushguard::program {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

std::string text_at(const json::value& alert, std::string_view group, std::string_view key) {
  boost::system::error_code ec;
  const json::value* found = alert.find_pointer(fmt::format("/{}/{}", group, key), ec);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

class printing_receiver final : public alert_printer {
 public:
  printing_receiver(std::function<void(const std::string&)> print, time_source& time, logger& log)
      : print_(std::move(print)), time_(time), log_(log), network_(make_socket_network(time)) {}

  ~printing_receiver() override { thread_.stop(); }

  result<> start() {
    auto listening = thread_.listen(*network_, "127.0.0.1", 0);
    if (!listening) {
      return std::unexpected(listening.error());
    }
    listener_ = std::move(*listening);
    thread_.run(serve_http(
        *listener_, [this](const http_request& request) { return answer(request); }, {}, time_, log_));
    return {};
  }

  origin local() const override { return listener_->local(); }

 private:
  asio::awaitable<http_reply> answer(const http_request& request) {
    boost::system::error_code ec;
    const json::value alerts = json::parse(request.body, ec);
    if (ec || !alerts.is_array()) {
      co_return error_reply(400, "bad_request", "not an array of alerts");
    }
    for (const json::value& alert : alerts.get_array())
      note(alert);
    co_return http_reply{};
  }

  /// Alertmanager is told of each alert again and again; a reader wants to hear of changes.
  void note(const json::value& alert) {
    const std::string labels =
        fmt::format("{} {}", text_at(alert, "labels", "alertname"), text_at(alert, "labels", "rule"));
    const std::string ends_at =
        alert.at("endsAt").is_string() ? std::string(alert.at("endsAt").get_string()) : "";
    const auto ends = parse_time(ends_at);
    const bool is_resolved = ends && *ends <= time_.wall_now();
    const std::string line = fmt::format(
        "{} [{}] {}: {}", is_resolved ? "resolved" : "firing", text_at(alert, "labels", "severity"),
        text_at(alert, "labels", "alertname"), text_at(alert, "annotations", "summary"));
    if (std::string& last = last_[labels]; last != line) {
      last = line;
      print_(line);
    }
  }

  std::function<void(const std::string&)> print_;
  time_source& time_;
  logger& log_;
  std::map<std::string, std::string> last_;
  server_thread thread_;
  std::unique_ptr<network> network_;
  std::unique_ptr<listener> listener_;
};

}  // namespace

result<std::unique_ptr<alert_printer>> start_alert_printer(std::function<void(const std::string&)> print,
                                                           time_source& time, logger& log) {
  auto made = std::make_unique<printing_receiver>(std::move(print), time, log);
  if (auto started = made->start(); !started) {
    return std::unexpected(started.error());
  }
  return made;
}

}  // namespace pushguard::program
