#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/configuration/csv_reading.hpp"
#include "agent/configuration/org_directory.hpp"
#include "base/text.hpp"

namespace {

using namespace pushguard;

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

void demand_one_line(std::string_view text) {
  demand(to_valid_utf8(text) == text);
  demand(
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }));
}

}  // namespace

/// Any bytes are read or refused; every problem names the file in one line, and what an org is noted with
/// fits one line too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto read = configuration::org_directory::parse(input, "fuzz.csv");
  if (!read) {
    demand(!read.error().empty() && read.error().size() <= configuration::orgs_file_problems_max + 1);
    for (const std::string& problem : read.error()) {
      demand(problem.starts_with("fuzz.csv:"));
      demand_one_line(problem);
    }
    return 0;
  }
  configuration::csv_reader records(input);
  while (const auto record = records.next()) {
    demand(record->problem.empty());
    for (const std::string& value : record->values) {
      const auto org = domain::org_key::parse(trim(value));
      const auto note = org ? read->find(*org) : std::nullopt;
      if (!note)
        continue;
      for (const std::string_view text : {note->customer, note->tier, note->contact}) {
        demand(text.size() <= configuration::org_note_bytes_max);
        demand_one_line(text);
      }
    }
  }
  return 0;
}
