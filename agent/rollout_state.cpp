#include "agent/rollout_state.hpp"

#include <algorithm>

namespace pushguard::agent {

std::string_view to_string(rollout_state state) noexcept {
  switch (state) {
    case rollout_state::waiting:
      return "waiting";
    case rollout_state::running:
      return "running";
    case rollout_state::aborted:
      return "aborted";
    case rollout_state::ended:
      return "ended";
  }
  return "ended";
}

rollout_state state_of(const rollout_view& rollout, const read_model& model) {
  const bool is_resumed =
      rollout.resumed_at && rollout.aborted_at && *rollout.resumed_at >= *rollout.aborted_at;
  if (rollout.aborted_at && !is_resumed)
    return rollout_state::aborted;
  const auto runs = [&](const domain::request_id& wave) {
    const auto request = model.requests().find({rollout.hub, wave});
    return request != model.requests().end() &&
           request->second.row.status == domain::push_status::in_progress;
  };
  if (count_of(rollout.jobs, domain::push_status::in_progress) > 0 ||
      std::ranges::any_of(rollout.requests, runs))
    return rollout_state::running;
  return rollout.is_open ? rollout_state::waiting : rollout_state::ended;
}

}  // namespace pushguard::agent
