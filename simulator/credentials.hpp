#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/yaml.hpp"
#include "simulator/login_faults.hpp"

namespace pushguard::simulator {

/// What an assertion must be to be exchanged for a token.
struct jwt_plan {
  std::string public_key;                ///< PEM: of RSA, or a certificate of one
  std::string username;                  ///< letters compare without case
  std::vector<std::string> audiences{};  ///< empty: Salesforce's two login hosts, and the hub as it is asked
  duration skew = std::chrono::minutes(3);  ///< how long an assertion is taken after its `exp`
};

enum class refresh_secret { required, optional };
enum class refresh_token_use { kept, rotated };

/// What the simulated hub accepts at its token endpoint. All times are clock time.
struct credentials_plan {
  std::string client_id = "simulated-client";
  std::string client_secret = "simulated-secret";
  duration token_life = std::chrono::hours(2);  ///< streaming keeps a session's token alive
  std::optional<jwt_plan> jwt = {};             ///< without: assertions are of an unsupported grant type
  std::vector<std::string> refresh_tokens{};
  /// optional: none at all will do, but a wrong one will not.
  simulator::refresh_secret refresh_secret = simulator::refresh_secret::required;
  /// rotated: each use answers another refresh token, and the one that was used is worth nothing.
  refresh_token_use refresh_use = refresh_token_use::kept;
  /// How far the clock of the token endpoint is ahead of that of the hub; negative when it is behind.
  duration clock_offset = duration::zero();
  std::string instance_url{};  ///< told as such; empty: the hub as it is asked
  std::vector<login_fault_plan> faults{};
};

inline constexpr std::size_t audiences_max = 100;         // a hub has a handful
inline constexpr std::size_t refresh_tokens_max = 1'000;  // Salesforce keeps five for each user
inline constexpr std::size_t login_faults_max = 1'000;    // of a list that someone still reads

/// Reads the section of a scenario. What is wrong is reported and left at its default. A key file's relative
/// path starts at `directory`.
void read_credentials(yaml_reader& in, const std::filesystem::path& directory, credentials_plan& plan);

}  // namespace pushguard::simulator
