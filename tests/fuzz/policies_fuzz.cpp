#include <cstdint>
#include <string>
#include <string_view>

#include "agent/configuration/policy_document.hpp"
#include "agent/policy/explain.hpp"

namespace {

using namespace pushguard;

/// Every rule that is accepted can be asked, whatever its numbers.
void ask(const std::expected<configuration::policy_set, configuration::problem_list>& read) {
  if (!read)
    return;
  for (const auto& policy : read->policies)
    (void)policy::explain(policy);
}

}  // namespace

/// The first line is a sweep, the rest a configuration of which only the policies are looked at. Either may
/// be anything; every problem is told and none is a fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line_end = std::min(input.find('\n'), input.size());
  const auto document =
      configuration::policy_document::parse(input.substr(std::min(line_end + 1, input.size())), "fuzz.yaml");
  const auto sweep = configuration::parse_sweep(input.substr(0, line_end));
  if (!document)
    return 0;
  ask(document->read());
  if (!sweep)
    return 0;
  const auto kind = document->find(sweep->field);
  const auto values =
      kind ? configuration::sweep_values(sweep->values, *kind) : result<std::vector<std::string>>();
  if (!kind || !values)
    return 0;
  constexpr std::size_t tried_max = 3;
  for (std::size_t i = 0; i < std::min(values->size(), tried_max); ++i)
    ask(document->read_with(sweep->field, (*values)[i]));
  return 0;
}
