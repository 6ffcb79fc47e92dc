#include "tests/interop/cometd_world.hpp"

#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace pushguard::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

const std::filesystem::path& directory() {
  static const std::filesystem::path found = std::filesystem::path(PUSHGUARD_SOURCE_DIR) / "tests/interop";
  return found;
}

std::vector<std::string> command_of(server_kind kind, const server_options& options) {
  const std::string script = kind == server_kind::cometd ? "cometd_server.js" : "faye_server.js";
  const std::string given =
      fmt::format(R"({{"host":"{}","port":{},"hold":{},"maxInterval":{},"acknowledges":{}}})", options.host,
                  options.port, options.hold.count(), options.max_interval.count(), options.acknowledges);
  return {"node", (directory() / script).string(), given};
}

asio::awaitable<void> post(http_client& to, std::string body, std::optional<result<http_response>>& answer) {
  http_request request{.method = "POST", .target = "/control", .body = std::move(body)};
  auto got = co_await to.send(std::move(request));
  answer.emplace(std::move(got));
}

}  // namespace

// ---- The server

bayeux_server::bayeux_server(socket_loop& loop, server_kind kind, const server_options& options)
    : loop_(loop), process_(command_of(kind, options)) {
  const auto line = process_.read_line_with("listening ", patience);
  if (!line)
    throw std::runtime_error("the server did not say where it listens");
  const int port = std::stoi(line->substr(line->find(' ') + 1));
  address_ = {.security = security::plain, .host = options.host, .port = static_cast<std::uint16_t>(port)};
  control_ = make_http_client(loop.net(), loop.time(), address_);
}

std::string bayeux_server::tell(const std::string& command) {
  std::optional<result<http_response>> answer;
  asio::co_spawn(loop_.context(), post(*control_, command, answer), [](const std::exception_ptr& error) {
    if (error)
      std::rethrow_exception(error);
  });
  // The client's own deadlines are shorter, so that it has always ended by then.
  const bool has_come = loop_.run_until([&] { return answer.has_value(); }, 3 * patience);
  if (!has_come || !*answer || (*answer)->status != 200)
    throw std::runtime_error("the server did not carry out " + command);
  return (*answer)->body;
}

void bayeux_server::publish(std::string_view channel, std::string_view prefix, int first, int count,
                            std::string_view how) {
  const std::string manner = how.empty() ? "" : fmt::format(R"(,"{}":true)", how);
  tell(fmt::format(R"({{"do":"publish","channel":"{}","prefix":"{}","first":{},"count":{}{}}})", channel,
                   prefix, first, count, manner));
}

void bayeux_server::publish_json(std::string_view channel, std::string_view data) {
  tell(fmt::format(R"({{"do":"publish","channel":"{}","data":[{}]}})", channel, data));
}

void bayeux_server::spoil(std::string_view on, std::string_view how, int times) {
  tell(fmt::format(R"({{"do":"fault","on":"{}","times":{},{}}})", on, times, how));
}

void bayeux_server::wait_for(std::string_view what, std::size_t count) {
  tell(fmt::format(R"({{"do":"wait","for":"{}","count":{}}})", what, count));
}

std::size_t bayeux_server::count_of(std::string_view what) {
  const boost::json::value counts = boost::json::parse(tell(R"({"do":"counts"})"));
  const boost::json::value* found = counts.as_object().if_contains(what);
  return found == nullptr ? 0 : found->to_number<std::size_t>();
}

void bayeux_server::crash() {
  process_.signal(SIGKILL);
  if (!process_.wait(patience))
    throw std::runtime_error("the server survived kill -9");
}

// ---- The client

cometd::client_options quick_options() {
  cometd::client_options options;
  options.path = "/bayeux";
  options.session.profile = cometd::profile::generic;
  options.session.channels = {{.channel = "/updates"}};
  options.session.poll_timeout = 20s;
  options.session.reconnect_backoff = {.first = 20ms, .longest = 200ms};
  options.session.credentials_backoff = {.first = 20ms, .longest = 200ms};
  return options;
}

