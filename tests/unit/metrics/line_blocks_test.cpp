#include "metrics/line_blocks.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

#include "metrics/text_format.hpp"
#include "tests/support/line_text.hpp"

namespace pushguard::metrics {
namespace {

const std::vector<family_header> two_families{{.name = "a", .help = "A."}, {.name = "b", .help = "B."}};
constexpr std::string_view header_a = "# HELP a A.\n# TYPE a gauge\n";
constexpr std::string_view header_b = "# HELP b B.\n# TYPE b gauge\n";

using test::next_text;
using test::text_of;
using texts = std::vector<std::string>;

std::string both(std::string_view a, std::string_view b) {
  return std::string(header_a).append(a).append(header_b).append(b);
}

/// The lines of a text, in any order: what the blocks promise about order is only that families do not mix.
std::multiset<std::string> lines_of(std::string_view text) {
  std::multiset<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string key_of(std::size_t i) {
  return "key " + std::to_string(i);
}

texts lines_for(std::size_t i, int value) {
  std::string labels;
  append_labels(labels, {{"key", key_of(i)}});
  texts made(2);
  append_sample(made[0], "a", labels, value);
  if (value % 3 != 0)
    append_sample(made[1], "b", labels, value);
  return made;
}

TEST(LineBlocks, ShowHeadersBeforeAnythingIsSet) {
  line_blocks blocks(two_families);
  EXPECT_EQ(text_of(blocks.snapshot()), both("", ""));
  EXPECT_EQ(blocks.series(), 0U);
}

TEST(LineBlocks, AreWrittenFamilyByFamily) {
  line_blocks blocks(two_families);
  blocks.set("x", texts{"a{x} 1\n", "b{x} 1\n"});
  blocks.set("y", texts{"a{y} 1\n", ""});
  blocks.set("z", texts{"", "b{z} 1\nb{z} 2\n"});
  const auto snapshot = blocks.snapshot();
  EXPECT_EQ(text_of(snapshot), both("a{x} 1\na{y} 1\n", "b{x} 1\nb{z} 1\nb{z} 2\n"));
  EXPECT_EQ(snapshot.series(0), 2U);
  EXPECT_EQ(snapshot.series(1), 3U);
  EXPECT_EQ(snapshot.series(), 5U);
  EXPECT_EQ(snapshot.size_bytes(), text_of(snapshot).size());
}

TEST(LineBlocks, ReplaceAKeysLinesInPlace) {
  line_blocks blocks(two_families);
  for (const char* key : {"x", "y", "z"})
    blocks.set(key, texts{std::string("a{") + key + "} 1\n", ""});
  blocks.set("y", texts{"a{y} 1000\n", "b{y} 2\n"});
  EXPECT_EQ(text_of(blocks.snapshot()), both("a{x} 1\na{y} 1000\na{z} 1\n", "b{y} 2\n"));
  blocks.set("y", texts{"", ""});
  EXPECT_EQ(text_of(blocks.snapshot()), both("a{x} 1\na{z} 1\n", ""));
  EXPECT_TRUE(blocks.contains("y")) << "a key without lines is still a key";
  EXPECT_EQ(blocks.keys(), 3U);
}

TEST(LineBlocks, ForgetAnErasedKey) {
  line_blocks blocks(two_families);
  blocks.set("x", texts{"a 1\n", "b 1\n"});
  blocks.erase("unknown");
  EXPECT_TRUE(blocks.contains("x"));
  blocks.erase("x");
  EXPECT_FALSE(blocks.contains("x"));
  EXPECT_EQ(blocks.keys(), 0U);
  EXPECT_EQ(blocks.series(), 0U);
  EXPECT_EQ(text_of(blocks.snapshot()), both("", ""));
  blocks.set("x", texts{"a 2\n", ""});
  EXPECT_EQ(text_of(blocks.snapshot()), both("a 2\n", ""));
}

TEST(LineBlocks, GiveEachKeyAPlaceUntilItIsErased) {
  line_blocks blocks(two_families);
  const line_blocks::place x = blocks.add("x");
  const line_blocks::place y = blocks.add("y");
  EXPECT_NE(x, y);
  EXPECT_EQ(blocks.add("x"), x);
  EXPECT_EQ(blocks.find("x"), x);
  EXPECT_EQ(blocks.find("z"), std::nullopt);
  EXPECT_LT(std::max(x, y), blocks.places_end());
  EXPECT_EQ(blocks.series(), 0U);
  blocks.set(y, texts{"a{y} 1\n", ""});
  blocks.set("x", texts{"a{x} 1\n", "b{x} 1\n"});
  EXPECT_EQ(text_of(blocks.snapshot()), both("a{x} 1\na{y} 1\n", "b{x} 1\n"));
  blocks.clear(x);
  EXPECT_EQ(text_of(blocks.snapshot()), both("a{y} 1\n", ""));
  EXPECT_EQ(blocks.find("x"), x) << "a cleared key stays";
  blocks.erase(x);
  EXPECT_EQ(blocks.find("x"), std::nullopt);
  EXPECT_EQ(blocks.find("y"), y);
  EXPECT_EQ(blocks.add("z"), x) << "a place that is free is given again";
  blocks.erase("y");
  blocks.erase("z");
  EXPECT_EQ(blocks.places_end(), 0U) << "nothing is kept for nobody";
}

TEST(LineBlocks, WriteTheHeadersOfEitherFormat) {
  line_blocks blocks({{.name = "a_total", .help = "A \"quote\".", .type = prometheus::MetricType::Counter}});
  blocks.set("x", texts{"a_total 1\n"});
  const auto snapshot = blocks.snapshot();
  for (const exposition_format format : all_exposition_formats) {
    const std::string text = text_of(snapshot, format);
    EXPECT_EQ(text, format == exposition_format::text
                        ? "# HELP a_total A \"quote\".\n# TYPE a_total counter\na_total 1\n"
                        : "# HELP a A \\\"quote\\\".\n# TYPE a counter\na_total 1\n");
    EXPECT_EQ(snapshot.size_bytes(format), text.size());
    line_cursor cursor(snapshot, format);
    EXPECT_EQ(next_text(cursor), text);
  }
}

TEST(LineBlocks, SnapshotsDoNotChange) {
  line_blocks blocks(two_families);
  for (std::size_t i = 0; i < 200; ++i)
    blocks.set(key_of(i), lines_for(i, 1));
  const auto before = blocks.snapshot();
  const std::string text = text_of(before);
  for (std::size_t i = 0; i < 200; ++i) {
    if (i % 2 == 0)
      blocks.erase(key_of(i));
    else
      blocks.set(key_of(i), lines_for(i, 12345));
  }
  blocks.set("new", lines_for(999, 2));
  EXPECT_EQ(text_of(before), text);
  EXPECT_EQ(before.series(), 400U);
  const auto after = blocks.snapshot();
  EXPECT_NE(text_of(after), text);
  for (std::size_t i = 0; i < 200; ++i)
    blocks.erase(key_of(i));
  blocks.erase("new");
  EXPECT_EQ(after.series(), 102U);
  EXPECT_EQ(lines_of(text_of(after)).size(), 102U + 4U);
}

TEST(LineBlocks, SnapshotsOutliveTheBlocks) {
  std::vector<line_snapshot> kept;
  {
    line_blocks blocks(two_families);
    blocks.set("x", texts{"a 1\n", ""});
    kept.push_back(blocks.snapshot());
  }
  EXPECT_EQ(text_of(kept.front()), both("a 1\n", ""));
}

TEST(LineBlocks, RefuseWhatIsNotLines) {
  line_blocks blocks(two_families);
  EXPECT_THROW(blocks.set("x", texts{"a 1\n"}), std::invalid_argument);
  EXPECT_THROW(blocks.set("x", texts{"a 1", ""}), std::invalid_argument);
  const std::string most = std::string(line_blocks::key_text_size_max - 1, 'x') + "\n";
  EXPECT_THROW(blocks.set("x", texts{"x" + most, ""}), std::invalid_argument);
  EXPECT_FALSE(blocks.contains("x"));
  const std::string longest_key(line_blocks::key_size_max, 'k');
  EXPECT_THROW(blocks.set(longest_key + "k", texts{"", ""}), std::invalid_argument);
  EXPECT_NO_THROW(blocks.set(longest_key, texts{"", ""}));
  blocks.set("x", texts{most, ""});
  EXPECT_EQ(blocks.series(), 1U);
}

TEST(LineBlocks, RefuseWrongOrDoubledFamilies) {
  EXPECT_THROW(line_blocks({{.name = "a b", .help = ""}}), std::invalid_argument);
  EXPECT_THROW(line_blocks({{.name = "a", .help = ""}, {.name = "a", .help = ""}}), std::invalid_argument);
}

TEST(LineBlocks, HostileTextStaysOnItsLine) {
  line_blocks blocks(two_families);
  std::string labels;
  append_labels(labels, {{"name", "\"} 1\n# EOF\nb 2\\\xFF"}});
  texts lines(2);
  append_sample(lines[0], "a", labels, 1);
  blocks.set("x", lines);
  EXPECT_EQ(blocks.series(0), 1U);
  EXPECT_EQ(text_of(blocks.snapshot()), both("a{name=\"\\\"} 1\\n# EOF\\nb 2\\\\\uFFFD\"} 1\n", ""));
}

TEST(LineCursor, YieldsTheWholeTextInChunksOfAnySize) {
  line_blocks blocks(two_families);
  for (std::size_t i = 0; i < 300; ++i)
    blocks.set(key_of(i), lines_for(i, static_cast<int>(i)));
  const auto snapshot = blocks.snapshot();
  const std::string whole = text_of(snapshot);
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, whole.size() - 1,
                                 whole.size(), whole.size() + 1, line_cursor::chunk_size}) {
    line_cursor cursor(snapshot);
    std::string joined;
    for (std::string chunk = next_text(cursor, size); !chunk.empty(); chunk = next_text(cursor, size)) {
      joined += chunk;
      ASSERT_TRUE(chunk.size() == size || joined.size() == whole.size()) << size;
    }
    EXPECT_EQ(joined, whole) << size;
    EXPECT_TRUE(cursor.next(size).empty()) << "the end stays the end";
  }
}

TEST(LineCursor, KeepsReadingItsSnapshotWhileTheBlocksChange) {
  line_blocks blocks(two_families);
  for (std::size_t i = 0; i < 300; ++i)
    blocks.set(key_of(i), lines_for(i, 1));
  const std::string whole = text_of(blocks.snapshot());
  line_cursor cursor(blocks.snapshot());
  std::string joined;
  std::size_t changed = 0;
  for (std::string chunk = next_text(cursor, 500); !chunk.empty(); chunk = next_text(cursor, 500)) {
    joined += chunk;
    blocks.set(key_of(changed), lines_for(changed, 77));
    blocks.erase(key_of(299 - changed));
    ++changed;
  }
  EXPECT_EQ(joined, whole);
}

TEST(PlaceIndex, FindsAmongCollidingHashesAfterAnyErasure) {
  std::mt19937 random(7);
  detail::place_index index;
  std::map<std::uint32_t, std::size_t> held;  // place -> hash
  const auto find = [&](std::size_t hash, std::uint32_t wanted) {
    return index.find(hash, [&](std::uint32_t at) { return at == wanted; });
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t at = random() % 300;
    // Few hashes, at both ends of the table: long runs that wrap around.
    const std::size_t hash = random() % 2 == 0 ? random() % 5 : std::size_t{0xFFFFFFFF} - random() % 5;
    const auto known = held.find(at);
    if (known == held.end()) {
      EXPECT_EQ(find(hash, at), detail::place_index::nowhere);
      index.insert(hash, at);
      held[at] = hash;
    } else {
      ASSERT_EQ(find(known->second, at), at);
      index.erase(known->second, at);
      held.erase(known);
    }
    ASSERT_EQ(index.size(), held.size());
    if (step % 500 == 0) {
      for (const auto& [place, its_hash] : held)
        ASSERT_EQ(find(its_hash, place), place);
    }
  }
}

/// Random sets and erases beside a plain map, with snapshots taken in between and checked at the end.
class LineBlocksProperty : public testing::TestWithParam<unsigned> {};

using model = std::map<std::string, texts>;

std::multiset<std::string> family_lines(const model& held, std::size_t family) {
  std::multiset<std::string> lines;
  for (const auto& [key, text] : held)
    lines.merge(lines_of(text[family]));
  return lines;
}

void expect_same(const line_snapshot& snapshot, const model& held) {
  const std::string text = text_of(snapshot);
  ASSERT_TRUE(text.starts_with(header_a));
  const std::size_t second = text.find(header_b);
  ASSERT_NE(second, std::string::npos);
  const auto a = lines_of(std::string_view(text).substr(header_a.size(), second - header_a.size()));
  const auto b = lines_of(std::string_view(text).substr(second + header_b.size()));
  EXPECT_EQ(a, family_lines(held, 0));
  EXPECT_EQ(b, family_lines(held, 1));
  EXPECT_EQ(snapshot.series(0), a.size());
  EXPECT_EQ(snapshot.series(1), b.size());
  EXPECT_EQ(snapshot.size_bytes(), text.size());
}

TEST_P(LineBlocksProperty, HoldWhatAPlainMapHolds) {
  std::mt19937 random(GetParam());
  line_blocks blocks(two_families);
  model held;
  std::vector<std::pair<line_snapshot, model>> taken;
  // Few keys make slots be used again; many make several pages. Now and then all are erased.
  const std::size_t key_count = GetParam() % 2 == 0 ? 40 : 700;
  for (int step = 0; step < 4000; ++step) {
    const std::size_t i = random() % key_count;
    const unsigned what = random() % 1000;
    if (what < 600) {
      const texts lines = lines_for(i, static_cast<int>(random() % 100'000));
      blocks.set(key_of(i), lines);
      held[key_of(i)] = lines;
    } else if (what < 985) {
      blocks.erase(key_of(i));
      held.erase(key_of(i));
    } else if (what < 998) {
      taken.emplace_back(blocks.snapshot(), held);
    } else {
      for (const auto& [key, lines] : held)
        blocks.erase(key);
      held.clear();
    }
    ASSERT_EQ(blocks.keys(), held.size());
  }
  taken.emplace_back(blocks.snapshot(), held);
  for (const auto& [snapshot, then] : taken)
    expect_same(snapshot, then);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LineBlocksProperty, testing::Range(0U, 8U));

TEST(LineBlocks, AreReadByAnotherThreadWhileTheyChange) {
  line_blocks blocks(two_families);
  for (std::size_t i = 0; i < 300; ++i)
    blocks.set(key_of(i), lines_for(i, 1));
  for (int round = 0; round < 20; ++round) {
    std::jthread reader(
        [cursor = line_cursor(blocks.snapshot()), size = blocks.snapshot().size_bytes()]() mutable {
          std::size_t read = 0;
          for (std::string chunk = next_text(cursor); !chunk.empty(); chunk = next_text(cursor))
            read += chunk.size();
          EXPECT_EQ(read, size);
        });
    for (std::size_t i = 0; i < 300; i += 3)
      blocks.set(key_of(i), lines_for(i, round * 100));
  }
  EXPECT_EQ(blocks.series(0), 300U);
}

}  // namespace
}  // namespace pushguard::metrics
