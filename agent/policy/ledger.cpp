#include "agent/policy/ledger.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <limits>
#include <set>

namespace pushguard::policy {
namespace {

using tracker::job_index;
using tracker::org_index;

std::uint32_t number(org_index org) {
  return static_cast<std::uint32_t>(org);
}

std::vector<job_index> in_order(const boost::unordered_flat_map<std::uint32_t, job_index>& jobs) {
  std::vector<job_index> out;
  out.reserve(jobs.size());
  for (const auto& [org, job] : jobs)
    out.push_back(job);
  std::ranges::sort(out);
  return out;
}

/// Failed orgs by groups of errors: the one group that an errors rule names, or one for each signature. An
/// org is counted once in each group that an error of it belongs to.
class error_ledger final : public ledger {
 public:
  error_ledger(const policy_specification& policy, const errors_rule& rule)
      : exclusion_(policy.exclude_errors), types_(&rule.types) {}
  error_ledger(const policy_specification& policy, const same_error_rule& rule)
      : exclusion_(policy.exclude_errors), least_named_(rule.min_orgs) {}

  void set(const tracker::tracker& tracker, org_index org, const org_standing& now) override {
    remove(org);
    if (now.state != standing::failed)
      return;
    const auto& job = tracker.at(now.job);
    if (job.source != tracker::evidence::queried || job.errors != tracker::error_knowledge::read) {
      unread_.insert_or_assign(number(org), now.job);
      return;
    }
    auto groups = groups_of(tracker, now.job);
    for (const auto group : groups)
      recount(group, +1);
    if (!groups.empty())
      read_.insert_or_assign(number(org), std::move(groups));
  }

  void observe(const tracker::tracker& tracker, observation& into) const override {
    into.named = by_count_.empty() ? 0 : by_count_.rbegin()->first;
    into.possible = into.named + static_cast<org_count>(unread_.size());
    if (types_ != nullptr || into.named < least_named_)
      return;
    // Of several that are as frequent, the same one whatever the order in which they came.
    for (auto at = by_count_.rbegin(); at != by_count_.rend() && at->first == into.named; ++at) {
      const auto text = text_of(tracker, at->second);
      if (into.label.empty() || text < into.label)
        into.label = text;
    }
  }

  std::vector<job_index> unsettled_jobs() const override { return in_order(unread_); }

 private:
  using group_list = boost::container::small_vector<std::uint32_t, 2>;
  /// The group of failed jobs without any error row that counts.
  static constexpr std::uint32_t unknown = std::numeric_limits<std::uint32_t>::max();

  static std::string_view text_of(const tracker::tracker& tracker, std::uint32_t group) {
    return group == unknown ? to_string(domain::error_type::unknown) : tracker.signature(group);
  }

  [[nodiscard]] bool names(domain::error_type type) const {
    return std::ranges::find(*types_, type) != types_->end();
  }

  [[nodiscard]] group_list groups_of(const tracker::tracker& tracker, job_index job) const {
    group_list groups;
    const auto add = [&](domain::error_type type, std::uint32_t signature) {
      if (types_ != nullptr && !names(type))
        return;
      const auto group = types_ != nullptr ? 0 : signature;
      if (std::ranges::find(groups, group) == groups.end())
        groups.push_back(group);
    };
    bool has_error = false;
    for (const auto& error : tracker.errors(job)) {
      if (error.severity != domain::error_severity::error)
        continue;
      has_error = true;
      if (!matches(tracker, error, exclusion_))
        add(error.type, error.signature);
    }
    if (!has_error)
      add(domain::error_type::unknown, unknown);
    return groups;
  }

  void remove(org_index org) {
    unread_.erase(number(org));
    const auto known = read_.find(number(org));
    if (known == read_.end())
      return;
    for (const auto group : known->second)
      recount(group, -1);
    read_.erase(known);
  }

  void recount(std::uint32_t group, int by) {
    auto& count = counts_[group];
    by_count_.erase({count, group});
    count = static_cast<org_count>(static_cast<int>(count) + by);
    if (count != 0)
      by_count_.insert({count, group});
    else
      counts_.erase(group);
  }

  const error_exclusion& exclusion_;
  const std::vector<domain::error_type>* types_ = nullptr;  // nothing: groups are signatures
  org_count least_named_ = 0;
  boost::unordered_flat_map<std::uint32_t, group_list> read_;   // by org
  boost::unordered_flat_map<std::uint32_t, job_index> unread_;  // by org
  boost::unordered_flat_map<std::uint32_t, org_count> counts_;  // by group
  std::set<std::pair<org_count, std::uint32_t>> by_count_;
};

class listed_orgs_ledger final : public ledger {
 public:
  explicit listed_orgs_ledger(const orgs_rule& rule) : keys_(rule.keys) {}

  void set(const tracker::tracker& tracker, org_index org, const org_standing& now) override {
    if (!std::ranges::binary_search(keys_, tracker.at(org).key))
      return;
    settled_.erase(number(org));
    unsettled_.erase(number(org));
    if (now.state == standing::failed)
      (now.settled == settlement::settled ? settled_ : unsettled_).insert_or_assign(number(org), now.job);
  }

