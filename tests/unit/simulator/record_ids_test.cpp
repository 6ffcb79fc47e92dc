#include "simulator/record_ids.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/id.hpp"
#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

TEST(RecordIds, AreWellFormedAndReadBack) {
  for (const std::uint64_t number : {0U, 1U, 61U, 62U, 3843U, 3844U, 999'999U, 4'000'000'000U}) {
    const std::string id = record_id("0DX", number);
    EXPECT_TRUE(check_record_id(id, "0DX", "job")) << id;
    EXPECT_EQ(record_key("0DX", number), id.substr(0, 15));
    EXPECT_EQ(record_number("0DX", id), number);
    EXPECT_EQ(record_number("0DX", record_key("0DX", number)), number);
  }
}

TEST(RecordIds, OfAHundredThousandRecordsAllDiffer) {
  std::set<std::string> seen;
  for (std::uint64_t number = 0; number < 100'000; ++number)
    seen.insert(record_key("00D", number));
  EXPECT_EQ(seen.size(), 100'000U);
}

TEST(RecordIds, DifferOnlyInLetterCaseNowAndThen) {
  std::set<std::string> folded;
  for (std::uint64_t number = 1; number <= 60; ++number)
    folded.insert(to_lower_ascii(record_key("00D", number)));
  EXPECT_LT(folded.size(), 60U);
}

TEST(RecordIds, OfOtherObjectsWrongChecksumsAndForeignServersAreNotRead) {
  std::string wrong = record_id("0DX", 7);
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(record_number("0DX", wrong), std::nullopt);
  EXPECT_EQ(record_number("0DV", record_id("0DX", 7)), std::nullopt);
  EXPECT_EQ(record_number("0DX", "0DX000000000001"), std::nullopt);
  EXPECT_EQ(record_number("0DX", ""), std::nullopt);
  EXPECT_EQ(record_number("0DX", "0DX5g0000"), std::nullopt);
}

}  // namespace
}  // namespace pushguard::simulator
