#include "metrics/text_format.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <stdexcept>

namespace pushguard::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string one_label(std::string_view value) {
  std::string out;
  append_labels(out, {{"l", value}});
  return out;
}

ClientMetric gauge_of(double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  return metric;
}

MetricFamily family_of(std::string name, MetricType type, std::vector<ClientMetric> metrics) {
  return {.name = std::move(name), .help = "Help.", .type = type, .metric = std::move(metrics)};
}

TEST(MetricName, FollowsTheGrammar) {
  for (const char* good : {"a", "_", ":", "pushguard_org_push_success", "A9:b"})
    EXPECT_TRUE(is_metric_name(good)) << good;
  for (const char* bad : {"", "9a", "a-b", "a b", "a.b", "a\n", "é"})
    EXPECT_FALSE(is_metric_name(bad)) << bad;
}

TEST(LabelName, FollowsTheGrammarAndLeavesReservedNamesAlone) {
  for (const char* good : {"a", "_", "_a", "hub", "A9", "a__b"})
    EXPECT_TRUE(is_label_name(good)) << good;
  for (const char* bad : {"", "9a", "a:b", "a-b", "__name__", "__", "a\"", "é"})
    EXPECT_FALSE(is_label_name(bad)) << bad;
}

TEST(Number, WritesIntegersWithoutExponentUpToTwoToThe53) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(1), "1");
  EXPECT_EQ(number(-17), "-17");
  EXPECT_EQ(number(1e6), "1000000");
  EXPECT_EQ(number(1756774861), "1756774861");
  EXPECT_EQ(number(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(number(-9007199254740992.0), "-9007199254740992");
  EXPECT_EQ(number(9007199254740994.0), "9007199254740994");
  EXPECT_EQ(number(1e300), "1e+300");
}

TEST(Number, WritesTheShortestFraction) {
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number(1756774861.123), "1756774861.123");
  EXPECT_EQ(number(1e-9), "1e-09");
}

TEST(Number, NamesWhatIsNotFinite) {
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number(-std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number(infinity), "+Inf");
  EXPECT_EQ(number(-infinity), "-Inf");
}

TEST(Number, ReadsBackBitForBit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isnan(value)) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(std::strtod(number(value).c_str(), nullptr)),
                std::bit_cast<std::uint64_t>(value))
          << number(value);
    }
  }
  EXPECT_TRUE(std::signbit(std::strtod(number(-0.0).c_str(), nullptr)));
}