  void observe(const tracker::tracker&, observation& into) const override {
    into.named = static_cast<org_count>(settled_.size());
    into.possible = into.named + static_cast<org_count>(unsettled_.size());
  }

  std::vector<job_index> unsettled_jobs() const override { return in_order(unsettled_); }

 private:
  const std::vector<domain::org_key>& keys_;
  boost::unordered_flat_map<std::uint32_t, job_index> settled_;
  boost::unordered_flat_map<std::uint32_t, job_index> unsettled_;
};

/// Finished orgs in the order of their ends. A window is a place at which the rule's number of orgs end with
/// a failure, one after the other; a change of one org changes only the windows around it.
class finish_order_ledger final : public ledger {
 public:
  explicit finish_order_ledger(const consecutive_failures_rule& rule)
      : length_(static_cast<int>(rule.at_least)) {}

  void set(const tracker::tracker& tracker, org_index org, const org_standing& now) override {
    const auto known = places_.find(number(org));
    const bool is_finished = now.state == standing::succeeded || now.state == standing::failed;
    const finish wanted = is_finished ? finish_of(tracker, org, now) : finish{};
    if (known != places_.end()) {
      if (is_finished && *known->second == wanted)
        return;
      remove(known->second);
      places_.erase(known);
    }
    if (is_finished)
      places_.emplace(number(org), add(wanted));
  }

  void observe(const tracker::tracker&, observation& into) const override {
    into.named = windows_.certain > 0 ? static_cast<org_count>(length_) : newest_run(&finish::is_certain);
    into.possible = windows_.possible > 0 ? static_cast<org_count>(length_) : newest_run(&finish::has_failed);
    into.possible = std::max(into.possible, into.named);
  }

  std::vector<job_index> unsettled_jobs() const override { return in_order(unsettled_); }

 private:
  struct finish {
    wall_time ended{};
    domain::job_id id{};
    org_index org{};
    job_index job{};
    bool has_failed = false;
    bool is_certain = false;  // failed, and no query could unmake it

    friend bool operator==(const finish&, const finish&) = default;
    bool operator<(const finish& other) const {
      return std::pair(ended, id) < std::pair(other.ended, other.id);
    }
  };
  using order = std::set<finish>;
  struct window_counts {
    int possible = 0;
    int certain = 0;
  };

  static finish finish_of(const tracker::tracker& tracker, org_index org, const org_standing& now) {
    const bool has_failed = now.state == standing::failed;
    return {.ended = tracker.at(now.job).ended(),
            .id = tracker.at(now.job).id,
            .org = org,
            .job = now.job,
            .has_failed = has_failed,
            .is_certain = has_failed && now.settled == settlement::settled};
  }

  /// How many entries in a row are counted beside `place`, up to where a window that holds it could end.
  struct neighbours {
    int before = 0;
    int after = 0;
  };
  [[nodiscard]] neighbours neighbours_of(order::const_iterator place, bool finish::* is_counted) const {
    neighbours found;
    for (auto at = place; at != order_.begin() && found.before < length_ - 1 && (*std::prev(at)).*is_counted;
         --at)
      ++found.before;
    for (auto at = std::next(place); at != order_.end() && found.after < length_ - 1 && (*at).*is_counted;
         ++at)
      ++found.after;
    return found;
  }

  /// Windows that hold `place`.
  [[nodiscard]] int windows_at(order::const_iterator place, bool finish::* is_counted) const {
    if (!((*place).*is_counted))
      return 0;
    const auto [before, after] = neighbours_of(place, is_counted);
    return std::max(0, before + after + 1 - length_ + 1);
  }
  /// Windows that would be there if `place` were not.
  [[nodiscard]] int windows_across(order::const_iterator place, bool finish::* is_counted) const {
    const auto [before, after] = neighbours_of(place, is_counted);
    if (before == 0 || after == 0)
      return 0;
    return std::max(0, before + after - length_ + 1);
  }

  order::const_iterator add(const finish& wanted) {
    const auto place = order_.insert(wanted).first;
    windows_.possible += windows_at(place, &finish::has_failed) - windows_across(place, &finish::has_failed);
    windows_.certain += windows_at(place, &finish::is_certain) - windows_across(place, &finish::is_certain);
    if (wanted.has_failed && !wanted.is_certain)
      unsettled_.insert_or_assign(number(wanted.org), wanted.job);
    return place;
  }
  void remove(order::const_iterator place) {
    windows_.possible -= windows_at(place, &finish::has_failed) - windows_across(place, &finish::has_failed);
    windows_.certain -= windows_at(place, &finish::is_certain) - windows_across(place, &finish::is_certain);
    unsettled_.erase(number(place->org));
    order_.erase(place);
  }

  [[nodiscard]] org_count newest_run(bool finish::* is_counted) const {
    org_count run = 0;
    for (auto at = order_.rbegin();
         at != order_.rend() && run < static_cast<org_count>(length_) && (*at).*is_counted; ++at)
      ++run;
    return run;
  }

