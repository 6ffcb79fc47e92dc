#include "simulator/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "simulator/push_errors.hpp"
#include "simulator/scenario_api.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

constexpr duration time_max = std::chrono::hours(24 * 365);
constexpr yaml_range<duration> any_time{duration::zero(), time_max};
constexpr yaml_range<duration> positive_time{1ms, time_max};
constexpr yaml_range<double> any_share{0, 1};
constexpr std::size_t instances_max = 1'000;                // of Salesforce's hundreds
constexpr std::size_t history_max = 1'000;                  // requests; of orphans too
constexpr std::size_t name_shown_max = 80;                  // of a wrong name, in a problem
constexpr std::int64_t fault_requests_max = 1'000'000'000;  // beyond any run

std::optional<version_number> read_version(std::string_view text) {
  version_number made;
  int* const parts[] = {&made.major, &made.minor, &made.patch};
  std::size_t count = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (count < std::size(parts)) {
    const auto [next, code] = std::from_chars(at, end, *parts[count]);
    if (code != std::errc{} || *parts[count] < 0)
      return std::nullopt;
    ++count;
    if (next == end)
      return count >= 2 ? std::optional(made) : std::nullopt;
    if (*next != '.')
      return std::nullopt;
    at = next + 1;
  }
  return std::nullopt;
}

/// Reads a scenario section by section. What is wrong is reported and left at its default.
class scenario_reader {
 public:
  scenario_reader(yaml_problems& problems, std::filesystem::path directory)
      : problems_(problems), directory_(std::move(directory)) {}

  scenario read(const yaml_node& document) {
    yaml_reader top(document, "scenario", problems_);
    const auto seed = top.integer("seed", {0, std::numeric_limits<std::int64_t>::max()});
    made_.seed = static_cast<std::uint64_t>(seed.value_or(1));
    made_.time_scale = top.number("time_scale", {0, time_scale_max, yaml_ends::excluded}).value_or(1);
    section(top, "package", [this](yaml_reader& in) { package(in); });
    section(top, "credentials",
            [this](yaml_reader& in) { read_credentials(in, directory_, made_.credentials); });
    section(top, "orgs", [this](yaml_reader& in) { orgs(in); });
    section(top, "push", [this](yaml_reader& in) { push(in); });
    section(top, "failures", [this](yaml_reader& in) { failures(in); });
    waves(top);
    history(top);
    orphans(top);
    if (made_.orgs.case_twins > made_.org_count())
      problems_.add(case_twins_at_, "case_twins must not be more than the orgs that are pushed");
    section(top, "api", [this](yaml_reader& in) { read_api_section(in, made_.api); });
    section(top, "stream", [this](yaml_reader& in) { stream(in); });
    section(top, "expect", [this](yaml_reader& in) { expect(in); });
    top.finish();
    return std::move(made_);
  }

 private:
  template <class Read>
  static void section(yaml_reader& top, std::string_view key, Read read) {
    if (auto in = top.mapping(key)) {
      read(*in);
      in->finish();
    }
  }

  template <class T>
  static void assign(T& to, std::optional<T> value) {
    if (value)
      to = std::move(*value);
  }

  static void assign(std::size_t& to, std::optional<std::int64_t> value) {
    if (value)
      to = static_cast<std::size_t>(*value);
  }

  void package(yaml_reader& in) {
    static constexpr yaml_choice<package_generation> generations[] = {{"1GP", package_generation::first},
                                                                      {"2GP", package_generation::second}};
    package_plan& plan = made_.package;
    assign(plan.generation, in.choice<package_generation>("generation", generations));
    assign(plan.name, in.text("name"));
    assign(plan.namespace_prefix, in.text("namespace"));
    version(in, "version", plan.to);
    version(in, "from_version", plan.from);
  }

  static void version(yaml_reader& in, std::string_view key, version_number& to) {
    const auto text = in.text(key);
    if (!text)
      return;
    if (const auto read = read_version(*text))
      to = *read;
    else
      in.problem(key, fmt::format("{} must be a version number such as 1.4 or 1.4.0", key));
  }

  void orgs(yaml_reader& in) {
    const auto total = in.integer("total", {1, static_cast<std::int64_t>(orgs_max)});
    if (total)
      total_orgs_ = static_cast<std::size_t>(*total);
    assign(made_.orgs.production_share, in.share("production", any_share));
    weights(in, "instances", made_.orgs.instances, instances_max);
    assign(made_.orgs.case_twins, in.integer("case_twins", {0, static_cast<std::int64_t>(orgs_max)}));
    case_twins_at_ = in.position("case_twins");
  }

