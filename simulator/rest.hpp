#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_server.hpp"
#include "simulator/api_allocation.hpp"
#include "simulator/api_faults.hpp"
#include "simulator/objects.hpp"
#include "simulator/soql_engine.hpp"
#include "simulator/token_desk.hpp"
#include "simulator/truth.hpp"

namespace pushguard::simulator {

inline constexpr unsigned api_version_oldest = 31;  // of REST
inline constexpr unsigned api_version_newest = 67;

/// What a call is answered with, and what went wrong with it.
struct rest_answer {
  http_reply reply = {};
  duration delay{};                          ///< how long the reply waits
  std::optional<api_fault_kind> fault = {};  ///< that hit the call
  std::string call = {};                     ///< as label_of() names it
};

/// /services/data: versions, limits, describe, queries with their pages, records, and the one PATCH that
/// means something. Does no I/O; the world must have been advanced to `now` before each call.
class rest_service {
 public:
  /// All three must outlive it.
  rest_service(world& rows, const calendar& times, token_desk& tokens);

  [[nodiscard]] rest_answer serve(const http_request& request, instant now);
  /// The reply alone, for callers that have no time to wait.
  [[nodiscard]] http_reply answer(const http_request& request, instant now) {
    return serve(request, now).reply;
  }

  void add_fault(api_fault_plan fault) { faults_.add(std::move(fault)); }

  /// Calls that counted against the allocation.
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  /// Every call to /services/data however it was answered, by label_of().
  [[nodiscard]] const std::map<std::string, std::uint64_t>& calls_by_label() const noexcept {
    return calls_by_label_;
  }
  [[nodiscard]] const std::map<api_fault_kind, std::uint64_t>& faults_hit() const noexcept {
    return faults_.happened();
  }
  [[nodiscard]] const std::vector<cancel_attempt>& cancel_attempts() const noexcept { return attempts_; }

 private:
  struct cursor {
    std::shared_ptr<const query_answer> answer;
    std::size_t page_size;
  };
  /// A page as it was last answered.
  struct written_page {
    cursor from;
    std::string locator;  ///< empty where the cursor was not kept
    std::size_t first = 0;
    std::size_t rows = 0;
  };
  struct call;

  [[nodiscard]] api_call classify(const http_request& request, const std::vector<std::string_view>& parts,
                                  instant now) const;
  rest_answer data_call(const http_request& request, const std::vector<std::string_view>& parts, instant now);
  rest_answer hit(const api_fault& what, const api_call& asked);
  rest_answer act(const call& of, const api_call& asked);
  http_reply dispatch(const call& of);
  http_reply limits(const call& of);
  http_reply spoil(const call& of, const api_fault& what, http_reply made);
  [[nodiscard]] api_answer_shape shape_of(const http_reply& reply) const;
  http_reply query(const call& of);
  http_reply next_page(const call& of);
  http_reply page(const cursor& from, std::string_view version, std::string_view locator, std::size_t first);
  http_reply sobject(const call& of);
  http_reply describe_object(const object_description& object, unsigned version) const;
  http_reply record(const call& of, const object_description& object, std::string_view id);
  http_reply update(const call& of, const object_description& object, std::string_view id);
  http_reply update_request(const call& of, std::string_view id);
  http_reply cancel(row_index request);
  std::string open_cursor(cursor made);
  [[nodiscard]] const cursor* find_cursor(std::string_view path_part) const;

  world& rows_;
  const calendar& times_;
  token_desk& tokens_;
  database data_;
  api_allocation allocation_;
  api_fault_script faults_;
  std::uint64_t calls_ = 0;
  std::map<std::string, std::uint64_t> calls_by_label_;
  std::optional<written_page> page_;  ///< of the call being answered
  std::uint64_t cursors_made_ = 0;
  std::map<std::uint64_t, cursor> cursors_;
  std::vector<cancel_attempt> attempts_;
};

}  // namespace pushguard::simulator
