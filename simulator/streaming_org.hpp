#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/http_server.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"
#include "simulator/faults.hpp"
#include "simulator/streaming_plan.hpp"

namespace pushguard::simulator {

struct published_event {
  std::string replay_id;  ///< as it stands in the JSON of the event
  std::string event_uuid;
};

/// What happened to the streaming half of an org.
struct streaming_truth {
  std::map<request_kind, std::size_t> requests;  ///< those that a fault hit, too
  std::uint64_t handshakes = 0;                  ///< accepted
  std::uint64_t disconnects = 0;                 ///< asked for by clients
  std::size_t open_sessions = 0;
  std::size_t open_sessions_peak = 0;
  std::map<std::string, std::uint64_t> published;  ///< events, by channel
  std::uint64_t deliveries = 0;                    ///< events put into answers, whether these arrived or not
  std::uint64_t overlaps = 0;               ///< connects that came while another of the client was held
  std::uint64_t unauthorized_requests = 0;  ///< without a token, or with one that is not valid
  std::uint64_t logins = 0;
  std::string access_token;  ///< the newest that is valid; empty where none is
};

/// An org with nothing but OAuth and the Streaming API, for tests and measurements of clients.
/// For one io_context on one thread.
class streaming_org {
 public:
  virtual ~streaming_org() = default;

  /// Answers /cometd/VERSION[/…] and /services/oauth2/token; the org must outlive it. May be used by
  /// several servers.
  [[nodiscard]] virtual http_handler handler() = 0;

  /// Lets retained events grow old, until cancelled (it then throws operation_aborted). When it ends, held
  /// polls are answered 503.
  [[nodiscard]] virtual boost::asio::awaitable<void> run() = 0;

  /// `payload` is the JSON that the kind of the channel has a place for: an object for /event, /data
  /// (data.payload) and /topic (data.sobject), any value for /u (data.payload). CreatedDate,
  /// ChangeEventHeader.commitTimestamp and event.createdDate are filled in. Throws std::invalid_argument
  /// where there is no such channel or the payload is none.
  virtual published_event publish(std::string_view channel, std::string_view payload) = 0;

  /// Adds to the end of the script.
  virtual void inject(fault_plan fault) = 0;
  /// Faults of the script that have not yet hit as often as they should.
  [[nodiscard]] virtual std::size_t faults_pending() const = 0;
  /// Of script and chance, by kind; kinds that did not happen are absent.
  [[nodiscard]] virtual std::map<fault_kind, std::size_t> faults_happened() const = 0;

  // The life of the org. Each takes effect at once.

  /// Every node restarts: held polls are reset, and no session is known any more.
  virtual void end_sessions() = 0;
  /// Every token given so far is refused from now on.
  virtual void revoke_tokens() = 0;
  /// The retained events of a channel are gone, and with them every position before the tip.
  virtual void purge(std::string_view channel) = 0;
  /// The org moves: every retained event gets a new replay id and keeps its EventUuid; sessions end as by
  /// end_sessions(). With a new org id, tokens are revoked too.
  virtual void migrate(std::string new_org_id) = 0;
  /// What subscribes to a channel are answered with from now on; empty: they are accepted.
  virtual void set_refusal(std::string_view channel, std::string error) = 0;

  /// A token that requests may carry, without the way over HTTP.
  [[nodiscard]] virtual std::string issue_token() = 0;

  [[nodiscard]] virtual streaming_truth truth() const = 0;
};

/// `time` and `log` must outlive the org. Throws std::invalid_argument for a plan that makes no sense: a
/// channel of no known kind, or twice, or no node.
[[nodiscard]] std::unique_ptr<streaming_org> make_streaming_org(const streaming_plan& plan, time_source& time,
                                                                logger& log);

/// Runs `served` and answers on `from` until cancelled. References must outlive the call.
[[nodiscard]] boost::asio::awaitable<void> serve_streaming_org(streaming_org& served, listener& from,
                                                               time_source& time, logger& log);

}  // namespace pushguard::simulator
