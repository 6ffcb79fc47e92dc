#include "agent/decision_api.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <charconv>
#include <map>

#include "agent/api_json.hpp"
#include "agent/domain/rollout_id.hpp"
#include "agent/store/audit_chain.hpp"
#include "agent/view_making.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::int64_t page_size_default = 100;
constexpr std::int64_t decisions_page_max = 1000;  // as much as the store gives
constexpr std::int64_t audit_page_max = 2000;      // as much as the store gives
// Of one page of decisions. A day of refusals has more; the trail has them all.
constexpr std::size_t calls_max = 2000;

json::value since_json(const std::optional<aftermath_view>& since) {
  if (!since)
    return nullptr;
  return json::object{{"counted_at", format_time(since->counted_at)},
                      {"would_have_spared", since->orgs},
                      {"started", since->started},
                      {"succeeded", since->succeeded},
                      {"failed", since->failed},
                      {"final", since->is_final}};
}

http_reply text_reply(std::string_view type, std::string body) {
  http_reply reply;
  reply.headers.set("Content-Type", std::string(type));
  reply.body = std::move(body);
  return reply;
}

http_reply bad_request(std::string_view why) {
  return error_reply(400, "bad_request", why);
}

http_reply no_store() {
  return error_reply(503, "not_leader",
                     "another agent holds the lock of the state database: this one waits and reads nothing");
}

http_reply store_failed(const failure& why) {
  return error_reply(500, "storage", why.text());
}

/// A whole number in [least, most] of the query; `otherwise` where it is absent.
result<std::int64_t> number(const http_request& request, std::string_view name, std::int64_t least,
                            std::int64_t most, std::int64_t otherwise) {
  const auto asked = request.query(name);
  if (!asked)
    return otherwise;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(asked->data(), asked->data() + asked->size(), value);
  if (error != std::errc{} || end != asked->data() + asked->size() || value < least)
    return fail(errc::invalid, std::string(name) + " must be a whole number from " + std::to_string(least));
  return std::min(value, most);
}

constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::max();

result<std::optional<store::rollout_key>> asked_rollout(const http_request& request) {
  const auto rollout = request.query("rollout");
  const auto hub = request.query("hub");
  if (!rollout && !hub)
    return std::nullopt;
  const auto id = domain::rollout_id::parse(rollout.value_or(""));
  if (!id || id->number == 0 || !hub)
    return fail(errc::invalid, "hub and rollout must name a rollout together, like devhub and 04t…/1");
  return store::rollout_key{.hub = *hub, .version = id->version, .number = id->number};
}

result<store::decision_query> read_decision_query(const http_request& request) {
  const auto limit = number(request, "limit", 1, decisions_page_max, page_size_default);
  if (!limit)
    return std::unexpected(limit.error());
  const auto before = number(request, "before", 1, any_number, any_number);
  if (!before)
    return std::unexpected(before.error());
  auto rollout = asked_rollout(request);
  if (!rollout)
    return std::unexpected(rollout.error());
  return store::decision_query{
      .rollout = std::move(*rollout), .before = *before, .limit = static_cast<std::size_t>(*limit)};
}

/// The details of a call as the trail has them, with its instant; a tampered one with nothing but that.
json::object call_json(const store::audit_row& row) {
  json::object call{{"at", format_time(row.at)}};
  boost::system::error_code ec;
  const json::value details = json::parse(row.details, ec);
  if (const auto* known = ec ? nullptr : details.if_object()) {
    for (const auto& [key, value] : *known)
      call.emplace(key, value);
  }
  return call;
}

std::map<std::int64_t, json::array> calls_by_decision(const std::vector<store::audit_row>& rows) {
  std::map<std::int64_t, json::array> calls;
  for (const store::audit_row& row : rows)
    calls[row.decision.value_or(0)].push_back(call_json(row));
  return calls;
}

json::value decisions_json(const std::vector<store::decision_record>& decisions,
                           const std::vector<store::audit_row>& called, bool is_full) {
  auto calls = calls_by_decision(called);
  json::array page;
  for (const store::decision_record& decision : decisions) {
    json::object shown = decision_json(make_decision_view(decision));
    shown.emplace("calls", std::move(calls[decision.id]));
    page.push_back(std::move(shown));
  }
  return json::object{{"decisions", std::move(page)},
                      {"next", is_full ? json::value(decisions.back().id) : json::value(nullptr)}};
}

