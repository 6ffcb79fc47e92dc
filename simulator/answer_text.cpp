#include "simulator/answer_text.hpp"

#include <boost/json/serialize.hpp>
#include <utility>

#include "base/text.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::string_view event_begin = R"({"data":)";  // replies begin with their channel

/// The size of the JSON object at the front of `text`; 0 where it does not end.
std::size_t object_size(std::string_view text) {
  std::size_t depth = 0;
  bool is_in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_in_string) {
      if (text[at] == '\\')
        ++at;
      else if (text[at] == '"')
        is_in_string = false;
    } else if (text[at] == '"') {
      is_in_string = true;
    } else if (text[at] == '{') {
      ++depth;
    } else if (text[at] == '}' && --depth == 0) {
      return at + 1;
    }
  }
  return 0;
}

}  // namespace

void answer_text::add(const boost::json::object& message) {
  add(std::string_view(boost::json::serialize(message)));
}

void answer_text::add(std::string_view message) {
  if (text_.size() > 1)
    text_ += ',';
  text_ += message;
}

void answer_text::add_event(std::string_view channel, const event_channel& of, const logged_event& event) {
  add(event_begin);
  of.write(text_, of.log, event);
  text_ += R"(,"channel":)";
  append_json_string(text_, channel);
  text_ += '}';
}

http_reply answer_text::take() {
  text_ += ']';
  return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .body = std::exchange(text_, "[")};
}

std::vector<std::string_view> split_answer(std::string_view body) {
  std::vector<std::string_view> found;
  if (!body.starts_with('['))
    return found;
  for (std::string_view rest = body.substr(1); rest.starts_with('{');) {
    const std::size_t size = object_size(rest);
    if (size == 0)
      return {};
    found.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
    if (rest.starts_with(','))
      rest.remove_prefix(1);
  }
  return found;
}

bool is_event(std::string_view message) noexcept {
  return message.starts_with(event_begin);
}

}  // namespace pushguard::simulator