TEST(Labels, EscapeBackslashQuoteAndLineEndOnly) {
  EXPECT_EQ(one_label(R"(a\b"c)"), R"(l="a\\b\"c")");
  EXPECT_EQ(one_label("a\nb"), R"(l="a\nb")");
  EXPECT_EQ(one_label("a\tb\r{},=#"), "l=\"a\tb\r{},=#\"");
  EXPECT_EQ(one_label("Müller 🚀"), "l=\"Müller 🚀\"");
  EXPECT_EQ(one_label(""), "l=\"\"");
}

TEST(Labels, ReplaceWhatIsNotUtf8) {
  EXPECT_EQ(one_label("a\xFF"
                      "b"),
            "l=\"a\uFFFDb\"");
  EXPECT_EQ(one_label("\xC3"), "l=\"\uFFFD\"");
  EXPECT_EQ(one_label("\xC3\""), "l=\"\uFFFD\\\"\"") << "a broken character must not eat the quote's escape";
  EXPECT_EQ(one_label("\xED\xA0\x80"), "l=\"\uFFFD\uFFFD\uFFFD\"") << "a surrogate";
}

TEST(Labels, JoinWithCommas) {
  std::string out;
  append_labels(out, {{"a", "1"}, {"b", "2"}});
  append_labels(out, {});
  append_labels(out, {{"c", ""}});
  append_labels(out, {{"d", "4"}});
  EXPECT_EQ(out, R"(a="1",b="2",c="",d="4")");
}

TEST(Labels, CutValuesAtTheLimitAndAtACharacter) {
  const std::string longest(label_value_size_max, 'x');
  EXPECT_EQ(one_label(longest), "l=\"" + longest + "\"");
  EXPECT_EQ(one_label(longest + "y"), "l=\"" + longest + "\"");
  const std::string one_less(label_value_size_max - 1, 'x');
  EXPECT_EQ(one_label(one_less + "é"), "l=\"" + one_less + "\"");
}

TEST(Labels, RefuseAWrongName) {
  std::string out;
  EXPECT_THROW(append_labels(out, {{"a-b", "1"}}), std::invalid_argument);
  EXPECT_THROW(append_labels(out, {{"__name__", "1"}}), std::invalid_argument);
}

TEST(Header, EscapesTheHelpButNotItsQuotes) {
  std::string out;
  append_header(out, "up", "Is \"it\"\\\nup? \xFF", MetricType::Gauge);
  EXPECT_EQ(out, "# HELP up Is \"it\"\\\\\\nup? \uFFFD\n# TYPE up gauge\n");
}

TEST(Header, RefusesAWrongName) {
  std::string out;
  EXPECT_THROW(append_header(out, "a b", "Help.", MetricType::Gauge), std::invalid_argument);
}

TEST(Sample, HasNoBracesWithoutLabels) {
  std::string out;
  append_sample(out, "up", "", 1);
  append_sample(out, "up", R"(a="b")", 0.5);
  EXPECT_EQ(out, "up 1\nup{a=\"b\"} 0.5\n");
}

TEST(Text, WritesEverySimpleType) {
  ClientMetric counted;
  counted.counter.value = 3;
  ClientMetric untyped;
  untyped.untyped.value = 4;
  const std::vector families{family_of("c_total", MetricType::Counter, {counted}),
                             family_of("g", MetricType::Gauge, {gauge_of(2)}),
                             family_of("u", MetricType::Untyped, {untyped})};
  EXPECT_EQ(to_text(families),
            "# HELP c_total Help.\n# TYPE c_total counter\nc_total 3\n"
            "# HELP g Help.\n# TYPE g gauge\ng 2\n"
            "# HELP u Help.\n# TYPE u untyped\nu 4\n");
}

TEST(Text, WritesAHistogramAndAddsTheInfiniteBucket) {
  ClientMetric metric;
  metric.label = {{"hub", "a"}};
  metric.histogram = {.sample_count = 3, .sample_sum = 4.5, .bucket = {{1, 0.5}, {2, 1}}};
  const std::string expected =
      "# HELP h_seconds Help.\n# TYPE h_seconds histogram\n"
      "h_seconds_bucket{hub=\"a\",le=\"0.5\"} 1\nh_seconds_bucket{hub=\"a\",le=\"1\"} 2\n"
      "h_seconds_bucket{hub=\"a\",le=\"+Inf\"} 3\nh_seconds_sum{hub=\"a\"} 4.5\nh_seconds_count{hub=\"a\"} "
      "3\n";
  EXPECT_EQ(to_text(family_of("h_seconds", MetricType::Histogram, {metric})), expected);
  metric.histogram.bucket.push_back({3, infinity});
  EXPECT_EQ(to_text(family_of("h_seconds", MetricType::Histogram, {metric})), expected);
}

TEST(Text, WritesASummary) {
  ClientMetric metric;
  metric.summary = {.sample_count = 2, .sample_sum = 3, .quantile = {{0.5, 1}, {0.99, std::nan("")}}};
  EXPECT_EQ(to_text(family_of("s", MetricType::Summary, {metric})),
            "# HELP s Help.\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3\n"
            "s_count 2\n");
}

TEST(Text, WritesATimestampOnlyWhereThereIsOne) {
  ClientMetric metric = gauge_of(1);
  metric.timestamp_ms = 1'756'774'861'000;
  EXPECT_EQ(to_text(family_of("g", MetricType::Gauge, {metric})),
            "# HELP g Help.\n# TYPE g gauge\ng 1 1756774861000\n");
}

TEST(Text, RefusesLabelsThatBelongToTheFormat) {
  ClientMetric metric;
  metric.label = {{"le", "1"}};
  EXPECT_THROW((void)to_text(family_of("h", MetricType::Histogram, {metric})), std::invalid_argument);
  EXPECT_NO_THROW((void)to_text(family_of("g", MetricType::Gauge, {metric})));
  metric.label = {{"quantile", "1"}};
  EXPECT_THROW((void)to_text(family_of("s", MetricType::Summary, {metric})), std::invalid_argument);
}

TEST(Text, SortsFamiliesAndSeries) {
  const std::vector families{
      family_of("b", MetricType::Gauge, {gauge_of(2, {{"l", "y"}}), gauge_of(1, {{"l", "x"}})}),
      family_of("a", MetricType::Gauge, {gauge_of(0)})};
  EXPECT_EQ(
      to_text(families),
      "# HELP a Help.\n# TYPE a gauge\na 0\n# HELP b Help.\n# TYPE b gauge\nb{l=\"x\"} 1\nb{l=\"y\"} 2\n");
}

TEST(Text, MergesFamiliesOfOneNameUnderTheFirstHelp) {
  std::vector families{family_of("b", MetricType::Gauge, {gauge_of(2, {{"hub", "y"}})}),
                       family_of("a", MetricType::Gauge, {gauge_of(0)}),
                       family_of("b", MetricType::Gauge, {gauge_of(1, {{"hub", "x"}})})};
  families[0].help = "First.";
  EXPECT_EQ(to_text(families),
            "# HELP a Help.\n# TYPE a gauge\na 0\n"
            "# HELP b First.\n# TYPE b gauge\nb{hub=\"x\"} 1\nb{hub=\"y\"} 2\n");
}

TEST(Text, RefusesTwoTypesForOneName) {
  const std::vector families{family_of("a", MetricType::Gauge, {}), family_of("a", MetricType::Counter, {})};
  EXPECT_THROW((void)to_text(families), std::invalid_argument);
}

TEST(Text, KeepsTheHeaderOfAnEmptyFamily) {
  EXPECT_EQ(to_text(family_of("a", MetricType::Gauge, {})), "# HELP a Help.\n# TYPE a gauge\n");
  EXPECT_EQ(to_text(std::vector<MetricFamily>{}), "");
}

TEST(Text, StatesItsVersionInTheContentType) {
  EXPECT_EQ(content_type(exposition_format::text), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(content_type(exposition_format::openmetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(Format, IsWhatTheClientWantsMost) {
  constexpr auto text = exposition_format::text;
  constexpr auto openmetrics = exposition_format::openmetrics;
  struct example {
    const char* accept;
    exposition_format format;
  };
  for (const auto& [accept, format] : {
           example{"", text},
           example{"*/*", text},
           example{"text/html", text},
           // Prometheus 2.42 and 3
           example{
               "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
               "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
               openmetrics},
           example{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/"
                   "plain;version=0.0.4;"
                   "escaping=allow-utf-8;q=0.5,*/*;q=0.1",
                   openmetrics},
           example{"text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", text},
           example{"application/openmetrics-text", openmetrics},
           example{"application/OpenMetrics-Text; version=1.0.0; charset=utf-8", openmetrics},
           example{"application/openmetrics-text;q=0", text},
           // What there is not.
           example{"application/openmetrics-text;version=0.0.1", text},
           example{"application/openmetrics-text;version=2.0.0", text},
           example{
               "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
               text},
       })
    EXPECT_EQ(choose_format(accept), format) << accept;
}

TEST(OpenMetrics, CallsACounterWithoutTotalAndEndsWithEof) {
  ClientMetric counted;
  counted.counter.value = 3;
  EXPECT_EQ(to_text(family_of("a_total", MetricType::Counter, {counted}), exposition_format::openmetrics),
            "# HELP a Help.\n# TYPE a counter\na_total 3\n# EOF\n");
  EXPECT_EQ(to_text(family_of("a", MetricType::Untyped, {}), exposition_format::openmetrics),
            "# HELP a Help.\n# TYPE a unknown\n# EOF\n");
  EXPECT_EQ(to_text(std::vector<MetricFamily>{}, exposition_format::openmetrics), "# EOF\n");
}

TEST(OpenMetrics, EscapesQuotesInHelpTooAndWritesBoundsAsFloats) {
  MetricFamily family = family_of("a", MetricType::Histogram, {});
  family.help = "\"a\"\\\n";
  ClientMetric metric;
  metric.histogram.sample_count = 2;
  metric.histogram.sample_sum = 1.5;
  metric.histogram.bucket = {{.cumulative_count = 1, .upper_bound = 1},
                             {.cumulative_count = 2, .upper_bound = 2.5},
                             {.cumulative_count = 2, .upper_bound = infinity}};
  family.metric = {metric};
  EXPECT_EQ(to_text(family, exposition_format::openmetrics),
            "# HELP a \\\"a\\\"\\\\\\n\n# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"2.5\"} 2\n"
            "a_bucket{le=\"+Inf\"} 2\na_sum 1.5\na_count 2\n# EOF\n");
}

TEST(OpenMetrics, WritesTimestampsInSeconds) {
  ClientMetric metric = gauge_of(1);
  metric.timestamp_ms = 1'500;
  EXPECT_EQ(to_text(family_of("a", MetricType::Gauge, {metric})),
            "# HELP a Help.\n# TYPE a gauge\na 1 1500\n");
  EXPECT_EQ(to_text(family_of("a", MetricType::Gauge, {metric}), exposition_format::openmetrics),
            "# HELP a Help.\n# TYPE a gauge\na 1 1.5\n# EOF\n");
}

}  // namespace
}  // namespace pushguard::metrics
