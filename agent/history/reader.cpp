#include "agent/history/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/error.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <span>

#include "agent/history/words.hpp"
#include "agent/history/written_line.hpp"
#include "base/text.hpp"

namespace pushguard::history {
namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 16;  // errors need three; the rest is for keys of later versions
constexpr std::size_t quoted_bytes_max = 40;
constexpr std::size_t parse_buffer_bytes = std::size_t{16} * 1024;  // most lines need no other memory
constexpr std::uint64_t reserved_jobs_max = 200'000;                // a header may promise anything
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Reads the members of one JSON object. A member that is missing or null is empty; the first that is wrong
/// is kept as the problem, and everything read afterwards is empty.
class object_reader {
 public:
  /// `place` goes before what is wrong: `errors[2].`
  explicit object_reader(const json::object& object, std::string place = {})
      : object_(object), place_(std::move(place)) {}

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  const json::value* find(std::string_view name) const {
    const json::value* found = problem_.empty() ? object_.if_contains(name) : nullptr;
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  std::string_view text(std::string_view name) {
    const json::value* found = find(name);
    if (found == nullptr)
      return {};
    const json::string* text = found->if_string();
    if (text == nullptr) {
      complain(name, "must be a text");
      return {};
    }
    if (text->size() > text_bytes_max) {
      complain(name, fmt::format("must not have more than {} bytes", text_bytes_max));
      return {};
    }
    return {text->data(), text->size()};
  }
  std::string_view needed_text(std::string_view name) {
    const std::string_view read = text(name);
    if (read.empty())
      complain(name, "is missing");
    return read;
  }
  std::string owned_text(std::string_view name) { return std::string(text(name)); }

  template <class Id>
  void take(std::string_view name, Id& into) {
    const std::string_view read = text(name);
    if (read.empty())
      return;
    const auto parsed = Id::parse(read);
    if (parsed)
      into = *parsed;
    else
      complain(name, "is wrong: " + parsed.error().text());
  }
  template <class Id>
  void take_needed(std::string_view name, Id& into) {
    if (!needed_text(name).empty())
      take(name, into);
  }

  std::optional<wall_time> time(std::string_view name) {
    const std::string_view read = text(name);
    if (read.empty())
      return std::nullopt;
    const auto parsed = parse_time(read);
    if (parsed && is_writable(*parsed))
      return *parsed;
    complain(name, "must be an instant like 2025-09-02T01:01:01.000Z");
    return std::nullopt;
  }

  /// The one of `values` that is called like the text of the member; nothing where there is none.
  template <class Value, class Name>
  std::optional<Value> one_of(std::string_view name, std::span<const Value> values, Name name_of) {
    const std::string_view read = text(name);
    if (read.empty())
      return std::nullopt;
    std::vector<std::string_view> known;
    for (const Value& value : values) {
      if (name_of(value) == read)
        return value;
      if (!name_of(value).empty())
        known.push_back(name_of(value));
    }
    complain(name, fmt::format("is '{}', which is none of {}", cut_at_character(read, quoted_bytes_max),
                               fmt::join(known, ", ")));
    return std::nullopt;
  }
  domain::push_status status() {
    (void)needed_text("status");
    return one_of<domain::push_status>("status", domain::all_push_statuses,
                                       [](domain::push_status status) { return domain::to_string(status); })
        .value_or(domain::push_status::unrecognized);
  }

  std::uint64_t number(std::string_view name) {
    const json::value* found = find(name);
    if (found == nullptr)
      return 0;
    boost::system::error_code ec;
    const bool is_whole = found->is_int64() || found->is_uint64();
    const auto read = is_whole ? found->to_number<std::uint64_t>(ec) : 0;
    if (!is_whole || ec)
      complain(name, "must be a whole number of 0 or more");
    return read;
  }
  bool claim(std::string_view name, bool otherwise) {
    const json::value* found = find(name);
    if (found == nullptr)
      return otherwise;
    if (!found->is_bool())
      complain(name, "must be true or false");
    return found->is_bool() ? found->get_bool() : otherwise;
  }
  const json::array* list(std::string_view name) {
    const json::value* found = find(name);
    if (found == nullptr)
      return nullptr;
    if (!found->is_array())
      complain(name, "must be a list");
    return found->if_array();
  }

  void complain(std::string_view name, std::string_view what) {
    if (problem_.empty())
      problem_ = fmt::format("{}{} {}", place_, name, what);
  }
  /// What went wrong in a part of the object.
  void take_over(std::string problem) {
    if (problem_.empty())
      problem_ = std::move(problem);
  }

 private:
  const json::object& object_;
  std::string place_;
  std::string problem_;
};

template <class T>
using read_result = std::expected<T, std::string>;

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

enum class format_check : unsigned char { right, none, newer };

/// What the first line says of its own format.
format_check check_format(object_reader& line, std::string& version) {
  if (line.text("format") != format_name)
    return format_check::none;
  version = line.owned_text("format_version");
  const std::size_t dot = version.find('.');
  const auto major = parse_number(std::string_view(version).substr(0, dot));
  const bool has_minor =
      dot != std::string::npos && parse_number(std::string_view(version).substr(dot + 1)).has_value();
  if (!major || !has_minor || *major == 0)
    return format_check::none;
  return *major > format_major ? format_check::newer : format_check::right;
}

read_result<history_header> read_header(object_reader line) {
  history_header header;
  header.written_at = line.time("written_at").value_or(wall_time{});
  header.pushguard_version = line.owned_text("pushguard_version");
  header.hub = line.owned_text("hub");
  line.take("hub_org_id", header.hub_org);
  domain::request_row& request = header.request;
  line.take_needed("request_id", request.id);
  line.take("package_id", request.package);
  request.package_name = line.owned_text("package_name");
  request.version_number = line.owned_text("package_version");
  line.take_needed("version_id", request.version);
  const auto generation = line.one_of<std::pair<domain::package_generation, std::string_view>>(
      "package_generation", generation_words, [](const auto& word) { return word.second; });
  request.generation = generation ? generation->first : domain::package_generation::unknown;
  request.status = line.status();
  request.status_text = line.owned_text("status_text");
  request.scheduled_start = line.time("scheduled_start");
  request.start = line.time("start");
  request.end = line.time("end");
  request.modified = line.time("modified");
  if (line.find("jobs") == nullptr)
    line.complain("jobs", "is missing");
  header.jobs = line.number("jobs");
  if (line.find("complete") == nullptr)
    line.complain("complete", "is missing");
  header.is_complete = line.claim("complete", false);
  header.has_texts = line.claim("has_texts", true);
  if (!line.problem().empty())
    return std::unexpected(line.problem());
  return header;
}

read_result<history_error> read_error(object_reader line, const domain::job_id& job) {
  history_error error;
  error.row.job = job;
  const auto severity = line.one_of<std::pair<domain::error_severity, std::string_view>>(
      "severity", severity_words, [](const auto& word) { return word.second; });
  error.row.severity = severity ? severity->first : domain::error_severity::error;
  error.row.type =
      line.one_of<domain::error_type>("type", domain::all_error_types,
                                      [](domain::error_type type) { return domain::to_string(type); })
          .value_or(domain::error_type::unknown);
  error.row.title = line.owned_text("title");
  error.row.message = line.owned_text("message");
  error.row.details = line.owned_text("details");
  error.signature_hash = line.owned_text("signature_hash");
  if (!line.problem().empty())
    return std::unexpected(line.problem());
  return error;
}

std::optional<domain::subscriber_row> read_subscriber(object_reader& line, const domain::job_row& job,
                                                      const domain::package_id& package) {
  constexpr std::array types{domain::org_type::production, domain::org_type::sandbox};
  domain::subscriber_row subscriber;
  subscriber.org = job.org;
  subscriber.package = package;
  const auto type = line.one_of<domain::org_type>(
      "org_type", types, [](domain::org_type each) { return domain::to_string(each); });
  subscriber.name = line.owned_text("org_name");
  subscriber.sf_instance = line.owned_text("sf_instance");
  subscriber.org_status = line.owned_text("org_status");
  domain::version_id version;
  line.take("from_version", version);
  if (!version.empty())
    subscriber.version = version;
  if (!type)
    return std::nullopt;
  subscriber.type = *type;
  return subscriber;
}

read_result<history_job> read_job(object_reader line, const domain::request_row& request) {
  history_job job;
  line.take_needed("job_id", job.row.id);
  line.take_needed("org_key", job.row.org);
  job.row.request = request.id;
  job.subscriber = read_subscriber(line, job.row, request.package);
  job.row.status = line.status();
  job.row.status_text = line.owned_text("status_text");
  job.row.start = line.time("start");
  job.row.end = line.time("end");
  job.row.modified = line.time("modified");
  if (const json::array* errors = line.list("errors")) {
    for (std::size_t i = 0; i < errors->size() && line.problem().empty(); ++i) {
      const json::object* object = (*errors)[i].if_object();
      if (object == nullptr) {
        line.complain(fmt::format("errors[{}]", i), "must be an object");
        break;
      }
      auto error = read_error(object_reader(*object, fmt::format("errors[{}].", i)), job.row.id);
      if (error)
        job.errors.push_back(std::move(*error));
      else
        line.take_over(std::move(error.error()));
    }
  }
  job.errors_omitted = line.number("errors_omitted");
  if (!line.problem().empty())
    return std::unexpected(line.problem());
  return job;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return text;
}

}  // namespace

history_reader::history_reader(std::string file) : file_(std::move(file)) {}

result<> history_reader::problem(errc kind, std::string_view what) {
  state_ = fail(kind, one_line(fmt::format("{}:{}: {}", file_, std::max<std::size_t>(line_, 1), what)));
  return state_;
}

result<> history_reader::take(std::string_view bytes) {
  constexpr std::size_t begun_bytes_max = line_bytes_max + byte_order_mark.size() + 1;  // and a `\r`
  while (state_ && !bytes.empty()) {
    if (begun_.empty())
      ++line_;
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (begun_.size() + piece.size() > begun_bytes_max)
      return problem(errc::too_large, fmt::format("the line is longer than {} bytes", line_bytes_max));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (end == std::string_view::npos) {
      begun_ += piece;
    } else if (begun_.empty()) {
      state_ = take_line(piece, line_end::there);
    } else {
      begun_ += piece;
      state_ = take_line(begun_, line_end::there);
      begun_.clear();
    }
  }
  return state_;
}

result<> history_reader::take_line(std::string_view line, line_end end) {
  if (line_ == 1 && line.starts_with(byte_order_mark))
    line.remove_prefix(byte_order_mark.size());
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  if (line.empty())
    return {};
  if (line.size() > line_bytes_max)
    return problem(errc::too_large, fmt::format("the line is longer than {} bytes", line_bytes_max));
  if (!has_header_)
    return take_general_line(line, end);
  if (read_written_job(line, read_.header.request, read_.jobs.emplace_back()))
    return check_newest_job();
  read_.jobs.pop_back();
  return take_general_line(line, end);
}

result<> history_reader::take_general_line(std::string_view line, line_end end) {
  std::array<unsigned char, parse_buffer_bytes>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): room
  json::monotonic_resource memory(buffer.data(), buffer.size());
  json::parse_options options;
  options.max_depth = depth_max;
  boost::system::error_code ec;
  const json::value parsed = json::parse(json::string_view(line.data(), line.size()), ec, &memory, options);
  if (ec == json::error::too_deep)
    return problem(errc::malformed, fmt::format("the line is nested deeper than {} levels", depth_max));
  if (ec && end == line_end::missing)
    return problem(errc::malformed, "the file ends in the middle of this line: it was cut off");
  if (ec)
    return problem(errc::malformed, "the line is not JSON: " + ec.message());
  const json::object* object = parsed.if_object();
  if (object == nullptr)
    return problem(errc::malformed, "the line must be a JSON object");
  object_reader members(*object);
  if (has_header_) {
    auto job = read_job(members, read_.header.request);
    if (!job)
      return problem(errc::malformed, job.error());
    read_.jobs.push_back(std::move(*job));
    return check_newest_job();
  }
  std::string version;
  switch (check_format(members, version)) {
    case format_check::none:
      return problem(errc::malformed,
                     "this is no history of a push: its first line must have the format "
                     "\"pushguard-history\" and a format_version like \"1.0\"");
    case format_check::newer:
      return problem(
          errc::invalid,
          fmt::format("the history has format version {}, and this Pushguard reads {}.x: use a newer one",
                      cut_at_character(version, quoted_bytes_max), format_major));
    case format_check::right:
      break;
  }
  auto header = read_header(members);
  if (!header)
    return problem(errc::malformed, header.error());
  read_.header = std::move(*header);
  const auto promised = static_cast<std::size_t>(std::min(read_.header.jobs, reserved_jobs_max));
  read_.jobs.reserve(promised);
  line_of_job_.reserve(promised);
  has_header_ = true;
  return {};
}

