#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "base/secret.hpp"
#include "base/url.hpp"

/// How a hub is logged in to, as plain data: one struct for each flow.
namespace pushguard::salesforce {

/// OAuth client credentials with a Run As user.
struct client_credentials {
  url login_url = {};  ///< the My Domain host: login.salesforce.com refuses this flow
  std::string client_id = {};
  secret client_secret = {};

  friend bool operator==(const client_credentials&, const client_credentials&) = default;
};

/// OAuth JWT bearer: an assertion signed with the key whose certificate the app knows.
struct jwt_bearer {
  url login_url = {};
  std::string client_id = {};
  std::string username = {};
  secret private_key = {};    ///< PEM, RSA, without a passphrase
  std::string audience = {};  ///< empty: what the login URL implies, see audiences_for()

  friend bool operator==(const jwt_bearer&, const jwt_bearer&) = default;
};

/// OAuth refresh token.
struct refresh_token {
  url login_url = {};
  std::string client_id = {};
  secret client_secret = {};  ///< empty where the app needs none
  secret token = {};
  /// Where the token stands; when Salesforce answers a new one, it takes the old one's place there.
  std::optional<std::filesystem::path> kept_in = {};

  friend bool operator==(const refresh_token&, const refresh_token&) = default;
};

/// An access token that another process puts into a file and renews there: the token alone, or what
/// `sf org auth show-access-token --json` prints.
struct access_token_file {
  origin instance = {};
  std::filesystem::path file = {};

  friend bool operator==(const access_token_file&, const access_token_file&) = default;
};

using credentials = std::variant<client_credentials, jwt_bearer, refresh_token, access_token_file>;

}  // namespace pushguard::salesforce
