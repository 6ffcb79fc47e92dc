#include "agent/commands/addressing.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <map>

#include "base/url.hpp"

namespace pushguard::agent {

namespace json = boost::json;

result<std::string> find_rollout_path(const json::array& rollouts, const domain::rollout_id& wanted,
                                      const std::optional<std::string>& hub) {
  std::map<std::string, domain::rollout_id> found;  // by hub
  for (const json::value& value : rollouts) {
    const json::object& each = value.as_object();
    const std::string its_hub(each.at("hub").as_string());
    const auto id = domain::rollout_id::parse(std::string_view(each.at("id").as_string()));
    if (!id || id->version != wanted.version || (hub && its_hub != *hub) ||
        (wanted.number != 0 && id->number != wanted.number))
      continue;
    const auto [place, is_new] = found.try_emplace(its_hub, *id);
    if (!is_new && place->second.number < id->number)
      place->second = *id;
  }
  if (found.empty()) {
    return fail(errc::not_found, fmt::format("the agent knows no rollout {}{}", wanted.version.text(),
                                             hub ? fmt::format(" of hub {}", *hub) : ""));
  }
  if (found.size() > 1) {
    std::string hubs;
    for (const auto& [name, id] : found)
      hubs += (hubs.empty() ? "" : ", ") + name;
    return fail(errc::invalid, fmt::format("the rollout is on several hubs ({}): name one with --hub", hubs));
  }
  return fmt::format("/api/v1/rollouts/{}/{}", percent_encode(found.begin()->first),
                     found.begin()->second.text());
}

}  // namespace pushguard::agent
