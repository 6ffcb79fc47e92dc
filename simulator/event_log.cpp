#include "simulator/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "simulator/dice.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::uint64_t gap_max = 5;  // ids are shared with other channels of the org
constexpr std::uint64_t first_number = 2'000;
// Between the ids of one numbering and the next: no id is good in two of them.
constexpr std::uint64_t numbering_distance = 1'000'000'000'000;
constexpr std::uint64_t huge_offset = std::uint64_t{1} << 63U;
// Multiplication by an odd number modulo 2^64 can be undone: texts that neither rise nor look like numbers.
constexpr std::uint64_t scramble = 0x9e3779b97f4a7c15U;
constexpr std::string_view text_end = "+/=";

/// By Newton's iteration, which doubles the right bits each time; an odd number is its own inverse mod 8.
constexpr std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t made = odd;
  for (int bits = 3; bits < 64; bits *= 2)
    made *= 2 - odd * made;
  return made;
}

std::optional<std::uint64_t> read_unsigned(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<std::uint64_t> read_number(std::string_view id, replay_id_form form) {
  std::optional<std::uint64_t> value;
  switch (form) {
    case replay_id_form::number:
      return read_unsigned(id, 10);
    case replay_id_form::huge:
      value = read_unsigned(id, 10);
      return value ? std::optional(*value - huge_offset) : std::nullopt;
    case replay_id_form::text:
      value = read_unsigned(id.substr(0, id.find(text_end)), 16);
      return value ? std::optional(*value * inverse(scramble)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t event_log::next_number(position where) const {
  dice roll(seed_ + numberings_, draw::replay_id, where);
  const std::uint64_t before =
      last_number_ != 0 ? last_number_ : first_number + numberings_ * numbering_distance;
  return before + 1 + roll.below(gap_max);
}

const logged_event& event_log::append(std::uint64_t subject, std::string text, instant now) {
  last_number_ = next_number(tip());
  events_.push_back({tip(), last_number_, now.wall, now.steady, subject, std::move(text)});
  return events_.back();
}

void event_log::purge(steady_time now) {
  while (!events_.empty() && events_.front().kept_since + retention_ <= now) {
    events_.pop_front();
    ++purged_;
  }
}

void event_log::clear() {
  purged_ = tip();
  events_.clear();
}

void event_log::renumber() {
  ++numberings_;
  last_number_ = 0;
  for (logged_event& each : events_)
    each.number = last_number_ = next_number(each.sequence);
}

std::string event_log::bare_id(std::uint64_t number) const {
  switch (form_) {
    case replay_id_form::number:
      break;
    case replay_id_form::huge:
      return fmt::format("{}", number + huge_offset);
    case replay_id_form::text:
      return fmt::format("{:016x}{}", number * scramble, text_end);
  }
  return fmt::format("{}", number);
}

std::string event_log::replay_id(const logged_event& event) const {
  const std::string bare = bare_id(event.number);
  return form_ == replay_id_form::text ? '"' + bare + '"' : bare;
}

std::string event_log::uuid_of(std::uint64_t sequence) const {
  dice roll(seed_, draw::event_uuid, sequence);
  const std::uint64_t high = roll.next();
  const std::uint64_t low = roll.next();
  // Version 4, variant 10 (RFC 9562 §5.4).
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                     high & 0xfffU, 0x8000U | (low >> 50U), low & 0xffff'ffff'ffffU);
}

std::optional<event_log::position> event_log::after(std::string_view replay_id) const {
  const auto number = read_number(replay_id, form_);
  if (!number)
    return std::nullopt;
  const auto found = std::ranges::lower_bound(events_, *number, {}, &logged_event::number);
  // Exactly as it was given: `007` is not 7.
  if (found == events_.end() || found->number != *number || bare_id(*number) != replay_id)
    return std::nullopt;
  return found->sequence + 1;
}

}  // namespace pushguard::simulator
