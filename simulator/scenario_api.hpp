#pragma once

#include "base/yaml.hpp"
#include "simulator/scenario.hpp"

namespace pushguard::simulator {

/// Reads the `api` section. What is wrong is reported and left at its default. The caller finishes `in`.
void read_api_section(yaml_reader& in, api_plan& plan);

}  // namespace pushguard::simulator
