// TLS, client certificates and passwords of the program's HTTP side, with Debian's Prometheus and our own
// commands.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "tests/interop/monitoring_server.hpp"
#include "tests/interop/running_world.hpp"
#include "tests/support/tls_client.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::certificate_authority;
using test::certificate_chain;
using test::child_process;
using test::running_world;
using test::tls_answer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The password of deploy/web.example.yml, "example".
constexpr std::string_view hash = "$2y$10$Vb7zR0cQ3xYt1mLw8sKfOeDqmWhlMfFWewqQxi8GL2JdoslsASyFa";
constexpr std::string_view token = "alices-own-token-1";

class WebConfig : public testing::Test {
 protected:
  WebConfig() {
    world_.write_file("api.tokens", fmt::format("alice:{}\n", token));
    token_file_ = world_.write_file("token", std::string(token) + "\n");
    write_certificate("first");
  }

  void write_certificate(const std::string& common_name) {
    const certificate_chain chain = ca_.issue({.names = {"IP:127.0.0.1"}, .common_name = common_name});
    world_.write_file("web.crt", chain.certificate);
    world_.write_file("web.key", chain.key);
  }

  /// `clients` are lines of `tls_server_config`.
  void write_web_config(const std::string& clients = "") const {
    world_.write_file("web.yml",
                      fmt::format("tls_server_config:\n  cert_file: web.crt\n  key_file: web.key\n{}"
                                  "http_server_config: {{ headers: {{ X-Frame-Options: deny }} }}\n"
                                  "basic_auth_users:\n  prometheus: {}\n",
                                  clients, hash));
  }

  [[nodiscard]] std::string configuration() const {
    std::string text = world_.configuration();
    const std::string before = "http: { ";
    text.insert(text.find(before) + before.size(), "api_tokens_file: api.tokens, web_config_file: web.yml, ");
    return text;
  }

  /// Everything that the agent answers; its failure where it does not.
  std::string ask(std::string_view method, std::string_view path, std::string_view authorization = "",
                  std::optional<certificate_chain> own = std::nullopt) {
    const std::string headers =
        authorization.empty() ? "" : fmt::format("Authorization: {}\r\n", authorization);
    std::optional<result<tls_answer>> got;
    sockets_->run([](std::optional<result<tls_answer>>& into, origin to, test::tls_client_wish wish,
                     std::string request) -> boost::asio::awaitable<void> {
      into.emplace(co_await test::ask_over_tls(std::move(to), std::move(wish), std::move(request)));
    }(got, world_.agent_address(), {.ca_file = ca_.file(), .own = std::move(own)},
                                          test::last_request(method, path, headers)));
    if (!*got)
      return "failed: " + got->error().text();
    last_certificate_ = (*got)->common_name;
    return (*got)->text;
  }

  std::string metrics() { return ask("GET", "/metrics", bearer_); }

  /// The program to its end; standard output and error together.
  std::pair<int, std::string> run_program(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), PUSHGUARD_PROGRAM);
    child_process process(arguments, {.directory = {}, .environment = {}, .joins_stderr = true});
    const std::string output = process.read_all(60s);
    return {process.wait(10s).value_or(-1), output};
  }

  const std::string bearer_ = fmt::format("Bearer {}", token);
  const std::string basic_ = "Basic " + encode_base64("prometheus:example");
  certificate_authority ca_;
  running_world world_{test::bad_rollout()};
  std::unique_ptr<test::net_world> sockets_ = test::make_socket_world();
  std::filesystem::path token_file_;
  std::string last_certificate_;
};

