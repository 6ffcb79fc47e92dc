#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "simulator/api_faults.hpp"
#include "simulator/credentials.hpp"
#include "simulator/faults.hpp"
#include "simulator/push_state.hpp"

namespace pushguard::simulator {

// Durations in a scenario are the simulated world's own, except where a comment says "clock time":
// time_scale divides the former and leaves the latter alone.

/// A length of time drawn evenly from [least, most].
struct duration_bounds {
  duration least;
  duration most;
};

/// A name and how often it is drawn, in proportion to the weights of its list. Weights are positive.
struct weighted_name {
  std::string name;
  double weight = 1;
};

struct version_number {
  int major = 1;
  int minor = 0;
  int patch = 0;
  friend bool operator==(const version_number&, const version_number&) = default;
};

enum class package_generation { first, second };

struct package_plan {
  package_generation generation = package_generation::second;
  std::string name = "Acme Billing";
  std::string namespace_prefix = "acme";
  version_number from{1, 3, 0};  ///< what subscribers have installed before the rollout
  version_number to{1, 4, 0};    ///< what the waves push
};

struct org_plan {
  double production_share = 0.7;  ///< the others are sandboxes
  std::vector<weighted_name> instances{{"USA442", 4}, {"DEU12", 2}, {"JPN88", 1}, {"CS194", 2}};
  /// Orgs beside those of the waves that have the package too; the key of each differs from that of one of
  /// the first orgs to be pushed by letter case only. At most scenario::org_count().
  std::size_t case_twins = 0;
};

/// One push request of the rollout.
struct wave_plan {
  duration created{};  ///< when the request appears
  duration start{};    ///< its ScheduledStartTime; not before `created`
  std::size_t orgs = 0;
  std::optional<double> failure_rate = {};  ///< instead of failure_plan::rate
};

struct push_plan {
  std::size_t concurrency = 10;                      ///< orgs in progress at once, for each request
  duration pending_after = std::chrono::seconds(5);  ///< from Created to Pending
  duration_bounds start_lag{std::chrono::seconds(1), std::chrono::seconds(10)};
  duration_bounds success_takes{std::chrono::seconds(40), std::chrono::seconds(120)};
  duration_bounds failure_takes{std::chrono::seconds(5), std::chrono::seconds(30)};
  duration_bounds cancel_lag{duration::zero(), std::chrono::seconds(3)};  ///< jobs follow their request
  duration_bounds request_end_lag{duration::zero(), duration::zero()};    ///< from its last job's end
};

struct failure_plan {
  double rate = 0.03;  ///< of orgs, in failures that count against the release
  /// By PackagePushError.ErrorType.
  std::vector<weighted_name> error_types{
      {"DeployError", 5}, {"ApexTestFailure", 2}, {"UnclassifiedError", 2}, {"LockingFailure", 1}};
  struct instance_rate {
    std::string instance;
    double rate = 0;
  };
  std::vector<instance_rate> instance_rates;  ///< instead of the wave's rate and of `rate`
  double ineligible_rate = 0.005;             ///< of orgs, in IneligibleUpgrade
  double benign_rate = 0.005;                 ///< of orgs, in titles that tell of a customer who left
  double several_rows_share = 0.15;           ///< of failed jobs, with more than one error row
  double no_rows_share = 0.01;                ///< of failed jobs, without any
};

/// Which of package_plan's versions a request pushes.
enum class pushed_version { from, to };

/// A request that had ended before the rollout began.
struct past_request {
  duration age = std::chrono::hours(24 * 30);  ///< clock time, since its end
  std::size_t orgs = 0;
  double failure_rate = 0.03;
  pushed_version version = pushed_version::from;  ///< with `to` it is an earlier campaign of the same version
};

/// A request that stays Created until someone cancels it: the tool that scheduled it died on the way.
struct orphan_request {
  duration age = std::chrono::hours(24 * 30);  ///< clock time, since it was made
  std::size_t orgs = 0;
  pushed_version version = pushed_version::from;
};

/// Whether SystemModstamp of requests and jobs may stand in WHERE, or does not exist.
enum class modstamp_filter { allowed, refused, absent };

/// How SubscriberOrganizationKey and OrgKey hold an org's key: 15 characters, or 18 with the checksum.
enum class org_key_form { short_key, long_id };

inline constexpr std::size_t page_rows_limit = 2000;  // Salesforce's own

struct api_plan {
  in_progress_spelling spelling = in_progress_spelling::joined;
  modstamp_filter system_modstamp = modstamp_filter::allowed;
  std::uint64_t daily_calls_max = 100'000;  ///< in any 24 hours
  std::uint64_t other_calls_per_hour = 0;   ///< of other integrations, from the same allocation
  bool limits_visible = true;               ///< the user may read /limits
  org_key_form org_keys = org_key_form::short_key;
  std::uint64_t query_timeout_above = 0;  ///< rows of PackageSubscriber or PackagePushJob; 0: never
  std::uint64_t page_rows_max = page_rows_limit;
  std::vector<std::string> hidden_objects = {};  ///< as if the user's rights did not show them
  std::vector<std::string> hidden_fields = {};   ///< "PackagePushRequest.StartTime"
  std::vector<api_fault_plan> faults = {};
};

/// What an event of the stream tells: the job and its status, or only that something moved.
enum class event_detail { job, hint };
enum class event_error_type { included, omitted };

struct stream_plan {
  std::string channel = "/event/Push_Upgrade__e";
  event_detail detail = event_detail::job;
  event_error_type error_type = event_error_type::included;
  double loss = 0;                                       ///< share of events never published
  duration retention = std::chrono::hours(72);           ///< clock time
  std::size_t clients_max = 2000;                        ///< concurrent CometD clients of the org
  std::size_t nodes = 2;                                 ///< each knows only its own sessions
  duration routing_cookie_life = std::chrono::hours(3);  ///< clock time; of sfdc-stream
  std::vector<fault_plan> faults = {};                   ///< in clock time; each hits requests to /cometd
  std::optional<random_faults> chaos = {};
};

/// What the agent is expected to conclude; what is not stated is not compared.
struct expected_outcome {
  std::optional<bool> abort = {};
  std::optional<std::string> outcome = {};  ///< confirmed, partial, refused, nothing_to_cancel, failed
  std::optional<std::size_t> spared_min = {};
};

struct scenario {
  std::uint64_t seed = 1;  ///< equal scenarios run equally
  /// How much faster the simulated world runs than the clock it is given. What it tells is on that
  /// clock: with 60, a job that takes two minutes starts and ends two seconds apart.
  double time_scale = 1;
  package_plan package;
  credentials_plan credentials;
  org_plan orgs;
  std::vector<wave_plan> waves;
  push_plan push;
  failure_plan failures;
  std::vector<past_request> history;
  std::vector<orphan_request> orphans;
  api_plan api;
  stream_plan stream;
  expected_outcome expect;

