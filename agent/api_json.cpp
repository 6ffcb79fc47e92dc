#include "agent/api_json.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/alert_texts.hpp"
#include "agent/rollout_state.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

json::value text_or_null(std::string_view raw) {
  return raw.empty() ? json::value(nullptr) : json::value(json_text(raw));
}

json::object to_json(const status_counts& counts) {
  json::object out;
  for (const domain::push_status status : domain::all_push_statuses)
    out.emplace(domain::to_string(status), count_of(counts, status));
  return out;
}

json::object to_json(const progress& of) {
  return {{"orgs", of.orgs},
          {"started", of.started},
          {"finished", of.finished},
          {"failed", of.failed},
          {"spared", of.spared},
          {"rate_per_minute", number_or_null(of.per_minute)},
          {"estimated_end", time_or_null(of.estimated_end)}};
}

/// Worst first.
constexpr std::array verdicts{"blind", "breached", "warning", "ok", "insufficient_data"};

json::value worst_verdict(const read_model& model, const rollout_view& rollout) {
  std::size_t worst = verdicts.size();
  each_rule(model, rollout, [&](const rule_view& rule) {
    const auto found = std::ranges::find(verdicts, rule.verdict);
    worst = std::min(worst, static_cast<std::size_t>(found - verdicts.begin()));
  });
  return worst == verdicts.size() ? json::value(nullptr) : json::value(verdicts[worst]);
}

}  // namespace

json::string json_text(std::string_view raw) {
  return json::string(to_valid_utf8(raw));
}

json::value time_or_null(const std::optional<wall_time>& time) {
  return time ? json::value(format_time(*time)) : json::value(nullptr);
}

