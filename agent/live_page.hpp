#pragma once

#include <span>
#include <string_view>

#include "base/http_server.hpp"

/// The page for people, which is a part of the program: its files are made from agent/page and compiled in.
namespace pushguard::agent {

/// A file of the page. All that the views are of lasts as long as the program.
struct page_asset {
  std::string_view
      name;  ///< `index.html`, or what stands in `/assets/{name}` and holds a hash of the content
  std::string_view content_type;
  std::string_view tag;  ///< of the content; makes the ETags
  std::string_view body;
  std::string_view gzip;  ///< the body, compressed
};

/// The page that was built; empty where it was left out (PUSHGUARD_PAGE in CMake).
[[nodiscard]] std::span<const page_asset> embedded_page() noexcept;

/// Adds `GET /`, which is the asset `index.html`, and `GET /assets/{name}`, the others. Without assets `/`
/// says that the page was left out, and leads to what there is. What `assets` views outlives the router.
void add_live_page(http_router& router, std::span<const page_asset> assets);

}  // namespace pushguard::agent
