#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>

#include "agent/command_line/command_line.hpp"
#include "base/result.hpp"

namespace pushguard::agent {

/// Asks a running agent's API, one question at a time, from the thread that calls. For commands.
class agent_client {
 public:
  virtual ~agent_client() = default;

  /// GETs `target` (path and query) and parses the JSON answer. Fails with errc::not_found for 404, with
  /// the agent's own words; else with what went wrong, naming the agent's address.
  [[nodiscard]] virtual result<boost::json::value> get(std::string target) = 0;

  /// The same without parsing the answer.
  [[nodiscard]] virtual result<std::string> get_text(std::string target) = 0;
  /// POSTs `body` as JSON. Fails as get() does.
  [[nodiscard]] virtual result<boost::json::value> post(std::string target, boost::json::value body) = 0;
};

/// Fails where the token or certificate file cannot be read.
[[nodiscard]] result<std::unique_ptr<agent_client>> make_agent_client(const connection_options& options);

}  // namespace pushguard::agent
