#pragma once

#include <string>
#include <string_view>

#include "alerts/notification.hpp"

namespace pushguard::alerts {

/// One JSON object, always valid, whatever the texts hold. Instants are RFC 3339.
[[nodiscard]] std::string to_json(const alert& what);
[[nodiscard]] std::string to_json(const alert_record& record);

/// Reads what to_json wrote, in this version or another: unknown members are ignored, and a missing or
/// misshapen one is as if never set. Without an id and a name, or above 4 MiB, or where the text is not
/// JSON, it fails with errc::malformed.
[[nodiscard]] result<alert> parse_alert(std::string_view json);
[[nodiscard]] result<alert_record> parse_alert_record(std::string_view json);

}  // namespace pushguard::alerts
