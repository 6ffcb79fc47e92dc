#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <array>

namespace pushguard {
namespace {

struct pair {
  const char* bytes;
  const char* text;
};

// RFC 4648 §10.
constexpr std::array vectors{pair{"", ""},
                             pair{"f", "Zg=="},
                             pair{"fo", "Zm8="},
                             pair{"foo", "Zm9v"},
                             pair{"foob", "Zm9vYg=="},
                             pair{"fooba", "Zm9vYmE="},
                             pair{"foobar", "Zm9vYmFy"}};

TEST(Base64, GoesBothWays) {
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  EXPECT_EQ(decode_base64(encode_base64(all)), all);
}

TEST(Base64, ReadsNothingElse) {
  for (const char* wrong :
       {"Zg", "Zg=", "Zg===", "=", "Zm9v\n", " Zm9v", "Zm9*", "Zh==", "Zm9-", "Zm9vZg==Zg=="})
    EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace pushguard
