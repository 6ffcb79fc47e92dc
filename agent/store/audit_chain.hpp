#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/store/records.hpp"
#include "base/result.hpp"

/// The hash chain of the audit trail. Each entry is one line of JSON, whose last member is `hash`: the
/// SHA-256, in hex, of the line without it. The line holds the hash of the entry before, so that no entry can
/// be changed, removed or put in without changing every hash after it. Pure.
namespace pushguard::store {

/// What the first entry follows: 64 zeros.
[[nodiscard]] std::string_view chain_start() noexcept;

/// The hash that `row` must have: of its other fields, `hash` is not looked at.
[[nodiscard]] std::string audit_hash(const audit_row& row);

/// The line of `row`, without a line end:
/// `{"sequence":…,"at":"…","kind":"…","hub":"…","rollout":"…","decision":…,"actor":"…","details":{…},
/// "previous_hash":"…","hash":"…"}`. What is hashed is this line up to and without `,"hash"`, and `}`.
[[nodiscard]] std::string audit_line(const audit_row& row);

/// Whether `text` can be a hash: 64 lower-case hex digits.
[[nodiscard]] bool is_audit_hash(std::string_view text) noexcept;

/// Follows a chain from its first entry.
class audit_verifier {
 public:
  /// An anchor that was noted earlier: the chain must hold it.
  void expect(std::string hash) { expected_ = std::move(hash); }

  /// Takes the next entry. errc::malformed with one sentence that names the first broken entry and what is
  /// wrong with it; nothing must be added afterwards.
  [[nodiscard]] result<> add(const audit_row& row);
  /// The same for a line of audit_line().
  [[nodiscard]] result<> add_line(std::string_view line);
  /// To be asked at the end. errc::malformed where the anchor was not in the chain.
  [[nodiscard]] result<> finish() const;

  [[nodiscard]] std::int64_t entries() const noexcept { return entries_; }
  /// Of the last good entry; chain_start() before the first.
  [[nodiscard]] const std::string& last_hash() const noexcept { return last_hash_; }

 private:
  [[nodiscard]] result<> add(std::int64_t sequence, std::string_view previous_hash, std::string_view hash,
                             std::string_view real_hash);

  std::int64_t entries_ = 0;
  std::string last_hash_{chain_start()};
  std::string expected_;
  bool was_expected_seen_ = false;
};

}  // namespace pushguard::store
