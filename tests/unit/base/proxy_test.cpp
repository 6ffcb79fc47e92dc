#include "base/proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace pushguard {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ParseProxy, ReadsSchemeHostPortAndCredentials) {
  struct reading {
    std::string_view text;
    origin at;
    std::string_view user;
    std::string_view password;
  };
  const reading table[] = {
      {"http://proxy:3128", {security::plain, "proxy", 3128}, "", ""},
      {"HTTP://Gate.Example.COM", {security::plain, "gate.example.com", 80}, "", ""},
      {"http://proxy:3128/", {security::plain, "proxy", 3128}, "", ""},
      {"https://proxy", {security::tls, "proxy", 443}, "", ""},
      {"http://[2001:DB8::1]:8080", {security::plain, "2001:db8::1", 8080}, "", ""},
      {"http://me:s3cret@proxy:3128", {security::plain, "proxy", 3128}, "me", "s3cret"},
      {"http://me@proxy", {security::plain, "proxy", 80}, "me", ""},
      {"http://me:@proxy", {security::plain, "proxy", 80}, "me", ""},
      {"http://corp%5Cme:a%40b%2Fc%3Ad%25@proxy", {security::plain, "proxy", 80}, "corp\\me", "a@b/c:d%"},
      {"http://me:a@b:c+d@proxy", {security::plain, "proxy", 80}, "me", "a@b:c+d"}};
  for (const auto& [text, at, user, password] : table) {
    const auto parsed = parse_proxy(text);
    ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error().text();
    EXPECT_EQ(parsed->at, at) << text;
    EXPECT_EQ(parsed->credentials.has_value(), !user.empty()) << text;
    EXPECT_EQ(parsed->credentials.value_or(basic_credentials{}).user.reveal(), user) << text;
    EXPECT_EQ(parsed->credentials.value_or(basic_credentials{}).password.reveal(), password) << text;
  }
}

