#include "agent/org_listing.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using domain::push_status;
using testing::ElementsAre;
using testing::IsEmpty;

class OrgListing : public testing::Test {
 protected:
  static domain::org_key org(unsigned n) {
    return domain::org_key::parse(fmt::format("00D{:012}", n)).value();
  }
  static domain::request_id wave(unsigned n) {
    return domain::request_id::parse(fmt::format("0DV{:012}", n)).value();
  }
  static job_view job(unsigned id, unsigned in_wave, unsigned of_org, push_status status) {
    job_view made;
    made.id = domain::job_id::parse(fmt::format("0DX{:012}", id)).value();
    made.request = wave(in_wave);
    made.org = org(of_org);
    made.status = status;
    if (status == push_status::failed)
      made.error = domain::error_type::deploy_error;
    return made;
  }
  void tell(std::vector<job_view> jobs) {
    view_update update;
    update.jobs.emplace_back("devhub", std::move(jobs));
    model_.apply(update);
  }
  void name(unsigned n, std::string text, std::string instance = "EU1",
            domain::org_type type = domain::org_type::production) {
    view_update update;
    update.orgs.push_back(
        {"devhub",
         {{.org = org(n), .name = std::move(text), .type = type, .sf_instance = std::move(instance)}}});
    model_.apply(update);
  }
  std::vector<unsigned> jobs_listed() {
    std::vector<unsigned> ids;
    for (const listed_org& each : lists_.of(rollout_))
      ids.push_back(static_cast<unsigned>(std::stoul(std::string(each.job->id.text().substr(3)))));
    return ids;
  }
  std::vector<unsigned> found(const org_filter& filter,
                              const configuration::org_directory* directory = nullptr) {
    std::vector<unsigned> orgs;
    for (const listed_org& each :
         take_page(lists_.of(rollout_), org_matcher(model_, "devhub", directory, filter), "", 1000).orgs)
      orgs.push_back(static_cast<unsigned>(std::stoul(std::string(each.job->org.text().substr(3)))));
    return orgs;
  }

  read_model model_;
  org_lists lists_{model_};
  rollout_view rollout_ = [] {
    rollout_view made;
    made.hub = "devhub";
    made.id = "04t000000000001/1";
    made.requests = {wave(1), wave(2)};
    return made;
  }();
};

TEST_F(OrgListing, HasEachOrgOnceByItsNewestJob) {
  tell({job(1, 1, 20, push_status::failed), job(2, 1, 10, push_status::succeeded),
        job(9, 1, 30, push_status::failed), job(3, 2, 20, push_status::pending),
        job(4, 2, 30, push_status::pending)});
  EXPECT_THAT(jobs_listed(), ElementsAre(2, 3, 4)) << "a later wave's, whatever its id";
  tell({job(5, 1, 20, push_status::failed)});
  EXPECT_THAT(jobs_listed(), ElementsAre(2, 3, 4));
  tell({job(6, 2, 5, push_status::pending)});
  EXPECT_THAT(jobs_listed(), ElementsAre(6, 2, 3, 4));
}

TEST_F(OrgListing, FollowsStatusesAndWhatIsSpared) {
  tell({job(1, 1, 1, push_status::pending), job(2, 1, 2, push_status::pending)});
  ASSERT_THAT(found({.result = org_result::failed}), IsEmpty());
  tell({job(1, 1, 1, push_status::failed), job(2, 1, 2, push_status::canceled)});
  EXPECT_THAT(found({.result = org_result::failed}), ElementsAre(1));
  EXPECT_THAT(found({.result = org_result::spared}), IsEmpty());
  view_update update;
  update.spared.emplace_back("devhub/04t000000000001/1", std::vector{org(2)});
  model_.apply(update);
  EXPECT_THAT(found({.result = org_result::spared}), ElementsAre(2));
}

TEST_F(OrgListing, OfAForgottenHubIsEmpty) {
  tell({job(1, 1, 1, push_status::pending)});
  ASSERT_EQ(lists_.of(rollout_).size(), 1U);
  view_update update;
  update.forgotten_hubs = {"devhub"};
  model_.apply(update);
  lists_.clear();
  EXPECT_TRUE(lists_.of(rollout_).empty());
}

