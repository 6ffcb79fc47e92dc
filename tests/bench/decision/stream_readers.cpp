#include "tests/bench/decision/stream_readers.hpp"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/task_group.hpp"
#include "tests/bench/decision/other_machine.hpp"

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;

constexpr std::size_t piece = 16UZ * 1024;

}  // namespace

stream_readers::stream_readers(const origin& agent, stream_audience audience)
    : not_begun_(audience.reading + audience.stalled) {
  std::future<bool> begun = begun_.get_future();
  thread_.run(read_all(agent, audience));
  if (!begun.get())
    throw std::runtime_error("the agent did not answer every event stream");
}

stream_readers::~stream_readers() {
  thread_.stop();
}

asio::awaitable<void> stream_readers::read_all(origin agent, stream_audience audience) {
  stand_for_another_machine();
  task_group readers(co_await asio::this_coro::executor);
  for (std::size_t i = 0; i < audience.reading; ++i)
    readers.spawn(read_one(agent, false));
  for (std::size_t i = 0; i < audience.stalled; ++i)
    readers.spawn(read_one(agent, true));
  co_await readers.join();
}

asio::awaitable<void> stream_readers::read_one(origin agent, bool stalls) {
  const std::string request =
      fmt::format("GET /api/v1/stream HTTP/1.1\r\nHost: {}\r\n\r\n", agent.text().substr(7));
  auto opened = co_await network_->connect(std::move(agent), {});
  if (!opened || !co_await (*opened)->write(request)) {
    note_begun(false);
    co_return;
  }
  std::vector<char> into(piece);
  for (bool is_first = true;; is_first = false) {
    const auto got = co_await (*opened)->read_some(into);
    if (is_first)
      note_begun(got && std::string_view(into.data(), *got).starts_with("HTTP/1.1 200 "));
    if (!got || *got == 0)
      co_return;
    if (stalls)
      co_await over_.wait();
    bytes_ += *got;
  }
}

void stream_readers::note_begun(bool is_well) {
  --not_begun_;
  if (is_settled_ || (is_well && not_begun_ > 0))
    return;
  is_settled_ = true;
  begun_.set_value(is_well);
}

}  // namespace pushguard::bench
