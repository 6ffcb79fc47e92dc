#include "agent/reloading.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

std::vector<std::string> keys_for_a_restart(const configuration::configuration& at_start,
                                            const configuration::configuration& next) {
  std::vector<std::string> keys;
  if (next.state != at_start.state)
    keys.emplace_back("state");
  if (next.listen != at_start.listen)
    keys.emplace_back("http.listen");
  if (next.log != at_start.log)
    keys.emplace_back("log");
  return keys;
}

reload_answer reloading::refuse(const std::string& actor, std::vector<std::string> problems) {
  parts_.server.reload_failed();
  for (const std::string& problem : problems)
    parts_.log.error("configuration_not_loaded", {{"actor", actor}, {"problem", problem}});
  return {.problems = std::move(problems), .needs_restart = {}, .hash = in_force_->hash};
}

asio::awaitable<reload_answer> reloading::reload_alone(std::string actor) {
  auto loaded = co_await parts_.load();
  if (!loaded)
    co_return refuse(actor, std::move(loaded.error()));
  const auto next = std::make_shared<const configuration::configuration>(std::move(*loaded));
  const result<> applied = co_await parts_.apply(next, actor);
  if (!applied)
    co_return refuse(actor, {applied.error().text()});
  in_force_ = next;
  parts_.server.configure(next);
  parts_.log.info("configuration_loaded", {{"actor", actor}, {"hash", next->hash}});
  std::vector<std::string> waiting = keys_for_a_restart(*at_start_, *next);
  for (const std::string& key : waiting)
    parts_.log.warning("configuration_needs_restart", {{"key", key}});
  co_return reload_answer{.problems = {}, .needs_restart = std::move(waiting), .hash = next->hash};
}

asio::awaitable<reload_answer> reloading::reload(std::string actor) {
  struct turn {
    explicit turn(reloading& of) : at(of) { at.is_reloading_ = true; }
    ~turn() {
      at.is_reloading_ = false;
      at.reloaded_.notify_all();
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    reloading& at;
  };
  while (is_reloading_)
    co_await reloaded_.wait();
  const turn mine(*this);
  co_return co_await reload_alone(std::move(actor));
}

}  // namespace pushguard::agent
