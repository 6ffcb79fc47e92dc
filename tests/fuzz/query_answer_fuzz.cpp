#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/salesforce/json.hpp"
#include "agent/salesforce/rows.hpp"

namespace pushguard::salesforce {
namespace {

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

/// What travels on to logs, metrics and pages is valid UTF-8 and not longer than it is worth.
void demand_text(std::string_view text, std::size_t bytes_max) {
  demand(text.size() <= bytes_max && to_valid_utf8(text) == text);
}

constexpr std::size_t name_bytes_max = 1024;
constexpr std::size_t error_text_bytes_max = 4096;
constexpr std::size_t status_bytes_max = 64;
constexpr std::size_t why_bytes_max = 512;

/// A record that is no row has a reason, in one line.
template <class Row>
bool is_row(const result<Row>& decoded) {
  if (decoded)
    return true;
  const std::string why = decoded.error().text();
  demand(decoded.error().is(errc::malformed) && !decoded.error().detail.empty());
  demand(why.find_first_of("\r\n") == std::string::npos);
  demand_text(why, why_bytes_max);
  return false;
}

void decode(const boost::json::value& record) {
  if (const auto row = decode_package(record); is_row(row)) {
    demand_text(row->name, name_bytes_max);
    demand_text(row->namespace_prefix, name_bytes_max);
  }
  if (const auto row = decode_request(record); is_row(row)) {
    demand(!row->status_text.empty());
    demand_text(row->status_text, status_bytes_max);
    demand_text(row->version_number, name_bytes_max);
    demand_text(row->package_name, name_bytes_max);
  }
  if (const auto row = decode_job(record); is_row(row)) {
    demand((row->status == domain::push_status::unrecognized) != row->status_text.empty());
    demand_text(row->status_text, status_bytes_max);
  }
  if (const auto row = decode_error(record); is_row(row)) {
    demand_text(row->title, name_bytes_max);
    demand_text(row->message, error_text_bytes_max);
    demand_text(row->details, error_text_bytes_max);
  }
  if (const auto row = decode_subscriber(record); is_row(row)) {
    demand_text(row->name, name_bytes_max);
    demand_text(row->sf_instance, status_bytes_max);
    demand_text(row->org_status, status_bytes_max);
  }
  (void)is_row(decode_job_count(record));
}

}  // namespace
}  // namespace pushguard::salesforce

/// The page of a query may hold anything: each record is a row, or there is a reason why not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushguard::salesforce;
  // As rest.cpp reads a page: into room of its own first, and more where that does not do.
  std::array<unsigned char, 1024> room{};
  boost::json::monotonic_resource memory(room.data(), room.size());
  const auto body = parse_json({reinterpret_cast<const char*>(data), size}, &memory);
  if (!body)
    return 0;
  const auto* records = find(*body, "records");
  const auto* list = records == nullptr ? nullptr : records->if_array();
  if (list == nullptr)
    return 0;
  for (const boost::json::value& record : *list)
    decode(record);
  return 0;
}
