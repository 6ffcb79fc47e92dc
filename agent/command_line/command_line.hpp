#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "agent/configuration/environment.hpp"
#include "agent/configuration/listen_address.hpp"
#include "agent/configuration/sweep.hpp"
#include "agent/domain/ids.hpp"
#include "agent/domain/operator_action.hpp"
#include "agent/domain/rollout_id.hpp"
#include "base/url.hpp"

/// What was typed, as plain data, one struct for each command.
namespace pushguard::agent {

enum class output_form { text, json };

/// How a command reaches the running agent: `--url`, `--token-file` and `--ca-file`, or PUSHGUARD_URL and
/// PUSHGUARD_TOKEN_FILE.
struct connection_options {
  pushguard::url url;  ///< http://127.0.0.1:9595 unless given
  std::optional<std::filesystem::path> token_file;
  std::optional<std::filesystem::path> ca_file;
};

struct run_options {
  std::filesystem::path config;
};

struct check_options {
  std::filesystem::path config;
  bool asks_hubs = false;  ///< `--online`
  output_form output = output_form::text;
};

/// What is absent is the demo's own choice.
struct demo_options {
  std::optional<std::size_t> orgs;
  std::optional<std::size_t> waves;
  std::optional<double> failure_rate;  ///< a ratio in [0, 1]
  std::optional<double> speed;         ///< how many times faster than life
  bool ends_with_rollout = false;      ///< `--once`
};

struct simulate_options {
  configuration::listen_address listen;
  std::filesystem::path scenario;
  std::optional<double> speed;  ///< instead of the scenario's own
};

/// Nothing given: everything the agent knows.
using status_target = std::variant<std::monostate, domain::rollout_id, domain::request_id>;

struct status_options {
  status_target target;
  bool shows_decisions = false;
  output_form output = output_form::text;
  connection_options connection;
};

enum class colour_choice { automatic, always, never };

struct watch_options {
  std::optional<domain::rollout_id> rollout = std::nullopt;  ///< nothing: every rollout
  std::optional<std::string> hub = std::nullopt;             ///< where the rollout is on several
  duration interval = std::chrono::seconds(1);
  colour_choice colours = colour_choice::automatic;
  output_form output = output_form::text;
  connection_options connection;
};

struct alerts_options {
  bool shows_all = false;  ///< what has lately ended, too
  output_form output = output_form::text;
  connection_options connection;
};

enum class orgs_filter { all, failed, succeeded, spared, running };
/// `ids`: 15 characters, one a line. `json`: `--json`.
enum class orgs_format { table, csv, ids, json };

struct orgs_options {
  domain::rollout_id rollout;
  orgs_filter filter = orgs_filter::all;
  orgs_format format = orgs_format::table;
  connection_options connection;
};

enum class audit_action { export_trail, verify };

/// The trail of the running agent, unless a file is named.
struct audit_options {
  audit_action action = audit_action::verify;
  std::optional<std::filesystem::path> state = std::nullopt;  ///< a state database, read directly
  std::optional<std::filesystem::path> file = std::nullopt;   ///< verify only: what export wrote
  std::string expected_hash = {};  ///< verify only: 64 hex digits in lower case; empty without
  output_form output = output_form::text;
  connection_options connection;
};

struct rule_name {
  std::string policy;
  std::string rule;
};

/// An alert, by its fingerprint or its id.
struct alert_name {
  std::string text;
};

/// abort, hold, release, resume, arm, ack and mute. Which target goes with which action was checked: a
/// request with abort only, a rule with hold and release only, an alert with ack and mute only.
struct control_options {
  domain::operator_action action = domain::operator_action::hold;
  std::variant<domain::rollout_id, domain::request_id, rule_name, alert_name> target;
  std::string reason;              ///< checked; may be empty where needs_reason() says so
  std::optional<duration> length;  ///< of a hold or a muting
  std::optional<std::string> hub;  ///< where the rollout is on several
  output_form output = output_form::text;
  connection_options connection;
};

struct export_history_options {
  std::filesystem::path config;
  domain::request_id request;
  std::optional<std::string> hub;  ///< nothing: each hub of the configuration is asked
  bool leaves_out_texts = false;   ///< `--without-texts`
};

struct explain_options {
  std::filesystem::path config;
  output_form output = output_form::text;
};

struct backtest_options {
  std::filesystem::path config;
  std::vector<std::filesystem::path> histories;  ///< not empty
  std::optional<configuration::sweep> sweep;
  bool are_healthy = false;  ///< `--healthy`: every abort is a false one
  output_form output = output_form::text;
};

struct alert_test_options {
  std::filesystem::path config;
  std::optional<std::string> receiver;  ///< nothing: every receiver of the configuration
  output_form output = output_form::text;
};

struct version_options {
  output_form output = output_form::text;
};

enum class shell { bash, zsh, fish };

struct completion_options {
  agent::shell shell = agent::shell::bash;
};

using command = std::variant<run_options, check_options, demo_options, simulate_options, status_options,
                             watch_options, alerts_options, orgs_options, audit_options, control_options,
                             explain_options, backtest_options, export_history_options, alert_test_options,
                             version_options, completion_options>;

enum class output_stream { standard_output, standard_error };

/// There is nothing to run: help was asked for (0, standard output), or the command line is wrong (2, one
/// sentence for standard error).
struct early_exit {
  int exit_code = 0;
  std::string text;  ///< with its last line end
  output_stream stream = output_stream::standard_output;
};

/// One option of a command, as it was defined.
struct option_description {
  std::string name = {};  ///< `--json`
  std::string help = {};
  bool takes_value = false;
  bool takes_file = false;
  std::vector<std::string> values = {};  ///< of a closed set; empty: anything
};

struct command_description {
  std::string name = {};  ///< empty: what stands before a command
  std::string help = {};
  std::vector<option_description> options = {};
  std::vector<std::string> words = {};  ///< what its positional argument may be, where that is a closed set
};

/// Every command with its options, from the definitions that parse_command_line() goes by. The first is the
/// program itself.
[[nodiscard]] std::vector<command_description> describe_commands();

/// `arguments` are those after the program's name. Options win over environment variables.
[[nodiscard]] std::expected<command, early_exit> parse_command_line(
    std::span<const std::string> arguments, const configuration::environment& variables);

}  // namespace pushguard::agent
