#include "tests/interop/dashboard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pushguard::test {

namespace json = boost::json;

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::size_t end_of_word(std::string_view text, std::size_t from) {
  while (from < text.size() && is_word(text[from]))
    ++from;
  return from;
}

/// What stands between `open` at `at` and the next `close`; moves `at` past it. Nothing where it does not
/// begin there.
std::string take_between(std::string_view text, std::size_t& at, char open, char close) {
  if (at >= text.size() || text[at] != open)
    return "";
  const std::size_t end = std::min(text.find(close, at), text.size());
  std::string inside(text.substr(at + 1, end - at - 1));
  at = std::min(end + 1, text.size());
  return inside;
}

}  // namespace

std::string read_source_file(const std::string& path) {
  std::ifstream file(std::filesystem::path(PUSHGUARD_SOURCE_DIR) / path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file)
    throw std::runtime_error(path + " cannot be read");
  return text.str();
}

dashboard parse_dashboard(std::string name, std::string text) {
  boost::system::error_code ec;
  json::value read = json::parse(text, ec);
  if (ec || !read.is_object())
    throw std::runtime_error(fmt::format("{} is not a JSON object: {}", name, ec.message()));
  return {.name = std::move(name), .text = std::move(text), .content = std::move(read)};
}

std::vector<dashboard> load_dashboards() {
  const std::string folder = "deploy/grafana/dashboards";
  std::vector<dashboard> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(PUSHGUARD_SOURCE_DIR) / folder)) {
    if (entry.path().extension() == ".json")
      found.push_back(parse_dashboard(entry.path().stem().string(),
                                      read_source_file(folder + "/" + entry.path().filename().string())));
  }
  std::ranges::sort(found, {}, &dashboard::name);
  return found;
}

const json::value* value_at(const json::value& from, std::string_view pointer) {
  boost::system::error_code ec;
  return from.find_pointer(pointer, ec);
}

std::string text_at(const json::value& from, std::string_view pointer) {
  const json::value* found = value_at(from, pointer);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

const json::array& list_at(const json::value& from, std::string_view pointer) {
  static const json::array none;
  const json::value* found = value_at(from, pointer);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

bool flag_at(const json::value& from, std::string_view pointer) {
  const json::value* found = value_at(from, pointer);
  return found != nullptr && found->is_bool() && found->get_bool();
}

const json::array& panels_of(const dashboard& board) {
  return list_at(board.content, "/panels");
}

bool is_row(const json::value& panel) {
  return text_at(panel, "/type") == "row";
}

std::string dashboard_query::where() const {
  switch (kind) {
    case place::variable:
      return fmt::format("variable \"{}\"", owner);
    case place::annotation:
      return fmt::format("annotation \"{}\"", owner);
    case place::panel:
      break;
  }
  return fmt::format("panel \"{}\", query {}", owner, ref);
}

std::vector<dashboard_query> queries_of(const dashboard& board) {
  using enum dashboard_query::place;
  std::vector<dashboard_query> all;
  for (const json::value& each : list_at(board.content, "/templating/list")) {
    if (text_at(each, "/type") == "query")
      all.push_back({.kind = variable,
                     .owner = text_at(each, "/name"),
                     .ref = "",
                     .text = text_at(each, "/query/query")});
  }
  for (const json::value& each : list_at(board.content, "/annotations/list"))
    all.push_back(
        {.kind = annotation, .owner = text_at(each, "/name"), .ref = "", .text = text_at(each, "/expr")});
  for (const json::value& each : panels_of(board)) {
    for (const json::value& target : list_at(each, "/targets"))
      all.push_back({.kind = panel,
                     .owner = text_at(each, "/title"),
                     .ref = text_at(target, "/refId"),
                     .text = text_at(target, "/expr"),
                     .is_instant = flag_at(target, "/instant")});
  }
  return all;
}

std::vector<metric_use> metrics_in(std::string_view query) {
  std::vector<metric_use> found;
  for (std::size_t at = 0; at < query.size();) {
    if (!is_word(query[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    at = end_of_word(query, at);
    const std::string_view word = query.substr(begin, at - begin);
    if (!word.starts_with("pushguard_") && !word.starts_with("process_"))
      continue;
    metric_use use{.name = std::string(word), .function = "", .selector = "", .range = ""};
    use.selector = take_between(query, at, '{', '}');
    use.range = take_between(query, at, '[', ']');
    if (begin > 0 && query[begin - 1] == '(' && at < query.size() && query[at] == ')') {
      std::size_t name = begin - 1;
      while (name > 0 && is_word(query[name - 1]))
        --name;
      use.function = query.substr(name, begin - 1 - name);
    }
    found.push_back(std::move(use));
  }
  return found;
}

std::vector<variable_use> variables_in(std::string_view query) {
  std::vector<variable_use> found;
  for (std::size_t at = query.find('$'); at != std::string_view::npos; at = query.find('$', at)) {
    variable_use use{
        .name = "",
        .before = std::string(query.substr(at - std::min<std::size_t>(at, 3), std::min<std::size_t>(at, 3)))};
    use.begin = at++;
    if (at < query.size() && query[at] == '{') {
      use.name = take_between(query, at, '{', '}');
      use.name = use.name.substr(0, use.name.find(':'));
    } else {
      const std::size_t end = end_of_word(query, at);
      use.name = query.substr(at, end - at);
      at = end;
    }
    use.end = at;
    if (!use.name.empty())  // the `$` at the end of a regular expression
      found.push_back(std::move(use));
  }
  return found;
}

}  // namespace pushguard::test
