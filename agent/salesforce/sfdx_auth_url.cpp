#include "agent/salesforce/sfdx_auth_url.hpp"

#include <algorithm>

#include "agent/salesforce/json.hpp"

namespace pushguard::salesforce {
namespace {

constexpr std::string_view scheme = "force://";

/// What sfdx-core accepts in ids, secrets and tokens.
bool is_part(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '=';
  });
}

/// The URL inside the CLI's JSON, or the text itself.
result<std::string> url_in(std::string_view content) {
  const std::string_view text = trim(content);
  if (!text.starts_with('{'))
    return std::string(text);
  const auto parsed = parse_json(text);
  if (!parsed)
    return fail(errc::malformed, "it begins like JSON, but is " + parsed.error().text());
  const auto* nested = find(*parsed, "result");
  for (const boost::json::value* place : {nested, &*parsed}) {
    const auto found = place == nullptr ? std::nullopt : text_view_at(*place, "sfdxAuthUrl");
    if (found)
      return std::string(*found);
  }
  return fail(
      errc::malformed,
      "its JSON has no sfdxAuthUrl: `sf org auth show-sfdx-auth-url --json` prints one, for orgs that "
      "were not authorized by JWT");
}

}  // namespace

result<refresh_token> parse_sfdx_auth_url(std::string_view content) {
  const auto text = url_in(content);
  if (!text)
    return std::unexpected(text.error());
  std::string_view rest = *text;
  if (!rest.starts_with(scheme)) {
    const bool is_redacted = rest.starts_with("[REDACTED]");
    return fail(errc::malformed,
                is_redacted ? "the sf CLI left the URL out; `sf org auth show-sfdx-auth-url` prints it"
                            : "it is no SFDX auth URL, which begins with force://");
  }
  rest.remove_prefix(scheme.size());
  const std::size_t at = rest.rfind('@');
  const std::string_view parts = rest.substr(0, std::min(at, rest.size()));
  const std::size_t first = parts.find(':');
  const std::size_t second = first == std::string_view::npos ? first : parts.find(':', first + 1);
  if (at == std::string_view::npos || second == std::string_view::npos)
    return fail(errc::malformed,
                "an SFDX auth URL has the form force://CLIENT_ID:CLIENT_SECRET:REFRESH_TOKEN@HOST");
  const std::string_view client_id = parts.substr(0, first);
  const std::string_view client_secret = parts.substr(first + 1, second - first - 1);
  const std::string_view token = parts.substr(second + 1);
  if (client_id.empty() || token.empty() || !is_part(client_id) || !is_part(client_secret) || !is_part(token))
    return fail(errc::malformed,
                "the client id, secret or refresh token of the SFDX auth URL has characters that none has");
  const std::string_view host = rest.substr(at + 1);
  const bool is_more = host.find_first_of("/?#") != std::string_view::npos || host.ends_with(':');
  const auto secure = parse_url("https://" + std::string(host));
  if (!secure || is_more)
    return fail(errc::malformed, "what follows the @ of the SFDX auth URL is no host");
  refresh_token made;
  made.login_url = *secure;
  if (secure->origin.is_loopback())
    made.login_url = parse_url("http://" + std::string(host)).value_or(*secure);
  made.client_id = client_id;
  made.client_secret = secret(std::string(client_secret));
  made.token = secret(std::string(token));
  return made;
}

}  // namespace pushguard::salesforce
