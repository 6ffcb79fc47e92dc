#include "simulator/faults.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "simulator/dice.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

/// When a fault steps in: instead of the protocol, or once the protocol has made the answer.
enum class fault_moment : std::uint8_t { request, answer };
enum class answer_need : std::uint8_t { messages, events, lone_message };

constexpr unsigned bit_of(request_kind kind) {
  return 1U << static_cast<unsigned>(kind);
}
constexpr unsigned handshakes = bit_of(request_kind::handshake);
constexpr unsigned subscribes = bit_of(request_kind::subscribe);
constexpr unsigned connects = bit_of(request_kind::connect);
constexpr unsigned in_session =
    subscribes | connects | bit_of(request_kind::disconnect) | bit_of(request_kind::other);
constexpr unsigned all = handshakes | in_session;

struct fault_facts {
  fault_kind kind;
  std::string_view name;
  fault_moment moment;
  unsigned requests;  ///< the kinds that can be hit
  answer_need need = answer_need::messages;
  duration delay = duration::zero();  ///< where the plan has none
};

// Nobody waits so long for an answer; then the connection is reset, so that it does not leak.
constexpr duration silence = 10min;

using enum fault_kind;
using enum fault_moment;

/// In the order of fault_kind.
constexpr auto facts = std::to_array<fault_facts>({
    {disconnect_and_unknown_client, "disconnect_and_unknown_client", request, in_session},
    {disconnect_and_unauthorized, "disconnect_and_unauthorized", request, in_session},
    {bare_disconnect, "bare_disconnect", request, in_session},
    {unknown_client, "unknown_client", request, in_session},
    {unknown_client_none, "unknown_client_none", request, in_session},
    {expired_token, "expired_token", request, all},
    {stale_handshake_advice, "stale_handshake_advice", request, connects},
    {dead_route, "dead_route", answer, all},
    {disconnect_after_handshake, "disconnect_after_handshake", answer, handshakes},
    {busy, "busy", request, all},
    {busy_as_denied, "busy_as_denied", request, handshakes | subscribes},
    {busy_as_unauthorized, "busy_as_unauthorized", request, all},
    {denied_without_text, "denied_without_text", request, all},
    {missing_cookie, "missing_cookie", request, in_session},
    {user_mismatch, "user_mismatch", request, subscribes | connects},
    {quota, "quota", request, subscribes | connects},
    {client_limit, "client_limit", request, handshakes},
    {late_reply, "late_reply", answer, all, answer_need::messages, 5s},
    {never_answer, "never_answer", answer, all, answer_need::messages, silence},
    {trickle, "trickle", answer, all, answer_need::messages, 1s},
    {slow_subscribe, "slow_subscribe", request, subscribes, answer_need::messages, 5s},
    {empty_polls, "empty_polls", request, connects},
    {reset_before_answer, "reset_before_answer", answer, all},
    {close_before_answer, "close_before_answer", answer, all},
    {cut_body, "cut_body", answer, all},
    {wrong_content_length, "wrong_content_length", answer, all},
    {chunk_garbage, "chunk_garbage", answer, all},
    {gzip_garbage, "gzip_garbage", answer, all},
    {http_status, "http_status", request, all},
    {login_page, "login_page", request, all},
    {http_401_rest_json, "http_401_rest_json", request, all},
    {redirect, "redirect", request, all},
    {foreign_cookies, "foreign_cookies", answer, all},
    {hundred_cookies, "hundred_cookies", answer, all},
    {duplicate_delivery, "duplicate_delivery", answer, connects, answer_need::events},
    {reordered_reply, "reordered_reply", answer, connects, answer_need::events},
    {events_without_reply, "events_without_reply", answer, connects, answer_need::events},
    {reply_without_subscription, "reply_without_subscription", answer, subscribes},
    {reply_without_channel, "reply_without_channel", request, all},
    {reply_without_id, "reply_without_id", answer, all},
    {reply_with_other_id, "reply_with_other_id", answer, all},
    {empty_array, "empty_array", answer, all},
    {lone_object, "lone_object", answer, all, answer_need::lone_message},
    {null_advice, "null_advice", answer, all},
    {interval_advice, "interval_advice", answer, connects},
    {negative_interval, "negative_interval", answer, connects},
    {unknown_advice, "unknown_advice", answer, connects},
    {other_transports, "other_transports", answer, handshakes},
    {byte_order_mark, "byte_order_mark", answer, all},
    {nul_bytes, "nul_bytes", answer, all},
    {bad_utf8, "bad_utf8", answer, connects, answer_need::events},
    {lone_surrogates, "lone_surrogates", answer, connects, answer_need::events},
    {duplicate_keys, "duplicate_keys", answer, all},
    {overflow_numbers, "overflow_numbers", answer, all},
    {deep_nesting, "deep_nesting", answer, all},
    {wrong_types, "wrong_types", answer, all},
    {truncated_json, "truncated_json", answer, all},
    {huge_message, "huge_message", answer, all},
});

constexpr auto kinds = [] {
  std::array<fault_kind, facts.size()> made{};
  std::ranges::transform(facts, made.begin(), &fault_facts::kind);
  return made;
}();

