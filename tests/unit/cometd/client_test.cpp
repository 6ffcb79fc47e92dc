#include "cometd/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/fake_time.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/unit/cometd/fake_bayeux.hpp"

namespace pushguard::cometd {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using pushguard::test::run_simulated;
using pushguard::test::run_simulated_for;
using pushguard::test::simulated_end;
using test::fake_bayeux;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string push = "/event/Push__e";

class fake_tokens final : public token_provider {
 public:
  asio::awaitable<result<access>> current() override {
    if (failures_left > 0) {
      --failures_left;
      co_return fail(errc::unreachable, "the login host does not answer");
    }
    co_return now;
  }
  asio::awaitable<result<access>> renew() override {
    ++renewals;
    now = next;
    co_return now;
  }

  access now;
  access next;
  int renewals = 0;
  int failures_left = 0;
};

class collecting_consumer final : public event_consumer {
 public:
  explicit collecting_consumer(time_source& time) : time_(time) {}

  asio::awaitable<result<>> consume(delivery batch) override {
    co_await time_.sleep_for(delay);
    if (failures_left > 0) {
      --failures_left;
      co_return fail(errc::storage, "the disk is full");
    }
    offered.insert(offered.end(), batch.checkpoints.begin(), batch.checkpoints.end());
    for (const auto& each : batch.events)
      texts.push_back(std::string(boost::json::parse(each.data).at("payload").as_string()));
    largest_batch = std::max(largest_batch, batch.events.size());
    co_return result<>{};
  }

  std::vector<std::string> texts;
  std::vector<checkpoint> offered;
  duration delay{};
  int failures_left = 0;
  std::size_t largest_batch = 0;

 private:
  time_source& time_;
};

class counting_observer final : public client_observer {
 public:
  void channel_changed(const channel_status& status) override { changes.push_back(status); }
  void handshake_begun(handshake_reason reason) override { handshakes.push_back(reason); }
  void gap_found(const gap& found) override { gaps.push_back(found); }
  void event_delivered(std::string_view) override { ++delivered; }
  void duplicate_dropped(std::string_view) override { ++duplicates; }
  void problem_found(problem_kind kind) override { ++problems[kind]; }
  void trouble_changed(std::string_view reason) override { troubles.emplace_back(reason); }
  void poll_ended(wall_time) override { ++polls; }

  std::vector<channel_status> changes;
  std::vector<handshake_reason> handshakes;
  std::vector<gap> gaps;
  int delivered = 0;
  int duplicates = 0;
  std::map<problem_kind, std::size_t> problems;
  std::vector<std::string> troubles;
  int polls = 0;
};

class breakable_store final : public checkpoint_store {
 public:
  asio::awaitable<result<std::vector<checkpoint>>> load() override {
    if (failures_left > 0) {
      --failures_left;
      co_return fail(errc::storage, "the disk is away");
    }
    auto loaded = co_await kept.load();
    co_return loaded;
  }
  asio::awaitable<result<>> save(std::vector<checkpoint> batch) override {
    if (failures_left > 0) {
      --failures_left;
      co_return fail(errc::storage, "the disk is full");
    }
    ++saves;
    auto saved = co_await kept.save(std::move(batch));
    co_return saved;
  }

  memory_checkpoint_store kept;
  int failures_left = 0;
  int saves = 0;
};

class Client : public testing::Test {
 protected:
  Client() {
    tokens_.now = {.endpoint = server_.address(), .bearer = secret("t1"), .org_id = "00D000000000001"};
    tokens_.next = {.endpoint = server_.address(), .bearer = secret("t2"), .org_id = "00D000000000001"};
    options_.session.channels = {{.channel = push}};
    serve(server_);
  }
  ~Client() override {
    stop();
    for (auto& signal : stop_servers_)
      signal->emit(asio::cancellation_type::terminal);
    run_simulated(context_, time_, [this] { return servers_ == 0; }, 10min);
  }