TEST_F(WebConfig, ProtectsEveryPath) {
  write_web_config();
  world_.start_agent(configuration());
  EXPECT_EQ(world_.agent_address().security, security::tls);
  for (const char* path :
       {"/", "/metrics", "/metrics/orgs", "/-/healthy", "/-/ready", "/api/v1/rollouts", "/api/v1/requests",
        "/api/v1/decisions", "/api/v1/alerts", "/api/v1/holds", "/api/v1/audit", "/no/such/path"}) {
    EXPECT_THAT(ask("GET", path),
                AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr("WWW-Authenticate: Basic "),
                      HasSubstr("X-Frame-Options: deny"), HasSubstr(R"("code":"unauthorized")")))
        << path;
    EXPECT_THAT(ask("GET", path, "Basic " + encode_base64("prometheus:wrong")), StartsWith("HTTP/1.1 401 "));
    for (const std::string& right : {basic_, bearer_})
      EXPECT_THAT(ask("GET", path, right),
                  AllOf(Not(StartsWith("HTTP/1.1 401 ")), HasSubstr("X-Frame-Options: deny")))
          << path;
  }
  EXPECT_THAT(ask("GET", "/-/healthy", basic_), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET", "/-/healthy", bearer_), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("POST", "/-/reload"), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(ask("POST", "/-/reload", basic_), AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr("Bearer")))
      << "a password reads, a token acts";
  EXPECT_THAT(ask("POST", "/-/reload", bearer_), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebConfig, LetsCommandsInByTokenAndAuthority) {
  write_web_config();
  world_.start_agent(configuration());
  const auto status = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"status", "--url", world_.agent_address().text()};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(std::move(all));
  };
  const auto [code, output] =
      status({"--token-file", token_file_.string(), "--ca-file", ca_.file().string()});
  EXPECT_EQ(code, 0) << output;
  const auto [without_token, why] = status({"--ca-file", ca_.file().string()});
  EXPECT_EQ(without_token, 1);
  EXPECT_THAT(why, HasSubstr("a token of http.api_tokens_file"));
  const auto [without_ca, why_not] = status({"--token-file", token_file_.string()});
  EXPECT_EQ(without_ca, 1);
  EXPECT_THAT(why_not, HasSubstr("certificate is not trusted"));
}

TEST_F(WebConfig, FollowsItsFilesWithoutARestart) {
  write_web_config();
  world_.start_agent(configuration());
  EXPECT_THAT(metrics(), HasSubstr("pushguard_config_last_reload_successful 1\n"));
  EXPECT_EQ(last_certificate_, "first");

  write_certificate("second");
  EXPECT_TRUE(world_.wait_for([&] { return !metrics().empty() && last_certificate_ == "second"; }));

  world_.write_file("web.crt", "no certificate\n");
  EXPECT_TRUE(world_.wait_for(
      [&] { return metrics().find("pushguard_config_last_reload_successful 0\n") != std::string::npos; }));
  EXPECT_EQ(last_certificate_, "second") << "what was right stays in force";
  const auto told = world_.agent().read_line_with("event=web_config_not_loaded", running_world::patience);
  EXPECT_THAT(told.value_or(""), HasSubstr("web.crt holds no certificate"));
  world_.agent().signal(SIGHUP);
  const auto refused =
      world_.agent().read_line_with("event=configuration_not_loaded", running_world::patience);
  EXPECT_THAT(refused.value_or(""),
              AllOf(HasSubstr("web_config_file: "), HasSubstr("web.yml:2:14: cert_file")));

  write_certificate("third");
  EXPECT_TRUE(world_.wait_for([&] { return !metrics().empty() && last_certificate_ == "third"; }));
  world_.agent().signal(SIGHUP);
  EXPECT_TRUE(world_.agent().read_line_with("event=configuration_loaded", running_world::patience));
  EXPECT_THAT(metrics(), HasSubstr("pushguard_config_last_reload_successful 1\n"));
  EXPECT_EQ(world_.agent().terminate(10s), 0);
}

