#include "agent/org_series.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  static domain::request_id request() { return domain::request_id::parse("0DV000000000001").value(); }

  void push(unsigned n, push_status status) {
    job_view job;
    job.id = domain::job_id::parse(fmt::format("0DX{:012}", n)).value();
    job.request = request();
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
  void end_request(wall_time when) {
    request_view view;
    view.hub = "devhub";
    view.row.id = request();
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
    series_->snapshot().render([&](std::string_view piece) { out += piece; });
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
  EXPECT_THAT(series_->summary(),
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

}  // namespace
}  // namespace pushguard::agent
