#include "alerts/alertmanager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "alerts/alert_book.hpp"
#include "alerts/outbox.hpp"
#include "base/task_group.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/memory_outbox_store.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* program = "prometheus-alertmanager";
constexpr const char* configuration = "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n";
// Generous: the machine may be busy with other tests.
constexpr auto patience = 20s;

struct silent_observer final : outbox_observer {
  void on_outcome(std::string_view, notification_outcome, delivery_reason) override {}
  void on_queue(std::string_view, std::size_t, std::optional<wall_time>) override {}
};

alert make_alert(std::string summary) {
  alert out;
  out.id = "interop";
  out.name = "Trouble";
  out.severity = alert_severity::critical;
  out.labels = {{"zone", "one"}, {"odd-name", "\"quoted\"\n\u00e9"}};
  out.summary = std::move(summary);
  out.description = "\x01 control, \xff not UTF-8";
  out.links = {{.name = "runbook", .url = "https://wiki.example.com/trouble"}};
  out.generator_url = "https://agent.example.com/";
  return out;
}

/// A real Alertmanager without peers, and an outbox that tells it, over sockets and in real time.
class AlertmanagerInterop : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test::find_program(program)) << program << " is not installed; ./dev test installs it";
    std::string name = std::filesystem::temp_directory_path() / "pushguard-alertmanager-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    std::ofstream(directory_ / "alertmanager.yml") << configuration;
    // The free port found may be taken before Alertmanager gets it.
    for (int i = 0; i < 5 && !start_alertmanager(); ++i) {
    }
    ASSERT_TRUE(client_) << program << " did not get ready";
  }

  void TearDown() override {
    if (server_) {
      server_->terminate();
    }
    std::error_code ec;
    std::filesystem::remove_all(directory_, ec);
  }

  bool start_alertmanager() {
    auto probe = world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0);
    const origin address = probe.value()->local();
    probe.value()->close();
    server_ = std::make_unique<test::child_process>(std::vector<std::string>{
        program, "--config.file=" + (directory_ / "alertmanager.yml").string(),
        "--storage.path=" + (directory_ / "data").string(), "--web.listen-address=" + address.authority(),
        "--cluster.listen-address=", "--log.level=error"});
    auto client = make_http_client(world_->net(), world_->time(), address);
    bool is_ready = false;
    world_->run(wait_until_ready(*client, *server_, is_ready));
    if (is_ready) {
      client_ = std::move(client);
    } else {
      server_->terminate();
    }
    return is_ready;
  }

  asio::awaitable<void> wait_until_ready(http_client& client, test::child_process& server, bool& is_ready) {
    const steady_time end = world_->time().steady_now() + patience;
    while (!is_ready && world_->time().steady_now() < end && !server.wait(0ms)) {
      http_request request{.method = "GET", .target = "/-/ready", .headers = {}, .body = {}};
      const auto response = co_await client.send(std::move(request));
      is_ready = response && response->is_success();
      co_await world_->time().sleep_for(20ms);
    }
  }

  /// Asks until what Alertmanager shows is as wanted; answers what it showed last.
  asio::awaitable<std::string> alerts_until(std::function<bool(const std::string&)> is_wanted) {
    const steady_time end = world_->time().steady_now() + patience;
    std::string shown;
    do {
      http_request request{.method = "GET", .target = "/api/v2/alerts", .headers = {}, .body = {}};
      const auto response = co_await client_->send(std::move(request));
      shown = response ? response->body : response.error().text();
      co_await world_->time().sleep_for(20ms);
    } while (!is_wanted(shown) && world_->time().steady_now() < end);
    co_return shown;
  }

  asio::awaitable<std::string> alerts_with(std::string text) {
    std::string shown = co_await alerts_until([text](const std::string& all) { return all.contains(text); });
    co_return shown;
  }

  std::unique_ptr<outbox> make_outbox() {
    alertmanager_options options;
    options.name = "prometheus";
    options.urls = {url{.origin = client_->peer(), .target = "/"}};
    std::vector<std::unique_ptr<receiver>> receivers;
    receivers.push_back(
        make_alertmanager_receiver(options, world_->net(), world_->time(), log_, random_engine(1)));
    return std::make_unique<outbox>(world_->context().get_executor(), std::move(receivers), store_,
                                    world_->time(), log_, observer_, random_engine(2));
  }

  void tell(outbox& through, const std::optional<notification>& what) {
    ASSERT_TRUE(what.has_value());
    auto rows = make_outbox_rows(*what, world_->time().wall_now(), ids_);
    store_.commit(*what, rows);
    through.notify_committed(std::move(rows));
  }

  /// Fires, changes and resolves an alert, and keeps what Alertmanager shows after each.
  asio::awaitable<void> play(outbox& through) {
    task_group running(world_->context().get_executor());
    running.spawn(through.run());
    tell(through, book_.raise(make_alert("it broke"), world_->time().wall_now()));
    fired_ = co_await alerts_with("it broke");
    tell(through, book_.raise(make_alert("it broke more"), world_->time().wall_now()));
    updated_ = co_await alerts_with("it broke more");
    tell(through, book_.resolve("interop", world_->time().wall_now()));
    ended_ = co_await alerts_until([](const std::string& all) { return all.starts_with("[]"); });
    running.cancel();
    co_await running.join();
  }

  std::string fired_;
  std::string updated_;
  std::string ended_;
  std::filesystem::path directory_;
  std::unique_ptr<test::net_world> world_ = test::make_socket_world();
  std::unique_ptr<test::child_process> server_;
  std::unique_ptr<http_client> client_;
  test::recording_logger log_;
  test::memory_outbox_store store_;
  silent_observer observer_;
  outbox_ids ids_;
  alert_book book_{{{.severities = {}, .receivers = {"prometheus"}}}};
};

TEST_F(AlertmanagerInterop, ShowsAnAlertFromItsFiringToItsEnd) {
  auto box = make_outbox();
  world_->run(play(*box));
  EXPECT_THAT(fired_, HasSubstr(R"("alertname":"Trouble")"));
  EXPECT_THAT(fired_, HasSubstr(R"("severity":"critical")"));
  EXPECT_THAT(fired_, HasSubstr(R"("zone":"one")"));
  EXPECT_THAT(fired_, HasSubstr(R"("odd_name":"\"quoted\"\né")"));
  EXPECT_THAT(fired_, HasSubstr(R"("runbook_url":"https://wiki.example.com/trouble")"));
  EXPECT_THAT(fired_, HasSubstr(R"("generatorURL":"https://agent.example.com/")"));
  EXPECT_THAT(updated_, HasSubstr("it broke more"));
  EXPECT_EQ(updated_.find("\"fingerprint\""), updated_.rfind("\"fingerprint\""))
      << "an update is the same alert";
  EXPECT_THAT(ended_, StartsWith("[]"));
  EXPECT_TRUE(store_.rows.empty());
  EXPECT_THAT(log_.lines_of("receiver_failing"), testing::IsEmpty());
}

}  // namespace
}  // namespace pushguard::alerts
