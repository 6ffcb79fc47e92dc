#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent/configuration/sections.hpp"
#include "agent/salesforce/jwt_assertion.hpp"
#include "agent/salesforce/sfdx_auth_url.hpp"
#include "base/net.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t hubs_max = 64;  // each is a session, a tracker and label values of its own
constexpr std::size_t channels_max =
    16;  // for each hub; Salesforce allows far fewer clients a day than this needs
constexpr std::size_t channel_size_max = 255;
constexpr unsigned api_version_min = 51;  // brought PackagePushRequest.StartTime

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_channel(std::string_view text) {
  constexpr std::array<std::string_view, 4> prefixes{"/event/", "/data/", "/topic/", "/u/"};
  const auto is_under = [&](std::string_view prefix) {
    return text.size() > prefix.size() && text.starts_with(prefix);
  };
  return text.size() <= channel_size_max && std::ranges::any_of(prefixes, is_under) &&
         std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == '/' || c == '-'; });
}

/// `payload.Request_Id__c`: words with dots between them.
bool is_field_path(std::string_view text) {
  return !text.starts_with('.') && !text.ends_with('.') && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == '.'; });
}

bool is_api_version(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && std::string_view(end, text.data() + text.size()) == ".0" &&
         number >= api_version_min && number < 1000;
}

constexpr std::string_view common_login_url = "https://login.salesforce.com";

bool is_common_login_host(const origin& host) {
  return host.host == "login.salesforce.com" || host.host == "test.salesforce.com";
}

/// A URL of an org or of a login host: https or loopback, without a path.
std::optional<url> read_org_url(yaml_reader& from, std::string_view key, yaml_presence presence) {
  const yaml_node* node = from.node(key, presence);
  auto read = node == nullptr ? std::nullopt : read_url(*node, key, from.problems());
  if (!read)
    return std::nullopt;
  if (read->origin.security == security::plain && !read->origin.is_loopback())
    from.problem(key,
                 fmt::format("{} must be https://; http:// is accepted for loopback addresses only", key));
  else if (read->target != "/")
    from.problem(key, fmt::format("{} must end after the host, without a path", key));
  return read;
}

/// A text that is no secret.
std::string read_name(yaml_reader& from, std::string_view key) {
  auto name = from.text(key, yaml_presence::required).value_or("");
  if (name.find("${") != std::string::npos)
    from.problem(key, fmt::format("{}: environment variables are read for secrets only", key));
  return name;
}

/// The login URL of flows that need none of their own.
url read_login_url(yaml_reader& hub) {
  const auto given = read_org_url(hub, "login_url", yaml_presence::optional);
  return given ? *given : parse_url(common_login_url).value_or(url());
}

salesforce::credentials read_client_credentials(yaml_reader& hub, yaml_reader& from, const reading& context) {
  salesforce::client_credentials made;
  made.login_url = read_org_url(hub, "login_url", yaml_presence::required).value_or(url());
  if (is_common_login_host(made.login_url.origin))
    hub.problem("login_url", "login_url must be the org's My Domain (https://….my.salesforce.com): " +
                                 made.login_url.origin.host + " refuses client_credentials");
  made.client_id = read_name(from, "client_id");
  made.client_secret = read_secret(from, "client_secret", "client_secret_file", context);
  return made;
}

salesforce::credentials read_jwt_bearer(yaml_reader& hub, yaml_reader& from, const reading& context) {
  salesforce::jwt_bearer made;
  made.login_url = read_login_url(hub);
  made.client_id = read_name(from, "client_id");
  made.username = read_name(from, "username");
  made.private_key = read_secret(from, "private_key", "private_key_file", context);
  const std::string_view given = from.has("private_key_file") ? "private_key_file" : "private_key";
  if (const auto usable = salesforce::check_private_key(made.private_key);
      !made.private_key.empty() && !usable)
    from.problem(given, fmt::format("{}: {}", given, usable.error().text()));
  if (const auto audience = read_org_url(from, "audience", yaml_presence::optional))
    made.audience = audience->origin.text();
  return made;
}

salesforce::credentials read_refresh_token(yaml_reader& hub, yaml_reader& from, const reading& context) {
  salesforce::refresh_token made;
  made.login_url = read_login_url(hub);
  made.client_id = read_name(from, "client_id");
  if (from.has("client_secret") || from.has("client_secret_file"))
    made.client_secret = read_secret(from, "client_secret", "client_secret_file", context);
  made.token = read_secret(from, "refresh_token", "refresh_token_file", context);
  if (const auto file = from.has("refresh_token_file") ? from.text("refresh_token_file") : std::nullopt)
    made.kept_in = context.resolve(*file);
  return made;
}

