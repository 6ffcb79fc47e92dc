#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "alerts/receiver.hpp"
#include "base/time_source.hpp"

namespace pushguard::alerts {

/// A notification that no store holds, for one attempt. `content` is told as it is: its state and times are
/// the caller's. The id is below zero, so that it is that of no stored row, and differs for each call on
/// `ids`.
[[nodiscard]] outbox_row make_unstored_row(std::string receiver, notification_kind kind, alert content,
                                           wall_time now, outbox_ids& ids);

/// One attempt: what came of it, timed_out after `timeout`. Nothing is tried again. One row, or several as
/// for receiver::deliver_together(); never none. `to` and `time` outlive it.
[[nodiscard]] boost::asio::awaitable<delivery> tell_once(receiver& to, std::vector<outbox_row> rows,
                                                         time_source& time, duration timeout);

}  // namespace pushguard::alerts
