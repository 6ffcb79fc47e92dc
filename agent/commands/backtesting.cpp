#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <system_error>

#include "agent/backtest.hpp"
#include "agent/backtest_sweep.hpp"
#include "agent/commands/commands.hpp"
#include "agent/commands/policy_text.hpp"
#include "agent/commands/render.hpp"
#include "agent/configuration/policy_document.hpp"
#include "agent/history/reader.hpp"

namespace pushguard::agent {
namespace {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr std::size_t piece_bytes = 256 * std::size_t{1024};

int complain(std::string_view what, int exit_code) {
  fmt::print(stderr, "pushguard: {}\n", printable(what));
  return exit_code;
}

int tell(const configuration::problem_list& problems, int exit_code) {
  for (const std::string& problem : problems)
    fmt::print(stderr, "{}\n", problem);
  return exit_code;
}

std::unexpected<failure> unreadable(const std::filesystem::path& file) {
  return fail(errc::not_found, fmt::format("{}: cannot be read: {}", file.string(),
                                           std::generic_category().message(errno == 0 ? EIO : errno)));
}

result<history::past_push> read_history(const std::filesystem::path& file) {
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"), &std::fclose);
  if (!in)
    return unreadable(file);
  history::history_reader reader(file.string());
  std::string piece(piece_bytes, '\0');
  for (;;) {
    const std::size_t size = std::fread(piece.data(), 1, piece.size(), in.get());
    if (std::ferror(in.get()) != 0)
      return unreadable(file);
    if (size == 0)
      return reader.finish();
    if (const auto taken = reader.take(std::string_view(piece).substr(0, size)); !taken)
      return std::unexpected(taken.error());
  }
}

result<std::vector<history::past_push>> read_histories(std::span<const std::filesystem::path> files) {
  std::vector<history::past_push> pushes;
  std::map<domain::request_id, std::filesystem::path> file_of;
  for (const std::filesystem::path& file : files) {
    auto push = read_history(file);
    if (!push)
      return std::unexpected(push.error());
    const auto [first, is_new] = file_of.emplace(push->header.request.id, file);
    if (!is_new)
      return fail(errc::invalid, fmt::format("{}: the push request {} is in {} already", file.string(),
                                             push->header.request.id.text(), first->second.string()));
    if (!push->header.is_complete)
      fmt::print(stderr, "pushguard: warning: {}: the push had not ended when it was written\n",
                 printable(file.string()));
    pushes.push_back(std::move(*push));
  }
  return pushes;
}

/// The values of the sweep, each with the policy that has it. Problems are the command line's.
std::expected<std::vector<swept_policy>, configuration::problem_list> read_variants(
    const configuration::policy_document& document, const configuration::sweep& sweep) {
  const auto kind = document.find(sweep.field);
  if (!kind)
    return std::unexpected(configuration::problem_list{"pushguard: " + printable(kind.error().text())});
  const auto values = configuration::sweep_values(sweep.values, *kind);
  if (!values)
    return std::unexpected(configuration::problem_list{"pushguard: " + printable(values.error().text())});
  std::vector<swept_policy> variants;
  for (const std::string& value : *values) {
    auto changed = document.read_with(sweep.field, value);
    if (!changed) {
      for (std::string& problem : changed.error())
        problem += fmt::format(" (with {}={})", sweep.field.field, value);
      return std::unexpected(changed.error());
    }
    auto policy =
        std::ranges::find(changed->policies, sweep.field.policy, &policy::policy_specification::name);
    if (policy != changed->policies.end())
      variants.push_back({value, std::move(*policy)});
  }
  return variants;
}

void print(const boost::json::value& value) {
  fmt::print("{}\n", boost::json::serialize(value));
}

}  // namespace

int backtest(const backtest_options& options) {
  const auto document = configuration::policy_document::load(options.config);
  auto read = document ? document->read() : std::unexpected(document.error());
  if (!read)
    return tell(read.error(), exit_failed);
  if (read->policies.empty())
    return complain(options.config.string() + ": there are no policies to try", exit_failed);
  std::vector<swept_policy> variants;
  if (options.sweep) {
    auto made = read_variants(*document, *options.sweep);
    if (!made)
      return tell(made.error(), exit_usage);
    variants = std::move(*made);
  }
  const auto pushes = read_histories(options.histories);
  if (!pushes)
    return complain(pushes.error().text(), exit_failed);
  const backtest_settings settings{.rollout_gap = read->rollout_gap, .are_healthy = options.are_healthy};
  const bool wants_json = options.output == output_form::json;
  if (!options.sweep) {
    const auto report = backtest(*pushes, std::move(read->policies), settings);
    wants_json ? print(to_json(report)) : fmt::print("{}", render_backtest(report));
    return exit_done;
  }
  const auto& field = options.sweep->field;
  const auto unswept = std::ranges::find(read->policies, field.policy, &policy::policy_specification::name);
  const auto report = sweep_rule(*pushes, field.rule, *unswept, variants, settings);
  wants_json ? print(to_json(report, field.text())) : fmt::print("{}", render_sweep(report, field.text()));
  return exit_done;
}

}  // namespace pushguard::agent
