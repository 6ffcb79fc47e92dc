#include "simulator/soql.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

soql_query parsed(std::string_view text) {
  auto query = parse_soql(text, start_of_test().wall);
  if (!query) {
    ADD_FAILURE() << text << ": " << query.error().message;
    return {};
  }
  return *query;
}

api_error refused(std::string_view text) {
  const auto query = parse_soql(text, start_of_test().wall);
  if (query) {
    ADD_FAILURE() << text << " was understood";
    return {};
  }
  return query.error();
}

TEST(Soql, ReadsAQueryWithAllItsClauses) {
  const soql_query query = parsed(
      "SELECT Id, PackageVersion.MetadataPackage.Name FROM PackagePushRequest WHERE Status != 'Canceled' "
      "AND (IsMigration = FALSE OR PackageVersionId = null) ORDER BY ScheduledStartTime DESC NULLS LAST, Id "
      "LIMIT 10 OFFSET 5");
  ASSERT_EQ(query.items.size(), 2U);
  EXPECT_EQ(query.items[1].path.text(), "PackageVersion.MetadataPackage.Name");
  EXPECT_EQ(query.object, "PackagePushRequest");
  ASSERT_TRUE(query.where);
  EXPECT_EQ(query.where->is, soql_condition::kind::all);
  EXPECT_EQ(query.where->parts[1].is, soql_condition::kind::any);
  ASSERT_EQ(query.order_by.size(), 2U);
  EXPECT_EQ(query.order_by[0].direction, soql_direction::descending);
  EXPECT_EQ(query.order_by[0].nulls, soql_nulls::last);
  EXPECT_EQ(query.order_by[1].direction, soql_direction::ascending);
  EXPECT_EQ(query.limit, 10U);
  EXPECT_EQ(query.offset, 5U);
}

TEST(Soql, ReadsAggregatesWithAliases) {
  const soql_query query =
      parsed("select Status, COUNT(Id), max(SystemModstamp) newest from PackagePushJob group by Status");
  ASSERT_EQ(query.items.size(), 3U);
  EXPECT_EQ(query.items[0].function, soql_function::none);
  EXPECT_EQ(query.items[1].function, soql_function::count);
  EXPECT_EQ(query.items[1].path.text(), "Id");
  EXPECT_EQ(query.items[2].function, soql_function::maximum);
  EXPECT_EQ(query.items[2].alias, "newest");
  ASSERT_EQ(query.group_by.size(), 1U);
  EXPECT_TRUE(parsed("SELECT COUNT() FROM PackagePushJob").items[0].path.names.empty());
}

TEST(Soql, ReadsLiteralsOfEveryKind) {
  const soql_query query = parsed(R"(SELECT Id FROM X WHERE a IN ('it\'s', 'a\\b', -3, TRUE, NULL))");
  const auto& literals = query.where->literals;
  ASSERT_EQ(literals.size(), 5U);
  EXPECT_EQ(std::get<std::string>(literals[0].value), "it's");
  EXPECT_EQ(std::get<std::string>(literals[1].value), "a\\b");
  EXPECT_EQ(std::get<std::int64_t>(literals[2].value), -3);
  EXPECT_TRUE(std::get<bool>(literals[3].value));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(literals[4].value));
}

TEST(Soql, ReadsInstantsInTheirForms) {
  const wall_time noon = start_of_test().wall;
  for (const std::string_view text : {"2026-03-10T12:00:00Z", "2026-03-10T12:00:00.000Z",
                                      "2026-03-10T14:00:00+02:00", "2026-03-10T12:00:00.000+0000"}) {
    const soql_query query = parsed("SELECT Id FROM X WHERE a >= " + std::string(text));
    const auto& range = std::get<soql_time_range>(query.where->literals[0].value);
    EXPECT_EQ(range.begin, noon) << text;
    EXPECT_EQ(range.end, noon + 1ms);
  }
}

TEST(Soql, ReadsDaysRelativeToNow) {
  const wall_time midnight = start_of_test().wall - 12h;
  const auto range_of = [](std::string_view literal) {
    return std::get<soql_time_range>(
        parsed("SELECT Id FROM X WHERE a = " + std::string(literal)).where->literals[0].value);
  };
  EXPECT_EQ(range_of("TODAY").begin, midnight);
  EXPECT_EQ(range_of("today").end, midnight + 24h);
  EXPECT_EQ(range_of("YESTERDAY").end, midnight);
  EXPECT_EQ(range_of("LAST_N_DAYS:30").begin, midnight - 24h * 30);
  EXPECT_EQ(range_of("LAST_N_DAYS:30").end, midnight + 24h);
}

