#include "agent/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <charconv>
#include <utility>

#include "agent/commands/render.hpp"
#include "agent/decision_api.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t page_size_default = 100;
constexpr std::size_t page_size_max = 2000;  // about 1 MiB of jobs: one answer stays small

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

http_reply get_holds(const read_model& model) {
  json::array holds;
  for (const hold_view& hold : model.holds())
    holds.push_back(hold_json(hold));
  return json_reply(json::object{{"holds", std::move(holds)}});
}

json::object rollout_details(const api_source& from, const rollout_view& rollout) {
  json::object out = rollout_json(from, rollout);
  json::array rules;
  each_rule(from.model, rollout, [&](const rule_view& rule) { rules.push_back(rule_json(rule)); });
  json::array decisions;
  for (const auto& [id, decision] : from.model.decisions()) {
    if (decision.hub == rollout.hub && decision.rollout == rollout.id)
      decisions.push_back(decision_json(decision));
  }
  json::array holds;
  for (const hold_view& hold : from.model.holds()) {
    if (is_about(from.model, hold, rollout))
      holds.push_back(hold_json(hold));
  }
  out.emplace("rules", std::move(rules));
  out.emplace("decisions", std::move(decisions));
  out.emplace("holds", std::move(holds));
  return out;
}

http_reply get_rollouts(const api_source& from) {
  json::array rollouts;
  for (const auto& [key, rollout] : from.model.rollouts())
    rollouts.push_back(rollout_details(from, rollout));
  return json_reply(json::object{{"rollouts", std::move(rollouts)}});
}