salesforce::credentials read_access_token(yaml_reader& from, const reading& context) {
  salesforce::access_token_file made;
  made.instance = read_org_url(from, "instance_url", yaml_presence::required).value_or(url()).origin;
  made.file = context.resolve(from.text("token_file", yaml_presence::required).value_or(""));
  return made;
}

salesforce::credentials read_sfdx_auth_url(yaml_reader& auth, const reading& context) {
  constexpr std::string_view key = "sfdx_auth_url_file";
  const secret content = read_secret_file(auth, key, context);
  auto parsed = salesforce::parse_sfdx_auth_url(content.reveal());
  if (!parsed) {
    if (!content.empty())
      auth.problem(key, fmt::format("{}: {}", key, parsed.error().text()));
    return {};
  }
  parsed->kept_in = context.resolve(auth.text(key).value_or(""));
  return std::move(*parsed);
}

/// login_url would do nothing beside a flow that names its own host.
void refuse_login_url(yaml_reader& hub, std::string_view flow) {
  constexpr std::array<std::string_view, 1> unused{"login_url"};
  hub.refuse(unused, flow);
}

salesforce::credentials read_login(yaml_reader& hub, const reading& context) {
  constexpr std::array<std::string_view, 5> flows{"jwt_bearer", "client_credentials", "refresh_token",
                                                  "sfdx_auth_url_file", "access_token"};
  auto auth = hub.mapping("auth", yaml_presence::required);
  const auto flow = auth ? auth->exactly_one_of(flows) : std::nullopt;
  if (!flow) {
    if (auth)
      auth->finish();
    (void)read_org_url(hub, "login_url", yaml_presence::optional);
    return {};
  }
  salesforce::credentials made;
  if (*flow == "sfdx_auth_url_file") {
    refuse_login_url(hub, "has no use with sfdx_auth_url_file, which names its own host");
    made = read_sfdx_auth_url(*auth, context);
  } else if (auto from = auth->mapping(*flow)) {
    if (*flow == "jwt_bearer")
      made = read_jwt_bearer(hub, *from, context);
    else if (*flow == "client_credentials")
      made = read_client_credentials(hub, *from, context);
    else if (*flow == "refresh_token")
      made = read_refresh_token(hub, *from, context);
    else {
      refuse_login_url(hub, "has no use with access_token, which has an instance_url");
      made = read_access_token(*from, context);
    }
    from->finish();
  } else {
    // The flow is wrong as a whole, and told so; the address beside it is not unknown for that.
    (void)read_org_url(hub, "login_url", yaml_presence::optional);
  }
  auth->finish();
  return made;
}

std::optional<std::filesystem::path> read_ca_file(yaml_reader& hub, const reading& context) {
  auto tls = hub.mapping("tls");
  if (!tls)
    return std::nullopt;
  const auto text = tls->text("ca_file", yaml_presence::required);
  tls->finish();
  if (!text)
    return std::nullopt;
  auto path = context.resolve(*text);
  if (const auto trust = load_tls_trust(path); !trust)
    tls->problem("ca_file", "ca_file: " + trust.error().text());
  return path;
}

salesforce::event_fields read_event_fields(yaml_reader& from) {
  const auto path = [&](std::string_view key) {
    auto text = from.text(key).value_or("");
    if (!is_field_path(text))
      from.problem(key, fmt::format("{} must be a path into the event, like payload.Request_Id__c", key));
    return text;
  };
  salesforce::event_fields made;
  made.request_id = path("request_id");
  made.job_id = path("job_id");
  made.org_key = path("org_key");
  made.status = path("status");
  made.error_type = path("error_type");
  from.finish();
  return made;
}

void read_replay(yaml_reader& from, cometd::wanted_channel& made) {
  constexpr std::array table{yaml_choice<cometd::replay_start>{"latest", cometd::replay_start::latest},
                             yaml_choice<cometd::replay_start>{"earliest", cometd::replay_start::earliest}};
  made.first = from.choice<cometd::replay_start>("first", table).value_or(made.first);
  made.when_lost = from.choice<cometd::replay_start>("when_lost", table).value_or(made.when_lost);
  from.finish();
}

