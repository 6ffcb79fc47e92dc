#include "tests/support/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace pushguard::test {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds reap_interval{5};

// Everything the child needs, made before fork(): afterwards only async-signal-safe calls are allowed.
struct prepared_command {
  prepared_command(const std::vector<std::string>& command, const child_process::options& opts) {
    for (const auto& word : command)
      arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    for (char** each = environ; *each != nullptr; ++each)
      variables.emplace_back(*each);
    for (const auto& [name, value] : opts.environment) {
      const std::string begin = name + "=";
      std::erase_if(variables, [&](const std::string& one) { return one.starts_with(begin); });
      variables.push_back(begin + value);
    }
    for (const auto& one : variables)
      environment.push_back(const_cast<char*>(one.c_str()));
    environment.push_back(nullptr);
  }

  std::vector<char*> arguments;
  std::vector<std::string> variables;
  std::vector<char*> environment;
};

[[noreturn]] void become(const std::string& program, const prepared_command& command,
                         const child_process::options& opts, int output, pid_t parent) {
  // Ends with the test; if the test is gone already, at once.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent)
    ::_exit(127);
  // Asio's sockets would pass to the program, and a connection that the test resets would live on there.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::dup2(output, STDOUT_FILENO);
  if (opts.joins_stderr)
    ::dup2(output, STDERR_FILENO);
  if (!opts.directory.empty() && ::chdir(opts.directory.c_str()) != 0)
    ::_exit(127);
  ::execve(program.c_str(), command.arguments.data(), command.environment.data());
  ::_exit(127);
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::optional<std::string> find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return ::access(program.c_str(), X_OK) == 0 ? std::optional(program) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? std::string_view("/usr/bin:/bin") : std::string_view(path);
  while (!rest.empty()) {
    const auto end = rest.find(':');
    std::string candidate = std::string(rest.substr(0, end)) + "/" + program;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (::access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate))
      return candidate;
  }
  return std::nullopt;
}

child_process::child_process(const std::vector<std::string>& command, const options& opts) {
  const auto program = find_program(command.at(0));
  if (!program)
    throw std::runtime_error("the test needs the program " + command.at(0) + ", which is not installed");
  const prepared_command prepared(command, opts);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error("a pipe for " + command.at(0) + " could not be made: " + std::strerror(errno));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0)
    become(*program, prepared, opts, ends[1], parent);
  ::close(ends[1]);
  output_ = ends[0];
  if (pid_ < 0) {
    ::close(output_);
    throw std::runtime_error(command.at(0) + " could not be started: " + std::strerror(errno));
  }
}

child_process::~child_process() {
  terminate(milliseconds(500));
  ::close(output_);
}

// Reads what there is, waiting for it until `deadline`. False at the end of output or the deadline.
bool child_process::fill(clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock::now());
    pollfd waiting{output_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<milliseconds::rep>(0, left.count())));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return false;
    char piece[4096];
    const ssize_t size = ::read(output_, piece, sizeof piece);
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return false;
    buffer_.append(piece, static_cast<std::size_t>(size));
    return true;
  }
}

std::optional<std::string> child_process::read_line(milliseconds within) {
  const auto deadline = clock::now() + within;
  for (;;) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (!fill(deadline))
      return std::nullopt;
  }
}

std::optional<std::string> child_process::read_line_with(std::string_view text, milliseconds within) {
  const auto deadline = clock::now() + within;
  for (;;) {
    auto line = read_line(std::chrono::ceil<milliseconds>(deadline - clock::now()));
    if (!line || line->find(text) != std::string::npos)
      return line;
  }
}

std::string child_process::read_all(milliseconds within) {
  const auto deadline = clock::now() + within;
  while (fill(deadline)) {
  }
  return std::exchange(buffer_, {});
}

void child_process::signal(int number) {
  if (!status_)
    ::kill(pid_, number);
}

std::optional<int> child_process::reap(int flags) {
  if (status_)
    return status_;
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(pid_, &status, flags);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == pid_)
    status_ = exit_code(status);
  return status_;
}

std::optional<int> child_process::wait(milliseconds within) {
  const auto deadline = clock::now() + within;
  while (!reap(WNOHANG) && clock::now() < deadline) {
    const timespec pause{0, std::chrono::nanoseconds(reap_interval).count()};
    ::nanosleep(&pause, nullptr);
  }
  return status_;
}

int child_process::terminate(milliseconds within) {
  signal(SIGTERM);
  if (const auto ended = wait(within); ended)
    return *ended;
  signal(SIGKILL);
  return reap(0).value_or(-1);
}

}  // namespace pushguard::test
