#include "simulator/soql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

enum class token_kind { end, name, text, number, time, symbol };

struct token {
  token_kind kind = token_kind::end;
  std::string_view raw = {};  ///< as written
  std::string text = {};      ///< of a string literal, unescaped
  std::size_t column = 1;

  [[nodiscard]] bool is_word(std::string_view word) const {
    return kind == token_kind::name && equals_ignoring_case(raw, word);
  }
  [[nodiscard]] bool is_symbol(std::string_view symbol) const {
    return kind == token_kind::symbol && raw == symbol;
  }
};

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_name_part(char c) noexcept {
  return is_letter(c) || is_digit(c) || c == '_' || c == '.';
}
constexpr bool is_number_part(char c) noexcept {
  return is_digit(c) || is_letter(c) || c == '.' || c == ':' || c == '-' || c == '+';
}

using parse_failure = std::unexpected<api_error>;

class lexer {
 public:
  explicit lexer(std::string_view query) : query_(query) {}

  [[nodiscard]] std::expected<token, api_error> next() {
    while (place_ < query_.size() && is_blank(query_[place_]))
      ++place_;
    token made{.column = place_ + 1};
    if (place_ == query_.size())
      return made;
    const char first = query_[place_];
    if (first == '\'')
      return text_literal(std::move(made));
    if (is_letter(first) || first == '_') {
      made.kind = token_kind::name;
      made.raw = take_while(is_name_part);
    } else if (is_digit(first) || first == '-') {
      made.raw = take_while(is_number_part);
      made.kind =
          made.raw.find_first_of("-:T", 1) != std::string_view::npos ? token_kind::time : token_kind::number;
    } else {
      made.kind = token_kind::symbol;
      made.raw = symbol();
    }
    return made;
  }

 private:
  template <class Predicate>
  std::string_view take_while(Predicate fits) {
    const std::size_t begin = place_;
    while (place_ < query_.size() && fits(query_[place_]))
      ++place_;
    return query_.substr(begin, place_ - begin);
  }

  std::string_view symbol() {
    for (const std::string_view two : {"!=", "<=", ">=", "<>"}) {
      if (query_.substr(place_).starts_with(two)) {
        place_ += 2;
        return two;
      }
    }
    return query_.substr(place_++, 1);
  }

  std::expected<token, api_error> text_literal(token made) {
    made.kind = token_kind::text;
    const std::size_t begin = place_++;
    while (place_ < query_.size() && query_[place_] != '\'') {
      char c = query_[place_++];
      if (c == '\\') {
        if (place_ == query_.size())
          break;
        static constexpr std::string_view names = "nrtbf\\'\"_%";
        static constexpr std::string_view meanings = "\n\r\t\b\f\\'\"_%";
        const std::size_t index = names.find(query_[place_++]);
        if (index == std::string_view::npos)
          return parse_failure(soql_error(query_, place_ - 1, "MALFORMED_QUERY", "invalid string escape"));
        c = meanings[index];
      }
      made.text += c;
    }
    if (place_ == query_.size())
      return parse_failure(soql_error(query_, made.column, "MALFORMED_QUERY",
                                      "line 1:" + std::to_string(begin) +
                                          " mismatched character '<EOF>' "
                                          "expecting '''"));
    ++place_;
    made.raw = query_.substr(begin, place_ - begin);
    return made;
  }

  std::string_view query_;
  std::size_t place_ = 0;
};

class parser {
 public:
  parser(std::string_view query, wall_time now) : query_(query), lexer_(query), now_(now) {}

  std::expected<soql_query, api_error> parse() {
    advance();
    soql_query made;
    expect_word("SELECT");
    select_list(made);
    expect_word("FROM");
    made.object_column = current_.column;
    made.object = name();
    if (take_word("WHERE"))
      made.where = conditions(0);
    if (take_word("GROUP"))
      group_by(made);
    if (take_word("ORDER"))
      order_by(made);
    if (take_word("LIMIT"))
      made.limit = count();
    if (take_word("OFFSET"))
      made.offset = count();
    if (!failed_ && current_.kind != token_kind::end)
      unexpected();
    if (failed_)
      return parse_failure(std::move(error_));
    return made;
  }

 private:
  // After the first failure every step below is a no-op that consumes nothing.

  void advance() {
    if (failed_)
      return;
    auto read = lexer_.next();
    if (!read)
      return fail_with(std::move(read.error()));
    current_ = std::move(*read);
  }

  void fail_with(api_error error) {
    if (failed_)
      return;
    failed_ = true;
    error_ = std::move(error);
    current_ = {};
  }

