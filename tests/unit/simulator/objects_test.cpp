#include "simulator/objects.hpp"

#include <gtest/gtest.h>

#include "base/id.hpp"
#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

TEST(Calendar, TellsTheWorldsInstantsOnTheClock) {
  const wall_time start = start_of_test().wall;
  const calendar times{start, 60};
  EXPECT_EQ(times.at(0s), start);
  EXPECT_EQ(times.at(1h), start + 1min);
  EXPECT_EQ(times.at(-1h), start - 1min);
  EXPECT_EQ(times.at(90s), start + 1500ms);
  EXPECT_EQ(times.record_time(90s), start + 1s);
  EXPECT_EQ(times.world_time(1min), 1h);
  EXPECT_EQ(times.clock_time(1h), 1min);
}

TEST(Calendar, WakesNobodyTooEarly) {
  for (const double scale : {0.1, 0.3, 1.0, 3.0, 60.0, 7919.0}) {
    const calendar times{start_of_test().wall, scale};
    for (duration at = 1ms; at < 1h; at += 1237ms)
      EXPECT_GE(times.world_time(times.clock_time(at) + 1ms), at) << scale;
  }
}

TEST(Objects, EveryFieldOfEveryRowCanBeRead) {
  world simulated(small_scenario(20, 0.5));
  simulated.advance_to(5min);
  const calendar times{start_of_test().wall, 1};
  const database data{simulated, times};
  for (const object_description& object : all_objects()) {
    const row_index rows = row_count(data, object.is);
    ASSERT_GT(rows, 0U) << object.name;
    for (row_index row = 0; row < rows; ++row) {
      for (const field_description& field : object.fields) {
        const field_value value = field.read(data, row);
        std::string text;
        append_json(text, value);
        ASSERT_FALSE(text.empty());
        if (field.parent != nullptr) {
          ASSERT_EQ(std::get<std::string>(value), row_id(field.parent_object, field.parent(data, row)));
        }
      }
      const std::string id = std::get<std::string>(object.fields[0].read(data, row));
      EXPECT_TRUE(check_record_id(id, object.key_prefix, object.name)) << id;
      EXPECT_EQ(find_row(data, object.is, id), row);
    }
    EXPECT_EQ(find_row(data, object.is, row_id(object.is, rows)), std::nullopt);
  }
}

TEST(Objects, AreFoundInAnyLetterCase) {
  EXPECT_EQ(find_object("packagepushrequest"), &describe(object_name::push_request));
  EXPECT_EQ(find_object("Account"), nullptr);
  EXPECT_NE(find_field(describe(object_name::push_job), "STATUS", 62), nullptr);
  EXPECT_EQ(find_field(describe(object_name::push_job), "ErrorType", 62), nullptr);
}

TEST(Objects, PicklistsAreSpeltAsTheScenarioSays) {
  const object_description& job = describe(object_name::push_job);
  const field_description& status = *find_field(job, "Status", 62);
  const auto joined = picklist_values(job, status, {});
  const auto spaced = picklist_values(job, status, {.spelling = in_progress_spelling::spaced});
  EXPECT_EQ(joined[2], "InProgress");
  EXPECT_EQ(spaced[2], "In Progress");
  EXPECT_EQ(joined.size(), 6U);
}

TEST(Objects, InstantsAreWrittenWithoutAColonInTheOffset) {
  EXPECT_EQ(format_record_time(start_of_test().wall), "2026-03-10T12:00:00.000+0000");
}

}  // namespace
}  // namespace pushguard::simulator