result<> history_reader::check_newest_job() {
  const domain::job_row& job = read_.jobs.back().row;
  if (read_.jobs.size() > read_.header.jobs)
    return problem(errc::malformed, fmt::format("the file has more jobs than the {} that its header promises",
                                                read_.header.jobs));
  const auto [there, is_new] = line_of_job_.try_emplace(job.id, line_);
  if (!is_new)
    return problem(errc::malformed,
                   fmt::format("job {} was in line {} already", job.id.text(), there->second));
  if (read_.jobs.size() > 1 && !stands_before(read_.jobs[read_.jobs.size() - 2].row, job))
    return problem(errc::malformed,
                   fmt::format("job {} is out of order: jobs stand by their end, then by their id, and those "
                               "without an end come last",
                               job.id.text()));
  return {};
}

result<past_push> history_reader::finish() {
  if (state_ && !begun_.empty()) {
    state_ = take_line(begun_, line_end::missing);
    begun_.clear();
  }
  if (state_ && !has_header_)
    (void)problem(errc::malformed, "the file is empty");
  if (state_ && read_.jobs.size() < read_.header.jobs)
    (void)problem(errc::malformed,
                  fmt::format("the file ends after {} of the {} jobs that its header promises",
                              read_.jobs.size(), read_.header.jobs));
  if (!state_)
    return std::unexpected(state_.error());
  return std::move(read_);
}

result<past_push> read_past_push(std::string_view text, std::string file) {
  history_reader reader(std::move(file));
  if (auto taken = reader.take(text); !taken)
    return std::unexpected(taken.error());
  return reader.finish();
}

}  // namespace pushguard::history
