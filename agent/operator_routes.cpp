#include "agent/operator_routes.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <memory>

#include "agent/api_json.hpp"
#include "agent/decision_api.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

using domain::operator_action;

/// A page of another site cannot know a token, but it may be made to ask with one that a proxy adds.
bool is_from_another_site(const http_request& request) {
  if (const auto site = request.headers.find("Sec-Fetch-Site");
      site && *site != "same-origin" && *site != "none")
    return true;
  const auto from = request.headers.find("Origin");
  if (!from)
    return false;
  const auto place = from->find("://");
  return place == std::string_view::npos ||
         !equals_ignoring_case(from->substr(place + 3), request.headers.find("Host").value_or(""));
}

bool is_json(std::string_view content_type) {
  return equals_ignoring_case(trim(content_type.substr(0, content_type.find(';'))), "application/json");
}

http_reply refuse_token(std::string_view presented) {
  http_reply reply = error_reply(401, "unauthorized",
                                 presented.empty() ? "a token is needed: Authorization: Bearer TOKEN"
                                                   : "the token is none of http.api_tokens_file");
  reply.headers.set("WWW-Authenticate", presented.empty()
                                            ? R"(Bearer realm="pushguard")"
                                            : R"(Bearer realm="pushguard", error="invalid_token")");
  return reply;
}

/// Who asks, or why that is not told.
std::expected<std::string, http_reply> identify(const operator_route_parts& parts,
                                                const http_request& request) {
  const auto tokens = parts.tokens();
  if (tokens.empty())
    return std::unexpected(
        error_reply(403, "post_is_off", "POST is off: http.api_tokens_file is not configured"));
  if (is_from_another_site(request))
    return std::unexpected(error_reply(403, "cross_site", "requests from pages of other sites are refused"));
  const std::string_view token = bearer_token(request);
  auto actor = configuration::actor_of(tokens, token);
  if (actor)
    return std::move(*actor);
  const duration wait = parts.callers.try_unknown();
  return std::unexpected(wait > duration::zero() ? unknown_must_wait(wait) : refuse_token(token));
}

/// Who wants something done, or why nobody may.
std::expected<std::string, http_reply> admit(const operator_route_parts& parts, const http_request& request) {
  auto actor = identify(parts, request);
  if (!actor)
    return actor;
  if (const duration wait = parts.callers.try_actor(*actor); wait > duration::zero())
    return std::unexpected(actor_must_wait(*actor, wait));
  if (request.body.size() > operator_body_size_max)
    return std::unexpected(
        error_reply(413, "body_too_large",
                    fmt::format("the body may have at most {} KiB", operator_body_size_max / 1024)));
  if (!request.body.empty() && !is_json(request.headers.find("Content-Type").value_or("")))
    return std::unexpected(
        error_reply(415, "unsupported_media_type", "the body must come as Content-Type: application/json"));
  return actor;
}

using command_target = decltype(operator_command::target);
using target_reader = result<command_target> (*)(const path_parts&);

result<command_target> read_rollout(const path_parts& parts) {
  const auto id = domain::rollout_id::parse(parts.size() > 2 ? parts[1] + "/" + parts[2] : parts[1]);
  if (!id)
    return std::unexpected(id.error());
  return rollout_target{.hub = parts[0], .rollout = *id};
}

result<command_target> read_request(const path_parts& parts) {
  const auto id = domain::request_id::parse(parts[0]);
  if (!id)
    return std::unexpected(id.error());
  return *id;
}

result<command_target> read_rule(const path_parts& parts) {
  return rule_target{.policy = parts[0], .rule = parts[1]};
}

result<command_target> read_alert(const path_parts& parts) {
  return alert_target{.name = parts[0]};
}

json::object to_json(const operator_answer& answer) {
  json::object out{{"message", to_valid_utf8(answer.text)}};
  if (answer.decision)
    out.emplace("decision", decision_json(*answer.decision));
  if (!answer.plan.empty()) {
    json::array plan;
    for (const planned_view& each : answer.plan) {
      plan.push_back(json::object{
          {"request_id", each.request.text()},
          {"status", each.status},
          {"step", each.step},
          {"setup_page", each.setup_page.empty() ? json::value(nullptr) : json::value(each.setup_page)}});
    }
    out.emplace("plan", std::move(plan));
  }
  if (answer.reach) {
    out.emplace("orgs", json::object{{"spared", answer.reach->spared},
                                     {"in_flight", answer.reach->in_flight},
                                     {"still_to_start", answer.reach->still_to_start}});
  }
  if (answer.hold)
    out.emplace("hold", hold_json(*answer.hold));
  if (answer.epoch)
    out.emplace("epoch", *answer.epoch);
  if (answer.armed) {
    json::array armed;
    for (const std::string& name : *answer.armed)
      armed.emplace_back(name);
    out.emplace("armed", std::move(armed));
  }
  return out;
}

