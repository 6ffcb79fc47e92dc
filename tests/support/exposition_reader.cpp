#include "tests/support/exposition_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

namespace pushguard::test {
namespace {

bool is_letter(char c, bool takes_colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (takes_colon && c == ':');
}

/// Takes a name from the front; empty where there is none.
std::string_view take_name(std::string_view& text, bool takes_colon) {
  std::size_t size = 0;
  while (size < text.size() &&
         (is_letter(text[size], takes_colon) || (size > 0 && text[size] >= '0' && text[size] <= '9')))
    ++size;
  const std::string_view name = text.substr(0, size);
  text.remove_prefix(size);
  return name;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what))
    return false;
  text.remove_prefix(what.size());
  return true;
}

/// Undoes the escapes of `text`; nothing where one is none of `known`.
std::optional<std::string> unescape(std::string_view text, std::string_view known) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    ++i;
    if (i == text.size() || known.find(text[i]) == std::string_view::npos)
      return std::nullopt;
    out += text[i] == 'n' ? '\n' : text[i];
  }
  return out;
}

/// `"…"` with its escapes undone.
std::optional<std::string> take_quoted(std::string_view& text) {
  if (!take(text, "\""))
    return std::nullopt;
  std::size_t end = 0;
  while (end < text.size() && text[end] != '"')
    end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size())
    return std::nullopt;
  auto value = unescape(text.substr(0, end), "\\\"n");
  text.remove_prefix(end + 1);
  return value;
}

std::optional<double> read_number(std::string_view text) {
  if (text == "NaN")
    return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf")
    return std::numeric_limits<double>::infinity();
  if (text == "-Inf")
    return -std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_plain = std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e'; });
  if (error != std::errc() || end != text.data() + text.size() || !is_plain)
    return std::nullopt;
  return value;
}

/// Which of a family's suffixes `name` ends in; nothing where it is not of the family.
std::optional<std::string_view> suffix_of(std::string_view name, const read_family& family,
                                          bool is_openmetrics) {
  if (!name.starts_with(family.name))
    return std::nullopt;
  const std::string_view suffix = name.substr(family.name.size());
  std::vector<std::string_view> allowed{""};
  if (family.type == "histogram")
    allowed = {"_bucket", "_sum", "_count"};
  else if (family.type == "summary")
    allowed = {"", "_sum", "_count"};
  else if (family.type == "counter" && is_openmetrics)
    allowed = {"_total"};
  return (std::ranges::find(allowed, suffix) != allowed.end()) ? std::optional(suffix) : std::nullopt;
}

class reader {
 public:
  explicit reader(bool is_openmetrics) : is_openmetrics_(is_openmetrics) {}

  result<> take_line(std::string_view line) {
    ++number_;
    if (has_ended_)
      return wrong("something stands behind # EOF");
    if (is_openmetrics_ && line == "# EOF") {
      has_ended_ = true;
      return {};
    }
    if (take(line, "# HELP "))
      return take_help(line);
    if (take(line, "# TYPE "))
      return take_type(line);
    return take_sample(line);
  }

  result<std::vector<read_family>> finish() && {
    if (is_openmetrics_ && !has_ended_)
      return fail(errc::malformed, "# EOF is missing");
    if (!families_.empty() && families_.back().type.empty())
      return wrong("the last family has no TYPE");
    return std::move(families_);
  }

 private:
  std::unexpected<failure> wrong(std::string_view what) const {
    return fail(errc::malformed, "line " + std::to_string(number_) + ": " + std::string(what));
  }

  result<> take_help(std::string_view line) {
    if (!families_.empty() && families_.back().type.empty())
      return wrong("the family before has no TYPE");
    read_family family;
    family.name = take_name(line, true);
    if (family.name.empty() || !take(line, " "))
      return wrong("HELP without a name");
    auto help = unescape(line, is_openmetrics_ ? "\\\"n" : "\\n");
    if (!help || (is_openmetrics_ && has_bare_quote(line)))
      return wrong("a HELP text that is not escaped");
    family.help = std::move(*help);
    if (!names_.insert(family.name).second)
      return wrong("a family that is there twice");
    families_.push_back(std::move(family));
    return {};
  }

  static bool has_bare_quote(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"')
        return true;
      i += text[i] == '\\' ? 1 : 0;
    }
    return false;
  }

  result<> take_type(std::string_view line) {
    const std::string_view name = take_name(line, true);
    if (families_.empty() || families_.back().name != name || !families_.back().type.empty() ||
        !take(line, " "))
      return wrong("TYPE does not stand behind its HELP");
    const std::vector<std::string_view> types{"counter", "gauge", "histogram", "summary",
                                              is_openmetrics_ ? "unknown" : "untyped"};
    if (!(std::ranges::find(types, line) != types.end()))
      return wrong("an unknown type");
    families_.back().type = line;
    return {};
  }

  result<> take_sample(std::string_view line) {
    read_sample sample;
    sample.name = take_name(line, true);
    if (sample.name.empty() || families_.empty() || families_.back().type.empty())
      return wrong("neither a comment nor a sample of a family");
    if (!suffix_of(sample.name, families_.back(), is_openmetrics_))
      return wrong("a sample of another family");
    if (take(line, "{")) {
      do {
        const std::string_view name = take_name(line, false);
        auto value = take(line, "=") ? take_quoted(line) : std::nullopt;
        if (name.empty() || !value)
          return wrong("a label that is none");
        if (!sample.labels.emplace(name, std::move(*value)).second)
          return wrong("a label that is there twice");
      } while (take(line, ","));
      if (!take(line, "}"))
        return wrong("labels without an end");
    }
    if (!take(line, " "))
      return wrong("no blank before the value");
    const auto value = read_number(line);
    if (!value)
      return wrong("a value that is no number");
    sample.value = *value;
    if (!series_.emplace(sample.name, sample.labels).second)
      return wrong("a series that is there twice");
    families_.back().samples.push_back(std::move(sample));
    return {};
  }

  bool is_openmetrics_;
  std::size_t number_ = 0;
  bool has_ended_ = false;
  std::set<std::string, std::less<>> names_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> series_;
  std::vector<read_family> families_;
};

}  // namespace

result<std::vector<read_family>> read_exposition(std::string_view text, bool is_openmetrics) {
  reader into(is_openmetrics);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos)
      return fail(errc::malformed, "the last line has no end");
    if (auto taken = into.take_line(text.substr(0, end)); !taken)
      return std::unexpected(taken.error());
    text.remove_prefix(end + 1);
  }
  return std::move(into).finish();
}

}  // namespace pushguard::test
