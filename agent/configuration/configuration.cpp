#include "agent/configuration/configuration.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "agent/configuration/sections.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;

void read_state(yaml_reader& root, const reading& context, configuration& made) {
  constexpr std::string_view scheme = "sqlite:";
  const auto text = root.text("state");
  if (!text)
    return;
  std::string path = text->starts_with(scheme) ? text->substr(scheme.size()) : "";
  if (path.starts_with("///"))
    path.erase(0, 2);
  if (path.empty() || path.starts_with("//") || path.ends_with('/')) {
    root.problem("state", "state must be sqlite:///absolute/path or sqlite:relative/path of a file");
    return;
  }
  made.state = context.resolve(path);
}

constexpr std::size_t tokens_file_size_max = 1024UZ * 1024;  // api_tokens_max lines of the longest kind

void read_api_tokens(yaml_reader& from, const reading& context, configuration& made) {
  constexpr std::string_view key = "api_tokens_file";
  const auto text = from.text(key);
  if (!text)
    return;
  const std::filesystem::path file = context.resolve(*text);
  const auto content = pushguard::read_file(file, tokens_file_size_max);
  if (!content) {
    from.problem(key, fmt::format("{}: {}", key, content.error().text()));
    return;
  }
  auto tokens = parse_api_tokens(*content, file);
  if (!tokens) {
    for (const std::string& problem : tokens.error())
      from.problem(key, fmt::format("{}: {}", key, problem));
    return;
  }
  made.api_tokens = std::move(*tokens);
  made.api_tokens_file = file;
}

void read_web_config_file(yaml_reader& from, const reading& context, configuration& made) {
  constexpr std::string_view key = "web_config_file";
  const auto text = from.text(key);
  if (!text)
    return;
  web_settings settings{.file = context.resolve(*text)};
  web_config_reading read = load_web_config(settings.file);
  if (!read.outcome) {
    for (const std::string& problem : read.outcome.error())
      from.problem(key, fmt::format("{}: {}", key, problem));
    return;
  }
  settings.loaded = std::move(*read.outcome);
  settings.files = std::move(read.files);
  made.web = std::move(settings);
}

void read_orgs_file(yaml_reader& root, const reading& context, configuration& made) {
  constexpr std::string_view key = "orgs_file";
  const auto text = root.text(key);
  if (!text)
    return;
  const std::filesystem::path file = context.resolve(*text);
  const auto content = pushguard::read_file(file, orgs_file_bytes_max);
  if (!content) {
    root.problem(key, fmt::format("{}: {}", key, content.error().text()));
    return;
  }
  auto orgs = org_directory::parse(*content, file);
  if (!orgs) {
    for (const std::string& problem : orgs.error())
      root.problem(key, fmt::format("{}: {}", key, problem));
    return;
  }
  made.orgs = std::make_shared<const org_directory>(std::move(*orgs));
}

void read_external_url(yaml_reader& from, configuration& made) {
  constexpr std::string_view key = "external_url";
  const auto text = from.text(key);
  if (!text)
    return;
  const auto parsed = parse_url(*text);
  if (!parsed)
    from.problem(key, fmt::format("{}: {}", key, parsed.error().text()));
  else if (text->find_first_of("?#") != std::string::npos)
    from.problem(key, fmt::format("{} must have no query and no fragment: paths are added to it", key));
  else if (text->ends_with('/'))
    from.problem(key, fmt::format("{} must not end with a slash: paths are added to it", key));
  else
    made.external_url = parsed->origin.text() + (parsed->target == "/" ? "" : parsed->target);
}

void read_http(yaml_reader& from, const reading& context, configuration& made) {
  if (const auto text = from.text("listen")) {
    auto address = parse_listen_address(*text);
    if (address)
      made.listen = std::move(*address);
    else
      from.problem("listen", "listen: " + address.error().text());
  }
  read_external_url(from, made);
  read_api_tokens(from, context, made);
  read_web_config_file(from, context, made);
  from.finish();
}

org_series read_series(yaml_reader& from) {
  constexpr std::array modes{yaml_choice<org_series_mode>{"all", org_series_mode::all},
                             yaml_choice<org_series_mode>{"failed", org_series_mode::failed},
                             yaml_choice<org_series_mode>{"off", org_series_mode::off}};
  constexpr std::int64_t series_max = 5'000'000;  // a scrape of half a gigabyte
  org_series made;
  made.mode = from.choice<org_series_mode>("mode", modes).value_or(made.mode);
  const auto limit = from.integer("limit", {1, series_max});
  made.limit = limit ? static_cast<std::size_t>(*limit) : made.limit;
  made.keep_after_end = from.time("keep_after_end", {0s, 30 * 24h}).value_or(made.keep_after_end);
  from.finish();
  return made;
}

