#include "agent/basic_auth.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <mutex>

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

using verdict = password_verdict;

// "secret" by bcrypt under each of the three names that it goes by; the second has the higher cost.
constexpr std::string_view rest = "abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
std::string hash_of(std::string_view prefix) {
  return std::string(prefix) + std::string(rest);
}

/// Counts what is hashed, and makes `PASSWORD@SALT` of it: no password but "secret" is right.
class counting_hasher {
 public:
  [[nodiscard]] password_hasher hasher() {
    return [this](const secret& password, const std::string& like) {
      const std::lock_guard lock(mutex_);
      hashed_.push_back(like);
      return password.reveal() == "secret" ? like : std::string(like.size(), 'x');
    };
  }
  [[nodiscard]] std::vector<std::string> hashed() const {
    const std::lock_guard lock(mutex_);
    return hashed_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> hashed_;
};

class BasicAuthenticator : public testing::Test {
 protected:
  void begin_check(std::string name, std::string password) {
    asio::co_spawn(context_,
                   passwords_.check({.name = std::move(name), .password = secret(std::move(password))}),
                   [this](const std::exception_ptr& error, verdict got) {
                     if (error)
                       std::rethrow_exception(error);
                     verdicts_.push_back(got);
                   });
  }

  verdict check(std::string name, std::string password) {
    verdicts_.clear();
    begin_check(std::move(name), std::move(password));
    context_.restart();
    context_.run();
    return verdicts_.at(0);
  }