TEST_F(OrgListing, IsFiltered) {
  tell({job(1, 1, 1, push_status::failed), job(2, 1, 2, push_status::succeeded),
        job(3, 2, 3, push_status::in_progress), job(4, 2, 4, push_status::failed)});
  name(1, "Initech <b>Nord</b>", "EU1");
  name(2, "Umbrella", "EU2", domain::org_type::sandbox);
  name(3, "INITECH Süd", "EU2");
  EXPECT_THAT(found({}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(found({.result = org_result::succeeded}), ElementsAre(2));
  EXPECT_THAT(found({.result = org_result::running}), ElementsAre(3));
  EXPECT_THAT(found({.wave = wave(2)}), ElementsAre(3, 4));
  EXPECT_THAT(found({.error = domain::error_type::deploy_error}), ElementsAre(1, 4));
  EXPECT_THAT(found({.error = domain::error_type::locking_failure}), IsEmpty());
  EXPECT_THAT(found({.type = domain::org_type::sandbox}), ElementsAre(2));
  EXPECT_THAT(found({.sf_instance = "EU2"}), ElementsAre(2, 3));
  EXPECT_THAT(found({.text = "iniTECH"}), ElementsAre(1, 3));
  EXPECT_THAT(found({.text = "<B>"}), ElementsAre(1));
  EXPECT_THAT(found({.text = "Süd"}), ElementsAre(3));
  EXPECT_THAT(found({.text = "00d000000000004"}), ElementsAre(4))
      << "an org without a name is found by its key";
  EXPECT_THAT(found({.result = org_result::failed, .wave = wave(1), .text = "nord"}), ElementsAre(1));
}

TEST_F(OrgListing, IsSearchedForCustomersAndTiers) {
  tell({job(1, 1, 1, push_status::failed), job(2, 1, 2, push_status::failed)});
  const auto directory = configuration::org_directory::parse(
      "org_key,customer,tier\n00D000000000001,Globex Corp,gold\n00D000000000002,Hooli,silver\n", "orgs.csv");
  ASSERT_TRUE(directory.has_value());
  EXPECT_THAT(found({.text = "globex"}, &*directory), ElementsAre(1));
  EXPECT_THAT(found({.text = "SILVER"}, &*directory), ElementsAre(2));
  EXPECT_THAT(found({.text = "globex"}), IsEmpty());
}

TEST_F(OrgListing, IsPaged) {
  std::vector<job_view> jobs;
  for (unsigned n = 1; n <= 25; ++n)
    jobs.push_back(job(n, 1, n, n % 2 == 0 ? push_status::failed : push_status::succeeded));
  tell(std::move(jobs));
  const org_matcher matches(model_, "devhub", nullptr, {.result = org_result::failed});
  std::vector<std::string> seen;
  std::string after;
  std::size_t pages = 0;
  for (bool has_more = true; has_more; ++pages) {
    const org_page page = take_page(lists_.of(rollout_), matches, after, 5);
    EXPECT_EQ(page.matching, 12U) << "on all pages";
    for (const listed_org& each : page.orgs)
      seen.emplace_back(each.job->org.key());
    after = seen.back();
    has_more = page.has_more;
  }
  EXPECT_EQ(pages, 3U);
  ASSERT_EQ(seen.size(), 12U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_TRUE(take_page(lists_.of(rollout_), matches, "zzz", 5).orgs.empty());

  std::vector<std::string> rows;
  for (std::size_t taken = 5; taken == 5;) {
    const auto next = take_rows(lists_.of(rollout_), matches, rows.empty() ? "" : rows.back(), 5);
    for (const listed_org& each : next)
      rows.emplace_back(each.job->org.key());
    taken = next.size();
  }
  EXPECT_EQ(rows, seen) << "the same without counting";
  EXPECT_TRUE(take_rows(lists_.of(rollout_), matches, rows.back(), 5).empty());
}

TEST_F(OrgListing, GroupsFailuresByWhatTheyHaveInCommon) {
  auto first = job(1, 1, 1, push_status::failed);
  first.error_title = "Deployment Failure";
  first.error_message = "line 12, column 3: no such field";
  first.from_version = domain::version_id::parse("04t000000000009").value();
  auto second = job(2, 1, 2, push_status::failed);
  second.error_title = "Deployment Failure";
  second.error_message = "line 99, column 1: no such field";
  auto third = job(3, 1, 3, push_status::failed);
  third.error = domain::error_type::locking_failure;
  auto fourth = job(4, 1, 4, push_status::succeeded);
  fourth.from_version = first.from_version;
  tell({first, second, third, fourth, job(5, 1, 5, push_status::pending)});
  name(1, "one", "EU1");
  name(2, "two", "EU2");
  name(4, "four", "EU2", domain::org_type::sandbox);
  const auto groups = [&](failure_group_key by) {
    return group_failures(model_, "devhub", lists_.of(rollout_), by);
  };

  const failure_groups signatures = groups(failure_group_key::signature);
  EXPECT_EQ(signatures.failed, 3U);
  EXPECT_EQ(signatures.others, 0U);
  ASSERT_EQ(signatures.groups.size(), 2U) << "what differs from org to org does not count";
  EXPECT_EQ(signatures.groups[0].failed, 2U);
  EXPECT_EQ(signatures.groups[0].started, std::nullopt);
  EXPECT_THAT(signatures.groups[0].sample_org_keys, ElementsAre("00D000000000001", "00D000000000002"));
  EXPECT_EQ(signatures.groups[1].value, "LockingFailure");
  EXPECT_THAT(found({.signature = signatures.groups[0].value}), ElementsAre(1, 2));
  EXPECT_THAT(found({.signature = "LockingFailure"}), ElementsAre(3));
  EXPECT_THAT(found({.signature = "Locking"}), IsEmpty()) << "the whole of it";
  EXPECT_THAT(found({.from_version = first.from_version}), ElementsAre(1, 4));

  const failure_groups instances = groups(failure_group_key::sf_instance);
  ASSERT_EQ(instances.groups.size(), 3U);
  EXPECT_EQ(instances.groups[0].value, "") << "not known";
  EXPECT_EQ(instances.groups[1].value, "EU1");
  EXPECT_EQ(instances.groups[1].started, 1U);
  EXPECT_EQ(instances.groups[2].value, "EU2");
  EXPECT_EQ(instances.groups[2].failed, 1U);
  EXPECT_EQ(instances.groups[2].started, 2U);

  const failure_groups types = groups(failure_group_key::org_type);
  ASSERT_EQ(types.groups.size(), 2U) << "of sandboxes none has failed";
  EXPECT_EQ(types.groups[0].value, "Production");
  EXPECT_EQ(types.groups[0].failed, 2U);

  const failure_groups versions = groups(failure_group_key::from_version);
  ASSERT_EQ(versions.groups.size(), 2U);
  EXPECT_EQ(versions.groups[0].value, "");
  EXPECT_EQ(versions.groups[1].value, "04t000000000009");
  EXPECT_EQ(versions.groups[1].started, 2U);

  EXPECT_EQ(groups(failure_group_key::error_type).groups[0].value, "DeployError");
}

TEST_F(OrgListing, LeavesSmallGroupsOutAndCountsThem) {
  std::vector<job_view> jobs;
  for (unsigned n = 1; n <= failure_groups_max + 7; ++n) {
    jobs.push_back(job(n, 1, n, push_status::failed));
    name(n, "x", fmt::format("EU{}", n));
  }
  jobs.push_back(job(900, 1, 900, push_status::failed));
  name(900, "x", "EU57");
  tell(std::move(jobs));
  const failure_groups groups =
      group_failures(model_, "devhub", lists_.of(rollout_), failure_group_key::sf_instance);
  EXPECT_EQ(groups.groups.size(), failure_groups_max);
  EXPECT_EQ(groups.groups.front().value, "EU57");
  EXPECT_EQ(groups.others, 7U);
  EXPECT_EQ(groups.failed, failure_groups_max + 8);
}

}  // namespace
}  // namespace pushguard::agent
