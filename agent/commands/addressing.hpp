#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <string>

#include "agent/domain/rollout_id.hpp"
#include "base/result.hpp"

namespace pushguard::agent {

/// The API's path of the one rollout that an operator meant, out of those that `GET /api/v1/rollouts` tells:
/// without a number the latest of its version. errc::not_found where there is none, errc::invalid where
/// several hubs have it and none is named; both sentences say what to do. Throws where the answer has another
/// shape.
[[nodiscard]] result<std::string> find_rollout_path(const boost::json::array& rollouts,
                                                    const domain::rollout_id& wanted,
                                                    const std::optional<std::string>& hub);

}  // namespace pushguard::agent
