#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pushguard::test {

/// A program in a pseudo-terminal, whose screen is kept as a terminal would show it: as far as Pushguard's
/// own sequences go, of ASCII text. Waiting is reading on until the screen is right, within a generous bound.
class terminal_program {
 public:
  static constexpr auto patience = std::chrono::seconds(30);

  terminal_program(std::vector<std::string> command, unsigned short columns, unsigned short rows,
                   const std::vector<std::pair<std::string, std::string>>& environment);
  /// Kills it if it still runs.
  ~terminal_program();
  terminal_program(const terminal_program&) = delete;
  terminal_program& operator=(const terminal_program&) = delete;

  [[nodiscard]] bool wait_for(const std::function<bool()>& is_right);
  [[nodiscard]] bool wait_for_text(const std::string& text);
  /// Rows of the screen without trailing blanks.
  [[nodiscard]] std::vector<std::string> screen() const;
  [[nodiscard]] std::string text() const;
  /// Everything that was written so far.
  [[nodiscard]] const std::string& written() const noexcept { return written_; }

  void press(const std::string& keys) const;
  void resize(unsigned short columns, unsigned short rows);
  void signal(int number) const;
  /// Whether what is typed is shown and gathered to lines, as a shell wants it.
  [[nodiscard]] bool is_cooked() const;
  /// Waits until it is stopped by a signal.
  [[nodiscard]] bool wait_until_stopped() const;
  /// Reads to the end. Its exit status, or 128 + the signal that ended it; nothing where it goes on.
  [[nodiscard]] std::optional<int> wait();

 private:
  [[nodiscard]] bool read_some(std::chrono::steady_clock::time_point until);
  void draw(char c);
  void obey(char last);
  void clear();

  pid_t pid_ = -1;
  int terminal_ = -1;
  int keeper_ = -1;  // so that the terminal outlives the program
  std::size_t columns_;
  std::size_t rows_;
  std::string written_;
  std::vector<std::string> cells_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::optional<std::string> sequence_;
};

}  // namespace pushguard::test
