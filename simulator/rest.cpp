#include "simulator/rest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <optional>

#include "base/text.hpp"
#include "simulator/record_ids.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::string_view json_type = "application/json;charset=UTF-8";
constexpr std::size_t target_size_max = 16'384;  // Salesforce answers 414 above
constexpr std::size_t page_size_min = 200;
constexpr std::size_t page_size_max = 2000;
constexpr std::size_t cursors_max = 50;  // open queries kept; Salesforce keeps 10 for each user
constexpr std::size_t attempts_kept_max = 10'000;

http_reply json_reply(std::string body) {
  return {.headers = {{"Content-Type", std::string(json_type)}}, .body = std::move(body)};
}

http_reply refuse(const api_error& error) {
  std::string body = R"([{"message":)";
  append_json_string(body, error.message);
  body += R"(,"errorCode":)";
  append_json_string(body, error.code);
  if (!error.fields.empty()) {
    body += R"(,"fields":[)";
    for (const std::string& field : error.fields) {
      if (body.back() != '[')
        body += ',';
      append_json_string(body, field);
    }
    body += ']';
  }
  body += "}]";
  http_reply reply = json_reply(std::move(body));
  reply.status = error.status;
  return reply;
}

http_reply not_found() {
  return refuse({.status = 404, .code = "NOT_FOUND", .message = "The requested resource does not exist"});
}

http_reply wrong_method(std::string_view method, std::string_view allowed) {
  http_reply reply = refuse({.status = 405,
                             .code = "METHOD_NOT_ALLOWED",
                             .message = fmt::format("HTTP Method '{}' not allowed. Allowed are {}",
                                                    cut_at_character(method, 20), allowed)});
  reply.headers.add("Allow", std::string(allowed));
  return reply;
}

bool is_reading(const http_request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view part = path.substr(0, path.find('/'));
    parts.push_back(part);
    path.remove_prefix(part.size());
  }
  if (!parts.empty() && parts.back().empty())
    parts.pop_back();
  return parts;
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

/// 62 from "v62.0".
std::optional<unsigned> read_version(std::string_view text) {
  if (!text.starts_with('v') || !text.ends_with(".0"))
    return std::nullopt;
  const auto number = read_number(text.substr(1, text.size() - 3));
  if (!number || *number < api_version_oldest || *number > api_version_newest)
    return std::nullopt;
  return static_cast<unsigned>(*number);
}

http_reply versions() {
  std::string body = "[";
  for (unsigned version = api_version_oldest; version <= api_version_newest; ++version) {
    // Three releases a year; v31 was Summer '14.
    static constexpr std::string_view seasons[] = {"Summer", "Winter", "Spring"};
    const unsigned since = version - api_version_oldest;
    fmt::format_to(std::back_inserter(body),
                   R"({}{{"label":"{} '{}","url":"/services/data/v{}.0","version":"{}.0"}})",
                   body.size() > 1 ? "," : "", seasons[since % 3], 14 + (since + 2) / 3, version, version);
  }
  return json_reply(body + "]");
}

/// The page size that `Sforce-Query-Options: batchSize=N` asks for.
std::size_t wanted_page_size(const http_request& request) {
  const std::string options = to_lower_ascii(request.headers.find("Sforce-Query-Options").value_or(""));
  constexpr std::string_view key = "batchsize=";
  const std::size_t place = options.find(key);
  if (place == std::string::npos)
    return page_size_max;
  std::string_view value = std::string_view(options).substr(place + key.size());
  value = trim(value.substr(0, value.find_first_of(",;")));
  return std::clamp<std::size_t>(read_number(value).value_or(page_size_max), page_size_min, page_size_max);
}

std::string_view describe_type(field_type type) {
  switch (type) {
    case field_type::id:
      return "id";
    case field_type::reference:
      return "reference";
    case field_type::text:
      return "string";
    case field_type::picklist:
      return "picklist";
    case field_type::date_time:
      return "datetime";
    case field_type::integer:
      return "int";
    case field_type::boolean:
      return "boolean";
  }
  return "";
}

void append_picklist(std::string& out, const std::vector<std::string_view>& values) {
  out += R"(,"picklistValues":[)";
  for (const std::string_view value : values) {
    // The label has a blank even where the value has none.
    const std::string_view label = value == "InProgress" ? "In Progress" : value;
    fmt::format_to(std::back_inserter(out),
                   R"({}{{"active":true,"defaultValue":false,"label":"{}","validFor":null,"value":"{}"}})",
                   out.back() == '[' ? "" : ",", label, value);
  }
  out += ']';
}

