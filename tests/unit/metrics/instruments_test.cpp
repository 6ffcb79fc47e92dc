#include "metrics/instruments.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <stdexcept>
#include <thread>

namespace pushguard::metrics {
namespace {

enum class operation { query, cancel };
enum class outcome { ok, failed, timed_out };
constexpr std::array all_operations{operation::query, operation::cancel};
constexpr std::array all_outcomes{outcome::ok, outcome::failed, outcome::timed_out};

std::string_view to_string(operation value) {
  return value == operation::query ? "query" : "cancel";
}

std::string_view to_string(outcome value) {
  switch (value) {
    case outcome::ok:
      return "ok";
    case outcome::failed:
      return "failed";
    case outcome::timed_out:
      return "timed_out";
  }
  return "";
}

auto make_requests(instruments& own) {
  return own.counters("requests_total", "Requests.", {}, enum_label{"operation", all_operations},
                      enum_label{"outcome", all_outcomes});
}

TEST(Instruments, AreThereAtZeroFromTheStart) {
  instruments own({{"hub", "a"}});
  (void)make_requests(own);
  EXPECT_EQ(to_text(own.collect()),
            "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
            "requests_total{hub=\"a\",operation=\"cancel\",outcome=\"failed\"} 0\n"
            "requests_total{hub=\"a\",operation=\"cancel\",outcome=\"ok\"} 0\n"
            "requests_total{hub=\"a\",operation=\"cancel\",outcome=\"timed_out\"} 0\n"
            "requests_total{hub=\"a\",operation=\"query\",outcome=\"failed\"} 0\n"
            "requests_total{hub=\"a\",operation=\"query\",outcome=\"ok\"} 0\n"
            "requests_total{hub=\"a\",operation=\"query\",outcome=\"timed_out\"} 0\n");
}

TEST(Instruments, CountUnderTheirOwnLabels) {
  instruments own;
  const auto requests = make_requests(own);
  double amount = 0;
  for (const operation o : all_operations) {
    for (const outcome r : all_outcomes)
      requests.at(o, r).increment(++amount);
  }
  const std::string text = to_text(own.collect());
  amount = 0;
  for (const operation o : all_operations) {
    for (const outcome r : all_outcomes) {
      std::string line;
      std::string labels;
      append_labels(labels, {{"operation", to_string(o)}, {"outcome", to_string(r)}});
      append_sample(line, "requests_total", labels, ++amount);
      EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
  }
}

TEST(Instruments, RefuseAValueOutsideTheDeclaredSet) {
  instruments own;
  const auto some = own.counters("some_total", "Some.", {}, enum_label{"outcome", std::array{outcome::ok}});
  EXPECT_NO_THROW((void)some.at(outcome::ok));
  EXPECT_THROW((void)some.at(outcome::failed), std::invalid_argument);
}

TEST(Instruments, ADeclarationMadeTwiceIsTheSameInstrument) {
  instruments own;
  own.counter("a_total", "A.").increment();
  auto again = own.counter("a_total", "A.");
  again.increment(2);
  EXPECT_EQ(again.value(), 3);
}

TEST(Instruments, OwnersOfOneFamilyAreMergedInTheText) {
  instruments first({{"hub", "a"}});
  instruments second({{"hub", "b"}});
  first.gauge("up", "Up.").set(1);
  (void)second.gauge("up", "Up.");
  auto all = first.collect();
  for (auto& family : second.collect())
    all.push_back(std::move(family));
  EXPECT_EQ(to_text(all), "# HELP up Up.\n# TYPE up gauge\nup{hub=\"a\"} 1\nup{hub=\"b\"} 0\n");
}

TEST(Instruments, ObserveDurationsInSeconds) {
  instruments own;
  constexpr std::array bounds{0.1, 1.0};
  const auto lengths =
      own.histograms("length_seconds", "Length.", bounds, {}, enum_label{"outcome", std::array{outcome::ok}});
  auto ok = lengths.at(outcome::ok);
  ok.observe(std::chrono::milliseconds(100));
  ok.observe(std::chrono::seconds(1));
  ok.observe(2.5);
  EXPECT_EQ(to_text(own.collect()),
            "# HELP length_seconds Length.\n# TYPE length_seconds histogram\n"
            "length_seconds_bucket{outcome=\"ok\",le=\"0.1\"} 1\n"
            "length_seconds_bucket{outcome=\"ok\",le=\"1\"} 2\n"
            "length_seconds_bucket{outcome=\"ok\",le=\"+Inf\"} 3\n"
            "length_seconds_sum{outcome=\"ok\"} 3.6\nlength_seconds_count{outcome=\"ok\"} 3\n");
}

TEST(Instruments, RefuseWrongDeclarations) {
  instruments own({{"hub", "a"}});
  const std::array rising{1.0, 2.0};
  EXPECT_THROW((void)own.counter("requests", ""), std::invalid_argument);
  EXPECT_THROW((void)own.counter("a b_total", ""), std::invalid_argument);
  EXPECT_THROW((void)own.gauge("a-b", ""), std::invalid_argument);
  EXPECT_THROW((void)own.gauge("a", "", {{"a-b", ""}}), std::invalid_argument);
  EXPECT_THROW((void)own.gauge("a", "", {{"hub", "b"}}), std::invalid_argument) << "a label given twice";
  EXPECT_THROW((void)own.histogram("h", "", rising, {{"le", "1"}}), std::invalid_argument);
  EXPECT_THROW((void)own.histogram("h", "", std::array{1.0, 1.0}), std::invalid_argument);
  EXPECT_THROW((void)own.histogram("h", "", std::array{2.0, 1.0}), std::invalid_argument);
  EXPECT_THROW((void)own.histogram("h", "", std::array{1.0, std::numeric_limits<double>::infinity()}),
               std::invalid_argument);
  EXPECT_THROW(instruments({{"9", ""}}), std::invalid_argument);
  EXPECT_NO_THROW((void)own.histogram("h", "", rising));
}

TEST(Instruments, CountFromSeveralThreadsWhileTheyAreCollected) {
  instruments own;
  auto counted = own.counter("a_total", "A.");
  constexpr int each = 2000;
  {
    std::jthread first([counted]() mutable {
      for (int i = 0; i < each; ++i)
        counted.increment();
    });
    std::jthread second([counted]() mutable {
      for (int i = 0; i < each; ++i)
        counted.increment();
    });
    for (int i = 0; i < 20; ++i)
      EXPECT_LE(own.collect().at(0).metric.at(0).counter.value, 2 * each);
  }
  EXPECT_EQ(counted.value(), 2 * each);
}

}  // namespace
}  // namespace pushguard::metrics
