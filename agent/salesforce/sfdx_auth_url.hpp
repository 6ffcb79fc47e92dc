#pragma once

#include <string_view>

#include "agent/salesforce/credentials.hpp"
#include "base/result.hpp"

namespace pushguard::salesforce {

/// Reads an SFDX auth URL, `force://CLIENT_ID:CLIENT_SECRET:REFRESH_TOKEN@HOST[:PORT]`, alone or inside the
/// JSON that `sf org display --verbose --json` and `sf org auth show-sfdx-auth-url --json` print
/// (`sfdxAuthUrl` at the top or in `result`). The secret may be empty. The host is reached by https, a
/// loopback host by http. Fails with errc::malformed; the text repeats nothing of the input.
[[nodiscard]] result<refresh_token> parse_sfdx_auth_url(std::string_view content);

}  // namespace pushguard::salesforce