void append_field(std::string& out, const object_description& object, const field_description& field,
                  const api_plan& plan) {
  const auto values = picklist_values(object, field, plan);
  fmt::format_to(std::back_inserter(out),
                 R"({{"name":"{0}","label":"{0}","type":"{1}","filterable":{2},"sortable":{3},)"
                 R"("groupable":{4},"updateable":{5},"nillable":{6},"restrictedPicklist":{7},)",
                 field.name, describe_type(field.type), is_filterable(object, field, plan), field.rights.sort,
                 field.rights.group, field.rights.update, field.type != field_type::id, !values.empty());
  if (field.relationship.empty())
    out += R"("relationshipName":null,"referenceTo":[])";
  else
    fmt::format_to(std::back_inserter(out), R"("relationshipName":"{}","referenceTo":["{}"])",
                   field.relationship, describe(field.parent_object).name);
  append_picklist(out, values);
  out += '}';
}

}  // namespace

/// One authorised call of one API version.
struct rest_service::call {
  const http_request& request;
  instant now;
  unsigned version;
  std::string_view version_text;            ///< "v62.0"
  std::span<const std::string_view> parts;  ///< of the path, after the version
};

rest_service::rest_service(world& rows, const calendar& times, token_desk& tokens)
    : rows_(rows), times_(times), tokens_(tokens), data_{rows, times} {}

http_reply rest_service::answer(const http_request& request, instant now) {
  if (request.target.size() > target_size_max)
    return refuse({.status = 414, .code = "URI_TOO_LONG", .message = "The URI is longer than 16384 bytes"});
  const std::vector<std::string_view> parts = split_path(request.path());
  if (parts.size() < 2 || parts[0] != "services" || parts[1] != "data")
    return not_found();
  if (parts.size() == 2)
    return is_reading(request) ? versions() : wrong_method(request.method, "GET,HEAD");
  return versioned(request, parts, now);
}

http_reply rest_service::versioned(const http_request& request, const std::vector<std::string_view>& parts,
                                   instant now) {
  switch (tokens_.check(request, now.steady)) {
    case token_check::valid:
      break;
    case token_check::missing:
    case token_check::invalid:
      http_reply reply =
          refuse({.status = 401, .code = "INVALID_SESSION_ID", .message = "Session expired or invalid"});
      reply.headers.add("WWW-Authenticate", "Token");
      return reply;
  }
  const std::uint64_t calls_max = rows_.plan().api.daily_calls_max;
  if (calls_ >= calls_max)
    return refuse(
        {.status = 403, .code = "REQUEST_LIMIT_EXCEEDED", .message = "TotalRequests Limit exceeded."});
  ++calls_;
  const auto version = read_version(parts[2]);
  http_reply reply =
      version ? dispatch({request, now, *version, parts[2], std::span(parts).subspan(3)}) : not_found();
  reply.headers.add("Sforce-Limit-Info", fmt::format("api-usage={}/{}", calls_, calls_max));
  return reply;
}

http_reply rest_service::dispatch(const call& of) {
  if (of.parts.empty())
    return json_reply(
        fmt::format(R"({{"query":"/services/data/{0}/query","sobjects":"/services/data/{0}/sobjects",)"
                    R"("limits":"/services/data/{0}/limits"}})",
                    of.version_text));
  const std::string_view resource = of.parts.front();
  if (resource == "sobjects" && of.parts.size() > 1)
    return sobject(of);
  if (resource != "limits" && resource != "query")
    return not_found();
  if (!is_reading(of.request))
    return wrong_method(of.request.method, "GET,HEAD");
  if (resource == "limits" && of.parts.size() == 1)
    return limits();
  if (resource == "query" && of.parts.size() == 1)
    return query(of);
  return resource == "query" && of.parts.size() == 2 ? next_page(of) : not_found();
}

