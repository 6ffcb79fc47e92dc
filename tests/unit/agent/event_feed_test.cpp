#include "agent/event_feed.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/parse.hpp>

#include "agent/event_stream.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using domain::push_status;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct read_event {
  std::string id;
  std::string name;
  json::value data;
};

/// Takes the events of a text apart, all of which must be whole.
std::vector<read_event> events_of(std::string_view text) {
  std::vector<read_event> events;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    if (end == std::string_view::npos)
      throw std::runtime_error("an event has no end");
    read_event event;
    for (std::string_view rest = text.substr(0, end + 1); !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(line.size() + 1);
      if (line.starts_with("id: "))
        event.id = line.substr(4);
      else if (line.starts_with("event: "))
        event.name = line.substr(7);
      else if (line.starts_with("data: "))
        event.data = json::parse(std::string(line.substr(6)));
    }
    if (!event.name.empty())
      events.push_back(std::move(event));
    text.remove_prefix(end + 2);
  }
  return events;
}

std::vector<std::string> names_of(const std::vector<read_event>& events) {
  std::vector<std::string> names;
  for (const read_event& event : events)
    names.push_back(event.name);
  return names;
}

class EventFeed : public testing::Test {
 protected:
  static constexpr std::size_t all_there_is = 1UZ << 30;

  void tell(const view_update& update) {
    model_.apply(update);
    paces_.apply(update, model_, time_.wall_now());
    history_.apply(update);
    feed_.note(update);
  }
  void tell_hub(bool is_up, std::string failure = {}) {
    view_update update;
    hub_view& hub = update.hubs.emplace_back();
    hub.name = "devhub";
    hub.is_up = is_up;
    hub.last_failure = std::move(failure);
    tell(update);
  }
  void tell_rule(std::string verdict) {
    view_update update;
    rule_view rule;
    rule.key = {.hub = "devhub",
                .rollout = "04t000000000001/1",
                .request = {},
                .policy = "p",
                .rule = "r",
                .segment = {}};
    rule.verdict = std::move(verdict);
    update.rules = {rule};
    tell(update);
  }
  static job_view job(unsigned n, push_status status) {
    job_view made;
    made.id = domain::job_id::parse(fmt::format("0DX{:012}", n)).value();
    made.request = domain::request_id::parse("0DV000000000001").value();
    made.org = domain::org_key::parse(fmt::format("00D{:012}", n)).value();
    made.status = status;
    return made;
  }
  void tell_rollout() {
    view_update update;
    request_view wave;
    wave.hub = "devhub";
    wave.row.id = domain::request_id::parse("0DV000000000001").value();
    wave.rollout = "04t000000000001/1";
    rollout_view rollout;
    rollout.hub = "devhub";
    rollout.id = wave.rollout;
    rollout.requests = {wave.row.id};
    update.requests = {wave};
    update.rollouts = {rollout};
    tell(update);
  }
  void tell_jobs(unsigned count, push_status status) {
    view_update update;
    auto& jobs = update.jobs.emplace_back("devhub", std::vector<job_view>()).second;
    for (unsigned n = 1; n <= count; ++n)
      jobs.push_back(job(n, status));
    tell(update);
  }
  std::vector<read_event> take(event_feed::reader& from) {
    feed_.flush();
    return events_of(from.take(all_there_is));
  }

  fake_time time_;
  read_model model_;
  pace_book paces_;
  rule_history history_;
  agent_facts facts_{.version = "1.2.3", .commit = "abc", .is_leader = true, .takes_actions = false};
  event_feed feed_{{.model = model_,
                    .paces = paces_,
                    .history = history_,
                    .time = time_,
                    .directory = [] { return nullptr; }},
                   [this] { return facts_; },
                   "life"};
  asio::io_context context_{1};  // ends its coroutines before what they use
};

TEST_F(EventFeed, TellsWhoComesNewToLoadEverything) {
  event_feed::reader reader(feed_, event_types::all(), "");
  const auto events = take(reader);
  ASSERT_THAT(names_of(events), ElementsAre("reset"));
  EXPECT_THAT(events[0].id, StartsWith("life-"));
  EXPECT_TRUE(events[0].data.as_object().contains("now"));
  EXPECT_THAT(take(reader), IsEmpty());
}

