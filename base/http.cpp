#include "base/http.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/url.hpp"

namespace pushguard {

std::optional<std::string_view> http_headers::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : fields_) {
    if (equals_ignoring_case(key, name)) {
      return value;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> http_headers::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : fields_) {
    if (equals_ignoring_case(key, name)) {
      found.push_back(value);
    }
  }
  return found;
}

void http_headers::set(std::string_view name, std::string value) {
  const auto is_same = [name](const field& each) { return equals_ignoring_case(each.first, name); };
  const auto first = std::ranges::find_if(fields_, is_same);
  if (first == fields_.end()) {
    add(std::string(name), std::move(value));
    return;
  }
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), is_same), fields_.end());
}

std::string_view http_request::path() const noexcept {
  return std::string_view(target).substr(0, target.find('?'));
}

std::optional<std::string> http_request::query(std::string_view name) const {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(target).substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equals)) == name) {
      return percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    }
  }
  return std::nullopt;
}

std::string_view http_reason(int status) noexcept {
  struct named_status {
    int status;
    std::string_view reason;
  };
  // RFC 9110 §15, RFC 6585.
  static constexpr named_status names[] = {{100, "Continue"},
                                           {101, "Switching Protocols"},
                                           {200, "OK"},
                                           {201, "Created"},
                                           {202, "Accepted"},
                                           {203, "Non-Authoritative Information"},
                                           {204, "No Content"},
                                           {205, "Reset Content"},
                                           {206, "Partial Content"},
                                           {300, "Multiple Choices"},
                                           {301, "Moved Permanently"},
                                           {302, "Found"},
                                           {303, "See Other"},
                                           {304, "Not Modified"},
                                           {307, "Temporary Redirect"},
                                           {308, "Permanent Redirect"},
                                           {400, "Bad Request"},
                                           {401, "Unauthorized"},
                                           {402, "Payment Required"},
                                           {403, "Forbidden"},
                                           {404, "Not Found"},
                                           {405, "Method Not Allowed"},
                                           {406, "Not Acceptable"},
                                           {407, "Proxy Authentication Required"},
                                           {408, "Request Timeout"},
                                           {409, "Conflict"},
                                           {410, "Gone"},
                                           {411, "Length Required"},
                                           {412, "Precondition Failed"},
                                           {413, "Content Too Large"},
                                           {414, "URI Too Long"},
                                           {415, "Unsupported Media Type"},
                                           {416, "Range Not Satisfiable"},
                                           {417, "Expectation Failed"},
                                           {421, "Misdirected Request"},
                                           {422, "Unprocessable Content"},
                                           {426, "Upgrade Required"},
                                           {428, "Precondition Required"},
                                           {429, "Too Many Requests"},
                                           {431, "Request Header Fields Too Large"},
                                           {500, "Internal Server Error"},
                                           {501, "Not Implemented"},
                                           {502, "Bad Gateway"},
                                           {503, "Service Unavailable"},
                                           {504, "Gateway Timeout"},
                                           {505, "HTTP Version Not Supported"},
                                           {511, "Network Authentication Required"}};
  for (const auto& [known, reason] : names) {
    if (known == status) {
      return reason;
    }
  }
  return "Unknown";
}

std::string_view http_user_agent() noexcept {
  return "pushguard/" PUSHGUARD_VERSION;
}

}  // namespace pushguard
