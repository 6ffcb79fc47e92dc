// Nearly every line of a history was written by write_job(). To read such a line is to compare it: that costs
// a fraction of parsing it into values.
#include "agent/history/written_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "agent/history/words.hpp"
#include "base/text.hpp"

namespace pushguard::history {
namespace {

class written_line {
 public:
  explicit written_line(std::string_view line) noexcept : at_(line.data()), end_(line.data() + line.size()) {}

  [[nodiscard]] bool skip(std::string_view what) noexcept {
    if (left() < what.size() || std::memcmp(at_, what.data(), what.size()) != 0)
      return false;
    at_ += what.size();
    return true;
  }
  [[nodiscard]] bool is_at_end() const noexcept { return at_ == end_; }

  /// A text without escapes, or null for the empty one.
  [[nodiscard]] bool take(std::string_view& text) noexcept {
    if (!skip("\"")) {
      text = {};
      return skip("null");
    }
    const char* const begin = at_;
    while (at_ != end_ && *at_ != '"') {
      const auto byte = static_cast<unsigned char>(*at_);
      const std::size_t size = byte < 0x80 ? 1 : utf8_character_size({at_, left()});
      if (byte < 0x20 || byte == '\\' || size == 0)
        return false;
      at_ += size;
    }
    text = {begin, static_cast<std::size_t>(at_ - begin)};
    return text.size() <= text_bytes_max && skip("\"");
  }
  [[nodiscard]] bool take(std::string& into) {
    std::string_view text;
    if (!take(text))
      return false;
    into = text;
    return true;
  }

  template <class Tag>
  [[nodiscard]] bool take(id<Tag>& into) {
    std::string_view text;
    const auto parsed = take(text) ? id<Tag>::parse(text) : fail(errc::malformed, {});
    if (!parsed)
      return false;
    into = *parsed;
    return true;
  }
  template <class Tag>
  [[nodiscard]] bool take(std::optional<id<Tag>>& into) {
    return skip("null") || take(into.emplace());
  }
  [[nodiscard]] bool take(std::optional<wall_time>& into) {
    if (skip("null"))
      return true;
    std::string_view text;
    const auto parsed = take(text) ? parse_time(text) : fail(errc::malformed, {});
    if (!parsed || !is_writable(*parsed))
      return false;
    into = *parsed;
    return true;
  }
  [[nodiscard]] bool take(std::uint64_t& into) noexcept {
    const auto [end, error] = std::from_chars(at_, end_, into);
    const bool is_padded = end - at_ > 1 && *at_ == '0';
    at_ = end;
    return error == std::errc{} && !is_padded;
  }

  /// The one of `values` that is called like the text.
  template <class Values, class Value, class Name>
  [[nodiscard]] bool take_one_of(const Values& values, Value& into, Name name_of) {
    std::string_view text;
    if (!take(text) || text.empty())
      return false;
    const auto* found = std::ranges::find(values, text, name_of);
    if (found == values.end())
      return false;
    into = *found;
    return true;
  }

 private:
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  const char* at_;
  const char* end_;
};

// to_string() has an overload for each.
constexpr auto word_of = [](auto value) { return domain::to_string(value); };

bool take_error(written_line& in, const domain::job_id& job, history_error& error) {
  constexpr std::array severities{domain::error_severity::error, domain::error_severity::warning};
  error.row.job = job;
  return in.skip(R"({"severity":)") &&
         in.take_one_of(severities, error.row.severity, [](auto severity) { return to_word(severity); }) &&
         in.skip(R"(,"type":)") && in.take_one_of(domain::all_error_types, error.row.type, word_of) &&
         in.skip(R"(,"title":)") && in.take(error.row.title) && in.skip(R"(,"message":)") &&
         in.take(error.row.message) && in.skip(R"(,"details":)") && in.take(error.row.details) &&
         in.skip(R"(,"signature_hash":)") && in.take(error.signature_hash) && in.skip("}");
}

bool take_errors(written_line& in, history_job& job) {
  if (in.skip("]"))
    return true;
  do {
    if (!take_error(in, job.row.id, job.errors.emplace_back()))
      return false;
  } while (in.skip(","));
  return in.skip("]");
}

bool take_subscriber(written_line& in, const domain::request_row& request, history_job& job) {
  constexpr std::array types{domain::org_type::production, domain::org_type::sandbox};
  auto& subscriber = job.subscriber.emplace();
  subscriber.org = job.row.org;
  subscriber.package = request.package;
  if (!in.skip(R"(,"org_name":)") || !in.take(subscriber.name) || !in.skip(R"(,"org_type":)"))
    return false;
  const bool is_known = !in.skip("null");
  if (is_known && !in.take_one_of(types, subscriber.type, word_of))
    return false;
  const bool is_right = in.skip(R"(,"sf_instance":)") && in.take(subscriber.sf_instance) &&
                        in.skip(R"(,"org_status":)") && in.take(subscriber.org_status) &&
                        in.skip(R"(,"from_version":)") && in.take(subscriber.version);
  if (!is_known)
    job.subscriber.reset();
  return is_right;
}

}  // namespace

bool read_written_job(std::string_view line, const domain::request_row& request, history_job& into) {
  written_line in(line);
  into.row.request = request.id;
  return in.skip(R"({"job_id":)") && in.take(into.row.id) && in.skip(R"(,"org_key":)") &&
         in.take(into.row.org) && take_subscriber(in, request, into) && in.skip(R"(,"status":)") &&
         in.take_one_of(domain::all_push_statuses, into.row.status, word_of) &&
         in.skip(R"(,"status_text":)") && in.take(into.row.status_text) && in.skip(R"(,"start":)") &&
         in.take(into.row.start) && in.skip(R"(,"end":)") && in.take(into.row.end) &&
         in.skip(R"(,"modified":)") && in.take(into.row.modified) && in.skip(R"(,"errors":[)") &&
         take_errors(in, into) && in.skip(R"(,"errors_omitted":)") && in.take(into.errors_omitted) &&
         in.skip("}") && in.is_at_end();
}

}  // namespace pushguard::history
