#include "tests/support/told_trail.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <iterator>
#include <stdexcept>

#include "agent/store/audit_chain.hpp"
#include "agent/store/audit_reading.hpp"

namespace pushguard::test {

namespace json = boost::json;

std::vector<std::string> told_trail::kinds() const {
  std::vector<std::string> out;
  for (const store::audit_row& row : rows)
    out.push_back(row.kind);
  return out;
}

std::size_t told_trail::count(std::string_view kind) const {
  return of_kind(kind).size();
}

std::vector<store::audit_row> told_trail::of_kind(std::string_view kind) const {
  std::vector<store::audit_row> out;
  std::ranges::copy_if(rows, std::back_inserter(out),
                       [&](const store::audit_row& row) { return row.kind == kind; });
  return out;
}

told_trail read_trail(const simulated_agent& world) {
  told_trail found;
  store::audit_verifier verifier;
  const auto read = store::read_audit(world.directory() / "state.db", [&](const store::audit_row& row) {
    found.rows.push_back(row);
    const auto added = verifier.add(row);
    if (!added && found.problem.empty())
      found.problem = added.error().text();
    return true;
  });
  if (!read)
    throw std::runtime_error(read.error().text());
  return found;
}

std::string detail_of(const store::audit_row& row, std::string_view name) {
  const json::value details = json::parse(row.details);
  const auto* value = details.as_object().if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

}  // namespace pushguard::test
