#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <variant>
#include <vector>

#include "agent/alert_texts.hpp"
#include "agent/audit_trail.hpp"
#include "agent/store/store.hpp"
#include "agent/view_making.hpp"
#include "alerts/alert_json.hpp"
#include "alerts/outbox_store.hpp"
#include "tests/support/scratch_directory.hpp"

/// The commit of a decision with all that goes with it, beside the same rows written into the same tables of
/// another database on the same disk by prepared statements and nothing else.
namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
using test::must;

constexpr int requests_planned = 20;
constexpr int signatures = 5;
constexpr int receivers = 3;
constexpr std::size_t pairs = 200;
constexpr std::size_t warm_up = 20;

wall_time now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

store::decision_record make_decision(std::int64_t id) {
  store::decision_record made;
  made.id = id;
  made.key = {{"devhub", must(domain::version_id::parse(fmt::format("04t{:012}", id))), 1},
              1,
              store::decision_mode::enforce,
              "production",
              "failure-rate"};
  made.decided_at = now();
  made.actor = "pushguard";
  made.reason = "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)";
  made.failed = 17;
  made.started = 100;
  made.in_flight = 12;
  made.observed_ratio = 0.17;
  made.lower_bound_ratio = 0.066;
  made.threshold_ratio = 0.05;
  made.configuration_hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  made.agent_version = "1.0.0";
  for (int i = 0; i < signatures; ++i) {
    store::error_signature signature{
        .text = fmt::format("DeployError: Dependent class is invalid and needs recompilation {}", i),
        .orgs = 10 - i,
        .sample_orgs = {}};
    for (int org = 0; org < 3; ++org)
      signature.sample_orgs.push_back(must(domain::org_key::parse(fmt::format("00D{:012}", 10 * i + org))));
    made.signatures.push_back(std::move(signature));
  }
  for (int i = 0; i < requests_planned; ++i) {
    store::plan_entry entry;
    entry.request = must(domain::request_id::parse(fmt::format("0DV{:012}", 100 * id + i)));
    entry.status_at_decision = domain::push_status::created;
    entry.updated_at = made.decided_at;
    made.plan.push_back(std::move(entry));
  }
  return made;
}

/// What the agent commits when it decides.
store::batch make_batch(std::int64_t id) {
  store::batch made;
  made.decisions.push_back(make_decision(id));
  const store::decision_record& decision = made.decisions.front();
  agent::alert_context context;
  context.hub = "devhub";
  context.rollout = fmt::format("{}/1", decision.key.rollout.version.text());
  context.instance_url = "https://devhub.my.salesforce.com";
  context.package_name = "Acme Billing";
  context.version_number = "1.4.0";
  alerts::notification told;
  told.record.content = agent::make_containment_alert(context, agent::make_decision_view(decision),
                                                      alerts::alert_severity::critical);
  told.record.content.starts_at = told.record.content.updated_at = decision.decided_at;
  told.record.notified_at = decision.decided_at;
  for (int i = 0; i < receivers; ++i) {
    told.record.receivers.push_back(fmt::format("receiver-{}", i));
    told.notices.push_back({told.record.receivers.back(), alerts::notification_kind::fired});
  }
  alerts::outbox_ids ids;
  ids.skip(id * 100);
  made.notifications = alerts::make_outbox_rows(told, wall_time(), ids);
  made.alerts.push_back(std::move(told.record));
  made.audit.push_back(agent::audit_decided(decision));
  return made;
}

using value = std::variant<std::nullptr_t, std::int64_t, double, std::string>;
using row = std::vector<value>;

value instant(wall_time at) {
  return std::int64_t{at.time_since_epoch().count()};
}

/// The rows of one batch, by the table they go to; the values are those that the store writes.
struct plain_rows {
  row decision;
  std::vector<row> plan;
  std::vector<row> signatures;
  row alert;
  std::vector<row> notifications;
  row audit;
};

std::string text(std::string_view of) {
  return std::string(of);
}

