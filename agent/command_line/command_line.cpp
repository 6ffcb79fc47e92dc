#include "agent/command_line/command_line.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "base/text.hpp"
#include "base/yaml.hpp"

namespace pushguard::agent {
namespace {

constexpr std::int64_t demo_orgs_max = 100'000;  // Salesforce's own limit of subscribers is not far above
constexpr std::int64_t demo_waves_max = 100;
constexpr double speed_max = 100'000;  // a day in a second
constexpr std::size_t histories_max = 1'000;
constexpr duration watch_interval_min = std::chrono::milliseconds(200);  // the agent has more to do
constexpr duration watch_interval_max = std::chrono::hours(1);
constexpr std::array<std::string_view, 3> format_words{"table", "csv", "ids"};
constexpr std::array<std::string_view, 3> colour_words{"auto", "always", "never"};
constexpr std::array<std::string_view, 3> shell_words{"bash", "zsh", "fish"};
constexpr std::array<std::string_view, 2> audit_words{"export", "verify"};
constexpr std::string_view default_url = "http://127.0.0.1:9595";

/// The command line as CLI11 stores it, before the words are read.
struct typed_words {
  std::string config;
  std::string scenario;
  std::string interval;
  std::string colours;
  std::string listen;
  std::string target;
  std::string request;
  std::string reason;
  std::string length;
  std::string hub;
  std::string orgs;
  std::string waves;
  std::string failure_rate;
  std::string speed;
  std::string format;
  std::string url;
  std::string token_file;
  std::string ca_file;
  std::string state;
  std::string file;
  std::string expected_hash;
  std::vector<std::string> histories;
  std::string sweep;
  bool healthy = false;
  bool once = false;
  bool online = false;
  bool decisions = false;
  bool all = false;
  bool failed = false;
  bool succeeded = false;
  bool spared = false;
  bool running = false;
  bool without_texts = false;
  bool json = false;
  bool version = false;
};

/// `table, csv or ids`, and what is to be said besides.
template <std::size_t Size>
std::string one_of(const std::array<std::string_view, Size>& words, std::string_view more) {
  std::string out;
  for (std::size_t i = 0; i < Size; ++i)
    out.append(i == 0 ? "" : i + 1 == Size ? " or " : ", ").append(words.at(i));
  return out.append(more);
}

using reader = result<command> (*)(const typed_words&, const configuration::environment&);

struct command_definition {
  const char* name;
  const char* summary;
  void (*add_options)(CLI::App&, typed_words&);
  reader read;
};

void add_json(CLI::App& app, typed_words& words) {
  app.add_flag("--json", words.json, "Print JSON");
}

void add_config(CLI::App& app, typed_words& words) {
  app.add_option("--config", words.config, "The configuration")->required()->type_name("FILE");
}

void add_connection(CLI::App& app, typed_words& words) {
  app.add_option("--url", words.url,
                 "Where the agent listens (PUSHGUARD_URL; " + std::string(default_url) + ")")
      ->type_name("URL");
  app.add_option("--token-file", words.token_file, "Holds the API token (PUSHGUARD_TOKEN_FILE)")
      ->type_name("FILE");
  app.add_option("--ca-file", words.ca_file, "Certificates to believe beside the system's")
      ->type_name("FILE");
}

result<std::optional<std::size_t>> read_count(std::string_view option, const std::string& text,
                                              std::int64_t most) {
  if (text.empty())
    return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > most)
    return fail(errc::invalid, fmt::format("{} must be a whole number from 1 to {}", option, most));
  return static_cast<std::size_t>(value);
}

result<std::optional<double>> read_speed(const std::string& text) {
  if (text.empty())
    return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value > 0 && value <= speed_max))
    return fail(errc::invalid, fmt::format("--speed must be a number above 0, {:.0f} at most", speed_max));
  return value;
}

result<std::optional<double>> read_failure_rate(const std::string& text) {
  if (text.empty())
    return std::nullopt;
  const auto value = parse_share(text);
  if (!value || *value < 0 || *value > 1)
    return fail(errc::invalid, "--failure-rate must be a share from 0% to 100%, like 8% or 0.08");
  return *value;
}

