#include "agent/commands/event_printing.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

TEST(EventLine, IsOneLineOfJsonWithTheDataAsItCame) {
  EXPECT_EQ(event_line({.type = "hub", .data = R"({"a":1.50,"b":12345678901234567890})", .id = "7"}),
            "{\"event\":\"hub\",\"id\":\"7\",\"data\":{\"a\":1.50,\"b\":12345678901234567890}}\n");
  EXPECT_EQ(event_line({.type = "x\"y", .data = "{\n \"a\": [\n1]}", .id = ""}),
            "{\"event\":\"x\\\"y\",\"id\":\"\",\"data\":{  \"a\": [ 1]}}\n");
  EXPECT_EQ(event_line({.type = "odd", .data = "no json\n\x1b", .id = "1"}),
            "{\"event\":\"odd\",\"id\":\"1\",\"data\":\"no json\\n\\u001b\"}\n");
}

}  // namespace
}  // namespace pushguard::agent