plain_rows make_plain_rows(const store::batch& from) {
  plain_rows made;
  const store::decision_record& decision = from.decisions.front();
  made.decision = {decision.id,
                   decision.key.rollout.hub,
                   text(decision.key.rollout.version.key()),
                   text(decision.key.rollout.version.text()),
                   decision.key.rollout.number,
                   decision.key.epoch,
                   text(to_string(decision.key.mode)),
                   decision.key.policy,
                   decision.key.rule,
                   instant(decision.decided_at),
                   decision.actor,
                   decision.reason,
                   decision.failed,
                   decision.started,
                   decision.excluded,
                   decision.in_flight,
                   *decision.observed_ratio,
                   *decision.lower_bound_ratio,
                   *decision.threshold_ratio,
                   decision.configuration_hash,
                   decision.agent_version,
                   nullptr,
                   nullptr};
  for (const store::plan_entry& entry : decision.plan)
    made.plan.push_back({decision.id, text(entry.request.key()), text(entry.request.text()),
                         text(domain::to_string(entry.status_at_decision)), text(to_string(entry.action)),
                         text(to_string(entry.step)), nullptr, "", "", instant(entry.updated_at)});
  std::int64_t position = 0;
  for (const store::error_signature& signature : decision.signatures) {
    std::string orgs;
    for (const domain::org_key& org : signature.sample_orgs)
      orgs += fmt::format("{}{}", orgs.empty() ? "" : " ", org.text());
    made.signatures.push_back({decision.id, position++, signature.text, signature.orgs, orgs});
  }
  const alerts::alert_record& alert = from.alerts.front();
  made.alert = {alert.content.id, nullptr, alerts::to_json(alert)};
  for (const alerts::outbox_row& told : from.notifications)
    made.notifications.push_back({told.id, told.receiver, text(to_string(told.kind)),
                                  alerts::to_json(told.content), instant(told.created_at),
                                  std::int64_t{told.attempts}, instant(told.next_attempt_at)});
  // Nobody reads these hashes; they are as long as real ones.
  const store::audit_entry& audit = from.audit.front();
  made.audit = {decision.id,         instant(audit.at), text(to_string(audit.kind)),
                audit.hub,           audit.rollout,     decision.id,
                audit.actor,         audit.details,     std::string(64, 'a'),
                std::string(64, 'b')};
  return made;
}

class plain_statement {
 public:
  /// `columns` is how many values a row has.
  plain_statement(SQLite::Database& database, std::string_view table_and_columns, std::size_t columns)
      : statement_(database, fmt::format("INSERT INTO {} VALUES ({})", table_and_columns,
                                         fmt::join(std::vector<std::string>(columns, "?"), ","))) {}

  void insert(const row& values) {
    int index = 0;
    for (const value& each : values) {
      ++index;
      if (const auto* number = std::get_if<std::int64_t>(&each))
        statement_.bind(index, *number);
      else if (const auto* real = std::get_if<double>(&each))
        statement_.bind(index, *real);
      else if (const auto* words = std::get_if<std::string>(&each))
        statement_.bindNoCopy(index, *words);
      else
        statement_.bind(index);
    }
    statement_.exec();
    statement_.reset();
  }

 private:
  SQLite::Statement statement_;
};

/// A database that the store has made, with the store's own pragmas, and nothing around SQLite.
class plain_database {
 public:
  explicit plain_database(const std::string& file) : database_(file, SQLite::OPEN_READWRITE) {
    database_.exec("PRAGMA foreign_keys = ON");
    database_.exec("PRAGMA synchronous = FULL");
    database_.exec("PRAGMA cell_size_check = ON");
    database_.execAndGet("PRAGMA journal_size_limit = 16777216");
    if (database_.execAndGet("PRAGMA journal_mode").getString() != "wal")
      throw std::runtime_error("the store's database has no write-ahead log");
  }

  void write(const plain_rows& rows) {
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    decisions_.insert(rows.decision);
    for (const row& each : rows.plan)
      plans_.insert(each);
    for (const row& each : rows.signatures)
      signatures_.insert(each);
    alerts_.insert(rows.alert);
    for (const row& each : rows.notifications)
      outbox_.insert(each);
    audit_.insert(rows.audit);
    transaction.commit();
  }