output_form read_output(const typed_words& words) {
  return words.json ? output_form::json : output_form::text;
}

/// The option, or else the variable where one is named.
std::string option_or_variable(const std::string& option, std::string_view variable,
                               const configuration::environment& variables) {
  return option.empty() ? variables(variable).value_or("") : option;
}

std::optional<std::filesystem::path> as_path(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::filesystem::path>(text);
}

result<connection_options> read_connection(const typed_words& words,
                                           const configuration::environment& variables) {
  std::string text = option_or_variable(words.url, "PUSHGUARD_URL", variables);
  if (text.empty())
    text = default_url;
  auto parsed = parse_url(text);
  if (!parsed)
    return fail_in(words.url.empty() ? "PUSHGUARD_URL" : "--url", parsed.error());
  return connection_options{
      .url = std::move(*parsed),
      .token_file = as_path(option_or_variable(words.token_file, "PUSHGUARD_TOKEN_FILE", variables)),
      .ca_file = as_path(words.ca_file)};
}

result<std::filesystem::path> read_config(const typed_words& words) {
  if (words.config.empty())
    return fail(errc::invalid, "--config must name a file");
  return std::filesystem::path(words.config);
}

void add_run(CLI::App& app, typed_words& words) {
  add_config(app, words);
}

result<command> read_run(const typed_words& words, const configuration::environment&) {
  auto config = read_config(words);
  if (!config)
    return std::unexpected(config.error());
  return run_options{.config = std::move(*config)};
}

void add_check(CLI::App& app, typed_words& words) {
  add_config(app, words);
  app.add_flag("--online", words.online,
               "Also log in to each hub, and tell what can be seen and which rights are missing");
  add_json(app, words);
}

result<command> read_check(const typed_words& words, const configuration::environment&) {
  auto config = read_config(words);
  if (!config)
    return std::unexpected(config.error());
  return check_options{.config = std::move(*config), .asks_hubs = words.online, .output = read_output(words)};
}

void add_demo(CLI::App& app, typed_words& words) {
  app.add_option("--orgs", words.orgs, "How many orgs have the package")->type_name("N");
  app.add_option("--waves", words.waves, "Over how many push requests they are spread")->type_name("N");
  app.add_option("--failure-rate", words.failure_rate, "The share of orgs that fail (8% or 0.08)")
      ->type_name("P");
  app.add_option("--speed", words.speed, "How many times faster than life")->type_name("X");
  app.add_flag("--once", words.once, "End with the rollout; exit 0 only if what was expected happened");
}

result<command> read_demo(const typed_words& words, const configuration::environment&) {
  const auto orgs = read_count("--orgs", words.orgs, demo_orgs_max);
  if (!orgs)
    return std::unexpected(orgs.error());
  const auto waves = read_count("--waves", words.waves, demo_waves_max);
  if (!waves)
    return std::unexpected(waves.error());
  const auto rate = read_failure_rate(words.failure_rate);
  if (!rate)
    return std::unexpected(rate.error());
  const auto speed = read_speed(words.speed);
  if (!speed)
    return std::unexpected(speed.error());
  if (*orgs && *waves && **waves > **orgs)
    return fail(errc::invalid, "--waves must not be more than --orgs");
  return demo_options{.orgs = *orgs,
                      .waves = *waves,
                      .failure_rate = *rate,
                      .speed = *speed,
                      .ends_with_rollout = words.once};
}

void add_simulate(CLI::App& app, typed_words& words) {
  app.add_option("--listen", words.listen, "Where to listen, like 127.0.0.1:8080")
      ->required()
      ->type_name("ADDR");
  app.add_option("--scenario", words.scenario, "What happens in the simulated hub")
      ->required()
      ->type_name("FILE");
  app.add_option("--speed", words.speed, "How many times faster than life; default: as the scenario says")
      ->type_name("X");
}

