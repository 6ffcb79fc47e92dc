#include "simulator/hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <stdexcept>

#include "base/http_client.hpp"
#include "base/task_group.hpp"
#include "base/url.hpp"
#include "simulator/world.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/unit/simulator/fixtures.hpp"
#include "tests/unit/simulator/signing.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::string_view refresh_login =
    "grant_type=refresh_token&client_id=simulated-client&client_secret=simulated-secret&"
    "refresh_token=refresh-1";

/// The hub behind its port, on pipes and simulated time, and a client of bare HTTP.
class Hub : public testing::Test {
 protected:
  using script = std::function<asio::awaitable<void>()>;

  void play(scenario plan, script body) {
    hub_ = make_hub(std::move(plan), world_->time(), log_);
    world_->run(serve_and_play(std::move(body)));
  }

  asio::awaitable<void> serve_and_play(script body) {
    const auto executor = co_await asio::this_coro::executor;
    auto listening = std::move(world_->net().listen(executor, "127.0.0.1", 0).value());
    client_ = make_http_client(world_->net(), world_->time(), listening->local());
    poller_ = make_http_client(world_->net(), world_->time(), listening->local());
    task_group serving(executor);
    serving.spawn(serve_hub(*hub_, *listening, world_->time(), log_));
    serving_ = &serving;
    std::exception_ptr error;
    try {
      co_await body();
    } catch (...) {
      error = std::current_exception();
    }
    serving.cancel();
    co_await serving.join();
    if (error)
      std::rethrow_exception(error);
  }

  asio::awaitable<http_response> send(http_client& over, http_request request) {
    if (!token_.empty())
      request.headers.add("Authorization", "Bearer " + token_);
    auto response = co_await over.send(std::move(request), {.limits = {.header = 130s}});
    co_return std::move(response.value());
  }

  asio::awaitable<http_response> ask_for_token(std::string form) {
    http_request request = token_request(std::move(form));
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    http_response response = co_await send(*client_, std::move(request));
    co_return response;
  }

  asio::awaitable<void> log_in() {
    const http_response response = co_await ask_for_token(std::string(good_login));
    EXPECT_EQ(response.status, 200);
    token_ = std::string(json::parse(response.body).at("access_token").as_string());
  }

  asio::awaitable<json::value> query(std::string soql) {
    http_request request{.target = "/services/data/v62.0/query?q=" + percent_encode(soql)};
    const http_response response = co_await send(*client_, std::move(request));
    EXPECT_EQ(response.status, 200) << response.body;
    co_return json::parse(response.body);
  }

  asio::awaitable<int> cancel(row_index request) {
    http_request call{.method = "PATCH",
                      .target = "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(request),
                      .headers = {{"Content-Type", "application/json"}},
                      .body = R"({"Status":"Canceled"})"};
    const http_response response = co_await send(*client_, std::move(call));
    co_return response.status;
  }

  asio::awaitable<json::array> cometd(http_client& over, std::string body) {
    http_request request{.method = "POST",
                         .target = "/cometd/62.0",
                         .headers = {{"Content-Type", "application/json"}},
                         .body = std::move(body)};
    if (!cookies_.empty())
      request.headers.add("Cookie", cookies_);
    const http_response response = co_await send(over, std::move(request));
    for (const std::string_view cookie : response.headers.all("Set-Cookie"))
      cookies_ += std::string(cookie.substr(0, cookie.find(';'))) + "; ";
    EXPECT_EQ(response.status, 200) << response.body;
    co_return json::parse(response.body).as_array();
  }

