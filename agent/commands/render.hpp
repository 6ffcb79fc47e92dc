#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace pushguard::agent {

/// What `pushguard status` prints: each rollout with its waves, rules and, if asked for, decisions.
/// `answer` is the body of `GET /api/v1/rollouts`; members that are missing are left out.
enum class show_decisions { no, yes };
[[nodiscard]] std::string render_rollouts(const boost::json::value& answer, show_decisions decisions);

/// One push request: the body of `GET /api/v1/requests/{id}`.
[[nodiscard]] std::string render_request(const boost::json::value& request);

/// What `pushguard alerts` prints: what fires (with `all`, what has ended, too), receivers that fail, and
/// dead letters. `answer` is the body of `GET /api/v1/alerts`.
[[nodiscard]] std::string render_alerts(const boost::json::value& answer, bool all);

/// What `pushguard abort`, `hold`, `release`, `resume`, `arm`, `ack` and `mute` print: the message, and for
/// an abort what can be stopped, what cannot, and where a human can. `answer` is the body of the POST.
[[nodiscard]] std::string render_action(const boost::json::value& answer);

/// How `pushguard orgs` prints a page of `GET /api/v1/rollouts/…/orgs`. `ids` are 15 characters, one a
/// line, as `sf package push-upgrade schedule --org-file` wants them; csv is RFC 4180 with cells that a
/// spreadsheet would run as a formula made harmless.
[[nodiscard]] std::string orgs_table_header();
[[nodiscard]] std::string orgs_csv_header();
[[nodiscard]] std::string render_org_row(const boost::json::object& org);
[[nodiscard]] std::string render_org_csv(const boost::json::object& org);
[[nodiscard]] std::string render_org_id(const boost::json::object& org);

/// `text` fit for one line of a terminal: control characters, separators of lines and what changes the
/// direction of writing become blanks, invalid UTF-8 U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace pushguard::agent
