#include "agent/hub_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <span>

#include "agent/call_budget.hpp"
#include "agent/stream_adapters.hpp"
#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

using salesforce::api_error_kind;
using salesforce::field_description;
using salesforce::object_description;

// What is listed is for people.
constexpr std::size_t packages_shown_max = 50;
constexpr std::size_t versions_shown_max = 5;
constexpr std::size_t requests_shown_max = 10;
// A handshake and 16 subscribes, each of which may be answered after some seconds.
constexpr duration stream_patience = std::chrono::seconds(45);
// Requests, counts, changed jobs, and the errors of some.
constexpr std::uint64_t calls_of_a_read = 4;

constexpr std::string_view push_right =
    "it needs \"Upload AppExchange Packages\" (1GP, in the packaging org) or \"Create and Update "
    "Second-Generation Packages\" (2GP and unlocked, in the Dev Hub that owns the package)";

/// What the agent selects of an object; without one of these its query fails.
struct needed_object {
  std::string_view name;
  std::span<const std::string_view> fields;
};

constexpr std::array<std::string_view, 6> request_fields{"Id",     "PackageVersionId", "ScheduledStartTime",
                                                         "Status", "StartTime",        "EndTime"};
constexpr std::array<std::string_view, 6> job_fields{
    "Id", "PackagePushRequestId", "SubscriberOrganizationKey", "Status", "StartTime", "EndTime"};
constexpr std::array<std::string_view, 6> error_fields{"PackagePushJobId", "ErrorSeverity", "ErrorType",
                                                       "ErrorTitle",       "ErrorMessage",  "ErrorDetails"};
constexpr std::array<std::string_view, 7> subscriber_fields{"OrgKey",
                                                            "OrgName",
                                                            "OrgType",
                                                            "OrgStatus",
                                                            "InstanceName",
                                                            "MetadataPackageId",
                                                            "MetadataPackageVersionId"};
constexpr std::array<std::string_view, 4> package_fields{"Id", "Name", "NamespacePrefix", "PackageCategory"};
constexpr std::array<std::string_view, 6> version_fields{"Name",         "MajorVersion", "MinorVersion",
                                                         "PatchVersion", "BuildNumber",  "MetadataPackageId"};

constexpr std::string_view request_object = "PackagePushRequest";
constexpr std::string_view job_object = "PackagePushJob";
constexpr std::string_view error_object = "PackagePushError";
constexpr std::array needed_objects{needed_object{request_object, request_fields},
                                    needed_object{job_object, job_fields},
                                    needed_object{error_object, error_fields},
                                    needed_object{"PackageSubscriber", subscriber_fields},
                                    needed_object{"MetadataPackage", package_fields},
                                    needed_object{"MetadataPackageVersion", version_fields}};

const field_description* field_of(const object_description& object, std::string_view name) {
  const auto found = std::ranges::find(object.fields, name, &field_description::name);
  return found == object.fields.end() ? nullptr : &*found;
}

bool is_filterable(const object_description& object, std::string_view name) {
  const field_description* field = field_of(object, name);
  return field != nullptr && field->is_filterable;
}

/// The object is not there for this user.
bool is_hidden(const salesforce::api_failure& failed) {
  return failed.kind == api_error_kind::not_found || failed.kind == api_error_kind::invalid_type ||
         failed.kind == api_error_kind::insufficient_access;
}

std::string_view flow_name(const salesforce::credentials& with) {
  struct namer {
    std::string_view operator()(const salesforce::client_credentials&) const { return "client_credentials"; }
    std::string_view operator()(const salesforce::jwt_bearer&) const { return "jwt_bearer"; }
    std::string_view operator()(const salesforce::refresh_token&) const { return "refresh_token"; }
    std::string_view operator()(const salesforce::access_token_file&) const { return "access_token"; }
  };
  return std::visit(namer{}, with);
}