  std::string message(std::string_view channel, std::string_view rest = "") {
    return R"([{"channel":"/meta/)" + std::string(channel) + R"(","clientId":")" + client_id_ + '"' +
           std::string(rest) + "}]";
  }

  asio::awaitable<json::array> poll() {
    std::string body = message("connect", R"(,"connectionType":"long-polling")");
    return cometd(*poller_, std::move(body));
  }

  asio::awaitable<void> poll_for_status(std::optional<int>& status) {
    http_request request{.method = "POST",
                         .target = "/cometd/62.0",
                         .headers = {{"Content-Type", "application/json"}, {"Cookie", cookies_}},
                         .body = message("connect", R"(,"connectionType":"long-polling")")};
    const http_response response = co_await send(*poller_, std::move(request));
    status = response.status;
  }

  asio::awaitable<void> call_versions(bool& is_answered) {
    const http_response response = co_await send(*client_, {.target = "/services/data"});
    is_answered = response.status == 200;
  }

  asio::awaitable<void> open_stream(std::string_view replay) {
    const json::array reply = co_await cometd(*poller_, R"([{"channel":"/meta/handshake","version":"1.0"}])");
    client_id_ = std::string(reply.at(0).at("clientId").as_string());
    const json::array subscribed = co_await cometd(
        *client_, message("subscribe", R"(,"subscription":"/event/Push_Upgrade__e","ext":{"replay":)"
                                       R"({"/event/Push_Upgrade__e":)" +
                                           std::string(replay) + "}}"));
    EXPECT_EQ(subscribed.at(0).at("successful"), true);
    const json::array connected = co_await poll();
    EXPECT_EQ(connected.back().at("successful"), true);
  }

  duration since_start() {
    return std::chrono::duration_cast<duration>(world_->time().steady_now() - start_);
  }

  std::unique_ptr<test::net_world> world_ = test::make_pipe_world();
  test::recording_logger log_;
  steady_time start_ = world_->time().steady_now();
  std::unique_ptr<hub> hub_;
  task_group* serving_ = nullptr;
  std::unique_ptr<http_client> client_;
  std::unique_ptr<http_client> poller_;
  std::string token_;
  std::string cookies_;
  std::string client_id_;
};

TEST_F(Hub, ARolloutRunsToItsEndAndTheTruthIsWhatQueriesSay) {
  play(small_scenario(50, 0.3), [&]() -> asio::awaitable<void> {
    co_await world_->time().sleep_for(5h);
    EXPECT_TRUE(hub_->is_finished());
    co_await log_in();
    const json::value groups =
        co_await query("SELECT Status, COUNT(Id) n FROM PackagePushJob GROUP BY Status");
    const hub_truth truth = hub_->truth();
    for (const json::value& group : groups.at("records").as_array()) {
      const bool is_failed = group.at("Status") == "Failed";
      EXPECT_EQ(group.at("n").as_int64(),
                static_cast<std::int64_t>(
                    count_of(truth.rollout_jobs, is_failed ? push_state::failed : push_state::succeeded)));
    }
    EXPECT_EQ(truth.jobs.size(), 100U);
    EXPECT_EQ(truth.logins, 1U);
    EXPECT_EQ(truth.api_calls, 1U);
    EXPECT_EQ(truth.events_published, 300U);
    EXPECT_TRUE(truth.spared_orgs.empty());
    std::size_t by_type = 0;
    for (const request_truth& request : truth.requests) {
      for (const auto& [type, count] : request.failed_by_error_type)
        by_type += count;
    }
    EXPECT_EQ(by_type, count_of(truth.rollout_jobs, push_state::failed));
  });
}

TEST_F(Hub, TheWorldRunsAsMuchFasterAsTheScenarioSays) {
  scenario plan = small_scenario(20);
  plan.time_scale = 60;
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await world_->time().sleep_for(10s);
    const json::value request =
        co_await query("SELECT ScheduledStartTime, Status FROM PackagePushRequest ORDER BY Id");
    const json::value& second = request.at("records").at(1);
    EXPECT_EQ(second.at("Status"), "Pending");
    const auto scheduled = parse_time(std::string(second.at("ScheduledStartTime").as_string()));
    EXPECT_EQ(*scheduled, world_->time().wall_now() + 50s) << "an hour of the world is a minute";
    co_await world_->time().sleep_for(2min);
    EXPECT_TRUE(hub_->is_finished());
  });
}

TEST_F(Hub, AHeldConnectIsAnsweredWhenAnEventComes) {
  play(small_scenario(20), [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await world_->time().sleep_for(6s);
    co_await open_stream("-1");
    const json::array messages = co_await poll();
    EXPECT_GE(since_start(), 61s) << "the first wave starts";
    EXPECT_LE(since_start(), 71s);
    EXPECT_EQ(messages.size(), 11U) << "ten orgs begin at once, and the reply to the connect";
    EXPECT_EQ(messages.at(0).at("channel"), "/event/Push_Upgrade__e");
    EXPECT_EQ(messages.at(0).at("data").at("payload").at("Status__c"), "InProgress");
  });
}

