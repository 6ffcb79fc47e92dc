#include "agent/live_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <regex>
#include <string>

#include "tests/support/gunzip.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::array assets{
    page_asset{.name = "index.html",
               .content_type = "text/html; charset=utf-8",
               .tag = "aa",
               .body = "<p>index</p>",
               .gzip = "index, packed"},
    page_asset{.name = "app.1f.js",
               .content_type = "text/javascript; charset=utf-8",
               .tag = "bb",
               .body = "run()",
               .gzip = "run, packed"},
};

class LivePage : public testing::Test {
 protected:
  http_reply ask(std::string target, http_headers headers = {}, std::span<const page_asset> page = assets) {
    http_router router;
    add_live_page(router, page);
    const http_request request{.target = std::move(target), .headers = std::move(headers)};
    return test::simulate(context_, time_, router(request));
  }
  static std::string header(const http_reply& reply, std::string_view name) {
    return std::string(reply.headers.find(name).value_or("(none)"));
  }

  boost::asio::io_context context_;
  fake_time time_;
};

TEST_F(LivePage, ServesTheIndexToBeAskedForEachTime) {
  const http_reply reply = ask("/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "<p>index</p>");
  EXPECT_EQ(header(reply, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(header(reply, "Cache-Control"), "no-cache");
  EXPECT_EQ(header(reply, "ETag"), "\"aa\"");
  EXPECT_EQ(header(reply, "Content-Encoding"), "(none)");
}

TEST_F(LivePage, ServesAssetsToBeKeptForEver) {
  const http_reply reply = ask("/assets/app.1f.js");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "run()");
  EXPECT_EQ(header(reply, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(header(reply, "Cache-Control"), HasSubstr("immutable"));
}

TEST_F(LivePage, KnowsNoOtherNames) {
  for (const char* target : {"/assets/app.2e.js", "/assets/index.html", "/assets/..%2findex.html", "/assets/",
                             "/assets/app.1f.js/more", "/index.html"})
    EXPECT_EQ(ask(target).status, 404) << target;
}

TEST_F(LivePage, PacksForWhoTakesIt) {
  for (const char* accepted : {"gzip", "br, gzip;q=0.5", "*"}) {
    const http_reply reply = ask("/assets/app.1f.js", {{"Accept-Encoding", accepted}});
    EXPECT_EQ(reply.body, "run, packed") << accepted;
    EXPECT_EQ(header(reply, "Content-Encoding"), "gzip");
    EXPECT_EQ(header(reply, "Vary"), "Accept-Encoding");
    EXPECT_EQ(header(reply, "ETag"), "\"bb-gzip\"") << "another representation has another strong tag";
  }
  for (const char* accepted : {"", "br", "gzip;q=0"}) {
    const http_reply reply = ask("/assets/app.1f.js", {{"Accept-Encoding", accepted}});
    EXPECT_EQ(reply.body, "run()") << accepted;
    EXPECT_EQ(header(reply, "Vary"), "Accept-Encoding");
  }
}

TEST_F(LivePage, AnswersNothingNewToWhoHasIt) {
  for (const char* had : {R"("bb")", R"(W/"bb")", R"("x", "bb")", R"("x" ,W/"bb","y")", "*"}) {
    const http_reply reply = ask("/assets/app.1f.js", {{"If-None-Match", had}});
    EXPECT_EQ(reply.status, 304) << had;
    EXPECT_THAT(reply.body, IsEmpty());
    EXPECT_EQ(header(reply, "ETag"), "\"bb\"");
    EXPECT_THAT(header(reply, "Cache-Control"), HasSubstr("immutable"));
  }
  for (const char* had : {"", R"("b")", R"("bb-gzip")", "bb", R"("aa")", ",", R"(w/"bb")"})
    EXPECT_EQ(ask("/assets/app.1f.js", {{"If-None-Match", had}}).status, 200) << had;
  EXPECT_EQ(ask("/assets/app.1f.js", {{"If-None-Match", R"("bb-gzip")"}, {"Accept-Encoding", "gzip"}}).status,
            304);
}

TEST_F(LivePage, LetsNothingForeignIn) {
  for (const auto& page : {std::span<const page_asset>(assets), std::span<const page_asset>()}) {
    const http_reply reply = ask("/", {}, page);
    EXPECT_THAT(header(reply, "Content-Security-Policy"),
                AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self'"),
                      HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe")), Not(HasSubstr("http"))));
    EXPECT_EQ(header(reply, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(reply, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(reply, "Cross-Origin-Opener-Policy"), "same-origin");
  }
}

TEST_F(LivePage, SaysThatItWasLeftOut) {
  const http_reply reply = ask("/", {}, {});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header(reply, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(reply.body, AllOf(HasSubstr("left out of this build"), HasSubstr("href=\"metrics\""),
                                HasSubstr("href=\"api/v1/rollouts\"")));
  EXPECT_EQ(ask("/assets/app.1f.js", {}, {}).status, 404);
}

/// What was compiled in, if anything was.
class EmbeddedPage : public LivePage {
 protected:
  void SetUp() override {
    if (embedded_page().empty())
      GTEST_SKIP() << "the page was left out of this build";
  }
};

TEST_F(EmbeddedPage, HoldsEachFileBothWays) {
  for (const page_asset& asset : embedded_page()) {
    const auto unpacked = test::gunzip(asset.gzip);
    EXPECT_EQ(unpacked, asset.body) << asset.name;
    EXPECT_LT(asset.gzip.size(), asset.body.size()) << asset.name;
    EXPECT_THAT(asset.content_type, Not(HasSubstr("undefined")));
  }
}

TEST_F(EmbeddedPage, LeadsToItsOwnFilesOnly) {
  const std::string index = ask("/", {}, embedded_page()).body;
  const std::regex reference(R"re((?:src|href)="([^"]*)")re");
  int assets_found = 0;
  for (auto at = std::sregex_iterator(index.begin(), index.end(), reference); at != std::sregex_iterator();
       ++at) {
    const std::string target = (*at)[1];
    EXPECT_THAT(target, Not(HasSubstr("//")));
    if (!target.starts_with("assets/"))
      continue;
    ++assets_found;
    EXPECT_EQ(ask("/" + target, {}, embedded_page()).status, 200) << target;
  }
  EXPECT_EQ(assets_found, 3) << "script, style, icon";
}

TEST_F(EmbeddedPage, NeedsNothingThatThePolicyForbids) {
  const std::string index = ask("/", {}, embedded_page()).body;
  EXPECT_THAT(index, AllOf(Not(HasSubstr("<style")), Not(HasSubstr(" style=")), Not(HasSubstr("<script>")),
                           Not(HasSubstr(" onload="))));
  for (const page_asset& asset : embedded_page()) {
    if (asset.name.ends_with(".css")) {
      EXPECT_THAT(std::string(asset.body), AllOf(Not(HasSubstr("url(")), Not(HasSubstr("@import"))));
    }
  }
}

}  // namespace
}  // namespace pushguard::agent
