#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/log.hpp"

namespace pushguard::test {

/// Keeps every event as `level=info event=started key=value …`, as logfmt writes it but for the time.
/// Thread-safe.
class recording_logger final : public logger {
 public:
  void write(log_level level, std::string_view event, std::span<const log_field> fields) override;

  [[nodiscard]] std::vector<std::string> lines() const;
  /// The lines of one event, in order.
  [[nodiscard]] std::vector<std::string> lines_of(std::string_view event) const;
  /// All lines, each with its end: for searching what must not be there.
  [[nodiscard]] std::string text() const;
  void clear();

 private:
  struct entry {
    std::string event;
    std::string line;
  };

  mutable std::mutex mutex_;
  std::vector<entry> entries_;
};

}  // namespace pushguard::test
