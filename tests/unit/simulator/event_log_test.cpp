#include "simulator/event_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

TEST(EventLog, IdsRiseWithGaps) {
  event_log log(1, 72h);
  for (std::uint64_t job = 0; job < 100; ++job)
    log.append(job, {}, start_of_test());
  std::uint64_t last = 0;
  bool has_gap = false;
  for (event_log::position at = log.earliest(); at < log.tip(); ++at) {
    const std::uint64_t number = log.at(at).number;
    EXPECT_GT(number, last);
    has_gap = has_gap || (last != 0 && number > last + 1);
    last = number;
    EXPECT_EQ(log.at(at).subject, at);
    EXPECT_EQ(log.after(log.replay_id(log.at(at))), at + 1);
  }
  EXPECT_TRUE(has_gap);
}

TEST(EventLog, KnowsOnlyIdsThatItGave) {
  event_log log(1, 72h);
  EXPECT_EQ(log.after("0"), std::nullopt);
  const std::string id = log.replay_id(log.append(0, {}, start_of_test()));
  const std::uint64_t number = log.at(0).number;
  EXPECT_EQ(id, std::to_string(number));
  EXPECT_EQ(log.after(id), 1U);
  for (const std::string& other : {std::to_string(number - 1), std::to_string(number + 1), '0' + id, '+' + id,
                                   id + ".0", id + ' ', '-' + id, std::string()})
    EXPECT_EQ(log.after(other), std::nullopt) << other;
}

TEST(EventLog, GivesTextsThatAreNoNumbersAndDoNotRise) {
  event_log log(1, 72h, replay_id_form::text);
  bool rises = true;
  std::string last;
  for (std::uint64_t event = 0; event < 20; ++event) {
    const std::string token = log.replay_id(log.append(event, {}, start_of_test()));
    ASSERT_TRUE(token.starts_with('"') && token.ends_with('"')) << token;
    const std::string id = token.substr(1, token.size() - 2);
    EXPECT_EQ(log.after(id), event + 1);
    EXPECT_EQ(log.after(id.substr(0, 16)), std::nullopt) << "only the whole of it";
    EXPECT_EQ(log.after(id + ' '), std::nullopt);
    EXPECT_EQ(log.after(token), std::nullopt) << "its quotes are not part of it";
    rises = rises && last < id;
    last = id;
  }
  EXPECT_FALSE(rises);
}

TEST(EventLog, GivesNumbersThatOnlyFitUnsignedIntegers) {
  event_log log(1, 72h, replay_id_form::huge);
  const std::string id = log.replay_id(log.append(0, {}, start_of_test()));
  EXPECT_GT(std::stoull(id), std::uint64_t{1} << 63U);
  EXPECT_EQ(log.after(id), 1U);
  EXPECT_EQ(log.after(std::to_string(log.at(0).number)), std::nullopt);
}

TEST(EventLog, ForgetsAfterTheRetention) {
  event_log log(1, 72h);
  const instant start = start_of_test();
  const std::string first = log.replay_id(log.append(1, {}, start));
  log.append(2, {}, later(start, 1h));
  const std::uint64_t first_number = log.at(0).number;
  log.purge(later(start, 72h - 1ms).steady);
  EXPECT_EQ(log.earliest(), 0U);
  log.purge(later(start, 72h).steady);
  EXPECT_EQ(log.earliest(), 1U);
  EXPECT_EQ(log.tip(), 2U);
  EXPECT_EQ(log.at(1).subject, 2U);
  EXPECT_EQ(log.after(first), std::nullopt);
  log.purge(later(start, 73h).steady);
  EXPECT_EQ(log.earliest(), log.tip());
  log.append(3, {}, later(start, 80h));
  EXPECT_GT(log.at(2).number, first_number) << "ids go on rising when the log was empty";
}

TEST(EventLog, ForgetsEverythingWhenCleared) {
  event_log log(1, 72h);
  const std::string id = log.replay_id(log.append(1, {}, start_of_test()));
  log.clear();
  EXPECT_EQ(log.earliest(), 1U);
  EXPECT_EQ(log.tip(), 1U);
  EXPECT_EQ(log.after(id), std::nullopt);
  EXPECT_EQ(log.append(2, "next", start_of_test()).sequence, 1U);
}

TEST(EventLog, ANewNumberingKeepsEventsTheirOrderAndTheirUuids) {
  for (const replay_id_form form : {replay_id_form::number, replay_id_form::text, replay_id_form::huge}) {
    event_log log(1, 72h, form);
    std::vector<std::string> ids;
    std::vector<std::string> uuids;
    for (std::uint64_t event = 0; event < 10; ++event) {
      uuids.push_back(log.next_event_uuid());
      std::string id = log.replay_id(log.append(event, std::to_string(event), start_of_test()));
      std::erase(id, '"');
      ids.push_back(id);
    }
    log.renumber();
    for (std::uint64_t event = 0; event < 10; ++event) {
      EXPECT_EQ(log.after(ids[event]), std::nullopt) << "an id of before";
      std::string id = log.replay_id(log.at(event));
      std::erase(id, '"');
      EXPECT_EQ(log.after(id), event + 1);
      EXPECT_EQ(log.event_uuid(log.at(event)), uuids[event]);
      EXPECT_EQ(log.at(event).text, std::to_string(event));
    }
    EXPECT_GT(log.append(10, {}, start_of_test()).number, log.at(9).number);
    EXPECT_EQ(std::ranges::count(uuids, uuids[0]), 1);
  }
}

}  // namespace
}  // namespace pushguard::simulator
