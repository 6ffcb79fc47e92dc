#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "agent/salesforce/api.hpp"
#include "agent/salesforce/login.hpp"
#include "base/result.hpp"
#include "base/time_source.hpp"

namespace pushguard::salesforce {

/// The one session of a hub, shared by REST and stream. For one executor without concurrency.
///
/// Logging in is single-flight: whoever comes while a login runs waits for it and shares its outcome,
/// also its failure. When the caller that runs it is cancelled, the next waiter takes over.
///
/// Refused credentials (errc::unauthorized) are not tried again at once: for one minute, then two, four
/// and five, whoever asks is answered the same refusal, unless the credentials have changed meanwhile.
class session_access {
 public:
  /// `time` and `observer` must outlive it.
  session_access(std::unique_ptr<login> flow, time_source& time,
                 api_observer& observer = null_api_observer());
  ~session_access();
  session_access(const session_access&) = delete;
  session_access& operator=(const session_access&) = delete;

  /// The session in use; logs in where there is none.
  [[nodiscard]] boost::asio::awaitable<result<access>> current();

  /// A session with another token than `stale`, which Salesforce refused: the one in use if it was
  /// renewed since, else a new one.
  [[nodiscard]] boost::asio::awaitable<result<access>> renew(secret stale);

  /// Salesforce refuses `token`, although it was just obtained: it is handled as refused credentials.
  void give_up(const secret& token, failure why);

 private:
  struct flight;

  [[nodiscard]] boost::asio::awaitable<result<access>> fly();
  [[nodiscard]] boost::asio::awaitable<result<access>> lead();
  void refused(failure why);

  std::unique_ptr<login> flow_;
  time_source& time_;
  api_observer& observer_;
  std::optional<access> session_;
  secret stale_;  ///< the last token that Salesforce refused
  std::optional<failure> refusal_;
  steady_time refused_until_;
  duration patience_;
  std::shared_ptr<flight> flight_;
};

}  // namespace pushguard::salesforce
