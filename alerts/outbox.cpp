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

namespace {

/// A lane that can be ended by itself. Whoever runs it keeps it until it has ended.
struct lane_holder {
  lane_holder(std::unique_ptr<receiver> to, const lane_context& context) : delivers(std::move(to), context) {}

  void end() {
    is_ended = true;
    if (tasks != nullptr) {
      tasks->cancel();
    }
  }

  lane delivers;
  task_group* tasks = nullptr;  ///< while it runs; the group itself must not outlive the executor's context
  bool is_ended = false;
};

asio::awaitable<void> run_lane(asio::any_io_executor executor, std::shared_ptr<lane_holder> held) {
  if (held->is_ended) {
    co_return;
  }
  task_group tasks(std::move(executor));
  held->tasks = &tasks;
  tasks.spawn(held->delivers.run());
  co_await tasks.join();
  held->tasks = nullptr;
}

}  // namespace

struct outbox::state {
  state(asio::any_io_executor runs_on, outbox_store& store, time_source& time, logger& logs,
        outbox_observer& hears, random_engine engine, outbox_options settings)
      : executor(std::move(runs_on)),
        log(logs),
        random(engine),
        options(settings),
        settled(store, time, logs, random, options),
        context{.store = store,
                .settled = settled,
                .time = time,
                .log = logs,
                .observer = hears,
                .random = random,
                .options = options} {}

  void add(std::vector<std::unique_ptr<receiver>> receivers) {
    for (auto& each : receivers) {
      lanes.push_back(std::make_shared<lane_holder>(std::move(each), context));
      if (tasks) {
        tasks->spawn(run_lane(executor, lanes.back()));
      }
    }
  }

  asio::any_io_executor executor;
  logger& log;
  random_engine random;
  outbox_options options;
  settler settled;
  lane_context context;
  std::vector<std::shared_ptr<lane_holder>> lanes;
  task_group* tasks = nullptr;  ///< while run() runs
};

outbox::outbox(asio::any_io_executor executor, std::vector<std::unique_ptr<receiver>> receivers,
               outbox_store& store, time_source& time, logger& log, outbox_observer& observer,
               random_engine random, outbox_options options)
    : state_(std::make_unique<state>(std::move(executor), store, time, log, observer, random, options)) {
  state_->add(std::move(receivers));
}

outbox::~outbox() = default;

void outbox::notify_committed(std::vector<outbox_row> rows) {
  for (auto& row : rows) {
    const auto found = std::ranges::find(state_->lanes, row.receiver,
                                         [](const auto& each) { return each->delivers.name(); });
    if (found == state_->lanes.end()) {
      state_->log.warning("receiver_unknown", {{"receiver", row.receiver}, {"alert", row.content.id}});
    } else {
      (*found)->delivers.add(std::move(row));
    }
  }
}

void outbox::configure(const std::vector<std::string>& removed,
                       std::vector<std::unique_ptr<receiver>> added) {
  std::erase_if(state_->lanes, [&](const std::shared_ptr<lane_holder>& each) {
    if (std::ranges::find(removed, each->delivers.name()) == removed.end()) {
      return false;
    }
    each->end();
    return true;
  });
  state_->add(std::move(added));
}

asio::awaitable<void> outbox::run() {
  task_group group(state_->executor);
  group.spawn(state_->settled.run());
  for (const auto& each : state_->lanes) {
    group.spawn(run_lane(state_->executor, each));
  }
  state_->tasks = &group;
  co_await group.join();
  state_->tasks = nullptr;
  // The lanes were cancelled and have ended; what they know is written down before leaving.
  co_await state_->settled.drain();
}

std::vector<receiver_status> outbox::status() const {
  std::vector<receiver_status> out;
  for (const auto& each : state_->lanes) {
    out.push_back(each->delivers.status());
  }
  return out;
}

}  // namespace pushguard::alerts
