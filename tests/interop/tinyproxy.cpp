#include "tests/interop/tinyproxy.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pushguard::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Generous: the machine may be busy with other tests.
constexpr auto patience = 20s;
// The free port found may be taken before the program gets it.
constexpr int tries_max = 5;

asio::awaitable<void> wait_until_ready(net_world& world, const origin& at, child_process& process,
                                       bool& is_ready) {
  const steady_time end = world.time().steady_now() + patience;
  while (!is_ready && world.time().steady_now() < end && !process.wait(0ms)) {
    const auto made = co_await world.net().connect(at, {});
    is_ready = made.has_value();
    co_await world.time().sleep_for(20ms);
  }
}

}  // namespace

tinyproxy::tinyproxy(const std::string& lines) {
  for (int i = 0; i < tries_max; ++i) {
    if (start(lines)) {
      return;
    }
  }
  throw std::runtime_error("tinyproxy did not get ready");
}

bool tinyproxy::start(const std::string& lines) {
  const auto probe = sockets_->net().listen(sockets_->context().get_executor(), "127.0.0.1", 0).value();
  address_ = probe->local();
  probe->close();
  const auto file = directory_.path() / "tinyproxy.conf";
  std::ofstream(file) << fmt::format("Listen 127.0.0.1\nPort {}\nAllow 127.0.0.1\nLogLevel Connect\n{}",
                                     address_.port, lines);
  process_ = std::make_unique<child_process>(
      std::vector<std::string>{"tinyproxy", "-d", "-c", file.string()},
      child_process::options{.directory = {}, .environment = {}, .joins_stderr = true});
  bool is_ready = false;
  sockets_->run(wait_until_ready(*sockets_, address_, *process_, is_ready));
  // Another program may have answered there.
  return is_ready && !process_->wait(0ms);
}

std::vector<std::string> tinyproxy::finish() {
  process_->terminate();
  constexpr std::string_view begin = "): CONNECT ";
  std::vector<std::string> wanted;
  std::istringstream log(process_->read_all(patience));
  for (std::string line; std::getline(log, line);) {
    if (const std::size_t at = line.find(begin); at != std::string::npos) {
      const std::size_t from = at + begin.size();
      wanted.push_back(line.substr(from, line.find(' ', from) - from));
    }
  }
  return wanted;
}

}  // namespace pushguard::test
