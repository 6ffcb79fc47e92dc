#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <variant>

#include "base/condition.hpp"
#include "base/http_server.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"
#include "simulator/bayeux.hpp"
#include "simulator/event_channel.hpp"
#include "simulator/faults.hpp"
#include "simulator/node_router.hpp"
#include "simulator/streaming_plan.hpp"
#include "simulator/token_desk.hpp"

namespace pushguard::simulator {

/// Answers requests to /cometd/…: holds polls until they are due, and lets faults happen.
/// For one io_context on one thread.
class bayeux_endpoint {
 public:
  /// What its org takes for the present.
  using clock = std::function<instant()>;

  /// `plan` is read while it is made; references must outlive it.
  bayeux_endpoint(const streaming_plan& plan, token_desk& tokens, channel_list& channels, clock now,
                  time_source& time, logger& log);

  /// `request` must stay until it is answered.
  [[nodiscard]] boost::asio::awaitable<http_reply> answer(const http_request& request);

  /// Answers at the token endpoint, in the time that a fault takes. `request` must stay until then.
  [[nodiscard]] boost::asio::awaitable<http_reply> log_in(const http_request& request);

  /// Held polls look again: there may be events.
  void wake() { changed_.notify_all(); }
  /// Held polls are answered 503 and others with what they have until start() is called.
  void stop();
  void start() noexcept { is_stopping_ = false; }

  /// Every node restarts: held polls are reset, and no session is known any more.
  void restart();

  [[nodiscard]] fault_script& faults() noexcept { return faults_; }
  [[nodiscard]] const fault_script& faults() const noexcept { return faults_; }
  [[nodiscard]] const bayeux_server& server() const noexcept { return server_; }
  /// Those that are requests of Bayeux, by kind.
  [[nodiscard]] const std::map<request_kind, std::size_t>& requests() const noexcept { return requests_; }
  /// Of these, the ones without a token or with one that is not valid.
  [[nodiscard]] std::uint64_t unauthorized_requests() const noexcept { return unauthorized_; }

 private:
  std::variant<http_reply, held_poll> receive(const bayeux_request& request);
  boost::asio::awaitable<http_reply> answer_by_protocol(const bayeux_request& request);
  boost::asio::awaitable<http_reply> answer_under(const fault& what, const bayeux_request& request);
  boost::asio::awaitable<http_reply> hold(held_poll poll);
  boost::asio::awaitable<http_reply> spoil(const fault& what, const bayeux_request& request, http_reply made);
  boost::asio::awaitable<void> pause(duration length);
  boost::asio::awaitable<result<>> next_change();
  void change_state(const fault& what, const bayeux_request& request, const http_reply& made);
  void tell(const fault& what, const bayeux_request& request);
  /// As the protocol, but no connect is held.
  [[nodiscard]] http_reply answer_at_once(const bayeux_request& request);
  void make_trickle(http_reply& reply, duration between);

  std::uint64_t seed_;
  token_desk& tokens_;
  clock now_;
  time_source& time_;
  logger& log_;
  node_router router_;
  bayeux_server server_;
  fault_script faults_;
  condition changed_;  ///< events, or a session that a held poll belongs to
  bool is_stopping_ = false;
  std::uint64_t restarts_ = 0;
  std::map<request_kind, std::size_t> requests_;
  std::uint64_t unauthorized_ = 0;
};

}  // namespace pushguard::simulator