channel read_channel(const yaml_node& node, yaml_problems& problems) {
  channel made;
  yaml_reader from(node, "an item of channels", problems);
  made.wanted.channel = from.text("channel", yaml_presence::required).value_or("");
  if (!made.wanted.channel.empty() && !is_channel(made.wanted.channel))
    from.problem("channel",
                 "channel must be a name below /event/, /data/, /topic/ or /u/, like /event/Push_Upgrade__e");
  if (auto replay = from.mapping("replay"))
    read_replay(*replay, made.wanted);
  if (auto fields = from.mapping("fields"))
    made.fields = read_event_fields(*fields);
  from.finish();
  return made;
}

std::vector<channel> read_channels(yaml_reader& hub) {
  auto streaming = hub.mapping("streaming");
  if (!streaming)
    return {};
  std::vector<channel> made;
  std::set<std::string> seen;
  for (const yaml_node& item :
       bounded_sequence(*streaming, "channels", channels_max, yaml_presence::required)) {
    made.push_back(read_channel(item, hub.problems()));
    const std::string& name = made.back().wanted.channel;
    if (!name.empty() && !seen.insert(name).second)
      hub.problems().add(item.find("channel")->position,
                         fmt::format("the channel {} stands here twice", name));
  }
  streaming->finish();
  return made;
}

reconciliation read_reconciliation(yaml_reader& from) {
  reconciliation made;
  made.active_interval = from.time("active_interval", {100ms, 1h}).value_or(made.active_interval);
  made.idle_interval = from.time("idle_interval", {100ms, 24h}).value_or(made.idle_interval);
  // A thousandth of 15 000 calls a day, the least that Salesforce gives, is one call in 96 minutes.
  made.call_budget = from.share("call_budget", {0.001, 1}).value_or(made.call_budget);
  made.blind_after = from.time("blind_after", {1s, 24h}).value_or(made.blind_after);
  if (made.idle_interval < made.active_interval)
    from.problem("idle_interval",
                 fmt::format("idle_interval ({}) must not be shorter than active_interval ({})",
                             format_duration(made.idle_interval), format_duration(made.active_interval)));
  from.finish();
  return made;
}

std::optional<std::string> read_api_version(yaml_reader& hub) {
  auto version = hub.text("api_version");
  if (version && !is_api_version(*version))
    hub.problem("api_version",
                fmt::format("api_version must be like \"62.0\", and {}.0 at least", api_version_min));
  return version;
}

/// Where the hub is asked first; its other origins are told by it.
const origin& first_origin(const salesforce::credentials& login) {
  return std::visit(
      [](const auto& with) -> const origin& {
        if constexpr (requires { with.instance; })
          return with.instance;
        else
          return with.login_url.origin;
      },
      login);
}

proxy_rules read_environment_proxy(yaml_reader& hub, const salesforce::credentials& login,
                                   const reading& context) {
  auto made = environment_proxy(context.variables);
  if (made)
    return std::move(*made);
  // A hub of this machine would not use it: a demonstration or a test must not fail for it.
  if (!first_origin(login).is_loopback())
    hub.problems().add(hub.position(), made.error().text() + "; `proxy: none` does without it");
  return {};
}

proxy_rules read_proxy(yaml_reader& hub, const salesforce::credentials& login, const reading& context) {
  if (auto said = read_proxy_key(hub, context))
    return std::move(*said);
  return read_environment_proxy(hub, login, context);
}

hub read_hub(yaml_reader& from, unique_names& names, const reading& context) {
  hub made;
  made.name = names.read(from);
  made.login = read_login(from, context);
  made.api_version = read_api_version(from);
  made.packages = read_ids<domain::package_id>(from, "packages");
  made.ca_file = read_ca_file(from, context);
  made.proxies = read_proxy(from, made.login, context);
  made.channels = read_channels(from);
  if (auto reconcile = from.mapping("reconcile"))
    made.reconcile = read_reconciliation(*reconcile);
  from.finish();
  return made;
}

}  // namespace

std::vector<hub> read_hubs(yaml_reader& root, const reading& context) {
  std::vector<hub> made;
  unique_names names("hub");
  for (const yaml_node& item : bounded_sequence(root, "hubs", hubs_max, yaml_presence::required)) {
    yaml_reader from(item, "an item of hubs", context.problems);
    made.push_back(read_hub(from, names, context));
  }
  return made;
}

}  // namespace pushguard::configuration