std::string_view told_or(std::string_view text, std::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

std::string_view generation_text(domain::package_generation generation) {
  switch (generation) {
    case domain::package_generation::first:
      return "1GP";
    case domain::package_generation::second:
      return "2GP or unlocked";
    case domain::package_generation::unknown:
      break;
  }
  return "of unknown generation";
}

/// `1 version`, `2 versions`.
std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

/// Keeps what the answers tell of the allocation, and counts the calls.
class usage_listener final : public salesforce::api_observer {
 public:
  usage_listener(double share, time_source& time) : budget_(share), time_(time) {}

  void call_ended(salesforce::api_operation operation, salesforce::api_outcome) override {
    if (operation != salesforce::api_operation::login && operation != salesforce::api_operation::versions)
      budget_.spend(1, time_.steady_now());
  }
  void usage_told(salesforce::api_usage usage) override { budget_.tell(usage); }

  [[nodiscard]] const call_budget& budget() const noexcept { return budget_; }

 private:
  call_budget budget_;
  time_source& time_;
};

/// Hears what the stream's client says of the session as a whole; channels tell their own trouble.
class trouble_listener final : public logger {
 public:
  void write(log_level, std::string_view event, std::span<const log_field> fields) override {
    if (event != "stream_trouble")
      return;
    for (const log_field& field : fields) {
      const auto* text = std::get_if<std::string_view>(&field.value);
      if (field.key == "reason" && text != nullptr)
        trouble_ = *text;
    }
  }
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  std::string trouble_;
};

/// Remembers what became of each channel.
class channel_listener final : public cometd::client_observer {
 public:
  void channel_changed(const cometd::channel_status& status) override {
    if (status.is_live() || status.phase == cometd::channel_phase::parked) {
      known_.insert_or_assign(status.channel, status);
      changed_.notify_all();
    }
  }
  void handshake_begun(cometd::handshake_reason) override {}
  void gap_found(const cometd::gap&) override {}
  void event_delivered(std::string_view) override {}
  void duplicate_dropped(std::string_view) override {}
  void problem_found(cometd::problem_kind) override {}
  void trouble_changed(std::string_view) override {}
  void poll_ended(wall_time) override {}

  [[nodiscard]] asio::awaitable<result<>> wait_for(std::size_t channels) {
    while (known_.size() < channels)
      co_await changed_.wait();
    co_return result<>{};
  }
  [[nodiscard]] const cometd::channel_status* find(const std::string& channel) const {
    const auto found = known_.find(channel);
    return found == known_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, cometd::channel_status> known_;
  condition changed_;
};

/// Events that come while a channel is tried are the agent's, which reads them when it runs.
class passing_consumer final : public cometd::event_consumer {
 public:
  [[nodiscard]] asio::awaitable<result<>> consume(cometd::delivery) override { co_return result<>{}; }
};

class checking {
 public:
  checking(const configuration::hub& hub, hub_connection_parts parts, hub_check_options options)
      : hub_(hub),
        parts_(std::move(parts)),
        options_(options),
        usage_(hub.reconcile.call_budget, parts_.time),
        connection_(hub, heard_by(parts_, usage_)) {}

  [[nodiscard]] asio::awaitable<std::vector<finding>> run();

 private:
  static hub_connection_parts heard_by(hub_connection_parts parts, salesforce::api_observer& observer) {
    return {.network = parts.network,
            .time = parts.time,
            .log = parts.log,
            .random = parts.random,
            .trust = std::move(parts.trust),
            .observer = observer};
  }

  [[nodiscard]] asio::awaitable<result<>> look();
  [[nodiscard]] asio::awaitable<bool> log_in();
  [[nodiscard]] asio::awaitable<bool> choose_version();
  [[nodiscard]] asio::awaitable<void> look_at_objects();
  void look_at(const needed_object& needed, const object_description& described);
  void look_at_statuses();
  void look_at_error_types();
  void look_at_abort();
  void look_at_changes();
  [[nodiscard]] asio::awaitable<void> look_at_packages();
  void tell_package(const salesforce::package_row& package,
                    std::vector<salesforce::package_version_row> versions);
  [[nodiscard]] asio::awaitable<void> look_at_requests();
  [[nodiscard]] asio::awaitable<void> look_at_calls();
  void tell_budget();
  [[nodiscard]] asio::awaitable<void> try_channels();
  [[nodiscard]] asio::awaitable<void> end_when_settled(channel_listener& channels, task_group& tasks,
                                                       bool& has_waited);

  [[nodiscard]] const object_description* described(std::string_view object) const {
    const auto found = objects_.find(object);
    return found == objects_.end() ? nullptr : &found->second;
  }
  void tell(finding_level level, std::string_view what, std::string text) {
    found_.push_back({level, std::string(what), std::move(text)});
  }
  void ok(std::string_view what, std::string text) { tell(finding_level::ok, what, std::move(text)); }
  void warn(std::string_view what, std::string text) { tell(finding_level::warning, what, std::move(text)); }
  void problem(std::string_view what, std::string text) {
    tell(finding_level::problem, what, std::move(text));
  }

  const configuration::hub& hub_;
  hub_connection_parts parts_;
  hub_check_options options_;
  usage_listener usage_;
  hub_connection connection_;
  std::map<std::string, object_description, std::less<>> objects_;
  std::vector<finding> found_;
  std::string step_;  ///< what is being done
};

asio::awaitable<std::vector<finding>> checking::run() {
  const steady_time end = parts_.time.steady_now() + options_.patience;
  const auto looked = co_await with_deadline(parts_.time, end, "checking the hub", look());
  if (!looked)
    problem("time", fmt::format("the hub was given up after {}, while {}", format_duration(options_.patience),
                                step_));
  connection_.rest().close();
  co_return std::move(found_);
}

asio::awaitable<result<>> checking::look() {
  const bool has_logged_in = co_await log_in();
  if (!has_logged_in)
    co_return result<>{};
  const bool has_version = co_await choose_version();
  if (!has_version)
    co_return result<>{};
  co_await look_at_objects();
  look_at_statuses();
  look_at_error_types();
  look_at_abort();
  look_at_changes();
  co_await look_at_packages();
  co_await look_at_requests();
  co_await look_at_calls();
  co_await try_channels();
  co_return result<>{};
}

asio::awaitable<bool> checking::log_in() {
  step_ = "logging in";
  const std::string_view flow = flow_name(hub_.login);
  const auto session = co_await connection_.session().current();
  if (!session) {
    problem("login", fmt::format("{}: {}", flow, session.error().text()));
    co_return false;
  }
  ok("login", fmt::format("{} as user {} of org {} at {}", flow, told_or(session->user_id, "(not told)"),
                          told_or(session->org_id, "(not told)"), session->instance.text()));
  co_return true;
}

asio::awaitable<bool> checking::choose_version() {
  step_ = "listing the API versions";
  const auto version = co_await connection_.queries().choose_version(hub_.api_version);
  if (!version) {
    problem("api_version", version.error().text());
    co_return false;
  }
  ok("api_version",
     fmt::format("{}, {}", *version, hub_.api_version ? "as configured" : "the newest that the org offers"));
  co_return true;
}

asio::awaitable<void> checking::look_at_objects() {
  for (const needed_object& needed : needed_objects) {
    step_ = fmt::format("describing {}", needed.name);
    auto answer = co_await connection_.rest().describe(std::string(needed.name));
    if (answer) {
      look_at(needed, *answer);
      objects_.insert_or_assign(std::string(needed.name), std::move(*answer));
    } else if (is_hidden(answer.error())) {
      problem("object",
              fmt::format("{} is hidden from this user: {}; for managed packages Salesforce must also have "
                          "enabled push upgrades, after the security review ({})",
                          needed.name, push_right, answer.error().cause.text()));
    } else {
      problem("object", answer.error().cause.text());
    }
  }
}

void checking::look_at(const needed_object& needed, const object_description& described) {
  std::vector<std::string_view> hidden;
  for (const std::string_view field : needed.fields) {
    if (field_of(described, field) == nullptr)
      hidden.push_back(field);
  }
  if (hidden.empty())
    ok("object", fmt::format("{} can be read with all that is needed", needed.name));
  else
    problem("object", fmt::format("{} hides {} from this user, and cannot be read without; the field-level "
                                  "security of its permission sets, or a later api_version, shows more",
                                  needed.name, fmt::join(hidden, ", ")));
}

void checking::look_at_statuses() {
  for (const std::string_view object : {request_object, job_object}) {
    const object_description* of = described(object);
    const field_description* status = of == nullptr ? nullptr : field_of(*of, "Status");
    if (status == nullptr)
      continue;
    std::vector<std::string> unknown;
    for (const std::string& value : status->picklist) {
      if (domain::parse_push_status(value) == domain::push_status::unrecognized)
        unknown.push_back(value);
    }
    if (unknown.empty())
      ok("statuses", fmt::format("{} has {}", object, fmt::join(status->picklist, ", ")));
    else
      warn("statuses", fmt::format("{} has {}, which this version does not know: such rows count neither as "
                                   "started nor as ended",
                                   object, fmt::join(unknown, ", ")));
  }
}

void checking::look_at_error_types() {
  const object_description* errors = described(error_object);
  const field_description* types = errors == nullptr ? nullptr : field_of(*errors, "ErrorType");
  if (types == nullptr)
    return;
  std::vector<std::string> unknown;
  for (const std::string& value : types->picklist) {
    if (domain::parse_error_type(value) == domain::error_type::unrecognized)
      unknown.push_back(value);
  }
  if (unknown.empty())
    ok("error_types", fmt::format("{} has {}", error_object, fmt::join(types->picklist, ", ")));
  else
    warn("error_types",
         fmt::format("{} has {}, which this version does not know: they count as failures, and "
                     "exclude_errors cannot name them",
                     error_object, fmt::join(unknown, ", ")));
}

void checking::look_at_abort() {
  const object_description* requests = described(request_object);
  const field_description* status = requests == nullptr ? nullptr : field_of(*requests, "Status");
  if (status == nullptr)
    return;
  if (status->is_updateable)
    ok("abort", "this user may cancel push requests that have not started");
  else
    tell(
        options_.aborts ? finding_level::problem : finding_level::warning, "abort",
        fmt::format("this user may not change the status of push requests, so that nothing can be cancelled: "
                    "{}",
                    push_right));
}

void checking::look_at_changes() {
  std::vector<std::string_view> refused;
  for (const std::string_view object : {request_object, job_object}) {
    const object_description* of = described(object);
    if (of == nullptr)
      return;
    if (!is_filterable(*of, "SystemModstamp"))
      refused.push_back(object);
  }
  if (refused.empty())
    ok("changes", "only rows that changed are read, by SystemModstamp");
  else
    warn("changes", fmt::format("SystemModstamp of {} cannot be filtered: each read is complete, which costs "
                                "more API calls",
                                fmt::join(refused, " and ")));
}

void checking::tell_package(const salesforce::package_row& package,
                            std::vector<salesforce::package_version_row> versions) {
  const bool is_watched =
      hub_.packages.empty() || std::ranges::find(hub_.packages, package.id) != hub_.packages.end();
  std::string text = fmt::format("{} {} ({}{}{}), {}", package.id.text(), package.name,
                                 package.namespace_prefix, package.namespace_prefix.empty() ? "" : ", ",
                                 generation_text(package.generation), counted(versions.size(), "version"));
  std::ranges::sort(versions, std::greater<>(), &salesforce::package_version_row::numbers);
  for (std::size_t i = 0; i < std::min(versions.size(), versions_shown_max); ++i) {
    const salesforce::package_version_row& version = versions[i];
    text += fmt::format("{}{} {}{}{}", i == 0 ? ": " : ", ", version.number, version.id.text(),
                        version.is_released ? "" : " (beta)", version.is_deprecated ? " (deprecated)" : "");
  }
  if (versions.size() > versions_shown_max)
    text += ", …";
  if (!is_watched)
    text += "; not watched, as packages does not name it";
  ok("package", std::move(text));
}

asio::awaitable<void> checking::look_at_packages() {
  step_ = "listing the packages";
  const auto packages = co_await connection_.queries().packages();
  if (!packages) {
    problem("package", packages.error().text());
    co_return;
  }
  step_ = "listing the package versions";
  const auto versions = co_await connection_.queries().versions();
  if (!versions)
    warn("package", versions.error().text());
  std::map<domain::package_id, std::vector<salesforce::package_version_row>> of_package;
  if (versions) {
    for (const salesforce::package_version_row& version : versions->rows)
      of_package[version.package].push_back(version);
  }
  std::size_t shown = 0;
  for (const salesforce::package_row& package : packages->rows) {
    if (++shown <= packages_shown_max)
      tell_package(package, std::move(of_package[package.id]));
  }
  if (shown > packages_shown_max)
    ok("package", fmt::format("{} more", counted(shown - packages_shown_max, "package")));
  if (packages->rows.empty() && hub_.packages.empty())
    warn("package",
         fmt::format("this org shows no package to this user, so there is nothing to watch: {}", push_right));
  for (const domain::package_id& wanted : hub_.packages) {
    if (std::ranges::find(packages->rows, wanted, &salesforce::package_row::id) == packages->rows.end())
      problem("package",
              fmt::format("{} of the configuration is no package that this user can see", wanted.text()));
  }
}

asio::awaitable<void> checking::look_at_requests() {
  step_ = "reading the open push requests";
  const auto read = co_await connection_.queries().requests(parts_.time.wall_now());
  if (!read) {
    problem("requests", read.error().text());
    co_return;
  }
  if (read->malformed > 0)
    warn("requests", fmt::format("{} cannot be read: {}", counted(read->malformed, "push request"),
                                 read->malformed_example));
  std::vector<domain::request_row> open;
  std::ranges::copy_if(read->rows, std::back_inserter(open),
                       [](const domain::request_row& row) { return !domain::is_terminal(row.status); });
  std::string text = counted(open.size(), "open push request");
  for (std::size_t i = 0; i < std::min(open.size(), requests_shown_max); ++i) {
    const domain::request_row& row = open[i];
    text += fmt::format("{}{} of {} {} {}", i == 0 ? ": " : ", ", row.id.text(), row.package_name,
                        row.version_number, row.status_text);
  }
  if (open.size() > requests_shown_max)
    text += ", …";
  ok("requests", std::move(text));
}

asio::awaitable<void> checking::look_at_calls() {
  step_ = "reading the limits";
  const auto limits = co_await connection_.rest().limits();
  if (limits) {
    const auto daily = std::ranges::find(*limits, "DailyApiRequests", &salesforce::org_limit::name);
    if (daily != limits->end() && !usage_.budget().is_known())
      usage_.usage_told({.used = daily->max - std::min(daily->max, daily->remaining), .limit = daily->max});
  } else if (limits.error().kind == api_error_kind::insufficient_access) {
    warn("api_calls", fmt::format("/limits needs \"View Setup and Configuration\"; {}",
                                  usage_.budget().is_known()
                                      ? "nothing is lost, as every answer of this org tells the usage"
                                      : "without it and without Sforce-Limit-Info nothing keeps reads inside "
                                        "call_budget"));
  } else {
    warn("api_calls", limits.error().cause.text());
  }
  tell_budget();
}

void checking::tell_budget() {
  const call_budget& budget = usage_.budget();
  if (!budget.is_known()) {
    warn("api_calls",
         "neither answers nor /limits tell the org's allocation: reads cannot be kept inside it");
    return;
  }
  const duration shortest = budget.shortest_interval(calls_of_a_read, parts_.time.steady_now());
  const bool is_stretched = shortest > hub_.reconcile.active_interval;
  std::string text = fmt::format(
      "{} of {} calls were used in the last 24 hours; call_budget gives the agent {} of them a day",
      budget.usage().used, budget.usage().limit, budget.allowed());
  if (is_stretched)
    text += fmt::format(", which is too few for now: a read of {} calls each {} instead of {}",
                        calls_of_a_read, format_duration(std::chrono::ceil<std::chrono::seconds>(shortest)),
                        format_duration(hub_.reconcile.active_interval));
  else
    text += fmt::format(", enough for reads each {}", format_duration(hub_.reconcile.active_interval));
  tell(is_stretched ? finding_level::warning : finding_level::ok, "api_calls", std::move(text));
}

/// Ends the client once each channel is live or refused, or nobody wants to wait any more.
asio::awaitable<void> checking::end_when_settled(channel_listener& channels, task_group& tasks,
                                                 bool& has_waited) {
  const steady_time end = parts_.time.steady_now() + stream_patience;
  const auto settled =
      co_await with_deadline(parts_.time, end, "subscribing", channels.wait_for(hub_.channels.size()));
  (void)settled;  // the listener knows more
  has_waited = true;
  tasks.cancel();
}

asio::awaitable<void> checking::try_channels() {
  if (hub_.channels.empty()) {
    ok("channel", "none is configured: the agent polls");
    co_return;
  }
  step_ = "subscribing to the channels";
  cometd::client_options options;
  options.path = "/cometd/" + connection_.rest().api_version();
  options.connect = connection_.connecting();
  for (const configuration::channel& channel : hub_.channels)
    options.session.channels.push_back(
        {.channel = channel.wanted.channel, .first = cometd::replay_start::latest});
  stream_tokens tokens(connection_.session());
  cometd::memory_checkpoint_store checkpoints;
  passing_consumer consumer;
  channel_listener channels;
  trouble_listener troubles;
  const auto client = cometd::make_client(std::move(options), {.network = parts_.network,
                                                               .time = parts_.time,
                                                               .tokens = tokens,
                                                               .checkpoints = checkpoints,
                                                               .consumer = consumer,
                                                               .observer = channels,
                                                               .log = troubles,
                                                               .random = parts_.random});
  const auto executor = co_await asio::this_coro::executor;
  task_group tasks(executor);
  bool has_waited = false;
  tasks.spawn(client->run());
  tasks.spawn(end_when_settled(channels, tasks, has_waited));
  co_await tasks.join();
  if (!has_waited)
    co_return;
  for (const configuration::channel& wanted : hub_.channels) {
    const std::string& name = wanted.wanted.channel;
    const cometd::channel_status* status = channels.find(name);
    if (status == nullptr)
      problem("channel", fmt::format("{}: no answer to a subscription within {}{}{}", name,
                                     format_duration(stream_patience), troubles.trouble().empty() ? "" : ": ",
                                     troubles.trouble()));
    else if (status->is_live())
      ok("channel", fmt::format("{} can be subscribed to", name));
    else
      problem("channel", fmt::format("{} is refused: {}", name, status->reason));
  }
}

}  // namespace

std::string_view to_string(finding_level level) noexcept {
  switch (level) {
    case finding_level::ok:
      return "ok";
    case finding_level::warning:
      return "warning";
    case finding_level::problem:
      return "problem";
  }
  return "problem";
}

asio::awaitable<std::vector<finding>> check_hub(const configuration::hub& hub, hub_connection_parts parts,
                                                hub_check_options options) {
  checking look(hub, std::move(parts), options);
  auto found = co_await look.run();
  co_return found;
}

bool has_aborting_policy(const configuration::configuration& of) {
  return std::ranges::any_of(of.policies, [](const policy::policy_specification& policy) {
    return policy.mode == policy::policy_mode::enforce &&
           std::ranges::any_of(policy.rules, [](const policy::rule_specification& rule) {
             return rule.action == policy::rule_action::abort;
           });
  });
}

}  // namespace pushguard::agent