  int length_;
  order order_;
  boost::unordered_flat_map<std::uint32_t, order::const_iterator> places_;  // by org
  boost::unordered_flat_map<std::uint32_t, job_index> unsettled_;           // by org
  window_counts windows_;
};

/// Running orgs by the time since which they run, and when a job last started or ended.
class running_ledger final : public ledger {
 public:
  explicit running_ledger(const stalled_rule& rule) : patience_(rule.no_progress_for), is_stall_(true) {}
  explicit running_ledger(const job_running_rule& rule) : patience_(rule.longer_than) {}

  void set(const tracker::tracker& tracker, org_index org, const org_standing& now) override {
    if (const auto known = since_.find(number(org)); known != since_.end()) {
      running_.erase({known->second, org});
      since_.erase(known);
    }
    if (now.job == tracker::no_job || !is_started(tracker.at(now.job).status))
      return;
    const auto& job = tracker.at(now.job);
    const auto since = job.running_since();
    progress_ = std::max(progress_, since);
    if (now.state == standing::in_flight) {
      running_.insert({since, org});
      since_.emplace(number(org), since);
    } else {
      progress_ = std::max(progress_, job.ended());
    }
  }

  void observe(const tracker::tracker&, observation& into) const override {
    if (is_stall_)
      observe_stall(into);
    else
      observe_running(into);
    into.possible = into.named;
  }

 private:
  void observe_stall(observation& into) const {
    // An abandoned job ends no more, so nothing is to be expected of it.
    const auto first_live = running_.lower_bound({into.now - tracker::abandoned_after, org_index{}});
    into.named = static_cast<org_count>(running_.size()) -
                 static_cast<org_count>(std::distance(running_.begin(), first_live));
    if (into.named == 0)
      return;
    into.since = progress_;
    into.due = progress_ + patience_ > into.now
                   ? progress_ + patience_
                   : running_.rbegin()->first + tracker::abandoned_after + duration(1);
  }
  void observe_running(observation& into) const {
    const auto first_short = running_.lower_bound({into.now - patience_, org_index{}});
    into.named = static_cast<org_count>(std::distance(running_.begin(), first_short));
    if (!running_.empty())
      into.since = running_.begin()->first;
    if (first_short != running_.end())
      into.due = first_short->first + patience_ + duration(1);
  }

  duration patience_;
  bool is_stall_ = false;
  wall_time progress_ = wall_time::min();
  std::set<std::pair<wall_time, org_index>> running_;
  boost::unordered_flat_map<std::uint32_t, wall_time> since_;  // by org
};

/// The requests in scope, which are few.
class schedule_ledger final : public ledger {
 public:
  schedule_ledger(const policy_specification& policy, const late_start_rule& rule)
      : match_(policy.match), patience_(rule.by) {}

  void set(const tracker::tracker&, org_index, const org_standing&) override {}

  void see(tracker::request_index request) override { requests_.insert(request); }

  void observe(const tracker::tracker& tracker, observation& into) const override {
    for (const auto index : requests_) {
      const auto& request = tracker.at(index);
      if (!request.row.scheduled_start || !is_cancelable(tracker.present_status(index)) ||
          !tracker.is_active(index, into.now))
        continue;
      const auto late_at = *request.row.scheduled_start + patience_;
      if (late_at > into.now) {
        into.due = std::min(into.due.value_or(late_at), late_at);
        continue;
      }
      if (!holds_matching_org(tracker, index, match_))
        continue;
      ++into.named;
      const std::pair position(*request.row.scheduled_start, request.row.id.text());
      if (!into.since || position < std::pair(*into.since, into.label)) {
        into.since = position.first;
        into.label = position.second;
      }
    }
    into.possible = into.named;
  }

 private:
  const policy_match& match_;
  duration patience_;
  std::set<tracker::request_index> requests_;
};

}  // namespace

std::unique_ptr<ledger> make_ledger(const policy_specification& policy, const rule_specification& rule) {
  if (const auto* errors = std::get_if<errors_rule>(&rule.test))
    return std::make_unique<error_ledger>(policy, *errors);
  if (const auto* same = std::get_if<same_error_rule>(&rule.test))
    return std::make_unique<error_ledger>(policy, *same);
  if (const auto* orgs = std::get_if<orgs_rule>(&rule.test))
    return std::make_unique<listed_orgs_ledger>(*orgs);
  if (const auto* streak = std::get_if<consecutive_failures_rule>(&rule.test))
    return std::make_unique<finish_order_ledger>(*streak);
  if (const auto* stalled = std::get_if<stalled_rule>(&rule.test))
    return std::make_unique<running_ledger>(*stalled);
  if (const auto* running = std::get_if<job_running_rule>(&rule.test))
    return std::make_unique<running_ledger>(*running);
  if (const auto* late = std::get_if<late_start_rule>(&rule.test))
    return std::make_unique<schedule_ledger>(policy, *late);
  return nullptr;
}

}  // namespace pushguard::policy
