#include "agent/probe_alerts.hpp"

#include <fmt/format.h>

namespace pushguard::agent {

using alerts::alert;
using alerts::alert_severity;

alert make_watchdog_alert(std::string_view agent_url) {
  alert made;
  made.id = alerts::make_alert_id({"watchdog"});
  made.name = "PushguardWatchdog";
  made.severity = alert_severity::info;
  made.summary =
      "This alert always fires: where it stays away, Pushguard is dead or its alerts do not arrive";
  made.description =
      "Let something that does not depend on Pushguard page somebody when this alert has not come for a "
      "while.";
  made.generator_url = std::string(agent_url);
  return made;
}

alert make_test_alert(const test_sender& sender, wall_time now) {
  alert made;
  made.id = alerts::make_alert_id({"test", sender.host, format_time(now)});
  made.name = "PushguardTest";
  made.severity = alert_severity::warning;
  made.summary = fmt::format("[test] {} on {} looks whether alerts of Pushguard arrive; nothing is wrong",
                             sender.user, sender.host);
  made.description =
      "Sent by `pushguard alert-test`, and followed by its end at once. Nothing has to be done.";
  made.annotations = {{"sent_by", sender.user}, {"sent_from", sender.host}};
  made.starts_at = now;
  made.updated_at = now;
  return alerts::make_bounded(std::move(made));
}

}  // namespace pushguard::agent
