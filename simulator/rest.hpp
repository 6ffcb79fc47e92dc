#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_server.hpp"
#include "simulator/objects.hpp"
#include "simulator/soql_engine.hpp"
#include "simulator/token_desk.hpp"
#include "simulator/truth.hpp"

namespace pushguard::simulator {

inline constexpr unsigned api_version_oldest = 31;  // of REST
inline constexpr unsigned api_version_newest = 67;

/// /services/data: versions, limits, describe, queries with their pages, records, and the one PATCH that
/// means something. Does no I/O; the world must have been advanced to `now` before each call.
class rest_service {
 public:
  /// All three must outlive it.
  rest_service(world& rows, const calendar& times, token_desk& tokens);

  [[nodiscard]] http_reply answer(const http_request& request, instant now);

  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  [[nodiscard]] const std::vector<cancel_attempt>& cancel_attempts() const noexcept { return attempts_; }

 private:
  struct cursor {
    std::shared_ptr<const query_answer> answer;
    std::size_t page_size;
  };
  struct call;

  http_reply versioned(const http_request& request, const std::vector<std::string_view>& parts, instant now);
  http_reply dispatch(const call& of);
  http_reply limits() const;
  http_reply query(const call& of);
  http_reply next_page(const call& of);
  http_reply page(const call& of, const cursor& from, std::string_view locator, std::size_t first);
  http_reply sobject(const call& of);
  http_reply describe_object(const object_description& object, unsigned version) const;
  http_reply record(const call& of, const object_description& object, std::string_view id);
  http_reply update(const call& of, const object_description& object, std::string_view id);
  http_reply update_request(const call& of, std::string_view id);
  http_reply cancel(row_index request);
  std::string open_cursor(cursor made);

  world& rows_;
  const calendar& times_;
  token_desk& tokens_;
  database data_;
  std::uint64_t calls_ = 0;
  std::uint64_t cursors_made_ = 0;
  std::map<std::uint64_t, cursor> cursors_;
  std::vector<cancel_attempt> attempts_;
};

}  // namespace pushguard::simulator
