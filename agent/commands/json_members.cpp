#include "agent/commands/json_members.hpp"

#include "agent/commands/render.hpp"

namespace pushguard::agent {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? printable(std::string_view(found->get_string())) : "";
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_number()) {
    return 0;
  }
  boost::system::error_code ec;
  const auto number = found->to_number<std::int64_t>(ec);
  return ec ? 0 : number;
}

std::optional<double> ratio_of(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_number() ? std::optional(found->to_number<double>()) : std::nullopt;
}

bool flag_of(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::optional<wall_time> time_of(const json::object& object, std::string_view key) {
  const auto read = parse_time(text_of(object, key));
  return read ? std::optional(*read) : std::nullopt;
}

const json::array& array_of(const json::object& object, std::string_view key) {
  static const json::array none;
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object none;
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : none;
}

}  // namespace pushguard::agent