  void serve(fake_bayeux& server) {
    ++servers_;
    stop_servers_.push_back(std::make_unique<asio::cancellation_signal>());
    asio::co_spawn(context_, server.serve(),
                   asio::bind_cancellation_slot(stop_servers_.back()->slot(),
                                                [this](const std::exception_ptr&) { --servers_; }));
  }

  void start() {
    client_ = make_client(options_, {.network = *net_,
                                     .time = *client_time_,
                                     .tokens = tokens_,
                                     .checkpoints = store_,
                                     .consumer = consumer_,
                                     .observer = observer_,
                                     .log = log_,
                                     .random = random_});
    is_running_ = true;
    asio::co_spawn(context_, client_->run(),
                   asio::bind_cancellation_slot(stop_client_.slot(), [this](const std::exception_ptr& error) {
                     EXPECT_FALSE(error) << "run() returns, it does not throw";
                     is_running_ = false;
                   }));
  }

  /// Ends the client as SIGTERM does; answers how long that took.
  duration stop() {
    const auto begin = time_.steady_now();
    if (is_running_) {
      stop_client_.emit(asio::cancellation_type::terminal);
      EXPECT_EQ(run_simulated(context_, time_, [this] { return !is_running_; }, 1min), simulated_end::done);
    }
    return std::chrono::ceil<duration>(time_.steady_now() - begin);
  }

  [[nodiscard]] bool is_live() const { return client_->snapshot().is_live; }

  void until(const std::function<bool()>& is_done, duration within = 10min) {
    EXPECT_EQ(run_simulated(context_, time_, is_done, within), simulated_end::done) << "it did not happen\n"
                                                                                    << log_.text();
  }
  /// Until a connect is held by the server.
  void until_polling() {
    until([this] {
      return is_live() && observer_.polls > 0 &&
             server_.count("connect") > static_cast<std::size_t>(observer_.polls);
    });
  }
  void until_received(std::size_t count) {
    until([this, count] { return consumer_.texts.size() >= count; }, 24h);
  }
  void pass(duration length) { run_simulated_for(context_, time_, length); }