TEST_F(Hub, AnIdlePollIsAnsweredAfterItsTimeoutEvenWhenTheWorldIsFast) {
  scenario plan = small_scenario(1);
  plan.time_scale = 1000;
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await world_->time().sleep_for(1min);
    EXPECT_TRUE(hub_->is_finished());
    co_await open_stream("-1");
    const duration before = since_start();
    const json::array messages = co_await poll();
    EXPECT_EQ(messages.size(), 1U);
    EXPECT_EQ(since_start() - before, 110s);
  });
}

TEST_F(Hub, EveryEventReachesAFaithfulClient) {
  play(small_scenario(40), [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await open_stream("-2");
    std::size_t events = 0;
    std::int64_t last_id = 0;
    while (!hub_->is_finished()) {
      const json::array messages = co_await poll();
      EXPECT_EQ(messages.back().at("successful"), true);
      for (const json::value& each : messages) {
        if (each.at("channel") == "/meta/connect")
          continue;
        ++events;
        const std::int64_t id = each.at("data").at("event").at("replayId").as_int64();
        EXPECT_GT(id, last_id);
        last_id = id;
      }
    }
    EXPECT_EQ(events, 240U);
    EXPECT_EQ(hub_->truth().events_delivered, 240U);
    EXPECT_EQ(hub_->truth().open_sessions, 1U);
    const json::array bye = co_await cometd(*client_, message("disconnect"));
    EXPECT_EQ(bye.at(0).at("successful"), true);
    EXPECT_EQ(hub_->truth().open_sessions, 0U);
    EXPECT_EQ(hub_->truth().disconnects, 1U);
  });
}

TEST_F(Hub, LostEventsAreNeverSeen) {
  scenario plan = small_scenario(100);
  plan.stream.loss = 0.2;
  play(plan, [&]() -> asio::awaitable<void> {
    co_await world_->time().sleep_for(5h);
    const hub_truth truth = hub_->truth();
    EXPECT_EQ(truth.events_published + truth.events_lost, 600U);
    EXPECT_NEAR(static_cast<double>(truth.events_lost), 120.0, 50.0);  // five standard deviations
  });
}

TEST_F(Hub, CancellingTheSecondWaveSparesItsOrgsAndWakesThePoll) {
  scenario plan = small_scenario(30);
  plan.push.cancel_lag = {2s, 2s};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await world_->time().sleep_for(75s);
    co_await open_stream("-1");
    int status = co_await cancel(0);
    EXPECT_EQ(status, 400) << "it is running";
    status = co_await cancel(1);
    EXPECT_EQ(status, 204);
    EXPECT_TRUE(hub_->truth().spared_orgs.empty()) << "the jobs lag behind";
    std::size_t canceled = 0;
    while (canceled < 30) {
      const json::array messages = co_await poll();
      for (const json::value& each : messages) {
        const bool is_event = each.at("channel") != "/meta/connect";
        canceled += is_event && each.at("data").at("payload").at("Status__c") == "Canceled" ? 1 : 0;
      }
    }
    EXPECT_EQ(since_start(), 77s) << "the cancellation was not held up until the next job ended";
    co_await world_->time().sleep_for(1h);
    EXPECT_TRUE(hub_->is_finished());
    const hub_truth truth = hub_->truth();
    EXPECT_EQ(truth.spared_orgs.size(), 30U);
    EXPECT_EQ(truth.cancel_attempts.size(), 2U);
    EXPECT_EQ(truth.cancel_attempts.at(0).before, push_state::in_progress);
    EXPECT_EQ(truth.cancel_attempts.at(1).http_status, 204);
  });
}

TEST_F(Hub, RevokedTokensAreRefusedEverywhere) {
  play(small_scenario(), [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await open_stream("-1");
    hub_->revoke_tokens();
    const http_response rest = co_await send(*client_, {.target = "/services/data/v62.0/limits"});
    EXPECT_EQ(rest.status, 401);
    const json::array reply = co_await poll();
    EXPECT_EQ(reply.at(0).at("error"), "401::Authentication invalid");
    co_await log_in();
    const http_response again = co_await send(*client_, {.target = "/services/data/v62.0/limits"});
    EXPECT_EQ(again.status, 200);
  });
}