  counting_hasher counting_;
  asio::io_context context_{1};
  basic_authenticator passwords_{counting_.hasher()};
  std::vector<verdict> verdicts_;
};

std::vector<configuration::basic_auth_user> users() {
  return {{.name = "alice", .hash = secret(hash_of("$2b$04$"))},
          {.name = "bob", .hash = secret(hash_of("$2y$05$"))}};
}

TEST_F(BasicAuthenticator, HashesARightPasswordOnce) {
  passwords_.configure(users());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(check("alice", "secret"), verdict::right);
  EXPECT_THAT(counting_.hashed(), ElementsAre(hash_of("$2b$04$")));
}

TEST_F(BasicAuthenticator, HashesAWrongPasswordEachTime) {
  passwords_.configure(users());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(check("alice", "Secret"), verdict::wrong);
  EXPECT_THAT(counting_.hashed(), SizeIs(3));
  EXPECT_EQ(check("alice", "secret"), verdict::right);
}

TEST_F(BasicAuthenticator, HashesForAUserWhoDoesNotExistAtTheHighestCost) {
  passwords_.configure(users());
  EXPECT_EQ(check("mallory", "secret"), verdict::wrong) << "although the hasher says that it fits";
  EXPECT_EQ(check("", ""), verdict::wrong);
  const auto hashed = counting_.hashed();
  ASSERT_THAT(hashed, SizeIs(2));
  EXPECT_THAT(hashed, Each(testing::StartsWith("$2b$05$")));
  EXPECT_TRUE(configuration::is_bcrypt_hash(hashed[0]));
  EXPECT_EQ(hash_by_bcrypt(secret("any"), hashed[0]).size(), hashed[0].size())
      << "bcrypt works for it as for others";
}

TEST_F(BasicAuthenticator, KeepsUsersApart) {
  passwords_.configure(users());
  EXPECT_EQ(check("alice", "secret"), verdict::right);
  EXPECT_EQ(check("bob", "secret"), verdict::right);
  EXPECT_EQ(check("alic", "e:secret"), verdict::wrong);
  EXPECT_THAT(counting_.hashed(), SizeIs(3));
}

TEST_F(BasicAuthenticator, TakesNothingBehindAZeroByte) {
  passwords_.configure(users());
  EXPECT_EQ(check("alice", std::string("secret\0", 7)), verdict::wrong);
  EXPECT_THAT(counting_.hashed(), SizeIs(1)) << "it costs the same";
}

TEST_F(BasicAuthenticator, ForgetsWhatItRememberedWhenUsersChange) {
  passwords_.configure(users());
  EXPECT_EQ(check("alice", "secret"), verdict::right);
  passwords_.configure({users()[1]});
  EXPECT_EQ(check("alice", "secret"), verdict::wrong);
  passwords_.configure(users());
  EXPECT_EQ(check("alice", "secret"), verdict::right);
  EXPECT_THAT(counting_.hashed(), SizeIs(3));
}

TEST_F(BasicAuthenticator, LetsTheOldestGiveWay) {
  std::vector<configuration::basic_auth_user> many;
  for (std::size_t i = 0; i <= basic_authenticator::remembered_max; ++i)
    many.push_back({.name = fmt::format("user{}", i), .hash = secret(hash_of("$2b$04$"))});
  passwords_.configure(many);
  for (const auto& each : many)
    EXPECT_EQ(check(each.name, "secret"), verdict::right);
  const std::size_t before = counting_.hashed().size();
  EXPECT_EQ(check("user1", "secret"), verdict::right);
  EXPECT_EQ(counting_.hashed().size(), before);
  EXPECT_EQ(check("user0", "secret"), verdict::right);
  EXPECT_EQ(counting_.hashed().size(), before + 1);
}

TEST_F(BasicAuthenticator, HashesOnceForThoseWhoAskTogether) {
  passwords_.configure(users());
  for (int i = 0; i < 10; ++i)
    begin_check("alice", "secret");
  context_.run();
  EXPECT_THAT(verdicts_, SizeIs(10));
  EXPECT_THAT(verdicts_, Each(verdict::right));
  EXPECT_THAT(counting_.hashed(), SizeIs(1));
}

TEST(BasicAuthenticatorUnderLoad, AnswersThoseWhoAreTooMany) {
  std::promise<void> opened;
  const std::shared_future<void> gate = opened.get_future().share();
  std::atomic<int> hashed = 0;
  asio::io_context context(1);
  basic_authenticator passwords([gate, &hashed](const secret&, const std::string& like) {
    ++hashed;
    gate.wait();
    return like;
  });
  passwords.configure(users());
  std::vector<verdict> verdicts;
  const auto ask = [&](std::string password) {
    asio::co_spawn(context, passwords.check({.name = "alice", .password = secret(std::move(password))}),
                   [&](const std::exception_ptr&, verdict got) { verdicts.push_back(got); });
  };
  for (std::size_t i = 0; i < basic_authenticator::waiting_max + 3; ++i)
    ask(fmt::format("password {}", i));
  context.poll();
  EXPECT_THAT(verdicts, ElementsAre(verdict::busy, verdict::busy))
      << "one is hashed, and as many wait as may";
  opened.set_value();
  context.run();
  EXPECT_EQ(std::ranges::count(verdicts, verdict::right), basic_authenticator::waiting_max + 1);
  EXPECT_EQ(hashed, static_cast<int>(basic_authenticator::waiting_max) + 1);
}

TEST(HashByBcrypt, AgreesWithWhatOthersMade) {
  for (const char* prefix : {"$2a$04$", "$2b$04$", "$2y$04$"}) {
    EXPECT_EQ(hash_by_bcrypt(secret("secret"), hash_of(prefix)), hash_of(prefix));
    EXPECT_NE(hash_by_bcrypt(secret("Secret"), hash_of(prefix)), hash_of(prefix));
  }
  // From the test vectors of jBCrypt.
  const std::string known = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
  EXPECT_EQ(hash_by_bcrypt(secret("a"), known), known);
  EXPECT_EQ(hash_by_bcrypt(secret("a"), "no hash"), "");
}

TEST(BasicCredentials, AreReadFromTheHeader) {
  const auto read = [](std::string value) {
    http_request request;
    request.headers.set("Authorization", std::move(value));
    const auto got = read_basic_credentials(request);
    return got ? got->name + "|" + got->password.reveal() : "none";
  };
  EXPECT_EQ(read("Basic YWxpY2U6c2VjcmV0"), "alice|secret");
  EXPECT_EQ(read("bAsIc  YWxpY2U6c2VjcmV0 "), "alice|secret");
  EXPECT_EQ(read("Basic YWxpY2U6c2U6Y3JldA=="), "alice|se:cret");
  EXPECT_EQ(read("Basic Og=="), "|");
  for (const char* wrong : {"", "Basic", "Basic ", "Basic YWxpY2U=", "Basic !", "Bearer YWxpY2U6c2VjcmV0"})
    EXPECT_EQ(read(wrong), "none") << wrong;
  EXPECT_FALSE(read_basic_credentials(http_request{}));
}

}  // namespace
}  // namespace pushguard::agent