  void unexpected() {
    const std::string what = current_.kind == token_kind::end
                                 ? std::string("unexpected token: '<EOF>'")
                                 : fmt::format("unexpected token: '{}'", current_.raw);
    fail_with(soql_error(query_, current_.column, "MALFORMED_QUERY", what));
  }

  bool take_word(std::string_view word) {
    if (failed_ || !current_.is_word(word))
      return false;
    advance();
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (failed_ || !current_.is_symbol(symbol))
      return false;
    advance();
    return true;
  }
  void expect_word(std::string_view word) {
    if (!take_word(word))
      unexpected();
  }
  void expect_symbol(std::string_view symbol) {
    if (!take_symbol(symbol))
      unexpected();
  }

  std::string name() {
    if (failed_ || current_.kind != token_kind::name) {
      unexpected();
      return {};
    }
    std::string made(current_.raw);
    advance();
    return made;
  }

  soql_path path() {
    soql_path made{.column = current_.column};
    const std::string dotted = name();
    std::string_view rest = dotted;
    while (!failed_) {
      const std::size_t dot = rest.find('.');
      const std::string_view part = rest.substr(0, dot);
      if (part.empty())
        fail_with(soql_error(query_, made.column, "MALFORMED_QUERY", "unexpected token: '.'"));
      made.names.emplace_back(part);
      if (dot == std::string_view::npos)
        break;
      rest.remove_prefix(dot + 1);
    }
    return made;
  }

  std::uint64_t count() {
    std::uint64_t made = 0;
    const std::string_view raw = current_.raw;
    const auto [end, code] = std::from_chars(raw.data(), raw.data() + raw.size(), made);
    if (failed_ || current_.kind != token_kind::number || code != std::errc{} ||
        end != raw.data() + raw.size()) {
      unexpected();
      return 0;
    }
    advance();
    return made;
  }

  void select_list(soql_query& made) {
    do {
      made.items.push_back(item());
    } while (take_symbol(","));
  }

  soql_item item() {
    soql_item made{.path = path()};
    if (current_.is_symbol("("))
      function_call(made);
    if (!failed_ && current_.kind == token_kind::name && !current_.is_word("FROM")) {
      made.alias = name();
    }
    return made;
  }

  void function_call(soql_item& made) {
    const std::string called = made.path.text();
    if (equals_ignoring_case(called, "COUNT")) {
      made.function = soql_function::count;
    } else if (equals_ignoring_case(called, "MIN")) {
      made.function = soql_function::minimum;
    } else if (equals_ignoring_case(called, "MAX")) {
      made.function = soql_function::maximum;
    } else {
      return unexpected();
    }
    expect_symbol("(");
    made.path = {.column = current_.column};
    if (!current_.is_symbol(")"))
      made.path = path();
    else if (made.function != soql_function::count)
      unexpected();
    expect_symbol(")");
  }

  /// As in Salesforce, AND and OR may be mixed only with parentheses.
  soql_condition conditions(unsigned depth) {
    soql_condition first = term(depth);
    const bool is_any = current_.is_word("OR");
    if (failed_ || (!is_any && !current_.is_word("AND")))
      return first;
    soql_condition made{.is = is_any ? soql_condition::kind::any : soql_condition::kind::all};
    made.parts.push_back(std::move(first));
    while (take_word(is_any ? "OR" : "AND"))
      made.parts.push_back(term(depth));
    if (current_.is_word("OR") || current_.is_word("AND"))
      unexpected();
    return made;
  }

  soql_condition term(unsigned depth) {
    if (depth > soql_depth_max) {
      fail_with(soql_error(query_, current_.column, "MALFORMED_QUERY", "the condition is nested too deeply"));
      return {};
    }
    if (take_word("NOT")) {
      soql_condition made{.is = soql_condition::kind::negation};
      made.parts.push_back(term(depth + 1));
      return made;
    }
    if (take_symbol("(")) {
      soql_condition made = conditions(depth + 1);
      expect_symbol(")");
      return made;
    }
    return test();
  }

  soql_condition test() {
    soql_condition made{.path = path()};
    if (take_word("NOT")) {
      expect_word("IN");
      made.op = soql_operator::not_in;
    } else if (take_word("IN")) {
      made.op = soql_operator::in;
    } else if (take_word("LIKE")) {
      made.op = soql_operator::like;
    } else {
      made.op = comparison();
    }
    if (made.op != soql_operator::in && made.op != soql_operator::not_in) {
      made.literals.push_back(literal());
      return made;
    }
    expect_symbol("(");
    do {
      made.literals.push_back(literal());
    } while (take_symbol(","));
    expect_symbol(")");
    return made;
  }