TEST_F(Hub, LoginsAreCountedByFlow) {
  scenario plan = small_scenario();
  plan.credentials.jwt = jwt_plan{.public_key = trusted_key().public_pem(), .username = "push@acme.example"};
  plan.credentials.refresh_tokens = {"refresh-1"};
  play(plan, [&]() -> asio::awaitable<void> {
    using counts = std::map<std::string, std::uint64_t>;
    EXPECT_EQ(hub_->truth().logins_by_flow,
              (counts{{"client_credentials", 0}, {"jwt_bearer", 0}, {"refresh_token", 0}}));
    co_await log_in();
    co_await log_in();
    const claims good{.expiry = world_->time().wall_now()};
    http_response reply =
        co_await ask_for_token("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=" +
                               trusted_key().sign(rs256, good.json()));
    EXPECT_EQ(reply.status, 200) << reply.body;
    reply = co_await ask_for_token(std::string(refresh_login));
    EXPECT_EQ(reply.status, 200) << reply.body;
    reply = co_await ask_for_token("grant_type=password");
    EXPECT_EQ(reply.status, 400);
    (void)hub_->issue_token();
    const hub_truth truth = hub_->truth();
    EXPECT_EQ(truth.logins_by_flow,
              (counts{{"client_credentials", 2}, {"jwt_bearer", 1}, {"refresh_token", 1}}));
    EXPECT_EQ(truth.logins, 4U);
    EXPECT_EQ(truth.refused_logins, 1U);
  });
}

TEST_F(Hub, ATokenOfAnotherProcessIsAsGoodAsOneOfALogin) {
  play(small_scenario(), [&]() -> asio::awaitable<void> {
    token_ = hub_->issue_token();
    const http_response rest = co_await send(*client_, {.target = "/services/data/v62.0/limits"});
    EXPECT_EQ(rest.status, 200);
    co_await open_stream("-1");
    EXPECT_EQ(hub_->truth().logins, 0U);
  });
}

TEST_F(Hub, RefreshTokensAndTheUserCanBeTakenAway) {
  scenario plan = small_scenario();
  plan.credentials.refresh_tokens = {"refresh-1"};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    hub_->deactivate_user();
    const http_response rest = co_await send(*client_, {.target = "/services/data/v62.0/limits"});
    EXPECT_EQ(rest.status, 401);
    http_response reply = co_await ask_for_token(std::string(refresh_login));
    EXPECT_THAT(reply.body, testing::HasSubstr("inactive_user"));
    hub_->activate_user();
    reply = co_await ask_for_token(std::string(refresh_login));
    EXPECT_EQ(reply.status, 200);
    hub_->revoke_refresh_tokens();
    reply = co_await ask_for_token(std::string(refresh_login));
    EXPECT_THAT(reply.body, testing::HasSubstr("expired access/refresh token"));
  });
}

TEST_F(Hub, FaultsOfLoginsTakeTheirTimeAndAreTold) {
  scenario plan = small_scenario();
  plan.credentials.faults = {{.kind = login_fault_kind::slow, .from = 1min, .delay = 40s},
                             {.kind = login_fault_kind::no_answer, .from = 1min}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    EXPECT_EQ(since_start(), 0s);
    co_await world_->time().sleep_for(1min);
    co_await log_in();
    EXPECT_EQ(since_start(), 100s);
    http_request unanswered = token_request(std::string(good_login));
    unanswered.headers = {};
    const auto lost = co_await client_->send(std::move(unanswered), {});
    EXPECT_FALSE(lost);
    co_await log_in();
    EXPECT_EQ(since_start(), 100s);
  });
  const auto lines = log_.lines_of("simulated_fault");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], testing::HasSubstr("fault=slow request=login"));
  EXPECT_THAT(lines[1], testing::HasSubstr("fault=no_answer request=login"));
}

TEST_F(Hub, ASlowLoginHoldsUpNoEnd) {
  scenario plan = small_scenario();
  plan.credentials.faults = {{.kind = login_fault_kind::slow, .delay = 1h}};
  play(plan, [&]() -> asio::awaitable<void> {
    task_group logging_in(co_await asio::this_coro::executor);
    logging_in.spawn(log_in());
    co_await world_->time().sleep_for(1s);
    serving_->cancel();
    co_await logging_in.join();
    EXPECT_EQ(since_start(), 1s);
  });
}