  /// Publishes events "from", "from + 1", …
  void publish(int from, int count, const std::string& channel = push) {
    for (int i = from; i < from + count; ++i)
      server_.publish(channel, std::to_string(i));
  }
  /// Every event from 0 on came, in order, once.
  void expect_all(int count) {
    ASSERT_EQ(consumer_.texts.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(consumer_.texts[static_cast<std::size_t>(i)], std::to_string(i));
  }

  fake_time time_;
  time_source* client_time_ = &time_;
  asio::io_context context_{1};
  std::unique_ptr<network> net_ = make_pipe_network();
  fake_bayeux server_{*net_, time_, context_.get_executor()};
  fake_tokens tokens_;
  breakable_store store_;
  collecting_consumer consumer_{time_};
  counting_observer observer_;
  pushguard::test::recording_logger log_;
  random_engine random_{7};
  client_options options_;
  std::unique_ptr<client> client_;
  asio::cancellation_signal stop_client_;
  std::vector<std::unique_ptr<asio::cancellation_signal>> stop_servers_;
  std::unique_ptr<fake_bayeux> other_;
  bool is_running_ = false;
  int servers_ = 0;
};

TEST_F(Client, ReceivesWhatIsPublishedInOrder) {
  start();
  until_polling();
  publish(0, 3);
  until_received(3);
  publish(3, 1200);
  until_received(1203);
  expect_all(1203);
  EXPECT_LE(consumer_.largest_batch, options_.batch_events);
  EXPECT_EQ(observer_.delivered, 1203);
  EXPECT_THAT(observer_.handshakes, ElementsAre(handshake_reason::start));
  const client_snapshot now = client_->snapshot();
  EXPECT_EQ(now.phase, session_phase::polling);
  EXPECT_EQ(now.backlog_events, 0U);
  EXPECT_TRUE(now.last_poll_ended.has_value());
  EXPECT_EQ(server_.requests[0].authorization, "Bearer t1");
  EXPECT_EQ(server_.requests.back().authorization, "Bearer t1");
}

TEST_F(Client, StoresCheckpointsWithinASecondOfTheAcknowledgement) {
  start();
  until_polling();
  server_.publish(push, "a");
  const auto last = server_.publish(push, "b");
  until_received(1);
  pass(1s);
  const checkpoint* kept = store_.kept.find(push);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->replay_id, std::to_string(last));
  EXPECT_EQ(kept->org_id, "00D000000000001");
  EXPECT_EQ(store_.saves, 2) << "one for the quiet channel, at once, and one for both events";
}

TEST_F(Client, GoesOnAfterARestartWhereItStopped) {
  start();
  until_polling();
  publish(0, 5);
  until_received(5);
  stop();
  publish(5, 5);
  start();
  until_received(10);
  expect_all(10);
  EXPECT_EQ(observer_.duplicates, 0);
}

TEST_F(Client, SaysGoodbyeAndStoresTheLastCheckpointWhenStopped) {
  start();
  until_polling();
  publish(0, 1);
  until_received(1);
  EXPECT_LE(stop(), 1s);
  EXPECT_EQ(server_.requests.back().kind, "disconnect");
  EXPECT_THAT(server_.living_clients(), IsEmpty());
  ASSERT_NE(store_.kept.find(push), nullptr);
  EXPECT_FALSE(time_.next_wake() && *time_.next_wake() == steady_time{}) << "nothing is left behind";
}

TEST_F(Client, StopsWithinSecondsWhenNobodyAnswersTheGoodbye) {
  const auto never = [this](http_reply own) -> asio::awaitable<http_reply> {
    co_await time_.sleep_for(30min);
    co_return own;
  };
  server_.script.push_back({"disconnect", never});
  start();
  until_polling();
  EXPECT_LE(stop(), 5s);
}

TEST_F(Client, StopsWhateverItIsDoing) {
  // Cancelled after every number of handlers, from before the first word to the held poll and beyond.
  for (int handlers = 0; handlers < 400; handlers += 7) {
    tokens_.failures_left = handlers % 3 == 0 ? 1 : 0;
    start();
    int left = handlers;
    run_simulated(context_, time_, [&left] { return left-- <= 0; }, 1min);
    EXPECT_LE(stop(), 5s) << handlers;
  }
}

TEST_F(Client, ReplaysWhatALostResponseCarried) {  // F18
  start();
  until_polling();
  publish(0, 2);
  until_received(2);
  server_.script.push_back({"connect", test::reset_instead});
  // The connect under way was not scripted: it brings the next event; the one after it is lost.
  publish(2, 1);
  until_received(3);
  publish(3, 4);
  until_received(7);
  expect_all(7);
  EXPECT_THAT(observer_.handshakes, ElementsAre(handshake_reason::start, handshake_reason::lost_poll));
  EXPECT_EQ(server_.living_clients().size(), 1U) << "the abandoned client said goodbye";
}

TEST_F(Client, DeliversWhatATruncatedResponseHeldAndReplaysTheRest) {
  start();
  until_polling();
  const auto truncated = [](http_reply own) -> asio::awaitable<http_reply> {
    const std::string part = own.body.substr(0, own.body.size() / 2);
    own.stream = [part](body_writer& out) -> asio::awaitable<result<>> {
      auto written = co_await out.write(part);
      if (!written)
        co_return written;
      co_return fail(errc::closed, "scripted");
    };
    co_return own;
  };
  publish(0, 1);
  until_received(1);
  server_.script.push_back({"connect", truncated});
  publish(1, 1);
  until_received(2);
  publish(2, 50);
  until_received(52);
  expect_all(52);
}

TEST_F(Client, ABodyAboveTheCapIsDeliveredAsFarAsItGoesAndTheRestReplayed) {  // F17
  options_.body_size = 3000;
  start();
  until_polling();
  publish(0, 1);
  until_received(1);
  publish(1, 300);
  until_received(301);
  expect_all(301);
  EXPECT_GT(observer_.handshakes.size(), 2U);
  EXPECT_THAT(log_.lines_of("stream_problem"), Contains(HasSubstr("kind=body")));
}

TEST_F(Client, SurvivesGarbageAndStatusesAtEveryStep) {
  struct fault {
    int status;
    std::string body;
  };
  const std::vector<fault> faults{{503, "<html>maintenance</html>"},
                                  {200, "<html>login</html>"},
                                  {500, ""},
                                  {404, "not here"},
                                  {200, ""},
                                  {200, std::string(100, '\0')},
                                  {413, "[]"},
                                  {200, "[{\"channel\":"},
                                  {504, "<html>"}};
  int published = 1;
  start();
  until_polling();
  publish(0, 1);
  until_received(1);
  for (const std::string kind : {"connect", "handshake", "subscribe"}) {
    for (const auto& each : faults) {
      server_.script.push_back({kind, [each](http_reply own) -> asio::awaitable<http_reply> {
                                  own.status = each.status;
                                  own.body = each.body;
                                  co_return own;
                                }});
      server_.forget_clients();
      publish(published++, 1);
      until([this] { return server_.script.empty() && is_live(); }, 30min);
      publish(published++, 1);
      until_received(static_cast<std::size_t>(published));
    }
  }
  expect_all(published);
  EXPECT_THAT(log_.lines_of("stream_problem"), SizeIs(1)) << "once per kind";
  EXPECT_GE(client_->snapshot().problems.at(problem_kind::body), 3 * (faults.size() - 1))
      << "but every one is counted";
}

TEST_F(Client, LogsInAgainWhenTheTokenIsRefused) {
  start();
  until_polling();
  publish(0, 1);
  until_received(1);
  server_.token = "Bearer t2";
  server_.forget_clients();
  publish(1, 1);
  until_received(2);
  EXPECT_EQ(tokens_.renewals, 1);
  EXPECT_EQ(server_.requests.back().authorization, "Bearer t2");
  expect_all(2);
  EXPECT_THAT(log_.text(), Not(HasSubstr("t2")));
}

TEST_F(Client, FollowsTheOrgToItsNewAddressAndTakesTheTokenOnlyThere) {
  other_ = std::make_unique<fake_bayeux>(*net_, time_, context_.get_executor());
  fake_bayeux& moved = *other_;
  moved.token = "Bearer t2";
  serve(moved);
  tokens_.next.endpoint = moved.address();
  start();
  until_polling();
  server_.token = "Bearer none";
  server_.forget_clients();
  until([&] { return is_live() && moved.count("connect") > 1; });
  for (const auto& request : server_.requests)
    EXPECT_EQ(request.authorization, "Bearer t1");
  for (const auto& request : moved.requests)
    EXPECT_EQ(request.authorization, "Bearer t2");
  moved.publish(push, "0");
  until_received(1);
}

TEST_F(Client, DoesNotSendATokenOverAPlainConnection) {
  other_ = std::make_unique<fake_bayeux>(*net_, time_, context_.get_executor(), "acme.my.salesforce.com");
  serve(*other_);
  tokens_.now.endpoint = other_->address();
  start();
  pass(1min);
  EXPECT_THAT(other_->requests, IsEmpty());
  EXPECT_THAT(log_.lines_of("stream_trouble"), Contains(HasSubstr("not https")));
}

TEST_F(Client, SendsBackCookiesFromTheVeryNextRequest) {
  server_.set_cookie = "sfdc-stream=node1; Path=/; Secure; Max-Age=10800";
  start();
  until_polling();
  EXPECT_EQ(server_.requests[0].cookie, "");
  EXPECT_EQ(server_.requests[1].cookie, "sfdc-stream=node1");
  server_.set_cookie = "sfdc-stream=node2; Path=/; Secure";
  server_.forget_clients();  // the refusal itself carries the new cookie
  until([this] { return observer_.handshakes.size() == 2 && is_live(); });
  const auto handshake =
      std::ranges::find_if(server_.requests.begin() + 1, server_.requests.end(),
                           [](const fake_bayeux::seen& each) { return each.kind == "handshake"; });
  ASSERT_NE(handshake, server_.requests.end());
  EXPECT_EQ(handshake->cookie, "sfdc-stream=node2");
}

TEST_F(Client, OffersTheSameEventsAgainUntilTheConsumerTakesThem) {
  consumer_.failures_left = 6;
  start();
  until_polling();
  publish(0, 3);
  pass(2s);
  EXPECT_EQ(store_.kept.find(push)->replay_id, "") << "nothing is acknowledged yet";
  until_received(3);
  expect_all(3);
  EXPECT_THAT(log_.lines_of("stream_consumer_failed"), SizeIs(1));
}

TEST_F(Client, EventsNotAcknowledgedBeforeAStopComeAgain) {
  start();
  until_polling();
  publish(0, 2);
  until_received(2);
  consumer_.failures_left = 1'000'000;
  publish(2, 2);
  pass(5s);
  stop();
  consumer_.failures_left = 0;
  start();
  until_received(4);
  expect_all(4);
}

TEST_F(Client, ASlowConsumerDoesNotDelayPolling) {
  consumer_.delay = 10min;
  start();
  until_polling();
  publish(0, 1);
  const int before = observer_.polls;
  for (int i = 1; i < 10; ++i) {
    pass(10s);
    publish(i, 1);
  }
  pass(1s);
  EXPECT_GE(observer_.polls - before, 9);
  EXPECT_EQ(client_->snapshot().backlog_events, 10U);
  EXPECT_THAT(consumer_.texts, IsEmpty());
  until_received(10);
  expect_all(10);
  EXPECT_EQ(observer_.handshakes.size(), 1U);
}

TEST_F(Client, LeavesEventsOnTheServerWhenTheConsumerIsFarBehindAndLosesNone) {
  options_.backlog_events = 20;
  options_.batch_events = 5;
  consumer_.delay = 30s;
  start();
  until_polling();
  std::size_t most = 0;
  for (int i = 0; i < 40; ++i) {
    publish(i * 5, 5);
    pass(5s);
    most = std::max(most, client_->snapshot().backlog_events);
  }
  EXPECT_LT(most, 100U) << "about 165 would have come without a bound; one response may go above it";
  EXPECT_THAT(log_.lines_of("stream_backlog_full"), Not(IsEmpty()));
  consumer_.delay = 0s;
  until_received(200);
  expect_all(200);
  EXPECT_THAT(observer_.handshakes, Contains(handshake_reason::backlog));
}

TEST_F(Client, KeepsReceivingWhileCheckpointsCannotBeStored) {
  start();
  until_polling();
  store_.failures_left = 5;
  publish(0, 1);
  until_received(1);
  pass(30s);
  publish(1, 1);
  until_received(2);
  until([this] { return store_.saves > 0; });
  EXPECT_THAT(log_.lines_of("stream_checkpoint_failed"), SizeIs(1));
}

TEST_F(Client, WaitsForAStoreThatCannotBeReadAndForALogin) {
  store_.failures_left = 3;
  tokens_.failures_left = 3;
  start();
  until_polling();
  EXPECT_THAT(log_.lines_of("stream_problem"), SizeIs(2));
}

TEST_F(Client, DoesNotUseThePositionsOfAnotherOrg) {
  ASSERT_TRUE(pushguard::test::simulate(context_, time_,
                                        store_.kept.save({{push, "101", "", "00DOTHER", time_.wall_now()}})));
  start();
  until_polling();
  ASSERT_THAT(observer_.gaps, SizeIs(1));
  EXPECT_EQ(observer_.gaps[0].lost_replay_id, "101");
  EXPECT_EQ(server_.requests[1].replay, "-2");
}

TEST_F(Client, ReportsAGapWhenThePositionWasPurged) {  // F05
  start();
  until_polling();
  publish(0, 2);
  until_received(2);
  stop();
  publish(2, 10);
  server_.oldest_kept = server_.publish(push, "purged");
  publish(12, 3);
  start();
  until_received(5);
  ASSERT_THAT(observer_.gaps, SizeIs(1));
  EXPECT_THAT(consumer_.texts, ElementsAre("0", "1", "12", "13", "14"));
}

TEST_F(Client, NoticesAPollThatNeverEnds) {  // F21
  const auto never = [this](http_reply own) -> asio::awaitable<http_reply> {
    co_await time_.sleep_for(365 * 24h);
    co_return own;
  };
  start();
  until_polling();
  server_.script.push_back({"connect", never});
  publish(0, 1);  // rides on the connect under way; the next one is never answered
  until_received(1);
  publish(1, 1);
  const auto since = time_.steady_now();
  until_received(2);
  EXPECT_LE(time_.steady_now() - since, 110s + 15s + 10s);
  expect_all(2);
  until([this] { return observer_.troubles.size() >= 2; }, 1min);
  ASSERT_EQ(observer_.troubles.size(), 2U);
  EXPECT_NE(observer_.troubles.front(), "");
  EXPECT_EQ(observer_.troubles.back(), "") << "all is well again";
}

TEST_F(Client, TakesTheCookiesOfAnAnswerWhoseBodyIsLost) {
  start();
  until_polling();
  const auto truncated = [](http_reply own) -> asio::awaitable<http_reply> {
    own.headers.add("Set-Cookie", "sfdc-stream=node2; Path=/");
    own.stream = [](body_writer&) -> asio::awaitable<result<>> { co_return fail(errc::closed, "scripted"); };
    co_return own;
  };
  publish(0, 1);
  until_received(1);
  server_.script.push_back({"connect", truncated});
  publish(1, 1);
  until_received(2);
  publish(2, 1);
  until_received(3);
  EXPECT_EQ(server_.requests.back().cookie, "sfdc-stream=node2");
  expect_all(3);
}

TEST_F(Client, RemembersAQuietChannelAcrossRestarts) {  // F07
  start();
  until_polling();
  pass(2s);
  const checkpoint* kept = store_.kept.find(push);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->replay_id, "");
  ASSERT_TRUE(kept->quiet_since.has_value());
  EXPECT_LE(*kept->quiet_since, time_.wall_now());
  stop();
  publish(0, 3);  // while nobody listens
  start();
  until_received(3);
  expect_all(3);
  EXPECT_THAT(observer_.gaps, IsEmpty());
}