asio::awaitable<http_reply> get_decisions(store::store* from, http_request request) {
  if (from == nullptr)
    co_return no_store();
  auto query = read_decision_query(request);
  if (!query)
    co_return bad_request(query.error().text());
  const std::size_t limit = query->limit;
  const auto decisions = co_await from->decisions(std::move(*query));
  if (!decisions)
    co_return store_failed(decisions.error());
  store::audit_query asked{.kind = store::audit_kind::called, .limit = calls_max};
  for (const store::decision_record& decision : *decisions)
    asked.decisions.push_back(decision.id);
  std::vector<store::audit_row> called;
  if (!decisions->empty()) {
    auto rows = co_await from->audit_page(std::move(asked));
    if (!rows)
      co_return store_failed(rows.error());
    called = std::move(*rows);
  }
  co_return text_reply(
      "application/json",
      json::serialize(decisions_json(*decisions, called, decisions->size() == limit)) + "\n");
}

/// Each entry is one line, byte for byte what its hash is of: no JSON library writes it anew.
std::string audit_body(const std::vector<store::audit_row>& rows, bool is_full, bool is_ndjson) {
  std::string lines;
  for (const store::audit_row& row : rows) {
    if (!is_ndjson && !lines.empty())
      lines += ",\n";
    lines += store::audit_line(row);
    if (is_ndjson)
      lines += '\n';
  }
  if (is_ndjson)
    return lines;
  return "{\"entries\":[\n" + lines +
         "\n],\"next\":" + (is_full ? std::to_string(rows.back().sequence) : "null") + "}\n";
}

asio::awaitable<http_reply> get_audit(store::store* from, http_request request) {
  if (from == nullptr)
    co_return no_store();
  const auto limit = number(request, "limit", 1, audit_page_max, page_size_default);
  if (!limit)
    co_return bad_request(limit.error().text());
  const auto after = number(request, "after", 0, any_number, 0);
  if (!after)
    co_return bad_request(after.error().text());
  const std::string format = request.query("format").value_or("json");
  if (format != "json" && format != "ndjson")
    co_return bad_request("format must be json or ndjson");
  store::audit_query query{.after = *after, .limit = static_cast<std::size_t>(*limit)};
  const auto rows = co_await from->audit_page(std::move(query));
  if (!rows)
    co_return store_failed(rows.error());
  const bool is_full = rows->size() == static_cast<std::size_t>(*limit);
  const bool is_ndjson = format == "ndjson";
  co_return text_reply(is_ndjson ? "application/x-ndjson" : "application/json",
                       audit_body(*rows, is_full, is_ndjson));
}

}  // namespace

json::object decision_json(const decision_view& decision) {
  json::array plan;
  for (const plan_entry_view& entry : decision.plan) {
    plan.push_back(
        json::object{{"request_id", entry.request.text()},
                     {"status_at_decision", entry.status_at_decision},
                     {"step", entry.step},
                     {"outcome", entry.outcome.empty() ? json::value(nullptr) : json::value(entry.outcome)},
                     {"salesforce_code", json_text(entry.salesforce_code)},
                     {"salesforce_message", json_text(entry.salesforce_message)}});
  }
  json::array signatures;
  for (const signature_view& signature : decision.signatures) {
    signatures.push_back(json::object{{"signature", json_text(signature.text)},
                                      {"orgs", signature.orgs},
                                      {"sample_org_keys", json::value_from(signature.sample_orgs)}});
  }
  return {{"id", decision.id},
          {"decided_at", format_time(decision.decided_at)},
          {"hub", decision.hub},
          {"rollout", decision.rollout},
          {"epoch", decision.epoch},
          {"mode", decision.mode},
          {"policy", decision.policy},
          {"rule", decision.rule},
          {"actor", json_text(decision.actor)},
          {"reason", json_text(decision.reason)},
          {"failed", decision.failed},
          {"started", decision.started},
          {"excluded", decision.excluded},
          {"in_flight", decision.in_flight},
          {"still_to_start", decision.still_to_start},
          {"observed_ratio", number_or_null(decision.observed_ratio)},
          {"lower_bound_ratio", number_or_null(decision.lower_bound_ratio)},
          {"threshold_ratio", number_or_null(decision.threshold_ratio)},
          {"configuration_hash", decision.configuration_hash},
          {"version", decision.version},
          {"error_signatures", std::move(signatures)},
          {"plan", std::move(plan)},
          {"outcome", decision.outcome.empty() ? json::value(nullptr) : json::value(decision.outcome)},
          {"spared_orgs", decision.spared_orgs},
          {"ended_at", time_or_null(decision.ended_at)},
          {"since", since_json(decision.since)}};
}

void add_decision_routes(http_router& router, const store_reach& reach) {
  router.add("GET", "/api/v1/decisions", [reach](const http_request& request, const path_parts&) {
    return get_decisions(reach(), request);
  });
  router.add("GET", "/api/v1/audit",
             [reach](const http_request& request, const path_parts&) { return get_audit(reach(), request); });
}

}  // namespace pushguard::agent
