#include "agent/configuration/web_config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tls_server.hpp"
#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view hash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

class WebConfig : public testing::Test {
 protected:
  WebConfig() {
    const test::certificate_chain chain = authority_.issue({.names = {"DNS:localhost"}});
    files_.write("web.crt", chain.certificate);
    files_.write("web.key", chain.key);
    files_.write("other.key", authority_.issue({}).key);
    files_.write("noise", "nothing of the kind\n");
  }

  [[nodiscard]] std::filesystem::path file() const { return files_.directory() / "web.yml"; }

  web_config_reading read(const std::string& text) {
    files_.write("web.yml", text);
    return load_web_config(file());
  }

  /// The problems, without the file's own name before the position.
  std::vector<std::string> problems_of(const std::string& text) {
    auto outcome = read(text).outcome;
    std::vector<std::string> lines = outcome ? std::vector<std::string>() : std::move(outcome.error());
    for (std::string& line : lines) {
      if (line.starts_with(file().string() + ":"))
        line.erase(0, file().string().size() + 1);
    }
    return lines;
  }

  /// A TLS section with those lines added.
  static std::string tls(const std::string& lines) {
    return "tls_server_config:\n  cert_file: web.crt\n  key_file: web.key\n" + lines;
  }

  test::certificate_authority authority_;
  configuration_files files_;
};

TEST_F(WebConfig, MayBeEmpty) {
  for (const char* text : {"", "# nothing\n", "{}", "basic_auth_users: {}\n"}) {
    const auto made = read(text).outcome;
    ASSERT_TRUE(made) << text;
    EXPECT_EQ((*made)->tls, nullptr);
    EXPECT_THAT((*made)->users, IsEmpty());
    EXPECT_EQ((*made)->headers.size(), 0U);
  }
}

TEST_F(WebConfig, ReadsEveryKey) {
  const auto made = read(fmt::format(R"(
tls_server_config:
  cert_file: web.crt
  key_file: {0}/web.key
  client_ca_file: {1}
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example.com, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256]
  curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]
  prefer_server_cipher_suites: false
http_server_config:
  http2: true
  headers:
    Content-Security-Policy: "default-src 'self'"
    X-Frame-Options: SAMEORIGIN
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1; mode=block
    Strict-Transport-Security: max-age=31536000; includeSubDomains
basic_auth_users:
  alice: {2}
  "bob the builder": "{2}"
)",
                                     files_.directory().string(), authority_.file().string(), hash));
  ASSERT_TRUE(made.outcome) << fmt::format("{}", fmt::join(made.outcome.error(), "\n"));
  const web_config& config = **made.outcome;
  EXPECT_NE(config.tls, nullptr);
  EXPECT_EQ(config.headers.size(), 5U);
  EXPECT_EQ(config.headers.find("X-Frame-Options"), "SAMEORIGIN");
  ASSERT_THAT(config.users, SizeIs(2));
  EXPECT_EQ(config.users[0].name, "alice");
  EXPECT_EQ(config.users[0].hash.reveal(), hash);
  EXPECT_EQ(config.users[1].name, "bob the builder");
  std::vector<std::filesystem::path> paths;
  for (const stamped_file& each : made.files)
    paths.push_back(each.path);
  EXPECT_THAT(paths, ElementsAre(file(), files_.directory() / "web.crt", files_.directory() / "web.key",
                                 authority_.file()));
}

