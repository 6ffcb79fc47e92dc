#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace pushguard::cometd {

/// How far a channel has been processed.
struct checkpoint {
  std::string channel;     ///< as it was asked for
  std::string replay_id;   ///< the raw JSON token of the last event acknowledged; empty: none has come yet
  std::string event_uuid;  ///< of that event; empty where it had none
  std::string org_id;      ///< replay ids mean nothing in another org
  wall_time updated;
  /// Without a replay id: since when the channel is read from its tip, by the server's clock.
  std::optional<wall_time> quiet_since = {};

  friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

/// Where checkpoints outlive the process. One store per session; its user implements it.
class checkpoint_store {
 public:
  virtual ~checkpoint_store() = default;

  /// Every checkpoint there is.
  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<checkpoint>>> load() = 0;
  /// Puts each in the place of its channel's earlier one, durably, all or none.
  [[nodiscard]] virtual boost::asio::awaitable<result<>> save(std::vector<checkpoint> batch) = 0;
};

/// Forgets everything with the process: for tests, examples, and channels without replay.
class memory_checkpoint_store final : public checkpoint_store {
 public:
  [[nodiscard]] boost::asio::awaitable<result<std::vector<checkpoint>>> load() override;
  [[nodiscard]] boost::asio::awaitable<result<>> save(std::vector<checkpoint> batch) override;

  /// The checkpoint of `channel`, or nullptr.
  [[nodiscard]] const checkpoint* find(const std::string& channel) const;
  /// Puts it in the place of its channel's earlier one.
  void put(checkpoint at);
  [[nodiscard]] const std::map<std::string, checkpoint>& all() const noexcept { return by_channel_; }

 private:
  std::map<std::string, checkpoint> by_channel_;
};

}  // namespace pushguard::cometd
