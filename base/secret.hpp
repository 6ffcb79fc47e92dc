#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <utility>

namespace pushguard {

/// A value that must not reach a log, an error or an answer: it prints as `***`.
class secret {
 public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}

  /// The value itself; the only way to it.
  [[nodiscard]] const std::string& reveal() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

  friend bool operator==(const secret&, const secret&) = default;
  friend std::ostream& operator<<(std::ostream& out, const secret&) { return out << "***"; }

 private:
  std::string value_;
};

}  // namespace pushguard

template <>
struct fmt::formatter<pushguard::secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const pushguard::secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