TEST(ParseProxy, RefusesEverythingElseWithoutRepeatingIt) {
  for (const std::string_view text : {"",
                                      "s3cret",
                                      "s3cret:3128",
                                      "socks5://s3cret:1080",
                                      "http://",
                                      "http://:3128",
                                      "http://s3cret:0",
                                      "http://s3cret:65536",
                                      "http://s3cret:x",
                                      "http://s3cret/path",
                                      "http://s3cret?query",
                                      "http://s3cret#fragment",
                                      "http://@s3cret",
                                      "http://:s3cret@proxy",
                                      "http://s3%3Acret:x@proxy",
                                      "http://me:s3cret%0A@proxy",
                                      "http://me:s3/cret@proxy",
                                      "http://me:s3cret@",
                                      "http://me:s3cret@pro xy",
                                      "http://me:s3cret@[::1"}) {
    const auto parsed = parse_proxy(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_TRUE(parsed.error().is(errc::invalid)) << text;
    EXPECT_THAT(parsed.error().text(), AllOf(HasSubstr("proxy's URL"), Not(HasSubstr("s3")))) << text;
  }
}

TEST(ProxyExceptions, AreHostsNamesBelowThemAddressesAndNetworks) {
  struct question {
    std::string_view exceptions;
    origin to;
    bool is_contained;
  };
  const auto host = [](std::string name, std::uint16_t port = 443) {
    return origin{security::tls, std::move(name), port};
  };
  const question table[] = {{"", host("example.com"), false},
                            {"*", host("example.com"), true},
                            {"a,*", host("::1"), true},
                            {"example.com", host("example.com"), true},
                            {"Example.COM.", host("example.com"), true},
                            {"example.com", host("www.example.com"), true},
                            {".example.com", host("www.example.com"), true},
                            {".example.com", host("example.com"), true},
                            {"*.example.com", host("a.b.example.com"), true},
                            {"example.com", host("badexample.com"), false},
                            {"www.example.com", host("example.com"), false},
                            {"example.com", host("example.com.evil"), false},
                            {"a.com,b.com", host("b.com"), true},
                            {"a.com  b.com", host("b.com"), true},
                            {" , a.com ,, b.com,", host("b.com"), true},
                            {" , a.com ,, b.com,", host("c.com"), false},
                            {"example.com:443", host("www.example.com"), true},
                            {"example.com:443", host("example.com", 8443), false},
                            {"example.com:x", host("example.com"), false},
                            {"10.0.0.1", host("10.0.0.1"), true},
                            {"10.0.0.1", host("10.0.0.11"), false},
                            {"0.0.1", host("10.0.0.1"), false},
                            {"10.0.0.1:8080", host("10.0.0.1", 8080), true},
                            {"10.0.0.1:8080", host("10.0.0.1"), false},
                            {"10.0.0.0/8", host("10.255.0.1"), true},
                            {"10.0.0.0/8", host("11.0.0.1"), false},
                            {"192.168.128.0/17", host("192.168.128.0"), true},
                            {"192.168.128.0/17", host("192.168.127.255"), false},
                            {"0.0.0.0/0", host("1.2.3.4"), true},
                            {"0.0.0.0/0", host("::2"), false},
                            {"0.0.0.0/0", host("example.com"), false},
                            {"1.2.3.4/32", host("1.2.3.4"), true},
                            {"1.2.3.4/33", host("1.2.3.4"), false},
                            {"1.2.3.4/", host("1.2.3.4"), false},
                            {"example.com/8", host("example.com"), false},
                            {"2001:db8::1", host("2001:db8::1"), true},
                            {"2001:DB8:0::1", host("2001:db8::1"), true},
                            {"[2001:db8::1]", host("2001:db8::1"), true},
                            {"[2001:db8::1]:443", host("2001:db8::1"), true},
                            {"[2001:db8::1]:444", host("2001:db8::1"), false},
                            {"[2001:db8::1", host("2001:db8::1"), false},
                            {"fd00::/8", host("fdab::1"), true},
                            {"fd00::/8", host("fe80::1"), false},
                            {".", host("example.com"), false},
                            {":", host("example.com"), false}};
  for (const auto& [exceptions, to, is_contained] : table) {
    EXPECT_EQ(proxy_exceptions(exceptions).contain(to), is_contained) << exceptions << " and " << to.text();
  }
}

result<proxy_rules> from_environment(std::map<std::string, std::string, std::less<>> variables) {
  return environment_proxy([&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(EnvironmentProxy, IsForHttpsOriginsThatAreNeitherExceptionsNorThisMachine) {
  const auto rules = from_environment({{"HTTPS_PROXY", "proxy:3128"}, {"NO_PROXY", "inside.example"}});
  ASSERT_TRUE(rules.has_value());
  const proxy* const found = rules->on_the_way_to({.host = "example.com"});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->at, (origin{security::plain, "proxy", 3128}));
  const origin direct[] = {{.host = "a.inside.example"},
                           {.host = "localhost"},
                           {.host = "127.8.0.1"},
                           {.host = "::1"},
                           {security::plain, "example.com", 80}};
  for (const origin& to : direct) {
    EXPECT_EQ(rules->on_the_way_to(to), nullptr) << to.text();
  }
}

TEST(EnvironmentProxy, TakesTheNameInLowerCaseFirstAndAnEmptyValueForNone) {
  const auto host_of = [](std::map<std::string, std::string, std::less<>> variables) {
    const auto rules = from_environment(std::move(variables));
    const proxy* const found = rules.value().on_the_way_to({.host = "example.com"});
    return found ? found->at.host : "";
  };
  EXPECT_EQ(host_of({}), "");
  EXPECT_EQ(host_of({{"https_proxy", "http://lower"}, {"HTTPS_PROXY", "http://upper"}}), "lower");
  EXPECT_EQ(host_of({{"https_proxy", ""}, {"HTTPS_PROXY", "http://upper"}}), "upper");
  EXPECT_EQ(host_of({{"HTTPS_PROXY", ""}}), "");
  EXPECT_EQ(host_of({{"http_proxy", "http://other"}}), "");
  EXPECT_EQ(host_of({{"HTTPS_PROXY", "p"}, {"no_proxy", "example.com"}, {"NO_PROXY", "a"}}), "");
  EXPECT_EQ(host_of({{"HTTPS_PROXY", "p"}, {"no_proxy", "a"}, {"NO_PROXY", "example.com"}}), "p");
}

TEST(EnvironmentProxy, NamesTheVariableThatCannotBeUsedAndNotItsValue) {
  const auto rules = from_environment({{"https_proxy", "socks5://me:s3cret@proxy"}});
  ASSERT_FALSE(rules.has_value());
  EXPECT_EQ(rules.error().text(),
            "the environment variable https_proxy: the proxy's URL does not begin with http:// or https://");
}

TEST(ProxyRules, OfTheConfigurationAreForEveryOrigin) {
  EXPECT_EQ(proxy_rules{}.on_the_way_to({.host = "example.com"}), nullptr);
  const proxy_rules rules{.via = parse_proxy("http://proxy").value()};
  EXPECT_NE(rules.on_the_way_to({.host = "example.com"}), nullptr);
  EXPECT_NE(rules.on_the_way_to({security::plain, "127.0.0.1", 80}), nullptr);
}

}  // namespace
}  // namespace pushguard
