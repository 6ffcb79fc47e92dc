#include "agent/salesforce/api.hpp"

#include <charconv>

namespace pushguard::salesforce {
namespace {

class ignoring_observer final : public api_observer {
 public:
  void call_ended(api_operation, api_outcome) override {}
  void usage_told(api_usage) override {}
};

/// Reads a number at the front of `text` and removes it.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

std::string_view to_string(api_operation operation) noexcept {
  switch (operation) {
    case api_operation::login:
      return "login";
    case api_operation::versions:
      return "versions";
    case api_operation::limits:
      return "limits";
    case api_operation::describe:
      return "describe";
    case api_operation::query:
      return "query";
    case api_operation::cancel:
      return "cancel";
  }
  return "unknown";
}

std::string_view to_string(api_outcome outcome) noexcept {
  switch (outcome) {
    case api_outcome::success:
      return "success";
    case api_outcome::unauthorized:
      return "unauthorized";
    case api_outcome::rejected:
      return "rejected";
    case api_outcome::limit_exceeded:
      return "limit_exceeded";
    case api_outcome::timed_out:
      return "timed_out";
    case api_outcome::unavailable:
      return "unavailable";
    case api_outcome::malformed:
      return "malformed";
  }
  return "unknown";
}

std::optional<api_usage> parse_api_usage(std::string_view header) noexcept {
  constexpr std::string_view name = "api-usage=";
  std::size_t at = header.find(name);
  // `per-app-api-usage=` ends with the same letters.
  while (at != std::string_view::npos && at > 0 && header[at - 1] == '-')
    at = header.find(name, at + 1);
  if (at == std::string_view::npos)
    return std::nullopt;
  std::string_view rest = header.substr(at + name.size());
  const auto used = take_number(rest);
  if (!used || !rest.starts_with('/'))
    return std::nullopt;
  rest.remove_prefix(1);
  const auto limit = take_number(rest);
  if (!limit || *limit == 0)
    return std::nullopt;
  return api_usage{*used, *limit};
}

api_observer& null_api_observer() noexcept {
  static ignoring_observer instance;
  return instance;
}

}  // namespace pushguard::salesforce
