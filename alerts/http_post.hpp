#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "alerts/delivery.hpp"
#include "base/http_client.hpp"
#include "base/net.hpp"
#include "base/time_source.hpp"
#include "base/url.hpp"

namespace pushguard::alerts {

struct http_post_options {
  connect_options connect{.resolve = std::chrono::seconds(5),
                          .connect = std::chrono::seconds(5),
                          .handshake = std::chrono::seconds(5)};
  duration timeout = std::chrono::seconds(10);  ///< for one answer, connecting included
};

/// Posts JSON to one URL, whose path and query may be secret: only its origin is ever told. `network` and
/// `time` outlive it.
class http_post {
 public:
  http_post(network& network, time_source& time, url to, http_post_options options = {});

  /// One attempt, judged as by judge_response() and judge_failure(). `headers` come beside Content-Type.
  /// `more`, where it is given, may see an answer and change what is made of it.
  using second_opinion = std::function<void(const http_response& answer, delivery& outcome)>;
  [[nodiscard]] boost::asio::awaitable<delivery> send(http_headers headers, std::string body,
                                                      second_opinion more = {});

  [[nodiscard]] const origin& peer() const noexcept { return client_->peer(); }

 private:
  time_source& time_;
  std::string target_;
  duration timeout_;
  std::unique_ptr<http_client> client_;
};

/// What a receiver said about a message, fit for a log: at most 200 characters of one line, and the whole
/// left out where it repeats one of `secrets`.
[[nodiscard]] std::string quote_answer(std::string_view words,
                                       std::initializer_list<std::string_view> secrets);

}  // namespace pushguard::alerts