http_reply get_overview(const api_source& from, const agent_facts& agent) {
  json::array hubs;
  for (const auto& [name, hub] : from.model.hubs())
    hubs.push_back(hub_json(hub));
  json::array rollouts;
  for (const auto& [key, rollout] : from.model.rollouts())
    rollouts.push_back(rollout_json(from, rollout));
  return json_reply(json::object{{"now", format_time(from.time.wall_now())},
                                 {"agent", agent_json(agent)},
                                 {"hubs", std::move(hubs)},
                                 {"rollouts", std::move(rollouts)},
                                 {"alerts_firing", count_firing(*from.model.alerting())}});
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

http_reply get_rollout(const api_source& from, const path_parts& parts) {
  const auto rollout = named_rollout(from.model, parts);
  return rollout ? json_reply(rollout_details(from, **rollout)) : rollout.error();
}

json::object to_json(const rule_point& point) {
  return {{"at", format_time(point.at)},
          {"observed_ratio", number_or_null(point.observed_ratio)},
          {"lower_bound_ratio", number_or_null(point.lower_bound_ratio)},
          {"threshold_ratio", number_or_null(point.threshold_ratio)},
          {"failed", point.failed},
          {"started", point.started},
          {"verdict", point.verdict}};
}

http_reply get_history(const api_source& from, const path_parts& parts) {
  const auto rollout = named_rollout(from.model, parts);
  if (!rollout)
    return rollout.error();
  json::array rules;
  each_rule(from.model, **rollout, [&](const rule_view& rule) {
    json::array points;
    if (const auto known = from.history.rules().find(rule.key); known != from.history.rules().end()) {
      for (const rule_point& point : known->second.all())
        points.push_back(to_json(point));
    }
    rules.push_back(json::object{{"policy", rule.key.policy},
                                 {"rule", rule.key.rule},
                                 {"request_id", rule.key.request},
                                 {"segment", json_text(rule.key.segment)},
                                 {"points", std::move(points)}});
  });
  return json_reply(json::object{{"rules", std::move(rules)}});
}

/// The filter that a query asks for, or what is wrong with it.
std::expected<org_filter, std::string> read_filter(const http_request& request) {
  constexpr std::array<std::pair<std::string_view, org_result>, 5> results{
      {{"", org_result::any},
       {"failed", org_result::failed},
       {"succeeded", org_result::succeeded},
       {"spared", org_result::spared},
       {"running", org_result::running}}};
  const auto asked = [&](std::string_view name) { return request.query(name).value_or(""); };
  org_filter filter;
  const auto* const result =
      std::ranges::find(results, asked("result"), &std::pair<std::string_view, org_result>::first);
  if (result == results.end())
    return std::unexpected("result must be failed, succeeded, spared or running");
  filter.result = result->second;
  if (const std::string wave = asked("wave"); !wave.empty()) {
    const auto id = domain::request_id::parse(wave);
    if (!id)
      return std::unexpected("wave: " + id.error().text());
    filter.wave = *id;
  }
  if (const std::string error = asked("error_type"); !error.empty()) {
    const auto* const known = std::ranges::find(
        domain::all_error_types, error, [](domain::error_type type) { return domain::to_string(type); });
    if (known == domain::all_error_types.end())
      return std::unexpected("error_type is none that push jobs have");
    filter.error = *known;
  }
  if (const std::string type = asked("org_type"); !type.empty()) {
    filter.type = domain::parse_org_type(type);
    if (type != domain::to_string(*filter.type))
      return std::unexpected("org_type must be Production or Sandbox");
  }
  if (const std::string version = asked("from_version"); !version.empty()) {
    const auto id = domain::version_id::parse(version);
    if (!id)
      return std::unexpected("from_version: " + id.error().text());
    filter.from_version = *id;
  }
  filter.sf_instance = asked("sf_instance");
  filter.signature = asked("signature");
  filter.text = asked("q");
  return filter;
}

json::object org_json(const read_model& model, std::string_view hub, const listed_org& org,
                      const configuration::org_directory* directory) {
  json::object row = job_json(model, hub, *org.job, directory);
  row.emplace("spared", org.is_spared);
  return row;
}

enum class org_file : std::uint8_t { csv, ids };

/// All that matches, page by page: what is known may change in between.
asio::awaitable<result<>> write_orgs(api_source from, org_lists* lists, std::string hub, std::string rollout,
                                     org_filter filter, org_file kind, body_writer* out) {
  constexpr std::size_t rows = 500;  // a turn of the loop each
  std::string text = kind == org_file::csv ? orgs_csv_header() : std::string();
  std::string after;
  for (bool has_more = true; has_more;) {
    const auto found = from.model.rollouts().find({hub, rollout});
    if (found == from.model.rollouts().end())
      co_return fail(errc::not_found, "the agent has forgotten the rollout");
    const auto directory = from.directory();
    const std::vector<listed_org> orgs = take_rows(
        lists->of(found->second), org_matcher(from.model, hub, directory.get(), filter), after, rows);
    for (const listed_org& org : orgs) {
      if (kind == org_file::ids)
        text.append(org.job->org.key()).append(1, '\n');
      else
        text += render_org_csv(org_json(from.model, hub, org, directory.get()));
      after = org.job->org.key();
    }
    if (const auto written = co_await out->write(text); !written)
      co_return written;
    text.clear();
    has_more = orgs.size() == rows;
  }
  co_return result<>{};
}

http_reply orgs_file(const api_source& from, org_lists& lists, const rollout_view& rollout, org_filter filter,
                     std::string_view format) {
  const org_file kind = format == "csv" ? org_file::csv : org_file::ids;
  http_reply reply;
  reply.headers.set("Content-Type", kind == org_file::csv ? "text/csv; charset=utf-8; header=present"
                                                          : "text/plain; charset=utf-8");
  reply.headers.set("Content-Disposition",
                    fmt::format("attachment; filename=\"{}-orgs.{}\"", rollout.version.key(),
                                kind == org_file::csv ? "csv" : "txt"));
  reply.headers.set("Cache-Control", "no-store");
  reply.stream = [from, lists = &lists, hub = rollout.hub, id = rollout.id, filter = std::move(filter),
                  kind](body_writer& out) { return write_orgs(from, lists, hub, id, filter, kind, &out); };
  return reply;
}

http_reply get_orgs(const api_source& from, org_lists& lists, const http_request& request,
                    const path_parts& parts) {
  const auto rollout = named_rollout(from.model, parts);
  if (!rollout)
    return rollout.error();
  const auto size = page_size(request);
  if (!size)
    return bad_request(size.error());
  auto filter = read_filter(request);
  if (!filter)
    return error_reply(400, "bad_request", filter.error());
  const std::string format = request.query("format").value_or("json");
  if (format == "csv" || format == "ids")
    return orgs_file(from, lists, **rollout, std::move(*filter), format);
  if (format != "json")
    return error_reply(400, "bad_request", "format must be json, csv or ids");
  const std::string after = request.query("after").value_or("").substr(0, 15);
  const auto directory = from.directory();
  const std::string& hub = (*rollout)->hub;
  const org_page page = take_page(
      lists.of(**rollout), org_matcher(from.model, hub, directory.get(), std::move(*filter)), after, *size);
  json::array rows;
  for (const listed_org& org : page.orgs)
    rows.push_back(org_json(from.model, hub, org, directory.get()));
  return json_reply(json::object{
      {"orgs", std::move(rows)},
      {"next", page.has_more ? json::value(page.orgs.back().job->org.text()) : json::value(nullptr)},
      {"matching", page.matching}});
}

http_reply get_failures(const api_source& from, org_lists& lists, const http_request& request,
                        const path_parts& parts) {
  constexpr std::array<std::pair<std::string_view, failure_group_key>, 5> keys{
      {{"signature", failure_group_key::signature},
       {"error_type", failure_group_key::error_type},
       {"sf_instance", failure_group_key::sf_instance},
       {"org_type", failure_group_key::org_type},
       {"from_version", failure_group_key::from_version}}};
  const auto rollout = named_rollout(from.model, parts);
  if (!rollout)
    return rollout.error();
  const std::string asked = request.query("by").value_or("signature");
  const auto* const by =
      std::ranges::find(keys, asked, &std::pair<std::string_view, failure_group_key>::first);
  if (by == keys.end())
    return error_reply(400, "bad_request",
                       "by must be signature, error_type, sf_instance, org_type or from_version");
  const failure_groups found = group_failures(from.model, (*rollout)->hub, lists.of(**rollout), by->second);
  json::array groups;
  for (const failure_group& group : found.groups)
    groups.push_back(
        json::object{{"value", json_text(group.value)},
                     {"failed", group.failed},
                     {"started", group.started ? json::value(*group.started) : json::value(nullptr)},
                     {"sample_org_keys", json::value_from(group.sample_org_keys)}});
  return json_reply(json::object{
      {"by", asked}, {"failed", found.failed}, {"groups", std::move(groups)}, {"others", found.others}});
}

http_reply get_requests(const read_model& model) {
  json::array requests;
  for (const auto& [key, request] : model.requests()) {
    requests.push_back(request_json(model, request));
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
  return request ? json_reply(request_json(model, **request)) : request.error();
}

http_reply get_jobs(const api_source& from, const http_request& request, const path_parts& parts) {
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
    page.push_back(job_json(model, (*owner)->hub, place->second, directory.get()));
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

json::object agent_json(const agent_facts& agent) {
  return {{"version", agent.version},
          {"commit", agent.commit},
          {"leader", agent.is_leader},
          {"actions", agent.takes_actions}};
}

void add_api_routes(http_router& router, const api_source& from, org_lists& lists,
                    std::function<agent_facts()> agent) {
  const auto add = [&router](std::string_view path, auto answer) {
    router.add("GET", path, at_once(std::move(answer)));
  };
  const read_model* model = &from.model;
  add("/api/v1/overview", [from, agent = std::move(agent)](const http_request&, const path_parts&) {
    return get_overview(from, agent());
  });
  add("/api/v1/rollouts", [from](const http_request&, const path_parts&) { return get_rollouts(from); });
  for (const char* path : {"/api/v1/rollouts/{hub}/{version}", "/api/v1/rollouts/{hub}/{version}/{number}"})
    add(path, [from](const http_request&, const path_parts& parts) { return get_rollout(from, parts); });
  add("/api/v1/rollouts/{hub}/{version}/{number}/orgs",
      [from, &lists](const http_request& request, const path_parts& parts) {
        return get_orgs(from, lists, request, parts);
      });
  add("/api/v1/rollouts/{hub}/{version}/{number}/failures",
      [from, &lists](const http_request& request, const path_parts& parts) {
        return get_failures(from, lists, request, parts);
      });
  add("/api/v1/rollouts/{hub}/{version}/{number}/history",
      [from](const http_request&, const path_parts& parts) { return get_history(from, parts); });
  add("/api/v1/requests", [model](const http_request&, const path_parts&) { return get_requests(*model); });
  add("/api/v1/requests/{id}",
      [model](const http_request&, const path_parts& parts) { return get_request(*model, parts); });
  add("/api/v1/requests/{id}/jobs", [from](const http_request& request, const path_parts& parts) {
    return get_jobs(from, request, parts);
  });
  add("/api/v1/holds", [model](const http_request&, const path_parts&) { return get_holds(*model); });
}

}  // namespace pushguard::agent
