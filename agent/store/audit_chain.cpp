#include "agent/store/audit_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"

namespace pushguard::store {
namespace {

namespace json = boost::json;

constexpr std::size_t hash_digits = 64;
constexpr std::string_view hash_member = ",\"hash\":\"";
constexpr std::string_view line_end = "\"}";

std::string quoted(std::string_view text) {
  return json::serialize(json::value(text));
}

/// The line without its hash and without the brace that ends it.
std::string open_line(const audit_row& row) {
  return fmt::format(
      R"({{"sequence":{},"at":"{}","kind":{},"hub":{},"rollout":{},"decision":{},"actor":{},"details":{},"previous_hash":{})",
      row.sequence, format_time(row.at), quoted(row.kind), quoted(row.hub), quoted(row.rollout),
      row.decision ? std::to_string(*row.decision) : "null", quoted(row.actor), row.details,
      quoted(row.previous_hash));
}

/// A line taken apart.
struct line_parts {
  std::int64_t sequence = 0;
  std::string previous_hash;
  std::string_view hash;
  std::string real_hash;
};

std::optional<line_parts> take_apart(std::string_view line) {
  constexpr std::size_t tail = hash_member.size() + hash_digits + line_end.size();
  if (line.size() <= tail || !line.ends_with(line_end))
    return std::nullopt;
  const std::string_view open = line.substr(0, line.size() - tail);
  const std::string_view hash = line.substr(open.size() + hash_member.size(), hash_digits);
  if (line.substr(open.size(), hash_member.size()) != hash_member || !is_audit_hash(hash))
    return std::nullopt;
  boost::system::error_code ec;
  const json::value parsed = json::parse(line, ec);
  const auto* object = ec ? nullptr : parsed.if_object();
  const auto* sequence = object != nullptr ? object->if_contains("sequence") : nullptr;
  const auto* previous = object != nullptr ? object->if_contains("previous_hash") : nullptr;
  if (sequence == nullptr || !sequence->is_int64() || previous == nullptr || !previous->is_string())
    return std::nullopt;
  return line_parts{.sequence = sequence->get_int64(),
                    .previous_hash = std::string(previous->get_string()),
                    .hash = hash,
                    .real_hash = sha256_hex(std::string(open) + '}')};
}

std::unexpected<failure> broken(std::string text) {
  return fail(errc::malformed, std::move(text));
}

}  // namespace

std::string_view chain_start() noexcept {
  return "0000000000000000000000000000000000000000000000000000000000000000";
}

std::string audit_hash(const audit_row& row) {
  return sha256_hex(open_line(row) + '}');
}

std::string audit_line(const audit_row& row) {
  return fmt::format("{}{}{}{}", open_line(row), hash_member, row.hash, line_end);
}

bool is_audit_hash(std::string_view text) noexcept {
  return text.size() == hash_digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

result<> audit_verifier::add(const audit_row& row) {
  return add(row.sequence, row.previous_hash, row.hash, audit_hash(row));
}

result<> audit_verifier::add_line(std::string_view line) {
  const auto parts = take_apart(line);
  if (!parts)
    return broken(fmt::format("entry {} is not readable as a line of the audit trail", entries_ + 1));
  return add(parts->sequence, parts->previous_hash, parts->hash, parts->real_hash);
}

result<> audit_verifier::add(std::int64_t sequence, std::string_view previous_hash, std::string_view hash,
                             std::string_view real_hash) {
  const std::int64_t next = entries_ + 1;
  if (sequence > next)
    return broken(fmt::format("entry {} is missing: entry {} comes in its place", next, sequence));
  if (sequence < next)
    return broken(fmt::format("entry {} is out of place: entry {} was expected", sequence, next));
  if (hash != real_hash)
    return broken(fmt::format("entry {} was altered: its hash is not that of its content", sequence));
  if (previous_hash != last_hash_)
    return broken(next == 1 ? std::string("entry 1 was altered: it names an entry before it")
                            : fmt::format("entry {} does not follow entry {}: its previous hash is another",
                                          next, entries_));
  entries_ = next;
  last_hash_ = hash;
  was_expected_seen_ = was_expected_seen_ || last_hash_ == expected_;
  return {};
}

result<> audit_verifier::finish() const {
  if (expected_.empty() || was_expected_seen_ || expected_ == chain_start())
    return {};
  return broken(fmt::format("no entry has the expected hash {}: the trail was cut off before it, or replaced",
                            expected_));
}

}  // namespace pushguard::store
