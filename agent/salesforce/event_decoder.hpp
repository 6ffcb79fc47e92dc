#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/domain/rows.hpp"
#include "base/result.hpp"

namespace pushguard::salesforce {

/// Where an event carries what: dotted paths into its `data` (`payload.Request_Id__c`). An empty path is
/// not mapped, and what is not mapped is not used.
struct event_fields {
  std::string request_id;
  std::string job_id;
  std::string org_key;
  std::string status;
  std::string error_type;

  friend bool operator==(const event_fields&, const event_fields&) = default;
};

/// Turns the `data` of a stream event into a push event. Pure.
class event_decoder {
 public:
  explicit event_decoder(const event_fields& fields);

  /// `data` is JSON. A mapped field that is missing, null or empty stays empty, and so does a status that
  /// this version does not know: such an event is a hint to look sooner.
  /// errc::malformed (counted as `unrecognized`) where `data` is not JSON, or a mapped field holds
  /// something other than text, or an id that is none.
  [[nodiscard]] result<domain::push_event> decode(std::string_view data) const;

 private:
  using path = std::vector<std::string>;

  path request_id_;
  path job_id_;
  path org_key_;
  path status_;
  path error_type_;
};

}  // namespace pushguard::salesforce
