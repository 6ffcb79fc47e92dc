#include "agent/web_gate.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>

#include "base/base64.hpp"
#include "base/fake_time.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/scratch_directory.hpp"
#include "tests/support/tls_server.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view hash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

class WebGate : public testing::Test {
 protected:
  WebGate() {
    router_.add("GET", "/", [](const http_request&, const path_parts&) -> asio::awaitable<http_reply> {
      http_reply reply;
      reply.body = "inside";
      co_return reply;
    });
    write_chain(authority_.issue({.names = {"DNS:localhost"}}));
  }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(directory_.path() / name, std::ios::binary) << text;
  }
  void write_chain(const test::certificate_chain& chain) const {
    write("web.crt", chain.certificate);
    write("web.key", chain.key);
  }

  [[nodiscard]] std::optional<configuration::web_settings> settings(const std::string& text) const {
    write("web.yml", text);
    configuration::web_config_reading read = configuration::load_web_config(directory_.path() / "web.yml");
    return configuration::web_settings{.file = directory_.path() / "web.yml",
                                       .loaded = read.outcome.value(),
                                       .files = std::move(read.files)};
  }

  web_gate& made(const std::optional<configuration::web_settings>& with) {
    return gate_.emplace(
        web_gate_parts{.time = time_,
                       .log = log_,
                       .tokens = [this] { return std::span<const configuration::api_token>(tokens_); },
                       .callers = callers_},
        with);
  }

  http_reply ask(const std::string& authorization = "", const std::string& path = "/") {
    http_request request;
    request.target = path;
    if (!authorization.empty())
      request.headers.set("Authorization", authorization);
    std::optional<http_reply> got;
    asio::co_spawn(context_, gate_->pass(request, router_),
                   [&](const std::exception_ptr& error, http_reply reply) {
                     if (error)
                       std::rethrow_exception(error);
                     got = std::move(reply);
                   });
    context_.restart();
    context_.run();
    return std::move(got.value());
  }

  static std::string basic(const std::string& pair) { return "Basic " + encode_base64(pair); }
  static std::string users(std::string_view name) {
    return fmt::format("basic_auth_users: {{ {}: {} }}\n", name, hash);
  }

  test::certificate_authority authority_;
  test::scratch_directory directory_;
  fake_time time_;
  caller_limits callers_{time_};
  test::recording_logger log_;
  std::vector<configuration::api_token> tokens_;
  http_router router_;
  asio::io_context context_{1};
  std::optional<web_gate> gate_;
};

TEST_F(WebGate, StandsOpenWithoutSettings) {
  made(std::nullopt);
  EXPECT_EQ(ask().body, "inside");
  EXPECT_EQ(ask(basic("a:b")).status, 200);
  EXPECT_EQ(gate_->tls(), nullptr);
  EXPECT_TRUE(gate_->is_current());
}

TEST_F(WebGate, AsksWhoItIs) {
  made(settings(users("alice")));
  const http_reply refused = ask();
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(std::string(refused.headers.find("WWW-Authenticate").value_or("")),
              testing::StartsWith("Basic realm="));
  EXPECT_THAT(refused.body, AllOf(HasSubstr(R"({"error":)"), HasSubstr(R"("unauthorized")")));
  EXPECT_EQ(ask("", "/no/such/path").status, 401) << "not even what there is";
  for (const char* pair : {"alice:wrong", "alice:", "bob:secret", ":secret", "alice"})
    EXPECT_EQ(ask(basic(pair)).status, 401) << pair;
  EXPECT_EQ(ask(basic("alice:secret")).body, "inside");
  EXPECT_EQ(ask(basic("alice:secret"), "/no/such/path").status, 404);
}

TEST_F(WebGate, LetsATokenInAsItDoesAPassword) {
  tokens_.push_back({.name = "ann", .token = secret("0123456789abcdef")});
  made(settings(users("alice")));
  EXPECT_EQ(ask("Bearer 0123456789abcdef").body, "inside");
  EXPECT_EQ(ask("Bearer 0123456789abcdeg").status, 401);
  EXPECT_EQ(ask("Bearer ").status, 401);
  tokens_.clear();
  EXPECT_EQ(ask("Bearer 0123456789abcdef").status, 401);
}

TEST_F(WebGate, PutsOffWrongTokensAfterTenAndNobodyElse) {
  tokens_.push_back({.name = "ann", .token = secret("0123456789abcdef")});
  made(settings(users("alice")));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(ask("Bearer 0123456789abcdeg").status, 401) << i;
  const http_reply put_off = ask("Bearer 0123456789abcdeg");
  EXPECT_EQ(put_off.status, 429);
  EXPECT_EQ(put_off.headers.find("Retry-After"), "1");
  EXPECT_EQ(ask("Bearer 0123456789abcdef").body, "inside");
  EXPECT_EQ(ask(basic("alice:secret")).body, "inside");
  EXPECT_EQ(ask().status, 401) << "who presents none guesses none";
  time_.advance(1s);
  EXPECT_EQ(ask("Bearer 0123456789abcdeg").status, 401);
  EXPECT_EQ(ask("Bearer 0123456789abcdeg").status, 429);
}

