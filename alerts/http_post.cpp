#include "alerts/http_post.hpp"

#include <algorithm>

#include "base/deadline.hpp"
#include "base/text.hpp"

namespace pushguard::alerts {

namespace asio = boost::asio;

namespace {

// Answers are empty, or say in a few words what is wrong with the message.
constexpr std::size_t answer_size_max = std::size_t{64} * 1024;
constexpr std::size_t quoted_size_max = 200;

}  // namespace

http_post::http_post(network& network, time_source& time, url to, http_post_options options)
    : time_(time),
      target_(std::move(to.target)),
      timeout_(options.timeout),
      client_(make_http_client(network, time, std::move(to.origin),
                               {.connect = std::move(options.connect), .connections_max = 1})) {}

asio::awaitable<delivery> http_post::send(http_headers headers, std::string body, second_opinion more) {
  headers.set("Content-Type", "application/json");
  http_request request{
      .method = "POST", .target = target_, .headers = std::move(headers), .body = std::move(body)};
  http_call call;
  call.limits.body_size = answer_size_max;
  // Delivery is at least once: without an answer the outbox would send it again anyway.
  call.retry_stale = stale_retry::always;
  const std::string where = peer().text();
  auto sending = client_->send(std::move(request), std::move(call));
  const auto answer = co_await with_deadline(time_, time_.steady_now() + timeout_,
                                             "posting an alert to " + where, std::move(sending));
  if (!answer)
    co_return judge_failure(answer.error());
  delivery outcome = judge_response(*answer, where, time_.wall_now());
  if (more)
    more(*answer, outcome);
  co_return outcome;
}

std::string quote_answer(std::string_view words, std::initializer_list<std::string_view> secrets) {
  const auto repeats = [&](std::string_view secret) { return !secret.empty() && words.contains(secret); };
  if (std::ranges::any_of(secrets, repeats))
    return {};
  std::string line = to_valid_utf8(trim(words.substr(0, words.find_first_of("\r\n"))));
  line.resize(cut_at_character(line, quoted_size_max).size());
  return line;
}

}  // namespace pushguard::alerts
