#include "simulator/assertion.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/simulator/fixtures.hpp"
#include "tests/unit/simulator/signing.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

class Assertion : public testing::Test {
 protected:
  std::optional<assertion_defect> defect(const std::string& assertion) {
    return find_defect(assertion,
                       {.public_key = key_,
                        .issuer = "simulated-client",
                        .subject = "push@acme.example",
                        .audiences = audiences_,
                        .skew = 3min},
                       now_);
  }

  std::optional<assertion_defect> defect_of(const claims& of) {
    return defect(trusted_key().sign(rs256, of.json()));
  }
  std::optional<assertion_defect> defect_at(wall_time expiry) { return defect_of({.expiry = expiry}); }

  wall_time now_ = start_of_test().wall;
  std::string key_ = trusted_key().public_pem();
  std::vector<std::string> audiences_{"https://login.salesforce.com", "https://acme.my.salesforce.com"};
  claims good_{.expiry = now_ + 3min};
};

TEST_F(Assertion, IsTakenWhenEverythingIsRight) {
  EXPECT_EQ(defect_of(good_), std::nullopt);
  good_.audience = "https://acme.my.salesforce.com";
  good_.subject = "Push@Acme.example";
  EXPECT_EQ(defect_of(good_), std::nullopt) << "usernames have no case";
  EXPECT_EQ(defect(trusted_key().sign(R"({"typ":"JWT","alg":"RS256","kid":"1"})", good_.json())),
            std::nullopt);
  key_ = trusted_key().certificate_pem();
  EXPECT_EQ(defect_of(good_), std::nullopt);
}

