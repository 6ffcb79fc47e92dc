#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/salesforce/login.hpp"
#include "base/text.hpp"

namespace {

using namespace pushguard;

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

/// It goes into a header: nothing in it ends the line, or the header.
void demand_token(const secret& token) {
  demand(!token.empty());
  demand(std::ranges::all_of(token.reveal(), [](char c) { return c > ' ' && c < 0x7F; }));
}

void demand_text(const failure& failed) {
  const std::string text = failed.text();
  demand(!failed.detail.empty() && to_valid_utf8(text) == text);
  demand(std::ranges::none_of(text, [](char c) { return c >= 0 && c < ' '; }));
}

void demand_session(const salesforce::access& session, const origin& asked) {
  demand_token(session.token);
  const bool is_here = asked.is_loopback() && session.instance.is_loopback();
  demand(session.instance.security == security::tls || is_here);
  demand(session.org_id.empty() || session.org_id.starts_with("00D"));
  demand(session.user_id.empty() || session.user_id.starts_with("005"));
}

void read_answer(std::string_view body, const origin& asked) {
  const auto session = salesforce::read_token_answer(body, asked, wall_time{});
  session ? demand_session(*session, asked) : demand_text(session.error());
}

/// What the request held is not told, whatever the answer repeats.
void read_error(int status, std::string_view body) {
  static const std::vector<std::string> hidden{"hunter2&"};
  const failure failed = salesforce::read_token_error(status, body, hidden);
  demand_text(failed);
  demand(failed.is(errc::unauthorized) || failed.is(errc::unavailable));
  demand(failed.text().find(hidden.front()) == std::string::npos);
}

}  // namespace

/// The answer of a token endpoint and the content of an access token file may be anything.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_answer(text, {security::tls, "example.my.salesforce.com", 443});
  read_answer(text, {security::plain, "127.0.0.1", 8080});
  for (const int status : {302, 400, 401, 404, 503})
    read_error(status, text);
  const auto token = salesforce::read_access_token(text);
  token ? demand_token(*token) : demand_text(token.error());
  return 0;
}
