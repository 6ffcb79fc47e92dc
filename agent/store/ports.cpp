#include "agent/store/ports.hpp"

namespace pushguard::store {
namespace {

namespace asio = boost::asio;

asio::awaitable<result<>> write(store& to, batch changes) {
  const auto outcome = co_await to.commit(std::move(changes));
  if (!outcome)
    co_return std::unexpected(outcome.error());
  co_return result<>();
}

class hub_checkpoints final : public cometd::checkpoint_store {
 public:
  hub_checkpoints(store& to, std::string hub) : store_(to), hub_(std::move(hub)) {}

  asio::awaitable<result<std::vector<cometd::checkpoint>>> load() override {
    return store_.checkpoints_of(hub_);
  }

  asio::awaitable<result<>> save(std::vector<cometd::checkpoint> saved) override {
    batch changes;
    for (cometd::checkpoint& at : saved)
      changes.checkpoints.push_back({hub_, std::move(at)});
    return write(store_, std::move(changes));
  }

 private:
  store& store_;
  std::string hub_;
};

class stored_outbox final : public alerts::outbox_store {
 public:
  explicit stored_outbox(store& to) : store_(to) {}

  asio::awaitable<result<alerts::outbox_page>> load_rows(std::string receiver,
                                                         std::size_t rows_max) override {
    return store_.notifications_for(std::move(receiver), rows_max);
  }

  asio::awaitable<result<std::vector<alerts::alert_record>>> load_alerts(wall_time resolved_since) override {
    return store_.alert_records(resolved_since);
  }

  asio::awaitable<result<>> settle(alerts::outbox_changes changes) override {
    batch written;
    written.delivered = std::move(changes);
    return write(store_, std::move(written));
  }

 private:
  store& store_;
};

}  // namespace

std::unique_ptr<cometd::checkpoint_store> make_checkpoint_store(store& from, std::string hub) {
  return std::make_unique<hub_checkpoints>(from, std::move(hub));
}

std::unique_ptr<alerts::outbox_store> make_outbox_store(store& from) {
  return std::make_unique<stored_outbox>(from);
}

}  // namespace pushguard::store
