#include "agent/alert_texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/url.hpp"

namespace pushguard::agent {

std::string rollout_name(const alert_context& context) {
  return fmt::format("{} {} ({}, {})", context.package_name, context.version_number, context.rollout,
                     context.hub);
}

namespace {

using alerts::alert;
using alerts::alert_severity;

alert begin_alert(const alert_context& context, std::string id, std::string name, alert_severity severity,
                  std::string_view policy, std::string_view rule) {
  alert made;
  made.id = std::move(id);
  made.name = std::move(name);
  made.severity = severity;
  made.labels = {{"hub", context.hub},
                 {"rollout", context.rollout},
                 {"policy", std::string(policy)},
                 {"rule", std::string(rule)},
                 {"package_id", std::string(context.package.text())},
                 {"package_name", context.package_name},
                 {"package_version", context.version_number}};
  add_links(made, context.site,
            {.hub = context.hub, .rollout = context.rollout, .policy = policy, .rule = rule});
  return made;
}

std::string rule_name(const rule_key& key) {
  return key.segment.empty() ? fmt::format("{}/{}", key.policy, key.rule)
                             : fmt::format("{}/{} [{}]", key.policy, key.rule, key.segment);
}

alert make_rule_alert(const alert_context& context, const rule_view& rule, std::string id, std::string name,
                      alert_severity severity, std::string_view claim) {
  alert made = begin_alert(context, std::move(id), std::move(name), severity, rule.key.policy, rule.key.rule);
  if (!rule.key.segment.empty()) {
    made.labels.emplace("segment", rule.key.segment);
  }
  if (!rule.key.request.empty()) {
    made.labels.emplace("request_id", rule.key.request);
  }
  made.summary =
      fmt::format("{} {} for {}: {}", rule_name(rule.key), claim, rollout_name(context), rule.reason);
  made.annotations.emplace("reason", rule.reason);
  return made;
}

/// `00D… (Acme Ltd, gold)`: the org, and whose it is where that is known.
std::string org_name(const alert_context& context, const std::string& org) {
  const auto key = domain::org_key::parse(org);
  const auto note = key && context.orgs ? context.orgs->find(*key) : std::nullopt;
  if (!note || (note->customer.empty() && note->tier.empty()))
    return org;
  const std::string_view between = note->customer.empty() || note->tier.empty() ? "" : ", ";
  return fmt::format("{} ({}{}{})", org, note->customer, between, note->tier);
}

/// `3 orgs: DeployError: Deployment Failure …` lines, most frequent first.
std::string signatures_text(const alert_context& context, const decision_view& decision) {
  std::string out;
  for (const signature_view& signature : decision.signatures) {
    std::vector<std::string> examples;
    for (const std::string& org : signature.sample_orgs)
      examples.push_back(org_name(context, org));
    out += fmt::format("\n- {} orgs: {} (for example {})", signature.orgs, signature.text,
                       fmt::join(examples, ", "));
  }
  return out.empty() ? out : "\nMost frequent errors:" + out;
}

/// What decided: a rule, or who it was.
std::string cause_name(const decision_view& decision) {
  return decision.mode == "manual" ? decision.actor : fmt::format("{}/{}", decision.policy, decision.rule);
}

struct plan_summary {
  std::size_t stoppable = 0;  ///< could still be cancelled at the decision
  std::size_t stopped = 0;
  std::vector<const plan_entry_view*> running;
  std::vector<const plan_entry_view*> escaped;  ///< could have been cancelled, and is not
};

plan_summary summarize(const decision_view& decision) {
  plan_summary out;
  for (const plan_entry_view& entry : decision.plan) {
    if (entry.step != "cancel") {
      if (entry.outcome != "canceled" && entry.outcome != "finished_first") {
        out.running.push_back(&entry);
      }
      continue;
    }
    ++out.stoppable;
    if (entry.outcome == "canceled") {
      ++out.stopped;
    } else if (!entry.outcome.empty()) {
      out.escaped.push_back(&entry);
    }
  }
  return out;
}

std::string requests_text(std::size_t count) {
  return fmt::format("{} push request{}", count, count == 1 ? "" : "s");
}

std::string headline(const decision_view& decision, const plan_summary& plan) {
  const std::string stoppable = requests_text(plan.stoppable);
  if (decision.mode == "dry_run") {
    return fmt::format("[dry run] would have aborted: {} could be cancelled", stoppable);
  }
  if (decision.outcome.empty()) {
    return fmt::format("aborting: cancelling {}", stoppable);
  }
  if (decision.outcome == "nothing_to_cancel") {
    return "nothing left to cancel: every push request had started";
  }
  return fmt::format("abort {}: {} of {} cancelled, {} orgs spared", decision.outcome, plan.stopped,
                     stoppable, decision.spared_orgs);
}

/// What Salesforce said to the call, and the way that is left.
std::string way_out_text(const alert_context& context, const plan_entry_view& entry) {
  std::string out =
      entry.salesforce_message.empty()
          ? "."
          : fmt::format(" (Salesforce said: {}: {}).", entry.salesforce_code, entry.salesforce_message);
  if (const std::string page = setup_page_url(context, entry.request); !page.empty()) {
    out += fmt::format(" Press Abort in Setup: {}", page);
  } else if (context.generation != domain::package_generation::first) {
    out += " Packages of this generation have no Abort button in Setup: open a case with Salesforce.";
  }
  return out;
}

/// What an operator can do about requests that Salesforce will not cancel through its API.
std::string human_text(const alert_context& context, const plan_summary& plan) {
  std::string out;
  for (const auto* entry : plan.escaped) {
    out += entry->outcome == "refused"
               ? fmt::format("\n{} was to be cancelled and started first; the API cannot stop it{}",
                             entry->request.text(), way_out_text(context, *entry))
               : fmt::format("\n{} was to be cancelled and is {}.", entry->request.text(), entry->outcome);
  }
  for (const auto* entry : plan.running) {
    out += fmt::format("\n{} is already running; the API cannot stop it{}", entry->request.text(),
                       way_out_text(context, *entry));
  }
  return out;
}

}  // namespace

alert_severity severity_of(policy::rule_severity severity) noexcept {
  switch (severity) {
    case policy::rule_severity::critical:
      return alert_severity::critical;
    case policy::rule_severity::error:
      return alert_severity::error;
    case policy::rule_severity::warning:
      return alert_severity::warning;
    case policy::rule_severity::info:
      return alert_severity::info;
  }
  return alert_severity::critical;
}

std::string warning_alert_id(const rule_key& key) {
  return alerts::make_alert_id(
      {"rule-warning", key.hub, key.rollout, key.request, key.policy, key.rule, key.segment});
}

std::string breach_alert_id(const rule_key& key) {
  return alerts::make_alert_id(
      {"rule-breached", key.hub, key.rollout, key.request, key.policy, key.rule, key.segment});
}

std::string unarmed_breach_alert_id(const rule_key& key) {
  return alerts::make_alert_id(
      {"rule-unarmed", key.hub, key.rollout, key.request, key.policy, key.rule, key.segment});
}

std::string held_breach_alert_id(const rule_key& key) {
  return alerts::make_alert_id(
      {"rule-held", key.hub, key.rollout, key.request, key.policy, key.rule, key.segment});
}

std::string containment_alert_id(const decision_view& decision) {
  return alerts::make_alert_id({"containment", decision.hub, decision.rollout, std::to_string(decision.epoch),
                                decision.mode, decision.policy, decision.rule});
}

std::string blind_alert_id(std::string_view hub) {
  return alerts::make_alert_id({"hub-blind", hub});
}

std::string login_alert_id(std::string_view hub) {
  return alerts::make_alert_id({"login-refused", hub});
}

std::string budget_alert_id(std::string_view hub) {
  return alerts::make_alert_id({"api-budget-low", hub});
}

std::string audit_alert_id() {
  return alerts::make_alert_id({"audit-trail-broken"});
}

std::string setup_page_url(const alert_context& context, const domain::request_id& request) {
  domain::request_row row;
  row.id = request;
  row.package = context.package;
  row.package_name = context.package_name;
  row.generation = context.generation;
  return setup_page_url(context.instance_url, row);
}

std::string setup_page_url(std::string_view instance_url, const domain::request_row& request) {
  if (request.generation != domain::package_generation::first || instance_url.empty())
    return {};
  return fmt::format("{}/packaging/pushUpgradeJobDetails.apexp?apId={}&packageName={}&reqId={}", instance_url,
                     request.package.text(), percent_encode(request.package_name), request.id.text());
}

alert make_warning_alert(const alert_context& context, const rule_view& rule) {
  return make_rule_alert(context, rule, warning_alert_id(rule.key), "PushguardRuleWarning",
                         alert_severity::warning, "is near its limit");
}

alert make_breach_alert(const alert_context& context, const rule_view& rule, alert_severity severity) {
  alert made = make_rule_alert(context, rule, breach_alert_id(rule.key), "PushguardRuleBreached", severity,
                               "is breached");
  made.description = "The rule's action is alert: nothing is cancelled.";
  return made;
}

alert make_unarmed_breach_alert(const alert_context& context, const rule_view& rule,
                                alert_severity severity) {
  alert made = make_rule_alert(context, rule, unarmed_breach_alert_id(rule.key),
                               "PushguardBreachedBeforeArming", severity, "was breached before it was armed");
  made.description =
      "The rollout was already in breach when Pushguard first saw it, so Pushguard only alerts. Cancel the "
      "push "
      "requests that have not started by hand, if that is what you want: pushguard abort, or arm its rules: "
      "pushguard arm.";
  return made;
}

alert make_held_breach_alert(const alert_context& context, const rule_view& rule, alert_severity severity) {
  alert made = make_rule_alert(context, rule, held_breach_alert_id(rule.key),
                               std::string(held_breach_alert_name), severity, "is breached and held");
  made.description =
      "An operator holds this rule or this rollout, so nothing is cancelled. When the hold ends, by itself "
      "or by "
      "pushguard release, the breach acts if it still stands. pushguard abort does not wait for that.";
  return made;
}

namespace {

/// The worst case: whom nobody can spare any more.
std::string still_to_come_text(const decision_view& decision) {
  if (decision.still_to_start == 0)
    return fmt::format("{} orgs were in flight at the decision.", decision.in_flight);
  return fmt::format(
      "{} orgs were in flight at the decision and {} are still to start in requests that run: at most {} "
      "more can "
      "fail.",
      decision.in_flight, decision.still_to_start, decision.in_flight + decision.still_to_start);
}

}  // namespace

alert make_containment_alert(const alert_context& context, const decision_view& decision,
                             alert_severity severity) {
  const plan_summary plan = summarize(decision);
  alert made = begin_alert(context, containment_alert_id(decision), "PushguardContainment",
                           decision.mode == "dry_run" ? alert_severity::warning : severity, decision.policy,
                           decision.rule);
  made.labels.emplace("mode", decision.mode);
  // Nothing that can be measured makes an abort undone: somebody has to see it, or to resume the rollout.
  made.ends_when_acknowledged = !decision.outcome.empty();
  made.summary = fmt::format("{}: {}. {}: {}", rollout_name(context), headline(decision, plan),
                             cause_name(decision), decision.reason);
  if (decision.mode == "dry_run") {
    made.summary = fmt::format("{}. {}. {}/{}: {}", headline(decision, plan), rollout_name(context),
                               decision.policy, decision.rule, decision.reason);
  }
  made.description = fmt::format("{}{}{}", still_to_come_text(decision), human_text(context, plan),
                                 signatures_text(context, decision));
  made.annotations = {{"reason", decision.reason},
                      {"outcome", decision.outcome.empty() ? "under way" : decision.outcome},
                      {"failed_orgs", std::to_string(decision.failed)},
                      {"started_orgs", std::to_string(decision.started)},
                      {"in_flight_orgs", std::to_string(decision.in_flight)},
                      {"still_to_start_orgs", std::to_string(decision.still_to_start)},
                      {"spared_orgs", std::to_string(decision.spared_orgs)}};
  std::vector<const plan_entry_view*> beyond_reach = plan.running;
  std::ranges::copy_if(plan.escaped, std::back_inserter(beyond_reach),
                       [](const plan_entry_view* entry) { return entry->outcome == "refused"; });
  for (const auto* entry : beyond_reach) {
    if (const std::string page = setup_page_url(context, entry->request); !page.empty()) {
      made.links.push_back({fmt::format("setup_page_{}", entry->request.text()), page});
    }
  }
  return made;
}

alert make_blind_alert(std::string_view hub, std::string_view last_failure, const alert_site& site) {
  alert made;
  made.id = blind_alert_id(hub);
  made.name = "PushguardHubBlind";
  made.severity = alert_severity::critical;
  made.labels = {{"hub", std::string(hub)}};
  made.summary =
      fmt::format("Pushguard cannot see hub {}: rollouts are not judged and nothing is aborted", hub);
  made.description = last_failure.empty() ? "" : fmt::format("The last attempt failed: {}", last_failure);
  add_links(made, site, {.hub = hub, .rule = made.name});
  return made;
}

alert make_audit_alert(std::string_view problem, const alert_site& site) {
  alert made;
  made.id = audit_alert_id();
  made.name = "PushguardAuditTrailBroken";
  made.severity = alert_severity::error;
  made.summary = "The audit trail of Pushguard was damaged or tampered with";
  made.description = fmt::format("{}. Rollouts are watched and stopped as before.", problem);
  add_links(made, site, {.rule = made.name});
  return made;
}

alert make_login_alert(std::string_view hub, std::string_view refusal, const alert_site& site) {
  alert made;
  made.id = login_alert_id(hub);
  made.name = "PushguardLoginRefused";
  made.severity = alert_severity::critical;
  made.labels = {{"hub", std::string(hub)}};
  made.summary = fmt::format(
      "Salesforce refuses Pushguard's login to hub {}: rollouts are neither followed nor aborted", hub);
  made.description = fmt::format("{}. The login is tried again every few minutes.", refusal);
  add_links(made, site, {.hub = hub, .rule = made.name});
  return made;
}

alert make_budget_alert(std::string_view hub, const budget_view& budget, const alert_site& site) {
  alert made;
  made.id = budget_alert_id(hub);
  made.name = "PushguardApiBudgetLow";
  made.severity = alert_severity::warning;
  made.labels = {{"hub", std::string(hub)}};
  made.summary = fmt::format("Pushguard reads hub {} every {} instead of every {}, to spare API calls", hub,
                             format_duration(std::chrono::ceil<std::chrono::seconds>(budget.interval)),
                             format_duration(budget.wanted));
  made.description = fmt::format(
      "In the last 24 hours Pushguard made {} of the {} calls of its budget, and all users of the org {} of "
      "{}.",
      budget.spent, budget.allowed, budget.org_used, budget.org_limit);
  add_links(made, site, {.hub = hub, .rule = made.name});
  return made;
}

}  // namespace pushguard::agent
