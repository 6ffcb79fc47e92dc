#include "base/id.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_set>

namespace pushguard {
namespace {

struct request_tag {
  static constexpr std::string_view prefix = "0DV";
  static constexpr std::string_view name = "push request";
};
using request_id = id<request_tag>;

using testing::HasSubstr;

TEST(Id, AnswersTheFormItWasGivenIn) {
  EXPECT_EQ(request_id::parse("0DV3i0000000AbC").value().text(), "0DV3i0000000AbC");
  const auto with_checksum = request_id::parse("0DV3i0000000AbCGAU");
  ASSERT_TRUE(with_checksum.has_value()) << with_checksum.error().text();
  EXPECT_EQ(with_checksum->text(), "0DV3i0000000AbCGAU");
  EXPECT_EQ(with_checksum->key(), "0DV3i0000000AbC");
}

TEST(Id, ComputesTheChecksumAsSalesforceDoes) {
  // 001D000000IqhSL and its long form are an example of Salesforce's own documentation.
  const auto checksum = record_id_checksum("001D000000IqhSL");
  EXPECT_EQ(std::string_view(checksum.data(), checksum.size()), "IAZ");
  EXPECT_EQ(request_id::parse("0DV3i0000000AbC").value().long_text(), "0DV3i0000000AbCGAU");
}

TEST(Id, IsEqualInBothFormsAndHashesAlike) {
  const auto short_form = request_id::parse("0DV3i0000000AbC").value();
  const auto long_form = request_id::parse("0DV3i0000000AbCGAU").value();
  EXPECT_EQ(short_form, long_form);
  EXPECT_EQ(std::unordered_set<request_id>({short_form, long_form}).size(), 1U);
}

TEST(Id, TellsIdsApartThatDifferOnlyInCase) {
  EXPECT_NE(request_id::parse("0DV3i0000000AbC").value(), request_id::parse("0DV3i0000000Abc").value());
}

TEST(Id, RefusesWhatIsNoIdAndSaysWhy) {
  struct refusal {
    std::string_view text;
    std::string_view why;
  };
  for (const auto& [text, why] :
       {refusal{"", "0 characters"}, refusal{"0DV3i0000000Ab", "14 characters"},
        refusal{"0DV3i0000000AbCG", "16 characters"}, refusal{"0DV3i0000000Ab'", "letters and digits"},
        refusal{"0DX3i0000000AbC", "begin with 0DV"}, refusal{"0DV3i0000000AbCGAA", "last three"}}) {
    const auto parsed = request_id::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_TRUE(parsed.error().is(errc::invalid));
    EXPECT_THAT(parsed.error().detail, HasSubstr(why));
    EXPECT_THAT(parsed.error().detail, HasSubstr("push request"));
  }
}

TEST(Id, ShortensAndCleansHostileTextInItsErrors) {
  const auto parsed = request_id::parse(std::string(5000, 'x') + "\n");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_LT(parsed.error().detail.size(), 200U);
  EXPECT_THAT(request_id::parse("a\nb").error().detail, Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace pushguard
