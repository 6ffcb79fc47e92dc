#include "agent/configuration/web_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "base/yaml.hpp"

namespace pushguard::configuration {
namespace {

constexpr std::size_t pem_size_max = 1024UZ * 1024;  // the system's whole trust store is a quarter of it
constexpr std::size_t names_max = 100;
constexpr std::string_view bcrypt_prefix = "$2b$12$";
constexpr std::size_t bcrypt_size = 60;

/// Where one file is read, and what else is read for it.
struct web_reading {
  yaml_problems& problems;
  std::filesystem::path directory;
  std::vector<stamped_file>& files;
};

struct named_text {
  std::filesystem::path file;
  std::string content;
};

/// The content of the file that `key` names; nothing where the key is absent or the file cannot be read.
std::optional<named_text> read_named_file(yaml_reader& from, std::string_view key, const web_reading& context,
                                          yaml_presence presence = yaml_presence::optional) {
  const auto name = from.text(key, presence);
  if (!name)
    return std::nullopt;
  const std::filesystem::path file = (context.directory / *name).lexically_normal();
  context.files.push_back({.path = file, .stamp = stamp_of(file)});
  auto content = read_file(file, pem_size_max);
  if (!content) {
    from.problem(key, fmt::format("{}: {}", key, content.error().text()));
    return std::nullopt;
  }
  return named_text{.file = file, .content = std::move(*content)};
}

std::optional<client_certificates> read_client_auth(yaml_reader& from) {
  constexpr std::array kinds{
      yaml_choice<client_certificates>{"NoClientCert", client_certificates::ignored},
      yaml_choice<client_certificates>{"RequestClientCert", client_certificates::requested},
      yaml_choice<client_certificates>{"RequireAnyClientCert", client_certificates::required},
      yaml_choice<client_certificates>{"RequireClientCert", client_certificates::required},
      yaml_choice<client_certificates>{"VerifyClientCertIfGiven", client_certificates::verified_if_given},
      yaml_choice<client_certificates>{"RequireAndVerifyClientCert", client_certificates::verified}};
  return from.choice<client_certificates>("client_auth_type", kinds);
}

bool is_verifying(client_certificates clients) noexcept {
  return clients == client_certificates::verified_if_given || clients == client_certificates::verified;
}

tls_protocol read_version(yaml_reader& from, std::string_view key, tls_protocol otherwise) {
  constexpr std::array<std::string_view, 4> names{"TLS13", "TLS12", "TLS11", "TLS10"};
  const yaml_node* const value = from.node(key);
  const auto index = value != nullptr ? yaml_read_name(*value, key, names, from.problems()) : std::nullopt;
  if (!index)
    return otherwise;
  if (*index > 1)
    from.problem(
        key, fmt::format("{}: {} is refused, because OpenSSL speaks it only with its security level lowered "
                         "for every version; TLS12 is the least",
                         key, names[*index]));
  return *index == 0 ? tls_protocol::tls_1_3 : tls_protocol::tls_1_2;
}

std::vector<std::string> read_list(yaml_reader& from, std::string_view key) {
  std::vector<std::string> made;
  for (yaml_text& each : from.texts(key).value_or(std::vector<yaml_text>{}))
    made.push_back(std::move(each.text));
  if (made.size() > names_max)
    from.problem(key, fmt::format("{} may have at most {} items", key, names_max));
  return made;
}

std::vector<std::string> read_suites(yaml_reader& from) {
  const std::vector<std::string> known = known_cipher_suites();
  const std::vector<std::string_view> names(known.begin(), known.end());
  std::vector<std::string> made;
  for (const yaml_text& each : from.texts("cipher_suites").value_or(std::vector<yaml_text>{})) {
    if (std::ranges::find(names, each.text) != names.end()) {
      made.push_back(each.text);
      continue;
    }
    const std::string_view near = nearest_word(each.text, names);
    from.problems().add(
        each.position, fmt::format("cipher_suites: '{}' is no cipher suite that OpenSSL has here{}",
                                   each.text, near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  return made;
}

std::vector<std::string> read_curves(yaml_reader& from) {
  constexpr std::array<std::string_view, 4> names{"CurveP256", "CurveP384", "CurveP521", "X25519"};
  constexpr std::array<std::string_view, 4> of_openssl{"P-256", "P-384", "P-521", "X25519"};
  std::vector<std::string> made;
  for (const yaml_node& item : from.sequence("curve_preferences")) {
    const auto index = yaml_read_name(item, "an item of curve_preferences", names, from.problems());
    if (index)
      made.emplace_back(of_openssl[*index]);
  }
  return made;
}

/// What the settings say about each other.
void check_clients(yaml_reader& from, const tls_server_settings& settings) {
  if (is_verifying(settings.clients) && !from.has("client_ca_file"))
    from.problem("client_auth_type",
                 "client_auth_type verifies certificates and so needs client_ca_file: the system's "
                 "authorities would let "
                 "anybody in");
  if (settings.clients == client_certificates::ignored && from.has("client_ca_file"))
    from.problem("client_ca_file", "client_ca_file has no effect without client_auth_type");
  if (!is_verifying(settings.clients) && from.has("client_allowed_sans"))
    from.problem(
        "client_allowed_sans",
        "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert or VerifyClientCertIfGiven");
  if (settings.version_min > settings.version_max)
    from.problem("max_version", "max_version must not be below min_version");
}

std::string_view key_of(tls_setting setting) noexcept {
  switch (setting) {
    case tls_setting::certificate:
      return "cert_file";
    case tls_setting::key:
      return "key_file";
    case tls_setting::client_ca:
      return "client_ca_file";
    case tls_setting::cipher_suites:
      return "cipher_suites";
    case tls_setting::curves:
      break;
  }
  return "curve_preferences";
}

void read_tls(yaml_reader& from, const web_reading& context, web_config& made) {
  const auto certificate = read_named_file(from, "cert_file", context, yaml_presence::required);
  const auto key = read_named_file(from, "key_file", context, yaml_presence::required);
  const auto client_ca = read_named_file(from, "client_ca_file", context);
  tls_server_settings settings{.certificate = certificate ? certificate->content : "",
                               .key = secret(key ? key->content : ""),
                               .client_ca = client_ca ? client_ca->content : ""};
  const auto clients = read_client_auth(from);
  settings.clients = clients.value_or(settings.clients);
  settings.client_names = read_list(from, "client_allowed_sans");
  settings.version_min = read_version(from, "min_version", settings.version_min);
  settings.version_max = read_version(from, "max_version", settings.version_max);
  settings.cipher_suites = read_suites(from);
  settings.curves = read_curves(from);
  settings.prefers_own_order = from.flag("prefer_server_cipher_suites").value_or(settings.prefers_own_order);
  from.finish();
  if (clients || !from.has("client_auth_type"))
    check_clients(from, settings);
  auto context_made = make_tls_server_context(settings);
  if (context_made) {
    made.tls = std::move(*context_made);
    made.certificate = certificate ? certificate->file : "";
    made.key = key ? key->file : "";
    return;
  }
  for (const tls_setting_problem& problem : context_made.error()) {
    const auto& file = problem.setting == tls_setting::certificate ? certificate
                       : problem.setting == tls_setting::key       ? key
                                                                   : client_ca;
    const bool is_of_a_file =
        problem.setting != tls_setting::cipher_suites && problem.setting != tls_setting::curves;
    if (is_of_a_file && !file)
      continue;  // told already
    const std::string name = is_of_a_file ? ": " + file->file.string() : "";
    from.problem(key_of(problem.setting),
                 fmt::format("{}{} {}", key_of(problem.setting), name, problem.message));
  }
}

struct allowed_header {
  std::string_view name;
  std::vector<std::string_view> values;  ///< in lower case; empty: any
};

const std::array<allowed_header, 5>& allowed_headers() {
  static const std::array<allowed_header, 5> table{{{"Content-Security-Policy", {}},
                                                    {"X-Frame-Options", {"deny", "sameorigin"}},
                                                    {"X-Content-Type-Options", {"nosniff"}},
                                                    {"X-XSS-Protection", {}},
                                                    {"Strict-Transport-Security", {}}}};
  return table;
}

bool is_one_visible_line(std::string_view text) {
  return trim(text).size() == text.size() &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

http_headers read_headers(yaml_reader& from) {
  http_headers made;
  for (const allowed_header& each : allowed_headers()) {
    const auto value = from.text(each.name);
    if (!value)
      continue;
    if (!is_one_visible_line(*value))
      from.problem(each.name, fmt::format("{} must be one line of visible characters", each.name));
    else if (!each.values.empty() &&
             std::ranges::find(each.values, to_lower_ascii(*value)) == each.values.end())
      from.problem(each.name, fmt::format("{} must be {}", each.name, fmt::join(each.values, " or ")));
    else
      made.set(each.name, *value);
  }
  from.finish();
  return made;
}

void read_http_server(yaml_reader& from, web_config& made) {
  // It says whether HTTP/2 is offered; this server speaks HTTP/1.1 either way.
  static_cast<void>(from.flag("http2"));
  if (auto headers = from.mapping("headers"))
    made.headers = read_headers(*headers);
  from.finish();
}

bool is_user_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return c != ':' && static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
  });
}

std::vector<basic_auth_user> read_users(yaml_reader& from, yaml_problems& problems) {
  std::vector<basic_auth_user> made;
  const auto entries = from.entries();
  for (const yaml_entry& each : entries) {
    if (!is_user_name(each.key)) {
      problems.add(each.position,
                   "a user of basic_auth_users must have a name without colons and control characters");
      continue;
    }
    const bool is_text = each.value.kind == yaml_kind::scalar;
    if (!is_text || !is_bcrypt_hash(each.value.text))
      problems.add(each.value.position,
                   fmt::format("the password of user '{}' must be a hash by bcrypt ($2a$, $2b$ or $2y$), as "
                               "'htpasswd -nBC 10 {}' makes it",
                               each.key, each.key));
    else if (const int cost = bcrypt_cost_of(each.value.text);
             cost < bcrypt_cost_min || cost > bcrypt_cost_max)
      problems.add(each.value.position,
                   fmt::format("the password of user '{}' is hashed at cost {}, which must be {} to {}",
                               each.key, cost, bcrypt_cost_min, bcrypt_cost_max));
    else
      made.push_back({.name = each.key, .hash = secret(each.value.text)});
  }
  if (entries.size() > basic_auth_users_max)
    problems.add(from.position(),
                 fmt::format("basic_auth_users may have at most {} users", basic_auth_users_max));
  return made;
}

web_config read_root(const yaml_node& node, const web_reading& context) {
  web_config made;
  if (node.kind == yaml_kind::null)
    return made;
  yaml_reader root(node, "the web configuration", context.problems);
  if (auto tls = root.mapping("tls_server_config"))
    read_tls(*tls, context, made);
  if (auto http = root.mapping("http_server_config"))
    read_http_server(*http, made);
  if (auto users = root.mapping("basic_auth_users"))
    made.users = read_users(*users, context.problems);
  root.finish();
  return made;
}

std::expected<shared_web_config, std::vector<std::string>> read_web_config(const std::filesystem::path& file,
                                                                           std::vector<stamped_file>& files) {
  const auto text = read_file(file, yaml_size_max);
  if (!text)
    return std::unexpected(std::vector{text.error().text()});
  yaml_problems problems(file.string());
  const auto root = parse_yaml(*text, problems);
  if (!root)
    return std::unexpected(problems.lines());
  const std::filesystem::path directory = file.parent_path();
  web_config made = read_root(
      *root, {.problems = problems, .directory = directory.empty() ? "." : directory, .files = files});
  if (!problems.empty())
    return std::unexpected(problems.lines());
  return std::make_shared<const web_config>(std::move(made));
}

bool is_readable_by_everybody(const std::filesystem::path& file) {
  using std::filesystem::perms;
  std::error_code ec;
  const perms mode = std::filesystem::status(file, ec).permissions();
  return !ec && (mode & perms::others_read) != perms::none;
}

}  // namespace

bool is_bcrypt_hash(std::string_view text) noexcept {
  constexpr auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  constexpr auto is_of_base64 = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '/';
  };
  return text.size() == bcrypt_size && text.starts_with("$2") &&
         (text[2] == 'a' || text[2] == 'b' || text[2] == 'y') && text[3] == '$' && is_digit(text[4]) &&
         is_digit(text[5]) && text[6] == '$' &&
         std::ranges::all_of(text.substr(bcrypt_prefix.size()), is_of_base64);
}

int bcrypt_cost_of(std::string_view hash) noexcept {
  constexpr int base = 10;
  return (hash[4] - '0') * base + (hash[5] - '0');
}

web_config_reading load_web_config(const std::filesystem::path& file) {
  // Looked at before they are read, so that a change in between is seen as one.
  web_config_reading made{.outcome = nullptr, .files = {{.path = file, .stamp = stamp_of(file)}}};
  made.outcome = read_web_config(file, made.files);
  return made;
}

std::vector<std::string> find_web_warnings(const web_config& loaded, const std::filesystem::path& file) {
  std::vector<std::string> found;
  if (loaded.tls && loaded.tls->is_expired())
    found.push_back(fmt::format("{}: the certificate has expired", loaded.certificate.string()));
  if (loaded.tls && is_readable_by_everybody(loaded.key))
    found.push_back(fmt::format("{}: everybody on this machine can read the private key; chmod o-r mends it",
                                loaded.key.string()));
  if (!loaded.users.empty() && is_readable_by_everybody(file))
    found.push_back(fmt::format(
        "{}: everybody on this machine can read the hashes of passwords; chmod o-r mends it", file.string()));
  return found;
}

}  // namespace pushguard::configuration
