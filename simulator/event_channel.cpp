#include "simulator/event_channel.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "simulator/event_payload.hpp"

namespace pushguard::simulator {

event_channel& channel_list::add(const channel_plan& plan, event_writer write) {
  // Neighbouring seeds are far apart once the dice have mixed them with a purpose.
  const std::uint64_t seed = seed_ + (channels_.size() << 32U);
  const auto [made, is_new] = channels_.try_emplace(
      plan.name, event_channel{event_log(seed, plan.retention, plan.form), std::move(write), plan.refusal});
  if (!is_new)
    throw std::invalid_argument(fmt::format("there are two channels {}", plan.name));
  return made->second;
}

event_channel* channel_list::find(std::string_view name) {
  const auto found = channels_.find(name);
  return found == channels_.end() ? nullptr : &found->second;
}

void channel_list::purge(steady_time now) {
  for (auto& [name, channel] : channels_)
    channel.log.purge(now);
}

void append_event_data(std::string& out, const event_log& log, const logged_event& event) {
  out += event.text;
  out += log.replay_id(event);
  out += data_end;
}

}  // namespace pushguard::simulator