TEST(Soql, RefusesWhatIsMalformed) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"", "unexpected token: '<EOF>'"},
      {"SELECT", "unexpected token: '<EOF>'"},
      {"SELECT Id", "unexpected token: '<EOF>'"},
      {"SELECT Id FORM X", "unexpected token: 'X'"},
      {"SELECT Id FROM X WHERE", "unexpected token: '<EOF>'"},
      {"SELECT Id FROM X WHERE a", "unexpected token: '<EOF>'"},
      {"SELECT Id FROM X WHERE a =", "unexpected token: '<EOF>'"},
      {"SELECT Id FROM X WHERE a = b", "unexpected token: 'b'"},
      {"SELECT Id FROM X WHERE a ~ 1", "unexpected token: '~'"},
      {"SELECT Id FROM X WHERE a IN ()", "unexpected token: ')'"},
      {"SELECT Id FROM X WHERE a IN ('b'", "unexpected token: '<EOF>'"},
      {"SELECT Id FROM X WHERE a NOT 'b'", "unexpected token: ''b''"},
      {"SELECT Id FROM X WHERE a = 'b", "expecting '''"},
      {R"(SELECT Id FROM X WHERE a = '\z')", "invalid string escape"},
      {"SELECT Id FROM X WHERE a = 1 AND b = 2 OR c = 3", "unexpected token: 'OR'"},
      {"SELECT Id FROM X WHERE (a = 1", "unexpected token: '<EOF>'"},
      {"SELECT Id FROM X LIMIT x", "unexpected token: 'x'"},
      {"SELECT Id FROM X LIMIT -1", "unexpected token: '-1'"},
      {"SELECT Id FROM X GROUP Status", "unexpected token: 'Status'"},
      {"SELECT Id FROM X;", "unexpected token: ';'"},
      {"SELECT Id, (SELECT Id FROM Y) FROM X", "unexpected token: '('"},
      {"SELECT SUM(a) FROM X", "unexpected token: '('"},
      {"SELECT MAX() FROM X", "unexpected token: ')'"},
      {"SELECT a..b FROM X", "unexpected token: '.'"},
      {"SELECT Id FROM X WHERE a > 2026-03-10T25:00:00Z", "unexpected token: '2026-03-10T25:00:00Z'"},
      {"SELECT Id FROM X WHERE a > 2026-03-10T12:00:00 0000", "unexpected token"},
  };
  for (const auto& [text, message] : cases) {
    const api_error error = refused(text);
    EXPECT_EQ(error.code, "MALFORMED_QUERY") << text;
    EXPECT_EQ(error.status, 400);
    EXPECT_THAT(error.message, HasSubstr(message)) << text;
  }
}

TEST(Soql, PointsAtThePlace) {
  const api_error error = refused("SELECT Id FROM X WHERE a ~ 1");
  EXPECT_THAT(error.message, HasSubstr("\nSELECT Id FROM X WHERE a ~ 1\n                         ^\n"));
  EXPECT_THAT(error.message, HasSubstr("ERROR at Row:1:Column:26\n"));
}

TEST(Soql, BoundsNestingAndLength) {
  const auto nested = [](std::size_t depth) {
    return "SELECT Id FROM X WHERE " + std::string(depth, '(') + "a = 1" + std::string(depth, ')');
  };
  EXPECT_TRUE(parsed(nested(soql_depth_max)).where);
  EXPECT_THAT(refused(nested(soql_depth_max + 1)).message, EndsWith("nested too deeply"));
  EXPECT_EQ(refused(std::string(soql_size_max + 1, 'x')).code, "QUERY_TOO_COMPLICATED");
}

TEST(Soql, EveryCutOfAQueryIsRefusedOrUnderstoodButNeverHangs) {
  const std::string text =
      R"(SELECT Status, COUNT(Id) n FROM X WHERE (a = 'b\'' AND NOT c IN (1, 2)) GROUP BY Status LIMIT 5)";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto query = parse_soql(std::string_view(text).substr(0, size), start_of_test().wall);
    EXPECT_TRUE(query || !query.error().message.empty());
  }
}

}  // namespace
}  // namespace pushguard::simulator
