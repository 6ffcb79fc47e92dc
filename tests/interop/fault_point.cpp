#include "base/fault_point.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

namespace pushguard {
namespace {

/// What the environment asks of this process: PUSHGUARD_KILL_AT=NAME:N, to die without a word at the Nth pass
/// of that point, and PUSHGUARD_FAULT_LOG=FILE, to append the name of each point to the file when it is
/// passed.
class fault_script {
 public:
  fault_script() {
    if (const char* file = std::getenv("PUSHGUARD_FAULT_LOG"))
      log_ = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char* asked = std::getenv("PUSHGUARD_KILL_AT");
    const std::string_view kill_at = asked == nullptr ? "" : asked;
    const auto colon = kill_at.rfind(':');
    if (colon == std::string_view::npos)
      return;
    fatal_ = kill_at.substr(0, colon);
    std::from_chars(kill_at.data() + colon + 1, kill_at.data() + kill_at.size(), fatal_pass_);
  }

  void pass(std::string_view name) {
    const std::lock_guard hold(mutex_);  // the store's thread has points, too
    const std::string line = std::string(name) + "\n";
    if (log_ >= 0 && ::write(log_, line.data(), line.size()) < 0)
      std::abort();  // a list with gaps would leave steps untried
    if (name == fatal_ && ++passes_ == fatal_pass_)
      ::kill(::getpid(), SIGKILL);
  }

 private:
  std::mutex mutex_;
  int log_ = -1;
  std::string fatal_;
  std::size_t fatal_pass_ = 0;
  std::size_t passes_ = 0;
};

}  // namespace

void with_fault_points::fault_point(const char* name) {
  static fault_script script;
  script.pass(name);
}

}  // namespace pushguard
