#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/condition.hpp"
#include "base/http_server.hpp"
#include "base/net.hpp"

namespace pushguard::cometd::test {

/// The smallest server that a Salesforce-like client can live with: sessions, a replay log, held connects,
/// a token, a cookie, and answers that a test puts in place of its own.
class fake_bayeux {
 public:
  /// A request as it came.
  struct seen {
    std::string kind;  ///< "handshake", "connect", …
    std::string authorization;
    std::string cookie;
    std::string subscription;
    std::string replay;  ///< the token sent for it
    std::string client_id;
  };
  /// Takes the place of the server's own answer to a request of `kind`.
  struct scripted {
    std::string kind;
    std::function<boost::asio::awaitable<http_reply>(http_reply own)> answer;
  };

  fake_bayeux(network& net, time_source& time, const boost::asio::any_io_executor& executor,
              std::string_view host = "127.0.0.1");

  [[nodiscard]] boost::asio::awaitable<void> serve();
  [[nodiscard]] origin address() const { return listener_->local(); }

  /// Publishes `data` with the next replay id, which jumps. Answers the id.
  std::int64_t publish(const std::string& channel, const std::string& text);
  /// Forgets all sessions, as a restarted node does.
  void forget_clients();

  std::string token = "Bearer t1";  ///< what it accepts; empty: anything
  std::string set_cookie;
  std::deque<scripted> script;  ///< the first that fits a request is used, once
  duration hold = std::chrono::seconds(110);
  std::int64_t oldest_kept = 0;  ///< positions below were purged

  std::vector<seen> requests;
  [[nodiscard]] std::size_t count(std::string_view kind) const;
  [[nodiscard]] std::set<std::string> living_clients() const;

 private:
  struct entry {
    std::string channel;
    std::int64_t id;
    std::string text;
  };
  struct client_state {
    std::map<std::string, std::int64_t> positions;  // by channel subscribed
    bool has_connected = false;
  };

  boost::asio::awaitable<http_reply> answer(http_request request);
  boost::asio::awaitable<http_reply> own_answer(boost::json::object message, std::string authorization);
  boost::asio::awaitable<http_reply> connect(boost::json::object message, std::string client);
  boost::json::object subscribe(const boost::json::object& message, client_state& client);
  boost::json::array events_for(client_state& client);

  time_source& time_;
  std::unique_ptr<listener> listener_;
  std::vector<entry> log_;
  std::map<std::string, client_state> clients_;
  std::uint64_t next_client_ = 0;
  std::int64_t last_id_ = 100;
  condition published_;
};

/// An answer of the script: as the server's own, but lost on the way.
[[nodiscard]] boost::asio::awaitable<http_reply> reset_instead(http_reply own);

}  // namespace pushguard::cometd::test
