#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/configuration/web_config.hpp"
#include "base/condition.hpp"
#include "base/http.hpp"
#include "base/secret.hpp"

namespace pushguard::agent {

/// What `password` hashes to with the salt and the cost of `like`; empty where there is no such hash.
/// Thread-safe.
using password_hasher = std::function<std::string(const secret& password, const std::string& like)>;

/// bcrypt, by the system's crypt(3).
[[nodiscard]] std::string hash_by_bcrypt(const secret& password, const std::string& like);

struct basic_credentials {
  std::string name;
  secret password;
};

/// What `Authorization: Basic …` holds; nothing where the request has no such header, or a wrong one.
[[nodiscard]] std::optional<basic_credentials> read_basic_credentials(const http_request& request);

enum class password_verdict {
  right,
  wrong,
  busy  ///< too many checks wait; asked again it may be either
};

/// Checks passwords on a thread of its own, one after the other, and remembers those that were right, as
/// keyed digests: a scrape costs one check and no more. A user that does not exist costs what one with the
/// most costly hash does. For one thread.
class basic_authenticator {
 public:
  explicit basic_authenticator(password_hasher hash = hash_by_bcrypt);

  /// From now on these are the users; nothing is remembered.
  void configure(const std::vector<configuration::basic_auth_user>& users);
  [[nodiscard]] boost::asio::awaitable<password_verdict> check(basic_credentials presented);

  /// Checks that may wait for another one; further ones are answered `busy`.
  static constexpr std::size_t waiting_max = 16;
  /// Passwords remembered; the oldest gives way.
  static constexpr std::size_t remembered_max = 100;

 private:
  [[nodiscard]] bool is_remembered(const std::string& digest) const { return remembered_.contains(digest); }
  void remember(std::string digest);
  [[nodiscard]] boost::asio::awaitable<std::string> hash_beside(secret password, std::string like);

  password_hasher hash_;
  std::string digest_key_;  ///< random, so that digests tell nothing outside this process
  std::vector<configuration::basic_auth_user> users_;
  std::string decoy_;  ///< the hash that stands in for that of a user who does not exist
  std::set<std::string, std::less<>> remembered_;
  std::deque<std::string> in_order_;  ///< the same, the oldest first
  std::size_t waiting_ = 0;
  bool is_hashing_ = false;
  condition freed_;
  std::optional<boost::asio::thread_pool> worker_;  ///< from the first check on
};

}  // namespace pushguard::agent
