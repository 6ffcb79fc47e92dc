#include "simulator/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "simulator/scenario.hpp"
#include "tests/support/scratch_directory.hpp"
#include "tests/unit/simulator/signing.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::string with(std::string_view credentials) {
  return "waves: [{ start: 1m, orgs: 5 }]\ncredentials:\n" + std::string(credentials);
}

credentials_plan parsed(std::string_view credentials, const std::string& file = "test.yaml") {
  const auto made = parse_scenario(with(credentials), file);
  if (!made) {
    ADD_FAILURE() << made.error().text();
    return {};
  }
  return made->credentials;
}

std::string problems(std::string_view credentials) {
  const auto made = parse_scenario(with(credentials), "test.yaml");
  EXPECT_FALSE(made) << credentials;
  return made ? std::string() : made.error().text();
}

/// A PEM as a block of YAML.
std::string key_block(const std::string& pem) {
  std::string made = "  jwt:\n    username: push@acme.example\n    public_key: |\n";
  for (std::size_t at = 0; at < pem.size();) {
    const std::size_t end = pem.find('\n', at) + 1;
    made += "      " + pem.substr(at, end - at);
    at = end;
  }
  return made;
}

TEST(Credentials, WithoutKeysAreAsTheyAlwaysWere) {
  const credentials_plan made = parsed("  {}\n");
  EXPECT_EQ(made.client_id, "simulated-client");
  EXPECT_EQ(made.client_secret, "simulated-secret");
  EXPECT_EQ(made.token_life, 2h);
  EXPECT_FALSE(made.jwt);
  EXPECT_TRUE(made.refresh_tokens.empty());
  EXPECT_EQ(made.refresh_secret, refresh_secret::required);
  EXPECT_EQ(made.refresh_use, refresh_token_use::kept);
  EXPECT_EQ(made.clock_offset, 0s);
  EXPECT_EQ(made.instance_url, "");
  EXPECT_TRUE(made.faults.empty());
}

