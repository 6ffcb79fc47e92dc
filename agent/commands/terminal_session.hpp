#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commands/watch_frame.hpp"
#include "base/result.hpp"

namespace pushguard::agent {

/// Writes all of `bytes`, waiting where it must. errc::closed where nobody reads any more, errc::storage
/// otherwise.
[[nodiscard]] result<> write_all(int descriptor, std::string_view bytes);

/// Whether nobody will read what is written to `descriptor`: a pipe without a reader.
[[nodiscard]] bool is_reader_gone(int descriptor) noexcept;

/// The terminal of this process, taken over: its alternate screen without cursor, keys as they are pressed
/// and not shown. Signals that keys send still come. What was before is restored by leave() and by the
/// destructor.
class terminal_session {
 public:
  /// Fails with errc::unreachable where the process has no terminal to read keys from. Nothing is changed
  /// yet.
  [[nodiscard]] static result<terminal_session> open(int output);
  ~terminal_session();
  terminal_session(terminal_session&& other) noexcept;
  terminal_session(const terminal_session&) = delete;
  terminal_session& operator=(const terminal_session&) = delete;
  terminal_session& operator=(terminal_session&&) = delete;

  /// Idempotent; also after somebody else has changed the terminal, as a shell does with a stopped job.
  [[nodiscard]] result<> enter();
  void leave() noexcept;

  /// 80 by 24 where the terminal does not know.
  [[nodiscard]] frame_size size() const noexcept;
  /// Draws what differs from what was drawn last, in one write.
  [[nodiscard]] result<> show(const std::vector<std::string>& lines);
  /// The next show() draws everything.
  void forget() noexcept { is_blank_ = true; }

  /// An open file description of its own: that it is made non-blocking concerns nobody else.
  [[nodiscard]] int keys() const noexcept { return keys_; }

 private:
  terminal_session(int output, int keys) : output_(output), keys_(keys) {}

  int output_;
  int keys_;
  std::optional<termios> before_;
  std::vector<std::string> shown_;
  bool is_blank_ = true;
};

}  // namespace pushguard::agent