http_reply done(int status, const operator_answer& answer) {
  http_reply reply;
  reply.status = status;
  reply.headers.set("Content-Type", "application/json");
  reply.body = json::serialize(to_json(answer)) + "\n";
  return reply;
}

http_reply reply_of(const operator_answer& answer) {
  switch (answer.outcome) {
    case operator_outcome::done:
    case operator_outcome::repeated:
      return done(200, answer);
    case operator_outcome::begun:
      return done(202, answer);
    case operator_outcome::invalid:
      return error_reply(400, "bad_request", answer.text);
    case operator_outcome::not_found:
      return error_reply(404, "not_found", answer.text);
    case operator_outcome::conflict:
      return error_reply(409, "conflict", answer.text);
    case operator_outcome::unavailable:
      return error_reply(503, "unavailable", answer.text);
  }
  return error_reply(503, "unavailable", answer.text);
}

asio::awaitable<http_reply> answer(std::shared_ptr<const operator_route_parts> parts, operator_action action,
                                   target_reader read_target, const http_request& request,
                                   const path_parts& path) {
  auto actor = admit(*parts, request);
  if (!actor)
    co_return std::move(actor.error());
  auto target = read_target(path);
  if (!target)
    co_return error_reply(400, "bad_request", target.error().text());
  auto details = parse_operator_details(action, request.body);
  if (!details)
    co_return error_reply(400, "bad_request", details.error().text());
  operator_command command{.action = action,
                           .target = std::move(*target),
                           .actor = std::move(*actor),
                           .reason = std::move(details->reason),
                           .length = details->length};
  const operator_answer answered = co_await parts->perform(std::move(command));
  co_return reply_of(answered);
}

json::array texts_of(std::span<const std::string> lines) {
  json::array out;
  for (const std::string& line : lines)
    out.emplace_back(to_valid_utf8(line));
  return out;
}

asio::awaitable<http_reply> who_am_i(std::shared_ptr<const operator_route_parts> parts,
                                     const http_request& request) {
  const auto actor = identify(*parts, request);
  if (!actor)
    co_return actor.error();
  http_reply reply;
  reply.headers.set("Content-Type", "application/json");
  reply.body = json::serialize(json::object{{"actor", *actor}}) + "\n";
  co_return reply;
}

asio::awaitable<http_reply> reload(std::shared_ptr<const operator_route_parts> parts,
                                   const http_request& request) {
  auto actor = admit(*parts, request);
  if (!actor)
    co_return std::move(actor.error());
  if (!parts->reload)
    co_return error_reply(404, "not_found", "this agent was not started from a file");
  const reload_answer answered = co_await parts->reload(std::move(*actor));
  http_reply reply;
  reply.status = answered.problems.empty() ? 200 : 500;
  reply.headers.set("Content-Type", "application/json");
  json::object body{{"configuration_hash", answered.hash}};
  if (answered.problems.empty()) {
    body.emplace("needs_restart", texts_of(answered.needs_restart));
  } else {
    body.emplace("error",
                 json::object{{"code", "configuration_invalid"},
                              {"message", "the configuration was not reloaded; the one before is in force"},
                              {"problems", texts_of(answered.problems)}});
  }
  reply.body = json::serialize(body) + "\n";
  co_return reply;
}

}  // namespace

std::string_view bearer_token(const http_request& request) {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view given = request.headers.find("Authorization").value_or("");
  return given.size() > scheme.size() && equals_ignoring_case(given.substr(0, scheme.size()), scheme)
             ? trim(given.substr(scheme.size()))
             : std::string_view{};
}

void add_operator_routes(http_router& router, operator_route_parts parts) {
  const auto shared = std::make_shared<const operator_route_parts>(std::move(parts));
  const auto add = [&](std::string_view path, operator_action action, target_reader read_target) {
    router.add("POST", fmt::format("{}/{}", path, to_string(action)),
               [shared, action, read_target](const http_request& request, const path_parts& path_of) {
                 return answer(shared, action, read_target, request, path_of);
               });
  };
  router.add("GET", "/api/v1/whoami",
             [shared](const http_request& request, const path_parts&) { return who_am_i(shared, request); });
  router.add("POST", "/-/reload",
             [shared](const http_request& request, const path_parts&) { return reload(shared, request); });
  for (const operator_action action : domain::all_operator_actions) {
    if (is_about_alerts(action)) {
      add("/api/v1/alerts/{id}", action, read_alert);
      continue;
    }
    add("/api/v1/rollouts/{hub}/{version}", action, read_rollout);
    add("/api/v1/rollouts/{hub}/{version}/{number}", action, read_rollout);
  }
  add("/api/v1/requests/{id}", operator_action::abort, read_request);
  for (const operator_action action : {operator_action::hold, operator_action::release})
    add("/api/v1/rules/{policy}/{rule}", action, read_rule);
}

}  // namespace pushguard::agent