TEST_F(Assertion, IsMalformedWithoutThreePartsOfBase64url) {
  const std::string good = trusted_key().sign(rs256, good_.json());
  const std::size_t first = good.find('.');
  const std::size_t last = good.rfind('.');
  const std::string claims_part = good.substr(first, last - first);
  for (const std::string& each :
       {std::string(), std::string("."), std::string(".."), std::string("..."), good.substr(0, last),
        good + ".", good + ".AAAA", good + "=", good + "+", good + " ",
        "AAAA" + claims_part + good.substr(last), base64url("{") + claims_part + good.substr(last),
        base64url("[]") + claims_part + good.substr(last),
        good.substr(0, first) + '.' + base64url("7") + good.substr(last),
        good.substr(0, first) + ".A" + good.substr(last),
        base64url(std::string(100'000, '[')) + claims_part + good.substr(last)})
    EXPECT_EQ(defect(each), assertion_defect::malformed) << each.substr(0, 200);
}

TEST_F(Assertion, MustBeOfRs256) {
  for (const std::string_view header : {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":"RS512"})",
                                        R"({"alg":"rs256"})", R"({"alg":7})", R"({"typ":"JWT"})"})
    EXPECT_EQ(defect(trusted_key().sign(header, good_.json())), assertion_defect::wrong_algorithm) << header;
  EXPECT_EQ(defect(base64url(R"({"alg":"none"})") + '.' + base64url(good_.json()) + '.'),
            assertion_defect::wrong_algorithm);
  EXPECT_EQ(defect(sign_with_secret(key_, R"({"alg":"HS256"})", good_.json())),
            assertion_defect::wrong_algorithm)
      << "the public key is no shared secret";
}

TEST_F(Assertion, MustBeSignedByTheKey) {
  EXPECT_EQ(defect(stranger_key().sign(rs256, good_.json())), assertion_defect::wrong_signature);
  EXPECT_EQ(defect(sign_with_secret(key_, rs256, good_.json())), assertion_defect::wrong_signature);
  const std::string good = trusted_key().sign(rs256, good_.json());
  EXPECT_EQ(defect(good.substr(0, good.rfind('.') + 1)), assertion_defect::wrong_signature);
  claims other = good_;
  other.subject = "admin@acme.example";
  const std::string forged = base64url(rs256) + '.' + base64url(other.json()) + good.substr(good.rfind('.'));
  EXPECT_EQ(defect(forged), assertion_defect::wrong_signature);
  key_ = "no key";
  EXPECT_EQ(defect(good), assertion_defect::wrong_signature);
}

TEST_F(Assertion, IsLookedAtInTheOrderOfIssuerSubjectAudienceTime) {
  claims wrong{.issuer = "other", .subject = "other@acme.example", .audience = "https://x.example"};
  EXPECT_EQ(defect(stranger_key().sign(rs256, wrong.json())), assertion_defect::wrong_signature);
  EXPECT_EQ(defect_of(wrong), assertion_defect::wrong_issuer);
  wrong.issuer = good_.issuer;
  EXPECT_EQ(defect_of(wrong), assertion_defect::wrong_subject);
  wrong.subject = good_.subject;
  EXPECT_EQ(defect_of(wrong), assertion_defect::wrong_audience);
  wrong.audience = good_.audience;
  EXPECT_EQ(defect_of(wrong), assertion_defect::expired);
  wrong.expiry = good_.expiry;
  EXPECT_EQ(defect_of(wrong), std::nullopt);
}

TEST_F(Assertion, ItsAudienceIsOneTextToTheLetter) {
  for (const std::string_view audience :
       {R"("https://login.salesforce.com/")", R"("login.salesforce.com")",
        R"("HTTPS://LOGIN.SALESFORCE.COM")", R"(["https://login.salesforce.com"])", R"("")", "null"}) {
    const std::string text =
        fmt::format(R"({{"iss":"{}","sub":"{}","aud":{},"exp":1}})", good_.issuer, good_.subject, audience);
    EXPECT_EQ(defect(trusted_key().sign(rs256, text)), assertion_defect::wrong_audience) << audience;
  }
}

TEST_F(Assertion, ItsTimeMayBePastByTheSkewAndAheadByADay) {
  EXPECT_EQ(defect_at(now_ - 3min - 1s), assertion_defect::expired);
  EXPECT_EQ(defect_at(now_ - 3min), std::nullopt);
  EXPECT_EQ(defect_at(now_), std::nullopt);
  EXPECT_EQ(defect_at(now_ + 24h), std::nullopt);
  EXPECT_EQ(defect_at(now_ + 24h + 1s), assertion_defect::too_far_ahead);
  const auto with_expiry = [&](std::string_view expiry) {
    return defect(
        trusted_key().sign(rs256, fmt::format(R"({{"iss":"{}","sub":"{}","aud":"{}"{}}})", good_.issuer,
                                              good_.subject, good_.audience, expiry)));
  };
  const auto milliseconds = now_.time_since_epoch().count();
  EXPECT_EQ(with_expiry(fmt::format(R"(,"exp":{})", milliseconds)), assertion_defect::too_far_ahead);
  EXPECT_EQ(with_expiry(fmt::format(R"(,"exp":{}.5)", milliseconds / 1000)), std::nullopt);
  EXPECT_EQ(with_expiry(fmt::format(R"(,"exp":"{}")", milliseconds / 1000)), assertion_defect::expired);
  EXPECT_EQ(with_expiry(""), assertion_defect::expired);
}

TEST(RsaPublicKey, IsToldFromEverythingElse) {
  EXPECT_TRUE(is_rsa_public_key(trusted_key().public_pem()));
  EXPECT_TRUE(is_rsa_public_key(trusted_key().certificate_pem()));
  EXPECT_FALSE(is_rsa_public_key(trusted_key().private_pem()));
  const signing_key elliptic(signing_key::kind::elliptic);
  EXPECT_FALSE(is_rsa_public_key(elliptic.public_pem()));
  EXPECT_FALSE(is_rsa_public_key(elliptic.certificate_pem()));
  const std::string pem = trusted_key().public_pem();
  EXPECT_FALSE(is_rsa_public_key(pem.substr(0, pem.size() / 2)));
  EXPECT_FALSE(is_rsa_public_key(""));
}

}  // namespace
}  // namespace pushguard::simulator
