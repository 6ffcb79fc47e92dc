#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/http.hpp"
#include "base/secret.hpp"
#include "base/tls_server.hpp"

namespace pushguard::configuration {

/// Who may ask by user and password.
struct basic_auth_user {
  std::string name;  ///< unique; not empty, and without a colon
  secret hash;       ///< by bcrypt, as is_bcrypt_hash() wants it
};

/// A file as it was before it was read.
struct stamped_file {
  std::filesystem::path path;
  file_stamp stamp;

  friend bool operator==(const stamped_file&, const stamped_file&) = default;
};

/// The file `http.web_config_file`, with what it names. Immutable once made.
struct web_config {
  std::shared_ptr<const tls_server_context> tls = {};  ///< nullptr: no TLS
  http_headers headers = {};                           ///< of every answer
  std::vector<basic_auth_user> users = {};             ///< empty: nobody is asked who he is
  std::filesystem::path certificate = {};              ///< where it was read; empty without TLS
  std::filesystem::path key = {};
};

using shared_web_config = std::shared_ptr<const web_config>;

/// What became of reading the file. No problem holds a hash.
struct web_config_reading {
  std::expected<shared_web_config, std::vector<std::string>>
      outcome;  ///< or each as `file:line:column: message`
  std::vector<stamped_file>
      files;  ///< what was read, or tried: where one changes, another reading may end otherwise
};

/// Reads the file, which has the form of Prometheus' exporter-toolkit (docs/configuration.md), and what it
/// names.
[[nodiscard]] web_config_reading load_web_config(const std::filesystem::path& file);

/// What is not wrong, but not as it should be: a certificate that is over, and files with secrets that
/// everybody can read. Looks at the disk.
[[nodiscard]] std::vector<std::string> find_web_warnings(const web_config& loaded,
                                                         const std::filesystem::path& file);

/// The costs that a hash may have: bcrypt's least, and what takes a few seconds here.
inline constexpr int bcrypt_cost_min = 4;
inline constexpr int bcrypt_cost_max = 15;
/// Further users are a mistake: Prometheus needs one.
inline constexpr std::size_t basic_auth_users_max = 100;

/// Whether `text` is `$2a$`, `$2b$` or `$2y$` with a cost of two digits and 53 characters of salt and hash.
[[nodiscard]] bool is_bcrypt_hash(std::string_view text) noexcept;
/// The cost of such a hash.
[[nodiscard]] int bcrypt_cost_of(std::string_view hash) noexcept;

}  // namespace pushguard::configuration
