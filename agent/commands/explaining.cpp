#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "agent/commands/commands.hpp"
#include "agent/commands/policy_text.hpp"
#include "agent/configuration/policy_document.hpp"

namespace pushguard::agent {
namespace {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;

}  // namespace

int explain(const explain_options& options) {
  const auto document = configuration::policy_document::load(options.config);
  const auto read = document ? document->read() : std::unexpected(document.error());
  if (!read) {
    for (const std::string& problem : read.error())
      fmt::print(stderr, "{}\n", problem);
    return exit_failed;
  }
  std::vector<policy::policy_explanation> explained;
  for (const policy::policy_specification& policy : read->policies)
    explained.push_back(policy::explain(policy));
  if (options.output == output_form::json)
    fmt::print("{}\n", boost::json::serialize(to_json(explained)));
  else
    fmt::print("{}", explained.empty() ? "there are no policies: nothing is judged\n"
                                       : render_explanations(explained));
  return exit_done;
}

}  // namespace pushguard::agent
