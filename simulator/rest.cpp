#include "simulator/rest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <optional>

#include "base/text.hpp"
#include "simulator/api_fault_effects.hpp"
#include "simulator/api_reply.hpp"
#include "simulator/record_ids.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t target_size_max = 16'384;  // Salesforce answers 414 above
constexpr std::size_t page_size_min = 200;
constexpr std::size_t cursors_max = 50;  // open queries kept; Salesforce keeps 10 for each user
constexpr std::size_t attempts_kept_max = 10'000;

http_reply not_found() {
  return error_answer(
      {.status = 404, .code = "NOT_FOUND", .message = "The requested resource does not exist"});
}

http_reply wrong_method(std::string_view method, std::string_view allowed) {
  http_reply reply = error_answer({.status = 405,
                                   .code = "METHOD_NOT_ALLOWED",
                                   .message = fmt::format("HTTP Method '{}' not allowed. Allowed are {}",
                                                          cut_at_character(method, 20), allowed)});
  reply.headers.add("Allow", std::string(allowed));
  return reply;
}

http_reply unauthorized() {
  http_reply reply =
      error_answer({.status = 401, .code = "INVALID_SESSION_ID", .message = "Session expired or invalid"});
  reply.headers.add("WWW-Authenticate", "Token");
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
    return page_rows_limit;
  std::string_view value = std::string_view(options).substr(place + key.size());
  value = trim(value.substr(0, value.find_first_of(",;")));
  return std::clamp<std::size_t>(read_number(value).value_or(page_rows_limit), page_size_min,
                                 page_rows_limit);
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

/// One authorised call.
struct rest_service::call {
  const http_request& request;
  instant now;
  unsigned version;
  std::string_view version_text;            ///< "v62.0"
  std::span<const std::string_view> parts;  ///< of the path, after the version
};

rest_service::rest_service(world& rows, const calendar& times, token_desk& tokens)
    : rows_(rows),
      times_(times),
      tokens_(tokens),
      data_{rows, times},
      allocation_(rows.plan().api.daily_calls_max, rows.plan().api.other_calls_per_hour),
      faults_(rows.plan().api.faults) {}

rest_answer rest_service::serve(const http_request& request, instant now) {
  if (request.target.size() > target_size_max)
    return {.reply = error_answer(
                {.status = 414, .code = "URI_TOO_LONG", .message = "The URI is longer than 16384 bytes"})};
  const std::vector<std::string_view> parts = split_path(request.path());
  if (parts.size() < 2 || parts[0] != "services" || parts[1] != "data")
    return {.reply = not_found()};
  return data_call(request, parts, now);
}

api_call rest_service::classify(const http_request& request, const std::vector<std::string_view>& parts,
                                instant now) const {
  api_call made{.at = now.wall - times_.start};
  const auto name_object = [&made](const object_description* object) {
    if (object != nullptr)
      made.object = object->name;
  };
  const std::size_t depth = parts.size();
  const std::string_view resource = depth > 3 ? parts[3] : std::string_view{};
  if (depth == 2) {
    made.operation = api_operation::versions;
  } else if (resource == "limits") {
    made.operation = api_operation::limits;
  } else if (resource == "query" && depth == 4) {
    made.operation = api_operation::query;
    if (const auto parsed = parse_soql(request.query("q").value_or(""), now.wall))
      name_object(find_object(parsed->object));
  } else if (resource == "query" && depth == 5) {
    made.operation = api_operation::next_page;
    if (const cursor* found = find_cursor(parts[4]))
      name_object(found->answer->shape.object);
  } else if (resource == "sobjects" && depth == 6) {
    name_object(find_object(parts[4]));
    if (parts[5] == "describe")
      made.operation = api_operation::describe;
    else if (is_reading(request))
      made.operation = api_operation::retrieve;
    else if (request.method == "PATCH" && made.object == describe(object_name::push_request).name)
      made.operation = api_operation::cancel;
  }
  return made;
}

rest_answer rest_service::data_call(const http_request& request, const std::vector<std::string_view>& parts,
                                    instant now) {
  const api_call asked = classify(request, parts, now);
  ++calls_by_label_[label_of(asked)];
  const bool needs_session = asked.operation != api_operation::versions;
  if (needs_session && tokens_.check(request, now.steady) != token_check::valid)
    return {.reply = unauthorized(), .call = label_of(asked)};
  if (const auto struck = faults_.strike(asked, api_fault_moment::arrival))
    return hit(*struck, asked);
  const auto version = needs_session ? read_version(parts[2]) : std::optional(0U);
  const call of{request, now, version.value_or(0), needs_session ? parts[2] : std::string_view{},
                std::span(parts).subspan(std::min<std::size_t>(parts.size(), 3))};
  page_.reset();
  rest_answer made = needs_session ? act(of, asked) : rest_answer{};
  if (!needs_session)
    made.reply = is_reading(request) ? versions() : wrong_method(request.method, "GET,HEAD");
  made.call = label_of(asked);
  if (made.fault)
    return made;
  if (const auto struck = faults_.strike(asked, shape_of(made.reply))) {
    made.reply = spoil(of, *struck, std::move(made.reply));
    made.delay = *struck->plan.delay;
    made.fault = struck->plan.kind;
  }
  return made;
}

/// Counts the call and answers it, or refuses it as a fault wants. A version of 0 is one that is not there.
rest_answer rest_service::act(const call& of, const api_call& asked) {
  if (!allocation_.take(asked.at))
    return {
        .reply = error_answer(
            {.status = 403, .code = "REQUEST_LIMIT_EXCEEDED", .message = "TotalRequests Limit exceeded."})};
  ++calls_;
  rest_answer made;
  if (const auto struck = faults_.strike(asked, api_fault_moment::refusal))
    made = hit(*struck, asked);
  else
    made.reply = of.version != 0 ? dispatch(of) : not_found();
  made.reply.headers.add("Sforce-Limit-Info",
                         fmt::format("api-usage={}/{}", allocation_.used(asked.at), allocation_.max()));
  return made;
}

rest_answer rest_service::hit(const api_fault& what, const api_call& asked) {
  if (what.plan.kind == api_fault_kind::session_invalid)
    tokens_.revoke_all();
  return {.reply = refuse_call(what, asked),
          .delay = *what.plan.delay,
          .fault = what.plan.kind,
          .call = label_of(asked)};
}

api_answer_shape rest_service::shape_of(const http_reply& reply) const {
  api_answer_shape shape{.body_size = reply.body.size()};
  if (!page_)
    return shape;
  shape.rows = page_->rows;
  for (const record_shape::entry& entry : page_->from.answer->shape.entries) {
    if (entry.parent.empty())
      shape.columns.emplace_back(entry.field->name);
  }
  return shape;
}

http_reply rest_service::spoil(const call& of, const api_fault& what, http_reply made) {
  using enum api_fault_kind;
  const api_fault_kind kind = what.plan.kind;
  if (kind != wrong_page && kind != cycling_page && kind != short_page)
    return spoil_api_answer(what, {}, std::move(made));
  const written_page whole = *page_;
  const std::string locator = whole.locator.empty() ? open_cursor(whole.from) : whole.locator;
  if (kind == short_page) {
    made.body = page({whole.from.answer, 1}, of.version_text, locator, whole.first).body;
    return made;
  }
  const std::string path =
      fmt::format("/services/data/{}/query/{}-{}", of.version_text, locator, whole.first);
  return spoil_api_answer(what, path, std::move(made));
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
    return limits(of);
  if (resource == "query" && of.parts.size() == 1)
    return query(of);
  return resource == "query" && of.parts.size() == 2 ? next_page(of) : not_found();
}

http_reply rest_service::limits(const call& of) {
  const api_plan& plan = rows_.plan().api;
  if (!plan.limits_visible)
    return error_answer(
        {.status = 403,
         .code = "INSUFFICIENT_ACCESS",
         .message = "You don't have the View Setup and Configuration permission that this resource needs"});
  const std::uint64_t used = std::min(allocation_.used(of.now.wall - times_.start), allocation_.max());
  const std::size_t clients_max = rows_.plan().stream.clients_max;
  return json_reply(fmt::format(R"({{"DailyApiRequests":{{"Max":{0},"Remaining":{1}}},)"
                                R"("DailyStreamingApiEvents":{{"Max":1000000,"Remaining":1000000}},)"
                                R"("DailyDurableStreamingApiEvents":{{"Max":1000000,"Remaining":1000000}},)"
                                R"("StreamingApiConcurrentClients":{{"Max":{2},"Remaining":{2}}},)"
                                R"("DurableStreamingApiConcurrentClients":{{"Max":{2},"Remaining":{2}}},)"
                                R"("HourlyPublishedPlatformEvents":{{"Max":250000,"Remaining":250000}}}})",
                                allocation_.max(), allocation_.max() - used, clients_max));
}

// Queries

http_reply rest_service::query(const call& of) {
  const auto soql = of.request.query("q");
  if (!soql)
    return error_answer({.code = "MALFORMED_QUERY", .message = "SOQL statements cannot be empty or null"});
  auto answered = run_query(data_, *soql, of.version, of.now.wall);
  if (!answered)
    return error_answer(answered.error());
  const cursor made{std::make_shared<const query_answer>(std::move(*answered)),
                    std::min<std::size_t>(wanted_page_size(of.request), rows_.plan().api.page_rows_max)};
  const bool has_more =
      made.answer->is == query_answer::kind::rows && made.answer->rows.size() > made.page_size;
  return page(made, of.version_text, has_more ? open_cursor(made) : std::string{}, 0);
}

/// Paths go on as `/query/01g…-2000`.
http_reply rest_service::next_page(const call& of) {
  const std::string_view locator = of.parts[1];
  const std::size_t dash = std::min(locator.rfind('-'), locator.size());
  const auto first = read_number(locator.substr(std::min(dash + 1, locator.size())));
  const cursor* found = find_cursor(locator);
  if (found == nullptr || !first || *first >= found->answer->rows.size())
    return error_answer({.code = "INVALID_QUERY_LOCATOR", .message = "invalid query locator"});
  return page(*found, of.version_text, locator.substr(0, dash), *first);
}

/// By the path's `01g…-2000`.
const rest_service::cursor* rest_service::find_cursor(std::string_view path_part) const {
  const auto number = record_number("01g", path_part.substr(0, path_part.rfind('-')));
  const auto found = number ? cursors_.find(*number) : cursors_.end();
  return found == cursors_.end() ? nullptr : &found->second;
}

http_reply rest_service::page(const cursor& from, std::string_view version, std::string_view locator,
                              std::size_t first) {
  const query_answer& answer = *from.answer;
  const std::size_t end = std::min(answer.rows.size(), first + from.page_size);
  if (answer.is == query_answer::kind::rows)
    page_ = written_page{from, std::string(locator), first, end - first};
  const bool is_done = answer.is != query_answer::kind::rows || end == answer.rows.size();
  std::string body = fmt::format(R"({{"totalSize":{},"done":{},)", answer.total, is_done);
  if (!is_done)
    body += fmt::format(R"("nextRecordsUrl":"/services/data/{}/query/{}-{}",)", version, locator, end);
  body += R"("records":[)";
  const auto separate = [&body] {
    if (body.back() != '[')
      body += ',';
  };
  for (std::size_t place = first; place < end; ++place) {
    separate();
    append_record(body, data_, answer.shape, answer.rows[place], version);
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
  const object_description* object = find_visible_object(of.parts[1], rows_.plan().api);
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
    if (version < field.since_version || !is_visible(object, field, plan))
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
  record_shape shape = whole_record(object, of.version, rows_.plan().api);
  if (const auto fields = of.request.query("fields")) {
    shape.entries.clear();
    std::string_view rest = *fields;
    while (!rest.empty()) {
      const std::string_view name = trim(rest.substr(0, rest.find(',')));
      rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
      const field_description* field = find_visible_field(object, name, of.version, rows_.plan().api);
      if (field == nullptr)
        return error_answer({.code = "INVALID_FIELD",
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
  return error_answer(
      {.code = "INVALID_FIELD_FOR_INSERT_UPDATE",
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
    return error_answer(
        {.code = "JSON_PARSER_ERROR", .message = "The HTTP entity body must be a JSON object"});
  const json::object& fields = parsed.get_object();
  for (const auto& [name, value] : fields) {
    const field_description* field =
        find_visible_field(describe(object_name::push_request), name, of.version, rows_.plan().api);
    if (field == nullptr)
      return error_answer(
          {.code = "INVALID_FIELD",
           .message = fmt::format("No such column '{}' on sobject of type PackagePushRequest",
                                  to_valid_utf8(cut_at_character(std::string_view(name), 80)))});
    if (field->name != "Status")
      return error_answer(
          {.code = "INVALID_FIELD_FOR_INSERT_UPDATE",
           .message = fmt::format("Unable to create/update fields: {}. Please check the security "
                                  "settings of this field and verify that it is read/write for your "
                                  "profile or permission set.",
                                  field->name),
           .fields = {std::string(field->name)}});
    if (!value.is_string() || value.get_string() != "Canceled")
      return error_answer({.code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
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
  return error_answer(
      {.code = "INVALID_OPERATION",
       .message = fmt::format("Can't cancel a push upgrade request with status '{}'. Only requests "
                              "with a status of 'Created' or 'Pending' can be canceled.",
                              to_salesforce(before, in_progress_spelling::spaced)),
       .fields = {"Status"}});
}

}  // namespace pushguard::simulator
