#include "alerts/alertmanager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <list>

#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const wall_time start = parse_time("2026-01-02T03:04:05.678Z").value();

alert make_alert() {
  alert out;
  out.id = "breach:devhub:1";
  out.name = "Trouble";
  out.severity = alert_severity::critical;
  out.labels = {{"zone", "one"}};
  out.summary = "17 of 100 failed";
  out.description = "Look.\nThen act.";
  out.annotations = {{"failed", "17"}};
  out.links = {{.name = "runbook", .url = "https://wiki.example.com/trouble"}};
  out.generator_url = "https://agent.example.com/";
  out.starts_at = start;
  return out;
}

TEST(AlertmanagerBody, OfAFiringAlertEndsByItselfIfNotSentAgain) {
  EXPECT_EQ(alertmanager_body(make_alert(), start + 10min, 4min),
            R"([{"labels":{"alertname":"Trouble","severity":"critical","zone":"one"},)"
            R"("annotations":{"description":"Look.\nThen act.","failed":"17",)"
            R"("runbook_url":"https://wiki.example.com/trouble","summary":"17 of 100 failed"},)"
            R"("startsAt":"2026-01-02T03:04:05.678Z","endsAt":"2026-01-02T03:18:05.678Z",)"
            R"("generatorURL":"https://agent.example.com/"}])");
}

TEST(AlertmanagerBody, OfAResolvedAlertEndsWhenItWasResolved) {
  alert what = make_alert();
  what.state = alert_state::resolved;
  what.resolved_at = start + 5min;
  EXPECT_THAT(alertmanager_body(what, start + 7min, 4min),
              HasSubstr(R"("endsAt":"2026-01-02T03:09:05.678Z")"));
}

TEST(AlertmanagerBody, NeverEndsBeforeItStarts) {
  alert what = make_alert();
  EXPECT_THAT(alertmanager_body(what, start - 1h, 4min), HasSubstr(R"("endsAt":"2026-01-02T03:08:05.678Z")"));
  what.state = alert_state::resolved;
  what.resolved_at = start - 1h;
  EXPECT_THAT(alertmanager_body(what, start - 1h, 4min), HasSubstr(R"("endsAt":"2026-01-02T03:04:05.678Z")"));
}

TEST(AlertmanagerBody, CleansNamesAndLeavesEmptyValuesOut) {
  alert what;
  what.name = "Trouble";
  what.labels = {{"a-b.c", "1"}, {"9lives", "2"}, {"empty", ""}, {"", "nameless"}, {"é", "3"}};
  what.annotations = {{"top errors", "x"}, {"none", ""}};
  EXPECT_EQ(alertmanager_body(what, wall_time{}, 0s),
            R"([{"labels":{"_9lives":"2","__":"3","a_b_c":"1","alertname":"Trouble","severity":"warning"},)"
            R"("annotations":{"top_errors":"x"},)"
            R"("startsAt":"1970-01-01T00:00:00.000Z","endsAt":"1970-01-01T00:00:00.000Z"}])");
}

TEST(AlertmanagerBody, KeepsItsOwnLabelsAgainstOthersOfThatName) {
  alert what = make_alert();
  what.labels = {{"alertname", "Forged"}, {"severity", "none"}};
  what.annotations = {{"summary", "forged"}};
  const std::string body = alertmanager_body(what, start, 4min);
  EXPECT_THAT(body, HasSubstr(R"("alertname":"Trouble","severity":"critical"})"));
  EXPECT_THAT(body, Not(HasSubstr("orged")));
}

TEST(AlertmanagerBody, LeavesOutWhatIsNoUrl) {
  for (const char* text : {"", "not a url", "/relative", "ftp://example.com"}) {
    alert what = make_alert();
    what.generator_url = text;
    EXPECT_THAT(alertmanager_body(what, start, 4min), Not(HasSubstr("generatorURL"))) << text;
  }
}

/// One Alertmanager of a cluster, on a pipe.
struct fake_peer {
  std::unique_ptr<listener> from;
  int status = 200;
  http_headers headers;
  after_reply after = after_reply::keep_alive;
  bool hangs = false;
  std::vector<http_request> seen;
};

class AlertmanagerReceiver : public testing::Test {
 protected:
  void TearDown() override {
    world_->run([](task_group& servers) -> asio::awaitable<void> {
      servers.cancel();
      co_await servers.join();
    }(servers_));
  }

  fake_peer& add_peer(const std::string& path = "") {
    fake_peer& added = peers_.emplace_back();
    auto listening = world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0);
    added.from = std::move(listening.value());
    add_url(added.from->local().text() + path);
    servers_.spawn(serve_http(
        *added.from, [this, &added](const http_request& request) { return reply(added, request); }, {},
        world_->time(), log_));
    return added;
  }

  void add_url(const std::string& text) { urls_.push_back(parse_url(text).value()); }

  asio::awaitable<http_reply> reply(fake_peer& by, http_request request) {
    by.seen.push_back(std::move(request));
    if (by.hangs) {
      co_await world_->time().sleep_for(24h);
    }
    co_return http_reply{
        .status = by.status, .headers = by.headers, .body = "hidden", .stream = {}, .after = by.after};
  }

  delivery deliver() {
    if (!receiver_) {
      alertmanager_options options;
      options.name = "prometheus";
      options.urls = urls_;
      receiver_ = make_alertmanager_receiver(options, world_->net(), world_->time(), log_, random_engine(1));
    }
    outbox_row row;
    row.content = make_alert();
    delivery out;
    world_->run([](receiver& to, outbox_row what, delivery& got) -> asio::awaitable<void> {
      got = co_await to.deliver(std::move(what));
    }(*receiver_, row, out));
    return out;
  }

  void pass(duration length) {
    world_->run([](time_source& time, duration wait) -> asio::awaitable<void> {
      co_await time.sleep_for(wait);
    }(world_->time(), length));
  }

  test::recording_logger log_;
  std::unique_ptr<test::net_world> world_ = test::make_pipe_world();
  std::list<fake_peer> peers_;
  std::vector<url> urls_;
  task_group servers_{world_->context().get_executor()};
  std::unique_ptr<receiver> receiver_;
};