  /// A mapping of names to weights.
  void weights(yaml_reader& in, std::string_view key, std::vector<weighted_name>& to, std::size_t count_max) {
    auto mapping = in.mapping(key);
    if (!mapping)
      return;
    std::vector<weighted_name> read;
    for (const yaml_entry& entry : mapping->entries()) {
      const auto weight = yaml_read_number(entry.value, entry.key, {0, 1e9, yaml_ends::excluded}, problems_);
      read.push_back({entry.key, weight.value_or(1)});
    }
    mapping->finish();
    if (read.empty() || read.size() > count_max)
      in.problem(key, fmt::format("{} must name 1 to {}", key, count_max));
    else
      to = std::move(read);
  }

  void push(yaml_reader& in) {
    push_plan& plan = made_.push;
    assign(plan.concurrency, in.integer("concurrency", {1, static_cast<std::int64_t>(orgs_max)}));
    assign(plan.pending_after, in.time("pending_after", any_time));
    bounds(in, "start_lag", any_time, plan.start_lag);
    bounds(in, "success_takes", positive_time, plan.success_takes);
    bounds(in, "failure_takes", positive_time, plan.failure_takes);
    bounds(in, "cancel_lag", any_time, plan.cancel_lag);
    bounds(in, "request_end_lag", any_time, plan.request_end_lag);
  }

  /// `[40s, 120s]`.
  void bounds(yaml_reader& in, std::string_view key, yaml_range<duration> range, duration_bounds& to) {
    const yaml_node* node = in.node(key);
    if (node == nullptr)
      return;
    if (node->items.size() != 2) {
      in.problem(key, fmt::format("{} must be two durations: [least, most]", key));
      return;
    }
    const auto least = yaml_read_duration(node->items[0], key, range, problems_);
    const auto most = yaml_read_duration(node->items[1], key, range, problems_);
    if (!least || !most)
      return;
    if (*least > *most)
      in.problem(key, fmt::format("{} must not begin with the longer duration", key));
    else
      to = {*least, *most};
  }

  void failures(yaml_reader& in) {
    failure_plan& plan = made_.failures;
    assign(plan.rate, in.share("rate", any_share));
    assign(plan.ineligible_rate, in.share("ineligible_rate", any_share));
    assign(plan.benign_rate, in.share("benign_rate", any_share));
    assign(plan.several_rows_share, in.share("several_rows", any_share));
    assign(plan.no_rows_share, in.share("no_rows", any_share));
    error_types(in);
    instance_rates(in);
  }

  void error_types(yaml_reader& in) {
    const std::size_t problems_before = problems_.size();
    std::vector<weighted_name> read = made_.failures.error_types;
    weights(in, "error_types", read, all_error_types().size());
    for (const weighted_name& each : read) {
      if (std::ranges::find(all_error_types(), each.name) == all_error_types().end())
        in.problem("error_types", fmt::format("{} is not an error type; the types are {}", each.name,
                                              fmt::join(all_error_types(), ", ")));
    }
    if (problems_.size() == problems_before)
      made_.failures.error_types = std::move(read);
  }

  void instance_rates(yaml_reader& in) {
    auto mapping = in.mapping("instance_rates");
    if (!mapping)
      return;
    for (const yaml_entry& entry : mapping->entries()) {
      const auto rate = yaml_read_share(entry.value, entry.key, any_share, problems_);
      if (std::ranges::find(made_.orgs.instances, entry.key, &weighted_name::name) ==
          made_.orgs.instances.end())
        problems_.add(entry.position, fmt::format("{} is not one of orgs.instances", entry.key));
      else if (rate)
        made_.failures.instance_rates.push_back({entry.key, *rate});
    }
    mapping->finish();
  }

  void waves(yaml_reader& top) {
    const auto nodes = top.sequence("waves", yaml_presence::required);
    if (nodes.size() > waves_max)
      return top.problem("waves", fmt::format("there must not be more than {} waves", waves_max));
    std::size_t sum = 0;
    for (const yaml_node& node : nodes) {
      yaml_reader in(node, "wave", problems_);
      wave(in);
      in.finish();
      sum += made_.waves.back().orgs;
    }
    if (sum > orgs_max)
      top.problem("waves", fmt::format("the waves must not have more than {} orgs together", orgs_max));
    else if (total_orgs_ != 0 && sum > total_orgs_)
      top.problem("waves", fmt::format("the waves have {} orgs together, more than orgs.total", sum));
  }