TEST_F(WebConfig, IsWhatPrometheusExpectsOfIt) {
  ASSERT_TRUE(test::find_program("prometheus")) << "prometheus is not installed; ./dev test installs it";
  const certificate_chain client =
      ca_.issue({.names = {"DNS:prometheus.example.com"}, .use = test::certificate_use::client});
  const certificate_chain other = ca_.issue({.names = {"DNS:other"}, .use = test::certificate_use::client});
  const auto keep = [&](const std::string& name, const certificate_chain& chain) {
    world_.write_file(name + ".crt", chain.certificate);
    world_.write_file(name + ".key", chain.key);
  };
  keep("client", client);
  keep("other", other);
  write_web_config(
      fmt::format("  client_ca_file: {}\n  client_auth_type: RequireAndVerifyClientCert\n"
                  "  client_allowed_sans: [prometheus.example.com]\n  min_version: TLS13\n",
                  ca_.file().string()));
  world_.start_agent(configuration());
  const auto job = [&](const std::string& name, const std::string& certificate, const std::string& password) {
    const std::string shown = certificate.empty()
                                  ? ""
                                  : fmt::format(", cert_file: {0}/{1}.crt, key_file: {0}/{1}.key",
                                                world_.directory().string(), certificate);
    return fmt::format(R"(
  - job_name: {}
    scheme: https
    basic_auth: {{ username: prometheus, password: {} }}
    tls_config: {{ ca_file: {}{} }}
    static_configs: [ {{ targets: ["{}"] }} ]
)",
                       name, password, ca_.file().string(), shown, world_.agent_address().authority());
  };
  const auto prometheus = test::start_prometheus(
      world_, "global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n" +
                  job("right", "client", "example") + job("wrong_password", "client", "guess") +
                  job("wrong_name", "other", "example") + job("no_certificate", "", "example"));
  ASSERT_TRUE(prometheus->is_running());
  const auto shows = [&](const std::string& expression, double expected) {
    return world_.wait_for(
        [&] { return test::query(world_, prometheus->address(), expression) == expected; });
  };
  EXPECT_TRUE(shows("up{job=\"right\"}", 1));
  EXPECT_TRUE(shows("pushguard_config_last_reload_successful{job=\"right\"}", 1));
  for (const char* name : {"wrong_password", "wrong_name", "no_certificate"})
    EXPECT_TRUE(shows(fmt::format("up{{job=\"{}\"}}", name), 0)) << name;
  EXPECT_EQ(test::query(world_, prometheus->address(), "max_over_time(up{job!=\"right\"}[1m])"), 0);

  // A renewal while it scrapes: its connections go on, and new ones see the new certificate.
  write_certificate("renewed");
  EXPECT_TRUE(world_.wait_for([&] {
    return ask("GET", "/-/healthy", basic_, client).starts_with("HTTP/1.1 200 ") &&
           last_certificate_ == "renewed";
  }));
  EXPECT_EQ(test::query(world_, prometheus->address(), "min_over_time(up{job=\"right\"}[10s])"), 1);
}

TEST_F(WebConfig, IsCheckedWithTheConfiguration) {
  const auto file = world_.write_file("pushguard.yaml", configuration());
  world_.write_file("web.yml",
                    "tls_server_config:\n  cert_file: web.crt\n  key_file: none.key\n"
                    "basic_auth_users: { bob: hunter2 }\n");
  const auto [code, output] = run_program({"check", "--config", file.string()});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(output, AllOf(HasSubstr("web.yml:3:13: key_file: cannot read"), HasSubstr("web.yml:4:26: "),
                            HasSubstr("user 'bob'"), Not(HasSubstr("hunter2"))));
  const certificate_chain over = ca_.issue({.when = test::validity::over});
  world_.write_file("web.crt", over.certificate);
  world_.write_file("web.key", over.key);
  write_web_config();
  const auto [right, warned] = run_program({"check", "--config", file.string()});
  EXPECT_EQ(right, 0) << warned;
  EXPECT_THAT(warned, HasSubstr("web.crt: the certificate has expired"));
}

}  // namespace
}  // namespace pushguard
