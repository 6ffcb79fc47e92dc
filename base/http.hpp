#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pushguard {

/// Header fields in the order they came; names compare without case.
class http_headers {
 public:
  using field = std::pair<std::string, std::string>;

  http_headers() = default;
  http_headers(std::initializer_list<field> fields) : fields_(fields) {}

  /// The first value of `name`.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// Every value of `name`, in order (Set-Cookie).
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// Replaces every field of that name by one.
  void set(std::string_view name, std::string value);

  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<field> fields_;
};

struct http_request {
  std::string method = "GET";
  std::string target = "/";  ///< path and query
  http_headers headers = {};
  std::string body = {};

  /// The target up to the `?`.
  [[nodiscard]] std::string_view path() const noexcept;
  /// The decoded value of a query parameter.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
};

struct http_response {
  int status = 0;
  http_headers headers = {};
  std::string body = {};

  [[nodiscard]] bool is_success() const noexcept { return status >= 200 && status < 300; }
};

/// "Not Found" for 404; "Unknown" for what has no name.
[[nodiscard]] std::string_view http_reason(int status) noexcept;

/// What this program calls itself in requests: `pushguard/1.2.3`.
[[nodiscard]] std::string_view http_user_agent() noexcept;

}  // namespace pushguard
