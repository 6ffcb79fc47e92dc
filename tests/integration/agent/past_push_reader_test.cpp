#include "agent/past_push_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <map>

#include "agent/history/reader.hpp"
#include "agent/history/writer.hpp"
#include "simulator/hub.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using domain::push_status;
using history::past_push;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t orgs = 2'500;  // more than a page of a query has

/// One past request to nearly all orgs, and one that has only been created.
simulator::scenario scenario() {
  simulator::scenario plan;
  plan.waves.push_back({.created = 0s, .start = 1h, .orgs = orgs});
  plan.history.push_back({.age = 24h * 14, .orgs = orgs - 100, .failure_rate = 0.1});
  plan.failures.several_rows_share = 0.3;
  return plan;
}

/// A simulated hub on a network, and what reads it.
class served_hub {
 public:
  explicit served_hub(std::unique_ptr<test::net_world> world)
      : world_(std::move(world)),
        plan_(scenario()),
        hub_(simulator::make_hub(plan_, world_->time(), log_)),
        listener_(world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0).value()) {
    asio::co_spawn(
        world_->context(), simulator::serve_hub(*hub_, *listener_, world_->time(), log_),
        asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr&) { has_ended_ = true; }));
  }
  ~served_hub() {
    stop_.emit(asio::cancellation_type::terminal);
    while (!has_ended_ && world_->context().run_one_for(10s) > 0) {
    }
  }

  simulator::hub_truth truth() const { return hub_->truth(); }

  result<agent::past_push_reading> read(std::string_view request,
                                        history::texts texts = history::texts::kept) {
    configuration::hub configured;
    configured.name = "devhub";
    configured.login =
        salesforce::client_credentials{.login_url = parse_url(listener_->local().text()).value(),
                                       .client_id = plan_.credentials.client_id,
                                       .client_secret = secret(plan_.credentials.client_secret)};
    random_engine random{1};
    agent::hub_connection connection(
        configured,
        {.network = world_->net(), .time = world_->time(), .log = null_logger(), .random = random});
    std::optional<result<agent::past_push_reading>> outcome;
    const auto ask = [](agent::hub_connection& hub, time_source& time, agent::past_push_wish wish,
                        std::vector<std::string>& steps,
                        std::optional<result<agent::past_push_reading>>& out) -> asio::awaitable<void> {
      auto made = co_await agent::read_past_push(
          hub, time, std::move(wish), [&steps](std::string_view step) { steps.emplace_back(step); });
      out = std::move(made);
    };
    world_->run(ask(connection, world_->time(),
                    {.request = domain::request_id::parse(request).value(),
                     .hub = "devhub",
                     .api_version = std::nullopt,
                     .pushguard_version = "0.1.0",
                     .texts = texts},
                    steps_, outcome));
    return std::move(*outcome);
  }
  const std::vector<std::string>& steps() const { return steps_; }

 private:
  test::recording_logger log_;
  std::unique_ptr<test::net_world> world_;
  simulator::scenario plan_;
  std::unique_ptr<simulator::hub> hub_;
  std::unique_ptr<listener> listener_;
  asio::cancellation_signal stop_;
  bool has_ended_ = false;
  std::vector<std::string> steps_;
};

std::string write(const past_push& push) {
  std::string file = history::write_header(push.header);
  for (const history::history_job& job : push.jobs)
    file += history::write_job(job);
  return file;
}

push_status status_of(simulator::push_state state) {
  return domain::parse_push_status(simulator::to_salesforce(state, simulator::in_progress_spelling::joined));
}

void expect_told(const history::history_job& job, const simulator::job_truth& truth) {
  EXPECT_EQ(job.row.org.key(), truth.org_key);
  EXPECT_EQ(job.row.status, status_of(truth.state)) << truth.id;
  ASSERT_TRUE(job.subscriber) << truth.id;
  EXPECT_NE(job.subscriber->name, "");
  if (job.row.status == push_status::succeeded)
    EXPECT_EQ(job.subscriber->version, std::nullopt);
  const std::string error = job.errors.empty() ? "" : std::string(domain::to_string(job.errors[0].row.type));
  EXPECT_EQ(error, truth.error_type) << truth.id;
}

class PastPushReader : public testing::TestWithParam<std::unique_ptr<test::net_world> (*)()> {};

TEST_P(PastPushReader, TellsEveryJobAsItHappened) {
  served_hub hub(GetParam()());
  const auto truth = hub.truth();
  const auto made = hub.read(truth.requests.at(0).id);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_THAT(made->warnings, IsEmpty());
  EXPECT_TRUE(made->push.header.is_complete);
  EXPECT_EQ(made->push.header.request.id.text(), truth.requests.at(0).id);
  EXPECT_FALSE(made->push.header.hub_org.empty());

  const auto read = history::read_past_push(write(made->push), "past.ndjson");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, made->push);

  std::map<std::string, simulator::job_truth> expected;
  for (const simulator::job_truth& job : truth.jobs) {
    if (job.is_history)
      expected.emplace(job.id, job);
  }
  ASSERT_EQ(read->jobs.size(), orgs - 100);
  ASSERT_EQ(expected.size(), orgs - 100);
  for (const history::history_job& job : read->jobs) {
    const auto found = expected.find(std::string(job.row.id.text()));
    ASSERT_NE(found, expected.end()) << job.row.id.text();
    expect_told(job, found->second);
    expected.erase(found);
  }
}

INSTANTIATE_TEST_SUITE_P(OnEachNetwork, PastPushReader,
                         testing::Values(&test::make_pipe_world, &test::make_socket_world),
                         [](const auto& info) { return info.index == 0 ? "Pipes" : "Sockets"; });

TEST(PastPush, ThatHasNotEndedIsNotCompleteAndWarnedOf) {
  served_hub hub(test::make_pipe_world());
  (void)hub.read(hub.truth().requests.at(0).id);  // asking lets the wave appear
  const auto truth = hub.truth();
  ASSERT_EQ(truth.requests.size(), 2U);
  const auto made = hub.read(truth.requests.at(1).id);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_FALSE(made->push.header.is_complete);
  EXPECT_THAT(made->warnings, ElementsAre(HasSubstr("this history is not complete")));
  EXPECT_EQ(made->push.jobs.size(), orgs);
  EXPECT_TRUE(history::read_past_push(write(made->push), "h"));
}

TEST(PastPush, IsFoundByAnIdOfFifteenCharactersAndReadWithoutTexts) {
  served_hub hub(test::make_pipe_world());
  const std::string id = hub.truth().requests.at(0).id;
  const auto full = hub.read(id);
  const auto bare = hub.read(id.substr(0, 15), history::texts::left_out);
  ASSERT_TRUE(full && bare);
  ASSERT_EQ(bare->push.jobs.size(), full->push.jobs.size());
  for (std::size_t i = 0; i < full->push.jobs.size(); ++i) {
    EXPECT_EQ(bare->push.jobs[i].row, full->push.jobs[i].row);
    EXPECT_EQ(bare->push.jobs[i].subscriber->name, "");
    for (const history::history_error& error : bare->push.jobs[i].errors)
      EXPECT_EQ(error.row.message + error.row.details, "");
  }
}

TEST(PastPush, ThatTheHubDoesNotHaveIsNotFound) {
  served_hub hub(test::make_pipe_world());
  const auto made = hub.read("0DV000000000099");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().is(errc::not_found));
  EXPECT_THAT(made.error().text(), HasSubstr("0DV000000000099"));
}

}  // namespace
}  // namespace pushguard