TEST_F(Client, OffersCheckpointsThatAConsumerCanStoreWithItsEffects) {
  start();
  until_polling();
  publish(0, 2);
  const auto last = server_.publish(push, "2");
  until_received(3);
  ASSERT_THAT(consumer_.offered, Not(IsEmpty()));
  const checkpoint& at = consumer_.offered.back();
  EXPECT_EQ(at.channel, push);
  EXPECT_EQ(at.replay_id, std::to_string(last));
  EXPECT_EQ(at.org_id, "00D000000000001");
  EXPECT_FALSE(at.quiet_since.has_value());
}

TEST_F(Client, ReadsAnAnswerThatComesByteByByte) {
  const auto trickling = [this](http_reply own) -> asio::awaitable<http_reply> {
    own.stream = [this, text = own.body](body_writer& out) -> asio::awaitable<result<>> {
      for (const char c : text) {
        auto written = co_await out.write({&c, 1});
        if (!written)
          co_return written;
        co_await time_.sleep_for(1s);
      }
      co_return result<>{};
    };
    co_return own;
  };
  start();
  until_polling();
  publish(0, 1);
  until_received(1);
  server_.script.push_back({"connect", trickling});
  publish(1, 1);
  until_received(2);
  publish(2, 4);
  until_received(6);
  expect_all(6);
  EXPECT_EQ(observer_.handshakes.size(), 1U) << "slow is not lost";
}

