#include "tests/support/recording_logger.hpp"

namespace pushguard::test {

void recording_logger::write(log_level level, std::string_view event, std::span<const log_field> fields) {
  std::string line = format_log_line(log_format::logfmt, wall_time{}, level, event, fields);
  line.erase(0, line.find("level="));
  const std::lock_guard lock(mutex_);
  entries_.push_back({std::string(event), std::move(line)});
}

std::vector<std::string> recording_logger::lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  found.reserve(entries_.size());
  for (const entry& each : entries_) {
    found.push_back(each.line);
  }
  return found;
}

std::vector<std::string> recording_logger::lines_of(std::string_view event) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const entry& each : entries_) {
    if (each.event == event) {
      found.push_back(each.line);
    }
  }
  return found;
}

std::string recording_logger::text() const {
  std::string all;
  for (const std::string& line : lines()) {
    all += line + '\n';
  }
  return all;
}

void recording_logger::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace pushguard::test
