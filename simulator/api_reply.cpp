#include "simulator/api_reply.hpp"

#include "base/text.hpp"

namespace pushguard::simulator {

http_reply json_reply(std::string body) {
  return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .body = std::move(body)};
}

http_reply error_answer(const api_error& error) {
  std::string body = R"([{"message":)";
  append_json_string(body, error.message);
  body += R"(,"errorCode":)";
  append_json_string(body, error.code);
  if (!error.fields.empty()) {
    body += R"(,"fields":[)";
    for (const std::string& field : error.fields) {
      if (body.back() != '[')
        body += ',';
      append_json_string(body, field);
    }
    body += ']';
  }
  body += "}]";
  http_reply reply = json_reply(std::move(body));
  reply.status = error.status;
  return reply;
}

}  // namespace pushguard::simulator
