#include "base/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ParseUrl, ReadsSchemeHostPortAndTarget) {
  struct reading {
    std::string_view text;
    origin where;
    std::string_view target;
  };
  const reading table[] = {
      {"https://login.salesforce.com", {security::tls, "login.salesforce.com", 443}, "/"},
      {"http://127.0.0.1:9595/metrics", {security::plain, "127.0.0.1", 9595}, "/metrics"},
      {"HTTPS://Example.COM:443/A?b=C", {security::tls, "example.com", 443}, "/A?b=C"},
      {"http://example.com", {security::plain, "example.com", 80}, "/"},
      {"https://example.com?q=1", {security::tls, "example.com", 443}, "/?q=1"},
      {"https://example.com:/x", {security::tls, "example.com", 443}, "/x"},
      {"https://example.com/x#fragment", {security::tls, "example.com", 443}, "/x"},
      {"http://[::1]:80/", {security::plain, "::1", 80}, "/"},
      {"http://[2001:DB8::1]", {security::plain, "2001:db8::1", 80}, "/"},
      {"https://my_host/", {security::tls, "my_host", 443}, "/"},
      {"https://example.com/a@b", {security::tls, "example.com", 443}, "/a@b"},
      {"http://a:65535/", {security::plain, "a", 65535}, "/"}};
  for (const auto& [text, where, target] : table) {
    const auto parsed = parse_url(text);
    ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error().text();
    EXPECT_EQ(parsed->origin, where) << text;
    EXPECT_EQ(parsed->target, target) << text;
  }
}

TEST(ParseUrl, RefusesWhatItCannotConnectTo) {
  for (const std::string_view text : {"",
                                      "example.com",
                                      "//example.com",
                                      "ftp://example.com",
                                      "https:/example.com",
                                      "https://",
                                      "https:///x",
                                      "https://:443",
                                      "https://exa mple.com",
                                      "https://example.com/a b",
                                      "https://example.com/\n",
                                      "https://ex\xC3\xA4mple.com",
                                      "https://example.com:0",
                                      "https://example.com:65536",
                                      "https://example.com:-1",
                                      "https://example.com:44x",
                                      "https://a..b",
                                      "https://.a",
                                      "https://a.",
                                      "https://300.1.1.1",
                                      "https://1.2.3",
                                      "https://[::1",
                                      "https://[]",
                                      "https://[1.2.3.4]",
                                      "https://[::1]x",
                                      "https://::1",
                                      "https://ex%41mple.com",
                                      "https://[fe80::1%25eth0]"}) {
    const auto parsed = parse_url(text);
    EXPECT_FALSE(parsed.has_value()) << text;
    if (!parsed) {
      EXPECT_TRUE(parsed.error().is(errc::invalid)) << text;
      EXPECT_THAT(parsed.error().detail, HasSubstr("URL")) << text;
    }
  }
  EXPECT_FALSE(parse_url("https://" + std::string(254, 'a')).has_value());
  EXPECT_FALSE(parse_url("https://" + std::string(64, 'a') + ".com").has_value());
  EXPECT_TRUE(parse_url("https://" + std::string(63, 'a') + ".com").has_value());
  EXPECT_FALSE(parse_url("https://a/" + std::string(8192, 'a')).has_value());
}

TEST(ParseUrl, RefusesUserInformationWithoutRepeatingIt) {
  for (const std::string_view text :
       {"https://user:hidden@example.com/", "https://hidden@example.com", "http://a:hidden@b@c/"}) {
    const auto parsed = parse_url(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().detail, HasSubstr("user information"));
    EXPECT_THAT(parsed.error().detail, Not(HasSubstr("hidden")));
  }
}

TEST(Origin, WritesItsPortOnlyWhenItIsNotTheSchemesOwn) {
  EXPECT_EQ((origin{security::tls, "example.com", 443}).text(), "https://example.com");
  EXPECT_EQ((origin{security::tls, "example.com", 8443}).text(), "https://example.com:8443");
  EXPECT_EQ((origin{security::plain, "example.com", 443}).text(), "http://example.com:443");
  EXPECT_EQ((origin{security::plain, "example.com", 80}).authority(), "example.com");
  EXPECT_EQ((origin{security::plain, "::1", 8080}).text(), "http://[::1]:8080");
}

TEST(Origin, KnowsLoopbackAddresses) {
  for (const char* host : {"localhost", "127.0.0.1", "127.255.0.3", "::1", "0:0:0:0:0:0:0:1"}) {
    EXPECT_TRUE((origin{.host = host}).is_loopback()) << host;
  }
  for (const char* host : {"128.0.0.1", "126.255.255.255", "10.0.0.1", "::2", "localhost.example.com",
                           "127.0.0.1.example.com", "0.0.0.0", ""}) {
    EXPECT_FALSE((origin{.host = host}).is_loopback()) << host;
  }
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b+c/d?e=f&\xC3\xA4"), "a%20b%2Bc%2Fd%3Fe%3Df%26%C3%A4");
  EXPECT_EQ(percent_encode(std::string_view("\0", 1)), "%00");
}

TEST(PercentDecode, UndoesTheEncodingOfEveryByte) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_decode_path(percent_encode(all)), all);
}

TEST(PercentDecode, KeepsMalformedEscapesAndTreatsPlusByPlace) {
  EXPECT_EQ(percent_decode("%"), "%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%4g%41"), "%zz%4gA");
  EXPECT_EQ(percent_decode("a+b%2b"), "a b+");
  EXPECT_EQ(percent_decode_path("a+b%2b"), "a+b+");
}

}  // namespace
}  // namespace pushguard