json::value number_or_null(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

http_reply json_reply(const json::value& body) {
  http_reply reply;
  reply.headers.set("Content-Type", "application/json");
  reply.headers.set("Cache-Control", "no-store");
  reply.body = json::serialize(body) + "\n";
  return reply;
}

json::object hub_json(const hub_view& hub) {
  json::array channels;
  for (const channel_view& channel : hub.channels)
    channels.push_back(json::object{
        {"channel", channel.channel}, {"live", channel.is_live}, {"reason", json_text(channel.reason)}});
  return {{"name", hub.name},
          {"tried", hub.was_tried},
          {"up", hub.is_up},
          {"blind", hub.is_blind},
          {"last_failure", json_text(hub.last_failure)},
          {"last_reconcile", time_or_null(hub.last_reconcile)},
          {"last_poll", time_or_null(hub.last_poll)},
          {"last_evaluation", time_or_null(hub.last_evaluation)},
          {"api_budget", json::object{{"allowed", hub.calls_allowed}, {"made", hub.calls_made}}},
          {"channels", std::move(channels)}};
}

json::object rule_json(const rule_view& rule) {
  return {{"policy", rule.key.policy},
          {"rule", rule.key.rule},
          {"request_id", rule.key.request},
          {"segment", json_text(rule.key.segment)},
          {"verdict", rule.verdict},
          {"reason", json_text(rule.reason)},
          {"follows", rule.follows},
          {"armed", rule.is_armed},
          {"failed", rule.failed},
          {"started", rule.started},
          {"excluded", rule.excluded},
          {"observed_ratio", number_or_null(rule.observed_ratio)},
          {"lower_bound_ratio", number_or_null(rule.lower_bound_ratio)},
          {"threshold_ratio", number_or_null(rule.threshold_ratio)},
          {"evaluated_at", format_time(rule.evaluated)}};
}

json::object hold_json(const hold_view& hold) {
  return {{"hub", hold.hub},
          {"rollout", hold.rollout},
          {"policy", hold.policy},
          {"rule", hold.rule},
          {"actor", hold.actor},
          {"reason", json_text(hold.reason)},
          {"since", format_time(hold.since)},
          {"until", format_time(hold.until)}};
}

json::object request_json(const read_model& model, const request_view& request) {
  const error_counts& failures = model.failed_by_type({request.hub, request.row.id});
  json::object failed_by_type;
  for (const domain::error_type type : domain::all_error_types) {
    if (const auto count = failures[static_cast<std::size_t>(type)]; count > 0)
      failed_by_type.emplace(domain::to_string(type), count);
  }
  return {{"hub", request.hub},
          {"id", request.row.id.text()},
          {"rollout", request.rollout},
          {"status", domain::to_string(request.row.status)},
          {"salesforce_status", json_text(request.row.status_text)},
          {"stale", request.is_stale},
          {"package_id", request.row.package.text()},
          {"package_name", json_text(request.row.package_name)},
          {"version_id", request.row.version.text()},
          {"package_version", json_text(request.row.version_number)},
          {"scheduled_start", time_or_null(request.row.scheduled_start)},
          {"start", time_or_null(request.row.start)},
          {"end", time_or_null(request.row.end)},
          {"last_progress", time_or_null(request.last_progress)},
          {"jobs", to_json(request.jobs)},
          {"failed_by_type", std::move(failed_by_type)}};
}

json::object wave_json(const api_source& from, const request_view& request) {
  json::object out = request_json(from.model, request);
  out.emplace("progress", to_json(from.paces.of(request, from.time.wall_now())));
  const auto hub = from.model.hubs().find(request.hub);
  out.emplace("setup_page", text_or_null(hub == from.model.hubs().end()
                                             ? std::string()
                                             : setup_page_url(hub->second.instance_url, request.row)));
  return out;
}

json::object rollout_json(const api_source& from, const rollout_view& rollout) {
  json::array waves;
  for (const domain::request_id& id : rollout.requests) {
    if (const auto wave = from.model.requests().find({rollout.hub, id}); wave != from.model.requests().end())
      waves.push_back(wave_json(from, wave->second));
  }
  const bool is_held = std::ranges::any_of(
      from.model.holds(), [&](const hold_view& hold) { return is_about(from.model, hold, rollout); });
  return {{"hub", rollout.hub},
          {"id", rollout.id},
          {"version_id", rollout.version.text()},
          {"package_name", json_text(rollout.package_name)},
          {"package_version", json_text(rollout.version_number)},
          {"open", rollout.is_open},
          {"state", to_string(state_of(rollout, from.model))},
          {"verdict", worst_verdict(from.model, rollout)},
          {"held", is_held},
          {"jobs", to_json(rollout.jobs)},
          {"progress", to_json(from.paces.of(rollout, from.model, from.time.wall_now()))},
          {"spared_orgs", rollout.spared_orgs},
          {"aborted_at", time_or_null(rollout.aborted_at)},
          {"epoch", rollout.epoch},
          {"resumed_at", time_or_null(rollout.resumed_at)},
          {"waves", std::move(waves)}};
}

json::object job_json(const read_model& model, std::string_view hub, const job_view& job,
                      const configuration::org_directory* orgs) {
  const org_view* org = model.org(hub, job.org);
  const auto note =
      (orgs != nullptr ? orgs->find(job.org) : std::nullopt).value_or(configuration::org_note());
  return {{"id", job.id.text()},
          {"request_id", job.request.text()},
          {"org_key", job.org.text()},
          {"org_name", org != nullptr ? json::value(json_text(org->name)) : json::value(nullptr)},
          {"org_type", org != nullptr ? json::value(domain::to_string(org->type)) : json::value(nullptr)},
          {"sf_instance", org != nullptr ? json::value(json_text(org->sf_instance)) : json::value(nullptr)},
          {"from_version", job.from_version ? json::value(job.from_version->text()) : json::value(nullptr)},
          {"status", domain::to_string(job.status)},
          {"start", time_or_null(job.start)},
          {"end", time_or_null(job.end)},
          {"error_type", job.error ? json::value(domain::to_string(*job.error)) : json::value(nullptr)},
          {"error_title", json_text(job.error_title)},
          {"error_message", json_text(job.error_message)},
          {"customer", text_or_null(note.customer)},
          {"tier", text_or_null(note.tier)},
          {"contact", text_or_null(note.contact)}};
}

std::size_t count_firing(const alerting_view& alerting) {
  return static_cast<std::size_t>(std::ranges::count_if(alerting.alerts, [](const alert_view& alert) {
    return !alert.record.content.resolved_at.has_value();
  }));
}

bool is_about(const read_model& model, const hold_view& hold, const rollout_view& rollout) {
  if (!hold.rollout.empty())
    return hold.hub == rollout.hub && hold.rollout == rollout.id;
  bool judges = false;
  each_rule(model, rollout, [&](const rule_view& rule) {
    judges = judges || (rule.key.policy == hold.policy && rule.key.rule == hold.rule);
  });
  return judges;
}

}  // namespace pushguard::agent
