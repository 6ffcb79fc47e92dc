#include "metrics/families.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace pushguard::metrics {
namespace {

enum class light { red, amber, green };
constexpr std::array all_lights{light::red, light::amber, light::green};

std::string_view to_string(light value) {
  switch (value) {
    case light::red:
      return "red";
    case light::amber:
      return "amber";
    case light::green:
      return "green";
  }
  return "";
}

TEST(FamilyBuilder, BuildsAGaugeWithItsSeries) {
  auto family = gauge("jobs", "Jobs.");
  family.add({{"hub", "a"}}, 1).add({{"hub", "b"}}, 2);
  EXPECT_EQ(to_text(std::move(family).build()),
            "# HELP jobs Jobs.\n# TYPE jobs gauge\njobs{hub=\"a\"} 1\njobs{hub=\"b\"} 2\n");
}

TEST(FamilyBuilder, BuildsACounter) {
  auto family = counter("jobs_total", "Jobs.");
  family.add({}, 3);
  EXPECT_EQ(to_text(std::move(family).build()),
            "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total 3\n");
}

TEST(FamilyBuilder, ShowsExactlyOneStateAsTrue) {
  for (const light current : all_lights) {
    auto family = gauge("light", "Light.");
    family.add_states({{"hub", "a"}}, "state", all_lights, current);
    const auto built = std::move(family).build();
    ASSERT_EQ(built.metric.size(), all_lights.size());
    for (std::size_t i = 0; i < all_lights.size(); ++i) {
      const auto& series = built.metric[i];
      ASSERT_EQ(series.label.size(), 2U);
      EXPECT_EQ(series.label[0].value, "a");
      EXPECT_EQ(series.label[1].name, "state");
      EXPECT_EQ(series.label[1].value, to_string(all_lights[i]));
      EXPECT_EQ(series.gauge.value, all_lights[i] == current ? 1 : 0);
    }
  }
}

TEST(FamilyBuilder, RefusesWrongNames) {
  EXPECT_THROW((void)gauge("a b", ""), std::invalid_argument);
  EXPECT_THROW((void)counter("jobs", ""), std::invalid_argument);
  EXPECT_THROW(gauge("a", "").add({{"a-b", ""}}, 0), std::invalid_argument);
  EXPECT_THROW(gauge("a", "").add_states({}, "__state", all_lights, light::red), std::invalid_argument);
  EXPECT_THROW(family_builder(prometheus::MetricType::Histogram, "a", ""), std::invalid_argument);
}

}  // namespace
}  // namespace pushguard::metrics
