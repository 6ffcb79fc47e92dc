#pragma once

#include <string>

#include "base/http_server.hpp"
#include "simulator/soql.hpp"

namespace pushguard::simulator {

/// Status 200 with a JSON body.
[[nodiscard]] http_reply json_reply(std::string body);
/// The error as Salesforce's REST API tells it: an array of one.
[[nodiscard]] http_reply error_answer(const api_error& error);

}  // namespace pushguard::simulator
