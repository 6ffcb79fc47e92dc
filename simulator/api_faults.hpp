#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace pushguard::simulator {

/// What a call to /services/data asks for. `other` is everything that clients have no reason to ask.
enum class api_operation : std::uint8_t {
  versions,
  limits,
  describe,
  query,
  next_page,
  cancel,
  retrieve,
  other
};

/// One call, as faults and counters tell calls apart.
struct api_call {
  api_operation operation = api_operation::other;
  std::string object = {};  ///< "PackagePushJob"; empty where the call has none or names none that exists
  duration at{};            ///< clock time since the start of the scenario
};

/// `next_page`: as scenarios spell it.
[[nodiscard]] std::string_view name_of(api_operation operation) noexcept;
/// "query PackagePushJob", "limits", "cancel": the operation and its object, which goes without saying for
/// cancel.
[[nodiscard]] std::string label_of(const api_call& call);

/// What can go wrong with a call. Each is described in docs/simulator.md under its name.
enum class api_fault_kind : std::uint8_t {
  // Something else answers than the API.
  session_invalid,
  session_invalid_403,
  request_limit,
  server_unavailable,
  misdirected,
  bad_gateway_page,
  maintenance_page,
  no_answer,
  // The API refuses.
  query_timeout,
  row_locked,
  internal_error,
  malformed_query,
  invalid_field,
  invalid_type,
  insufficient_access,
  not_found,
  invalid_locator,
  // The API answers, and something happens to the answer.
  slow,
  cut_body,
  empty_body,
  garbage,
  truncated_json,
  wrong_encoding,
  wrong_page,
  cycling_page,
  short_page,
  bad_row,
  huge_message,
  cancel_lost,
};

/// When a fault steps in: before the call is counted against the allocation, instead of its being acted on,
/// or once it has been answered rightly.
enum class api_fault_moment : std::uint8_t { arrival, refusal, answer };

[[nodiscard]] std::span<const api_fault_kind> all_api_fault_kinds() noexcept;
/// `row_locked`: as scenarios spell it.
[[nodiscard]] std::string_view name_of(api_fault_kind kind) noexcept;
[[nodiscard]] std::optional<api_fault_kind> find_api_fault_kind(std::string_view name) noexcept;
[[nodiscard]] api_fault_moment moment_of(api_fault_kind kind) noexcept;
[[nodiscard]] bool can_hit(api_fault_kind kind, api_operation operation) noexcept;

/// A fault and the calls it hits: those it can hit, that fit `operation` and `object`, and whose answers
/// have what it spoils.
struct api_fault_plan {
  api_fault_kind kind;
  duration from{};  ///< clock time since the start of the scenario, as is `until`, which is excluded
  std::optional<duration> until = {};
  std::optional<api_operation> operation = {};  ///< absent: any
  std::string object = {};                      ///< "PackagePushJob"; empty: any
  std::size_t skip = 0;                         ///< such calls that are let pass first
  std::optional<std::size_t> times = {};        ///< such calls it then hits; absent: all
  /// How long the answer, or what stands for it, waits after the call was acted on. Without one, 5 s for
  /// slow and none for others.
  std::optional<duration> delay = {};
};

/// A fault that happens now.
struct api_fault {
  api_fault_plan plan;           ///< with its delay
  std::uint64_t occurrence = 0;  ///< how often its kind has happened before; picks among its variants
};

/// What the right answer to a call carries.
struct api_answer_shape {
  std::size_t body_size = 0;
  std::size_t rows = 0;                   ///< of a page; 0 for all other answers
  std::vector<std::string> columns = {};  ///< of these rows, without parents
};

/// The columns without which a row is useless; bad_row empties one of them.
[[nodiscard]] std::span<const std::string_view> required_columns() noexcept;

/// Says which fault hits which call: the first of a list that wants it. A call is hit once at most; it counts
/// for `skip` of the faults that could have hit it before.
class api_fault_script {
 public:
  explicit api_fault_script(std::vector<api_fault_plan> faults);

  void add(api_fault_plan fault);

  /// The fault that hits the call at arrival, or as a refusal; not for api_fault_moment::answer.
  [[nodiscard]] std::optional<api_fault> strike(const api_call& call, api_fault_moment moment);
  /// The fault that hits its answer.
  [[nodiscard]] std::optional<api_fault> strike(const api_call& call, const api_answer_shape& answer);

  [[nodiscard]] const std::map<api_fault_kind, std::uint64_t>& happened() const noexcept { return happened_; }

 private:
  template <class Fits>
  std::optional<api_fault> take(const api_call& call, Fits fits);

  std::vector<api_fault_plan> waiting_;
  std::map<api_fault_kind, std::uint64_t> happened_;
};

}  // namespace pushguard::simulator
