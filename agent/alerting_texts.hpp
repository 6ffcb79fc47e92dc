#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/alert_texts.hpp"
#include "alerts/outbox_store.hpp"
#include "alerts/receiver_status.hpp"
#include "alerts/routing.hpp"

/// Alerts about alerting itself, and about what an agent could not write down; and which alerts keep which
/// others quiet. Pure, as alert_texts.hpp.
namespace pushguard::agent {

/// `PushguardReceiverFailing`: nothing reaches a receiver. Told to the others.
[[nodiscard]] alerts::alert make_receiver_failing_alert(const alerts::receiver_status& status);

/// `PushguardNotificationsDropped`: a receiver has refused notifications for good; `count` are kept. Told to
/// the others, until somebody acknowledges it.
[[nodiscard]] alerts::alert make_dropped_alert(const alerts::dead_letter& last, std::size_t count);

/// `PushguardStoreFailing`: the store refuses what it is to keep. `refuses` says what follows for aborts.
[[nodiscard]] alerts::alert make_store_failing_alert(const failure& why, bool refuses);

/// `PushguardAbortNotRecorded`: a breach has no consequence, as its decision cannot be recorded.
[[nodiscard]] alerts::alert make_not_recorded_alert(const alert_context& context,
                                                    const decision_view& decision, const failure& why,
                                                    alerts::alert_severity severity);

[[nodiscard]] std::string receiver_failing_alert_id(std::string_view receiver);
[[nodiscard]] std::string dropped_alert_id(std::string_view receiver);
[[nodiscard]] std::string store_failing_alert_id();
[[nodiscard]] std::string not_recorded_alert_id(const decision_view& decision);

/// An abort says all that the warnings before it said.
[[nodiscard]] std::vector<alerts::inhibition> alert_inhibitions();

}  // namespace pushguard::agent
