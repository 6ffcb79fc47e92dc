#include "agent/policy/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tracker::job_index;
using tracker::org_index;

constexpr org_index org{7};
constexpr segment_index first{0};
constexpr segment_index second{1};

org_standing stands(standing state, settlement settled = settlement::settled) {
  return {state, settled, job_index{3}};
}

TEST(Tally, CountsEachOrgOnceWhereItStandsNow) {
  tally counted({});
  counted.set(org, stands(standing::scheduled), "");
  EXPECT_EQ(counted.counts(first).started(), 0U);
  counted.set(org, stands(standing::in_flight), "");
  EXPECT_EQ(counted.counts(first).started(), 1U);
  counted.set(org, stands(standing::failed), "");
  counted.set(org, stands(standing::failed), "");
  EXPECT_EQ(counted.counts(first), (org_counts{.failed = 1, .present = 1, .scheduled = 1}));
  counted.set(org, stands(standing::excluded), "");
  EXPECT_EQ(counted.counts(first), (org_counts{.excluded = 1, .present = 1, .scheduled = 1}));
  EXPECT_EQ(counted.counts(first).started(), 0U);
  EXPECT_EQ(counted.counts(first).eligible(), 0U);
}

TEST(Tally, NeverShrinksTheScheduled) {
  tally counted({});
  counted.set(org, stands(standing::succeeded), "");
  counted.set(org, stands(standing::absent), "");
  EXPECT_EQ(counted.counts(first), (org_counts{.scheduled = 1}));
  counted.set(org, stands(standing::succeeded), "");
  EXPECT_EQ(counted.counts(first).scheduled, 1U);
}

TEST(Tally, KnowsWhichFailuresAreUnsettled) {
  tally counted({});
  counted.set(org, stands(standing::failed, settlement::unsettled), "");
  EXPECT_EQ(counted.counts(first).unsettled, 1U);
  EXPECT_THAT(counted.unsettled_jobs(first), ElementsAre(job_index{3}));
  counted.set(org, {standing::failed, settlement::unsettled, job_index{4}}, "");
  EXPECT_THAT(counted.unsettled_jobs(first), ElementsAre(job_index{4}));
  EXPECT_EQ(counted.counts(first).unsettled, 1U);
  counted.set(org, stands(standing::failed), "");
  EXPECT_EQ(counted.counts(first).unsettled, 0U);
  EXPECT_THAT(counted.unsettled_jobs(first), IsEmpty());
}

TEST(Tally, NamesSegmentsInTheOrderOfTheirFirstOrg) {
  tally counted(segmentation::sf_instance);
  EXPECT_EQ(counted.segment_count(), 0U);
  counted.set(org_index{1}, stands(standing::failed), "CS2");
  counted.set(org_index{2}, stands(standing::succeeded), "CS1");
  EXPECT_EQ(counted.name(first), "CS2");
  EXPECT_EQ(counted.name(second), "CS1");
  EXPECT_EQ(counted.counts(first).failed, 1U);
  EXPECT_EQ(counted.counts(second).succeeded, 1U);
}

TEST(Tally, MovesAnOrgWhoseSegmentBecomesKnown) {
  tally counted(segmentation::sf_instance);
  counted.set(org, stands(standing::failed, settlement::unsettled), "unknown");
  counted.set(org, stands(standing::failed, settlement::unsettled), "CS1");
  EXPECT_EQ(counted.counts(first).present, 0U);
  EXPECT_THAT(counted.unsettled_jobs(first), IsEmpty());
  EXPECT_EQ(counted.counts(second).failed, 1U);
}

TEST(Tally, IgnoresSegmentNamesWhenItIsWhole) {
  tally counted({});
  counted.set(org, stands(standing::failed), "CS1");
  EXPECT_EQ(counted.segment_count(), 1U);
  EXPECT_EQ(counted.name(first), "");
}

TEST(Tally, TellsWhatChangedOnce) {
  tally counted(segmentation::sf_instance);
  counted.set(org_index{1}, stands(standing::failed), "CS1");
  counted.set(org_index{2}, stands(standing::failed), "CS2");
  counted.set(org_index{3}, stands(standing::failed), "CS1");
  EXPECT_THAT(counted.take_changed(), ElementsAre(first, second));
  EXPECT_THAT(counted.take_changed(), IsEmpty());
  counted.set(org_index{1}, stands(standing::failed), "CS1");
  EXPECT_THAT(counted.take_changed(), IsEmpty());
  counted.set(org_index{2}, stands(standing::succeeded), "CS2");
  EXPECT_THAT(counted.take_changed(), ElementsAre(second));
}

TEST(Tally, DoesNotMakeASegmentForAnAbsentOrg) {
  tally counted(segmentation::sf_instance);
  counted.set(org, stands(standing::absent), "CS1");
  EXPECT_EQ(counted.segment_count(), 0U);
}

}  // namespace
}  // namespace pushguard::policy