TEST_F(Hub, AnOrgThatMovedLeadsRequestsToItsNewInstance) {
  play(small_scenario(), [&]() -> asio::awaitable<void> {
    co_await log_in();
    const http_handler answer = hub_->handler();
    const auto ask = [&](std::string target, std::string host) {
      return http_request{.method = "POST",
                          .target = std::move(target),
                          .headers = {{"Host", std::move(host)},
                                      {"Authorization", "Bearer " + token_},
                                      {"Content-Type", "application/json"}},
                          .body = R"([{"channel":"/meta/handshake","version":"1.0"}])"};
    };
    const http_request query = ask("/services/data/v62.0/query?q=SELECT+Id", "old.example");
    http_reply reply = co_await answer(query);
    EXPECT_EQ(reply.status, 405) << "no instance is like any other before the move";

    hub_->move_instance("https://new.my.salesforce.com");
    reply = co_await answer(query);
    EXPECT_EQ(reply.status, 302);
    EXPECT_EQ(reply.headers.find("Location"),
              "https://new.my.salesforce.com/services/data/v62.0/query?q=SELECT+Id");
    for (const std::string host : {"old.example", "new.my.salesforce.com:8443", ""}) {
      const http_request handshake = ask("/cometd/62.0", host);
      reply = co_await answer(handshake);
      EXPECT_EQ(reply.status, 302) << host;
      EXPECT_EQ(reply.headers.find("Location"), "https://new.my.salesforce.com/cometd/62.0");
    }
    for (const std::string host : {"new.my.salesforce.com", "NEW.my.salesforce.com:443"}) {
      const http_request handshake = ask("/cometd/62.0", host);
      reply = co_await answer(handshake);
      EXPECT_EQ(reply.status, 200) << host;
    }
    const http_request login = token_request(std::string(good_login));
    reply = co_await answer(login);
    EXPECT_EQ(reply.status, 200) << "logins are no matter of the instance";
    EXPECT_EQ(json::parse(reply.body).at("instance_url"), "https://new.my.salesforce.com");
  });
  for (const std::string url : {"", "new.my.salesforce.com", "https://new.my.salesforce.com/path"})
    EXPECT_THROW(hub_->move_instance(url), std::invalid_argument) << url;
}

TEST_F(Hub, FaultsOfTheScenarioHitTheStreamAndNothingElse) {
  scenario plan = small_scenario();
  plan.stream.faults = {{.kind = fault_kind::unknown_client, .on = request_kind::connect, .skip = 1}};
  plan.stream.chaos = random_faults{.odds = 1, .kinds = {fault_kind::client_limit}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    const json::array denied =
        co_await cometd(*client_, R"([{"channel":"/meta/handshake","version":"1.0"}])");
    EXPECT_EQ(denied.at(0).at("ext").at("sfdc").at("failureReason"),
              "403::Organization concurrent user limit exceeded");
    const http_response rest = co_await send(*client_, {.target = "/services/data/v62.0/limits"});
    EXPECT_EQ(rest.status, 200);
  });
  EXPECT_EQ(log_.lines_of("simulated_fault").size(), 1U);
  plan.stream.chaos.reset();
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    co_await open_stream("-1");
    const json::array reply = co_await poll();
    EXPECT_EQ(reply.at(0).at("error"), "403::Unknown client");
  });
}

TEST_F(Hub, OrphansAreNoPartOfTheRollout) {
  scenario plan = small_scenario(5);
  plan.orphans = {{.orgs = 8}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await world_->time().sleep_for(5h);
    co_await log_in();
    const int status = co_await cancel(0);
    EXPECT_EQ(status, 204);
    co_await world_->time().sleep_for(1min);
    const hub_truth truth = hub_->truth();
    EXPECT_EQ(truth.requests.size(), 3U);
    EXPECT_TRUE(truth.requests.at(0).is_orphan);
    EXPECT_FALSE(truth.requests.at(1).is_orphan);
    EXPECT_EQ(count_of(truth.requests.at(0).jobs, push_state::canceled), 8U);
    EXPECT_EQ(count_of(truth.rollout_jobs, push_state::canceled), 0U);
    EXPECT_TRUE(truth.spared_orgs.empty());
    EXPECT_TRUE(hub_->is_finished());
  });
}

