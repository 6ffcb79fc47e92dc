#include "tests/interop/terminal_program.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace pushguard::test {
namespace {

using clock = std::chrono::steady_clock;

}  // namespace

terminal_program::terminal_program(std::vector<std::string> command, unsigned short columns,
                                   unsigned short rows,
                                   const std::vector<std::pair<std::string, std::string>>& environment)
    : columns_(columns), rows_(rows) {
  clear();
  std::vector<char*> arguments;
  for (std::string& word : command)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment)
    variables.push_back(name + "=" + value);
  std::vector<char*> prepared;
  for (std::string& each : variables)
    prepared.push_back(each.data());
  prepared.push_back(nullptr);
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  char name[64];
  pid_ = ::forkpty(&terminal_, name, nullptr, &size);
  if (pid_ < 0)
    throw std::runtime_error(std::string("a pseudo-terminal could not be made: ") + std::strerror(errno));
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execve(arguments[0], arguments.data(), prepared.data());
    ::_exit(127);
  }
  keeper_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

terminal_program::~terminal_program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(keeper_);
  ::close(terminal_);
}

void terminal_program::clear() {
  cells_.assign(rows_, std::string(columns_, ' '));
}

bool terminal_program::read_some(clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
  pollfd waiting{terminal_, POLLIN, 0};
  if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
    return false;
  char piece[4096];
  const ssize_t size = ::read(terminal_, piece, sizeof piece);
  if (size <= 0)
    return false;
  for (const char c : std::string_view(piece, static_cast<std::size_t>(size))) {
    written_ += c;
    draw(c);
  }
  return true;
}

void terminal_program::draw(char c) {
  if (sequence_) {
    *sequence_ += c;
    if (*sequence_ != "[" && c >= '@' && c <= '~') {
      obey(c);
      sequence_.reset();
    }
  } else if (c == '\x1b') {
    sequence_ = "";
  } else if (c == '\r') {
    column_ = 0;
  } else if (c == '\n') {
    row_ = std::min(row_ + 1, rows_ - 1);
  } else if (row_ < rows_) {
    cells_[row_][std::min(column_, columns_ - 1)] = c;
    ++column_;
  }
}

void terminal_program::obey(char last) {
  if (last == 'H') {
    unsigned row = 1;
    unsigned column = 1;
    std::sscanf(sequence_->c_str(), "[%u;%u", &row, &column);
    row_ = row - 1;
    column_ = column - 1;
  } else if (*sequence_ == "[2J" || *sequence_ == "[?1049l") {
    clear();
  } else if (*sequence_ == "[2K") {
    cells_[row_].assign(columns_, ' ');
  }
}

bool terminal_program::wait_for(const std::function<bool()>& is_right) {
  const auto until = clock::now() + patience;
  while (!is_right()) {
    if (!read_some(until))
      return is_right();
  }
  return true;
}

bool terminal_program::wait_for_text(const std::string& wanted) {
  return wait_for([&] { return text().find(wanted) != std::string::npos; });
}

std::vector<std::string> terminal_program::screen() const {
  std::vector<std::string> out = cells_;
  for (std::string& row : out)
    row.erase(row.find_last_not_of(' ') + 1);
  return out;
}

std::string terminal_program::text() const {
  std::string out;
  for (const std::string& row : screen())
    out += row + '\n';
  return out;
}

void terminal_program::press(const std::string& keys) const {
  if (::write(terminal_, keys.data(), keys.size()) < 0)
    throw std::runtime_error("the terminal takes no keys");
}

void terminal_program::resize(unsigned short columns, unsigned short rows) {
  columns_ = columns;
  rows_ = rows;
  row_ = column_ = 0;
  clear();
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(terminal_, TIOCSWINSZ, &size);
}

void terminal_program::signal(int number) const {
  ::kill(pid_, number);
}

bool terminal_program::is_cooked() const {
  termios mode{};
  return ::tcgetattr(keeper_, &mode) == 0 && (mode.c_lflag & ICANON) != 0 && (mode.c_lflag & ECHO) != 0;
}

bool terminal_program::wait_until_stopped() const {
  int status = 0;
  return ::waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status);
}

std::optional<int> terminal_program::wait() {
  const auto until = clock::now() + patience;
  int status = 0;
  // The keeper holds the terminal open: the end is told by the process, not by the terminal.
  for (pid_t ended = 0; ended == 0;) {
    static_cast<void>(read_some(std::min(until, clock::now() + std::chrono::milliseconds(20))));
    ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == 0 && clock::now() >= until)
      return std::nullopt;
  }
  pid_ = -1;
  while (read_some(clock::now() + std::chrono::milliseconds(1))) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace pushguard::test
