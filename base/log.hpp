#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/time_source.hpp"

namespace pushguard {

/// error: a human should act. warning: degraded and healing. info: a state changed. debug: per message.
enum class log_level { debug, info, warning, error };
enum class log_format { logfmt, json };

[[nodiscard]] std::string_view to_string(log_level level) noexcept;

/// One key with its value. Text is borrowed: it must outlive the call it is handed to.
struct log_field {
  using value_type = std::variant<std::string_view, std::int64_t, double, bool>;

  log_field(std::string_view k, std::string_view v) : key(k), value(v) {}
  log_field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  log_field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  log_field(std::string_view k, bool v) : key(k), value(v) {}
  log_field(std::string_view k, double v) : key(k), value(v) {}
  template <std::integral Integer>
  log_field(std::string_view k, Integer v) : key(k), value(static_cast<std::int64_t>(v)) {}

  std::string_view key;
  value_type value;
};

/// Where events go. Logs are events with a name from a fixed vocabulary and fields, never free prose.
class logger {
 public:
  virtual ~logger() = default;

  virtual void write(log_level level, std::string_view event, std::span<const log_field> fields) = 0;

  using fields = std::initializer_list<log_field>;
  void debug(std::string_view event, fields list = {}) {
    write(log_level::debug, event, {list.begin(), list.size()});
  }
  void info(std::string_view event, fields list = {}) {
    write(log_level::info, event, {list.begin(), list.size()});
  }
  void warning(std::string_view event, fields list = {}) {
    write(log_level::warning, event, {list.begin(), list.size()});
  }
  void error(std::string_view event, fields list = {}) {
    write(log_level::error, event, {list.begin(), list.size()});
  }
};

/// One event as a line without its end: `time=… level=info event=… key=value`, or the same as a JSON object.
/// Control characters, quotes and invalid UTF-8 are escaped, so that hostile text stays on its line.
[[nodiscard]] std::string format_log_line(log_format format, wall_time time, log_level level,
                                          std::string_view event, std::span<const log_field> fields);

/// Writes lines at or above `least` to standard error. Thread-safe. `time` must outlive it.
[[nodiscard]] std::unique_ptr<logger> make_stderr_logger(log_level least, log_format format,
                                                         time_source& time);

/// Drops everything.
[[nodiscard]] logger& null_logger() noexcept;

}  // namespace pushguard