TEST_F(EventFeed, TellsTheLatestStateOfEachChangeOnce) {
  event_feed::reader reader(feed_, event_types::all(), "");
  (void)take(reader);
  tell_hub(false);
  tell_hub(true);
  tell_rollout();
  tell_rule("ok");
  tell_rule("breached");
  tell_jobs(2, push_status::failed);
  const auto events = take(reader);
  ASSERT_THAT(names_of(events), ElementsAre("hub", "rollout", "rule", "job", "job"));
  EXPECT_EQ(events[0].data.at("up"), true);
  EXPECT_EQ(events[1].data.at("verdict"), "breached");
  EXPECT_EQ(events[1].data.at("waves").as_array().size(), 1U);
  EXPECT_EQ(events[2].data.at("verdict"), "breached");
  EXPECT_EQ(events[2].data.at("rollout"), "04t000000000001/1");
  EXPECT_EQ(events[3].data.at("org_key"), "00D000000000001");
  EXPECT_EQ(events[3].data.at("hub"), "devhub");
  EXPECT_THAT(take(reader), IsEmpty());
}

TEST_F(EventFeed, TellsVeryManyJobsAsANumber) {
  tell_rollout();
  event_feed::reader reader(feed_, event_types::parse("job").value(), "");
  (void)take(reader);
  tell_jobs(event_feed::jobs_max, push_status::pending);
  EXPECT_EQ(take(reader).size(), event_feed::jobs_max);
  tell_jobs(event_feed::jobs_max + 1, push_status::failed);
  const auto events = take(reader);
  ASSERT_THAT(names_of(events), ElementsAre("jobs"));
  EXPECT_EQ(events[0].data.at("count"), event_feed::jobs_max + 1);
  EXPECT_EQ(events[0].data.at("request_id"), "0DV000000000001");
}

TEST_F(EventFeed, TellsOnlyWhatIsWanted) {
  event_feed::reader rules(feed_, event_types::parse("rule").value(), "");
  event_feed::reader others(feed_, event_types::parse("hub,hold,alert,decision").value(), "");
  (void)take(rules);
  (void)take(others);
  tell_hub(true);
  tell_rule("ok");
  view_update update;
  update.holds.emplace();
  update.alerting = std::make_shared<alerting_view>();
  decision_view decision;
  decision.id = 7;
  update.decisions = {decision};
  tell(update);
  EXPECT_THAT(names_of(take(rules)), ElementsAre("rule"));
  EXPECT_THAT(names_of(take(others)), ElementsAre("hub", "decision", "hold", "alert"));
}

TEST_F(EventFeed, TellsOfTheAgentWhenItChanges) {
  event_feed::reader reader(feed_, event_types::all(), "");
  (void)take(reader);
  EXPECT_THAT(take(reader), IsEmpty());
  facts_.takes_actions = true;
  const auto events = take(reader);
  ASSERT_THAT(names_of(events), ElementsAre("agent"));
  EXPECT_EQ(events[0].data.at("actions"), true);
}

TEST_F(EventFeed, GoesOnWhereItBrokeOff) {
  event_feed::reader stays(feed_, event_types::all(), "");
  (void)take(stays);
  std::string last;
  {
    event_feed::reader first(feed_, event_types::all(), "");
    (void)take(first);
    tell_rule("ok");
    last = take(first).back().id;
  }
  (void)take(stays);
  tell_rule("warning");
  (void)take(stays);
  tell_rule("breached");
  (void)take(stays);
  event_feed::reader again(feed_, event_types::all(), last);
  const auto events = take(again);
  ASSERT_THAT(names_of(events), ElementsAre("rule", "rule"));
  EXPECT_EQ(events[0].data.at("verdict"), "warning");
  EXPECT_EQ(events[1].data.at("verdict"), "breached");
}

TEST_F(EventFeed, StartsAnewWhereWhatFollowedIsNotKept) {
  std::string last;
  {
    event_feed::reader first(feed_, event_types::all(), "");
    last = take(first).back().id;
  }
  {
    event_feed::reader again(feed_, event_types::all(), last);
    EXPECT_THAT(take(again), IsEmpty()) << "nothing has happened since";
  }
  tell_rule("breached");  // nobody listened
  event_feed::reader again(feed_, event_types::all(), last);
  EXPECT_THAT(names_of(take(again)), ElementsAre("reset"));
  for (const char* id : {"other-1", "life-", "life-x", "life-999999", "", "-", "life-1x"}) {
    event_feed::reader confused(feed_, event_types::all(), id);
    EXPECT_THAT(names_of(take(confused)), ElementsAre("reset")) << id;
  }
}

