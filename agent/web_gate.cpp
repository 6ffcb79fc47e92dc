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

asio::awaitable<password_verdict> web_gate::admit(const http_request& request) {
  if (const auto token = bearer_token(request); !token.empty())
    co_return configuration::actor_of(parts_.tokens(), token) ? password_verdict::right
                                                              : password_verdict::wrong;
  auto credentials = read_basic_credentials(request);
  if (!credentials)
    co_return password_verdict::wrong;
  co_return co_await passwords_.check(std::move(*credentials));
}

asio::awaitable<http_reply> web_gate::pass(const http_request& request, const http_router& to) {
  look();
  const configuration::shared_web_config config = in_force_;
  password_verdict verdict = password_verdict::right;
  if (!config->users.empty())
    verdict = co_await admit(request);
  http_reply reply;
  switch (verdict) {
    case password_verdict::right:
      reply = co_await to(request);
      break;
    case password_verdict::wrong:
      reply = refuse();
      break;
    case password_verdict::busy:
      reply = put_off();
      break;
  }
  for (const auto& [name, value] : config->headers)
    reply.headers.set(name, value);
  co_return reply;
}

}  // namespace pushguard::agent