TEST_F(AlertmanagerReceiver, PostsToTheApiBelowTheGivenPath) {
  fake_peer& peer = add_peer("/am/");
  const delivery got = deliver();
  EXPECT_EQ(got.verdict, delivery_verdict::sent);
  ASSERT_THAT(peer.seen, SizeIs(1));
  EXPECT_EQ(peer.seen[0].method, "POST");
  EXPECT_EQ(peer.seen[0].target, "/am/api/v2/alerts");
  EXPECT_EQ(peer.seen[0].headers.find("Content-Type"), "application/json");
  EXPECT_EQ(peer.seen[0].body, alertmanager_body(make_alert(), world_->time().wall_now(), 4min));
}

TEST_F(AlertmanagerReceiver, JudgesEveryStatus) {
  fake_peer& peer = add_peer();
  for (int status = 200; status <= 599; ++status) {
    peer.status = status;
    const delivery got = deliver();
    const delivery expected = judge_response({.status = status, .headers = {}, .body = {}},
                                             urls_[0].origin.text(), world_->time().wall_now());
    EXPECT_EQ(got.verdict, expected.verdict) << status;
    EXPECT_EQ(got.reason, expected.reason) << status;
    EXPECT_EQ(got.detail, expected.detail) << status;
  }
  EXPECT_THAT(peer.seen, SizeIs(400)) << "no redirect is followed and no answer makes it post twice";
}

TEST_F(AlertmanagerReceiver, PassesRetryAfterOn) {
  fake_peer& peer = add_peer();
  peer.status = 429;
  peer.headers.add("Retry-After", "17");
  EXPECT_EQ(deliver().retry_after, 17s);
}

TEST_F(AlertmanagerReceiver, TriesAgainAfterAReset) {
  fake_peer& peer = add_peer();
  peer.status = 0;
  peer.after = after_reply::reset;
  const delivery got = deliver();
  EXPECT_EQ(got.verdict, delivery_verdict::retry);
  EXPECT_EQ(got.reason, delivery_reason::network);
}

TEST_F(AlertmanagerReceiver, TriesAgainWhereNobodyListens) {
  add_url("http://127.0.0.1:9");
  const delivery got = deliver();
  EXPECT_EQ(got.verdict, delivery_verdict::retry);
  EXPECT_EQ(got.reason, delivery_reason::network);
  EXPECT_THAT(got.detail, HasSubstr("127.0.0.1:9"));
}