  /// All orgs that have the package but for case twins: those of the waves.
  [[nodiscard]] std::size_t org_count() const noexcept;
};

inline constexpr std::size_t orgs_max = 1'000'000;   // ids and memory are sized for this many
inline constexpr std::size_t waves_max = 1'000;      // beyond any real campaign
inline constexpr std::size_t nodes_max = 100;        // each is a table of sessions
inline constexpr std::size_t faults_max = 1'000;     // of a list that someone still reads
inline constexpr double time_scale_max = 1'000'000;  // a year in half a minute

/// Reads a scenario file. Fails with errc::invalid and one line for each problem, all of them at once:
/// `FILE:LINE:COLUMN: what is wrong`. Reads the files that it names; relative paths start at its folder.
[[nodiscard]] result<scenario> parse_scenario(std::string_view yaml, std::string_view file_name);

struct demo_options {
  std::size_t orgs = 600;
  std::size_t waves = 4;
  double failure_rate = 0.25;
  std::uint64_t seed = 1;
  double time_scale = 60;
};

/// A rollout in growing waves, a quarter of an hour apart. What it expects fits a policy that aborts
/// above 5 %; where the options leave the end to chance, nothing is expected.
[[nodiscard]] scenario make_demo_scenario(const demo_options& options);

}  // namespace pushguard::simulator
