#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>

#include "agent/alert_center.hpp"
#include "agent/alert_texts.hpp"
#include "agent/audit_backlog.hpp"
#include "agent/cancellation.hpp"
#include "agent/hub_instruments.hpp"
#include "agent/hub_reader.hpp"
#include "agent/publisher.hpp"
#include "agent/salesforce/queries.hpp"
#include "agent/store/store.hpp"

namespace pushguard::agent {

/// What carrying out needs of its hub. Everything outlives the containments.
struct containment_parts {
  salesforce::push_queries& queries;
  salesforce::rest_client& rest;
  hub_reader& reader;
  tracker::tracker& tracked;
  publisher& views;
  store::store& store;
  alert_center& alerts;
  audit_backlog& audit;
  hub_instruments& instruments;
  time_source& time;
  time_source& hub_clock;  ///< for what is compared with instants that Salesforce told
  logger& log;
  random_engine& random;
  changes_handler on_changes;
  std::function<alert_context(const domain::rollout_id&)> context_of;
  std::function<alerts::alert_severity(const store::decision_key&)> severity_of;
};

/// Carries out one recorded decision: each request of the plan side by side, read, PATCH, read, until it is
/// settled; then says how it ended, whom it spared, and tells the alert. Every step can be repeated, so a
/// restart continues where the store says it was. For one executor without concurrency.
class containment {
 public:
  containment(containment_parts& parts, store::decision_record decision)
      : parts_(parts), decision_(std::move(decision)) {}

  /// Returns when the decision is ended and stored, or open still when cancelled.
  [[nodiscard]] boost::asio::awaitable<void> run();

  [[nodiscard]] const store::decision_record& decision() const noexcept { return decision_; }

 private:
  [[nodiscard]] boost::asio::awaitable<void> cancel_one(std::size_t entry);
  [[nodiscard]] boost::asio::awaitable<cancellation::event> carry_out(const cancellation::action& asked,
                                                                      std::size_t entry);
  [[nodiscard]] boost::asio::awaitable<cancellation::event> send_cancel(std::size_t entry);
  [[nodiscard]] boost::asio::awaitable<void> settle(std::size_t entry, const cancellation& machine,
                                                    policy::cancel_outcome outcome);
  [[nodiscard]] boost::asio::awaitable<void> finish();
  /// Commits `changes` with what waits for the audit trail. errc::conflict where the decision could not
  /// be recorded at first and meanwhile has been.
  [[nodiscard]] boost::asio::awaitable<result<>> commit(store::batch changes);
  [[nodiscard]] boost::asio::awaitable<std::vector<domain::org_key>> find_spared();
  void tell_end();

  containment_parts& parts_;
  store::decision_record decision_;
};

}  // namespace pushguard::agent
