#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/domain/rows.hpp"
#include "agent/salesforce/rest.hpp"

namespace pushguard::salesforce {

/// Rows of one read. A row that could not be decoded is left out, counted, and never fatal.
template <class Row>
struct read {
  std::vector<Row> rows;
  std::size_t malformed = 0;
  std::string malformed_example;  ///< why the first of them was left out; empty without any
};

struct package_row {
  domain::package_id id;
  std::string name;
  std::string namespace_prefix;
  domain::package_generation generation = domain::package_generation::unknown;
};

/// A version of a package, whether or not it is pushed.
struct package_version_row {
  domain::version_id id;
  domain::package_id package;
  std::string name;
  std::string number;                         ///< `4.2.0.7`, or the name where numbers are missing
  std::array<std::uint64_t, 4> numbers = {};  ///< the same for comparing; 0 for what is missing
  bool is_released = false;                   ///< not a beta, which cannot be pushed
  bool is_deprecated = false;
};

/// How many jobs of a request have a status.
struct job_count {
  domain::request_id request;
  domain::push_status status = domain::push_status::unrecognized;
  std::uint64_t jobs = 0;
};

struct job_counts_read {
  std::vector<job_count> counts;              ///< a status without jobs has no entry
  std::vector<domain::request_id> uncounted;  ///< of which Salesforce could not count the jobs in time
};

/// What describe tells of an org, where documents do not.
struct push_probe {
  bool reads_changes = false;                      ///< SystemModstamp of jobs can be filtered
  bool can_cancel = false;                         ///< this user may change a request's status
  std::vector<std::string> unknown_statuses = {};  ///< "PackagePushJob: Sleeping", of the picklists
};

/// Rows that are wanted, for the .cpp file.
struct selection;

enum class coverage : unsigned char {
  complete,  ///< every job of the requests
  changes,   ///< only those changed since the instant asked for
};

struct jobs_read {
  read<domain::job_row> jobs;
  pushguard::salesforce::coverage coverage = pushguard::salesforce::coverage::complete;
};

/// What the agent reads of a hub, as typed rows. Each function is one SOQL query or as many as its list
/// of ids needs; all rows come or a failure. What Salesforce cannot answer in time (QUERY_TIMEOUT) is asked
/// for in halves, and at last in pieces in the order of ids. For one executor without concurrency.
class push_queries {
 public:
  /// `rest` must outlive it.
  explicit push_queries(rest_client& rest) : rest_(rest) {}

  /// Makes `rest` use `wanted`, or the newest version that the org offers. Fails with errc::invalid
  /// where the org does not offer `wanted`, or only versions before 51.0 (which brought StartTime).
  [[nodiscard]] boost::asio::awaitable<result<std::string>> choose_version(std::optional<std::string> wanted);

  /// Asks what this org lets SystemModstamp be used for, so that no query has to find out by failing. Two
  /// calls; where it fails, the queries find out themselves.
  [[nodiscard]] boost::asio::awaitable<result<push_probe>> probe();

  /// Every package of the hub.
  [[nodiscard]] boost::asio::awaitable<result<read<package_row>>> packages();

  /// The requests that have not ended, and those that ended but were touched at or after `ended_since`
  /// (by SystemModstamp; by ScheduledStartTime in orgs that refuse that filter).
  [[nodiscard]] boost::asio::awaitable<result<read<domain::request_row>>> requests(wall_time ended_since);

  [[nodiscard]] boost::asio::awaitable<result<read<domain::request_row>>> requests_by_id(
      std::vector<domain::request_id> ids);

  /// One request, now. errc::not_found where the hub has none of that id.
  [[nodiscard]] boost::asio::awaitable<result<domain::request_row>> request_by_id(domain::request_id id);

  /// The cheap look: counts by request and status.
  [[nodiscard]] boost::asio::awaitable<result<job_counts_read>> job_counts(
      std::vector<domain::request_id> requests);

  /// The jobs of these requests: all, or those changed at or after `changed_since` where the org lets
  /// SystemModstamp be filtered. The first refusal is remembered, and complete reads follow.
  [[nodiscard]] boost::asio::awaitable<result<jobs_read>> jobs(
      std::vector<domain::request_id> requests, std::optional<wall_time> changed_since = std::nullopt);

  [[nodiscard]] boost::asio::awaitable<result<read<domain::job_row>>> jobs_by_id(
      std::vector<domain::job_id> ids);

  [[nodiscard]] boost::asio::awaitable<result<read<domain::error_row>>> errors_of_jobs(
      std::vector<domain::job_id> ids);
  [[nodiscard]] boost::asio::awaitable<result<read<domain::error_row>>> errors_of_requests(
      std::vector<domain::request_id> requests);

  /// The orgs among `orgs` that have `package`. SOQL compares without case, so rows of other orgs whose
  /// keys differ by case only are dropped here. Keys are asked for as they are given; where none of them is
  /// found, in their other form (15 or 18 characters).
  [[nodiscard]] boost::asio::awaitable<result<read<domain::subscriber_row>>> subscribers(
      domain::package_id package, std::vector<domain::org_key> orgs);
  /// Every org that has `package`.
  [[nodiscard]] boost::asio::awaitable<result<read<domain::subscriber_row>>> subscribers_of_package(
      domain::package_id package);

  /// Every version of every package of the hub.
  [[nodiscard]] boost::asio::awaitable<result<read<package_version_row>>> versions();

 private:
  /// What an org lets SystemModstamp be used for: documented nowhere, so it is found by trying.
  enum class modstamp_use : unsigned char { filter, select, none };
  [[nodiscard]] static modstamp_use less(modstamp_use use) noexcept {
    return use == modstamp_use::filter ? modstamp_use::select : modstamp_use::none;
  }

  [[nodiscard]] boost::asio::awaitable<api_result<read<domain::request_row>>> read_requests(
      std::vector<selection> wanted, modstamp_use use);
  [[nodiscard]] boost::asio::awaitable<api_result<read<domain::job_row>>> read_jobs(
      std::vector<selection> wanted, modstamp_use use);

  enum class key_form : unsigned char { as_given, other };
  [[nodiscard]] boost::asio::awaitable<api_result<read<domain::subscriber_row>>> read_subscribers(
      domain::package_id package, std::vector<domain::org_key> orgs, key_form form);

  rest_client& rest_;
  modstamp_use request_modstamp_ = modstamp_use::filter;
  modstamp_use job_modstamp_ = modstamp_use::filter;
  key_form org_keys_ = key_form::as_given;
};

/// `text` between quotes, as SOQL wants it: `'O\'Neil'`.
[[nodiscard]] std::string soql_quote(std::string_view text);

}  // namespace pushguard::salesforce
