#include "agent/salesforce/rest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/stream_parser.hpp>
#include <span>

#include "agent/salesforce/json.hpp"
#include "base/http_date.hpp"
#include "base/yield_turn.hpp"

namespace pushguard::salesforce {
namespace {

namespace asio = boost::asio;

// Salesforce gives up a query after 120 s; its answer is worth waiting for, a silent connection is not.
constexpr duration query_header_max = std::chrono::seconds(130);
constexpr duration page_body_max = std::chrono::seconds(120);
// 2 000 rows of PackagePushError with messages of tens of kilobytes.
constexpr std::size_t page_bytes_max = 64 * 1024 * 1024;
// Memory for the values of a page: enough for a few rows, and for 2 000 of them.
constexpr std::size_t page_room_first = 8UZ * 1024;
constexpr std::size_t page_room_max = 8UZ * 1024 * 1024;
// Beyond it (two million rows) an answer pages in circles.
constexpr unsigned pages_max = 1000;
// Decoding so many takes a few hundred microseconds.
constexpr std::size_t records_per_turn = 200;
// An object with hundreds of fields.
constexpr std::size_t description_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t name_bytes_max = 256;
constexpr std::size_t list_entries_max = 2000;

/// How often what only reads is asked, and the pauses between.
constexpr unsigned attempts_max = 3;
constexpr backoff_limits pauses{.first = std::chrono::milliseconds(500), .longest = std::chrono::seconds(5)};

/// Trouble that may be over after a moment. What timed out is not: it took its time already.
bool is_passing(const api_failure& failed) {
  switch (failed.kind) {
    case api_error_kind::row_locked:
    case api_error_kind::unavailable:
    case api_error_kind::malformed_answer:
      return true;
    case api_error_kind::transport:
      return failed.cause.is(errc::closed) || failed.cause.is(errc::unreachable) ||
             failed.cause.is(errc::unavailable) || failed.cause.is(errc::malformed);
    case api_error_kind::session_invalid:
    case api_error_kind::moved:
    case api_error_kind::request_limit:
    case api_error_kind::query_timeout:
    case api_error_kind::invalid_field:
    case api_error_kind::malformed_query:
    case api_error_kind::invalid_type:
    case api_error_kind::insufficient_access:
    case api_error_kind::not_found:
    case api_error_kind::cursor_lost:
    case api_error_kind::other:
      break;
  }
  return false;
}

result<std::vector<std::string>> read_versions(http_response&& response) {
  const auto body = parse_json(response.body);
  const auto* list = body ? body->if_array() : nullptr;
  if (list == nullptr || list->size() > list_entries_max)
    return fail(errc::malformed, "no list of versions");
  std::vector<std::string> versions;
  for (const auto& entry : *list) {
    if (auto version = text_at(entry, "version", name_bytes_max); !version.empty())
      versions.push_back(std::move(version));
  }
  return versions;
}

result<std::vector<org_limit>> read_limits(http_response&& response) {
  const auto body = parse_json(response.body);
  const auto* object = body ? body->if_object() : nullptr;
  if (object == nullptr || object->size() > list_entries_max)
    return fail(errc::malformed, "no object of limits");
  std::vector<org_limit> limits;
  for (const auto& entry : *object) {
    const auto max = number_at(entry.value(), "Max");
    const auto remaining = number_at(entry.value(), "Remaining");
    if (max && remaining)
      limits.push_back({std::string(cut_at_character(entry.key(), name_bytes_max)), *max, *remaining});
  }
  return limits;
}

field_description read_field(const boost::json::value& entry) {
  field_description field;
  field.name = text_at(entry, "name", name_bytes_max);
  field.is_filterable = is_true_at(entry, "filterable");
  field.is_sortable = is_true_at(entry, "sortable");
  field.is_groupable = is_true_at(entry, "groupable");
  field.is_updateable = is_true_at(entry, "updateable");
  const auto* values = find(entry, "picklistValues");
  const auto* list = values == nullptr ? nullptr : values->if_array();
  if (list == nullptr || list->size() > list_entries_max)
    return field;
  for (const auto& value : *list) {
    if (is_true_at(value, "active"))
      field.picklist.push_back(text_at(value, "value", name_bytes_max));
  }
  return field;
}

result<object_description> read_description(http_response&& response) {
  const auto body = parse_json(response.body);
  const auto* fields = body ? find(*body, "fields") : nullptr;
  const auto* list = fields == nullptr ? nullptr : fields->if_array();
  if (list == nullptr || list->size() > list_entries_max)
    return fail(errc::malformed, "no list of fields");
  object_description description;
  description.name = text_at(*body, "name", name_bytes_max);
  for (const auto& entry : *list)
    description.fields.push_back(read_field(entry));
  return description;
}

/// The object a query reads: the word after the last FROM.
std::string_view queried_object(std::string_view soql) {
  constexpr std::string_view from = " FROM ";
  const std::size_t at = soql.rfind(from);
  const auto rest = at == std::string_view::npos ? std::string_view() : soql.substr(at + from.size());
  return rest.substr(0, rest.find(' '));
}

http_call page_call() {
  http_call call;
  call.limits.header = query_header_max;
  call.limits.body = page_body_max;
  call.limits.body_size = page_bytes_max;
  call.accept = compression::gzip;
  return call;
}

http_call small_call(std::size_t body_bytes_max) {
  http_call call;
  call.limits.body_size = body_bytes_max;
  call.accept = compression::gzip;
  return call;
}

/// As parse_json(), with turns for others in between: a page of two thousand rows takes milliseconds.
asio::awaitable<result<boost::json::value>> parse_in_turns(std::string text,
                                                           boost::json::storage_ptr storage) {
  constexpr std::size_t bytes_per_turn = std::size_t{32} * 1024;
  boost::json::stream_parser parser({}, json_options());
  parser.reset(std::move(storage));
  boost::system::error_code ec;
  for (std::string_view rest = text; !rest.empty() && !ec;) {
    const std::string_view piece = rest.substr(0, bytes_per_turn);
    rest.remove_prefix(piece.size());
    parser.write(piece.data(), piece.size(), ec);
    if (!rest.empty())
      co_await yield_turn();
  }
  if (!ec)
    parser.finish(ec);
  if (ec)
    co_return fail(errc::malformed, "not JSON: " + ec.message());
  co_return parser.release();
}

/// A reader that takes no turns.
template <class T>
auto at_once(result<T> (*read)(http_response&& response)) {
  return
      [read](http_response response) -> asio::awaitable<result<T>> { co_return read(std::move(response)); };
}

}  // namespace

struct rest_client::call {
  api_operation operation;
  std::string what;  ///< begins the text of a failure: "querying PackagePushJob"
  http_request request;
  http_call options;
};

/// One page of a query's answer. The body lives in `memory`.
struct rest_client::page {
  std::unique_ptr<boost::json::monotonic_resource> memory;
  std::optional<boost::json::value> body;
  std::uint64_t total = 0;
  std::optional<std::string> next;  ///< nextRecordsUrl, unless it is the last page

