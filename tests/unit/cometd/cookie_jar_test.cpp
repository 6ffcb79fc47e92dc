#include "cometd/cookie_jar.hpp"

#include <gtest/gtest.h>

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;

const origin org{.security = security::tls, .host = "acme.my.salesforce.com", .port = 443};
const origin plain_org{.security = security::plain, .host = "acme.my.salesforce.com", .port = 80};
const origin loopback{.security = security::plain, .host = "127.0.0.1", .port = 9000};
const wall_time now = std::chrono::sys_days(std::chrono::year(2025) / 9 / 2) + 1h;
constexpr std::string_view path = "/cometd/62.0";

TEST(CookieJar, SendsBackWhatSalesforceSetsAtAHandshake) {
  cookie_jar jar;
  for (const std::string_view each :
       {"BrowserId=abc;Path=/;Domain=.salesforce.com;Expires=Sat, 01-Nov-2025 08:12:31 GMT;Max-Age=5184000",
        "t=token;Path=/cometd/;HttpOnly", "BAYEUX_BROWSER=77-x;Path=/cometd/;Secure",
        "sfdc-stream=!Z/x+1==; expires=Tue, 02-Sep-2025 04:00:00 GMT; path=/; SameSite=None; Secure"})
    EXPECT_EQ(jar.store(org, path, each, now), cookie_jar::stored::kept) << each;
  EXPECT_EQ(jar.header(org, path, now), "t=token; BAYEUX_BROWSER=77-x; BrowserId=abc; sfdc-stream=!Z/x+1==");
  EXPECT_EQ(jar.header(org, path, now + 4h), "t=token; BAYEUX_BROWSER=77-x; BrowserId=abc")
      << "sfdc-stream lives three hours";
  jar.clear();
  EXPECT_EQ(jar.header(org, path, now), "");
}

TEST(CookieJar, MatchesHostsAsRfc6265Says) {
  struct host_case {
    std::string_view cookie;
    std::string host;
    bool is_sent;
  };
  for (const auto& [cookie, host, is_sent] :
       {host_case{"a=1; Path=/", "acme.my.salesforce.com", true},
        host_case{"a=1; Path=/", "x.acme.my.salesforce.com", false},
        host_case{"a=1; Path=/; Domain=salesforce.com", "other.my.salesforce.com", true},
        host_case{"a=1; Path=/; Domain=SalesForce.com", "salesforce.com", true},
        host_case{"a=1; Path=/; Domain=salesforce.com", "evilsalesforce.com", false},
        host_case{"a=1; Path=/; Domain=my.salesforce.com", "salesforce.com", false}}) {
    cookie_jar jar;
    EXPECT_EQ(jar.store(org, path, cookie, now), cookie_jar::stored::kept);
    origin to = org;
    to.host = host;
    EXPECT_EQ(!jar.header(to, path, now).empty(), is_sent) << cookie << " to " << host;
  }
}

TEST(CookieJar, MatchesPathsAsRfc6265Says) {
  struct path_case {
    std::string_view cookie;
    std::string_view path;
    bool is_sent;
  };
  for (const auto& [cookie, to, is_sent] :
       {path_case{"a=1; Path=/cometd", "/cometd/62.0", true}, path_case{"a=1; Path=/cometd", "/cometd", true},
        path_case{"a=1; Path=/cometd", "/cometdx", false}, path_case{"a=1; Path=/cometd/", "/cometd", false},
        path_case{"a=1; Path=/", "/x", true}, path_case{"a=1", "/cometd/x", true},
        path_case{"a=1", "/x", false}, path_case{"a=1; Path=odd", "/cometd/y?q=/z", true}}) {
    cookie_jar jar;
    jar.store(org, path, cookie, now);
    EXPECT_EQ(!jar.header(org, to, now).empty(), is_sent) << cookie << " to " << to;
  }
}

TEST(CookieJar, SkipsForeignAndOddCookiesAndGoesOn) {
  cookie_jar jar;
  const std::string huge = "a=" + std::string(cookie_jar::cookie_size_max, 'x');
  for (const std::string_view each :
       {std::string_view("a=1; Domain=example.com"), std::string_view("a=1; Domain=com"),
        std::string_view("a=1; Domain=x.acme.my.salesforce.com"), std::string_view("novalue"),
        std::string_view(""), std::string_view("=1"), std::string_view(" =1; Path=/"),
        std::string_view("a=1\x01"), std::string_view(";;;"), std::string_view(huge)})
    EXPECT_EQ(jar.store(org, path, each, now), cookie_jar::stored::skipped) << each;
  EXPECT_EQ(jar.size(), 0U);
  EXPECT_EQ(jar.store(org, path, "b=2; Path=/; Expires=whenever; Max-Age=x; Foo; =; Secure=1", now),
            cookie_jar::stored::kept);
  EXPECT_EQ(jar.header(org, path, now), "b=2");
}

