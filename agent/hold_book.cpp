#include "agent/hold_book.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent/decision_making.hpp"
#include "agent/operator_trail.hpp"
#include "agent/view_making.hpp"
#include "base/deadline.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

// The clock on the wall may be set; holds end by it, so it is looked at so often.
constexpr duration look_interval = std::chrono::minutes(1);

asio::awaitable<result<>> wait_for(condition& changed) {
  co_await changed.wait();
  co_return result<>{};
}

trail_entry make_entry(store::audit_kind kind, const store::hold_record& hold, wall_time at) {
  const hold_view view = make_hold_view(hold);
  return {.kind = kind,
          .at = at,
          .actor = hold.actor,
          .hub = view.hub,
          .rollout = view.rollout,
          .policy = view.policy,
          .rule = view.rule,
          .target = target_text(view),
          .reason = hold.reason,
          .until = hold.until};
}

operator_answer not_stored(const failure& why) {
  return {.outcome = operator_outcome::unavailable,
          .text = fmt::format("nothing was done, as it could not be recorded: {}", why.text())};
}

}  // namespace

/// Held while a change is made and stored.
class hold_book::turn {
 public:
  explicit turn(hold_book& of) : of_(&of) { of.is_changing_ = true; }
  turn(turn&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  turn& operator=(turn&&) = delete;
  ~turn() {
    if (of_ == nullptr)
      return;
    of_->is_changing_ = false;
    of_->free_.notify_all();
  }

 private:
  hold_book* of_;
};

asio::awaitable<hold_book::turn> hold_book::take_turn() {
  while (is_changing_)
    co_await free_.wait();
  co_return turn(*this);
}

hold_book::hold_book(hold_book_parts parts, std::vector<store::hold_record> known)
    : parts_(std::move(parts)), holds_(std::move(known)) {
  changed();
}

std::vector<store::hold_record>::iterator hold_book::find(const store::hold_target& target) {
  return std::ranges::find(holds_, target, &store::hold_record::target);
}

void hold_book::changed() {
  std::vector<hold_view> views;
  for (const store::hold_record& hold : holds_)
    views.push_back(make_hold_view(hold));
  parts_.publish(std::move(views));
  look();
  wake_.notify_all();
  if (on_change_)
    on_change_();
}

asio::awaitable<operator_answer> hold_book::put(operator_command command, store::hold_target target) {
  const turn mine = co_await take_turn();
  const wall_time now = parts_.time.wall_now();
  const store::hold_record made{.target = std::move(target),
                                .actor = command.actor,
                                .reason = command.reason,
                                .since = now,
                                .until = now + command.length};
  store::batch batch;
  batch.holds.push_back(made);
  const auto committed = co_await commit_action(parts_.store, parts_.log, std::move(batch),
                                                make_entry(store::audit_kind::held, made, now));
  if (!committed)
    co_return not_stored(committed.error());
  // Forgetting one that has expired would take this one with it.
  std::erase_if(ended_, [&](const store::hold_record& ended) { return ended.target == made.target; });
  const hold_view view = make_hold_view(made);
  std::string text = fmt::format("{} is held until {}", target_text(view), format_time(made.until));
  if (const auto earlier = find(made.target); earlier != holds_.end()) {
    text += fmt::format(", in place of the hold of {} until {}", earlier->actor, format_time(earlier->until));
    *earlier = made;
  } else {
    holds_.push_back(made);
  }
  changed();
  co_return operator_answer{.outcome = operator_outcome::done, .text = std::move(text), .hold = view};
}

asio::awaitable<operator_answer> hold_book::remove(operator_command command, store::hold_target target) {
  const turn mine = co_await take_turn();
  const auto found = find(target);
  if (found == holds_.end()) {
    co_return operator_answer{
        .outcome = operator_outcome::conflict,
        .text = fmt::format(
            "{} is not held",
            target_text(make_hold_view(
                {.target = std::move(target), .actor = {}, .reason = {}, .since = {}, .until = {}})))};
  }
  // A copy: the list may change while the store writes.
  store::hold_record released = *found;  // NOLINT(performance-unnecessary-copy-initialization)
  trail_entry entry = make_entry(store::audit_kind::released, released, parts_.time.wall_now());
  entry.actor = command.actor;
  entry.reason = command.reason;
  entry.until.reset();
  store::batch batch;
  batch.released.push_back(target);
  const auto committed = co_await commit_action(parts_.store, parts_.log, std::move(batch), std::move(entry));
  if (!committed)
    co_return not_stored(committed.error());
  std::erase(holds_, released);
  changed();
  const hold_view view = make_hold_view(released);
  co_return operator_answer{
      .outcome = operator_outcome::done,
      .text = fmt::format("{} is not held any more: what is breached acts now", target_text(view)),
      .hold = view};
}

std::vector<policy::known_hold> hold_book::of(std::string_view hub, wall_time now) const {
  std::vector<policy::known_hold> held;
  for (const store::hold_record& hold : holds_) {
    if (hold.until <= now || (hold.target.rollout && hold.target.rollout->hub != hub))
      continue;
    policy::known_hold made{
        .rollout = {}, .policy = hold.target.policy, .rule = hold.target.rule, .until = hold.until};
    if (hold.target.rollout)
      made.rollout = rollout_of(*hold.target.rollout);
    held.push_back(std::move(made));
  }
  return held;
}

void hold_book::end_expired() {
  const wall_time now = parts_.time.wall_now();
  const auto is_over = [now](const store::hold_record& hold) { return hold.until <= now; };
  std::ranges::copy_if(holds_, std::back_inserter(ended_), is_over);
  if (std::erase_if(holds_, is_over) != 0)
    changed();
}

/// What cannot be forgotten now is in the store until the next look, and is not in force.
asio::awaitable<void> hold_book::forget_ended() {
  const turn mine = co_await take_turn();
  while (!ended_.empty()) {
    store::batch batch;
    batch.released.push_back(ended_.front().target);
    const auto committed = co_await commit_action(
        parts_.store, parts_.log, std::move(batch),
        make_entry(store::audit_kind::hold_expired, ended_.front(), parts_.time.wall_now()));
    if (!committed)
      co_return;
    ended_.erase(ended_.begin());
  }
}

asio::awaitable<void> hold_book::run() {
  for (;;) {
    end_expired();
    co_await forget_ended();
    duration pause = look_interval;
    if (const auto next = look())
      pause = std::min(pause, *next - parts_.time.wall_now());
    for (const store::hold_record& hold : holds_)
      pause = std::min(pause, std::max(hold.until - parts_.time.wall_now(), duration(1)));
    (void)co_await with_deadline(parts_.time, parts_.time.steady_now() + pause, "waiting for a hold to end",
                                 wait_for(wake_));
  }
}

}  // namespace pushguard::agent
