#include "simulator/credentials.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/file.hpp"
#include "base/url.hpp"
#include "simulator/assertion.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

constexpr duration time_max = std::chrono::hours(24 * 365);
constexpr yaml_range<duration> any_time{duration::zero(), time_max};
constexpr yaml_range<duration> positive_time{1ms, time_max};
constexpr std::size_t key_file_size_max = 64UZ * 1024;      // a certificate with its chain is far smaller
constexpr std::int64_t fault_requests_max = 1'000'000'000;  // beyond any run

template <class T>
void assign(T& to, std::optional<T> value) {
  if (value)
    to = std::move(*value);
}

void read_list(yaml_reader& in, std::string_view key, std::size_t count_max, std::vector<std::string>& to) {
  const auto read = in.texts(key);
  if (!read)
    return;
  if (read->size() > count_max)
    return in.problem(key, fmt::format("{} must not have more than {} items", key, count_max));
  for (const yaml_text& each : *read)
    to.push_back(each.text);
}

std::optional<std::string> read_public_key(yaml_reader& in, const std::filesystem::path& directory) {
  const auto given = in.exactly_one_of(std::array<std::string_view, 2>{"public_key", "public_key_file"});
  const auto text = given ? in.text(*given) : std::nullopt;
  if (!text)
    return std::nullopt;
  std::string pem = *text;
  if (*given == "public_key_file") {
    auto content = read_file(directory / pem, key_file_size_max);
    if (!content) {
      in.problem(*given, fmt::format("{}: the file cannot be used: {}", *given, content.error().text()));
      return std::nullopt;
    }
    pem = std::move(*content);
  }
  if (is_rsa_public_key(pem))
    return pem;
  in.problem(*given, fmt::format("{} must be a public key of RSA, or a certificate of one, in PEM", *given));
  return std::nullopt;
}

jwt_plan read_jwt(yaml_reader& in, const std::filesystem::path& directory) {
  jwt_plan plan;
  assign(plan.public_key, read_public_key(in, directory));
  assign(plan.username, in.text("username", yaml_presence::required));
  read_list(in, "audiences", audiences_max, plan.audiences);
  if (in.has("audiences") && plan.audiences.empty())
    in.problem("audiences", fmt::format("audiences must have 1 to {} items", audiences_max));
  assign(plan.skew, in.time("skew", any_time));
  return plan;
}

/// A duration that may have a sign.
void read_offset(yaml_reader& in, std::string_view key, duration& to) {
  const yaml_node* given = in.node(key);
  if (given == nullptr)
    return;
  yaml_node length = *given;
  const bool is_negative = length.text.starts_with('-');
  if (is_negative)
    length.text.erase(0, 1);
  if (const auto read = yaml_read_duration(length, key, any_time, in.problems()))
    to = is_negative ? -*read : *read;
}

void read_instance(yaml_reader& in, std::string& to) {
  const auto text = in.text("instance_url");
  if (!text)
    return;
  const auto read = parse_url(*text);
  if (!read)
    return in.problem("instance_url", fmt::format("instance_url: {}", read.error().text()));
  if (read->target != "/")
    return in.problem("instance_url", "instance_url must end with the host or the port");
  to = read->origin.text();
}

std::optional<login_fault_plan> read_fault(yaml_reader& in) {
  std::vector<yaml_choice<login_fault_kind>> choices;
  for (const login_fault_kind each : all_login_fault_kinds())
    choices.emplace_back(name_of(each), each);
  const auto kind = in.choice<login_fault_kind>("kind", choices, yaml_presence::required);
  login_fault_plan plan{.kind = kind.value_or(login_fault_kind::slow)};
  assign(plan.from, in.time("from", any_time));
  plan.until = in.time("until", any_time);
  if (plan.until && *plan.until <= plan.from)
    in.problem("until", "until must be later than from");
  if (const auto skip = in.integer("skip", {0, fault_requests_max}))
    plan.skip = static_cast<std::size_t>(*skip);
  if (const auto times = in.integer("times", {1, fault_requests_max}))
    plan.times = static_cast<std::size_t>(*times);
  plan.delay = in.time("delay", any_time);
  if (!kind)
    return std::nullopt;
  return plan;
}

void read_faults(yaml_reader& credentials, std::vector<login_fault_plan>& to) {
  const auto nodes = credentials.sequence("faults");
  if (nodes.size() > login_faults_max)
    return credentials.problem("faults",
                               fmt::format("there must not be more than {} faults", login_faults_max));
  for (const yaml_node& node : nodes) {
    yaml_reader in(node, "fault", credentials.problems());
    if (auto plan = read_fault(in))
      to.push_back(*plan);
    in.finish();
  }
}

}  // namespace

void read_credentials(yaml_reader& in, const std::filesystem::path& directory, credentials_plan& plan) {
  assign(plan.client_id, in.text("client_id"));
  assign(plan.client_secret, in.text("client_secret"));
  assign(plan.token_life, in.time("token_life", positive_time));
  if (auto jwt = in.mapping("jwt")) {
    plan.jwt = read_jwt(*jwt, directory);
    jwt->finish();
  }
  read_list(in, "refresh_tokens", refresh_tokens_max, plan.refresh_tokens);
  if (const auto is_required = in.flag("refresh_secret_required"))
    plan.refresh_secret = *is_required ? refresh_secret::required : refresh_secret::optional;
  if (const auto is_rotated = in.flag("rotate_refresh_tokens"))
    plan.refresh_use = *is_rotated ? refresh_token_use::rotated : refresh_token_use::kept;
  read_offset(in, "clock_offset", plan.clock_offset);
  read_instance(in, plan.instance_url);
  read_faults(in, plan.faults);
}

}  // namespace pushguard::simulator