TEST_F(WebConfig, SaysWhatIsWrongAndWhere) {
  struct slip {
    std::string text;
    std::string problem;  ///< a part of the only one
  };
  const slip table[] = {
      {"tls_server_conf: {}\n", "1:1: "},
      {"- a\n", "1:1: "},
      {"basic_auth_users: [a]\n", "1:19: "},
      {"tls_server_config:\n  key_file: web.key\n", "2:3: missing key 'cert_file' in tls_server_config"},
      {"tls_server_config:\n  cert_file: web.crt\n", "2:3: missing key 'key_file' in tls_server_config"},
      {tls("  cert: x\n"), "4:3: "},
      {"tls_server_config:\n  cert_file: none.crt\n  key_file: web.key\n", "2:14: cert_file: cannot read"},
      {"tls_server_config:\n  cert_file: web.crt\n  key_file: .\n", "3:13: key_file: cannot read"},
      {"tls_server_config:\n  cert_file: noise\n  key_file: web.key\n",
       "noise holds no certificate in PEM form"},
      {"tls_server_config:\n  cert_file: web.crt\n  key_file: noise\n",
       "noise holds no private key in PEM form without a passphrase"},
      {"tls_server_config:\n  cert_file: web.crt\n  key_file: other.key\n",
       "3:13: key_file: " + (files_.directory() / "other.key").string() +
           " is not the key of the certificate"},
      {tls("  client_auth_type: RequestClientCert\n  client_ca_file: noise\n"), "5:19: client_ca_file"},
      {tls("  client_auth_type: Sometimes\n"), "4:21: client_auth_type"},
      {tls("  client_auth_type: RequireAndVerifyClientCert\n"),
       "4:21: client_auth_type verifies certificates"},
      {tls("  client_auth_type: VerifyClientCertIfGiven\n"), "and so needs client_ca_file"},
      {tls("  client_ca_file: web.crt\n"), "4:19: client_ca_file has no effect without client_auth_type"},
      {tls("  client_allowed_sans: [a]\n"), "4:24: client_allowed_sans needs client_auth_type"},
      {tls("  min_version: TLS10\n"), "4:16: min_version: TLS10 is refused"},
      {tls("  max_version: TLS11\n"), "4:16: max_version: TLS11 is refused"},
      {tls("  min_version: SSL3\n"), "4:16: min_version"},
      {tls("  min_version: TLS13\n  max_version: TLS12\n"),
       "5:16: max_version must not be below min_version"},
      {tls("  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA255]\n"),
       "4:19: cipher_suites: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA255' is no cipher suite that OpenSSL has "
       "here; did "
       "you mean 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'?"},
      {tls("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"), "4:18: cipher_suites has none for TLS 1.2"},
      {tls("  curve_preferences: [CurveP224]\n"), "4:23: an item of curve_preferences"},
      {tls("  prefer_server_cipher_suites: maybe\n"), "4:32: prefer_server_cipher_suites"},
      {"http_server_config: { http2: perhaps }\n", "1:30: http2"},
      {"http_server_config: { http3: true }\n", "1:23: "},
      {"http_server_config:\n  headers:\n    Server: me\n", "3:5: "},
      {"http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
       "3:22: X-Frame-Options must be deny or sameorigin"},
      {"http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n",
       "3:29: X-Content-Type-Options must be nosniff"},
      {"http_server_config:\n  headers:\n    X-XSS-Protection: \"1\\r\\nSet-Cookie: a\"\n",
       "3:23: X-XSS-Protection must be one line"},
      {fmt::format("basic_auth_users:\n  \"a:b\": {}\n", hash),
       "2:3: a user of basic_auth_users must have a name"},
      {fmt::format("basic_auth_users:\n  \"\": {}\n", hash),
       "2:3: a user of basic_auth_users must have a name"},
      {"basic_auth_users:\n  alice: open sesame\n",
       "2:10: the password of user 'alice' must be a hash by bcrypt"},
      {"basic_auth_users:\n  alice: {}\n", "2:10: the password of user 'alice' must be a hash"},
      {fmt::format("basic_auth_users:\n  alice: $2x{}\n", hash.substr(3)), "must be a hash by bcrypt"},
      {fmt::format("basic_auth_users:\n  alice: $2b$03${}\n", hash.substr(7)),
       "is hashed at cost 3, which must be 4"},
      {fmt::format("basic_auth_users:\n  alice: $2b$16${}\n", hash.substr(7)),
       "is hashed at cost 16, which must be"},
      {fmt::format("basic_auth_users:\n  alice: {0}\n  alice: {0}\n", hash), "3:3: "},
  };
  for (const auto& [text, problem] : table)
    EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr(problem))) << text;
}

TEST_F(WebConfig, TellsEverythingAtOnce) {
  EXPECT_THAT(
      problems_of("tls_server_config:\n  cert_file: noise\n  key_file: noise\n  min_version: TLS10\n"
                  "http_server_config: { headers: { Server: me } }\nbasic_auth_users: { alice: a }\n"),
      SizeIs(5));
}

TEST_F(WebConfig, NeverRepeatsWhatMayBeAPassword) {
  for (const char* text :
       {"basic_auth_users:\n  alice: open sesame\n", "basic_auth_users:\n  alice: [open sesame]\n",
        "basic_auth_users:\n  alice: { open sesame: 1 }\n"})
    EXPECT_THAT(problems_of(text), ElementsAre(Not(HasSubstr("sesame")))) << text;
}