TEST_F(EventFeed, WhatOneTypeMissedDoesNotResetAnother) {
  const auto rules = event_types::parse("rule").value();
  event_feed::reader stays(feed_, rules, "");
  std::string last;
  {
    event_feed::reader first(feed_, rules, "");
    last = take(first).back().id;
  }
  (void)take(stays);
  tell_hub(true);  // nobody listens to hubs
  tell_rule("ok");
  (void)take(stays);
  event_feed::reader again(feed_, rules, last);
  EXPECT_THAT(names_of(take(again)), ElementsAre("rule"));
  event_feed::reader more(feed_, event_types::parse("rule,hub").value(), last);
  EXPECT_THAT(names_of(take(more)), ElementsAre("reset"));
}

TEST_F(EventFeed, ResetsAReaderThatFallsBehind) {
  tell_rollout();
  event_feed::reader slow(feed_, event_types::all(), "");
  (void)take(slow);
  for (int turn = 0; turn < 100; ++turn) {
    tell_jobs(event_feed::jobs_max, turn % 2 == 0 ? push_status::failed : push_status::succeeded);
    feed_.flush();
  }
  const auto events = events_of(slow.take(all_there_is));
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().name, "reset");
  EXPECT_EQ(events.size(), 1U) << "what it loads anew has it all";
  tell_rule("ok");
  EXPECT_THAT(names_of(take(slow)), ElementsAre("rollout", "rule")) << "and from there on it goes on";
}

TEST_F(EventFeed, TakesPiecesOfWholeEvents) {
  tell_rollout();
  event_feed::reader reader(feed_, event_types::all(), "");
  (void)take(reader);
  tell_jobs(100, push_status::failed);
  feed_.flush();
  std::size_t count = 0;
  for (std::string text = reader.take(1000); !text.empty(); text = reader.take(1000)) {
    EXPECT_LT(text.size(), 3000U);
    count += events_of(text).size();
  }
  EXPECT_EQ(count, 100U);
}

TEST_F(EventFeed, HostileTextCannotEndALine) {
  event_feed::reader reader(feed_, event_types::all(), "");
  (void)take(reader);
  tell_hub(false, "x\n\nevent: rule\ndata: {}\r\n\xFF<script>");
  const auto events = take(reader);
  ASSERT_THAT(names_of(events), ElementsAre("hub"));
  EXPECT_THAT(std::string(events[0].data.at("last_failure").as_string()), HasSubstr("\n\nevent: rule"));
}

TEST_F(EventFeed, TellsOfHubsAndRulesThatAreGone) {
  tell_hub(true);
  event_feed::reader reader(feed_, event_types::all(), "");
  (void)take(reader);
  view_update update;
  update.forgotten_hubs = {"devhub"};
  update.forgotten_rules_of = {"other"};
  tell(update);
  const auto events = take(reader);
  ASSERT_THAT(names_of(events), ElementsAre("forgotten", "forgotten"));
  EXPECT_EQ(events[0].data, json::parse(R"({"hubs": ["devhub"], "rules_of": []})"));
  EXPECT_EQ(events[1].data, json::parse(R"({"hubs": [], "rules_of": ["other"]})"));
}

TEST(EventTypes, AreReadFromTheirNames) {
  EXPECT_EQ(event_types::parse("hub,rollout,rule,job,decision,hold,alert,agent"), event_types::all());
  EXPECT_TRUE(event_types::parse("job").value().has(event_type::job));
  EXPECT_FALSE(event_types::parse("job").value().has(event_type::hub));
  EXPECT_EQ(event_types::parse(""), event_types());
  for (const char* wrong : {"jobs", "job,", "Job", "job,,hub", ",job", " job"}) {
    if (std::string_view(wrong) == "job,")
      EXPECT_EQ(event_types::parse(wrong), event_types::parse("job"));
    else
      EXPECT_EQ(event_types::parse(wrong), std::nullopt) << wrong;
  }
}

// --- the route -----------------------------------------------------------------------------------

class collecting_writer final : public body_writer {
 public:
  asio::awaitable<result<>> write_joined(std::span<const std::string_view> pieces) override {
    for (const std::string_view piece : pieces)
      taken += piece;
    co_return is_gone ? fail(errc::closed, "gone") : result<>{};
  }
  std::string taken;
  bool is_gone = false;
};

