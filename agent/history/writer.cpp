#include "agent/history/writer.hpp"

#include <fmt/format.h>

#include <iterator>

#include "agent/history/words.hpp"
#include "base/text.hpp"

namespace pushguard::history {
namespace {

constexpr std::string_view digits_of_omitted = R"(],"errors_omitted":18446744073709551615})";

/// One JSON object, member by member.
class object_writer {
 public:
  explicit object_writer(std::string& out) : out_(out) { out_ += '{'; }

  void text(std::string_view name, std::string_view value) {
    begin(name);
    if (value.empty()) {
      out_ += "null";
      return;
    }
    const std::string mended = to_valid_utf8(value.substr(0, text_bytes_max + 1));
    append_json_string(out_, cut_at_character(mended, text_bytes_max));
  }
  void time(std::string_view name, const std::optional<wall_time>& value) {
    text(name, value && is_writable(*value) ? format_time(*value) : "");
  }
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void claim(std::string_view name, bool value) {
    begin(name);
    out_ += value ? "true" : "false";
  }
  void begin(std::string_view name) {
    fmt::format_to(std::back_inserter(out_), R"({}"{}":)", is_first_ ? "" : ",", name);
    is_first_ = false;
  }

 private:
  std::string& out_;
  bool is_first_ = true;
};

void append_error(std::string& out, const history_error& error) {
  object_writer line(out);
  line.text("severity", to_word(error.row.severity));
  line.text("type", domain::to_string(error.row.type));
  line.text("title", error.row.title);
  line.text("message", error.row.message);
  line.text("details", error.row.details);
  line.text("signature_hash", error.signature_hash);
  out += '}';
}

}  // namespace

std::string write_header(const history_header& header) {
  std::string out;
  object_writer line(out);
  const domain::request_row& request = header.request;
  line.text("format", format_name);
  line.text("format_version", fmt::format("{}.{}", format_major, format_minor));
  line.time("written_at", header.written_at);
  line.text("pushguard_version", header.pushguard_version);
  line.text("hub", header.hub);
  line.text("hub_org_id", header.hub_org.text());
  line.text("request_id", request.id.text());
  line.text("package_id", request.package.text());
  line.text("package_name", request.package_name);
  line.text("package_version", request.version_number);
  line.text("version_id", request.version.text());
  line.text("package_generation", to_word(request.generation));
  line.text("status", domain::to_string(request.status));
  line.text("status_text", request.status_text);
  line.time("scheduled_start", request.scheduled_start);
  line.time("start", request.start);
  line.time("end", request.end);
  line.time("modified", request.modified);
  line.number("jobs", header.jobs);
  line.claim("complete", header.is_complete);
  line.claim("has_texts", header.has_texts);
  out += "}\n";
  return out;
}

std::string write_job(const history_job& job) {
  std::string out;
  object_writer line(out);
  line.text("job_id", job.row.id.text());
  line.text("org_key", job.row.org.key());
  const auto& subscriber = job.subscriber;
  line.text("org_name", subscriber ? subscriber->name : "");
  line.text("org_type", subscriber ? domain::to_string(subscriber->type) : "");
  line.text("sf_instance", subscriber ? subscriber->sf_instance : "");
  line.text("org_status", subscriber ? subscriber->org_status : "");
  line.text("from_version", subscriber && subscriber->version ? subscriber->version->text() : "");
  line.text("status", domain::to_string(job.row.status));
  line.text("status_text", job.row.status_text);
  line.time("start", job.row.start);
  line.time("end", job.row.end);
  line.time("modified", job.row.modified);
  line.begin("errors");
  out += '[';
  std::size_t written = 0;
  std::string error;
  for (; written < job.errors.size(); ++written) {
    error.assign(written == 0 ? "" : ",");
    append_error(error, job.errors[written]);
    if (out.size() + error.size() + digits_of_omitted.size() > line_bytes_max)
      break;
    out += error;
  }
  out += ']';
  line.number("errors_omitted", job.errors_omitted + (job.errors.size() - written));
  out += "}\n";
  return out;
}

}  // namespace pushguard::history
