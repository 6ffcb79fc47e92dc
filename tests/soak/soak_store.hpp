#pragma once

#include <SQLiteCpp/Database.h>

#include <map>
#include <string>
#include <vector>

#include "cometd/client.hpp"

namespace pushguard::soak {

/// A consumer that sees every event exactly once: what the event did, its key and the checkpoints behind it
/// are one transaction, in the store that the client loads its positions from.
class soak_store final : public cometd::event_consumer, public cometd::checkpoint_store {
 public:
  /// Opens the database, or makes it. Throws SQLite::Exception.
  explicit soak_store(const std::string& path);

  [[nodiscard]] boost::asio::awaitable<result<>> consume(cometd::delivery batch) override;
  [[nodiscard]] boost::asio::awaitable<result<std::vector<cometd::checkpoint>>> load() override;
  [[nodiscard]] boost::asio::awaitable<result<>> save(std::vector<cometd::checkpoint> batch) override;

  /// How many events have been taken, and how many channels have a position.
  [[nodiscard]] std::size_t size();
  [[nodiscard]] std::size_t positions();
  /// The numbers that the events of each channel carried, in the order they were taken.
  [[nodiscard]] std::map<std::string, std::vector<int>> numbers();

 private:
  void take(const cometd::event& event);
  void put(const cometd::checkpoint& at);

  SQLite::Database database_;
};

}  // namespace pushguard::soak