result<command> read_simulate(const typed_words& words, const configuration::environment&) {
  auto listen = configuration::parse_listen_address(words.listen);
  if (!listen)
    return fail_in("--listen", listen.error());
  if (words.scenario.empty())
    return fail(errc::invalid, "--scenario must name a file");
  const auto speed = read_speed(words.speed);
  if (!speed)
    return std::unexpected(speed.error());
  return simulate_options{.listen = std::move(*listen), .scenario = words.scenario, .speed = *speed};
}

void add_status(CLI::App& app, typed_words& words) {
  app.add_option("TARGET", words.target, "A rollout (04t… or 04t…/2) or a push request (0DV…); default: all")
      ->type_name("");
  app.add_flag("--decisions", words.decisions, "Also what was decided, and why");
  add_json(app, words);
  add_connection(app, words);
}

result<status_target> read_target(const std::string& text) {
  if (text.empty())
    return std::monostate{};
  if (text.starts_with(domain::push_request_tag::prefix)) {
    auto request = domain::request_id::parse(text);
    if (!request)
      return std::unexpected(request.error());
    return *request;
  }
  if (!text.starts_with(domain::version_tag::prefix))
    return fail(errc::invalid, "TARGET must be a rollout (04t… or 04t…/2) or a push request (0DV…)");
  auto rollout = domain::rollout_id::parse(text);
  if (!rollout)
    return std::unexpected(rollout.error());
  return *rollout;
}

result<command> read_status(const typed_words& words, const configuration::environment& variables) {
  auto target = read_target(words.target);
  if (!target)
    return std::unexpected(target.error());
  auto connection = read_connection(words, variables);
  if (!connection)
    return std::unexpected(connection.error());
  return status_options{.target = *target,
                        .shows_decisions = words.decisions,
                        .output = read_output(words),
                        .connection = std::move(*connection)};
}

void add_watch(CLI::App& app, typed_words& words) {
  app.add_option("ROLLOUT", words.target, "The rollout: 04t… (its latest) or 04t…/2; default: all")
      ->type_name("");
  app.add_option("--hub", words.hub, "Where the rollout is on several hubs")->type_name("NAME");
  app.add_option("--interval", words.interval, "How often the agent is asked, 200ms to 1h; default: 1s")
      ->type_name("DURATION");
  app.add_option("--color", words.colours,
                 one_of(colour_words, "; auto: on a terminal, unless NO_COLOR is set; default: auto"))
      ->type_name("WHEN");
  app.add_flag("--json", words.json, "Print each event of the agent as a line of JSON");
  add_connection(app, words);
}

result<colour_choice> read_colours(const std::string& text) {
  if (text.empty() || text == "auto")
    return colour_choice::automatic;
  if (text == "always")
    return colour_choice::always;
  if (text == "never")
    return colour_choice::never;
  return fail(errc::invalid, "--color must be auto, always or never");
}

result<command> read_watch(const typed_words& words, const configuration::environment& variables) {
  watch_options made{.connection = {}};
  if (!words.target.empty()) {
    const auto rollout = domain::rollout_id::parse(words.target);
    if (!rollout)
      return std::unexpected(rollout.error());
    made.rollout = *rollout;
  }
  if (!words.hub.empty()) {
    if (!made.rollout)
      return fail(errc::invalid, "--hub goes with a rollout only");
    made.hub = words.hub;
  }
  if (!words.interval.empty()) {
    const auto interval = parse_duration(words.interval);
    if (!interval || *interval < watch_interval_min || *interval > watch_interval_max)
      return fail(errc::invalid, "--interval must be a duration from 200ms to 1h, like 1s");
    made.interval = *interval;
  }
  const auto colours = read_colours(words.colours);
  if (!colours)
    return std::unexpected(colours.error());
  made.colours = *colours;
  made.output = read_output(words);
  if (made.output == output_form::json && (made.rollout || !words.interval.empty()))
    return fail(errc::invalid,
                "--json tells every event as it comes: it goes without ROLLOUT and --interval");
  auto connection = read_connection(words, variables);
  if (!connection)
    return std::unexpected(connection.error());
  made.connection = std::move(*connection);
  return made;
}

void add_alerts(CLI::App& app, typed_words& words) {
  app.add_flag("--all", words.all, "Also those that ended a short while ago");
  add_json(app, words);
  add_connection(app, words);
}

