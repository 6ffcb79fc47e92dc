#include "tests/bench/peers/event_texts.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace pushguard::bench {
namespace {

constexpr std::size_t digit_count = 10;
constexpr std::string_view no_digits = "0000000000";

constexpr std::string_view head =
    R"({"data":{"schema":"dffQ2QLzDNHqwB8_sHMxdA","payload":{"CreatedDate":"2025-09-02T01:01:01.123Z",)"
    R"("CreatedById":"0055g00000AbCdEAAV","Status__c":"Failed","Attempt__c":2.0)";
constexpr std::string_view before_uuid_digits = R"(},"event":{"EventUuid":"e981b488-81f3-4fcc-bd6f-00)";
constexpr std::string_view before_replay_digits = R"(","replayId":)";
constexpr std::string_view before_channel = R"(},"channel":")";
constexpr std::string_view tail = R"("})";

// The remaining room is filled with fields of this kind, so that larger events have more of them.
constexpr std::string_view field_form = R"(,"Detail_{:02}__c":"Step {:02} of the deployment")";
constexpr std::string_view last_field_begin = R"(,"Note__c":")";

void write_digits(char* to, std::uint64_t number) {
  for (std::size_t i = digit_count; i > 0; --i) {
    to[i - 1] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

std::string make_padding(std::size_t size) {
  const std::size_t field_size = fmt::format(fmt::runtime(field_form), 1, 1).size();
  const std::size_t last_field_size = last_field_begin.size() + 1;
  std::string padding;
  for (int i = 1; padding.size() + field_size + last_field_size <= size; ++i)
    padding += fmt::format(fmt::runtime(field_form), i, i);
  padding += last_field_begin;
  padding.append(size - padding.size() - 1, 'x');
  return padding += '"';
}

}  // namespace

event_texts::event_texts(std::size_t message_size) {
  if (message_size < message_size_min)
    throw std::invalid_argument(fmt::format("an event has at least {} bytes", message_size_min));
  const std::size_t fixed = head.size() + before_uuid_digits.size() + digit_count +
                            before_replay_digits.size() + digit_count + before_channel.size() +
                            bench_channel.size() + tail.size() + 1;
  text_.append(head).append(make_padding(message_size - fixed)).append(before_uuid_digits);
  uuid_digits_ = text_.size();
  text_.append(no_digits).append(before_replay_digits);
  replay_digits_ = text_.size();
  text_.append(no_digits).append("}").append(before_channel).append(bench_channel).append(tail);
}

void event_texts::append(std::string& to, std::uint64_t number) const {
  const std::size_t begin = to.size();
  to += text_;
  write_digits(to.data() + begin + uuid_digits_, number);
  write_digits(to.data() + begin + replay_digits_, first_replay_id + number);
}

}  // namespace pushguard::bench