  void wave(yaml_reader& in) {
    static constexpr std::string_view sizes[] = {"orgs", "share"};
    wave_plan& plan = made_.waves.emplace_back();
    assign(plan.created, in.time("created", any_time));
    plan.start = in.time("start", any_time, yaml_presence::required).value_or(plan.created);
    if (plan.start < plan.created)
      in.problem("start", "a wave must not start before it is created");
    plan.failure_rate = in.share("failure_rate", any_share);
    const auto size = in.exactly_one_of(sizes);
    const auto orgs = in.integer("orgs", {1, static_cast<std::int64_t>(orgs_max)});
    const auto share = in.share("share", {0, 1, yaml_ends::included});
    if (!size)
      return;
    if (orgs)
      plan.orgs = static_cast<std::size_t>(*orgs);
    if (share && total_orgs_ == 0)
      in.problem("share", "share needs orgs.total");
    else if (share)
      share_of_total(in, *share, plan);
  }

  void share_of_total(yaml_reader& in, double share, wave_plan& plan) const {
    plan.orgs = static_cast<std::size_t>(share * static_cast<double>(total_orgs_));
    if (plan.orgs == 0)
      in.problem("share", "share must be at least one org");
  }

  void history(yaml_reader& top) {
    const auto nodes = top.sequence("history");
    if (nodes.size() > history_max)
      return top.problem("history", fmt::format("there must not be more than {} requests", history_max));
    for (const yaml_node& node : nodes) {
      yaml_reader in(node, "past request", problems_);
      past_request& past = made_.history.emplace_back();
      assign(past.age, in.time("age", positive_time));
      assign(past.orgs,
             in.integer("orgs", {1, static_cast<std::int64_t>(orgs_max)}, yaml_presence::required));
      assign(past.failure_rate, in.share("failure_rate", any_share));
      pushed(in, past.version);
      in.finish();
    }
  }

  void orphans(yaml_reader& top) {
    const auto nodes = top.sequence("orphans");
    if (nodes.size() > history_max)
      return top.problem("orphans", fmt::format("there must not be more than {} orphans", history_max));
    for (const yaml_node& node : nodes) {
      yaml_reader in(node, "orphan", problems_);
      orphan_request& orphan = made_.orphans.emplace_back();
      assign(orphan.age, in.time("age", any_time));
      assign(orphan.orgs,
             in.integer("orgs", {1, static_cast<std::int64_t>(orgs_max)}, yaml_presence::required));
      pushed(in, orphan.version);
      in.finish();
    }
  }

  static void pushed(yaml_reader& in, pushed_version& to) {
    static constexpr yaml_choice<pushed_version> versions[] = {{"from", pushed_version::from},
                                                               {"to", pushed_version::to}};
    assign(to, in.choice<pushed_version>("version", versions));
  }