TEST_F(Client, TakesATokenToNoHostThatAdviceNamed) {
  other_ = std::make_unique<fake_bayeux>(*net_, time_, context_.get_executor(), "evil.example.com");
  serve(*other_);
  start();
  until_polling();
  const std::string host = other_->address().authority();
  const auto advised = [host](http_reply own) -> asio::awaitable<http_reply> {
    own.body =
        R"([{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"handshake","hosts":[")" +
        host + R"("]}}])";
    co_return own;
  };
  publish(0, 1);
  until_received(1);
  server_.script.push_back({"connect", advised});
  publish(1, 1);
  until_received(2);
  until([this] { return observer_.handshakes.size() >= 3 && is_live(); });
  publish(2, 1);
  until_received(3);
  EXPECT_THAT(other_->requests, IsEmpty());
  EXPECT_THAT(log_.text(), HasSubstr("where the token must not go"));
  expect_all(3);
}

TEST_F(Client, WithoutATokenFollowsAdviceToAnotherHost) {
  other_ = std::make_unique<fake_bayeux>(*net_, time_, context_.get_executor(), "second.example.com");
  other_->token.clear();
  server_.token.clear();
  serve(*other_);
  tokens_.now.bearer = {};
  start();
  until_polling();
  const std::string host = other_->address().authority();
  const auto advised = [host](http_reply own) -> asio::awaitable<http_reply> {
    own.body =
        R"([{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"handshake","hosts":[")" +
        host + R"("]}}])";
    co_return own;
  };
  server_.script.push_back({"connect", advised});
  const auto last =
      server_.publish(push, "0");  // brought by the connect under way; the next is sent elsewhere
  until([this] { return is_live() && other_->count("connect") > 1; });
  EXPECT_EQ(other_->requests.front().kind, "handshake");
  EXPECT_EQ(other_->requests.at(1).replay, std::to_string(last)) << "its position goes along";
  EXPECT_THAT(server_.living_clients(), IsEmpty()) << "the first server was told goodbye";
}

