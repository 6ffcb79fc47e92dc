#include "agent/configuration/csv_reading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace pushguard::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using records = std::vector<std::vector<std::string>>;

records values_of(std::string_view text) {
  records out;
  csv_reader reader(text);
  while (auto record = reader.next()) {
    EXPECT_EQ(record->problem, "") << text;
    out.push_back(std::move(record->values));
  }
  return out;
}

struct sample {
  std::string_view text;
  records read;
};

TEST(CsvReading, TakesRecordsApart) {
  const sample table[] = {
      {"", {}},
      {"\n\r\n\n", {}},
      {"a", {{"a"}}},
      {"a,b\n", {{"a", "b"}}},
      {"a,b\r\nc,d", {{"a", "b"}, {"c", "d"}}},
      {"a,b\n\nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"a\r", {{"a"}}},
      {",", {{"", ""}}},
      {"a,", {{"a", ""}}},
      {",\n,", {{"", ""}, {"", ""}}},
      {" a , b ", {{" a ", " b "}}},
      {"a\rb,c", {{"a\rb", "c"}}},
      {"a\r,c", {{"a\r", "c"}}},
      {"\"a\"", {{"a"}}},
      {"\"\"", {{""}}},
      {"\"a,b\",c", {{"a,b", "c"}}},
      {"\"a\"\"b\"", {{"a\"b"}}},
      {"\"\"\"\"\r\n", {{"\""}}},
      {"\"a\r\nb\",c\r\n\"d\"\r\n", {{"a\r\nb", "c"}, {"d"}}},
      {"\xEF\xBB\xBF\"a\",b", {{"a", "b"}}},
  };
  for (const sample& row : table)
    EXPECT_EQ(values_of(row.text), row.read) << row.text;
}

struct wrong_sample {
  std::string_view text;
  std::size_t line;
  std::string_view problem;
};

TEST(CsvReading, SaysWhatIsWrongAndGoesOnWithTheNextLine) {
  const wrong_sample table[] = {
      {"a\nb\"c\nd", 2, "a value with a quote in it must stand in quotes"},
      {"a\n\"b\"c,\"x\nd", 2,
       "after the quote that closes a value a comma or the end of the line must follow"},
      {"a\n\"b\" ,c\nd", 2, "after the quote"},
      {"a\n\"b\nc\"x\nd", 2, "after the quote"},
  };
  for (const wrong_sample& row : table) {
    csv_reader reader(row.text);
    EXPECT_THAT(reader.next()->values, ElementsAre("a"));
    const auto wrong = reader.next();
    EXPECT_EQ(wrong->line, row.line);
    EXPECT_THAT(wrong->problem, HasSubstr(row.problem)) << row.text;
    EXPECT_THAT(wrong->values, IsEmpty());
    const auto after = reader.next();
    EXPECT_THAT(after->values, ElementsAre("d")) << row.text;
    EXPECT_EQ(after->problem, "");
    EXPECT_FALSE(reader.next());
  }
}

TEST(CsvReading, NamesTheLineOfAQuoteThatIsNeverClosed) {
  csv_reader reader("a\n\"b\n\nc\nd");
  (void)reader.next();
  const auto wrong = reader.next();
  EXPECT_EQ(wrong->line, 2U);
  EXPECT_EQ(wrong->problem, "a quote that opens a value is never closed");
  EXPECT_FALSE(reader.next());
}

TEST(CsvReading, CountsTheLinesOfValuesThatHaveSeveral) {
  csv_reader reader("\"a\nb\nc\"\n\nd\n");
  EXPECT_EQ(reader.next()->line, 1U);
  EXPECT_EQ(reader.next()->line, 5U);
}

TEST(CsvReading, TakesNoMoreColumnsThanATableHas) {
  EXPECT_EQ(values_of(std::string(csv_columns_max - 1, ','))[0].size(), csv_columns_max);
  const std::string wide = std::string(csv_columns_max, ',') + "\nd";
  csv_reader reader(wide);
  EXPECT_EQ(reader.next()->problem, "a line may have at most 1000 columns");
  EXPECT_THAT(reader.next()->values, ElementsAre("d"));
}

std::string in_quotes(const std::string& value) {
  std::string out = "\"";
  for (const char c : value)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

// Whatever the values are, once written in quotes they are read as they were.
TEST(CsvReading, ReadsWhatWasWritten) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same cases each time
  constexpr std::string_view alphabet = "ab,\"\r\n \x01\xFF";
  for (int round = 0; round < 2000; ++round) {
    records written(1 + random() % 4);
    std::string text;
    for (auto& record : written) {
      record.resize(1 + random() % 3);
      for (std::string& value : record) {
        for (std::size_t size = random() % 6; size > 0; --size)
          value += alphabet[random() % alphabet.size()];
        text += in_quotes(value) + (&value == &record.back() ? (random() % 2 == 0 ? "\n" : "\r\n") : ",");
      }
    }
    ASSERT_EQ(values_of(text), written) << text;
  }
}

}  // namespace
}  // namespace pushguard::configuration
