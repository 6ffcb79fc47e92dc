#include <cstdint>
#include <string_view>

#include "agent/salesforce/event_decoder.hpp"

/// An event of the stream is what some publisher made of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pushguard::salesforce::event_decoder decoder({.request_id = "payload.Request_Id__c",
                                                             .job_id = "payload.Job_Id__c",
                                                             .org_key = "payload.Org_Key__c",
                                                             .status = "payload.Status__c",
                                                             .error_type = "payload.Error_Type__c"});
  (void)decoder.decode(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
