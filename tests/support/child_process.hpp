#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pushguard::test {

/// A program run by a test: its standard output is read by lines, its standard error is the test's own.
/// It ends with the test, also when the test is killed. Only the process started here is ever signalled.
class child_process {
 public:
  struct options {
    std::string directory;                                         ///< to run in; empty: the test's own
    std::vector<std::pair<std::string, std::string>> environment;  ///< added to the test's own
    /// Standard error joins standard output, for programs that log there.
    bool joins_stderr = false;
  };

  /// Starts `command[0]`, found on PATH. Throws std::runtime_error with one sentence where that fails.
  explicit child_process(const std::vector<std::string>& command, const options& opts);
  explicit child_process(const std::vector<std::string>& command) : child_process(command, options{}) {}
  /// Kills it if it still runs, and reaps it.
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// The next line of output without its end; nothing at the end of output or after `within`.
  [[nodiscard]] std::optional<std::string> read_line(std::chrono::milliseconds within);
  /// Reads on until a line contains `text`; nothing as above.
  [[nodiscard]] std::optional<std::string> read_line_with(std::string_view text,
                                                          std::chrono::milliseconds within);
  /// Everything it wrote until it closed its output, or until `within` passed.
  [[nodiscard]] std::string read_all(std::chrono::milliseconds within);

  void signal(int number);
  /// Asks it to end (SIGTERM), kills it after `within`, and reaps it. Idempotent.
  /// Its exit status, or 128 + the signal that ended it.
  int terminate(std::chrono::milliseconds within = std::chrono::seconds(5));
  /// Waits for it to end by itself. Nothing after `within`.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds within);

 private:
  [[nodiscard]] bool fill(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] std::optional<int> reap(int flags);

  pid_t pid_ = -1;
  int output_ = -1;
  std::string buffer_;
  std::optional<int> status_;
};

/// The path of `program` on PATH; nothing where it is not installed.
[[nodiscard]] std::optional<std::string> find_program(const std::string& program);

}  // namespace pushguard::test
