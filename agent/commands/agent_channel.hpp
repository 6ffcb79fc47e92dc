#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>

#include "agent/command_line/command_line.hpp"
#include "base/http_client.hpp"

namespace pushguard::agent {

/// Asks a running agent's API for commands. For one thread; calls may run side by side.
class agent_channel {
 public:
  virtual ~agent_channel() = default;

  /// The answer of whatever status. `request.target` is a path of the API; token and Accept are set here.
  [[nodiscard]] virtual boost::asio::awaitable<result<http_response>> send(http_request request,
                                                                           http_call call) = 0;
  /// GETs `target` and parses the JSON answer. Fails as agent_client::get() does.
  [[nodiscard]] virtual boost::asio::awaitable<result<boost::json::value>> get(std::string target,
                                                                               http_limits limits) = 0;
  /// `http://127.0.0.1:9595`.
  [[nodiscard]] virtual std::string address() const = 0;
};

/// The text of a successful answer, or the failure that the agent's own words make of another.
[[nodiscard]] result<std::string> text_of_answer(http_response answer, const std::string& address);
/// That text as JSON.
[[nodiscard]] result<boost::json::value> json_of_answer(http_response answer, const std::string& address);

/// Fails where the token or certificate file cannot be read. `network` and `time` must outlive it.
[[nodiscard]] result<std::unique_ptr<agent_channel>> make_agent_channel(const connection_options& options,
                                                                        connect_options connect,
                                                                        network& network, time_source& time);

}  // namespace pushguard::agent
