#pragma once

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "agent/domain/rows.hpp"

/// The words of the format that no other part of the program uses, for the writer and the reader.
namespace pushguard::history {

inline constexpr std::array severity_words{
    std::pair{domain::error_severity::error, std::string_view("error")},
    std::pair{domain::error_severity::warning, std::string_view("warning")}};

inline constexpr std::array generation_words{
    std::pair{domain::package_generation::unknown, std::string_view("")},
    std::pair{domain::package_generation::first, std::string_view("1GP")},
    std::pair{domain::package_generation::second, std::string_view("2GP")}};

[[nodiscard]] constexpr std::string_view to_word(domain::error_severity severity) noexcept {
  return severity_words[static_cast<std::size_t>(severity)].second;
}
[[nodiscard]] constexpr std::string_view to_word(domain::package_generation generation) noexcept {
  return generation_words[static_cast<std::size_t>(generation)].second;
}

/// An instant that has a form of four digits for its year.
[[nodiscard]] constexpr bool is_writable(wall_time time) noexcept {
  using namespace std::chrono;
  return time >= sys_days(year(0) / January / 1) && time < sys_days(year(9999) / December / 31) + days(1);
}

}  // namespace pushguard::history