result<command> read_alerts(const typed_words& words, const configuration::environment& variables) {
  auto connection = read_connection(words, variables);
  if (!connection)
    return std::unexpected(connection.error());
  return alerts_options{
      .shows_all = words.all, .output = read_output(words), .connection = std::move(*connection)};
}

void add_orgs(CLI::App& app, typed_words& words) {
  app.add_option("ROLLOUT", words.target, "The rollout: 04t… (its latest) or 04t…/2")
      ->required()
      ->type_name("");
  app.add_flag("--failed", words.failed, "Only orgs where the upgrade failed");
  app.add_flag("--succeeded", words.succeeded, "Only orgs that were upgraded");
  app.add_flag("--spared", words.spared, "Only orgs that an abort spared");
  app.add_flag("--running", words.running, "Only orgs that are being upgraded now");
  app.add_option("--format", words.format,
                 one_of(format_words, " (ids: 15 characters, one a line); default: table"))
      ->type_name("FORMAT");
  add_json(app, words);
  add_connection(app, words);
}

result<orgs_filter> read_filter(const typed_words& words) {
  const std::array<std::pair<bool, orgs_filter>, 4> given{{{words.failed, orgs_filter::failed},
                                                           {words.succeeded, orgs_filter::succeeded},
                                                           {words.spared, orgs_filter::spared},
                                                           {words.running, orgs_filter::running}}};
  orgs_filter filter = orgs_filter::all;
  for (const auto& [is_given, meaning] : given) {
    if (is_given && filter != orgs_filter::all)
      return fail(errc::invalid, "at most one of --failed, --succeeded, --spared and --running may be given");
    if (is_given)
      filter = meaning;
  }
  return filter;
}

result<orgs_format> read_format(const typed_words& words) {
  if (words.json && !words.format.empty())
    return fail(errc::invalid, "--json and --format exclude each other");
  if (words.json)
    return orgs_format::json;
  if (words.format.empty() || words.format == "table")
    return orgs_format::table;
  if (words.format == "csv")
    return orgs_format::csv;
  if (words.format == "ids")
    return orgs_format::ids;
  return fail(errc::invalid, "--format must be table, csv or ids");
}

result<command> read_orgs(const typed_words& words, const configuration::environment& variables) {
  auto rollout = domain::rollout_id::parse(words.target);
  if (!rollout)
    return std::unexpected(rollout.error());
  const auto filter = read_filter(words);
  if (!filter)
    return std::unexpected(filter.error());
  const auto format = read_format(words);
  if (!format)
    return std::unexpected(format.error());
  auto connection = read_connection(words, variables);
  if (!connection)
    return std::unexpected(connection.error());
  return orgs_options{
      .rollout = *rollout, .filter = *filter, .format = *format, .connection = std::move(*connection)};
}

void add_audit(CLI::App& app, typed_words& words) {
  app.add_option("ACTION", words.target,
                 "export: print the trail, a line of JSON an entry; verify: check its hash chain")
      ->required()
      ->type_name("");
  app.add_option("--state", words.state, "Read this state database instead of asking the agent")
      ->type_name("FILE");
  app.add_option("--file", words.file, "Verify what export wrote")->type_name("FILE");
  app.add_option("--expect-hash", words.expected_hash,
                 "Verify: a hash that was noted earlier and must be in the chain")
      ->type_name("HASH");
  add_json(app, words);
  add_connection(app, words);
}

