#include "agent/api.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <charconv>
#include <unordered_set>
#include <utility>

#include "agent/decision_api.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t page_size_default = 100;
constexpr std::size_t page_size_max = 2000;  // about 1 MiB of jobs: one answer stays small

http_reply json_reply(const json::value& body) {
  http_reply reply;
  reply.headers.set("Content-Type", "application/json");
  reply.body = json::serialize(body) + "\n";
  return reply;
}

json::value time_or_null(const std::optional<wall_time>& time) {
  return time ? json::value(format_time(*time)) : json::value(nullptr);
}

json::value ratio_or_null(std::optional<double> ratio) {
  return ratio ? json::value(*ratio) : json::value(nullptr);
}

/// Salesforce's text may hold anything; JSON wants valid UTF-8.
json::string text(std::string_view raw) {
  return json::string(to_valid_utf8(raw));
}

json::object to_json(const status_counts& counts) {
  json::object out;
  for (const domain::push_status status : domain::all_push_statuses) {
    out.emplace(domain::to_string(status), count_of(counts, status));
  }
  return out;
}

json::object to_json(const rule_view& rule) {
  return {{"policy", rule.key.policy},
          {"rule", rule.key.rule},
          {"request_id", rule.key.request},
          {"segment", text(rule.key.segment)},
          {"verdict", rule.verdict},
          {"reason", text(rule.reason)},
          {"follows", rule.follows},
          {"armed", rule.is_armed},
          {"failed", rule.failed},
          {"started", rule.started},
          {"excluded", rule.excluded},
          {"observed_ratio", ratio_or_null(rule.observed_ratio)},
          {"lower_bound_ratio", ratio_or_null(rule.lower_bound_ratio)},
          {"threshold_ratio", ratio_or_null(rule.threshold_ratio)},
          {"evaluated_at", format_time(rule.evaluated)}};
}

json::object to_json(const request_view& request, const error_counts& failures) {
  json::object failed_by_type;
  for (const domain::error_type type : domain::all_error_types) {
    if (const auto count = failures[static_cast<std::size_t>(type)]; count > 0) {
      failed_by_type.emplace(domain::to_string(type), count);
    }
  }
  return {{"hub", request.hub},
          {"id", request.row.id.text()},
          {"rollout", request.rollout},
          {"status", domain::to_string(request.row.status)},
          {"salesforce_status", text(request.row.status_text)},
          {"stale", request.is_stale},
          {"package_id", request.row.package.text()},
          {"package_name", text(request.row.package_name)},
          {"version_id", request.row.version.text()},
          {"package_version", text(request.row.version_number)},
          {"scheduled_start", time_or_null(request.row.scheduled_start)},
          {"start", time_or_null(request.row.start)},
          {"end", time_or_null(request.row.end)},
          {"last_progress", time_or_null(request.last_progress)},
          {"jobs", to_json(request.jobs)},
          {"failed_by_type", std::move(failed_by_type)}};
}

/// What answers about orgs are made of.
struct org_source {
  const read_model& model;
  std::function<std::shared_ptr<const configuration::org_directory>()> directory;
};

json::value text_or_null(std::string_view raw) {
  return raw.empty() ? json::value(nullptr) : json::value(text(raw));
}

json::object to_json(const job_view& job, const org_view* org, const configuration::org_directory* orgs) {
  const auto note =
      (orgs != nullptr ? orgs->find(job.org) : std::nullopt).value_or(configuration::org_note());
  return {{"id", job.id.text()},
          {"request_id", job.request.text()},
          {"org_key", job.org.text()},
          {"org_name", org != nullptr ? json::value(text(org->name)) : json::value(nullptr)},
          {"org_type", org != nullptr ? json::value(domain::to_string(org->type)) : json::value(nullptr)},
          {"sf_instance", org != nullptr ? json::value(text(org->sf_instance)) : json::value(nullptr)},
          {"status", domain::to_string(job.status)},
          {"start", time_or_null(job.start)},
          {"end", time_or_null(job.end)},
          {"error_type", job.error ? json::value(domain::to_string(*job.error)) : json::value(nullptr)},
          {"error_title", text(job.error_title)},
          {"error_message", text(job.error_message)},
          {"customer", text_or_null(note.customer)},
          {"tier", text_or_null(note.tier)},
          {"contact", text_or_null(note.contact)}};
}

