#include "simulator/push_errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pushguard::simulator {
namespace {

constexpr std::array<std::string_view, 8> error_types{
    "ApexTestFailure", "DeployError",    "FeatureMissing", "IneligibleUpgrade",
    "LimitExceeded",   "LockingFailure", "PACError",       "UnclassifiedError"};

enum class purpose { failure, benign, warning };

// `{0}` is the namespace; `{1}`, `{2}` and `{3}` vary from org to org.
struct form_template {
  purpose use;
  std::string_view type;
  std::string_view title;
  std::string_view message;
  std::string_view details;  // "" is null
};

// Titles and messages follow rows that users of Salesforce have published, reworded; where none are known
// (locks, limits, features, packaging access) they are made up in the same manner.
constexpr std::array forms{
    form_template{purpose::failure, "DeployError", "Deployment Failure",
                  "Definition for js://{0}.InvoiceHeader not found", "0,,,20,AuraDefinitionBundle"},
    form_template{purpose::failure, "ApexTestFailure", "Apex Test Failure",
                  "{0}.InvoiceTest.roundsTotals: System.AssertException: Assertion Failed: Expected: 3, "
                  "Actual: 0\n\nClass.{0}.InvoiceTest.roundsTotals: line {1}, column 1",
                  "{0}.InvoiceTest.roundsTotals"},
    form_template{purpose::failure, "UnclassifiedError", "Unexpected Failure",
                  "The upgrade failed unexpectedly. The subscriber's org was not changed. Contact Salesforce "
                  "support and give this error number: {2}-{1} (-{3})",
                  ""},
    form_template{
        purpose::failure, "UnclassifiedError", "Unexpected Error",
        "The post-install script failed.\nSystem.DmlException: Update failed. First exception on row "
        "0: UNABLE_TO_LOCK_ROW, ORA-04021: timeout occurred while waiting to lock object\n\n"
        "Class.{0}.PostInstall.onInstall: line {1}, column 1",
        ""},
    form_template{purpose::failure, "LockingFailure", "Locking Failure",
                  "The org's metadata is locked by another operation ({2}). Try again later.", ""},
    form_template{purpose::failure, "LimitExceeded", "Limit Exceeded",
                  "The upgrade would exceed the org's limit of custom objects by {1}.", ""},
    form_template{purpose::failure, "FeatureMissing", "Missing Feature",
                  "The org lacks a feature that the package needs: Person Accounts.", ""},
    form_template{purpose::failure, "PACError", "Package Access Error",
                  "The package could not be read from the packaging org ({2}).", ""},
    form_template{purpose::failure, "IneligibleUpgrade", "Dependent Package Conflict",
                  "A newer version of a package that this one depends on must be installed first (Acme Base "
                  "1.93). Ask the subscriber to upgrade it, then try again.",
                  ""},
    form_template{purpose::failure, "IneligibleUpgrade", "Cannot upgrade beta package",
                  "A beta version is installed. It must be uninstalled before this version can be installed.",
                  ""},
    form_template{purpose::failure, "IneligibleUpgrade", "Not Available",
                  "The package version is not yet available on the subscriber's instance. Try again later.",
                  ""},
    form_template{purpose::benign, "UnclassifiedError", "Package Uninstalled",
                  "The package is no longer installed in the subscriber's org.", ""},
    form_template{purpose::benign, "UnclassifiedError", "Salesforce Subscription Expired",
                  "The subscriber's Salesforce subscription has expired.", ""},
    form_template{purpose::warning, "DeployError", "Deployment Warning",
                  "Field Invoice__c.Legacy_Total__c is deprecated.", "0,,,7,CustomField"},
};

template <class Predicate>
error_form choose(std::uint64_t roll, Predicate fits) noexcept {
  const auto count = static_cast<std::uint64_t>(std::ranges::count_if(forms, fits));
  std::uint64_t skip = count == 0 ? 0 : roll % count;
  for (std::size_t index = 0; index < forms.size(); ++index) {
    if (fits(forms[index]) && skip-- == 0)
      return static_cast<error_form>(index);
  }
  return 0;
}

}  // namespace

std::span<const std::string_view> all_error_types() noexcept {
  return error_types;
}

error_form form_of_type(std::string_view error_type, std::uint64_t roll) noexcept {
  return choose(roll, [error_type](const form_template& each) {
    return each.use == purpose::failure && each.type == error_type;
  });
}

error_form benign_form(std::uint64_t roll) noexcept {
  return choose(roll, [](const form_template& each) { return each.use == purpose::benign; });
}

error_form warning_form() noexcept {
  return choose(0, [](const form_template& each) { return each.use == purpose::warning; });
}

error_texts error_row_texts(error_form form, std::string_view namespace_prefix, std::uint64_t variation) {
  const form_template& source = forms[form];
  const auto fill = [&](std::string_view text) {
    return fmt::format(fmt::runtime(text), namespace_prefix, variation % 90 + 10,
                       variation / 90 % 900'000'000 + 100'000'000, variation / 7 % 1'900'000'000 + 1000);
  };
  error_texts made{source.use == purpose::warning ? "Warning" : "Error", source.type, source.title,
                   fill(source.message), std::nullopt};
  if (!source.details.empty())
    made.details = fill(source.details);
  return made;
}

std::string_view error_row_type(error_form form) noexcept {
  return forms[form].type;
}

}  // namespace pushguard::simulator
