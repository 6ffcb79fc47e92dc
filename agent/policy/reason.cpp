#include "agent/policy/reason.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pushguard::policy {
namespace {

constexpr int digits_min = 1;
constexpr int digits_max = 6;

std::string with_digits(double share, int digits) {
  return fmt::format("{:.{}f}%", share * 100.0, digits);
}

}  // namespace

std::string percentage_of(double share) {
  return with_digits(share, digits_min);
}

percentages percentages_of(double first, double second) {
  int digits = digits_min;
  percentages texts{with_digits(first, digits), with_digits(second, digits)};
  while (texts.first == texts.second && first != second && digits < digits_max) {
    ++digits;
    texts = {with_digits(first, digits), with_digits(second, digits)};
  }
  return texts;
}

std::string confidence_text(double alpha) {
  constexpr int significant_digits = 2;
  const int magnitude = static_cast<int>(std::floor(std::log10(alpha * 100.0) + 1e-9));
  auto text = fmt::format("{:.{}f}", 100.0 - alpha * 100.0, std::max(0, significant_digits - 1 - magnitude));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
      text.pop_back();
  }
  return text + '%';
}

std::string observed_text(org_count failed, org_count started) {
  if (started == 0)
    return "no org has started";
  return fmt::format("failed {} of {} started = {}", failed, started,
                     percentage_of(static_cast<double>(failed) / static_cast<double>(started)));
}

std::string bound_text(double bound, std::string_view what, double limit, double alpha) {
  const auto texts = percentages_of(bound, limit);
  return fmt::format("lower bound {} {} {} {} ({} confidence)", texts.first, bound > limit ? ">" : "<=", what,
                     texts.second, confidence_text(alpha));
}

}  // namespace pushguard::policy
