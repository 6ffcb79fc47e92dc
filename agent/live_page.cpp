#include "agent/live_page.hpp"

#include <algorithm>
#include <string>

#include "base/http_accept.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;

constexpr std::string_view index_name = "index.html";

/// The page is of this origin altogether, and nothing that an org calls itself can become a script.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view left_out =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Pushguard</title></head><body>\n"
    "<h1>Pushguard</h1>\n"
    "<p>The agent runs. Its live page was left out of this build, which needs Node.js and npm; "
    "docs/live-page.md says how to build with it. What it would show is here:</p>\n<ul>"
    "<li><a href=\"api/v1/overview\">/api/v1/overview</a>, <a href=\"api/v1/rollouts\">/api/v1/rollouts</a>"
    "<li><a href=\"api/v1/alerts\">/api/v1/alerts</a>"
    "<li><a href=\"metrics\">/metrics</a>, <a href=\"metrics/orgs\">/metrics/orgs</a>"
    "<li><a href=\"-/ready\">/-/ready</a>, <a href=\"-/healthy\">/-/healthy</a>"
    "</ul>\n</body></html>\n";

/// Whether an If-None-Match names `tag`; weakly compared, as RFC 9110 §13.1.2 wants.
bool names_tag(std::string_view header, std::string_view tag) {
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view each = trim(header.substr(0, comma));
    if (each.starts_with("W/"))
      each.remove_prefix(2);
    if (each == "*" || each == tag)
      return true;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return false;
}

http_reply secured(std::string_view content_type) {
  http_reply reply;
  reply.headers.set("Content-Type", std::string(content_type));
  reply.headers.set("Content-Security-Policy", std::string(content_security_policy));
  reply.headers.set("X-Content-Type-Options", "nosniff");
  reply.headers.set("Referrer-Policy", "no-referrer");
  reply.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  return reply;
}

http_reply serve(const http_request& request, const page_asset& asset) {
  const bool is_packed =
      !asset.gzip.empty() && accepts_coding(request.headers.find("Accept-Encoding").value_or(""), "gzip");
  // Two representations, two strong tags: a cache must not take one for the other.
  const std::string tag = std::string("\"").append(asset.tag).append(is_packed ? "-gzip\"" : "\"");
  http_reply reply = secured(asset.content_type);
  reply.headers.set("ETag", tag);
  reply.headers.set("Vary", "Accept-Encoding");
  reply.headers.set("Cache-Control",
                    asset.name == index_name ? "no-cache" : "public, max-age=31536000, immutable");
  if (names_tag(request.headers.find("If-None-Match").value_or(""), tag)) {
    reply.status = 304;
    return reply;
  }
  if (is_packed)
    reply.headers.set("Content-Encoding", "gzip");
  reply.body = is_packed ? asset.gzip : asset.body;
  return reply;
}

http_reply tell_left_out() {
  http_reply reply = secured("text/html; charset=utf-8");
  reply.headers.set("Cache-Control", "no-cache");
  reply.body = left_out;
  return reply;
}

}  // namespace

void add_live_page(http_router& router, std::span<const page_asset> assets) {
  const auto find = [assets](std::string_view name) -> const page_asset* {
    const auto found = std::ranges::find(assets, name, &page_asset::name);
    return found == assets.end() ? nullptr : &*found;
  };
  router.add("GET", "/",
             [find](const http_request& request, const path_parts&) -> asio::awaitable<http_reply> {
               const page_asset* index = find(index_name);
               co_return index == nullptr ? tell_left_out() : serve(request, *index);
             });
  router.add("GET", "/assets/{name}",
             [find](const http_request& request, const path_parts& parts) -> asio::awaitable<http_reply> {
               const page_asset* asset = parts[0] == index_name ? nullptr : find(parts[0]);
               if (asset == nullptr)
                 co_return error_reply(404, "not_found",
                                       "the page has no such file; another version of it may have had one");
               co_return serve(request, *asset);
             });
}

}  // namespace pushguard::agent
