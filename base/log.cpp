#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/text.hpp"

namespace pushguard {

std::string_view to_string(log_level level) noexcept {
  switch (level) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warning:
      return "warning";
    case log_level::error:
      return "error";
  }
  return "unknown";
}

namespace {

bool needs_quotes(std::string_view text) {
  if (text.empty())
    return true;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) >= 127)
      return true;
  }
  return false;
}

void append_logfmt(std::string& out, std::string_view text) {
  if (needs_quotes(text)) {
    append_json_string(out, text);
  } else {
    out += text;
  }
}

struct value_writer {
  std::string& out;
  log_format format;

  void operator()(std::string_view text) const {
    format == log_format::json ? append_json_string(out, text) : append_logfmt(out, text);
  }
  void operator()(std::int64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
  void operator()(bool claim) const { out += claim ? "true" : "false"; }
  void operator()(double number) const {
    const bool is_finite = number - number == 0.0;
    if (format == log_format::json && !is_finite) {
      out += "null";
    } else {
      fmt::format_to(std::back_inserter(out), "{}", number);
    }
  }
};

void append_field(std::string& out, log_format format, const log_field& field) {
  if (format == log_format::json) {
    if (out.size() > 1)
      out += ',';
    append_json_string(out, field.key);
    out += ':';
  } else {
    if (!out.empty())
      out += ' ';
    out += field.key;
    out += '=';
  }
  std::visit(value_writer{out, format}, field.value);
}

class stderr_logger final : public logger {
 public:
  stderr_logger(log_level least, log_format format, time_source& time)
      : least_(least),
        format_(format),
        time_(time),
        sink_("pushguard", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    sink_.set_pattern("%v");
    sink_.set_level(spdlog::level::trace);
    sink_.flush_on(spdlog::level::trace);
  }

  void write(log_level level, std::string_view event, std::span<const log_field> fields) override {
    if (level < least_)
      return;
    sink_.log(spdlog::level::info, format_log_line(format_, time_.wall_now(), level, event, fields));
  }

 private:
  log_level least_;
  log_format format_;
  time_source& time_;
  spdlog::logger sink_;
};

class dropping_logger final : public logger {
 public:
  void write(log_level, std::string_view, std::span<const log_field>) override {}
};

}  // namespace

std::string format_log_line(log_format format, wall_time time, log_level level, std::string_view event,
                            std::span<const log_field> fields) {
  std::string line;
  line.reserve(160);
  const std::string stamp = format_time(time);
  if (format == log_format::json)
    line += '{';
  append_field(line, format, {"time", stamp});
  append_field(line, format, {"level", to_string(level)});
  append_field(line, format, {"event", event});
  for (const log_field& field : fields)
    append_field(line, format, field);
  if (format == log_format::json)
    line += '}';
  return line;
}

std::unique_ptr<logger> make_stderr_logger(log_level least, log_format format, time_source& time) {
  return std::make_unique<stderr_logger>(least, format, time);
}

logger& null_logger() noexcept {
  static dropping_logger instance;
  return instance;
}

}  // namespace pushguard
