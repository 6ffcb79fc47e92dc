#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/fake_time.hpp"
#include "base/text.hpp"
#include "tests/support/receiver_kinds.hpp"
#include "tests/support/run_simulated.hpp"

namespace {

using namespace pushguard;
namespace asio = boost::asio;

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

/// A peer that takes everything and answers the same thing.
class answering_transport final : public transport {
 public:
  explicit answering_transport(std::string answer) : answer_(std::move(answer)) {}

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    const std::size_t size = std::min(into.size(), answer_.size() - at_);
    std::memcpy(into.data(), answer_.data() + at_, size);
    at_ += size;
    co_return size;
  }
  asio::awaitable<result<>> write(std::string_view) override { co_return result<>{}; }
  void end_writing() noexcept override {}
  void close() noexcept override {}
  void reset() noexcept override {}
  std::string peer() const override { return "127.0.0.1:80"; }

 private:
  std::string answer_;
  std::size_t at_ = 0;
};

class answering_network final : public network {
 public:
  explicit answering_network(std::string answer) : answer_(std::move(answer)) {}

  asio::awaitable<result<std::unique_ptr<transport>>> connect(origin, connect_options) override {
    co_return std::make_unique<answering_transport>(answer_);
  }
  result<std::unique_ptr<listener>> listen(const asio::any_io_executor&, std::string_view,
                                           std::uint16_t) override {
    return fail(errc::invalid, "nobody listens here");
  }

 private:
  std::string answer_;
};

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

int read_status(std::string_view text) {
  unsigned status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return static_cast<int>(status >= 200 && status < 600 ? status : 200 + status % 400);
}

/// Fit for a header: what a server could not send as one is not the question here.
std::string header_value(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
  return out;
}

/// What a receiver repeats of others' secrets came from who answered, not from it.
bool belongs_to(const alerts::receiver& to, std::string_view secret) {
  return (to.name() == "oncall" && secret == test::pagerduty_key) ||
         (to.name() == "chat" && secret == test::slack_path) ||
         (to.name() == "bus" && secret == test::webhook_path);
}

void demand_outcome(const alerts::receiver& to, int status, const alerts::delivery& outcome) {
  demand((outcome.verdict == alerts::delivery_verdict::sent) == (status < 300));
  demand((outcome.reason == alerts::delivery_reason::ok) == (status < 300));
  demand(!outcome.detail.empty() && to_valid_utf8(outcome.detail) == outcome.detail);
  demand(outcome.detail.size() < 400);
  demand(outcome.detail.find_first_of("\r\n") == std::string::npos);
  for (const char* secret : {test::pagerduty_key, test::slack_path, test::webhook_path})
    demand(outcome.detail.find(secret) == std::string::npos || !belongs_to(to, secret));
  demand(!outcome.retry_after || *outcome.retry_after >= duration::zero());
  demand(!outcome.retry_after || outcome.verdict == alerts::delivery_verdict::retry);
}

asio::awaitable<bool> tell(alerts::receiver& to, int status) {
  alerts::outbox_row row;
  row.content.id = "a";
  row.content.name = "Trouble";
  const alerts::delivery outcome = co_await to.deliver(std::move(row));
  demand_outcome(to, status, outcome);
  co_return true;
}

}  // namespace

/// What a receiver answers may be anything: a status (a line), Retry-After (a line), and a body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const int status = read_status(take_line(text));
  const bool has_body = status != 204 && status != 304;  // these have none
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " Some\r\n";
  answer += "Retry-After: " + header_value(take_line(text)) + "\r\n";
  answer += "Content-Length: " + std::to_string(has_body ? text.size() : 0) + "\r\n\r\n";
  if (has_body)
    answer += text;
  fake_time time;
  answering_network network(answer);
  asio::io_context context(1);
  const origin at{security::plain, "127.0.0.1", 80};
  for (const auto& to : test::make_every_kind(at, network, time, null_logger()))
    demand(test::simulate<bool>(context, time, tell(*to, status)));
  return 0;
}
