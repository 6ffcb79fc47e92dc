#include "agent/basic_auth.hpp"

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <stdexcept>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

std::string make_digest_key() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("OpenSSL has no random numbers");
  return {bytes.begin(), bytes.end()};
}

/// One for each user, hash and password: where one of them changes, nothing remembered fits.
std::string digest_of(const std::string& key, const basic_credentials& presented, const std::string& hash) {
  return hmac_sha256(key, fmt::format("{}:{}:{}:{}", presented.name.size(), presented.name, hash,
                                      presented.password.reveal()));
}

/// The time it takes tells nothing about where they differ.
bool is_same(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Something of a hash's form, of the highest cost among the users. Whatever fits it is refused all the same.
std::string decoy_for(const std::vector<configuration::basic_auth_user>& users) {
  int cost = configuration::bcrypt_cost_min;
  for (const auto& each : users)
    cost = std::max(cost, configuration::bcrypt_cost_of(each.hash.reveal()));
  return fmt::format("$2b${:02}$abcdefghijklmnopqrstuu{}", cost, std::string(31, '.'));
}

/// Counts for as long as it lives.
class counted {
 public:
  explicit counted(std::size_t& in) : in_(in) { ++in_; }
  ~counted() { --in_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

 private:
  std::size_t& in_;
};

/// The turn of one check; the next may begin when it is gone.
class turn {
 public:
  turn(bool& is_taken, condition& freed) : is_taken_(is_taken), freed_(freed) { is_taken_ = true; }
  ~turn() {
    is_taken_ = false;
    freed_.notify_all();
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

 private:
  bool& is_taken_;
  condition& freed_;
};

}  // namespace

std::string hash_by_bcrypt(const secret& password, const std::string& like) {
  const auto room = std::make_unique<crypt_data>();
  const char* const made =
      crypt_rn(password.reveal().c_str(), like.c_str(), room.get(), static_cast<int>(sizeof(crypt_data)));
  std::string hashed = made != nullptr ? made : "";
  OPENSSL_cleanse(room.get(), sizeof(crypt_data));
  return hashed;
}

std::optional<basic_credentials> read_basic_credentials(const http_request& request) {
  constexpr std::string_view scheme = "basic ";
  const std::string_view given = request.headers.find("Authorization").value_or("");
  if (given.size() <= scheme.size() || !equals_ignoring_case(given.substr(0, scheme.size()), scheme))
    return std::nullopt;
  const auto pair = decode_base64(trim(given.substr(scheme.size())));
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return std::nullopt;
  return basic_credentials{.name = pair->substr(0, colon), .password = secret(pair->substr(colon + 1))};
}

basic_authenticator::basic_authenticator(password_hasher hash)
    : hash_(std::move(hash)), digest_key_(make_digest_key()), decoy_(decoy_for({})) {}

void basic_authenticator::configure(const std::vector<configuration::basic_auth_user>& users) {
  users_ = users;
  decoy_ = decoy_for(users_);
  remembered_.clear();
  in_order_.clear();
}

void basic_authenticator::remember(std::string digest) {
  if (!remembered_.insert(digest).second)
    return;
  in_order_.push_back(std::move(digest));
  if (in_order_.size() > remembered_max) {
    remembered_.erase(in_order_.front());
    in_order_.pop_front();
  }
}

asio::awaitable<std::string> basic_authenticator::hash_beside(secret password, std::string like) {
  struct job {
    std::optional<std::string> hashed;
    condition done;
  };
  const auto shared = std::make_shared<job>();
  const auto executor = co_await asio::this_coro::executor;
  const auto back = asio::prefer(executor, asio::execution::outstanding_work.tracked);
  if (!worker_)
    worker_.emplace(1);
  asio::post(*worker_, [shared, back, hash = hash_, password = std::move(password), like = std::move(like)] {
    asio::post(back, [shared, hashed = hash(password, like)]() mutable {
      shared->hashed = std::move(hashed);
      shared->done.notify_all();
    });
  });
  while (!shared->hashed)
    co_await shared->done.wait();
  co_return std::move(*shared->hashed);
}

asio::awaitable<password_verdict> basic_authenticator::check(basic_credentials presented) {
  const auto found = std::ranges::find(users_, presented.name, &configuration::basic_auth_user::name);
  // crypt(3) would stop at a zero byte and take what stands before it for the password.
  const bool is_possible =
      found != users_.end() && presented.password.reveal().find('\0') == std::string::npos;
  const std::string hash = is_possible ? found->hash.reveal() : decoy_;
  std::string digest = digest_of(digest_key_, presented, hash);
  if (is_remembered(digest))
    co_return password_verdict::right;
  if (waiting_ >= waiting_max)
    co_return password_verdict::busy;
  {
    const counted waits(waiting_);
    while (is_hashing_)
      co_await freed_.wait();
  }
  if (is_remembered(digest))  // another request with the same password came first
    co_return password_verdict::right;
  const turn mine(is_hashing_, freed_);
  const std::string hashed = co_await hash_beside(std::move(presented.password), hash);
  if (!is_possible || !is_same(hashed, hash))
    co_return password_verdict::wrong;
  remember(std::move(digest));
  co_return password_verdict::right;
}

}  // namespace pushguard::agent
