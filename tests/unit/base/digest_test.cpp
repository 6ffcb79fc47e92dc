#include "base/digest.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pushguard {
namespace {

TEST(Sha256Hex, IsThatOfTheStandard) {
  // printf abc | sha256sum
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hmac, IsThatOfTheTestVectors) {
  // RFC 4231 §4.3.
  const std::string mac = hmac_sha256("Jefe", "what do ya want for nothing?");
  std::string hex;
  for (const char byte : mac)
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  EXPECT_EQ(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace pushguard
