#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/domain/ids.hpp"
#include "agent/salesforce/api.hpp"
#include "agent/salesforce/api_error.hpp"
#include "agent/salesforce/session_access.hpp"
#include "base/backoff.hpp"

namespace pushguard::salesforce {

/// What Salesforce answered to a cancellation, verbatim. A refusal is an answer, not a failure.
struct cancel_answer {
  int http_status = 0;
  std::string error_code;  ///< empty when accepted
  std::string message;     ///< empty when accepted

  [[nodiscard]] bool is_accepted() const noexcept { return http_status >= 200 && http_status < 300; }
};

/// One entry of `/limits`.
struct org_limit {
  std::string name;  ///< DailyApiRequests, …
  std::uint64_t max = 0;
  std::uint64_t remaining = 0;
};

struct field_description {
  std::string name;
  bool is_filterable = false;
  bool is_sortable = false;
  bool is_groupable = false;
  bool is_updateable = false;
  std::vector<std::string> picklist;  ///< active values, as the API writes them
};

struct object_description {
  std::string name;
  std::vector<field_description> fields;
};

/// Takes some records, of `total` that the query has in all, as far as Salesforce says. They die with the
/// call.
using records_handler = std::function<void(std::span<const boost::json::value> records, std::uint64_t total)>;

struct query_summary {
  std::uint64_t total = 0;  ///< totalSize of the first page
  std::uint64_t rows = 0;   ///< rows handed over
  unsigned pages = 0;
};

/// Asks one hub's REST API. A 401 renews the session once and repeats; a moved instance (3xx) is found
/// by logging in again, never by following. What only reads is asked up to three times, with a growing
/// random pause between, where the trouble passes by itself: a lost connection, an answer that cannot be
/// read, 5xx, a locked row. For one executor without concurrency.
class rest_client {
 public:
  /// `session`, `time`, `random` and `observer` must outlive it, and it must outlive its calls.
  rest_client(session_access& session, http_client_factory clients, time_source& time, random_engine& random,
              api_observer& observer = null_api_observer());
  ~rest_client();
  rest_client(const rest_client&) = delete;
  rest_client& operator=(const rest_client&) = delete;

  /// `62.0`; every call below but versions() needs it.
  void use_api_version(std::string version) { version_ = std::move(version); }
  [[nodiscard]] const std::string& api_version() const noexcept { return version_; }

  /// The API versions that the org offers: `62.0`, in the order given.
  [[nodiscard]] boost::asio::awaitable<api_result<std::vector<std::string>>> versions();

  [[nodiscard]] boost::asio::awaitable<api_result<std::vector<org_limit>>> limits();

  [[nodiscard]] boost::asio::awaitable<api_result<object_description>> describe(std::string object);

  /// Runs `soql` and hands over the records page after page, in pieces with turns for others in between. When
  /// a later page fails, those before it were handed over: a caller that needs all or nothing collects first.
  /// The next page is asked for only on the same instance and under the query path.
  /// api_error_kind::cursor_lost: the pages so far are of no use, and the query must begin anew.
  [[nodiscard]] boost::asio::awaitable<api_result<query_summary>> query(std::string soql,
                                                                        records_handler on_records);

  /// PATCHes the request's Status to Canceled. Sent once more where the connection ended before an
  /// answer: the caller reads the status afterwards in any case.
  [[nodiscard]] boost::asio::awaitable<api_result<cancel_answer>> cancel(domain::request_id request);

  /// Closes the connections; calls under way fail.
  void close() noexcept;

 private:
  struct call;
  struct page;
  template <class T>
  using answer_reader = std::function<boost::asio::awaitable<result<T>>(http_response response)>;

  /// Asks, reads the answer, and repeats where that may help. Counts how each exchange ended.
  template <class T>
  [[nodiscard]] boost::asio::awaitable<api_result<T>> ask(call made, answer_reader<T> read);
  /// The answer if it is 2xx. Counts failures; what becomes of a 2xx answer is counted by its reader.
  [[nodiscard]] boost::asio::awaitable<api_result<http_response>> exchange(const call& made);
  [[nodiscard]] boost::asio::awaitable<api_result<http_response>> send_once(const call& made, access session);
  [[nodiscard]] std::string data_path(std::string_view below) const;
  [[nodiscard]] std::shared_ptr<http_client> client_for(const origin& instance);

  session_access& session_;
  http_client_factory clients_;
  time_source& time_;
  random_engine& random_;
  api_observer& observer_;
  std::string version_;
  std::shared_ptr<http_client> client_;
};

/// The target of the next page, if `next_records_url` stays under `query_path`
/// (`/services/data/v62.0/query/`) of `instance`; errc::malformed otherwise.
[[nodiscard]] result<std::string> next_page_target(std::string_view next_records_url,
                                                   std::string_view query_path, const origin& instance);

}  // namespace pushguard::salesforce