TEST(CookieJar, KeepsSecureCookiesOffPlainConnectionsButForLoopback) {
  cookie_jar jar;
  EXPECT_EQ(jar.store(plain_org, path, "a=1; Path=/; Secure", now), cookie_jar::stored::skipped);
  jar.store(org, path, "a=1; Path=/; Secure", now);
  EXPECT_EQ(jar.header(plain_org, path, now), "");
  EXPECT_EQ(jar.header(org, path, now), "a=1");
  jar.store(loopback, path, "b=2; Path=/; Secure", now);
  EXPECT_EQ(jar.header(loopback, path, now), "b=2");
}

TEST(CookieJar, NeverMatchesAnAddressByItsEnd) {
  cookie_jar jar;
  EXPECT_EQ(jar.store(loopback, path, "a=1; Domain=0.0.1", now), cookie_jar::stored::skipped);
  EXPECT_EQ(jar.store(loopback, path, "a=1; Domain=127.0.0.1; Path=/", now), cookie_jar::stored::kept);
}

TEST(CookieJar, LetsMaxAgeWinOverExpires) {
  cookie_jar jar;
  jar.store(org, path, "a=1; Path=/; Max-Age=60; Expires=Tue, 02 Sep 2025 00:00:00 GMT", now);
  EXPECT_EQ(jar.header(org, path, now + 59s), "a=1");
  EXPECT_EQ(jar.header(org, path, now + 60s), "");
  jar.store(org, path, "b=1; Path=/; Max-Age=99999999999999999999", now);
  EXPECT_EQ(jar.header(org, path, now + 24h * 365 * 50), "b=1");
}

TEST(CookieJar, ReplacesAndRemovesByNameDomainAndPath) {
  cookie_jar jar;
  jar.store(org, path, "a=1; Path=/", now);
  jar.store(org, path, "b=1; Path=/", now);
  jar.store(org, path, "a=2; Path=/", now);
  EXPECT_EQ(jar.header(org, path, now), "a=2; b=1") << "a replaced cookie keeps its place";
  EXPECT_EQ(jar.store(org, path, "a=; Path=/; Max-Age=0", now), cookie_jar::stored::removed);
  EXPECT_EQ(jar.store(org, path, "b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", now),
            cookie_jar::stored::removed);
  EXPECT_EQ(jar.size(), 0U);
}

TEST(CookieJar, BoundsItsSizeAndTheHeader) {
  cookie_jar jar;
  for (int i = 0; i < 500; ++i)
    jar.store(org, path, "c" + std::to_string(i) + "=" + std::string(1000, 'x') + "; Path=/", now);
  EXPECT_EQ(jar.size(), cookie_jar::cookies_max);
  const std::string header = jar.header(org, path, now);
  EXPECT_LE(header.size(), cookie_jar::header_size_max);
  EXPECT_TRUE(header.starts_with("c200=")) << "the oldest left first";
}

TEST(CookieDate, IsReadInEveryForm) {
  const wall_time expected = std::chrono::sys_days(std::chrono::year(2019) / 1 / 13) + 8h + 12min + 31s;
  for (const std::string_view text :
       {"Sun, 13-Jan-2019 08:12:31 GMT", "Sun, 13 Jan 2019 08:12:31 GMT", "Sunday, 13-Jan-19 08:12:31 GMT",
        "Sun Jan 13 08:12:31 2019", "13 january 2019 8:12:31"}) {
    const auto date = parse_cookie_date(text);
    ASSERT_TRUE(date.has_value()) << text;
    EXPECT_EQ(*date, expected) << text;
  }
  EXPECT_EQ(parse_cookie_date("1 Jan 70 0:0:0").value(), wall_time{});
}

TEST(CookieDate, IsRefusedWhereAPartIsMissingOrImpossible) {
  for (const std::string_view text : {"", "GMT", "13 Jan 2019", "08:12:31", "30 Feb 2019 08:12:31",
                                      "13 Jan 2019 24:00:00", "13 Jan 1600 00:00:00", "32 Jan 2019 08:12:31"})
    EXPECT_FALSE(parse_cookie_date(text).has_value()) << text;
}

}  // namespace
}  // namespace pushguard::cometd
