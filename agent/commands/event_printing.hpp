#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "agent/commands/agent_channel.hpp"
#include "base/event_stream.hpp"

namespace pushguard::agent {

/// `{"event":"rollout","id":"7","data":{…}}` with its line end. Data that is no JSON is told as a text.
[[nodiscard]] std::string event_line(const stream_event& event);

/// Writes each event of the agent's stream to `output` as it comes, and tells on standard error when it
/// connects again. Ends with errc::closed where nobody reads any more, and with the agent's words where it
/// refuses for good.
[[nodiscard]] boost::asio::awaitable<result<>> print_events(agent_channel& channel, time_source& time,
                                                            int output);

}  // namespace pushguard::agent
