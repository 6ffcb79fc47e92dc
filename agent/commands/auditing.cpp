#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <system_error>

#include "agent/commands/agent_client.hpp"
#include "agent/commands/commands.hpp"
#include "agent/commands/render.hpp"
#include "agent/store/audit_chain.hpp"
#include "agent/store/audit_reading.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr std::size_t page_size = 2000;

/// Takes a line of the trail, without its end; false: no more is wanted.
using line_taker = std::function<bool(std::string_view)>;

int complain(const failure& why) {
  fmt::print(stderr, "pushguard: {}\n", printable(why.text()));
  return exit_failed;
}

std::optional<std::int64_t> sequence_of(std::string_view line) {
  boost::system::error_code ec;
  const json::value parsed = json::parse(line, ec);
  const auto* object = ec ? nullptr : parsed.if_object();
  const auto* sequence = object != nullptr ? object->if_contains("sequence") : nullptr;
  return sequence != nullptr && sequence->is_int64() ? std::optional(sequence->get_int64()) : std::nullopt;
}

result<> read_agent(const connection_options& connection, const line_taker& take) {
  auto agent = make_agent_client(connection);
  if (!agent)
    return std::unexpected(agent.error());
  std::int64_t after = 0;
  for (;;) {
    const auto page =
        (*agent)->get_text(fmt::format("/api/v1/audit?format=ndjson&limit={}&after={}", page_size, after));
    if (!page)
      return std::unexpected(page.error());
    if (page->empty())
      return {};
    std::string_view last;
    for (std::string_view rest = *page; !rest.empty();) {
      last = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(last.size() + 1, rest.size()));
      if (!take(last))
        return {};
    }
    const auto sequence = sequence_of(last);
    if (!sequence || *sequence <= after)
      return fail(errc::malformed, fmt::format("{} did not answer as this version of Pushguard does",
                                               connection.url.origin.text()));
    after = *sequence;
  }
}

result<> read_state(const std::filesystem::path& path, const line_taker& take) {
  return store::read_audit(path, [&](const store::audit_row& row) { return take(store::audit_line(row)); });
}

result<> read_export(const std::filesystem::path& path, const line_taker& take) {
  std::ifstream in(path);
  const auto failed = [&] {
    return fail(errc::storage,
                fmt::format("cannot read {}: {}", path.string(), std::generic_category().message(errno)));
  };
  if (!in)
    return failed();
  for (std::string line; std::getline(in, line);) {
    if (!take(line))
      return {};
  }
  if (in.bad())
    return failed();
  return {};
}

result<> read_trail(const audit_options& options, const line_taker& take) {
  if (options.state)
    return read_state(*options.state, take);
  if (options.file)
    return read_export(*options.file, take);
  return read_agent(options.connection, take);
}

failure output_failure() {
  return {make_error_code(errc::storage),
          "cannot write to standard output: " + std::generic_category().message(errno)};
}

int export_trail(const audit_options& options) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is told like a full disk
  bool is_written = true;
  const auto read = read_trail(options, [&](std::string_view line) {
    is_written =
        std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF;
    return is_written;
  });
  if (!is_written || std::fflush(stdout) != 0)
    return complain(output_failure());
  return read ? exit_done : complain(read.error());
}

void tell_json(const store::audit_verifier& verifier, const std::string& problem) {
  const json::object verdict{{"intact", problem.empty()},
                             {"entries", verifier.entries()},
                             {"last_hash", verifier.last_hash()},
                             {"problem", problem.empty() ? json::value(nullptr) : json::value(problem)}};
  fmt::print("{}\n", json::serialize(verdict));
}

int verify(const audit_options& options) {
  store::audit_verifier verifier;
  verifier.expect(options.expected_hash);
  std::string problem;
  const auto read = read_trail(options, [&](std::string_view line) {
    const auto added = verifier.add_line(line);
    if (!added)
      problem = added.error().text();
    return added.has_value();
  });
  if (!read)
    return complain(read.error());
  if (const auto ended = verifier.finish(); problem.empty() && !ended)
    problem = ended.error().text();
  if (options.output == output_form::json) {
    tell_json(verifier, problem);
    return problem.empty() ? exit_done : exit_failed;
  }
  if (!problem.empty())
    return complain(
        {make_error_code(errc::malformed), fmt::format("the audit trail is broken: {}", problem)});
  fmt::print("{} entries, chain intact, last hash {}\n", verifier.entries(), verifier.last_hash());
  return exit_done;
}

}  // namespace

int audit(const audit_options& options) {
  return options.action == audit_action::export_trail ? export_trail(options) : verify(options);
}

}  // namespace pushguard::agent
