#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/salesforce/rest.hpp"
#include "base/fake_time.hpp"
#include "base/http_server.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::salesforce::test {

/// The text of a file in tests/data/salesforce.
[[nodiscard]] std::string fixture(const std::string& name);

/// `{"totalSize":…, "done":true, "records":[…]}` around records as JSON.
[[nodiscard]] std::string one_page(std::string_view records);

/// Counts what an observer is told.
class counting_observer final : public api_observer {
 public:
  void call_ended(api_operation operation, api_outcome outcome) override { ++calls[{operation, outcome}]; }
  void usage_told(api_usage usage) override { usages.push_back(usage); }

  [[nodiscard]] int count(api_operation operation, api_outcome outcome) const {
    const auto found = calls.find({operation, outcome});
    return found == calls.end() ? 0 : found->second;
  }

  std::map<std::pair<api_operation, api_outcome>, int> calls;
  std::vector<api_usage> usages;
};

/// A hub over pipes that answers what the test wrote down, and keeps what it was asked. Each login gives
/// another token, and only the newest one is good.
class scripted_hub {
 public:
  scripted_hub();
  ~scripted_hub();
  scripted_hub(const scripted_hub&) = delete;
  scripted_hub& operator=(const scripted_hub&) = delete;

  /// What the next calls below /services/data are answered, in order; a test that asks for more gets 599.
  void answer(http_reply reply) { replies_.push_back(std::move(reply)); }
  void answer(std::string body) { answer(http_reply{.status = 200, .headers = {}, .body = std::move(body)}); }
  void answer(int status, std::string body) {
    answer(http_reply{.status = status, .headers = {}, .body = std::move(body)});
  }
  /// What the next logins are answered; a good token where nothing is written down.
  void answer_login(http_reply reply) { login_replies_.push_back(std::move(reply)); }
  /// From now on the token in use is refused.
  void revoke() { good_token_.clear(); }

  template <class T>
  T run(boost::asio::awaitable<T> task) {
    return pushguard::test::simulate(context_, time_, std::move(task));
  }

  [[nodiscard]] std::unique_ptr<login> make_login();
  [[nodiscard]] http_client_factory clients();

  /// The query of the nth call, decoded.
  [[nodiscard]] std::string soql(std::size_t call) const;

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] fake_time& time() noexcept { return time_; }
  [[nodiscard]] pushguard::network& network() noexcept { return *network_; }
  [[nodiscard]] origin address() const { return listener_->local(); }

  std::vector<http_request> calls;   ///< below /services/data
  std::vector<http_request> logins;  ///< at the token endpoint

 private:
  [[nodiscard]] http_reply reply_to(const http_request& request);
  [[nodiscard]] http_reply reply_to_login(const http_request& request);

  fake_time time_;
  std::unique_ptr<pushguard::network> network_;
  std::deque<http_reply> replies_;
  std::deque<http_reply> login_replies_;
  std::string good_token_;
  boost::asio::io_context context_{1};
  std::unique_ptr<listener> listener_;
};

/// A client of a scripted hub with everything it needs.
struct hub_client {
  explicit hub_client(scripted_hub& hub)
      : session(hub.make_login(), hub.time(), observer),
        rest(session, hub.clients(), hub.time(), random, observer) {
    rest.use_api_version("67.0");
  }

  counting_observer observer;
  random_engine random{1};
  session_access session;
  rest_client rest;
};

}  // namespace pushguard::salesforce::test
