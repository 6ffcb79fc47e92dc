#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/configuration/org_directory.hpp"
#include "agent/read_model.hpp"

/// The orgs of a rollout as a table that is paged, filtered and searched. Pure.
namespace pushguard::agent {

/// An org of a rollout: its newest job, as an org that was pushed again counts once.
struct listed_org {
  const job_view* job = nullptr;  ///< valid until the model forgets its hub
  bool is_spared = false;         ///< an abort kept it from the upgrade
};

/// The orgs of rollouts, in the order of their keys. Kept, as making a list of very many takes its time.
class org_lists {
 public:
  explicit org_lists(const read_model& model) : model_(model) {}

  /// Valid until the next call.
  [[nodiscard]] std::span<const listed_org> of(const rollout_view& rollout);
  /// Must be called where the model forgets a hub.
  void clear() { lists_.clear(); }

 private:
  struct list {
    std::vector<std::pair<domain::request_id, std::size_t>> made_of;  ///< waves, and how many jobs they had
    std::vector<listed_org> orgs;
    std::size_t spared = 0;
  };
  void fill(list& made, const rollout_view& rollout) const;
  void mark_spared(list& made, const rollout_view& rollout) const;

  const read_model& model_;
  std::map<std::pair<std::string, std::string>, list> lists_;
};

enum class org_result : std::uint8_t { any, failed, succeeded, spared, running };

/// Which orgs are wanted; what is empty does not matter.
struct org_filter {
  org_result result = org_result::any;
  domain::request_id wave = {};
  std::optional<domain::error_type> error = {};
  std::optional<domain::org_type> type = {};
  std::string sf_instance = {};
  std::string signature = {};  ///< of the error, as group_failures() tells it; only failed orgs have one
  std::optional<domain::version_id> from_version = {};
  std::string text = {};  ///< a part of the org's name, customer, tier or key; ASCII letters in either case
};

/// Tells whether orgs of a hub pass a filter. `model` and `directory` (which may be nullptr) outlive it.
class org_matcher {
 public:
  org_matcher(const read_model& model, std::string hub, const configuration::org_directory* directory,
              org_filter filter);
  [[nodiscard]] bool operator()(const listed_org& org) const;

 private:
  [[nodiscard]] bool has_result(const listed_org& org) const;
  [[nodiscard]] bool has_text(const listed_org& org, const org_view* known) const;

  const read_model& model_;
  std::string hub_;
  const configuration::org_directory* directory_;
  org_filter filter_;
};

struct org_page {
  std::vector<listed_org> orgs;
  std::size_t matching = 0;  ///< on all pages
  bool has_more = false;
};

/// At most `size` orgs whose keys come after `after` (15 characters, or empty for the first page).
[[nodiscard]] org_page take_page(std::span<const listed_org> orgs, const org_matcher& matches,
                                 std::string_view after, std::size_t size);

/// The next `size` orgs that match, as above, without counting all the others; fewer where there are no more.
[[nodiscard]] std::vector<listed_org> take_rows(std::span<const listed_org> orgs, const org_matcher& matches,
                                                std::string_view after, std::size_t size);

enum class failure_group_key : std::uint8_t { signature, error_type, sf_instance, org_type, from_version };

struct failure_group {
  std::string value;  ///< empty: not known
  std::size_t failed = 0;
  std::optional<std::size_t> started = {};  ///< orgs of that value; none where only failures have one
  std::vector<std::string> sample_org_keys = {};
};

struct failure_groups {
  std::vector<failure_group> groups;  ///< most failures first
  std::size_t failed = 0;             ///< of all groups
  std::size_t others = 0;             ///< failures of groups that are left out
};

inline constexpr std::size_t failure_groups_max = 50;
inline constexpr std::size_t failure_samples_max = 5;

/// The failed orgs by what they have in common.
[[nodiscard]] failure_groups group_failures(const read_model& model, std::string_view hub,
                                            std::span<const listed_org> orgs, failure_group_key by);

}  // namespace pushguard::agent
