#include "agent/commands/render.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "agent/commands/json_members.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

/// `87 succeeded, 3 failed, 10 in_progress`: only what there is, in the order of a job's life.
std::string counts_text(const json::object& jobs) {
  constexpr std::array order{"succeeded", "failed",   "in_progress", "pending",
                             "created",   "canceled", "unrecognized"};
  std::string out;
  for (const char* status : order) {
    if (const auto count = number_of(jobs, status); count > 0) {
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, status);
    }
  }
  return out.empty() ? "no jobs" : out;
}

std::string call_text(const json::object& call) {
  const std::string failed = text_of(call, "failure");
  const std::string said = text_of(call, "salesforce_message");
  std::string out = fmt::format("      {}  {}  {} ", text_of(call, "at"), text_of(call, "request_id"),
                                text_of(call, "call"));
  out += !failed.empty() ? "failed: " + failed : fmt::format("answered {}", number_of(call, "http_status"));
  if (failed.empty() && !said.empty()) {
    out += fmt::format("  ({}: {})", text_of(call, "salesforce_code"), said);
  }
  return out + '\n';
}

/// What a dry run has let happen.
std::string since_text(const json::object& since) {
  const auto* final_count = since.if_contains("final");
  const bool is_final = final_count != nullptr && final_count->is_bool() && final_count->get_bool();
  return fmt::format(
      "      would have been spared: {} orgs, of which {} started, {} succeeded, {} failed since{}\n",
      number_of(since, "would_have_spared"), number_of(since, "started"), number_of(since, "succeeded"),
      number_of(since, "failed"), is_final ? "" : ", so far");
}

std::string decision_text(const json::object& decision) {
  const std::string outcome = text_of(decision, "outcome");
  const std::string actor = text_of(decision, "actor");
  std::string out = fmt::format("    {}  {}/{}  {} ({}{})\n      {}\n", text_of(decision, "decided_at"),
                                text_of(decision, "policy"), text_of(decision, "rule"),
                                outcome.empty() ? "under way" : outcome, text_of(decision, "mode"),
                                actor.empty() ? "" : ", by " + actor, text_of(decision, "reason"));
  for (const json::value& value : array_of(decision, "plan")) {
    const auto* entry = value.if_object();
    if (entry == nullptr) {
      continue;
    }
    const std::string ended = text_of(*entry, "outcome");
    out +=
        fmt::format("      {}  {} -> {}", text_of(*entry, "request_id"),
                    text_of(*entry, "status_at_decision"), ended.empty() ? text_of(*entry, "step") : ended);
    if (const std::string said = text_of(*entry, "salesforce_message"); !said.empty()) {
      out += fmt::format("  ({}: {})", text_of(*entry, "salesforce_code"), said);
    }
    out += '\n';
  }
  for (const json::value& value : array_of(decision, "calls")) {
    if (const auto* call = value.if_object()) {
      out += call_text(*call);
    }
  }
  out += fmt::format(
      "      {} orgs in flight at the decision, {} still to start in running requests, {} spared\n",
      number_of(decision, "in_flight"), number_of(decision, "still_to_start"),
      number_of(decision, "spared_orgs"));
  if (const auto& since = object_of(decision, "since"); !since.empty())
    out += since_text(since);
  return out;
}

/// A request that nobody will start any more is told apart from one that waits.
std::string request_status(const json::object& request) {
  const auto* stale = request.if_contains("stale");
  const bool is_stale = stale != nullptr && stale->is_bool() && stale->get_bool();
  return is_stale ? text_of(request, "status") + " (stale)" : text_of(request, "status");
}

/// Which stretch between aborts it is in; nothing in the first.
std::string epoch_text(const json::object& rollout) {
  const auto epoch = number_of(rollout, "epoch");
  return epoch < 2 ? "" : fmt::format("  epoch {} since {}", epoch, text_of(rollout, "resumed_at"));
}

/// Whether the rule is held, or may not act.
std::string standing_text(const json::object& rule) {
  if (text_of(rule, "follows") == "held")
    return " (held)";
  const auto* armed = rule.if_contains("armed");
  return armed != nullptr && armed->is_bool() && !armed->get_bool() ? " (not armed)" : "";
}

std::string hold_text(const json::object& hold) {
  const std::string rule = text_of(hold, "rule");
  return fmt::format("  hold of {} until {} by {}: {}\n",
                     rule.empty() ? "the rollout" : fmt::format("{}/{}", text_of(hold, "policy"), rule),
                     text_of(hold, "until"), text_of(hold, "actor"), text_of(hold, "reason"));
}

