#include "tests/unit/agent/salesforce/scripted_hub.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <sstream>

namespace pushguard::salesforce::test {

std::string fixture(const std::string& name) {
  std::ifstream file(std::string(PUSHGUARD_SOURCE_DIR "/tests/data/salesforce/") + name);
  if (!file)
    throw std::runtime_error("no fixture " + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string one_page(std::string_view records) {
  return fmt::format(R"({{"totalSize":1,"done":true,"records":[{}]}})", records);
}

scripted_hub::scripted_hub() : network_(make_pipe_network()) {
  auto made = network_->listen(context_.get_executor(), "127.0.0.1", 0);
  if (!made)
    throw std::runtime_error(made.error().text());
  listener_ = std::move(*made);
  const auto handler = [this](const http_request& request) -> boost::asio::awaitable<http_reply> {
    co_return reply_to(request);
  };
  boost::asio::co_spawn(context_, serve_http(*listener_, handler, {}, time_, null_logger()),
                        boost::asio::detached);
}

scripted_hub::~scripted_hub() = default;

http_reply scripted_hub::reply_to(const http_request& request) {
  if (request.path() == "/services/oauth2/token")
    return reply_to_login(request);
  calls.push_back(request);
  const auto sent = request.headers.find("Authorization");
  if (good_token_.empty() || sent != "Bearer " + good_token_)
    return {.status = 401,
            .headers = {},
            .body = R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])"};
  if (replies_.empty())
    return {.status = 599, .headers = {}, .body = "nothing is written down for this call"};
  http_reply reply = std::move(replies_.front());
  replies_.pop_front();
  return reply;
}

http_reply scripted_hub::reply_to_login(const http_request& request) {
  logins.push_back(request);
  if (!login_replies_.empty()) {
    http_reply reply = std::move(login_replies_.front());
    login_replies_.pop_front();
    return reply;
  }
  good_token_ = fmt::format("token-{}", logins.size());
  return {.status = 200,
          .headers = {},
          .body = fmt::format(R"({{"access_token":"{}","instance_url":"{}","id":"{}/id/x/y"}})", good_token_,
                              address().text(), address().text())};
}

std::unique_ptr<login> scripted_hub::make_login() {
  return salesforce::make_login({clients(), time_, null_logger()},
                                client_credentials{{address(), "/"}, "client id", secret("s3cr&t")});
}

http_client_factory scripted_hub::clients() {
  return [this](const origin& to) -> std::shared_ptr<http_client> {
    return make_http_client(*network_, time_, to);
  };
}

std::string scripted_hub::soql(std::size_t call) const {
  return calls.at(call).query("q").value_or("");
}

}  // namespace pushguard::salesforce::test
