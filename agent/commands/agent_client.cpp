#include "agent/commands/agent_client.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "base/file.hpp"
#include "base/http_client.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t token_file_size_max = 4096;          // a token is a line
constexpr std::size_t answer_size_max = 64 * 1024 * 1024;  // the largest page is about one

class http_agent_client final : public agent_client {
 public:
  http_agent_client(url agent, secret token, std::shared_ptr<tls_trust> trust)
      : agent_(std::move(agent)), token_(std::move(token)) {
    http_client_options options;
    options.connect.trust = std::move(trust);
    client_ = make_http_client(*network_, *time_, agent_.origin, options);
  }

  result<json::value> get(std::string target) override {
    return parsed(text_of({.method = "GET", .target = prefix() + target, .headers = {}, .body = {}}));
  }

  result<json::value> post(std::string target, json::value body) override {
    http_request request{
        .method = "POST", .target = prefix() + target, .headers = {}, .body = json::serialize(body)};
    request.headers.set("Content-Type", "application/json");
    return parsed(text_of(std::move(request)));
  }

  result<std::string> get_text(std::string target) override {
    return text_of({.method = "GET", .target = prefix() + target, .headers = {}, .body = {}});
  }

 private:
  result<std::string> text_of(http_request request) {
    auto reply = ask(std::move(request));
    if (!reply) {
      return std::unexpected(reply.error());
    }
    if (!reply->is_success()) {
      boost::system::error_code ec;
      const json::value body = json::parse(reply->body, ec);
      return fail(reply->status == 404 ? errc::not_found : errc::rejected,
                  ec ? fmt::format("{} answered {}", agent_.origin.text(), reply->status) : message_of(body));
    }
    return std::move(reply->body);
  }

  result<json::value> parsed(const result<std::string>& text) const {
    if (!text) {
      return std::unexpected(text.error());
    }
    boost::system::error_code ec;
    json::value body = json::parse(*text, ec);
    if (ec) {
      return fail(errc::malformed,
                  fmt::format("{} did not answer with JSON: is it Pushguard?", agent_.origin.text()));
    }
    return body;
  }

  /// The agent may stand behind a path of a reverse proxy.
  std::string prefix() const { return agent_.target == "/" ? "" : agent_.target; }

  static std::string message_of(const json::value& body) {
    const json::value* error = body.is_object() ? body.get_object().if_contains("error") : nullptr;
    const json::value* message =
        error != nullptr && error->is_object() ? error->get_object().if_contains("message") : nullptr;
    return message != nullptr && message->is_string() ? std::string(message->get_string())
                                                      : json::serialize(body);
  }

  result<http_response> ask(http_request request) {
    request.headers.set("Accept", "application/json");
    if (!token_.empty()) {
      request.headers.set("Authorization", "Bearer " + token_.reveal());
    }
    http_call call;
    call.limits.body_size = answer_size_max;
    std::optional<result<http_response>> reply;
    asio::co_spawn(context_, client_->send(std::move(request), std::move(call)),
                   [&](const std::exception_ptr& error, result<http_response> got) {
                     if (error)
                       std::rethrow_exception(error);
                     reply = std::move(got);
                   });
    context_.restart();
    while (!reply && context_.run_one() > 0) {
    }
    if (!reply) {
      return fail(errc::closed, fmt::format("{}: no answer", agent_.origin.text()));
    }
    return std::move(*reply);
  }

  asio::io_context context_{1};
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  url agent_;
  secret token_;
  std::unique_ptr<http_client> client_;
};

}  // namespace

result<std::unique_ptr<agent_client>> make_agent_client(const connection_options& options) {
  secret token;
  if (options.token_file) {
    const auto read = read_file(*options.token_file, token_file_size_max);
    if (!read) {
      return std::unexpected(read.error());
    }
    token = secret(std::string(trim(*read)));
  }
  std::shared_ptr<tls_trust> trust;
  if (options.url.origin.security == security::tls) {
    auto loaded = load_tls_trust(options.ca_file);
    if (!loaded) {
      return std::unexpected(loaded.error());
    }
    trust = std::move(*loaded);
  }
  return std::make_unique<http_agent_client>(options.url, std::move(token), std::move(trust));
}

}  // namespace pushguard::agent