TEST_F(WebGate, AddsItsHeadersToEveryAnswer) {
  made(settings(
      "http_server_config: { headers: { X-Frame-Options: deny, X-Content-Type-Options: nosniff } }\n" +
      users("alice")));
  for (const http_reply& reply : {ask(), ask(basic("alice:secret")), ask(basic("alice:secret"), "/none")}) {
    EXPECT_EQ(reply.headers.find("X-Frame-Options"), "deny") << reply.status;
    EXPECT_EQ(reply.headers.find("X-Content-Type-Options"), "nosniff") << reply.status;
  }
}

TEST_F(WebGate, FollowsItsFiles) {
  made(settings(users("alice")));
  EXPECT_EQ(ask(basic("alice:secret")).status, 200);
  write("web.yml", users("bobby"));
  EXPECT_EQ(ask(basic("alice:secret")).status, 200) << "it looks once a second";
  time_.advance(1s);
  EXPECT_EQ(ask(basic("alice:secret")).status, 401);
  EXPECT_EQ(ask(basic("bobby:secret")).status, 200);
  EXPECT_THAT(log_.lines_of("web_config_loaded"), SizeIs(1));
  time_.advance(1h);
  EXPECT_EQ(ask(basic("bobby:secret")).status, 200);
  EXPECT_THAT(log_.lines_of("web_config_loaded"), SizeIs(1)) << "what did not change is not read";
}

TEST_F(WebGate, KeepsWhatWasRightWhileItsFilesAreWrong) {
  made(settings(users("alice")));
  write("web.yml", "basic_auth_users: { alice: open sesame, bob: [1] }\n");
  for (int i = 0; i < 3; ++i) {
    time_.advance(1s);
    EXPECT_EQ(ask(basic("alice:secret")).status, 200);
    EXPECT_FALSE(gate_->is_current());
  }
  const auto told = log_.lines_of("web_config_not_loaded");
  ASSERT_THAT(told, SizeIs(1)) << "once for a change";
  EXPECT_THAT(told[0], AllOf(HasSubstr("level=error"), HasSubstr("web.yml:1:28:"), HasSubstr("user 'bob'"),
                             Not(HasSubstr("sesame"))));
  std::filesystem::remove(directory_.path() / "web.yml");
  time_.advance(1s);
  EXPECT_EQ(ask(basic("alice:secret")).status, 200);
  EXPECT_THAT(log_.lines_of("web_config_not_loaded"), SizeIs(2));
  write("web.yml", users("alice"));
  time_.advance(1s);
  EXPECT_EQ(ask(basic("alice:secret")).status, 200);
  EXPECT_TRUE(gate_->is_current());
}

TEST_F(WebGate, IsCurrentAgainWhenAConfigurationBringsTheFile) {
  made(settings(users("alice")));
  write("web.yml", "nonsense: 1\n");
  time_.advance(1s);
  EXPECT_EQ(ask().status, 401);
  EXPECT_FALSE(gate_->is_current());
  gate_->configure(settings(users("bobby")));
  EXPECT_TRUE(gate_->is_current());
  EXPECT_EQ(ask(basic("bobby:secret")).status, 200);
  gate_->configure(std::nullopt);
  EXPECT_EQ(ask().status, 200);
}

TEST_F(WebGate, FollowsCertificatesThatComeBeforeTheirKeys) {
  made(settings("tls_server_config: { cert_file: web.crt, key_file: web.key }\n"));
  const auto first = gate_->tls();
  ASSERT_NE(first, nullptr);
  const test::certificate_chain next = authority_.issue({.names = {"DNS:localhost"}, .common_name = "next"});
  write("web.crt", next.certificate);
  time_.advance(1s);
  EXPECT_EQ(gate_->tls(), first);
  EXPECT_FALSE(gate_->is_current());
  EXPECT_THAT(log_.lines_of("web_config_not_loaded"),
              ElementsAre(HasSubstr("web.key is not the key of the certificate")));
  write("web.key", next.key);
  time_.advance(1s);
  const auto second = gate_->tls();
  EXPECT_NE(second, first);
  EXPECT_TRUE(gate_->is_current());
  EXPECT_EQ(gate_->tls(), second);
}

TEST_F(WebGate, LogsNoPasswordAndNoHash) {
  made(settings(users("alice")));
  ask(basic("alice:secret"));
  ask(basic("alice:hidden"));
  write("web.yml", users("alice") + "nonsense: 1\n");
  time_.advance(1s);
  ask(basic("alice:secret"));
  const std::string all = log_.text();
  for (const char* hidden : {"secret", "hidden", "$2b$"})
    EXPECT_THAT(all, Not(HasSubstr(hidden)));
}

}  // namespace
}  // namespace pushguard::agent
