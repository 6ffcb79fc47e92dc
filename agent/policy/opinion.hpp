#pragma once

#include <deque>
#include <string>

#include "agent/policy/failure_rate.hpp"
#include "agent/policy/judgement.hpp"
#include "agent/policy/observation.hpp"

namespace pushguard::policy {

/// How much is made of a judgement. Reasons and bounds cost far more than verdicts.
enum class detail : unsigned char {
  full,
  verdicts,  ///< without reason and lower bound
};

/// What one rule makes of what is observed, before arming, blindness, confirmation and hysteresis.
struct opinion {
  verdict value = verdict::insufficient_data;  ///< never `blind`
  /// Of a breach: would it stand whatever is still to be read?
  settlement breach = settlement::settled;
  judged_numbers numbers{};
  std::string reason{};
};

/// A rule with what it computes once: the tables that make deciding a comparison of integers.
class rule_judge {
 public:
  /// `rule` must outlive it.
  explicit rule_judge(const rule_specification& rule) : rule_(&rule) {}

  /// What splits the rule's orgs; nothing where all are one group.
  [[nodiscard]] std::optional<segmentation> by() const noexcept;

  /// `ordinal` is the group's place in the order of appearance, from 1.
  [[nodiscard]] opinion judge(const observation& seen, std::uint32_t ordinal = 1,
                              detail wanted = detail::full);

  [[nodiscard]] const rule_specification& rule() const noexcept { return *rule_; }

 private:
  struct rate_tables {
    failing_counts breach;
    failing_counts warning;
  };

  [[nodiscard]] opinion judge_rate(const failure_rate_rule& rule, const org_counts& counts,
                                   std::uint32_t ordinal, detail wanted);
  [[nodiscard]] rate_tables& tables(const failure_rate_rule& rule, std::uint32_t ordinal);

  const rule_specification* rule_;
  std::deque<rate_tables> tables_;  // by ordinal: each segment has an alpha of its own
};

}  // namespace pushguard::policy
