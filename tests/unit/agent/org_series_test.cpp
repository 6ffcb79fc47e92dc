#include "agent/org_series.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "metrics/text_format.hpp"
#include "tests/support/exposition_reader.hpp"
#include "tests/support/line_text.hpp"

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using configuration::org_series_mode;
using domain::push_status;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr wall_time start{std::chrono::hours(1)};

/// The replica and the series beside it, as the web server keeps them.
class OrgSeries : public testing::Test {
 protected:
  void configure(org_series_mode mode, std::size_t limit) {
    series_ = std::make_unique<org_series>(
        configuration::org_series{.mode = mode, .limit = limit, .keep_after_end = 24h});
  }

  static domain::org_key org(unsigned n) {
    return domain::org_key::parse(fmt::format("00D{:012}", n)).value();
  }
  static domain::request_id request(unsigned n = 1) {
    return domain::request_id::parse(fmt::format("0DV{:012}", n)).value();
  }

  void push(unsigned n, push_status status, unsigned in_request = 1) {
    job_view job;
    job.id = domain::job_id::parse(fmt::format("0DX{:06}{:06}", in_request, n)).value();
    job.request = request(in_request);
    job.org = org(n);
    job.status = status;
    job.start = start;
    if (domain::is_terminal(status))
      job.end = start + 90s;
    if (status == push_status::failed)
      job.error = domain::error_type::deploy_error;
    view_update update;
    update.jobs.push_back({"devhub", {job}});
    apply(update);
  }
  void name(unsigned n, std::string text) {
    view_update update;
    update.orgs.push_back(
        {"devhub", {org_view{org(n), std::move(text), domain::org_type::sandbox, "CS194"}}});
    apply(update);
  }
  void end_request(wall_time when, unsigned which = 1) {
    request_view view;
    view.hub = "devhub";
    view.row.id = request(which);
    view.ended = when;
    view_update update;
    update.requests.push_back(view);
    apply(update);
  }
  void apply(const view_update& update) {
    model_.apply(update);
    series_->apply(update, model_);
  }
  std::string text() {
    std::string out;
    for (const metrics::line_snapshot& each : series_->snapshot())
      out += test::text_of(each);
    return out;
  }

  read_model model_;
  std::unique_ptr<org_series> series_;
};

TEST_F(OrgSeries, TellSuccessOnlyOnceAJobHasEnded) {
  configure(org_series_mode::all, 1000);
  push(1, push_status::pending);
  EXPECT_EQ(series_->series(), 0U);
  push(1, push_status::in_progress);
  EXPECT_THAT(text(),
              AllOf(HasSubstr("pushguard_org_push_running_since_timestamp_seconds{hub=\"devhub\",request_id="
                              "\"0DV000000000001\",org_key=\"00D000000000001\"} 3600\n"),
                    Not(HasSubstr("pushguard_org_push_success{"))));
  push(1, push_status::failed);
  EXPECT_THAT(
      text(),
      AllOf(HasSubstr("pushguard_org_push_success{hub=\"devhub\",request_id=\"0DV000000000001\",org_key="
                      "\"00D000000000001\"} 0\n"),
            HasSubstr("error_type=\"DeployError\"} 1\n"),
            HasSubstr("duration_seconds{hub=\"devhub\",request_id="
                      "\"0DV000000000001\",org_key=\"00D000000000001\"} 90\n"),
            Not(HasSubstr("running_since_timestamp_seconds{"))));
}

TEST_F(OrgSeries, EscapeHostileNames) {
  configure(org_series_mode::all, 1000);
  push(1, push_status::succeeded);
  name(1, "\"Acme\" \\ Söhne\nGmbH 🚀");
  EXPECT_THAT(
      text(),
      HasSubstr(R"(org_name="\"Acme\" \\ Söhne\nGmbH 🚀",org_type="Sandbox",sf_instance="CS194"} 1)"));
}

TEST_F(OrgSeries, OfTheModeFailedLeaveTheOthersOut) {
  configure(org_series_mode::failed, 1000);
  push(1, push_status::succeeded);
  push(2, push_status::in_progress);
  EXPECT_EQ(series_->series(), 0U);
  push(2, push_status::failed);
  EXPECT_GT(series_->series(), 0U);
}

TEST_F(OrgSeries, PastTheLimitFailedOrgsComeFirst) {
  configure(org_series_mode::all, 12);
  for (unsigned n = 1; n <= 10; ++n)
    push(n, push_status::succeeded);
  EXPECT_LE(series_->series(), 12U);
  const std::size_t suppressed = series_->suppressed();
  EXPECT_GT(suppressed, 0U);
  push(11, push_status::failed);
  EXPECT_LE(series_->series(), 12U);
  EXPECT_THAT(text(), HasSubstr("00D000000000011"));
  EXPECT_GT(series_->suppressed(), suppressed);
  EXPECT_THAT(metrics::to_text(series_->summary()),
              HasSubstr(fmt::format("pushguard_org_series_suppressed {}\n", series_->suppressed())));
}

TEST_F(OrgSeries, AreGoneADayAfterTheirRequestEnded) {
  configure(org_series_mode::all, 1000);
  push(1, push_status::succeeded);
  name(1, "Acme");
  end_request(start);
  series_->forget_ended(model_, start + 24h - 1ms);
  EXPECT_GT(series_->series(), 0U);
  series_->forget_ended(model_, start + 24h);
  EXPECT_EQ(series_->series(), 0U);
  push(1, push_status::succeeded);
  EXPECT_EQ(series_->series(), 0U) << "a late message does not bring them back";
}

