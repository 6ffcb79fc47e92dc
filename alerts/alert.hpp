#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace pushguard::alerts {

/// PagerDuty's four; everyone else's map onto them.
enum class alert_severity { critical, error, warning, info };
inline constexpr alert_severity alert_severities[] = {alert_severity::critical, alert_severity::error,
                                                      alert_severity::warning, alert_severity::info};

enum class alert_state { firing, resolved };

/// Trouble wants somebody to act. A change is what people did on purpose and others should know of: it has a
/// beginning, turns and an end, wakes nobody and is never repeated.
enum class alert_kind { trouble, change };

[[nodiscard]] std::string_view to_string(alert_severity severity) noexcept;
[[nodiscard]] std::string_view to_string(alert_state state) noexcept;
[[nodiscard]] std::string_view to_string(alert_kind kind) noexcept;
[[nodiscard]] std::optional<alert_severity> parse_alert_severity(std::string_view text) noexcept;
[[nodiscard]] std::optional<alert_state> parse_alert_state(std::string_view text) noexcept;
[[nodiscard]] std::optional<alert_kind> parse_alert_kind(std::string_view text) noexcept;

/// Names with their values, sorted and each name once.
using text_map = std::map<std::string, std::string, std::less<>>;

/// A page that helps. `name` says what it is in snake_case (`runbook`, `dashboard`, `setup_page`).
struct alert_link {
  std::string name;
  std::string url;

  friend bool operator==(const alert_link&, const alert_link&) = default;
};

/// Somebody said that they have seen an alert and look after it.
struct acknowledgement {
  std::string by;
  std::string reason;  ///< may be empty
  wall_time at{};

  friend bool operator==(const acknowledgement&, const acknowledgement&) = default;
};

// PagerDuty's limits where it has one, for every receiver: texts that fit there fit everywhere.
inline constexpr std::size_t alert_id_size_max = 255;        // PagerDuty's dedup_key
inline constexpr std::size_t alert_summary_size_max = 1024;  // PagerDuty's payload.summary
inline constexpr std::size_t alert_description_size_max = std::size_t{8} * 1024;
inline constexpr std::size_t alert_value_size_max =
    std::size_t{2} * 1024;                           // a name, label, annotation or URL
inline constexpr std::size_t alert_fields_max = 32;  // labels, annotations, links: of each
// With all of them full an alert has 400 KB; the texts of one that people read are a few kilobytes.

/// Something a human should know, as plain data.
///
/// `id` is the dedup key: the same trouble has the same id for as long as it lasts, over updates,
/// retries and restarts (see make_alert_id). `labels` are its identity for Alertmanager: they should not
/// change while it fires; what changes belongs into the summary, description and annotations.
struct alert {
  std::string id;
  std::string name;  ///< the kind of trouble, `alertname` in Alertmanager
  alert_severity severity = alert_severity::warning;
  text_map labels;
  std::string summary;      ///< one line
  std::string description;  ///< what happened and what to do, in full
  text_map annotations;     ///< further facts, by snake_case name
  std::vector<alert_link> links;
  std::string generator_url;  ///< where the alert comes from
  alert_kind kind = alert_kind::trouble;
  /// It lasts until somebody acknowledges it: nothing that can be measured ends it.
  bool ends_when_acknowledged = false;
  /// How long it goes on firing after its trouble has gone, so that what comes and goes is told once.
  duration keep_firing_for{};
  std::string about_receiver;  ///< whom it is about, and who therefore is not told; empty: nobody

  // Set by the alert book.
  alert_state state = alert_state::firing;
  wall_time starts_at{};
  wall_time updated_at{};  ///< when its content last changed
  std::optional<wall_time> resolved_at;
  std::optional<acknowledgement> acknowledged = {};

  friend bool operator==(const alert&, const alert&) = default;
};

/// True when a reader would see no difference: everything but state, times and acknowledgement is equal.
[[nodiscard]] bool has_same_content(const alert& a, const alert& b);

/// A dedup key from the parts that name the trouble, joined with `:` so that different parts never make
/// the same key. Where it would be too long its end is replaced by a hash of the whole, the same on
/// every machine and in every version.
[[nodiscard]] std::string make_alert_id(std::initializer_list<std::string_view> parts);

/// 16 hexadecimal digits that stand for an id where people type: the same on every machine and in every
/// version.
[[nodiscard]] std::string alert_fingerprint(std::string_view id);

/// The alert with every text valid UTF-8 and within the limits above, cut at characters; surplus labels,
/// annotations and links are left out from the end. Too long an id is shortened as by make_alert_id.
[[nodiscard]] alert make_bounded(alert from);

}  // namespace pushguard::alerts
