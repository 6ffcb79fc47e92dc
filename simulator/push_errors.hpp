#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pushguard::simulator {

/// The values of PackagePushError.ErrorType.
[[nodiscard]] std::span<const std::string_view> all_error_types() noexcept;

/// One of the forms that error rows take; several belong to one error type.
using error_form = std::uint8_t;

/// A form of this error type, chosen by `roll`; the type is one of all_error_types().
[[nodiscard]] error_form form_of_type(std::string_view error_type, std::uint64_t roll) noexcept;
/// A form whose title tells of a customer who left: nothing the release did.
[[nodiscard]] error_form benign_form(std::uint64_t roll) noexcept;
/// The form of a row of severity Warning.
[[nodiscard]] error_form warning_form() noexcept;

struct error_texts {
  std::string_view severity;  ///< Error or Warning
  std::string_view type;
  std::string_view title;
  std::string message;
  std::optional<std::string> details;
};

/// The row's texts. `variation` goes into numbers and ids that differ from org to org.
[[nodiscard]] error_texts error_row_texts(error_form form, std::string_view namespace_prefix,
                                          std::uint64_t variation);
/// Only the type; cheap.
[[nodiscard]] std::string_view error_row_type(error_form form) noexcept;

}  // namespace pushguard::simulator
