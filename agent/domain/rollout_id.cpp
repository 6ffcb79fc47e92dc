#include "agent/domain/rollout_id.hpp"

#include <charconv>

#include "base/text.hpp"

namespace pushguard::domain {

std::string rollout_id::text() const {
  return std::string(version.text()) + '/' + std::to_string(number);
}

result<rollout_id> rollout_id::parse(std::string_view text) {
  const auto slash = text.find('/');
  auto version = version_id::parse(text.substr(0, slash));
  if (!version)
    return std::unexpected(version.error());
  if (slash == std::string_view::npos)
    return rollout_id{*version, 0};
  const auto digits = text.substr(slash + 1);
  std::uint32_t number = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (ec != std::errc{} || end != digits.data() + digits.size() || number == 0) {
    constexpr std::size_t quoted_bytes_max = 60;
    return fail(errc::invalid, "'" + to_valid_utf8(cut_at_character(text, quoted_bytes_max)) +
                                   "' is not a rollout: after the slash stands a number from 1");
  }
  return rollout_id{*version, number};
}

}  // namespace pushguard::domain