http_reply rest_service::limits() const {
  const std::uint64_t calls_max = rows_.plan().api.daily_calls_max;
  const std::size_t clients_max = rows_.plan().stream.clients_max;
  return json_reply(fmt::format(R"({{"DailyApiRequests":{{"Max":{0},"Remaining":{1}}},)"
                                R"("DailyStreamingApiEvents":{{"Max":1000000,"Remaining":1000000}},)"
                                R"("DailyDurableStreamingApiEvents":{{"Max":1000000,"Remaining":1000000}},)"
                                R"("StreamingApiConcurrentClients":{{"Max":{2},"Remaining":{2}}},)"
                                R"("DurableStreamingApiConcurrentClients":{{"Max":{2},"Remaining":{2}}},)"
                                R"("HourlyPublishedPlatformEvents":{{"Max":250000,"Remaining":250000}}}})",
                                calls_max, calls_max - calls_, clients_max));
}

// Queries

http_reply rest_service::query(const call& of) {
  const auto soql = of.request.query("q");
  if (!soql)
    return refuse({.code = "MALFORMED_QUERY", .message = "SOQL statements cannot be empty or null"});
  auto answered = run_query(data_, *soql, of.version, of.now.wall);
  if (!answered)
    return refuse(answered.error());
  const cursor made{std::make_shared<const query_answer>(std::move(*answered)), wanted_page_size(of.request)};
  const bool has_more =
      made.answer->is == query_answer::kind::rows && made.answer->rows.size() > made.page_size;
  return page(of, made, has_more ? open_cursor(made) : std::string{}, 0);
}

/// Paths go on as `/query/01g…-2000`.
http_reply rest_service::next_page(const call& of) {
  const std::string_view locator = of.parts[1];
  const std::size_t dash = std::min(locator.rfind('-'), locator.size());
  const auto number = record_number("01g", locator.substr(0, dash));
  const auto first = read_number(locator.substr(std::min(dash + 1, locator.size())));
  const auto found = number ? cursors_.find(*number) : cursors_.end();
  if (found == cursors_.end() || !first || *first >= found->second.answer->rows.size())
    return refuse({.code = "INVALID_QUERY_LOCATOR", .message = "invalid query locator"});
  return page(of, found->second, locator.substr(0, dash), *first);
}

http_reply rest_service::page(const call& of, const cursor& from, std::string_view locator,
                              std::size_t first) {
  const query_answer& answer = *from.answer;
  const std::size_t end = std::min(answer.rows.size(), first + from.page_size);
  const bool is_done = answer.is != query_answer::kind::rows || end == answer.rows.size();
  std::string body = fmt::format(R"({{"totalSize":{},"done":{},)", answer.total, is_done);
  if (!is_done)
    body +=
        fmt::format(R"("nextRecordsUrl":"/services/data/{}/query/{}-{}",)", of.version_text, locator, end);
  body += R"("records":[)";
  const auto separate = [&body] {
    if (body.back() != '[')
      body += ',';
  };
  for (std::size_t place = first; place < end; ++place) {
    separate();
    append_record(body, data_, answer.shape, answer.rows[place], of.version_text);
  }
  for (const auto& group : answer.groups) {
    separate();
    append_group(body, answer.columns, group);
  }
  return json_reply(body + "]}");
}

std::string rest_service::open_cursor(cursor made) {
  const std::uint64_t number = ++cursors_made_;
  cursors_.emplace(number, std::move(made));
  if (cursors_.size() > cursors_max)
    cursors_.erase(cursors_.begin());
  return record_id("01g", number);
}

// Records

http_reply rest_service::sobject(const call& of) {
  const object_description* object = find_object(of.parts[1]);
  if (object == nullptr || of.parts.size() > 3)
    return not_found();
  const bool is_record = of.parts.size() == 3 && of.parts[2] != "describe";
  if (is_record && of.request.method == "PATCH")
    return update(of, *object, of.parts[2]);
  if (!is_reading(of.request))
    return wrong_method(of.request.method,
                        is_record && object->is_updateable ? "GET,HEAD,PATCH" : "GET,HEAD");
  if (is_record)
    return record(of, *object, of.parts[2]);
  return of.parts.size() == 3 ? describe_object(*object, of.version) : not_found();
}

http_reply rest_service::describe_object(const object_description& object, unsigned version) const {
  const api_plan& plan = rows_.plan().api;
  std::string body =
      fmt::format(R"({{"name":"{0}","label":"{1}","keyPrefix":"{2}","queryable":true,"retrieveable":true,)"
                  R"("createable":{3},"updateable":{3},"deletable":false,"fields":[)",
                  object.name, object.label, object.key_prefix, object.is_updateable);
  for (const field_description& field : object.fields) {
    if (version < field.since_version)
      continue;
    if (body.back() != '[')
      body += ',';
    append_field(body, object, field, plan);
  }
  return json_reply(body + "]}");
}

