#include "agent/salesforce/jwt_assertion.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "tests/support/key_pair.hpp"

namespace pushguard::salesforce::test {
namespace {

using namespace std::chrono_literals;
using pushguard::test::decode_base64url;
using pushguard::test::key_pair;
using pushguard::test::rsa_key;

constexpr wall_time sometime{1'800'000'000s};

struct parts_of_jwt {
  std::string header;
  std::string claims;
  std::string signed_text;
  std::string signature;
};

parts_of_jwt take_apart(const std::string& jwt) {
  const auto first = jwt.find('.');
  const auto second = jwt.find('.', first + 1);
  if (second == std::string::npos || jwt.find('.', second + 1) != std::string::npos)
    throw std::runtime_error("not three parts: " + jwt);
  return {decode_base64url(jwt.substr(0, first)), decode_base64url(jwt.substr(first + 1, second - first - 1)),
          jwt.substr(0, second), decode_base64url(jwt.substr(second + 1))};
}

jwt_claims sample_claims() {
  return {"3MVG9consumer", "push@example.com", "https://login.salesforce.com", sometime};
}

TEST(SignJwt, IsSignedWithTheKeyAndNoOther) {
  for (const std::string& pem : {rsa_key().private_pem(), rsa_key().traditional_pem()}) {
    const auto jwt = sign_jwt(sample_claims(), secret(pem));
    ASSERT_TRUE(jwt) << jwt.error().text();
    const auto parts = take_apart(*jwt);
    EXPECT_TRUE(rsa_key().has_signed(parts.signed_text, parts.signature));
    EXPECT_FALSE(rsa_key().has_signed(parts.signed_text + "x", parts.signature));
    EXPECT_FALSE(key_pair(key_pair::kind::rsa).has_signed(parts.signed_text, parts.signature));
    EXPECT_EQ(boost::json::parse(parts.header).at("alg"), "RS256");
  }
}

TEST(SignJwt, ClaimsWhatItIsTold) {
  const auto jwt = sign_jwt(sample_claims(), secret(rsa_key().private_pem()));
  ASSERT_TRUE(jwt) << jwt.error().text();
  EXPECT_EQ(boost::json::parse(take_apart(*jwt).claims),
            boost::json::parse(R"({"iss":"3MVG9consumer","sub":"push@example.com",
                                   "aud":"https://login.salesforce.com","exp":1800000000})"));
}

TEST(SignJwt, TellsTheExpiryInWholeSecondsBegun) {
  for (const duration more : {duration(0), duration(1ms), duration(999ms)}) {
    auto claims = sample_claims();
    claims.expiry += more;
    const auto jwt = sign_jwt(claims, secret(rsa_key().private_pem()));
    ASSERT_TRUE(jwt) << jwt.error().text();
    EXPECT_EQ(boost::json::parse(take_apart(*jwt).claims).at("exp"), 1'800'000'000);
  }
}

TEST(SignJwt, EscapesWhatJsonNeedsEscaped) {
  auto claims = sample_claims();
  claims.subject = "o\"brien\\\n\xC3\xA9@example.com";
  const auto jwt = sign_jwt(claims, secret(rsa_key().private_pem()));
  ASSERT_TRUE(jwt) << jwt.error().text();
  EXPECT_EQ(boost::json::parse(take_apart(*jwt).claims).at("sub").as_string(), claims.subject);
}

TEST(CheckPrivateKey, TakesRsaInEitherForm) {
  EXPECT_TRUE(check_private_key(secret(rsa_key().private_pem())));
  EXPECT_TRUE(check_private_key(secret(rsa_key().traditional_pem())));
  EXPECT_TRUE(check_private_key(secret(rsa_key().certificate_pem() + rsa_key().private_pem())))
      << "a file may hold both";
}

TEST(CheckPrivateKey, SaysWhatTheTextIsInstead) {
  const key_pair elliptic(key_pair::kind::elliptic);
  const key_pair edwards(key_pair::kind::edwards);
  const key_pair pss(key_pair::kind::rsa_pss);
  const std::string& pem = rsa_key().private_pem();
  const std::string not_rsa = "the private key is not RSA, which RS256 needs";
  const std::string is_protected =
      "the private key is protected by a passphrase, which nobody could type here; `openssl pkey` takes it "
      "off";
  const std::string no_key = "this is no private key in PEM";
  const std::string a_public_key = "this is a public key; the private key is needed here";
  const struct {
    const char* what;
    std::string text;
    std::string problem;
  } table[] = {
      {"EC", elliptic.private_pem(), not_rsa},
      {"EC, SEC 1", elliptic.traditional_pem(), not_rsa},
      {"Ed25519", edwards.private_pem(), not_rsa},
      {"RSA-PSS", pss.private_pem(), not_rsa},
      {"protected", rsa_key().protected_pem(), is_protected},
      {"protected, traditional", rsa_key().traditional_protected_pem(), is_protected},
      {"protected EC", elliptic.protected_pem(), is_protected},
      {"certificate", rsa_key().certificate_pem(),
       "this is a certificate, which belongs to the app in Salesforce; the private key is needed here"},
      {"public", rsa_key().public_pem(), a_public_key},
      {"public, PKCS#1", "-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----\n",
       a_public_key},
      {"empty", "", no_key},
      {"blank", "\n\n", no_key},
      {"garbage", "hunter2", no_key},
      {"zeros", std::string(1000, '\0'), no_key},
      {"cut off", pem.substr(0, pem.size() / 2), no_key},
      {"without its lines", pem.substr(pem.find('\n'), 400), no_key},
      {"damaged", std::string(pem).replace(pem.find('\n') + 5, 8, "!!!!!!!!"), no_key},
      {"OpenSSH", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n", no_key},
  };
  for (const auto& row : table) {
    const auto checked = check_private_key(secret(row.text));
    ASSERT_FALSE(checked) << row.what;
    EXPECT_TRUE(checked.error().is(errc::invalid)) << row.what;
    EXPECT_EQ(checked.error().text(), row.problem) << row.what;
    const auto jwt = sign_jwt(sample_claims(), secret(row.text));
    ASSERT_FALSE(jwt) << row.what;
    EXPECT_EQ(jwt.error().text(), row.problem) << row.what;
  }
}

}  // namespace
}  // namespace pushguard::salesforce::test
