#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "base/time_source.hpp"
#include "base/url.hpp"

namespace pushguard::program {

/// Stands in for Alertmanager in the demo: takes what is posted to `/api/v2/alerts`, on a thread and a port
/// of its own.
class alert_printer {
 public:
  virtual ~alert_printer() = default;
  [[nodiscard]] virtual origin local() const = 0;
};

/// `print` is called with one line for each alert that is new, changed or resolved, on the printer's thread.
[[nodiscard]] result<std::unique_ptr<alert_printer>> start_alert_printer(
    std::function<void(const std::string& line)> print, time_source& time, logger& log);

}  // namespace pushguard::program