http_reply rest_service::record(const call& of, const object_description& object, std::string_view id) {
  const auto row = find_row(data_, object.is, id);
  if (!row)
    return not_found();
  record_shape shape = whole_record(object, of.version);
  if (const auto fields = of.request.query("fields")) {
    shape.entries.clear();
    std::string_view rest = *fields;
    while (!rest.empty()) {
      const std::string_view name = trim(rest.substr(0, rest.find(',')));
      rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
      const field_description* field = find_field(object, name, of.version);
      if (field == nullptr)
        return refuse({.code = "INVALID_FIELD",
                       .message = fmt::format("No such column '{}' on sobject of type {}",
                                              to_valid_utf8(cut_at_character(name, 80)), object.name)});
      shape.entries.push_back({field, {}});
    }
  }
  std::string body;
  append_record(body, data_, shape, *row, of.version_text);
  return json_reply(std::move(body));
}

http_reply rest_service::update(const call& of, const object_description& object, std::string_view id) {
  if (object.is == object_name::push_request) {
    cancel_attempt attempt{.request_id = std::string(id.substr(0, 18)), .at = of.now.wall};
    if (const auto row = find_request(rows_, id))
      attempt.before = rows_.requests()[*row].state;
    http_reply reply = update_request(of, id);
    attempt.http_status = reply.status;
    if (reply.status >= 300) {
      const json::value answered = json::parse(reply.body);
      attempt.error_code = std::string(answered.at(0).at("errorCode").as_string());
    }
    if (attempts_.size() < attempts_kept_max)
      attempts_.push_back(std::move(attempt));
    return reply;
  }
  if (!object.is_updateable)
    return wrong_method(of.request.method, "GET,HEAD");
  if (!find_row(data_, object.is, id))
    return not_found();
  // Jobs have fields that may be updated, but the simulated hub's user has no reason to; Status has none.
  return refuse({.code = "INVALID_FIELD_FOR_INSERT_UPDATE",
                 .message = fmt::format("Unable to create/update fields of {}. Please check the security "
                                        "settings of this field and verify that it is read/write for your "
                                        "profile or permission set.",
                                        object.name)});
}

http_reply rest_service::update_request(const call& of, std::string_view id) {
  const auto row = find_request(rows_, id);
  if (!row)
    return not_found();
  boost::system::error_code ec;
  const json::value parsed = json::parse(of.request.body, ec);
  if (ec || !parsed.is_object())
    return refuse({.code = "JSON_PARSER_ERROR", .message = "The HTTP entity body must be a JSON object"});
  const json::object& fields = parsed.get_object();
  for (const auto& [name, value] : fields) {
    const field_description* field = find_field(describe(object_name::push_request), name, of.version);
    if (field == nullptr)
      return refuse({.code = "INVALID_FIELD",
                     .message = fmt::format("No such column '{}' on sobject of type PackagePushRequest",
                                            to_valid_utf8(cut_at_character(std::string_view(name), 80)))});
    if (field->name != "Status")
      return refuse(
          {.code = "INVALID_FIELD_FOR_INSERT_UPDATE",
           .message = fmt::format("Unable to create/update fields: {}. Please check the security "
                                  "settings of this field and verify that it is read/write for your "
                                  "profile or permission set.",
                                  field->name),
           .fields = {std::string(field->name)}});
    if (!value.is_string() || value.get_string() != "Canceled")
      return refuse({.code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                     .message = "Status: bad value for restricted picklist field",
                     .fields = {"Status"}});
  }
  return fields.empty() ? http_reply{.status = 204} : cancel(*row);
}

http_reply rest_service::cancel(row_index request) {
  const push_state before = rows_.requests()[request].state;
  if (rows_.cancel(request) == cancel_answer::accepted)
    return {.status = 204};
  // No source shows the real code and text of this refusal; clients must not depend on them.
  return refuse({.code = "INVALID_OPERATION",
                 .message = fmt::format("Can't cancel a push upgrade request with status '{}'. Only requests "
                                        "with a status of 'Created' or 'Pending' can be canceled.",
                                        to_salesforce(before, in_progress_spelling::spaced)),
                 .fields = {"Status"}});
}

}  // namespace pushguard::simulator