TEST_F(AlertmanagerReceiver, GivesUpOnASilentPeerInTime) {
  add_peer().hangs = true;
  const steady_time begin = world_->time().steady_now();
  const delivery got = deliver();
  EXPECT_EQ(got.verdict, delivery_verdict::retry);
  EXPECT_EQ(got.reason, delivery_reason::timed_out);
  EXPECT_EQ(world_->time().steady_now() - begin, 10s);
}

TEST_F(AlertmanagerReceiver, TellsEveryPeer) {
  fake_peer& one = add_peer();
  fake_peer& other = add_peer();
  EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
  EXPECT_THAT(one.seen, SizeIs(1));
  EXPECT_THAT(other.seen, SizeIs(1));
}

TEST_F(AlertmanagerReceiver, IsContentWithOnePeerAndLetsTheOtherRest) {
  fake_peer& healthy = add_peer();
  fake_peer& silent = add_peer();
  silent.hangs = true;
  EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
  const steady_time begin = world_->time().steady_now();
  std::size_t slow = 0;
  for (int i = 0; i < 100; ++i) {
    const steady_time before = world_->time().steady_now();
    EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
    slow += world_->time().steady_now() > before ? 1 : 0;
    pass(1s);
  }
  EXPECT_LE(slow, 10U) << "a silent peer should seldom be waited for";
  EXPECT_GT(silent.seen.size(), 1U) << "but it should be asked now and then";
  EXPECT_LT(world_->time().steady_now() - begin, 200s + 1s);
  EXPECT_THAT(healthy.seen, SizeIs(101));
  EXPECT_THAT(log_.lines_of("alertmanager_peer_failing"), SizeIs(1));
  silent.hangs = false;
  pass(2min);
  EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
  EXPECT_THAT(log_.lines_of("alertmanager_peer_recovered"), SizeIs(1));
}

TEST_F(AlertmanagerReceiver, AsksARestingPeerWhenNoOtherAccepts) {
  fake_peer& one = add_peer();
  fake_peer& other = add_peer();
  one.status = 503;
  EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
  one.status = 200;
  other.status = 503;
  EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
  EXPECT_THAT(one.seen, SizeIs(2));
}

TEST_F(AlertmanagerReceiver, ReportsTheMostHopefulOutcomeWhenNoneAccepts) {
  fake_peer& one = add_peer();
  fake_peer& other = add_peer();
  one.status = 400;
  other.status = 503;
  EXPECT_EQ(deliver().reason, delivery_reason::server_error);
  pass(2min);
  other.status = 401;
  EXPECT_EQ(deliver().reason, delivery_reason::auth_error);
  pass(2min);
  one.status = 503;
  EXPECT_EQ(deliver().reason, delivery_reason::server_error);
  pass(2min);
  one.status = 400;
  other.status = 400;
  EXPECT_EQ(deliver().verdict, delivery_verdict::drop);
}

TEST_F(AlertmanagerReceiver, SaysNothingOfPathsOrBodies) {
  fake_peer& peer = add_peer("/secret-path");
  for (const int status : {400, 401, 429, 500}) {
    peer.status = status;
    EXPECT_THAT(deliver().detail, Not(HasSubstr("secret-path")));
  }
  peer.after = after_reply::reset;
  peer.status = 0;
  EXPECT_THAT(deliver().detail, Not(HasSubstr("secret-path")));
  peer.hangs = true;
  EXPECT_THAT(deliver().detail, Not(HasSubstr("secret-path")));
  EXPECT_THAT(log_.text(), Not(HasSubstr("secret-path")));
  EXPECT_THAT(log_.text(), Not(HasSubstr("hidden")));
  EXPECT_THAT(log_.text(), HasSubstr("alertmanager_peer_failing"));
}

TEST_F(AlertmanagerReceiver, IsOfTheKindThatKeepsState) {
  add_peer();
  EXPECT_EQ(deliver().verdict, delivery_verdict::sent);
  EXPECT_EQ(receiver_->name(), "prometheus");
  EXPECT_EQ(receiver_->supersedes(), superseding::any);
  ASSERT_TRUE(receiver_->resends().has_value());
  EXPECT_EQ(receiver_->resends()->interval, 1min);
  EXPECT_EQ(receiver_->resends()->resolved_for, 5min);
}

}  // namespace
}  // namespace pushguard::alerts
