#include <algorithm>
#include <set>

#include "base/http_server.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace pushguard {
namespace {

/// The parts between the slashes: `/a/b` has two, `/` has an empty one.
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  while (true) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) {
      return segments;
    }
    path.remove_prefix(slash + 1);
  }
}

bool is_placeholder(std::string_view segment) noexcept {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

/// The parts that stand for placeholders; nothing where the path does not match.
std::optional<path_parts> match(const std::vector<std::string>& route, const std::vector<std::string>& path) {
  if (route.size() != path.size()) {
    return std::nullopt;
  }
  path_parts parts;
  for (std::size_t i = 0; i < route.size(); ++i) {
    if (is_placeholder(route[i])) {
      if (path[i].empty()) {
        return std::nullopt;
      }
      parts.push_back(path[i]);
    } else if (route[i] != path[i]) {
      return std::nullopt;
    }
  }
  return parts;
}

bool answers(std::string_view route_method, std::string_view method) noexcept {
  return route_method == method || (route_method == "GET" && method == "HEAD");
}

std::string join(const std::set<std::string>& methods) {
  std::string out;
  for (const std::string& method : methods) {
    out += (out.empty() ? "" : ", ") + method;
  }
  return out;
}

}  // namespace

http_reply error_reply(int status, std::string_view code, std::string_view message) {
  http_reply reply{.status = status, .headers = {{"Content-Type", "application/json"}}};
  reply.body = R"({"error":{"code":)";
  append_json_string(reply.body, code);
  reply.body += R"(,"message":)";
  append_json_string(reply.body, message);
  reply.body += "}}";
  return reply;
}

void http_router::add(std::string method, std::string_view path, route_handler handler) {
  routes_.push_back({std::move(method), std::string(path), split_path(path), std::move(handler)});
}

std::vector<std::string> http_router::routes() const {
  std::vector<std::string> out;
  out.reserve(routes_.size());
  for (const route& each : routes_)
    out.push_back(each.method + " " + each.path);
  return out;
}

boost::asio::awaitable<http_reply> http_router::operator()(const http_request& request) const {
  // Split first: an escaped slash belongs to its segment.
  std::vector<std::string> path = split_path(request.path());
  for (std::string& segment : path) {
    segment = percent_decode_path(segment);
  }
  std::set<std::string> allowed;
  for (const route& each : routes_) {
    const auto parts = match(each.segments, path);
    if (parts && answers(each.method, request.method)) {
      co_return co_await each.handler(request, *parts);
    }
    if (parts) {
      allowed.insert(each.method);
    }
  }
  if (allowed.empty()) {
    co_return error_reply(404, "not_found", "there is nothing at this path");
  }
  if (allowed.contains("GET")) {
    allowed.insert("HEAD");
  }
  http_reply reply = error_reply(405, "method_not_allowed", "this path does not take that method");
  reply.headers.add("Allow", join(allowed));
  co_return reply;
}

}  // namespace pushguard
