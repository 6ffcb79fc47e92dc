#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/salesforce/sfdx_auth_url.hpp"
#include "base/text.hpp"

namespace {

using namespace pushguard;

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

std::string write(const salesforce::refresh_token& read) {
  return fmt::format("force://{}:{}:{}@{}", read.client_id, read.client_secret.reveal(), read.token.reveal(),
                     read.login_url.origin.authority());
}

void demand_equal(const salesforce::refresh_token& one, const salesforce::refresh_token& other) {
  demand(one.login_url.text() == other.login_url.text());
  demand(one.client_id == other.client_id);
  demand(one.client_secret == other.client_secret);
  demand(one.token == other.token);
}

}  // namespace

/// What is read can be written as a URL again, alone or in JSON, and reads equal; what is not read is told in
/// one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = salesforce::parse_sfdx_auth_url({reinterpret_cast<const char*>(data), size});
  if (!read) {
    const std::string text = read.error().text();
    demand(read.error().is(errc::malformed) && to_valid_utf8(text) == text);
    demand(text.find_first_of("\r\n") == std::string::npos);
    return 0;
  }
  demand(!read->client_id.empty() && !read->token.empty());
  demand((read->login_url.origin.security == security::plain) == read->login_url.origin.is_loopback());
  const std::string written = write(*read);
  for (const std::string& content :
       {written, written + "\r\n", fmt::format(R"({{"sfdxAuthUrl":"{}"}})", written),
        fmt::format(R"({{"result":{{"sfdxAuthUrl":"{}"}}}})", written)}) {
    const auto again = salesforce::parse_sfdx_auth_url(content);
    demand(again.has_value());
    demand_equal(*again, *read);
  }
  return 0;
}
