#include "tests/interop/cometd_loop.hpp"

namespace pushguard::test {

bool socket_loop::run_until(const std::function<bool()>& is_done, duration within) {
  const auto end = std::chrono::steady_clock::now() + within;
  while (!is_done() && std::chrono::steady_clock::now() < end) {
    context_.restart();
    if (context_.run_one_until(end) == 0 && context_.stopped())
      break;  // nobody is left who could make it true
  }
  return is_done();
}

}  // namespace pushguard::test
