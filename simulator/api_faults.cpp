#include "simulator/api_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

/// What an answer must have for a fault to spoil it.
enum class answer_need : std::uint8_t { nothing, body, page, several_rows, required_column, error_message };

constexpr unsigned bit_of(api_operation operation) {
  return 1U << static_cast<unsigned>(operation);
}
constexpr unsigned versions_only = bit_of(api_operation::versions);
constexpr unsigned queries = bit_of(api_operation::query);
constexpr unsigned next_pages = bit_of(api_operation::next_page);
constexpr unsigned describes = bit_of(api_operation::describe);
constexpr unsigned cancels = bit_of(api_operation::cancel);
constexpr unsigned retrieves = bit_of(api_operation::retrieve);
constexpr unsigned pages = queries | next_pages;
constexpr unsigned with_session =
    pages | describes | cancels | retrieves | bit_of(api_operation::limits) | bit_of(api_operation::other);
constexpr unsigned all = with_session | versions_only;

struct fault_facts {
  api_fault_kind kind;
  std::string_view name;
  api_fault_moment moment;
  unsigned operations;  ///< that can be hit
  answer_need need = answer_need::nothing;
  duration delay = duration::zero();  ///< where the plan has none
};

using enum api_fault_kind;
using enum api_fault_moment;

/// In the order of api_fault_kind.
constexpr auto facts = std::to_array<fault_facts>({
    {session_invalid, "session_invalid", arrival, with_session},
    {session_invalid_403, "session_invalid_403", arrival, with_session},
    {request_limit, "request_limit", arrival, with_session},
    {server_unavailable, "server_unavailable", arrival, all},
    {misdirected, "misdirected", arrival, all},
    {bad_gateway_page, "bad_gateway_page", arrival, all},
    {maintenance_page, "maintenance_page", arrival, all},
    {no_answer, "no_answer", arrival, all},
    {query_timeout, "query_timeout", refusal, pages},
    {row_locked, "row_locked", refusal, with_session},
    {internal_error, "internal_error", refusal, with_session},
    {malformed_query, "malformed_query", refusal, queries},
    {invalid_field, "invalid_field", refusal, queries | retrieves | cancels},
    {invalid_type, "invalid_type", refusal, queries | describes},
    {insufficient_access, "insufficient_access", refusal, with_session},
    {not_found, "not_found", refusal, with_session},
    {invalid_locator, "invalid_locator", refusal, next_pages},
    {slow, "slow", answer, all, answer_need::nothing, 5s},
    {cut_body, "cut_body", answer, all, answer_need::body},
    {empty_body, "empty_body", answer, all},
    {garbage, "garbage", answer, all},
    {truncated_json, "truncated_json", answer, all, answer_need::body},
    {wrong_encoding, "wrong_encoding", answer, all, answer_need::body},
    {wrong_page, "wrong_page", answer, pages, answer_need::page},
    {cycling_page, "cycling_page", answer, pages, answer_need::page},
    {short_page, "short_page", answer, pages, answer_need::several_rows},
    {bad_row, "bad_row", answer, pages, answer_need::required_column},
    {huge_message, "huge_message", answer, pages, answer_need::error_message},
    {cancel_lost, "cancel_lost", answer, cancels},
});

constexpr auto kinds = [] {
  std::array<api_fault_kind, facts.size()> made{};
  std::ranges::transform(facts, made.begin(), &fault_facts::kind);
  return made;
}();

static_assert(std::ranges::is_sorted(kinds), "facts_of() looks them up by their place");
static_assert(static_cast<std::size_t>(kinds.back()) + 1 == kinds.size(), "every kind has its facts");

constexpr const fault_facts& facts_of(api_fault_kind kind) {
  return facts[static_cast<std::size_t>(kind)];
}

constexpr std::array<std::string_view, 5> required{"SubscriberOrganizationKey", "Status", "PackagePushJobId",
                                                   "PackagePushRequestId", "OrgKey"};

