#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alerts/delivery.hpp"
#include "alerts/outbox_store.hpp"
#include "base/rate_limit.hpp"

namespace pushguard::alerts {

/// Which undelivered notifications a newer one of the same alert stands for.
enum class superseding {
  any,      ///< all: the receiver keeps state, and only the latest counts
  updates,  ///< updates and repeats: people should still read that it fired, and that it ended
};

/// For receivers that forget an alert unless told again and again.
struct resend_policy {
  duration interval = std::chrono::minutes(1);
  duration resolved_for = std::chrono::minutes(5);  ///< how long a resolved alert is told again
};

/// Someone to tell. One attempt at a time is made; when to try again is the outbox's business.
class receiver {
 public:
  virtual ~receiver() = default;

  /// From the configuration; unique.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  /// Makes one attempt and says what came of it. Reacts to terminal cancellation; the same row may come
  /// again, even after success.
  [[nodiscard]] virtual boost::asio::awaitable<delivery> deliver(outbox_row row) = 0;

  /// What belongs together: notifications whose groups are equal and not empty may come as one. Empty where
  /// the receiver wants each by itself.
  [[nodiscard]] virtual std::string group_of(const alert& /*content*/) const { return {}; }
  /// As deliver(), of several notifications of one group, each of another alert; the outcome is that of all.
  /// At most gathered_max.
  [[nodiscard]] virtual boost::asio::awaitable<delivery> deliver_together(std::vector<outbox_row> rows) {
    return deliver(std::move(rows.front()));  // for those without groups: there is one
  }
  static constexpr std::size_t gathered_max = 10;

  [[nodiscard]] virtual superseding supersedes() const noexcept { return superseding::updates; }
  [[nodiscard]] virtual std::optional<resend_policy> resends() const noexcept { return std::nullopt; }
  /// How often it may be told.
  [[nodiscard]] virtual std::optional<rate_limit> rate() const noexcept { return std::nullopt; }
};

}  // namespace pushguard::alerts