logging read_logging(yaml_reader& from) {
  constexpr std::array levels{yaml_choice<log_level>{"debug", log_level::debug},
                              yaml_choice<log_level>{"info", log_level::info},
                              yaml_choice<log_level>{"warning", log_level::warning},
                              yaml_choice<log_level>{"error", log_level::error}};
  constexpr std::array formats{yaml_choice<log_format>{"logfmt", log_format::logfmt},
                               yaml_choice<log_format>{"json", log_format::json}};
  logging made;
  made.level = from.choice<log_level>("level", levels).value_or(made.level);
  made.format = from.choice<log_format>("format", formats).value_or(made.format);
  from.finish();
  return made;
}

configuration read_root(const yaml_node& node, const reading& context) {
  constexpr std::array<std::string_view, 1> later{"timezone"};
  constexpr std::array handlings{
      yaml_choice<store_failure_handling>{"refuse", store_failure_handling::refuse},
      yaml_choice<store_failure_handling>{"act", store_failure_handling::act}};
  configuration made;
  yaml_reader root(node, "the configuration", context.problems);
  made.hubs = read_hubs(root, context);
  made.rollout_gap = read_rollout_gap(root).value_or(made.rollout_gap);
  read_orgs_file(root, context, made);
  made.policies = read_policies(root, context);
  made.alerts = read_alerting(root, context, made.policies);
  read_state(root, context, made);
  made.on_store_failure =
      root.choice<store_failure_handling>("on_store_failure", handlings).value_or(made.on_store_failure);
  if (auto http = root.mapping("http"))
    read_http(*http, context, made);
  if (auto series = root.mapping("org_series"))
    made.series = read_series(*series);
  if (auto log = root.mapping("log"))
    made.log = read_logging(*log);
  root.refuse(later, unsupported);
  root.finish();
  return made;
}

std::string without_carriage_returns(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n')
      out += text[i];
  }
  return out;
}

}  // namespace

std::expected<std::string, problem_list> read_configuration_file(const std::filesystem::path& file) {
  const auto unreadable = [&](const std::string& reason) {
    return std::unexpected(problem_list{fmt::format("{}: cannot be read: {}", file.string(), reason)});
  };
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec))
    return unreadable("it is a directory");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return unreadable(std::generic_category().message(errno == 0 ? EIO : errno));
  std::string text(yaml_size_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    return unreadable("reading failed");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::optional<duration> read_rollout_gap(yaml_reader& root) {
  return root.time("rollout_gap", {1min, 365 * 24h});
}

problem_list find_warnings(const configuration& loaded) {
  problem_list found;
  if (loaded.api_tokens_file) {
    using std::filesystem::perms;
    std::error_code ec;
    const perms mode = std::filesystem::status(*loaded.api_tokens_file, ec).permissions();
    if (!ec && (mode & perms::others_read) != perms::none)
      found.push_back(fmt::format("{}: everybody on this machine can read the tokens; chmod o-r mends it",
                                  loaded.api_tokens_file->string()));
  }
  if (loaded.web) {
    for (std::string& warning : find_web_warnings(*loaded.web->loaded, loaded.web->file))
      found.push_back(std::move(warning));
  }
  return found;
}

std::string hash_configuration(std::string_view text) {
  return sha256_hex(without_carriage_returns(text));
}

std::expected<configuration, problem_list> read_configuration(std::string_view text,
                                                              const std::filesystem::path& file,
                                                              const environment& variables) {
  yaml_problems problems(file.string());
  const auto root = parse_yaml(text, problems);
  if (!root)
    return std::unexpected(problems.lines());
  const std::filesystem::path directory = file.parent_path();
  configuration made = read_root(
      *root,
      {.problems = problems, .directory = directory.empty() ? "." : directory, .variables = variables});
  if (!problems.empty())
    return std::unexpected(problems.lines());
  made.hash = hash_configuration(text);
  return made;
}

std::expected<configuration, problem_list> load_configuration(const std::filesystem::path& file,
                                                              const environment& variables) {
  const auto text = read_configuration_file(file);
  if (!text)
    return std::unexpected(text.error());
  return read_configuration(*text, file, variables);
}

}  // namespace pushguard::configuration
