#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_server.hpp"
#include "simulator/event_channel.hpp"

namespace pushguard::simulator {

/// A JSON array of messages in the making.
class answer_text {
 public:
  void add(const boost::json::object& message);
  void add(std::string_view message);
  void add_event(std::string_view channel, const event_channel& of, const logged_event& event);

  /// The answer; the text is empty again afterwards.
  [[nodiscard]] http_reply take();

 private:
  std::string text_ = "[";
};

/// The messages of an answer as they are written, in order. `body` is what answer_text made; of another text
/// nothing comes.
[[nodiscard]] std::vector<std::string_view> split_answer(std::string_view body);
/// Whether a message that answer_text wrote is an event.
[[nodiscard]] bool is_event(std::string_view message) noexcept;

}  // namespace pushguard::simulator