TEST(Credentials, ReadsEveryKey) {
  const credentials_plan made = parsed(key_block(trusted_key().public_pem()) + R"(
    audiences: [https://a.example, https://b.example]
    skew: 10s
  refresh_tokens: [one, two]
  refresh_secret_required: false
  rotate_refresh_tokens: true
  clock_offset: -5m
  instance_url: https://Acme.my.salesforce.com:8443
  faults:
    - { kind: locked_user }
    - { kind: slow, from: 1m, until: 2m, skip: 3, times: 4, delay: 40s }
)");
  ASSERT_TRUE(made.jwt);
  EXPECT_EQ(made.jwt->public_key, trusted_key().public_pem());
  EXPECT_EQ(made.jwt->username, "push@acme.example");
  EXPECT_THAT(made.jwt->audiences, ElementsAre("https://a.example", "https://b.example"));
  EXPECT_EQ(made.jwt->skew, 10s);
  EXPECT_THAT(made.refresh_tokens, ElementsAre("one", "two"));
  EXPECT_EQ(made.refresh_secret, refresh_secret::optional);
  EXPECT_EQ(made.refresh_use, refresh_token_use::rotated);
  EXPECT_EQ(made.clock_offset, -5min);
  EXPECT_EQ(made.instance_url, "https://acme.my.salesforce.com:8443");
  ASSERT_EQ(made.faults.size(), 2U);
  EXPECT_EQ(made.faults[0].kind, login_fault_kind::locked_user);
  EXPECT_EQ(made.faults[0].from, 0s);
  EXPECT_EQ(made.faults[0].until, std::nullopt);
  EXPECT_EQ(made.faults[0].skip, 0U);
  EXPECT_EQ(made.faults[0].times, std::nullopt);
  EXPECT_EQ(made.faults[0].delay, std::nullopt);
  EXPECT_EQ(made.faults[1].kind, login_fault_kind::slow);
  EXPECT_EQ(made.faults[1].from, 1min);
  EXPECT_EQ(made.faults[1].until, 2min);
  EXPECT_EQ(made.faults[1].skip, 3U);
  EXPECT_EQ(made.faults[1].times, 4U);
  EXPECT_EQ(made.faults[1].delay, 40s);
  EXPECT_EQ(parsed("  { clock_offset: 90s }\n").clock_offset, 90s);
}

TEST(Credentials, EveryFaultHasItsName) {
  for (const login_fault_kind kind : all_login_fault_kinds()) {
    const credentials_plan made = parsed("  { faults: [{ kind: " + std::string(name_of(kind)) + " }] }\n");
    ASSERT_EQ(made.faults.size(), 1U);
    EXPECT_EQ(made.faults[0].kind, kind);
  }
}

TEST(Credentials, AKeyFileLiesBesideTheScenarioOrWhereItSays) {
  const test::scratch_directory directory;
  const std::string pem = trusted_key().certificate_pem();
  std::ofstream(directory.path() / "hub.crt") << pem;
  const std::string scenario_file = (directory.path() / "scenario.yaml").string();
  EXPECT_EQ(parsed("  { jwt: { username: a, public_key_file: hub.crt } }\n", scenario_file).jwt->public_key,
            pem);
  const std::string absolute = (directory.path() / "hub.crt").string();
  EXPECT_EQ(parsed("  { jwt: { username: a, public_key_file: " + absolute + " } }\n").jwt->public_key, pem);
}

TEST(Credentials, TellsWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> cases[] = {
      {"jwt: 7", "test.yaml:3:10: "},
      {"jwt: { username: a }", "jwt must have exactly one of public_key, public_key_file"},
      {"jwt: { username: a, public_key: x, public_key_file: x }", "exactly one of"},
      {"jwt: { username: a, public_key: nonsense }",
       "test.yaml:3:37: public_key must be a public key of RSA, or a certificate of one, in PEM"},
      {"jwt: { username: a, public_key_file: absent.pem }", "public_key_file: the file cannot be used: "},
      {"jwt: { public_key: nonsense }", "username"},
      {"jwt: { username: a, public_key: x, audiences: [] }", "audiences must have 1 to 100 items"},
      {"jwt: { username: a, public_key: x, skew: -1s }", "skew"},
      {"jwt: { username: a, public_key: x, nonsense: 1 }", "nonsense"},
      {"refresh_tokens: one", "test.yaml:3:21: "},
      {"refresh_secret_required: perhaps", "refresh_secret_required"},
      {"rotate_refresh_tokens: 2", "rotate_refresh_tokens"},
      {"clock_offset: soon", "test.yaml:3:19: clock_offset"},
      {"clock_offset: --5m", "clock_offset"},
      {"clock_offset: -400d", "clock_offset"},
      {"clock_offset: [5m]", "clock_offset"},
      {"instance_url: acme.my.salesforce.com", "test.yaml:3:19: instance_url: "},
      {"instance_url: https://acme.example/path", "instance_url must end with the host or the port"},
      {"faults: slow", "faults"},
      {"faults: [{ from: 1m }]", "kind"},
      {"faults: [{ kind: nonsense }]", "test.yaml:3:22: kind must be inactive_user or locked_user or"},
      {"faults: [{ kind: slow, from: 1m, until: 1m }]", "test.yaml:3:45: until must be later than from"},
      {"faults: [{ kind: slow, from: -1m }]", "from"},
      {"faults: [{ kind: slow, skip: -1 }]", "skip"},
      {"faults: [{ kind: slow, times: 0 }]", "times"},
      {"faults: [{ kind: slow, delay: later }]", "delay"},
      {"faults: [{ kind: slow, on: connect }]", "on"},
  };
  for (const auto& [line, message] : cases) {
    const std::string text = problems("  { " + line + " }\n");
    EXPECT_THAT(text, testing::StartsWith("test.yaml:3:")) << line;
    EXPECT_THAT(text, HasSubstr(message)) << line;
  }
}

TEST(Credentials, ListsHaveLimits) {
  const auto list = [](std::string_view key, std::string_view item, std::size_t count) {
    std::string made = "  " + std::string(key) + ":\n";
    for (std::size_t index = 0; index < count; ++index)
      made += "    - " + std::string(item) + "\n";
    return made;
  };
  EXPECT_EQ(parsed(list("refresh_tokens", "a", refresh_tokens_max)).refresh_tokens.size(),
            refresh_tokens_max);
  EXPECT_THAT(problems(list("refresh_tokens", "a", refresh_tokens_max + 1)),
              HasSubstr("refresh_tokens must not have more than 1000 items"));
  EXPECT_EQ(parsed(list("faults", "{ kind: slow }", login_faults_max)).faults.size(), login_faults_max);
  EXPECT_THAT(problems(list("faults", "{ kind: slow }", login_faults_max + 1)),
              HasSubstr("there must not be more than 1000 faults"));
}

TEST(Credentials, ProblemsDoNotTellSecrets) {
  const std::string text =
      problems("  { client_secret: hush-1, refresh_tokens: [hush-2, []], faults: [{ kind: 7 }] }\n");
  EXPECT_THAT(text, testing::Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace pushguard::simulator
