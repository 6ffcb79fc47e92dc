#pragma once

#include "base/id.hpp"

namespace pushguard::domain {

struct push_request_tag {
  static constexpr std::string_view prefix = "0DV";
  static constexpr std::string_view name = "push request";
};
struct push_job_tag {
  static constexpr std::string_view prefix = "0DX";
  static constexpr std::string_view name = "push job";
};
struct org_tag {
  static constexpr std::string_view prefix = "00D";
  static constexpr std::string_view name = "org";
};
struct package_tag {
  static constexpr std::string_view prefix = "033";
  static constexpr std::string_view name = "package";
};
struct version_tag {
  static constexpr std::string_view prefix = "04t";
  static constexpr std::string_view name = "package version";
};

using request_id = id<push_request_tag>;
using job_id = id<push_job_tag>;
/// The key of a customer's org; compares by its 15 case-sensitive characters.
using org_key = id<org_tag>;
using package_id = id<package_tag>;
using version_id = id<version_tag>;

}  // namespace pushguard::domain
