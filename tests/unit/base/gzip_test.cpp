#include "base/gzip.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/gunzip.hpp"

namespace pushguard {
namespace {

TEST(GzipEncoder, MakesWhatTheDecoderUndoesHoweverItIsFed) {
  std::mt19937 random(4711);
  for (const std::size_t size : {0UZ, 1UZ, 100UZ, 16'384UZ, 1'000'000UZ}) {
    std::string text;
    while (text.size() < size)
      text += static_cast<char>(random() % 7 == 0 ? random() : 'a');
    for (const std::size_t piece : {1'000'000UZ, 65'536UZ, 7'919UZ}) {
      std::string compressed;
      gzip_encoder encoder;
      for (std::size_t at = 0; at < text.size(); at += piece)
        encoder.feed(std::string_view(text).substr(at, piece), compressed);
      encoder.finish(compressed);
      EXPECT_EQ(test::gunzip(compressed), text) << size << " bytes in pieces of " << piece;
    }
    EXPECT_EQ(test::gunzip(gzip(text)), text);
  }
}

TEST(GzipEncoder, MakesLittleOfALotOfTheSame) {
  EXPECT_LT(gzip(std::string(1'000'000, 'x')).size(), 10'000U);
}

}  // namespace
}  // namespace pushguard
