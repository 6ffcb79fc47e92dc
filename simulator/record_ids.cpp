#include "simulator/record_ids.hpp"

#include "base/id.hpp"

namespace pushguard::simulator {
namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view server = "5g0000";  // the part that tells Salesforce's servers apart
constexpr std::size_t digit_count = 6;         // 62⁶ records of each kind
constexpr std::size_t key_size = 15;

}  // namespace

std::string record_key(std::string_view prefix, std::uint64_t number) {
  std::string key;
  key.reserve(key_size + 3);
  key.append(prefix).append(server).append(digit_count, '0');
  for (std::size_t place = key.size(); number > 0 && place > prefix.size() + server.size(); --place) {
    key[place - 1] = digits[number % digits.size()];
    number /= digits.size();
  }
  return key;
}

std::string record_id(std::string_view prefix, std::uint64_t number) {
  std::string id = record_key(prefix, number);
  const auto checksum = record_id_checksum(id);
  return id.append(checksum.data(), checksum.size());
}

std::optional<std::uint64_t> record_number(std::string_view prefix, std::string_view text) {
  if (!check_record_id(text, prefix, "record"))
    return std::nullopt;
  std::string_view rest = text.substr(prefix.size(), key_size - prefix.size());
  if (!rest.starts_with(server))
    return std::nullopt;
  rest.remove_prefix(server.size());
  std::uint64_t number = 0;
  for (const char digit : rest)
    number = number * digits.size() + digits.find(digit);
  return number;
}

}  // namespace pushguard::simulator