 private:
  SQLite::Database database_;
  plain_statement decisions_{
      database_,
      "decisions (id, hub, version_key, version_id, number, epoch, mode, policy, rule, decided_at, actor, "
      "reason, failed, started, excluded, in_flight, observed_ratio, lower_bound_ratio, threshold_ratio, "
      "configuration_hash, agent_version, outcome, ended_at)",
      23};
  plain_statement plans_{database_, "decision_plans", 10};
  plain_statement signatures_{database_, "decision_signatures", 5};
  plain_statement alerts_{database_, "alerts", 3};
  plain_statement outbox_{database_, "outbox", 7};
  plain_statement audit_{database_, "audit", 10};
};

std::unique_ptr<store::store> open_store(const std::filesystem::path& file) {
  return must(store::open_sqlite_store(must(try_lock(file))));
}

/// As `decide` sees it: from the call until it goes on.
std::chrono::nanoseconds commit(asio::io_context& context, store::store& into, store::batch changes) {
  std::optional<result<store::commit_outcome>> outcome;
  const auto began = std::chrono::steady_clock::now();
  asio::co_spawn(context, into.commit(std::move(changes)),
                 [&](const std::exception_ptr& error, result<store::commit_outcome> committed) {
                   if (error)
                     std::rethrow_exception(error);
                   outcome = std::move(committed);
                 });
  context.restart();
  context.run();
  const auto took = std::chrono::steady_clock::now() - began;
  if (!outcome || !*outcome || !(*outcome)->is_applied())
    throw std::runtime_error("a decision was not committed");
  return took;
}

std::chrono::nanoseconds write_plainly(plain_database& into, const plain_rows& rows) {
  const auto began = std::chrono::steady_clock::now();
  into.write(rows);
  return std::chrono::steady_clock::now() - began;
}

double median_microseconds(std::vector<std::chrono::nanoseconds>& of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::ranges::nth_element(of, middle);
  return std::chrono::duration<double, std::micro>(*middle).count();
}

/// Pairs, one after the other, so that whatever else the disk does meets both.
void commit_of_a_decision(benchmark::State& state) {
  constexpr double claimed_ratio = 2;
  for (auto _ : state) {
    const test::scratch_directory directory;
    asio::io_context context(1);
    const auto stored = open_store(directory.path() / "state.db");
    open_store(directory.path() / "plain.db")->close();
    plain_database plain((directory.path() / "plain.db").string());
    std::vector<std::chrono::nanoseconds> ours;
    std::vector<std::chrono::nanoseconds> theirs;
    for (std::size_t i = 0; i < warm_up + pairs; ++i) {
      const auto id = static_cast<std::int64_t>(i + 1);
      store::batch batch = make_batch(id);
      const plain_rows rows = make_plain_rows(batch);
      std::chrono::nanoseconds by_store{};
      std::chrono::nanoseconds by_statements{};
      if (i % 2 == 0) {
        by_store = commit(context, *stored, std::move(batch));
        by_statements = write_plainly(plain, rows);
      } else {
        by_statements = write_plainly(plain, rows);
        by_store = commit(context, *stored, std::move(batch));
      }
      if (i < warm_up)
        continue;
      ours.push_back(by_store);
      theirs.push_back(by_statements);
    }
    stored->close();
    const double of_store = median_microseconds(ours);
    const double of_statements = median_microseconds(theirs);
    state.SetIterationTime(of_store * 1e-6);
    state.counters["store_us"] = of_store;
    state.counters["statements_us"] = of_statements;
    state.counters["ratio"] = of_store / of_statements;
    if (of_store > claimed_ratio * of_statements)
      state.SkipWithError("the commit of a decision takes more than twice what its rows take by themselves");
  }
}
BENCHMARK(commit_of_a_decision)
    ->Name("decision/commit")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pushguard::bench