  void stream(yaml_reader& in) {
    static constexpr yaml_choice<event_detail> details[] = {{"jobs", event_detail::job},
                                                            {"hints", event_detail::hint}};
    static constexpr yaml_choice<event_error_type> error_types[] = {{"included", event_error_type::included},
                                                                    {"omitted", event_error_type::omitted}};
    stream_plan& plan = made_.stream;
    assign(plan.channel, in.text("channel"));
    if (!plan.channel.starts_with("/event/"))
      in.problem("channel", "channel must be one of platform events: /event/…");
    assign(plan.detail, in.choice<event_detail>("events", details));
    assign(plan.error_type, in.choice<event_error_type>("error_type", error_types));
    assign(plan.loss, in.share("loss", any_share));
    assign(plan.retention, in.time("retention", positive_time));
    assign(plan.clients_max, in.integer("clients_max", {1, 100'000}));
    assign(plan.nodes, in.integer("nodes", {1, static_cast<std::int64_t>(nodes_max)}));
    assign(plan.routing_cookie_life, in.time("routing_cookie_life", positive_time));
    faults(in);
    section(in, "chaos", [this](yaml_reader& of_chance) { chaos(of_chance); });
  }

  void faults(yaml_reader& stream) {
    const auto nodes = stream.sequence("faults");
    if (nodes.size() > faults_max)
      return stream.problem("faults", fmt::format("there must not be more than {} faults", faults_max));
    for (const yaml_node& node : nodes) {
      yaml_reader in(node, "fault", problems_);
      if (auto plan = fault(in))
        made_.stream.faults.push_back(std::move(*plan));
      in.finish();
    }
  }

  std::optional<fault_plan> fault(yaml_reader& in) {
    static constexpr request_kind requests[] = {request_kind::handshake, request_kind::subscribe,
                                                request_kind::connect,   request_kind::disconnect,
                                                request_kind::other,     request_kind::any};
    const yaml_node* name = in.node("fault", yaml_presence::required);
    const auto kind = name != nullptr ? fault_named(*name, "fault") : std::nullopt;
    fault_plan plan{.kind = kind.value_or(fault_kind::busy)};
    std::vector<yaml_choice<request_kind>> choices;
    for (const request_kind each : requests)
      choices.emplace_back(name_of(each), each);
    assign(plan.on, in.choice<request_kind>("on", choices));
    assign(plan.skip, in.integer("skip", {0, fault_requests_max}));
    assign(plan.times, in.integer("times", {1, fault_requests_max}));
    plan.delay = in.time("delay", any_time);
    assign(plan.with_events, in.flag("with_events"));
    assign(plan.channel, in.text("channel"));
    const auto status = in.integer("status", {400, 599});
    assign(plan.status, status ? std::optional(static_cast<int>(*status)) : std::nullopt);
    if (!kind)
      return std::nullopt;
    if (!can_hit(*kind, plan.on))
      in.problem("on", fmt::format("{} cannot happen to a {} request", name_of(*kind), name_of(plan.on)));
    if (*kind != fault_kind::http_status && in.has("status"))
      in.problem("status", fmt::format("status belongs to http_status, not to {}", name_of(*kind)));
    return plan;
  }

  /// There are too many to list them in a problem.
  std::optional<fault_kind> fault_named(const yaml_node& node, std::string_view what) {
    const auto name = yaml_read_text(node, what, problems_);
    if (!name)
      return std::nullopt;
    const auto kind = find_fault_kind(*name);
    if (kind)
      return kind;
    std::vector<std::string_view> names;
    for (const fault_kind each : all_fault_kinds())
      names.push_back(name_of(each));
    const std::string_view shown = cut_at_character(*name, name_shown_max);
    const std::string_view meant = nearest_word(shown, names);
    problems_.add(node.position, meant.empty()
                                     ? fmt::format("{} is not a fault that a stream can have", shown)
                                     : fmt::format("{} is not a fault; did you mean {}?", shown, meant));
    return std::nullopt;
  }

  void chaos(yaml_reader& in) {
    random_faults plan;
    assign(plan.odds, in.share("odds", any_share));
    assign(plan.delay_max, in.time("delay_max", any_time));
    for (const yaml_node& node : in.sequence("faults")) {
      if (const auto kind = fault_named(node, "faults"))
        plan.kinds.push_back(*kind);
    }
    made_.stream.chaos = std::move(plan);
  }

  void expect(yaml_reader& in) {
    static constexpr std::string_view outcomes[] = {"confirmed", "partial", "refused", "nothing_to_cancel",
                                                    "failed"};
    expected_outcome& plan = made_.expect;
    plan.abort = in.flag("abort");
    if (const yaml_node* outcome = in.node("outcome")) {
      if (const auto index = yaml_read_name(*outcome, "outcome", outcomes, problems_))
        plan.outcome = std::string(outcomes[*index]);
    }
    if (const auto least = in.integer("spared_min", {0, static_cast<std::int64_t>(orgs_max)}))
      plan.spared_min = static_cast<std::size_t>(*least);
  }

  yaml_problems& problems_;
  std::filesystem::path directory_;  ///< where relative paths start
  scenario made_;
  std::size_t total_orgs_ = 0;  ///< orgs.total, or 0
  yaml_position case_twins_at_;
};

}  // namespace

std::size_t scenario::org_count() const noexcept {
  std::size_t count = 0;
  for (const wave_plan& wave : waves)
    count += wave.orgs;
  for (const past_request& past : history)
    count = std::max(count, past.orgs);
  for (const orphan_request& orphan : orphans)
    count = std::max(count, orphan.orgs);
  return count;
}

result<scenario> parse_scenario(std::string_view yaml, std::string_view file_name) {
  yaml_problems problems{std::string(file_name)};
  const auto document = parse_yaml(yaml, problems);
  scenario made;
  if (document)
    made = scenario_reader(problems, std::filesystem::path(file_name).parent_path()).read(*document);
  if (!problems.empty())
    return fail(errc::invalid, fmt::format("{}", fmt::join(problems.lines(), "\n")));
  return made;
}

}  // namespace pushguard::simulator
