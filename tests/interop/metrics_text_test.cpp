#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>

#include "metrics/families.hpp"
#include "metrics/instruments.hpp"
#include "metrics/line_blocks.hpp"
#include "metrics/text_format.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/line_text.hpp"

namespace pushguard::metrics {
namespace {

using namespace std::chrono_literals;

struct verdict {
  int status = -1;
  std::string words;
};

/// What Prometheus' own parser and linter say about a text.
class PromtoolInterop : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test::find_program("promtool")) << "promtool is not installed; ./dev test installs it";
    std::string name = std::filesystem::temp_directory_path() / "pushguard-metrics-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    if (!directory_.empty())
      std::filesystem::remove_all(directory_);
  }

  verdict check(std::string_view text) {
    std::ofstream(directory_ / "metrics.txt", std::ios::binary) << text;
    test::child_process promtool({"sh", "-c", "promtool check metrics < metrics.txt 2>&1"},
                                 {.directory = directory_, .environment = {}});
    verdict said;
    said.words = promtool.read_all(20s);
    said.status = promtool.wait(20s).value_or(-1);
    return said;
  }

 private:
  std::filesystem::path directory_;
};

/// Every byte there is, and what a hostile name would try.
std::string hostile_text() {
  std::string text = "\"} 1\n# TYPE evil counter\nevil 1\n\\";
  for (int byte = 0; byte < 256; ++byte)
    text += static_cast<char>(byte);
  return text + "\xF0\x9F\x9A\x80 \xC3";
}

TEST_F(PromtoolInterop, FindsNothingWrongWithFamiliesAndInstruments) {
  instruments own({{"owner", hostile_text()}});
  own.counter("things_total", "Things \\ with\na line end.").increment(1e15);
  own.histogram("things_duration_seconds", "Durations.", std::array{0.1, 1.0}).observe(0.25s);
  std::vector<prometheus::MetricFamily> families = own.collect();
  auto numbers = gauge("numbers", "All kinds of numbers.");
  numbers.add({{"kind", "nan"}}, std::numeric_limits<double>::quiet_NaN());
  numbers.add({{"kind", "infinite"}}, -std::numeric_limits<double>::infinity());
  numbers.add({{"kind", "small"}}, 5e-324);
  numbers.add({{"kind", "large"}}, 1.7976931348623157e308);
  families.push_back(std::move(numbers).build());
  families.push_back(gauge("nothing", "No series at all.").build());
  const verdict said = check(to_text(families));
  EXPECT_EQ(said.status, 0) << said.words;
  EXPECT_EQ(said.words, "");
}

TEST_F(PromtoolInterop, FindsNothingWrongWithLineBlocks) {
  line_blocks blocks({{.name = "thing_up", .help = "Up."}, {.name = "thing_info", .help = "What it is."}});
  for (int i = 0; i < 200; ++i) {
    std::array<std::string, 2> lines;
    std::string labels;
    append_labels(labels, {{"key", std::to_string(i)}});
    append_sample(lines[0], "thing_up", labels, i % 2);
    append_labels(labels, {{"name", hostile_text()}});
    append_sample(lines[1], "thing_info", labels, 1);
    blocks.set(std::to_string(i), lines);
  }
  const verdict said = check(test::text_of(blocks.snapshot()));
  EXPECT_EQ(said.status, 0) << said.words;
  EXPECT_EQ(said.words, "");
}

TEST_F(PromtoolInterop, WouldSayWhatIsWrong) {
  EXPECT_NE(check("# HELP a A.\n# TYPE a gauge\na{l=\"\n\"} 1\n").status, 0);
  EXPECT_NE(check("# HELP a A.\n# TYPE a counter\na 1\n").status, 0);
}

}  // namespace
}  // namespace pushguard::metrics
