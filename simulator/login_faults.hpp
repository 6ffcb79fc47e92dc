#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/http_server.hpp"
#include "base/time.hpp"

namespace pushguard::simulator {

/// What can go wrong with a login. Each is described in docs/simulator.md under its name.
enum class login_fault_kind : std::uint8_t {
  // Salesforce refuses.
  inactive_user,
  locked_user,
  not_approved,
  invalid_client,
  app_blocked,
  rate_limited,
  server_error,
  // Something else answers, or nobody.
  maintenance_page,
  html_200,
  garbage,
  no_answer,
  // The answer to a good login is odd.
  slow,
  no_token,
  huge_answer,
  foreign_http_instance,
};

[[nodiscard]] std::span<const login_fault_kind> all_login_fault_kinds() noexcept;
/// `locked_user`: as scenarios spell it.
[[nodiscard]] std::string_view name_of(login_fault_kind kind) noexcept;

/// A fault and the requests to the token endpoint that it hits.
struct login_fault_plan {
  login_fault_kind kind;
  duration from = duration::zero();       ///< clock time since the hub was made
  std::optional<duration> until = {};     ///< the same, excluded; later than `from`
  std::size_t skip = 0;                   ///< requests it could hit that are let pass first
  std::optional<std::size_t> times = {};  ///< requests it then hits; without: all until `until`, or one
  std::optional<duration> delay = {};     ///< how long the answer waits; without: 5 s of slow, else none
};

/// Says which fault hits which request: the first of a list that wants it.
class login_fault_script {
 public:
  explicit login_fault_script(std::vector<login_fault_plan> faults);

  /// To be called once for each request, in order; `age` is the hub's. The answer has its delay.
  [[nodiscard]] std::optional<login_fault_plan> strike(duration age);

 private:
  struct waiting_fault {
    login_fault_plan plan;
    std::uint64_t times_left;
  };
  std::vector<waiting_fault> waiting_;
};

/// `{"error": …, "error_description": …}`: a refusal of the token endpoint.
[[nodiscard]] http_reply login_refusal(int status, std::string_view error, std::string_view description);

/// What is answered instead of looking at the login; nothing where the login goes its way.
[[nodiscard]] std::optional<http_reply> answer_instead(login_fault_kind kind);

}  // namespace pushguard::simulator
