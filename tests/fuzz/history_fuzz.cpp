#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/history/reader.hpp"
#include "agent/history/writer.hpp"

namespace {

using namespace pushguard;

std::string write(const history::past_push& push) {
  std::string file = history::write_header(push.header);
  for (const history::history_job& job : push.jobs)
    file += history::write_job(job);
  return file;
}

result<history::past_push> read_in_halves(std::string_view file) {
  history::history_reader reader("fuzz.ndjson");
  for (const auto half : {file.substr(0, file.size() / 2), file.substr(file.size() / 2)}) {
    if (auto taken = reader.take(half); !taken)
      return std::unexpected(taken.error());
  }
  return reader.finish();
}

/// The same with a blank before each job's line: those are read as any JSON is, and none by comparing it with
/// what would have been written.
result<history::past_push> read_as_any_json(std::string_view file) {
  std::string spaced;
  for (bool is_first = true; !file.empty(); is_first = false) {
    const auto end = std::min(file.find('\n'), file.size() - 1);
    const auto line = file.substr(0, end + 1);
    if (!is_first && line != "\n" && line != "\r\n" && line != "\r")
      spaced += ' ';
    spaced += line;
    file.remove_prefix(line.size());
  }
  return history::read_past_push(spaced, "fuzz.ndjson");
}

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

}  // namespace

/// A history may be anything. What is read and written again reads equal, in pieces as in one, and by
/// comparing its lines as by parsing them; what is not read is told in one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An escape takes six bytes: what is longer might not have room in a line when it is written again.
  if (size > history::line_bytes_max / 8)
    return 0;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto read = history::read_past_push(file, "fuzz.ndjson");
  const auto in_halves = read_in_halves(file);
  const auto as_any_json = read_as_any_json(file);
  demand(read.has_value() == in_halves.has_value() && read.has_value() == as_any_json.has_value());
  if (!read) {
    demand(read.error().text() == in_halves.error().text());
    demand(read.error().text() == as_any_json.error().text());
    demand(read.error().text().find_first_of("\r\n") == std::string::npos);
    return 0;
  }
  demand(*in_halves == *read);
  demand(*as_any_json == *read);
  const std::string written = write(*read);
  const auto again = history::read_past_push(written, "fuzz.ndjson");
  demand(again.has_value() && *again == *read);
  demand(write(*again) == written);
  return 0;
}