class EventStream : public EventFeed {
 protected:
  EventStream() { add_event_stream(router_, feed_); }
  http_reply ask(const http_request& request) { return test::simulate(context_, time_, router_(request)); }
  void open(collecting_writer& out, const http_request& request) {
    const http_reply reply = ask(request);
    ASSERT_EQ(reply.status, 200);
    ASSERT_TRUE(reply.stream);
    asio::co_spawn(context_, reply.stream(out),
                   [this](const std::exception_ptr&, const result<>&) { ++ended_; });
  }

  http_router router_;
  int ended_ = 0;
};

TEST_F(EventStream, SendsEventsAndPingsUntilTheClientIsGone) {
  asio::co_spawn(context_, feed_.run(), asio::detached);
  tell_rollout();
  collecting_writer out;
  open(out, {.target = "/api/v1/stream"});
  test::run_simulated_for(context_, time_, std::chrono::seconds(1));
  EXPECT_THAT(out.taken, StartsWith("retry: 2000\n\n"));
  EXPECT_THAT(names_of(events_of(out.taken)), ElementsAre("reset"));
  tell_rule("breached");
  test::run_simulated_for(context_, time_, event_feed::turn_interval);
  EXPECT_THAT(names_of(events_of(out.taken)), ElementsAre("reset", "rollout", "rule"));
  out.taken.clear();
  test::run_simulated_for(context_, time_, 3 * event_feed::ping_interval);
  const auto pings = events_of(out.taken);
  EXPECT_THAT(names_of(pings), ElementsAre("ping", "ping", "ping"));
  EXPECT_EQ(pings[0].id, "") << "a ping is no place to go on from";
  EXPECT_EQ(ended_, 0);
  out.is_gone = true;
  test::run_simulated_for(context_, time_, event_feed::ping_interval);
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(feed_.readers(), 0U);
}

TEST_F(EventStream, EndsWithItsFeed) {
  asio::cancellation_signal stop;
  asio::co_spawn(context_, feed_.run(), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  collecting_writer out;
  open(out, {.target = "/api/v1/stream"});
  test::run_simulated_for(context_, time_, std::chrono::seconds(1));
  ASSERT_EQ(ended_, 0);
  stop.emit(asio::cancellation_type::terminal);
  test::run_simulated_for(context_, time_, std::chrono::milliseconds(1));
  EXPECT_EQ(ended_, 1) << "who stops a server does not wait for those who only listen";
}

TEST_F(EventStream, GoesOnBehindTheLastIdOfEither) {
  event_feed::reader stays(feed_, event_types::all(), "");
  const std::string last = take(stays).back().id;
  tell_rule("ok");
  feed_.flush();
  http_request by_header{.target = "/api/v1/stream"};
  by_header.headers.set("Last-Event-ID", last);
  for (const http_request& request :
       {by_header, http_request{.target = "/api/v1/stream?last_event_id=" + last}}) {
    collecting_writer out;
    out.is_gone = true;
    open(out, request);
    test::run_simulated_for(context_, time_, std::chrono::seconds(1));
    EXPECT_THAT(names_of(events_of(out.taken)), ElementsAre("rule"));
  }
}

TEST_F(EventStream, IsNotToBeKeptOrHeldBack) {
  const http_reply reply = ask({.target = "/api/v1/stream?types=hub"});
  EXPECT_EQ(reply.headers.find("Content-Type"), "text/event-stream");
  EXPECT_EQ(reply.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(reply.headers.find("X-Accel-Buffering"), "no");
}

TEST_F(EventStream, RefusesUnknownTypesAndTooMany) {
  for (const char* target : {"/api/v1/stream?types=x", "/api/v1/stream?types="})
    EXPECT_EQ(ask({.target = target}).status, 400) << target;
  std::vector<std::unique_ptr<event_feed::reader>> readers;
  for (std::size_t i = 0; i < event_streams_max; ++i)
    readers.push_back(std::make_unique<event_feed::reader>(feed_, event_types::all(), ""));
  const http_reply busy = ask({.target = "/api/v1/stream"});
  EXPECT_EQ(busy.status, 503);
  EXPECT_THAT(busy.body, HasSubstr("too_many_streams"));
  EXPECT_TRUE(busy.headers.find("Retry-After").has_value());
  readers.pop_back();
  EXPECT_EQ(ask({.target = "/api/v1/stream"}).status, 200);
}

}  // namespace
}  // namespace pushguard::agent