TEST_F(Hub, FaultsOfTheApiHitCallsAndAreCounted) {
  scenario plan = small_scenario();
  plan.api.faults = {{.kind = api_fault_kind::server_unavailable, .from = 10s, .until = 20s}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await log_in();
    const http_request limits{.target = "/services/data/v62.0/limits"};
    std::vector<int> statuses;
    for (int call = 0; call < 3; ++call) {
      const http_response response = co_await send(*client_, limits);
      statuses.push_back(response.status);
      co_await world_->time().sleep_for(10s);
    }
    EXPECT_EQ(statuses, (std::vector{200, 503, 200}));
    hub_->add_api_fault({.kind = api_fault_kind::slow, .times = 1, .delay = 40s});
    const duration before = since_start();
    const http_response slow = co_await send(*client_, limits);
    EXPECT_EQ(slow.status, 200);
    EXPECT_EQ(since_start() - before, 40s);
    const hub_truth truth = hub_->truth();
    EXPECT_EQ(truth.faults_hit,
              (std::map<std::string, std::uint64_t>{{"server_unavailable", 1}, {"slow", 1}}));
    EXPECT_EQ(truth.api_calls_by, (std::map<std::string, std::uint64_t>{{"limits", 4}}));
    EXPECT_EQ(truth.api_calls, 3U);
  });
  const auto lines = log_.lines_of("simulated_fault");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[1], testing::HasSubstr("fault=slow"));
  EXPECT_THAT(lines[1], testing::HasSubstr("request=limits"));
}

TEST_F(Hub, BrokenAnswersBreakTheConnection) {
  play(small_scenario(), [&]() -> asio::awaitable<void> {
    co_await log_in();
    for (const api_fault_kind kind : {api_fault_kind::no_answer, api_fault_kind::cut_body}) {
      // A client tries again once where a connection that was kept turns out to be closed.
      hub_->add_api_fault({.kind = kind, .times = 2});
      http_request limits{.target = "/services/data/v62.0/limits"};
      limits.headers.add("Authorization", "Bearer " + token_);
      auto response = co_await client_->send(std::move(limits), {.limits = {.header = 130s}});
      EXPECT_FALSE(response) << name_of(kind);
    }
    hub_->add_api_fault({.kind = api_fault_kind::cancel_lost});
    http_request lost{.method = "PATCH",
                      .target = "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(1),
                      .headers = {{"Authorization", "Bearer " + token_}},
                      .body = R"({"Status":"Canceled"})"};
    auto response = co_await client_->send(std::move(lost), {.limits = {.header = 130s}});
    EXPECT_FALSE(response);
    EXPECT_EQ(hub_->truth().requests.at(1).state, push_state::canceled);
    EXPECT_EQ(hub_->truth().cancel_attempts.at(0).http_status, 204);
  });
}

TEST_F(Hub, EndsAtOnceThoughAnAnswerIsHeldUp) {
  scenario plan = small_scenario(1);
  plan.api.faults = {{.kind = api_fault_kind::slow, .delay = 10min}};
  play(plan, [&]() -> asio::awaitable<void> {
    task_group calling(co_await asio::this_coro::executor);
    bool is_answered = false;
    calling.spawn(call_versions(is_answered));
    co_await world_->time().sleep_for(1s);
    EXPECT_FALSE(is_answered);
    const duration before = since_start();
    serving_->cancel();
    co_await calling.join();
    EXPECT_TRUE(is_answered);
    EXPECT_EQ(since_start(), before);
  });
}

TEST_F(Hub, EndsAtOnceThoughAConnectIsHeld) {
  play(small_scenario(1), [&]() -> asio::awaitable<void> {
    co_await world_->time().sleep_for(3h);
    co_await log_in();
    co_await open_stream("-1");
    task_group polling(co_await asio::this_coro::executor);
    std::optional<int> status;
    polling.spawn(poll_for_status(status));
    co_await world_->time().sleep_for(1s);
    EXPECT_EQ(status, std::nullopt);
    const duration before = since_start();
    serving_->cancel();
    co_await polling.join();
    EXPECT_EQ(status, 503);
    EXPECT_EQ(since_start(), before);
  });
}

TEST_F(Hub, TellsTheLogWhenARequestMovesOn) {
  play(small_scenario(5), [&]() -> asio::awaitable<void> { co_await world_->time().sleep_for(5h); });
  const auto lines = log_.lines_of("simulated_request_changed");
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_THAT(lines[0], testing::HasSubstr("request_id=" + request_id_of(0)));
  EXPECT_THAT(lines[0], testing::HasSubstr("status=Created"));
  EXPECT_EQ(log_.text().find("simulated-secret"), std::string::npos);
}

}  // namespace
}  // namespace pushguard::simulator
