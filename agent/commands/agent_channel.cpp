#include "agent/commands/agent_channel.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/file.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t token_file_size_max = 4096;  // a token is a line

std::string message_of(const json::value& body) {
  const json::value* error = body.is_object() ? body.get_object().if_contains("error") : nullptr;
  const json::value* message =
      error != nullptr && error->is_object() ? error->get_object().if_contains("message") : nullptr;
  return message != nullptr && message->is_string() ? std::string(message->get_string())
                                                    : json::serialize(body);
}

class http_agent_channel final : public agent_channel {
 public:
  http_agent_channel(url agent, secret token, std::unique_ptr<http_client> client)
      : agent_(std::move(agent)), token_(std::move(token)), client_(std::move(client)) {}

  asio::awaitable<result<http_response>> send(http_request request, http_call call) override {
    // The agent may stand behind a path of a reverse proxy.
    if (agent_.target != "/")
      request.target = agent_.target + request.target;
    if (!request.headers.find("Accept"))
      request.headers.set("Accept", "application/json");
    if (!token_.empty())
      request.headers.set("Authorization", "Bearer " + token_.reveal());
    return client_->send(std::move(request), std::move(call));
  }

  asio::awaitable<result<json::value>> get(std::string target, http_limits limits) override {
    http_request request{.method = "GET", .target = std::move(target), .headers = {}, .body = {}};
    http_call call;
    call.limits = limits;
    auto answer = co_await send(std::move(request), std::move(call));
    if (!answer)
      co_return std::unexpected(answer.error());
    co_return json_of_answer(std::move(*answer), address());
  }

  std::string address() const override { return agent_.origin.text(); }

 private:
  url agent_;
  secret token_;
  std::unique_ptr<http_client> client_;
};

}  // namespace

result<std::string> text_of_answer(http_response answer, const std::string& address) {
  if (answer.is_success())
    return std::move(answer.body);
  boost::system::error_code ec;
  const json::value body = json::parse(answer.body, ec);
  return fail(answer.status == 404 ? errc::not_found : errc::rejected,
              ec ? fmt::format("{} answered {}", address, answer.status) : message_of(body));
}

result<json::value> json_of_answer(http_response answer, const std::string& address) {
  const auto text = text_of_answer(std::move(answer), address);
  if (!text)
    return std::unexpected(text.error());
  boost::system::error_code ec;
  json::value body = json::parse(*text, ec);
  if (ec)
    return fail(errc::malformed, fmt::format("{} did not answer with JSON: is it Pushguard?", address));
  return body;
}

result<std::unique_ptr<agent_channel>> make_agent_channel(const connection_options& options,
                                                          connect_options connect, network& network,
                                                          time_source& time) {
  secret token;
  if (options.token_file) {
    const auto read = read_file(*options.token_file, token_file_size_max);
    if (!read)
      return std::unexpected(read.error());
    token = secret(std::string(trim(*read)));
  }
  if (options.url.origin.security == security::tls) {
    auto loaded = load_tls_trust(options.ca_file);
    if (!loaded)
      return std::unexpected(loaded.error());
    connect.trust = std::move(*loaded);
  }
  http_client_options client;
  client.connect = std::move(connect);
  return std::make_unique<http_agent_channel>(
      options.url, std::move(token), make_http_client(network, time, options.url.origin, std::move(client)));
}

}  // namespace pushguard::agent