json::object to_json(const rollout_view& rollout) {
  return {{"hub", rollout.hub},
          {"id", rollout.id},
          {"version_id", rollout.version.text()},
          {"package_name", text(rollout.package_name)},
          {"package_version", text(rollout.version_number)},
          {"open", rollout.is_open},
          {"jobs", to_json(rollout.jobs)},
          {"spared_orgs", rollout.spared_orgs},
          {"aborted_at", time_or_null(rollout.aborted_at)},
          {"epoch", rollout.epoch},
          {"resumed_at", time_or_null(rollout.resumed_at)}};
}

json::object to_json(const hold_view& hold) {
  return {{"hub", hold.hub},
          {"rollout", hold.rollout},
          {"policy", hold.policy},
          {"rule", hold.rule},
          {"actor", hold.actor},
          {"reason", text(hold.reason)},
          {"since", format_time(hold.since)},
          {"until", format_time(hold.until)}};
}

result<std::size_t> page_size(const http_request& request) {
  const auto asked = request.query("limit");
  if (!asked) {
    return page_size_default;
  }
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(asked->data(), asked->data() + asked->size(), size);
  if (error != std::errc{} || end != asked->data() + asked->size() || size == 0 || size > page_size_max) {
    return fail(errc::invalid, "limit must be a whole number from 1 to " + std::to_string(page_size_max));
  }
  return size;
}

http_reply bad_request(const failure& why) {
  return error_reply(400, "bad_request", why.text());
}

/// Whether the hold is of the rollout, or of a rule that judges it.
bool is_about(const read_model& model, const hold_view& hold, const rollout_view& rollout) {
  if (!hold.rollout.empty())
    return hold.hub == rollout.hub && hold.rollout == rollout.id;
  return std::ranges::any_of(model.rules(), [&](const auto& rule) {
    const rule_key& key = rule.first;
    return key.hub == rollout.hub && key.rollout == rollout.id && key.policy == hold.policy &&
           key.rule == hold.rule;
  });
}

http_reply get_holds(const read_model& model) {
  json::array holds;
  for (const hold_view& hold : model.holds())
    holds.push_back(to_json(hold));
  return json_reply(json::object{{"holds", std::move(holds)}});
}

json::object rollout_details(const read_model& model, const rollout_view& rollout) {
  json::object out = to_json(rollout);
  json::array waves;
  for (const domain::request_id& id : rollout.requests) {
    if (const auto found = model.requests().find({rollout.hub, id}); found != model.requests().end()) {
      waves.push_back(to_json(found->second, model.failed_by_type(found->first)));
    }
  }
  out.emplace("waves", std::move(waves));
  json::array rules;
  for (const auto& [key, rule] : model.rules()) {
    if (key.hub == rollout.hub && key.rollout == rollout.id) {
      rules.push_back(to_json(rule));
    }
  }
  json::array decisions;
  for (const auto& [id, decision] : model.decisions()) {
    if (decision.hub == rollout.hub && decision.rollout == rollout.id) {
      decisions.push_back(decision_json(decision));
    }
  }
  json::array holds;
  for (const hold_view& hold : model.holds()) {
    if (is_about(model, hold, rollout))
      holds.push_back(to_json(hold));
  }
  out.emplace("rules", std::move(rules));
  out.emplace("decisions", std::move(decisions));
  out.emplace("holds", std::move(holds));
  return out;
}

http_reply get_rollouts(const read_model& model) {
  json::array rollouts;
  for (const auto& [key, rollout] : model.rollouts()) {
    rollouts.push_back(rollout_details(model, rollout));
  }
  return json_reply(json::object{{"rollouts", std::move(rollouts)}});
}