bool has_need(answer_need need, const api_answer_shape& shape) {
  const auto has_column = [&shape](std::string_view name) {
    return std::ranges::find(shape.columns, name) != shape.columns.end();
  };
  switch (need) {
    case answer_need::nothing:
      return true;
    case answer_need::body:
      return shape.body_size > 0;
    case answer_need::page:
      return shape.rows > 0;
    case answer_need::several_rows:
      return shape.rows > 1;
    case answer_need::required_column:
      return shape.rows > 0 && std::ranges::any_of(required, has_column);
    case answer_need::error_message:
      return shape.rows > 0 && has_column("ErrorMessage");
  }
  return false;
}

bool wants(const api_fault_plan& plan, const api_call& call) {
  return can_hit(plan.kind, call.operation) && call.at >= plan.from &&
         (!plan.until || call.at < *plan.until) && (!plan.operation || *plan.operation == call.operation) &&
         (plan.object.empty() || equals_ignoring_case(plan.object, call.object));
}

}  // namespace

std::string_view name_of(api_operation operation) noexcept {
  switch (operation) {
    case api_operation::versions:
      return "versions";
    case api_operation::limits:
      return "limits";
    case api_operation::describe:
      return "describe";
    case api_operation::query:
      return "query";
    case api_operation::next_page:
      return "next_page";
    case api_operation::cancel:
      return "cancel";
    case api_operation::retrieve:
      return "retrieve";
    case api_operation::other:
      return "other";
  }
  return "";
}

std::string label_of(const api_call& call) {
  const std::string_view name = name_of(call.operation);
  if (call.object.empty() || call.operation == api_operation::cancel)
    return std::string(name);
  return fmt::format("{} {}", name, call.object);
}

std::span<const api_fault_kind> all_api_fault_kinds() noexcept {
  return kinds;
}

std::string_view name_of(api_fault_kind kind) noexcept {
  return facts_of(kind).name;
}

std::optional<api_fault_kind> find_api_fault_kind(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(facts, name, &fault_facts::name);
  return found == facts.end() ? std::nullopt : std::optional(found->kind);
}

api_fault_moment moment_of(api_fault_kind kind) noexcept {
  return facts_of(kind).moment;
}

bool can_hit(api_fault_kind kind, api_operation operation) noexcept {
  return (facts_of(kind).operations & bit_of(operation)) != 0;
}

std::span<const std::string_view> required_columns() noexcept {
  return required;
}

api_fault_script::api_fault_script(std::vector<api_fault_plan> faults) {
  for (api_fault_plan& each : faults)
    add(std::move(each));
}

void api_fault_script::add(api_fault_plan fault) {
  if (!fault.delay)
    fault.delay = facts_of(fault.kind).delay;
  if (fault.times != 0U)
    waiting_.push_back(std::move(fault));
}

std::optional<api_fault> api_fault_script::strike(const api_call& call, api_fault_moment moment) {
  return take(call, [moment](const fault_facts& of) { return of.moment == moment; });
}

std::optional<api_fault> api_fault_script::strike(const api_call& call, const api_answer_shape& shape) {
  return take(call,
              [&shape](const fault_facts& of) { return of.moment == answer && has_need(of.need, shape); });
}

template <class Fits>
std::optional<api_fault> api_fault_script::take(const api_call& call, Fits fits) {
  const auto wanted = std::ranges::find_if(waiting_, [&](api_fault_plan& each) {
    if (!wants(each, call) || !fits(facts_of(each.kind)))
      return false;
    if (each.skip == 0)
      return true;
    --each.skip;
    return false;
  });
  if (wanted == waiting_.end())
    return std::nullopt;
  api_fault found{*wanted, happened_[wanted->kind]++};
  if (wanted->times && --*wanted->times == 0)
    waiting_.erase(wanted);
  return found;
}

}  // namespace pushguard::simulator
