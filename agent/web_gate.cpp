#include "agent/web_gate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/operator_routes.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

// Often enough for a certificate; a flood of requests must not become one of system calls.
constexpr duration look_interval = std::chrono::seconds(1);

http_reply refuse() {
  http_reply reply = error_reply(401, "unauthorized",
                                 "a user with its password, or a token of http.api_tokens_file, is needed");
  reply.headers.set("WWW-Authenticate", R"(Basic realm="pushguard", charset="UTF-8")");
  return reply;
}

http_reply put_off() {
  http_reply reply = error_reply(503, "too_many_logins", "too many passwords wait to be checked: ask again");
  reply.headers.set("Retry-After", "1");
  return reply;
}

}  // namespace

web_gate::web_gate(web_gate_parts parts, const std::optional<configuration::web_settings>& settings)
    : parts_(std::move(parts)), passwords_(parts_.hash) {
  configure(settings);
}

void web_gate::configure(const std::optional<configuration::web_settings>& settings) {
  is_current_ = true;
  file_ = settings ? settings->file : std::filesystem::path();
  seen_ = settings ? settings->files : std::vector<configuration::stamped_file>();
  take(settings ? settings->loaded : std::make_shared<const configuration::web_config>());
}

void web_gate::take(configuration::shared_web_config next) {
  in_force_ = std::move(next);
  passwords_.configure(in_force_->users);
}

void web_gate::look() {
  const steady_time now = parts_.time.steady_now();
  if (file_.empty() || now < next_look_)
    return;
  next_look_ = now + look_interval;
  const bool is_unchanged = std::ranges::all_of(
      seen_, [](const configuration::stamped_file& each) { return stamp_of(each.path) == each.stamp; });
  if (is_unchanged)
    return;
  configuration::web_config_reading read = configuration::load_web_config(file_);
  seen_ = std::move(read.files);
  is_current_ = read.outcome.has_value();
  if (is_current_) {
    take(std::move(*read.outcome));
    parts_.log.info("web_config_loaded", {{"file", file_.string()}});
  } else {
    parts_.log.error(
        "web_config_not_loaded",
        {{"file", file_.string()}, {"problem", fmt::format("{}", fmt::join(read.outcome.error(), "; "))}});
  }
}

std::shared_ptr<const tls_server_context> web_gate::tls() {
  look();
  return in_force_->tls;
}

asio::awaitable<std::optional<http_reply>> web_gate::admit(const http_request& request) {
  if (in_force_->users.empty())
    co_return std::nullopt;
  if (const auto token = bearer_token(request); !token.empty()) {
    if (configuration::actor_of(parts_.tokens(), token))
      co_return std::nullopt;
    const duration wait = parts_.callers.try_unknown();
    co_return wait > duration::zero() ? unknown_must_wait(wait) : refuse();
  }
  auto credentials = read_basic_credentials(request);
  if (!credentials)
    co_return refuse();
  switch (co_await passwords_.check(std::move(*credentials))) {
    case password_verdict::right:
      co_return std::nullopt;
    case password_verdict::wrong:
      co_return refuse();
    case password_verdict::busy:
      co_return put_off();
  }
  co_return refuse();
}

asio::awaitable<http_reply> web_gate::pass(const http_request& request, const http_router& to) {
  look();
  const configuration::shared_web_config config = in_force_;
  auto refusal = co_await admit(request);
  http_reply reply;
  if (refusal)
    reply = std::move(*refusal);
  else
    reply = co_await to(request);
  for (const auto& [name, value] : config->headers)
    reply.headers.set(name, value);
  co_return reply;
}

}  // namespace pushguard::agent