/// The rollout named by the path's `{hub}/{04t}[/{n}]`, or the answer that says why there is none.
std::expected<const rollout_view*, http_reply> named_rollout(const read_model& model,
                                                             const path_parts& parts) {
  const auto id = domain::rollout_id::parse(parts.size() > 2 ? parts[1] + "/" + parts[2] : parts[1]);
  if (!id) {
    return std::unexpected(bad_request(id.error()));
  }
  const rollout_view* found = model.find_rollout(parts[0], *id);
  if (found == nullptr) {
    return std::unexpected(error_reply(404, "not_found", "this agent knows no such rollout of that hub"));
  }
  return found;
}

http_reply get_rollout(const read_model& model, const path_parts& parts) {
  const auto rollout = named_rollout(model, parts);
  return rollout ? json_reply(rollout_details(model, **rollout)) : rollout.error();
}

/// The newest job of each org of a rollout: an org that was pushed again counts once.
std::map<domain::org_key, const job_view*> newest_jobs(const read_model& model, const rollout_view& rollout) {
  std::map<domain::org_key, const job_view*> newest;
  for (const domain::request_id& request : rollout.requests) {
    const auto* jobs = model.jobs({rollout.hub, request});
    if (jobs == nullptr) {
      continue;
    }
    for (const auto& [id, job] : *jobs) {
      newest[job.org] = &job;
    }
  }
  return newest;
}

std::expected<json::array, std::string> orgs_page(const org_source& from, const rollout_view& rollout,
                                                  std::string_view asked, const std::string& after,
                                                  std::size_t size, std::string& next) {
  constexpr std::array known{"", "failed", "succeeded", "spared", "running"};
  if (std::ranges::find(known, asked) == known.end()) {
    return std::unexpected("result must be failed, succeeded, spared or running");
  }
  const read_model& model = from.model;
  const auto directory = from.directory();
  std::unordered_set<domain::org_key> spared;
  if (const auto* keys = model.spared(rollout.hub, rollout.id)) {
    spared.insert(keys->begin(), keys->end());
  }
  const auto matches = [&](const job_view& job) {
    if (asked == "spared")
      return spared.contains(job.org);
    if (asked == "failed")
      return job.status == domain::push_status::failed;
    if (asked == "succeeded")
      return job.status == domain::push_status::succeeded;
    if (asked == "running")
      return job.status == domain::push_status::in_progress;
    return true;
  };
  json::array page;
  for (const auto& [org, job] : newest_jobs(model, rollout)) {
    if (org.key() <= after || !matches(*job)) {
      continue;
    }
    if (page.size() == size) {
      next = page.back().as_object().at("org_key").as_string();
      break;
    }
    json::object row = to_json(*job, model.org(rollout.hub, org), directory.get());
    row.emplace("spared", spared.contains(org));
    page.push_back(std::move(row));
  }
  return page;
}

http_reply get_orgs(const org_source& from, const http_request& request, const path_parts& parts) {
  const auto rollout = named_rollout(from.model, parts);
  if (!rollout) {
    return rollout.error();
  }
  const auto size = page_size(request);
  if (!size) {
    return bad_request(size.error());
  }
  const std::string after = request.query("after").value_or("").substr(0, 15);
  std::string next;
  auto page = orgs_page(from, **rollout, request.query("result").value_or(""), after, *size, next);
  if (!page) {
    return error_reply(400, "bad_request", page.error());
  }
  return json_reply(json::object{{"orgs", std::move(*page)},
                                 {"next", next.empty() ? json::value(nullptr) : json::value(next)}});
}

http_reply get_requests(const read_model& model) {
  json::array requests;
  for (const auto& [key, request] : model.requests()) {
    requests.push_back(to_json(request, model.failed_by_type(key)));
  }
  return json_reply(json::object{{"requests", std::move(requests)}});
}