  [[nodiscard]] const boost::json::array& records() const { return find(*body, "records")->get_array(); }

  [[nodiscard]] static asio::awaitable<result<page>> read(http_response response,
                                                          std::span<unsigned char> room);
};

/// `room` is used first, and more is got where it does not do. It must outlive the page.
asio::awaitable<result<rest_client::page>> rest_client::page::read(http_response response,
                                                                   std::span<unsigned char> room) {
  page made;
  made.memory = std::make_unique<boost::json::monotonic_resource>(room.data(), room.size());
  auto body = co_await parse_in_turns(std::move(response.body), made.memory.get());
  if (!body)
    co_return std::unexpected(body.error());
  made.body.emplace(std::move(*body));
  const auto* records = find(*made.body, "records");
  if (records == nullptr || !records->is_array())
    co_return fail(errc::malformed, "no list of records");
  made.total = number_at(*made.body, "totalSize").value_or(records->get_array().size());
  made.next = text_view_at(*made.body, "nextRecordsUrl");
  if (is_true_at(*made.body, "done"))
    made.next.reset();
  else if (!made.next)
    co_return fail(errc::malformed, "not done, but no nextRecordsUrl");
  co_return made;
}

rest_client::rest_client(session_access& session, http_client_factory clients, time_source& time,
                         random_engine& random, api_observer& observer)
    : session_(session), clients_(std::move(clients)), time_(time), random_(random), observer_(observer) {}

rest_client::~rest_client() = default;

std::string rest_client::data_path(std::string_view below) const {
  return fmt::format("/services/data/v{}/{}", version_, below);
}

std::shared_ptr<http_client> rest_client::client_for(const origin& instance) {
  if (!client_ || client_->peer() != instance)
    client_ = clients_(instance);
  return client_;
}

void rest_client::close() noexcept {
  if (client_)
    client_->close();
}

asio::awaitable<api_result<http_response>> rest_client::send_once(const call& made, access session) {
  http_request request = made.request;
  request.headers.add("Authorization", "Bearer " + session.token.reveal());
  request.headers.add("Accept", "application/json");
  const auto client = client_for(session.instance);
  auto response = co_await client->send(std::move(request), made.options);
  if (!response) {
    auto failed = transport_failure(made.what, response.error());
    observer_.call_ended(made.operation, outcome_of(failed));
    co_return std::unexpected(std::move(failed));
  }
  if (const auto date = response->headers.find("Date")) {
    if (const auto server = parse_http_date(*date))
      observer_.clock_told(*server - time_.wall_now());
  }
  if (const auto told = response->headers.find("Sforce-Limit-Info")) {
    if (const auto usage = parse_api_usage(*told))
      observer_.usage_told(*usage);
  }
  if (!response->is_success()) {
    auto failed = read_api_error(made.what, response->status, response->body);
    observer_.call_ended(made.operation, outcome_of(failed));
    co_return std::unexpected(std::move(failed));
  }
  co_return std::move(*response);
}

asio::awaitable<api_result<http_response>> rest_client::exchange(const call& made) {
  auto session = co_await session_.current();
  if (!session)
    co_return std::unexpected(transport_failure(made.what, session.error()));
  auto response = co_await send_once(made, *session);
  const bool is_session_over = !response && (response.error().kind == api_error_kind::session_invalid ||
                                             response.error().kind == api_error_kind::moved);
  if (!is_session_over)
    co_return response;
  session = co_await session_.renew(session->token);
  if (!session)
    co_return std::unexpected(transport_failure(made.what, session.error()));
  auto repeated = co_await send_once(made, *session);
  if (!repeated && repeated.error().kind == api_error_kind::session_invalid)
    session_.give_up(session->token, repeated.error().cause);
  co_return repeated;
}

template <class T>
asio::awaitable<api_result<T>> rest_client::ask(call made, answer_reader<T> read) {
  backoff pause(pauses);
  for (unsigned attempt = 1;; ++attempt) {
    auto response = co_await exchange(made);
    api_failure failed;
    if (response) {
      auto answer = co_await read(std::move(*response));
      observer_.call_ended(made.operation, answer ? api_outcome::success : api_outcome::malformed);
      if (answer)
        co_return std::move(*answer);
      failed = malformed_answer(made.what, answer.error().text());
    } else {
      failed = std::move(response.error());
    }
    if (attempt == attempts_max || !is_passing(failed))
      co_return std::unexpected(std::move(failed));
    co_await time_.sleep_for(pause.next(random_));
  }
}

asio::awaitable<api_result<std::vector<std::string>>> rest_client::versions() {
  call made{api_operation::versions,
            "listing the API versions",
            {.target = "/services/data/"},
            small_call(description_bytes_max)};
  auto read = co_await ask<std::vector<std::string>>(std::move(made), at_once(read_versions));
  co_return read;
}

asio::awaitable<api_result<std::vector<org_limit>>> rest_client::limits() {
  call made{api_operation::limits,
            "reading the limits",
            {.target = data_path("limits")},
            small_call(description_bytes_max)};
  auto read = co_await ask<std::vector<org_limit>>(std::move(made), at_once(read_limits));
  co_return read;
}

asio::awaitable<api_result<object_description>> rest_client::describe(std::string object) {
  call made{api_operation::describe,
            fmt::format("describing {}", object),
            {.target = data_path(fmt::format("sobjects/{}/describe", percent_encode(object)))},
            small_call(description_bytes_max)};
  auto read = co_await ask<object_description>(std::move(made), at_once(read_description));
  co_return read;
}

asio::awaitable<api_result<query_summary>> rest_client::query(std::string soql, records_handler on_records) {
  const std::string query_path = data_path("query/");
  call made{api_operation::query,
            fmt::format("querying {}", queried_object(soql)),
            {.target = fmt::format("{}?q={}", data_path("query"), percent_encode(soql))},
            page_call()};
  query_summary summary;
  // One after the other, the pages live in the same memory.
  std::vector<unsigned char> room(page_room_first);
  while (true) {
    const auto read = co_await ask<page>(made, [&room](http_response response) {
      // A value takes about three times the room of its text.
      if (const std::size_t wanted = std::min(3 * response.body.size(), page_room_max); room.size() < wanted)
        room.resize(wanted);
      return page::read(std::move(response), room);
    });
    if (!read) {
      api_failure failed = read.error();
      // Where the cursor is gone, some answer so, and others that there is no such resource.
      if (summary.pages > 0 && failed.kind == api_error_kind::not_found)
        failed.kind = api_error_kind::cursor_lost;
      co_return std::unexpected(std::move(failed));
    }
    if (summary.pages++ == 0)
      summary.total = read->total;
    const std::span<const boost::json::value> records(read->records().data(), read->records().size());
    for (std::size_t begin = 0; begin == 0 || begin < records.size(); begin += records_per_turn) {
      if (begin > 0)
        co_await yield_turn();
      on_records(records.subspan(begin, std::min(records_per_turn, records.size() - begin)), summary.total);
    }
    summary.rows += records.size();
    if (!read->next)
      co_return summary;
    auto target = next_page_target(*read->next, query_path, client_->peer());
    if (!target)
      co_return std::unexpected(malformed_answer(made.what, target.error().text()));
    if (*target == made.request.target || summary.pages == pages_max)
      co_return std::unexpected(malformed_answer(made.what, "its pages go on without end"));
    made.request.target = std::move(*target);
  }
}

asio::awaitable<api_result<cancel_answer>> rest_client::cancel(domain::request_id request) {
  call made{api_operation::cancel,
            fmt::format("cancelling {}", request.text()),
            {.method = "PATCH",
             .target = data_path(fmt::format("sobjects/PackagePushRequest/{}", request.text())),
             .headers = {{"Content-Type", "application/json"}},
             .body = R"({"Status":"Canceled"})"},
            small_call(description_bytes_max)};
  made.options.accept = compression::none;
  made.options.retry_stale = stale_retry::always;
  const auto response = co_await exchange(made);
  if (response) {
    observer_.call_ended(made.operation, api_outcome::success);
    co_return cancel_answer{response->status, {}, {}};
  }
  const api_failure& failed = response.error();
  const bool is_answer = failed.http_status != 0 && failed.kind != api_error_kind::session_invalid &&
                         failed.kind != api_error_kind::moved;
  if (!is_answer)
    co_return std::unexpected(failed);
  co_return cancel_answer{failed.http_status, failed.error_code, failed.message};
}

result<std::string> next_page_target(std::string_view next_records_url, std::string_view query_path,
                                     const origin& instance) {
  std::string target(next_records_url);
  if (const auto absolute = parse_url(next_records_url)) {
    if (absolute->origin != instance)
      return fail(errc::malformed, "its next page is on another server");
    target = absolute->target;
  }
  constexpr std::size_t locator_size_max = 512;  // real ones have some twenty characters
  const auto is_locator_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  const std::string_view locator = target.starts_with(query_path)
                                       ? std::string_view(target).substr(query_path.size())
                                       : std::string_view();
  if (locator.empty() || locator.size() > locator_size_max ||
      !std::ranges::all_of(locator, is_locator_character))
    return fail(errc::malformed, fmt::format("its next page is not below {}", query_path));
  return target;
}

}  // namespace pushguard::salesforce