// Time whose longest sleeps are never woken: what a lost timer looks like.
class forgetful_time final : public time_source {
 public:
  explicit forgetful_time(fake_time& of) : of_(of) {}
  wall_time wall_now() const override { return of_.wall_now(); }
  steady_time steady_now() const override { return of_.steady_now(); }
  asio::awaitable<void> sleep_until(steady_time when) override {
    const bool is_lost = forgets && when - of_.steady_now() > 20s;
    co_await of_.sleep_until(is_lost ? when + 365 * 24h : when);
  }

  bool forgets = false;

 private:
  fake_time& of_;
};

TEST_F(Client, TheWatchdogRestartsAClientWhoseTimersWereLost) {
  forgetful_time forgetful(time_);
  const auto never = [this](http_reply own) -> asio::awaitable<http_reply> {
    co_await time_.sleep_for(365 * 24h);
    co_return own;
  };
  client_time_ = &forgetful;
  start();
  until_polling();
  forgetful.forgets = true;
  publish(0, 1);
  until_received(1);
  server_.script.push_back({"connect", never});
  publish(1, 1);
  until_received(2);
  publish(2, 1);
  until([this] { return std::ranges::count(observer_.handshakes, handshake_reason::stalled) == 1; });
  forgetful.forgets = false;
  until_received(3);
  expect_all(3);
  EXPECT_THAT(log_.lines_of("stream_stalled"), SizeIs(1));
  stop();
}

TEST_F(Client, LivesThroughAWeekOfForgottenSessionsWithoutLoss) {
  start();
  until_polling();
  int published = 0;
  for (int i = 0; i < 7 * 8; ++i) {
    publish(published, 3);
    published += 3;
    pass(3h);
    server_.forget_clients();
    publish(published++, 1);
  }
  until_received(static_cast<std::size_t>(published));
  expect_all(published);
  EXPECT_EQ(observer_.handshakes.size(), 7U * 8U + 1U);
  EXPECT_LE(server_.living_clients().size(), 1U);
}

}  // namespace
}  // namespace pushguard::cometd