subscriber::subscriber(socket_loop& loop, origin server, const cometd::client_options& options, secret bearer,
                       secret renewed)
    : loop_(loop),
      access_{.endpoint = std::move(server), .bearer = std::move(bearer)},
      renewed_(std::move(renewed)),
      client_(make_client(options, {.network = loop.net(),
                                    .time = loop.time(),
                                    .tokens = *this,
                                    .checkpoints = store_,
                                    .consumer = *this,
                                    .observer = cometd::null_observer(),
                                    .log = log_,
                                    .random = random_})) {
  asio::co_spawn(loop.context(), client_->run(),
                 asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr& error) {
                   EXPECT_FALSE(error);
                   is_running_ = false;
                 }));
}

subscriber::~subscriber() {
  EXPECT_TRUE(stop()) << "the client did not end";
}

bool subscriber::stop() {
  if (is_running_)
    stop_.emit(asio::cancellation_type::terminal);
  return loop_.run_until([this] { return !is_running_; });
}

std::vector<std::string> subscriber::data(std::string_view channel) const {
  std::vector<std::string> found;
  for (const auto& each : events_) {
    if (channel.empty() || each.channel == channel)
      found.push_back(each.data);
  }
  return found;
}

std::vector<std::string> subscriber::handshakes() const {
  constexpr std::string_view key = "reason=";
  std::vector<std::string> reasons;
  for (const std::string& line : log_.lines_of("stream_handshake"))
    reasons.push_back(line.substr(line.find(key) + key.size()));
  return reasons;
}

asio::awaitable<result<cometd::access>> subscriber::current() {
  co_return access_;
}

asio::awaitable<result<cometd::access>> subscriber::renew() {
  access_.bearer = renewed_;
  co_return access_;
}

asio::awaitable<result<>> subscriber::consume(cometd::delivery batch) {
  events_.insert(events_.end(), batch.events.begin(), batch.events.end());
  co_return result<>{};
}

std::vector<std::string> numbered(std::string_view prefix, int first, int count) {
  std::vector<std::string> all;
  all.reserve(static_cast<std::size_t>(count));
  for (int i = first; i < first + count; ++i)
    all.push_back(fmt::format("\"{}:{}\"", prefix, i));
  return all;
}

// ---- The fixture

void interop_test::SetUp() {
  if (!find_program("node"))
    FAIL() << "Node.js is not installed: the interoperability tests need the program node";
  if (!std::filesystem::exists(directory() / "node_modules"))
    FAIL() << "the packages of tests/interop are not installed: run npm ci there, or ./dev test";
}

void interop_test::serve(const server_options& options) {
  server_.emplace(loop_, kind_, options);
}

void interop_test::serve_again(server_options options) {
  options.port = server_->address().port;
  server_.reset();
  serve(options);
}

void interop_test::relay() {
  relay_.emplace(loop_, server_->address().port);
}

void interop_test::subscribe(const cometd::client_options& options) {
  client_.emplace(loop_, relay_ ? relay_->address() : server_->address(), options);
}

void interop_test::subscribe_and_wait(const cometd::client_options& options) {
  subscribe(options);
  server_->wait_for("held", 1);
  EXPECT_TRUE(comes_alive());
}

bool interop_test::comes_alive() {
  return run_until([this] { return client_->is_live(); });
}

void interop_test::expect_events(const std::vector<std::string>& data, std::string_view channel) {
  const bool have_come = run_until([&] { return client_->data(channel).size() >= data.size(); });
  EXPECT_TRUE(have_come) << client_->log().text();
  EXPECT_EQ(client_->data(channel), data);
}

void interop_test::expect_to_work() {
  EXPECT_TRUE(comes_alive()) << client_->log().text();
  const std::string probe = fmt::format("\"probe {}\"", ++probes_);
  server_->publish_json("/updates", probe);
  const bool has_come =
      run_until([&] { return !client_->events().empty() && client_->events().back().data == probe; });
  EXPECT_TRUE(has_come) << client_->log().text();
}

std::string name_of(const testing::TestParamInfo<server_kind>& info) {
  return info.param == server_kind::cometd ? "Cometd" : "Faye";
}

}  // namespace pushguard::test
