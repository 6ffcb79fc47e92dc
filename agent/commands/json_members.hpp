#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

/// Members of answers of an agent that may be older or newer: what is missing, or of another type, is empty.
namespace pushguard::agent {

/// Made printable().
[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view key);
/// 0 where there is no whole number.
[[nodiscard]] std::int64_t number_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::optional<double> ratio_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] bool flag_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::optional<wall_time> time_of(const boost::json::object& object, std::string_view key);
/// These two live as long as `object`, or for ever.
[[nodiscard]] const boost::json::array& array_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] const boost::json::object& object_of(const boost::json::object& object, std::string_view key);

}  // namespace pushguard::agent