std::string rollout_text(const json::object& rollout, show_decisions decisions) {
  const std::string aborted = text_of(rollout, "aborted_at");
  std::string out = fmt::format("{}  {}  {} {}{}{}\n", text_of(rollout, "hub"), text_of(rollout, "id"),
                                text_of(rollout, "package_name"), text_of(rollout, "package_version"),
                                aborted.empty() ? "" : "  aborted " + aborted, epoch_text(rollout));
  out += fmt::format("  orgs: {}; spared: {}\n", counts_text(object_of(rollout, "jobs")),
                     number_of(rollout, "spared_orgs"));
  for (const json::value& wave : array_of(rollout, "waves")) {
    if (const auto* request = wave.if_object()) {
      out += fmt::format("  {}  {:<11}  {}\n", text_of(*request, "id"), request_status(*request),
                         counts_text(object_of(*request, "jobs")));
    }
  }
  for (const json::value& value : array_of(rollout, "rules")) {
    if (const auto* rule = value.if_object()) {
      const std::string segment = text_of(*rule, "segment");
      out += fmt::format("  rule {}/{}{}  {}{}  {}\n", text_of(*rule, "policy"), text_of(*rule, "rule"),
                         segment.empty() ? "" : " [" + segment + "]", text_of(*rule, "verdict"),
                         standing_text(*rule), text_of(*rule, "reason"));
    }
  }
  for (const json::value& value : array_of(rollout, "holds")) {
    if (const auto* hold = value.if_object())
      out += hold_text(*hold);
  }
  if (decisions == show_decisions::yes) {
    const auto& list = array_of(rollout, "decisions");
    out += list.empty() ? "  decisions: none\n" : "  decisions:\n";
    for (const json::value& value : list) {
      if (const auto* decision = value.if_object()) {
        out += decision_text(*decision);
      }
    }
  }
  return out;
}

std::string csv_cell(std::string_view text) {
  // A spreadsheet runs cells that begin with these as formulas.
  std::string cell = !text.empty() && std::string_view("=+-@\t\r").contains(text.front()) ? "'" : "";
  cell += text;
  if (cell.find_first_of("\",\r\n") == std::string::npos) {
    return cell;
  }
  std::string quoted = "\"";
  for (const char c : cell) {
    quoted += c;
    if (c == '"')
      quoted += '"';
  }
  return quoted + '"';
}

/// Control characters of both sets (U+009B begins escape sequences as ESC [ does), separators of lines, and
/// what changes the direction of the text around it.
bool moves_or_turns_text(std::string_view character) {
  if (character.size() == 1)
    return static_cast<unsigned char>(character[0]) < ' ' || character[0] == 127;
  if (character.size() == 2)
    return character >= "\u0080" && character <= "\u009F";
  return (character >= "\u2028" && character <= "\u202E") ||
         (character >= "\u2066" && character <= "\u2069") || character == "\u200E" || character == "\u200F";
}

constexpr std::array org_columns{"org_key",    "org_name", "org_type",   "sf_instance",
                                 "request_id", "status",   "error_type", "error_title",
                                 "start",      "end",      "customer",   "tier"};

}  // namespace

std::string printable(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  std::string out;
  out.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    const std::string_view character = rest.substr(0, utf8_character_size(rest));
    out += moves_or_turns_text(character) ? " " : character;
    rest.remove_prefix(character.size());
  }
  return out;
}

std::string render_rollouts(const json::value& answer, show_decisions decisions) {
  const auto* object = answer.if_object();
  if (object == nullptr || array_of(*object, "rollouts").empty()) {
    return "no rollouts are known\n";
  }
  std::string out;
  for (const json::value& rollout : array_of(*object, "rollouts")) {
    if (const auto* it = rollout.if_object()) {
      out += rollout_text(*it, decisions);
    }
  }
  return out;
}

std::string render_request(const json::value& request) {
  const auto* object = request.if_object();
  if (object == nullptr) {
    return "";
  }
  return fmt::format("{}  {}  {} {}\n  rollout {}  {}\n  scheduled {}  started {}  ended {}\n  jobs: {}\n",
                     text_of(*object, "hub"), text_of(*object, "id"), text_of(*object, "package_name"),
                     text_of(*object, "package_version"), text_of(*object, "rollout"),
                     request_status(*object), text_of(*object, "scheduled_start"), text_of(*object, "start"),
                     text_of(*object, "end"), counts_text(object_of(*object, "jobs")));
}