bool is_sha256(std::string_view text) {
  constexpr std::size_t digits = 64;
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

result<> check_audit_words(const typed_words& words) {
  const bool has_connection = !words.url.empty() || !words.token_file.empty() || !words.ca_file.empty();
  const int sources = static_cast<int>(!words.state.empty()) + static_cast<int>(!words.file.empty()) +
                      static_cast<int>(has_connection);
  if (words.target != "export" && words.target != "verify")
    return fail(errc::invalid, "ACTION must be export or verify");
  if (sources > 1)
    return fail(errc::invalid, "--state, --file and what names the agent (--url, …) exclude each other");
  if (words.target == "export" && (!words.file.empty() || !words.expected_hash.empty()))
    return fail(errc::invalid, "--file and --expect-hash are for audit verify");
  if (!words.expected_hash.empty() && !is_sha256(to_lower_ascii(words.expected_hash)))
    return fail(errc::invalid, "--expect-hash must be 64 hex digits, as audit verify prints them");
  return {};
}

result<command> read_audit(const typed_words& words, const configuration::environment& variables) {
  if (const auto checked = check_audit_words(words); !checked)
    return std::unexpected(checked.error());
  auto connection = read_connection(words, variables);
  if (!connection)
    return std::unexpected(connection.error());
  return audit_options{.action = words.target == "export" ? audit_action::export_trail : audit_action::verify,
                       .state = as_path(words.state),
                       .file = as_path(words.file),
                       .expected_hash = to_lower_ascii(words.expected_hash),
                       .output = read_output(words),
                       .connection = std::move(*connection)};
}

void add_explain(CLI::App& app, typed_words& words) {
  add_config(app, words);
  add_json(app, words);
}

result<command> read_explain(const typed_words& words, const configuration::environment&) {
  auto config = read_config(words);
  if (!config)
    return std::unexpected(config.error());
  return explain_options{.config = std::move(*config), .output = read_output(words)};
}

void add_backtest(CLI::App& app, typed_words& words) {
  add_config(app, words);
  app.add_option("--history", words.histories,
                 "Past pushes, as export-history writes them; one file or several")
      ->required()
      ->type_name("FILE");
  app.add_option(
         "--sweep", words.sweep,
         "Try values for a number of a rule: POLICY/RULE.FIELD=A..B, =A..B/N (N values), =A..B:STEP or "
         "=A,B,C")
      ->type_name("KEY=A..B");
  app.add_flag("--healthy", words.healthy, "The histories were fine: every abort is a false one");
  add_json(app, words);
}

result<command> read_backtest(const typed_words& words, const configuration::environment&) {
  auto config = read_config(words);
  if (!config)
    return std::unexpected(config.error());
  if (words.histories.size() > histories_max)
    return fail(errc::invalid, fmt::format("--history may name at most {} files", histories_max));
  backtest_options made{.config = std::move(*config),
                        .histories = {words.histories.begin(), words.histories.end()},
                        .sweep = std::nullopt,
                        .are_healthy = words.healthy,
                        .output = read_output(words)};
  if (words.sweep.empty())
    return made;
  auto sweep = configuration::parse_sweep(words.sweep);
  if (!sweep)
    return std::unexpected(sweep.error());
  made.sweep = std::move(*sweep);
  return made;
}

void add_export_history(CLI::App& app, typed_words& words) {
  add_config(app, words);
  app.add_option("--request", words.request, "The push request: 0DV…, 15 or 18 characters")
      ->required()
      ->type_name("ID");
  app.add_option("--hub", words.hub, "Ask only this hub of the configuration; default: each")
      ->type_name("NAME");
  app.add_flag("--without-texts", words.without_texts,
               "Leave out org names and what errors say; keep their types, titles and a hash");
}

void add_action(CLI::App& app, typed_words& words, const char* target, domain::operator_action action) {
  app.add_option("target", words.target, "What it is about")->required()->type_name(target);
  app.add_option("--reason", words.reason,
                 domain::needs_reason(action) ? "Why: one line for the trail; required"
                                              : "Why: one line for the trail")
      ->type_name("TEXT");
  if (needs_length(action))
    app.add_option("--for", words.length, "How long, 1m to 30d; required")->type_name("DURATION");
  if (!is_about_alerts(action))
    app.add_option("--hub", words.hub, "Where the rollout is on several hubs")->type_name("NAME");
  add_json(app, words);
  add_connection(app, words);
}

void add_abort(CLI::App& app, typed_words& words) {
  add_action(app, words, "ROLLOUT|REQUEST", domain::operator_action::abort);
}

void add_hold(CLI::App& app, typed_words& words) {
  add_action(app, words, "ROLLOUT|POLICY/RULE", domain::operator_action::hold);
}

void add_release(CLI::App& app, typed_words& words) {
  add_action(app, words, "ROLLOUT|POLICY/RULE", domain::operator_action::release);
}

void add_resume(CLI::App& app, typed_words& words) {
  add_action(app, words, "ROLLOUT", domain::operator_action::resume);
}

void add_arm(CLI::App& app, typed_words& words) {
  add_action(app, words, "ROLLOUT", domain::operator_action::arm);
}

void add_ack(CLI::App& app, typed_words& words) {
  add_action(app, words, "ALERT", domain::operator_action::ack);
}

void add_mute(CLI::App& app, typed_words& words) {
  add_action(app, words, "ALERT", domain::operator_action::mute);
}

using control_target = decltype(control_options::target);

result<control_target> read_control_target(domain::operator_action action, const std::string& text) {
  using domain::operator_action;
  if (is_about_alerts(action)) {
    if (text.empty())
      return fail(errc::invalid, "the alert must be named by its fingerprint or its id");
    return alert_name{text};
  }
  const auto rollout = domain::rollout_id::parse(text);
  if (rollout)
    return *rollout;
  if (action == operator_action::abort) {
    const auto request = domain::request_id::parse(text);
    if (request)
      return *request;
    return fail(errc::invalid,
                fmt::format("'{}' is neither a rollout (04t… or 04t…/2) nor a push request (0DV…)", text));
  }
  const auto slash = text.find('/');
  const bool is_rule = slash != std::string::npos && slash > 0 && slash + 1 < text.size() &&
                       text.find('/', slash + 1) == std::string::npos && !text.starts_with("04t");
  if (action == operator_action::hold || action == operator_action::release) {
    if (is_rule)
      return rule_name{.policy = text.substr(0, slash), .rule = text.substr(slash + 1)};
    return fail(errc::invalid,
                fmt::format("'{}' is neither a rollout (04t… or 04t…/2) nor POLICY/RULE", text));
  }
  return std::unexpected(rollout.error());
}

result<command> read_control(domain::operator_action action, const typed_words& words,
                             const configuration::environment& variables) {
  auto target = read_control_target(action, words.target);
  if (!target)
    return std::unexpected(target.error());
  if (words.reason.empty() && domain::needs_reason(action))
    return fail(errc::invalid, "--reason must say why");
  if (!words.reason.empty()) {
    if (const auto checked = domain::check_reason(words.reason); !checked)
      return fail(errc::invalid, "--" + checked.error().text());
  }
  control_options made{.action = action,
                       .target = std::move(*target),
                       .reason = words.reason,
                       .length = {},
                       .hub = words.hub.empty() ? std::nullopt : std::optional(words.hub),
                       .output = read_output(words),
                       .connection = {}};
  if (needs_length(action)) {
    const auto length = domain::parse_hold_length(words.length);
    if (!length)
      return fail(errc::invalid, words.length.empty() ? "--for must say how long, like 30m or 2h"
                                                      : "--" + length.error().text());
    made.length = *length;
  }
  if (made.hub && !std::holds_alternative<domain::rollout_id>(made.target))
    return fail(errc::invalid, "--hub goes with a rollout only");
  auto connection = read_connection(words, variables);
  if (!connection)
    return std::unexpected(connection.error());
  made.connection = std::move(*connection);
  return made;
}

template <domain::operator_action Action>
result<command> read_action(const typed_words& words, const configuration::environment& variables) {
  return read_control(Action, words, variables);
}

result<command> read_export_history(const typed_words& words, const configuration::environment&) {
  auto config = read_config(words);
  if (!config)
    return std::unexpected(config.error());
  const auto request = domain::request_id::parse(words.request);
  if (!request)
    return fail_in("--request", request.error());
  return export_history_options{.config = std::move(*config),
                                .request = *request,
                                .hub = words.hub.empty() ? std::nullopt : std::optional(words.hub),
                                .leaves_out_texts = words.without_texts};
}

void add_alert_test(CLI::App& app, typed_words& words) {
  app.add_option("RECEIVER", words.target, "Tell only this receiver of the configuration; default: each")
      ->type_name("");
  add_config(app, words);
  add_json(app, words);
}

result<command> read_alert_test(const typed_words& words, const configuration::environment&) {
  auto config = read_config(words);
  if (!config)
    return std::unexpected(config.error());
  return alert_test_options{.config = std::move(*config),
                            .receiver = words.target.empty() ? std::nullopt : std::optional(words.target),
                            .output = read_output(words)};
}

result<command> read_version(const typed_words& words, const configuration::environment&) {
  return version_options{.output = read_output(words)};
}

void add_completion(CLI::App& app, typed_words& words) {
  app.add_option("SHELL", words.target, one_of(shell_words, ""))->required()->type_name("");
}

result<command> read_completion(const typed_words& words, const configuration::environment&) {
  constexpr std::array shells{shell::bash, shell::zsh, shell::fish};
  const auto* found = std::ranges::find(shell_words, words.target);
  if (found == shell_words.end())
    return fail(errc::invalid, "SHELL must be bash, zsh or fish");
  return completion_options{.shell = shells.at(static_cast<std::size_t>(found - shell_words.begin()))};
}

constexpr std::array definitions{
    command_definition{"run", "Watch, export, alert and stop rollouts", add_run, read_run},
    command_definition{"check", "Tell everything that is wrong with a configuration", add_check, read_check},
    command_definition{"demo", "Watch a simulated rollout go bad, and be stopped", add_demo, read_demo},
    command_definition{"simulate", "Serve a simulated Salesforce hub", add_simulate, read_simulate},
    command_definition{"status", "Show what the running agent knows", add_status, read_status},
    command_definition{"watch", "Show it live: bars, rules, errors and decisions", add_watch, read_watch},
    command_definition{"orgs", "List the orgs of a rollout", add_orgs, read_orgs},
    command_definition{"audit", "Print the audit trail, or verify its hash chain", add_audit, read_audit},
    command_definition{"abort", "Cancel what has not started of a rollout, or one push request", add_abort,
                       read_action<domain::operator_action::abort>},
    command_definition{"hold", "Let a rollout or a rule do nothing for a while", add_hold,
                       read_action<domain::operator_action::hold>},
    command_definition{"release", "End a hold", add_release, read_action<domain::operator_action::release>},
    command_definition{"resume", "Let an aborted rollout go on", add_resume,
                       read_action<domain::operator_action::resume>},
    command_definition{"arm", "Let the rules of a rollout act that was breached when first seen", add_arm,
                       read_action<domain::operator_action::arm>},
    command_definition{"alerts", "List the alerts that fire, and who could not be told", add_alerts,
                       read_alerts},
    command_definition{"ack", "Say that you look after an alert", add_ack,
                       read_action<domain::operator_action::ack>},
    command_definition{"mute", "Hear no more of an alert for a while", add_mute,
                       read_action<domain::operator_action::mute>},
    command_definition{"explain", "Tell what each rule means, and how many failures trip it", add_explain,
                       read_explain},
    command_definition{"backtest", "Try the policies on recorded rollouts", add_backtest, read_backtest},
    command_definition{"export-history", "Write a past push from Salesforce to standard output",
                       add_export_history, read_export_history},
    command_definition{"alert-test", "Send each receiver a test alert and its end, and show the answers",
                       add_alert_test, read_alert_test},
    command_definition{"completion", "Print what lets a shell complete commands and options", add_completion,
                       read_completion},
    command_definition{"version", "Show the version of the program and its libraries", add_json,
                       read_version},
};

/// Which words an option, or a positional argument, is read from; none: any.
std::span<const std::string_view> closed_set(std::string_view command, std::string_view option) {
  if (option == "--format")
    return format_words;
  if (option == "--color")
    return colour_words;
  if (command == "audit" && option == "ACTION")
    return audit_words;
  return option == "SHELL" ? std::span<const std::string_view>(shell_words)
                           : std::span<const std::string_view>();
}

void describe_options(CLI::App& app, command_description& into) {
  for (const CLI::Option* option : app.get_options()) {
    const bool is_positional = option->get_lnames().empty();
    const std::string name = is_positional ? option->get_name() : "--" + option->get_lnames().front();
    const auto set = closed_set(into.name, name);
    std::vector<std::string> values(set.begin(), set.end());
    if (is_positional)
      into.words = std::move(values);
    else
      into.options.push_back({.name = name,
                              .help = option->get_description(),
                              .takes_value = option->get_items_expected_max() > 0,
                              .takes_file = option->get_type_name() == "FILE",
                              .values = std::move(values)});
  }
}

/// `command` is empty where none was recognized. One sentence, with the way to more.
early_exit wrong_usage(std::string_view command, std::string_view what) {
  const std::string program = command.empty() ? "pushguard" : fmt::format("pushguard {}", command);
  return {.exit_code = 2,
          .text = fmt::format("{}: {}; see {} --help\n", program, what.substr(0, what.find('\n')), program),
          .stream = output_stream::standard_error};
}

/// CLI11 would call a mistyped command an unexpected argument.
std::optional<early_exit> find_unknown_command(std::span<const std::string> arguments) {
  if (arguments.empty())
    return wrong_usage("", "a command is missing");
  const std::string& first = arguments.front();
  if (first.starts_with('-') ||
      std::ranges::find(definitions, first, &command_definition::name) != definitions.end())
    return std::nullopt;
  std::vector<std::string_view> names;
  for (const command_definition& each : definitions)
    names.emplace_back(each.name);
  const auto meant = nearest_word(first, names);
  return wrong_usage("", meant.empty()
                             ? fmt::format("there is no command '{}'", first)
                             : fmt::format("there is no command '{}'; did you mean '{}'?", first, meant));
}

struct parsed_words {
  typed_words words;
  const command_definition* chosen = nullptr;
};

std::expected<parsed_words, early_exit> parse_words(std::span<const std::string> arguments) {
  parsed_words parsed;
  CLI::App app("Watches Salesforce package push upgrades and stops rollouts that go bad.", "pushguard");
  app.add_flag("--version", parsed.words.version, "As the command version");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.require_subcommand(0, 1);
  for (const command_definition& each : definitions)
    each.add_options(*app.add_subcommand(each.name, each.summary)->group("Commands"), parsed.words);
  // CLI11 takes them from the back.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  const auto chosen_name = [&] {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? std::string() : chosen.front()->get_name();
  };
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp& help) {
    std::ostringstream out;
    app.exit(help, out, out);
    // As help2man and most readers know it.
    return std::unexpected(early_exit{.text = replace_all(out.str(), "-h,--help ", "-h, --help")});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(wrong_usage(chosen_name(), error.what()));
  }
  const auto* found = std::ranges::find(definitions, chosen_name(), &command_definition::name);
  parsed.chosen = found == definitions.end() ? nullptr : found;
  return parsed;
}

}  // namespace

std::vector<command_description> describe_commands() {
  typed_words words;
  CLI::App app("", "pushguard");
  app.add_flag("--version", words.version, "As the command version");
  std::vector<command_description> out(1);
  describe_options(app, out.front());
  for (const command_definition& each : definitions) {
    CLI::App& its = *app.add_subcommand(each.name, each.summary);
    each.add_options(its, words);
    describe_options(its, out.emplace_back(command_description{.name = each.name, .help = each.summary}));
  }
  return out;
}

std::expected<command, early_exit> parse_command_line(std::span<const std::string> arguments,
                                                      const configuration::environment& variables) {
  if (auto unknown = find_unknown_command(arguments))
    return std::unexpected(std::move(*unknown));
  const auto parsed = parse_words(arguments);
  if (!parsed)
    return std::unexpected(parsed.error());
  if (parsed->chosen == nullptr && parsed->words.version)
    return version_options{};
  if (parsed->chosen == nullptr)
    return std::unexpected(wrong_usage("", "a command is missing"));
  auto made = parsed->chosen->read(parsed->words, variables);
  if (!made)
    return std::unexpected(wrong_usage(parsed->chosen->name, made.error().text()));
  return std::move(*made);
}

}  // namespace pushguard::agent