static_assert(std::ranges::is_sorted(kinds), "facts_of() looks them up by their place");
static_assert(static_cast<std::size_t>(kinds.back()) + 1 == kinds.size(), "every kind has its facts");

constexpr const fault_facts& facts_of(fault_kind kind) {
  return facts[static_cast<std::size_t>(kind)];
}

bool comes_with_request(const fault_plan& plan) {
  return facts_of(plan.kind).moment == request && !plan.with_events;
}

bool fits(const fault_plan& plan, const answer_shape& shape) {
  if (comes_with_request(plan) || shape.messages == 0 || (plan.with_events && shape.events == 0))
    return false;
  switch (facts_of(plan.kind).need) {
    case answer_need::messages:
      return true;
    case answer_need::events:
      return shape.events > 0;
    case answer_need::lone_message:
      return shape.messages == 1;
  }
  return false;
}

bool wants(const fault_plan& plan, const fault_passage& passage) {
  return can_hit(plan.kind, passage.kind) && (plan.on == request_kind::any || plan.on == passage.kind) &&
         (plan.channel.empty() ||
          std::ranges::find(passage.channels, plan.channel) != passage.channels.end());
}

}  // namespace

std::span<const fault_kind> all_fault_kinds() noexcept {
  return kinds;
}

std::string_view name_of(fault_kind kind) noexcept {
  return facts_of(kind).name;
}

std::optional<fault_kind> find_fault_kind(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(facts, name, &fault_facts::name);
  return found == facts.end() ? std::nullopt : std::optional(found->kind);
}

std::string_view name_of(request_kind kind) noexcept {
  switch (kind) {
    case request_kind::handshake:
      return "handshake";
    case request_kind::subscribe:
      return "subscribe";
    case request_kind::connect:
      return "connect";
    case request_kind::disconnect:
      return "disconnect";
    case request_kind::other:
      return "other";
    case request_kind::any:
      return "any";
  }
  return "";
}

bool can_hit(fault_kind fault, request_kind request) noexcept {
  return request == request_kind::any || (facts_of(fault).requests & bit_of(request)) != 0;
}

fault_script::fault_script(std::uint64_t seed, std::vector<fault_plan> faults,
                           std::optional<random_faults> chaos)
    : seed_(seed), chaos_(std::move(chaos)) {
  if (chaos_ && chaos_->kinds.empty())
    chaos_->kinds.assign(kinds.begin(), kinds.end());
  for (fault_plan& each : faults)
    add(std::move(each));
}

void fault_script::add(fault_plan fault) {
  if (!fault.delay)
    fault.delay = facts_of(fault.kind).delay;
  if (fault.times > 0)
    waiting_.push_back(std::move(fault));
}

fault_passage fault_script::admit(request_kind kind, std::vector<std::string> channels) {
  ++admitted_;
  return {kind, std::move(channels), draw_for(kind)};
}

std::optional<fault_plan> fault_script::draw_for(request_kind kind) {
  dice roll(seed_, draw::fault, admitted_);
  if (!chaos_ || !roll.falls(chaos_->odds))
    return std::nullopt;
  std::vector<fault_kind> possible;
  std::ranges::copy_if(chaos_->kinds, std::back_inserter(possible),
                       [kind](fault_kind each) { return can_hit(each, kind); });
  if (possible.empty())
    return std::nullopt;
  static constexpr int statuses[] = {500, 502, 503, 504, 404};
  fault_plan drawn{.kind = possible[roll.below(possible.size())]};
  drawn.status = statuses[roll.below(std::size(statuses))];
  const duration wait = roll.between({duration::zero(), chaos_->delay_max});
  // Where silence or a trickle is the fault itself, its length is no delay.
  drawn.delay = drawn.kind == never_answer || drawn.kind == trickle ? facts_of(drawn.kind).delay : wait;
  // Half of the faults that end a session come when it has events to lose.
  drawn.with_events = kind == request_kind::connect && roll.falls(0.5);
  return drawn;
}

std::optional<fault> fault_script::strike(const fault_passage& request) {
  return take(request, comes_with_request);
}

std::optional<fault> fault_script::strike(const fault_passage& request, const answer_shape& answer) {
  return take(request, [&answer](const fault_plan& plan) { return fits(plan, answer); });
}

template <class Fits>
std::optional<fault> fault_script::take(const fault_passage& request, Fits fits) {
  const auto wanted = std::ranges::find_if(waiting_, [&](fault_plan& each) {
    if (!wants(each, request) || !fits(each))
      return false;
    if (each.skip == 0)
      return true;
    --each.skip;
    return false;
  });
  std::optional<fault> found;
  if (wanted != waiting_.end()) {
    found = fault{*wanted};
    if (--wanted->times == 0)
      waiting_.erase(wanted);
  } else if (request.drawn && fits(*request.drawn)) {
    found = fault{*request.drawn};
  }
  if (found)
    found->occurrence = happened_[found->plan.kind]++;
  return found;
}

}  // namespace pushguard::simulator