namespace {

/// `acknowledged by mary`, `muted by mary until …`, `inhibited`; empty for what is told as usual.
std::string quiet_text(const json::object& alert) {
  std::string out;
  if (const auto& by = object_of(alert, "acknowledged"); !by.empty())
    out += fmt::format("acknowledged by {}", text_of(by, "by"));
  if (const auto& by = object_of(alert, "muted"); !by.empty())
    out += fmt::format("{}muted by {} until {}", out.empty() ? "" : ", ", text_of(by, "by"),
                       text_of(by, "until"));
  if (!array_of(alert, "inhibited_by").empty())
    out += fmt::format("{}inhibited by an abort", out.empty() ? "" : ", ");
  return out;
}

std::string render_alert(const json::object& alert) {
  std::string out = fmt::format("{}  {:<8}  {:<8}  {}  since {}\n    {}\n", text_of(alert, "fingerprint"),
                                text_of(alert, "state"), text_of(alert, "severity"), text_of(alert, "name"),
                                text_of(alert, "starts_at"), text_of(alert, "summary"));
  if (const std::string quiet = quiet_text(alert); !quiet.empty())
    out += fmt::format("    {}\n", quiet);
  return out;
}

}  // namespace

std::string render_alerts(const json::value& answer, bool all) {
  const auto* object = answer.if_object();
  if (object == nullptr)
    return "";
  std::string out;
  for (const json::value& value : array_of(*object, "alerts")) {
    const auto* alert = value.if_object();
    if (alert != nullptr && (all || text_of(*alert, "state") == "firing"))
      out += render_alert(*alert);
  }
  if (out.empty())
    out = "no alert fires\n";
  for (const json::value& value : array_of(*object, "receivers")) {
    const auto* receiver = value.if_object();
    if (receiver == nullptr || number_of(*receiver, "failures") == 0)
      continue;
    out += fmt::format("receiver {} fails since {}, {} notifications wait: {}\n", text_of(*receiver, "name"),
                       text_of(*receiver, "failing_since"), number_of(*receiver, "queue_length"),
                       text_of(*receiver, "last_failure"));
  }
  for (const json::value& value : array_of(*object, "dead_letters")) {
    if (const auto* letter = value.if_object())
      out += fmt::format("refused for good by {} at {}: {} of {}: {}\n", text_of(*letter, "receiver"),
                         text_of(*letter, "dropped_at"), text_of(*letter, "kind"), text_of(*letter, "alert"),
                         text_of(*letter, "detail"));
  }
  return out;
}

std::string render_action(const json::value& answer) {
  const auto* object = answer.if_object();
  if (object == nullptr) {
    return "";
  }
  std::string out = text_of(*object, "message") + "\n";
  for (const json::value& value : array_of(*object, "plan")) {
    const auto* entry = value.if_object();
    if (entry == nullptr) {
      continue;
    }
    const bool can_be_stopped = text_of(*entry, "step") == "cancel";
    out += fmt::format(
        "  {}  {:<11}  {}\n", text_of(*entry, "request_id"), text_of(*entry, "status"),
        can_be_stopped ? "is cancelled" : "is running: the API cannot stop it, as far as is known");
    if (can_be_stopped) {
      continue;
    }
    const std::string page = text_of(*entry, "setup_page");
    out += page.empty() ? "      no Abort button in Setup is known for it: open a case with Salesforce\n"
                        : fmt::format("      press Abort in Setup: {}\n", page);
  }
  if (const auto& reach = object_of(*object, "orgs"); !reach.empty()) {
    out += fmt::format(
        "  {} orgs are spared if all goes well, {} are being upgraded, {} more cannot be stopped\n",
        number_of(reach, "spared"), number_of(reach, "in_flight"), number_of(reach, "still_to_start"));
  }
  return out;
}

std::string orgs_table_header() {
  return fmt::format("{:<15}  {:<11}  {:<18}  {:<10}  {:<8}  {}\n", "ORG", "STATUS", "ERROR", "TYPE",
                     "INSTANCE", "NAME");
}

std::string orgs_csv_header() {
  return fmt::format("{}\r\n", fmt::join(org_columns, ","));
}

std::string render_org_row(const json::object& org) {
  return fmt::format("{:<15}  {:<11}  {:<18}  {:<10}  {:<8}  {}\n", render_org_id(org),
                     text_of(org, "status"), text_of(org, "error_type"), text_of(org, "org_type"),
                     text_of(org, "sf_instance"), text_of(org, "org_name"));
}

std::string render_org_csv(const json::object& org) {
  std::string line;
  for (const char* column : org_columns) {
    if (!line.empty())
      line += ',';
    line += csv_cell(text_of(org, column));
  }
  return line + "\r\n";
}

std::string render_org_id(const json::object& org) {
  return text_of(org, "org_key").substr(0, 15);
}

}  // namespace pushguard::agent
