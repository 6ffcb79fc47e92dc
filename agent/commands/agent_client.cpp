#include "agent/commands/agent_client.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "agent/commands/agent_channel.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t answer_size_max = 64 * 1024 * 1024;  // the largest page is about one

class blocking_agent_client final : public agent_client {
 public:
  result<> open(const connection_options& options) {
    auto made = make_agent_channel(options, {}, *network_, *time_);
    if (!made)
      return std::unexpected(made.error());
    channel_ = std::move(*made);
    return {};
  }

  result<json::value> get(std::string target) override {
    auto answer = ask({.method = "GET", .target = std::move(target), .headers = {}, .body = {}});
    if (!answer)
      return std::unexpected(answer.error());
    return json_of_answer(std::move(*answer), channel_->address());
  }

  result<json::value> post(std::string target, json::value body) override {
    http_request request{
        .method = "POST", .target = std::move(target), .headers = {}, .body = json::serialize(body)};
    request.headers.set("Content-Type", "application/json");
    auto answer = ask(std::move(request));
    if (!answer)
      return std::unexpected(answer.error());
    return json_of_answer(std::move(*answer), channel_->address());
  }

  result<std::string> get_text(std::string target) override {
    auto answer = ask({.method = "GET", .target = std::move(target), .headers = {}, .body = {}});
    if (!answer)
      return std::unexpected(answer.error());
    return text_of_answer(std::move(*answer), channel_->address());
  }

 private:
  result<http_response> ask(http_request request) {
    http_call call;
    call.limits.body_size = answer_size_max;
    std::optional<result<http_response>> reply;
    asio::co_spawn(context_, channel_->send(std::move(request), std::move(call)),
                   [&](const std::exception_ptr& error, result<http_response> got) {
                     if (error)
                       std::rethrow_exception(error);
                     reply = std::move(got);
                   });
    context_.restart();
    while (!reply && context_.run_one() > 0) {
    }
    if (!reply)
      return fail(errc::closed, fmt::format("{}: no answer", channel_->address()));
    return std::move(*reply);
  }

  asio::io_context context_{1};
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  std::unique_ptr<agent_channel> channel_;
};

}  // namespace

result<std::unique_ptr<agent_client>> make_agent_client(const connection_options& options) {
  auto made = std::make_unique<blocking_agent_client>();
  if (auto opened = made->open(options); !opened)
    return std::unexpected(opened.error());
  return made;
}

}  // namespace pushguard::agent
