#include "agent/scrapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "metrics/families.hpp"
#include "metrics/text_format.hpp"
#include "tests/support/exposition_reader.hpp"
#include "tests/support/gunzip.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Takes what is written, at its own pace.
class slow_writer final : public body_writer {
 public:
  slow_writer(time_source& time, duration pause) : time_(time), pause_(pause) {}

  asio::awaitable<result<>> write_joined(std::span<const std::string_view> pieces) override {
    if (pause_ > duration::zero())
      co_await time_.sleep_for(pause_);
    for (const std::string_view piece : pieces)
      taken += piece;
    co_return result<>{};
  }

  std::string taken;

 private:
  time_source& time_;
  duration pause_;
};

class Scrapes : public testing::Test {
 protected:
  Scrapes() : blocks_({{.name = "thing_up", .help = "Up."}}) {
    for (int i = 0; i < 5000; ++i) {
      std::string labels;
      metrics::append_labels(labels, {{"key", std::to_string(i)}, {"name", std::string(100, 'x')}});
      std::array<std::string, 1> lines;
      metrics::append_sample(lines[0], "thing_up", labels, i);
      blocks_.set(std::to_string(i), lines);
    }
  }

  static std::vector<prometheus::MetricFamily> rest() {
    auto family = metrics::counter("things_total", "Things.");
    family.add({}, 7);
    return {std::move(family).build()};
  }
  http_reply large(http_headers headers = {}) {
    return scrapes_.large({.headers = std::move(headers)}, {blocks_.snapshot()}, rest());
  }
  /// What the body is; the failure where it was given up.
  result<std::string> body(const http_reply& reply, duration pause = {}) {
    slow_writer out(time_, pause);
    const auto written = simulate(context_, time_, reply.stream(out));
    if (!written)
      return std::unexpected(written.error());
    return out.taken;
  }

  template <class T>
  static T simulate(asio::io_context& context, fake_time& time, asio::awaitable<T> task) {
    return test::simulate(context, time, std::move(task));
  }

  asio::io_context context_;
  fake_time time_;
  metrics::line_blocks blocks_;
  scrapes scrapes_{time_};
};

TEST_F(Scrapes, AreAnsweredInTheFormatAndCompressionThatIsAskedFor) {
  for (const bool is_openmetrics : {false, true}) {
    for (const bool is_compressed : {false, true}) {
      http_headers headers;
      if (is_openmetrics)
        headers.add("Accept", "application/openmetrics-text;version=1.0.0");
      if (is_compressed)
        headers.add("Accept-Encoding", "gzip");
      const auto format =
          is_openmetrics ? metrics::exposition_format::openmetrics : metrics::exposition_format::text;
      const auto check = [&](const http_reply& reply, std::string text, std::size_t series) {
        EXPECT_EQ(reply.headers.find("Content-Type"), metrics::content_type(format));
        EXPECT_EQ(reply.headers.find("Content-Encoding").has_value(), is_compressed);
        EXPECT_EQ(reply.headers.find("Vary"), "Accept, Accept-Encoding");
        if (is_compressed)
          text = test::gunzip(text);
        const auto read = test::read_exposition(text, is_openmetrics);
        ASSERT_TRUE(read) << read.error().text();
        EXPECT_EQ(read->front().samples.size(), series);
        EXPECT_EQ(read->back().samples.back().name, "things_total");
        EXPECT_EQ(read->back().samples.back().value, 7);
      };
      const http_reply whole = large(headers);
      check(whole, body(whole).value(), 5000);
      const http_reply small = scrapes::small({.headers = headers}, rest());
      check(small, small.body, 1);
    }
  }
}

TEST_F(Scrapes, ShowWhatWasThereWhenTheyBegan) {
  const http_reply reply = large();
  blocks_.erase("0");
  blocks_.erase("4999");
  const std::string text = body(reply).value();
  EXPECT_THAT(text, testing::HasSubstr("key=\"0\""));
  EXPECT_THAT(text, testing::HasSubstr("key=\"4999\""));
}

TEST_F(Scrapes, AreGivenUpWhenTheirClientNoLongerWaits) {
  EXPECT_TRUE(body(large({{"X-Prometheus-Scrape-Timeout-Seconds", "100"}}), 5s));
  const auto late = body(large({{"X-Prometheus-Scrape-Timeout-Seconds", "10"}}), 5s);
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(errc::timed_out));
  EXPECT_FALSE(body(large(), 1min)) << "without the header two minutes are enough";
  for (const char* nonsense : {"", "x", "-5", "nan", "0", "1s"})
    EXPECT_TRUE(body(large({{"X-Prometheus-Scrape-Timeout-Seconds", nonsense}}), 5s)) << nonsense;
}

TEST_F(Scrapes, ThatAreTooManyAreToldToComeAgain) {
  std::vector<http_reply> running;
  for (std::size_t i = 0; i < scrapes::large_max; ++i) {
    running.push_back(large());
    EXPECT_EQ(running.back().status, 200);
  }
  const http_reply refused = large();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.find("Retry-After"));
  running.pop_back();
  EXPECT_EQ(large().status, 200) << "one has ended";
}

}  // namespace
}  // namespace pushguard::agent