TEST_F(OrgSeries, KeepOneInfoForAnOrgHoweverManyRequestsItIsIn) {
  configure(org_series_mode::all, 1000);
  name(1, "Acme");
  push(1, push_status::succeeded);
  push(1, push_status::succeeded);
  const std::string shown = text();
  const auto first = shown.find("pushguard_org_info{");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(shown.find("pushguard_org_info{", first + 1), std::string::npos);
}

TEST_F(OrgSeries, ComeBackWhenThereIsRoomFailedOnesFirst) {
  configure(org_series_mode::all, 6);  // two jobs that succeeded: success, duration, and the org's info each
  push(1, push_status::failed, 1);     // four series
  push(2, push_status::succeeded, 2);
  push(3, push_status::failed, 2);
  EXPECT_EQ(series_->suppressed(), 2U);
  EXPECT_THAT(text(), AllOf(HasSubstr("00D000000000001"), Not(HasSubstr("00D000000000002")),
                            Not(HasSubstr("00D000000000003"))));
  end_request(start, 1);
  series_->forget_ended(model_, start + 24h);
  EXPECT_THAT(text(), AllOf(Not(HasSubstr("00D000000000001")), HasSubstr("00D000000000003")));
  EXPECT_EQ(series_->suppressed(), 1U) << "the one that succeeded needs more than what is left";
  end_request(start, 2);
  series_->forget_ended(model_, start + 24h);
  EXPECT_EQ(series_->suppressed(), 0U) << "what nobody wants to show is not suppressed";
}

TEST_F(OrgSeries, ThatGrowPastTheLimitGiveWay) {
  configure(org_series_mode::all, 4);
  push(1, push_status::in_progress);  // one series, and one for the org
  push(2, push_status::in_progress);
  EXPECT_EQ(series_->suppressed(), 0U);
  push(1, push_status::succeeded);  // two, where one was
  EXPECT_EQ(series_->suppressed(), 1U);
  push(2, push_status::failed);  // comes first
  EXPECT_THAT(text(), AllOf(Not(HasSubstr("00D000000000001")), HasSubstr("00D000000000002")));
}

/// Whatever comes in whatever order: never more than the limit; no job of another mode; no org without a job;
/// nothing is lost from the sum.
TEST_F(OrgSeries, HoldTheirPromisesInAnyOrder) {
  std::mt19937 random(20261129);
  const auto below = [&random](unsigned end) { return static_cast<unsigned>(random() % end); };
  constexpr std::array statuses{push_status::pending, push_status::in_progress, push_status::succeeded,
                                push_status::failed, push_status::canceled};
  for (unsigned round = 0; round < 60; ++round) {
    model_ = {};
    const std::size_t limit = 1 + below(60);
    configure(round % 4 == 0 ? org_series_mode::failed : org_series_mode::all, limit);
    std::map<std::pair<unsigned, unsigned>, push_status> pushed;
    std::set<unsigned> forgotten;
    for (unsigned step = 0; step < 150; ++step) {
      const unsigned wave = 1 + below(4);
      if (below(40) == 0) {
        end_request(start, wave);
        series_->forget_ended(model_, start + 24h);
        forgotten.insert(wave);
      } else if (below(10) == 0) {
        name(below(12), fmt::format("Acme {}", step));
      } else {
        const unsigned customer = below(12);
        auto& status = pushed[{wave, customer}];
        if (!domain::is_terminal(status))
          status = statuses[below(statuses.size())];
        push(customer, status, wave);
      }
      std::string shown_text = text();
      const auto shown = test::read_exposition(shown_text, false);
      ASSERT_TRUE(shown) << shown.error().text() << "\n" << shown_text;
      ASSERT_LE(series_->series(), limit);
      std::size_t wanted = 0;
      std::size_t shown_jobs = 0;
      std::set<std::string> shown_orgs;
      for (const auto& [key, status] : pushed) {
        const bool has_series = status == push_status::in_progress || status == push_status::succeeded ||
                                status == push_status::failed;
        const bool is_wanted =
            has_series && !forgotten.contains(key.first) && (round % 4 != 0 || status == push_status::failed);
        const std::string labels =
            fmt::format("request_id=\"{}\",org_key=\"{}\"", request(key.first).text(), org(key.second).key());
        const bool is_shown = shown_text.find(labels) != std::string::npos;
        ASSERT_TRUE(is_wanted || !is_shown) << labels;
        wanted += is_wanted ? 1 : 0;
        shown_jobs += is_shown ? 1 : 0;
        if (is_shown)
          shown_orgs.emplace(org(key.second).key());
      }
      ASSERT_EQ(series_->suppressed(), wanted - shown_jobs);
      for (const test::read_sample& info : shown->back().samples)
        ASSERT_TRUE(shown_orgs.contains(info.labels.at("org_key"))) << "an org without a job";
    }
    for (unsigned wave = 1; wave <= 4; ++wave)
      end_request(start, wave);
    series_->forget_ended(model_, start + 24h);
    EXPECT_EQ(series_->series(), 0U);
    EXPECT_EQ(series_->suppressed(), 0U);
  }
}

}  // namespace
}  // namespace pushguard::agent