TEST_F(WebConfig, TakesBothSidesOfEachBoundaryOfTheCost) {
  for (const char* cost : {"04", "15"})
    EXPECT_THAT(problems_of(fmt::format("basic_auth_users:\n  alice: $2b${}${}\n", cost, hash.substr(7))),
                IsEmpty())
        << cost;
}

TEST_F(WebConfig, NamesTheFileThatCannotBeRead) {
  const auto read = load_web_config(files_.directory() / "none.yml");
  ASSERT_FALSE(read.outcome);
  EXPECT_THAT(read.outcome.error(), ElementsAre(AllOf(HasSubstr("none.yml"), HasSubstr("No such file"))));
  EXPECT_THAT(read.files, SizeIs(1));
}

TEST_F(WebConfig, KeepsLookingAtFilesThatAreMissing) {
  const auto before = read("tls_server_config:\n  cert_file: late.crt\n  key_file: web.key\n");
  ASSERT_FALSE(before.outcome);
  ASSERT_THAT(before.files, SizeIs(3));
  files_.write("late.crt", "something");
  EXPECT_NE(before.files[1].stamp, stamp_of(files_.directory() / "late.crt"));
}

TEST_F(WebConfig, WarnsOfWhatIsOverAndOfWhatEverybodyCanRead) {
  using std::filesystem::perms;
  const test::certificate_chain over = authority_.issue({.when = test::validity::over});
  files_.write("over.crt", over.certificate);
  files_.write("over.key", over.key);
  const auto made = read(fmt::format(
      "tls_server_config:\n  cert_file: over.crt\n  key_file: over.key\nbasic_auth_users: {{ alice: {} }}\n",
      hash));
  ASSERT_TRUE(made.outcome);
  const auto with_mode = [&](perms mode) {
    std::filesystem::permissions(file(), mode);
    std::filesystem::permissions(files_.directory() / "over.key", mode);
    return find_web_warnings(**made.outcome, file());
  };
  EXPECT_THAT(with_mode(perms::owner_read | perms::group_read),
              ElementsAre(HasSubstr("over.crt: the certificate")));
  EXPECT_THAT(with_mode(perms::owner_read | perms::others_read),
              ElementsAre(HasSubstr("has expired"), HasSubstr("the private key"), HasSubstr("the hashes")));
}

TEST_F(WebConfig, IsAPartOfTheConfiguration) {
  const std::string text =
      "hubs:\n  - name: devhub\n    login_url: https://example.my.salesforce.com\n    auth:\n"
      "      client_credentials: { client_id: a, client_secret: b }\nhttp:\n  web_config_file: web.yml\n";
  files_.write("web.yml", tls(""));
  const auto made = read_configuration(text, files_.file(), fixed_environment({}));
  ASSERT_TRUE(made) << fmt::format("{}", fmt::join(made.error(), "\n"));
  ASSERT_TRUE(made->web);
  EXPECT_EQ(made->web->file, file());
  EXPECT_NE(made->web->loaded->tls, nullptr);
  EXPECT_THAT(made->web->files, SizeIs(3));

  files_.write("web.yml", tls("  min_version: TLS10\n  curve_preferences: [x]\n"));
  const auto refused = read_configuration(text, files_.file(), fixed_environment({}));
  ASSERT_FALSE(refused);
  const std::string place = files_.file().string() + ":7:20: web_config_file: " + file().string();
  EXPECT_THAT(refused.error(), ElementsAre(HasSubstr(place + ":4:16: "), HasSubstr(place + ":5:23: ")));
}

TEST(BcryptHash, HasItsForm) {
  EXPECT_TRUE(is_bcrypt_hash(hash));
  EXPECT_EQ(bcrypt_cost_of(hash), 4);
  const std::string right(hash);
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = ':';
    EXPECT_FALSE(is_bcrypt_hash(wrong)) << wrong;
  }
  EXPECT_FALSE(is_bcrypt_hash(right + "a"));
  EXPECT_FALSE(is_bcrypt_hash(right.substr(1)));
  EXPECT_FALSE(is_bcrypt_hash(""));
}

}  // namespace
}  // namespace pushguard::configuration
