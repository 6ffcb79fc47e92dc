#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/configuration/api_tokens.hpp"
#include "agent/configuration/environment.hpp"
#include "agent/configuration/listen_address.hpp"
#include "agent/configuration/org_directory.hpp"
#include "agent/configuration/web_config.hpp"
#include "agent/domain/ids.hpp"
#include "agent/policy/specification.hpp"
#include "agent/salesforce/credentials.hpp"
#include "agent/salesforce/event_decoder.hpp"
#include "alerts/routing.hpp"
#include "base/log.hpp"
#include "base/proxy.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/url.hpp"
#include "cometd/session.hpp"

/// What an operator wrote, checked and in plain data. docs/configuration.md has every key.
namespace pushguard::configuration {

struct channel {
  cometd::wanted_channel wanted;
  salesforce::event_fields fields;  ///< what is not mapped is empty

  friend bool operator==(const channel&, const channel&) = default;
};

struct reconciliation {
  duration active_interval = std::chrono::seconds(15);  ///< while a request is in progress or due
  duration idle_interval = std::chrono::minutes(5);
  double call_budget = 0.2;  ///< share of the hub's daily API limit; in (0, 1]
  duration blind_after = std::chrono::minutes(3);

  friend bool operator==(const reconciliation&, const reconciliation&) = default;
};

struct hub {
  std::string name;  ///< unique; a metric label and a part of API paths
  salesforce::credentials login;
  std::optional<std::string> api_version;    ///< `62.0`; nothing: the newest that the org offers
  std::vector<domain::package_id> packages;  ///< empty: all packages of the hub
  std::optional<std::filesystem::path>
      ca_file;               ///< believed beside the system's trust; readable when it was loaded
  proxy_rules proxies = {};  ///< from the hub's `proxy`, or else from the environment
  std::vector<channel> channels;
  reconciliation reconcile;

  friend bool operator==(const hub&, const hub&) = default;
};

struct alertmanager_receiver {
  std::vector<url> urls;  ///< every peer of the cluster; not empty

  friend bool operator==(const alertmanager_receiver&, const alertmanager_receiver&) = default;
};

struct pagerduty_receiver {
  url base;  ///< without a path
  secret routing_key;
  proxy_rules proxies = {};

  friend bool operator==(const pagerduty_receiver&, const pagerduty_receiver&) = default;
};

struct slack_receiver {
  secret webhook_url;  ///< a URL
  proxy_rules proxies = {};

  friend bool operator==(const slack_receiver&, const slack_receiver&) = default;
};

struct webhook_receiver {
  secret target;                ///< a URL, which may hold a token
  std::vector<secret> secrets;  ///< keys to sign with; not empty
  proxy_rules proxies = {};

  friend bool operator==(const webhook_receiver&, const webhook_receiver&) = default;
};

struct receiver {
  std::string name;  ///< unique
  std::variant<alertmanager_receiver, pagerduty_receiver, slack_receiver, webhook_receiver> kind;

  friend bool operator==(const receiver&, const receiver&) = default;
};

/// An alert that always fires, so that somebody else misses it.
struct watchdog_settings {
  std::string receiver;  ///< a name of `receivers`, of the kind alertmanager or webhook
  duration interval = std::chrono::minutes(1);

  friend bool operator==(const watchdog_settings&, const watchdog_settings&) = default;
};

struct alerting {
  std::vector<receiver> receivers;
  std::vector<alerts::route> routes;  ///< only names of `receivers`
  duration repeat_interval = std::chrono::hours(4);
  /// Links of alerts, with placeholders as for fill_link: `rule`; for the dashboard also `hub`, `rollout` and
  /// `policy`. Empty without.
  std::string runbook_url;
  std::string dashboard_url;
  std::optional<watchdog_settings> watchdog = {};
};

/// Whether to abort while decisions cannot be recorded.
enum class store_failure_handling { refuse, act };

enum class org_series_mode { all, failed, off };

struct org_series {
  org_series_mode mode = org_series_mode::all;
  std::size_t limit = 200'000;
  duration keep_after_end = std::chrono::hours(24);

  friend bool operator==(const org_series&, const org_series&) = default;
};

struct logging {
  log_level level = log_level::info;
  log_format format = log_format::logfmt;

  friend bool operator==(const logging&, const logging&) = default;
};

/// `http.web_config_file`, and what it said when the configuration was loaded.
struct web_settings {
  std::filesystem::path file;
  shared_web_config loaded = {};         ///< never nullptr
  std::vector<stamped_file> files = {};  ///< what was read for it
};

/// The whole file. Made once and never changed: a reload makes another.
struct configuration {
  std::vector<hub> hubs;  ///< not empty
  duration rollout_gap = std::chrono::days(7);
  std::shared_ptr<const org_directory> orgs;  ///< whose orgs they are; nullptr without `orgs_file`
  std::vector<policy::policy_specification> policies;
  alerting alerts;
  std::filesystem::path state = "/var/lib/pushguard/state.db";
  store_failure_handling on_store_failure = store_failure_handling::refuse;
  listen_address listen{.host = "127.0.0.1", .port = 9595};
  /// Where people reach the agent: an origin, and maybe a path, without a slash at its end. Empty: where it
  /// listens.
  std::string external_url;
  /// Who may POST; empty: nobody.
  std::vector<api_token> api_tokens;
  std::optional<std::filesystem::path> api_tokens_file;  ///< where they were read
  std::optional<web_settings> web = {};                  ///< nothing: neither TLS nor passwords
  org_series series;
  logging log;
  /// SHA-256 of the file in hex, as hash_configuration makes it.
  std::string hash;
};

/// One configuration in the hands of everyone who works by it, kept for as long as someone does.
using shared_configuration = std::shared_ptr<const configuration>;

/// Everything wrong with a file, each as `file:line:column: message` and in the order of the file. No line
/// holds a secret.
using problem_list = std::vector<std::string>;

/// Reads the file and the secrets it names, which are kept in the result.
[[nodiscard]] std::expected<configuration, problem_list> load_configuration(const std::filesystem::path& file,
                                                                            const environment& variables);

/// The same from text. `file` names it in problems, and its directory is where relative paths start.
[[nodiscard]] std::expected<configuration, problem_list> read_configuration(std::string_view text,
                                                                            const std::filesystem::path& file,
                                                                            const environment& variables);

/// What is not wrong, but not as it should be: files with secrets that everybody can read, a certificate that
/// is over. Looks at the disk.
[[nodiscard]] problem_list find_warnings(const configuration& loaded);

/// SHA-256 in hex of the text with its line ends made `\n` and without a byte order mark, so that a file has
/// one hash wherever it was checked out. What secret files hold is not part of it.
[[nodiscard]] std::string hash_configuration(std::string_view text);

}  // namespace pushguard::configuration
