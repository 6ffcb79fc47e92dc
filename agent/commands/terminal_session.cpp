#include "agent/commands/terminal_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace pushguard::agent {
namespace {

// Alternate screen, no cursor, and no line that is too wide goes on in the next.
constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr std::string_view leave_screen = "\x1b[0m\x1b[?7h\x1b[?1049l\x1b[?25h";

// A window of more is no window, and a frame must not take all memory.
constexpr unsigned short side_max = 1000;

}  // namespace

result<> write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno == EAGAIN) {  // whoever shares it made it non-blocking
      pollfd room{descriptor, POLLOUT, 0};
      ::poll(&room, 1, -1);
      continue;
    }
    const bool is_gone = errno == EPIPE || errno == EIO;
    return fail(is_gone ? errc::closed : errc::storage,
                fmt::format("writing the output: {}", std::strerror(errno)));
  }
  return {};
}

bool is_reader_gone(int descriptor) noexcept {
  pollfd end{descriptor, 0, 0};
  return ::poll(&end, 1, 0) > 0 && (end.revents & (POLLERR | POLLNVAL)) != 0;
}

result<terminal_session> terminal_session::open(int output) {
  const int keys = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (keys < 0)
    return fail(errc::unreachable, fmt::format("opening the terminal: {}", std::strerror(errno)));
  return terminal_session(output, keys);
}

terminal_session::terminal_session(terminal_session&& other) noexcept
    : output_(other.output_),
      keys_(std::exchange(other.keys_, -1)),
      before_(std::exchange(other.before_, std::nullopt)),
      shown_(std::move(other.shown_)),
      is_blank_(other.is_blank_) {}

terminal_session::~terminal_session() {
  leave();
  if (keys_ >= 0)
    ::close(keys_);
}

result<> terminal_session::enter() {
  if (!before_) {
    termios found{};
    if (::tcgetattr(keys_, &found) != 0)
      return fail(errc::unreachable,
                  fmt::format("asking the terminal for its mode: {}", std::strerror(errno)));
    before_ = found;
  }
  termios raw = *before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(keys_, TCSADRAIN, &raw);
  forget();
  return write_all(output_, enter_screen);
}

void terminal_session::leave() noexcept {
  if (!before_)
    return;
  static_cast<void>(write_all(output_, leave_screen));
  ::tcsetattr(keys_, TCSADRAIN, &*before_);
  before_.reset();
}

frame_size terminal_session::size() const noexcept {
  winsize found{};
  if (::ioctl(output_, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0)
    return {};
  return {.columns = std::min(found.ws_col, side_max), .rows = std::min(found.ws_row, side_max)};
}

result<> terminal_session::show(const std::vector<std::string>& lines) {
  std::string out = is_blank_ ? "\x1b[2J" : "";
  const std::size_t rows = std::max(lines.size(), is_blank_ ? 0 : shown_.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string line = i < lines.size() ? lines[i] : "";
    const std::string before = !is_blank_ && i < shown_.size() ? shown_[i] : "";
    // Erased first: after a full line the cursor stands on its last cell.
    if (line != before)
      out += fmt::format("\x1b[{};1H{}{}", i + 1, is_blank_ ? "" : "\x1b[2K", line);
  }
  shown_ = lines;
  is_blank_ = false;
  return write_all(output_, out);
}

}  // namespace pushguard::agent