  soql_operator comparison() {
    static constexpr std::pair<std::string_view, soql_operator> symbols[] = {
        {"=", soql_operator::equal},         {"!=", soql_operator::unequal},
        {"<>", soql_operator::unequal},      {"<", soql_operator::less},
        {"<=", soql_operator::less_equal},   {">", soql_operator::greater},
        {">=", soql_operator::greater_equal}};
    for (const auto& [symbol, meaning] : symbols) {
      if (take_symbol(symbol))
        return meaning;
    }
    unexpected();
    return soql_operator::equal;
  }

  soql_literal literal() {
    soql_literal made{.column = current_.column};
    if (failed_)
      return made;
    switch (current_.kind) {
      case token_kind::text:
        made.value = current_.text;
        break;
      case token_kind::number:
        made.value = integer();
        break;
      case token_kind::time:
        made.value = instant_literal();
        break;
      case token_kind::name:
        return word_literal();
      case token_kind::symbol:
      case token_kind::end:
        unexpected();
        return made;
    }
    advance();
    return made;
  }

  std::int64_t integer() {
    std::int64_t made = 0;
    const std::string_view raw = current_.raw;
    const auto [end, code] = std::from_chars(raw.data(), raw.data() + raw.size(), made);
    if (code != std::errc{} || end != raw.data() + raw.size())
      unexpected();
    return made;
  }

  soql_time_range instant_literal() {
    const auto parsed = parse_time(current_.raw);
    if (!parsed) {
      unexpected();
      return {};
    }
    return {*parsed, *parsed + std::chrono::milliseconds(1)};
  }

  soql_literal word_literal() {
    using std::chrono::days;
    soql_literal made{.column = current_.column};
    const wall_time today = std::chrono::floor<days>(now_);
    if (take_word("NULL")) {
      made.value = std::monostate{};
    } else if (take_word("TRUE")) {
      made.value = true;
    } else if (take_word("FALSE")) {
      made.value = false;
    } else if (take_word("TODAY")) {
      made.value = soql_time_range{today, today + days(1)};
    } else if (take_word("YESTERDAY")) {
      made.value = soql_time_range{today - days(1), today};
    } else if (take_word("LAST_N_DAYS")) {
      expect_symbol(":");
      constexpr std::uint64_t days_max = 36'500;  // a century keeps the arithmetic in range
      made.value = soql_time_range{today - days(std::min(count(), days_max)), today + days(1)};
    } else {
      unexpected();
    }
    return made;
  }

  void group_by(soql_query& made) {
    expect_word("BY");
    do {
      made.group_by.push_back(path());
    } while (take_symbol(","));
  }

  void order_by(soql_query& made) {
    expect_word("BY");
    do {
      soql_order order{.path = path()};
      if (take_word("DESC"))
        order.direction = soql_direction::descending;
      else
        (void)take_word("ASC");
      if (take_word("NULLS")) {
        if (take_word("LAST"))
          order.nulls = soql_nulls::last;
        else
          expect_word("FIRST");
      }
      made.order_by.push_back(std::move(order));
    } while (take_symbol(","));
  }

  std::string_view query_;
  lexer lexer_;
  wall_time now_;
  token current_;
  bool failed_ = false;
  api_error error_;
};

}  // namespace

std::string soql_path::text() const {
  return fmt::format("{}", fmt::join(names, "."));
}

std::expected<soql_query, api_error> parse_soql(std::string_view text, wall_time now) {
  if (text.size() > soql_size_max)
    return parse_failure({.code = "QUERY_TOO_COMPLICATED",
                          .message = fmt::format("The query is longer than {} characters", soql_size_max)});
  return parser(text, now).parse();
}

api_error soql_error(std::string_view query, std::size_t column, std::string_view code,
                     std::string_view what) {
  constexpr std::size_t excerpt_half = 30;
  const std::size_t place = std::min(column - 1, query.size());
  const std::size_t begin = place > excerpt_half ? place - excerpt_half : 0;
  std::string excerpt(query.substr(begin, 2 * excerpt_half));
  std::ranges::replace_if(excerpt, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return {.code = std::string(code),
          .message = fmt::format("\n{}\n{:>{}}\nERROR at Row:1:Column:{}\n{}", to_valid_utf8(excerpt), '^',
                                 place - begin + 1, column, what)};
}

}  // namespace pushguard::simulator
