#include "agent/configuration/listen_address.hpp"

#include <gtest/gtest.h>

namespace pushguard::configuration {
namespace {

TEST(ListenAddress, ReadsAddressesWithPorts) {
  struct {
    const char* text;
    listen_address expected;
    const char* shown;
  } const table[] = {{"127.0.0.1:9595", {"127.0.0.1", 9595}, "127.0.0.1:9595"},
                     {"0.0.0.0:1", {"0.0.0.0", 1}, "0.0.0.0:1"},
                     {"localhost:65535", {"127.0.0.1", 65535}, "127.0.0.1:65535"},
                     {"127.0.0.1:0", {"127.0.0.1", 0}, "127.0.0.1:0"},
                     {"[::1]:80", {"::1", 80}, "[::1]:80"},
                     {"[::]:80", {"::", 80}, "[::]:80"}};
  for (const auto& row : table) {
    const auto parsed = parse_listen_address(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(*parsed, row.expected) << row.text;
    EXPECT_EQ(parsed->text(), row.shown);
  }
}

TEST(ListenAddress, RefusesEverythingElse) {
  for (const char* text : {"", "9595", ":9595", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:80x", "example.com:80", "::1:80", "[::1]", "[]:80", "[127.0.0.1]:80",
                           "1.2.3:80", "127.0.0.1:80:90", "http://127.0.0.1:80", " 127.0.0.1:80"}) {
    const auto parsed = parse_listen_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().is(errc::invalid));
  }
}

}  // namespace
}  // namespace pushguard::configuration
