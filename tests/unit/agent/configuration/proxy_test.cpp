// Which proxy a hub gets, and that its password reaches no message.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using variables = std::map<std::string, std::string, std::less<>>;

class HubProxy : public testing::Test {
 protected:
  /// A configuration whose hub has `line` (or none, where that is empty).
  std::expected<configuration, problem_list> read(const std::string& line, variables set = {}) {
    const std::string text = "hubs:\n  - name: h\n    login_url: " + login_url_ + "\n" +
                             (line.empty() ? "" : "    " + line + "\n") +
                             "    auth: { client_credentials: { client_id: i, client_secret: s } }\n";
    return read_configuration(text, files_.file(), fixed_environment(std::move(set)));
  }

  /// The proxy on the way to `host`, with its user; `direct` without.
  std::string way_to(std::string host, const std::string& line, variables set = {}) {
    const auto made = read(line, std::move(set));
    if (!made)
      return fmt::format("{}", fmt::join(made.error(), "\n"));
    const proxy* const found = made->hubs.front().proxies.on_the_way_to({.host = std::move(host)});
    if (found == nullptr)
      return "direct";
    return found->credentials ? found->credentials->user.reveal() + " at " + found->at.text()
                              : found->at.text();
  }

  configuration_files files_;
  std::string login_url_ = "https://acme.my.salesforce.com";
};

TEST_F(HubProxy, ComesFromTheFileOrElseFromTheEnvironment) {
  const variables set{
      {"HTTPS_PROXY", "http://env:3128"}, {"NO_PROXY", "inside"}, {"P", "http://me:s3cret@own:1"}};
  EXPECT_EQ(way_to("example.com", ""), "direct");
  EXPECT_EQ(way_to("example.com", "", set), "http://env:3128");
  EXPECT_EQ(way_to("a.inside", "", set), "direct");
  EXPECT_EQ(way_to("127.0.0.1", "", set), "direct");
  EXPECT_EQ(way_to("example.com", "proxy: none", set), "direct");
  EXPECT_EQ(way_to("a.inside", "proxy: http://own:8080", set), "http://own:8080");
  EXPECT_EQ(way_to("127.0.0.1", "proxy: http://own:8080", set), "http://own:8080");
  EXPECT_EQ(way_to("example.com", "proxy: \"${P}\"", set), "me at http://own:1");
}

TEST_F(HubProxy, ThatCannotBeUsedIsNamedByItsPlaceAndNotRepeated) {
  EXPECT_THAT(way_to("x", "proxy: socks5://me:s3cret@proxy"),
              AllOf(HasSubstr("f.yaml:4:12: proxy: the proxy's URL does not begin with http:// or https://"),
                    Not(HasSubstr("s3cret"))));
  EXPECT_THAT(way_to("x", "proxy: \"${MISSING}\""),
              HasSubstr("f.yaml:4:12: proxy: the environment variable MISSING is not set"));
  EXPECT_THAT(way_to("x", "proxy: http://me:s3cret@proxy/path"),
              AllOf(HasSubstr("f.yaml:4:12: "), HasSubstr("without a path"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(way_to("x", "", {{"https_proxy", "socks5://me:s3cret@proxy"}}),
              AllOf(HasSubstr("f.yaml:2:5: the environment variable https_proxy: the proxy's URL"),
                    HasSubstr("`proxy: none`"), Not(HasSubstr("s3cret"))));
  EXPECT_EQ(way_to("x", "proxy: none", {{"https_proxy", "socks5://proxy"}}), "direct");
}

TEST_F(HubProxy, OfTheEnvironmentNeedNotBeUsableForAHubOfThisMachine) {
  const variables set{{"HTTPS_PROXY", "socks5://proxy"}};
  for (const char* url : {"http://127.0.0.1:8080", "http://localhost:8080", "https://[::1]"}) {
    login_url_ = url;
    EXPECT_EQ(way_to("127.0.0.1", "", set), "direct") << url;
    EXPECT_THAT(way_to("127.0.0.1", "proxy: socks5://proxy", set), HasSubstr("proxy: the proxy's URL"))
        << url;
  }
  login_url_ = "https://example.com";
  EXPECT_THAT(way_to("127.0.0.1", "", set), HasSubstr("the environment variable HTTPS_PROXY"));
}

TEST_F(HubProxy, OfTheEnvironmentIsHeldAgainstTheInstanceWhereThatIsAllThereIs) {
  const auto problems_with = [&](const std::string& instance) {
    const std::string text = "hubs:\n  - name: h\n    auth: { access_token: { instance_url: \"" + instance +
                             "\", token_file: t } }\n";
    const auto made =
        read_configuration(text, files_.file(), fixed_environment({{"HTTPS_PROXY", "socks5://proxy"}}));
    return made ? 0 : made.error().size();
  };
  EXPECT_EQ(problems_with("http://127.0.0.1:8080"), 0U);
  EXPECT_EQ(problems_with("https://acme.my.salesforce.com"), 1U);
}

}  // namespace
}  // namespace pushguard::configuration