std::expected<const request_view*, http_reply> named_request(const read_model& model,
                                                             const path_parts& parts) {
  const auto id = domain::request_id::parse(parts[0]);
  if (!id) {
    return std::unexpected(bad_request(id.error()));
  }
  const request_view* found = model.find_request(*id);
  if (found == nullptr) {
    return std::unexpected(error_reply(404, "not_found", "this agent knows no such push request"));
  }
  return found;
}

http_reply get_request(const read_model& model, const path_parts& parts) {
  const auto request = named_request(model, parts);
  return request ? json_reply(to_json(**request, model.failed_by_type({(*request)->hub, (*request)->row.id})))
                 : request.error();
}

http_reply get_jobs(const org_source& from, const http_request& request, const path_parts& parts) {
  const read_model& model = from.model;
  const auto owner = named_request(model, parts);
  if (!owner) {
    return owner.error();
  }
  const auto size = page_size(request);
  if (!size) {
    return bad_request(size.error());
  }
  std::optional<domain::push_status> wanted;
  if (const auto asked = request.query("status"); asked && !asked->empty()) {
    wanted = domain::parse_push_status(*asked);
    if (*wanted == domain::push_status::unrecognized && *asked != "unrecognized") {
      return error_reply(400, "bad_request", "status is none that push jobs have");
    }
  }
  const read_model::job_table empty;
  const auto* jobs = model.jobs({(*owner)->hub, (*owner)->row.id});
  const auto& table = jobs != nullptr ? *jobs : empty;
  auto place = table.begin();
  if (const auto after = request.query("after"); after && !after->empty()) {
    const auto id = domain::job_id::parse(*after);
    if (!id) {
      return bad_request(id.error());
    }
    place = table.upper_bound(*id);
  }
  const auto directory = from.directory();
  json::array page;
  json::value next = nullptr;
  for (; place != table.end(); ++place) {
    if (wanted && place->second.status != *wanted) {
      continue;
    }
    if (page.size() == *size) {
      next = page.back().as_object().at("id");
      break;
    }
    page.push_back(to_json(place->second, model.org((*owner)->hub, place->second.org), directory.get()));
  }
  return json_reply(json::object{{"jobs", std::move(page)}, {"next", std::move(next)}});
}

/// All answers are made at once from memory; only the router's signature is a coroutine.
template <class Answer>
route_handler at_once(Answer answer) {
  return [answer = std::move(answer)](const http_request& request,
                                      const path_parts& parts) -> asio::awaitable<http_reply> {
    co_return answer(request, parts);
  };
}

}  // namespace

json::object hold_json(const hold_view& hold) {
  return to_json(hold);
}

void add_api_routes(http_router& router, const read_model& model,
                    std::function<std::shared_ptr<const configuration::org_directory>()> whose_orgs) {
  const auto* known = &model;
  const org_source orgs{.model = model, .directory = std::move(whose_orgs)};
  router.add("GET", "/api/v1/rollouts",
             at_once([known](const http_request&, const path_parts&) { return get_rollouts(*known); }));
  for (const char* path : {"/api/v1/rollouts/{hub}/{version}", "/api/v1/rollouts/{hub}/{version}/{number}"}) {
    router.add("GET", path, at_once([known](const http_request&, const path_parts& parts) {
                 return get_rollout(*known, parts);
               }));
  }
  router.add("GET", "/api/v1/rollouts/{hub}/{version}/{number}/orgs",
             at_once([orgs](const http_request& request, const path_parts& parts) {
               return get_orgs(orgs, request, parts);
             }));
  router.add("GET", "/api/v1/requests",
             at_once([known](const http_request&, const path_parts&) { return get_requests(*known); }));
  router.add("GET", "/api/v1/requests/{id}", at_once([known](const http_request&, const path_parts& parts) {
               return get_request(*known, parts);
             }));
  router.add("GET", "/api/v1/requests/{id}/jobs",
             at_once([orgs](const http_request& request, const path_parts& parts) {
               return get_jobs(orgs, request, parts);
             }));
  router.add("GET", "/api/v1/holds",
             at_once([known](const http_request&, const path_parts&) { return get_holds(*known); }));
}

}  // namespace pushguard::agent
