#include "agent/configuration/link_template.hpp"

#include <gtest/gtest.h>

#include <array>

#include "base/url.hpp"

namespace pushguard::configuration {
namespace {

constexpr std::array values{link_value{"hub", "dev hub"}, link_value{"rule", "failure-rate"},
                            link_value{"empty", ""}};

struct sample {
  std::string_view text;
  std::string_view link;
};

TEST(FillLink, PutsValuesInTheirPlaces) {
  const sample table[] = {
      {"", ""},
      {"https://wiki/push", "https://wiki/push"},
      {"https://wiki/{{ rule }}", "https://wiki/failure-rate"},
      {"https://wiki/{{rule}}", "https://wiki/failure-rate"},
      {"https://wiki/{{  rule}}#a", "https://wiki/failure-rate#a"},
      {"{{ hub }}", "dev%20hub"},
      {"{{hub}}{{ rule }}", "dev%20hubfailure-rate"},
      {"https://x/?h={{ hub }}&r={{ rule }}&h={{ hub }}",
       "https://x/?h=dev%20hub&r=failure-rate&h=dev%20hub"},
      {"https://x/{{ empty }}/", "https://x//"},
      {"https://x/{a}}", "https://x/{a}}"},
      {"https://x/%7B{ rule }", "https://x/%7B{ rule }"},
  };
  for (const sample& row : table) {
    const auto filled = fill_link(row.text, values);
    ASSERT_TRUE(filled) << row.text;
    EXPECT_EQ(*filled, row.link);
  }
}

TEST(FillLink, RefusesWhatItDoesNotKnow) {
  constexpr std::string_view unknown =
      "it may hold {{ hub }}, {{ rule }}, {{ empty }} and no other placeholder";
  const sample table[] = {
      {"https://x/{{ team }}", unknown},
      {"https://x/{{ Rule }}", unknown},
      {"https://x/{{ }}", unknown},
      {"https://x/{{}}", unknown},
      {"https://x/{{ rule | upper }}", unknown},
      {"https://x/{{ {{ rule }}", unknown},
      {"https://x/{{{ rule }}}", unknown},
      {"https://x/{{ rule }}/{{ team }}", unknown},
      {"https://x/{{ rule", "it has {{ without }} behind it"},
      {"https://x/{{ rule }", "it has {{ without }} behind it"},
      {"https://x/{{ rule }}{{", "it has {{ without }} behind it"},
  };
  for (const sample& row : table) {
    const auto filled = fill_link(row.text, values);
    ASSERT_FALSE(filled) << row.text;
    EXPECT_TRUE(filled.error().is(errc::invalid));
    EXPECT_EQ(filled.error().detail, row.link) << row.text;
  }
}

// A value stays inside its own part of the link, whatever it holds.
TEST(FillLink, LetsNoValueLeadElsewhere) {
  for (const std::string_view hostile :
       {"../admin", "a?b=c&d#e", "//evil.example.com", "https://evil.example.com", "@evil", "{{ hub }}",
        "a b\r\nX: y", "\"><script>", "\xFF\x01", "04t000000000001/1", "%2e%2e"}) {
    const auto filled =
        fill_link("https://wiki.example.com/push/{{ rule }}?x=1", std::array{link_value{"rule", hostile}});
    ASSERT_TRUE(filled);
    const auto parsed = parse_url(*filled);
    ASSERT_TRUE(parsed) << *filled;
    EXPECT_EQ(parsed->origin.text(), "https://wiki.example.com");
    constexpr std::string_view front = "/push/";
    constexpr std::string_view back = "?x=1";
    ASSERT_TRUE(parsed->target.starts_with(front) && parsed->target.ends_with(back)) << *filled;
    const std::string_view part(parsed->target.begin() + front.size(), parsed->target.end() - back.size());
    EXPECT_EQ(part.find_first_of("/?#&\"<> "), std::string_view::npos) << *filled;
    EXPECT_EQ(percent_decode_path(part), hostile);
  }
}

}  // namespace
}  // namespace pushguard::configuration
