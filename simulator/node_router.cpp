#include "simulator/node_router.hpp"

#include <fmt/format.h>

#include <charconv>

#include "simulator/bayeux_request.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::string_view cookie_name = "sfdc-stream";
constexpr std::string_view value_begin = "!node-";
constexpr std::string_view dead_value = "!node-gone";

std::int64_t milliseconds_of(steady_time time) {
  return std::chrono::floor<duration>(time.time_since_epoch()).count();
}

/// The node of `!node-NODE-EXPIRY`, while that is valid.
std::optional<std::size_t> read_value(std::string_view value, std::size_t nodes, steady_time now) {
  if (!value.starts_with(value_begin))
    return std::nullopt;
  const char* const end = value.data() + value.size();
  std::size_t number = 0;
  const auto [behind, code] = std::from_chars(value.data() + value_begin.size(), end, number);
  if (code != std::errc{} || behind == end || *behind != '-' || number == 0 || number > nodes)
    return std::nullopt;
  std::int64_t expiry = 0;
  const auto [last, expiry_code] = std::from_chars(behind + 1, end, expiry);
  if (expiry_code != std::errc{} || last != end || expiry <= milliseconds_of(now))
    return std::nullopt;
  return number - 1;
}

}  // namespace

route node_router::choose(const http_request& request, std::optional<std::size_t> home, steady_time now) {
  const std::string_view value = find_cookie(request, cookie_name).value_or("");
  if (value == dead_value)
    return {.is_dead = true};
  if (const auto node = read_value(value, nodes_, now))
    return {.node = *node};
  if (next_ == home)
    next_ = (next_ + 1) % nodes_;
  route made{.node = next_};
  next_ = (next_ + 1) % nodes_;
  // Salesforce's are Secure as well; over plain HTTP a client would then not return them.
  made.cookie = fmt::format("{}={}{}-{}; Path=/; Max-Age={}; SameSite=None", cookie_name, value_begin,
                            made.node + 1, milliseconds_of(now + cookie_life_),
                            std::chrono::ceil<std::chrono::seconds>(cookie_life_).count());
  return made;
}

void node_router::complete(const http_request& request, http_reply& reply, steady_time now) {
  if (const route chosen = choose(request, std::nullopt, now); !chosen.cookie.empty())
    reply.headers.add("Set-Cookie", chosen.cookie);
}

std::string dead_route_cookie() {
  return fmt::format("{}={}; Path=/", cookie_name, dead_value);
}

}  // namespace pushguard::simulator
