#pragma once

namespace pushguard::bench {

/// Prints, as Markdown, how often rules stop healthy rollouts and how soon bad ones, each cell from thousands
/// of simulated rollouts: the tables of docs/policies.md.
void print_characteristics();

}  // namespace pushguard::bench
