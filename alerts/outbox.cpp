#include "alerts/outbox.hpp"

#include <algorithm>
#include <utility>

#include "alerts/lane.hpp"
#include "alerts/settler.hpp"
#include "base/task_group.hpp"

namespace pushguard::alerts {

namespace asio = boost::asio;

std::string_view to_string(notification_outcome outcome) noexcept {
  switch (outcome) {
    case notification_outcome::sent:
      return "sent";
    case notification_outcome::retried:
      return "retried";
    case notification_outcome::dropped:
      return "dropped";
    case notification_outcome::superseded:
      return "superseded";
  }
  return "";
}

struct outbox::state {
  state(asio::any_io_executor runs_on, outbox_store& store, time_source& time, logger& logs,
        random_engine engine, outbox_options settings)
      : executor(std::move(runs_on)),
        log(logs),
        random(engine),
        options(settings),
        settled(store, time, logs, random, options) {}

  asio::any_io_executor executor;
  logger& log;
  random_engine random;
  outbox_options options;
  settler settled;
  std::vector<std::unique_ptr<lane>> lanes;
};

outbox::outbox(asio::any_io_executor executor, std::vector<std::unique_ptr<receiver>> receivers,
               outbox_store& store, time_source& time, logger& log, outbox_observer& observer,
               random_engine random, outbox_options options)
    : state_(std::make_unique<state>(std::move(executor), store, time, log, random, options)) {
  const lane_context context{.store = store,
                             .settled = state_->settled,
                             .time = time,
                             .log = log,
                             .observer = observer,
                             .random = state_->random,
                             .options = state_->options};
  for (auto& each : receivers) {
    state_->lanes.push_back(std::make_unique<lane>(std::move(each), context));
  }
}

outbox::~outbox() = default;

void outbox::notify_committed(std::vector<outbox_row> rows) {
  for (auto& row : rows) {
    const auto found =
        std::ranges::find(state_->lanes, row.receiver, [](const auto& each) { return each->name(); });
    if (found == state_->lanes.end()) {
      state_->log.warning("receiver_unknown", {{"receiver", row.receiver}, {"alert", row.content.id}});
    } else {
      (*found)->add(std::move(row));
    }
  }
}

asio::awaitable<void> outbox::run() {
  task_group group(state_->executor);
  group.spawn(state_->settled.run());
  for (const auto& each : state_->lanes) {
    group.spawn(each->run());
  }
  co_await group.join();
  // The lanes were cancelled and have ended; what they know is written down before leaving.
  co_await state_->settled.drain();
}

std::vector<receiver_status> outbox::status() const {
  std::vector<receiver_status> out;
  for (const auto& each : state_->lanes) {
    out.push_back(each->status());
  }
  return out;
}

}  // namespace pushguard::alerts
