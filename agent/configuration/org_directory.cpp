#include "agent/configuration/org_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "agent/configuration/csv_reading.hpp"
#include "base/text.hpp"

namespace pushguard::configuration {
namespace {

/// Control characters, and those that break lines or turn what follows around: a name must not rewrite the
/// alert that it stands in. `character` is valid UTF-8.
bool is_control(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1)
    return byte(0) < ' ' || byte(0) == 0x7F;
  if (character.size() == 2)
    return byte(0) == 0xC2 && byte(1) < 0xA0;  // U+0080 to U+009F
  return character.size() == 3 && byte(0) == 0xE2 &&
         ((byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE) ||  // U+2028 to U+202E
          (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9));   // U+2066 to U+2069
}

/// `raw` as one line that anything may show.
std::string clean(std::string_view raw) {
  const std::string valid = to_valid_utf8(raw);
  std::string out;
  out.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    const std::string_view character = rest.substr(0, utf8_character_size(rest));
    out += is_control(character) ? " " : character;
    rest.remove_prefix(character.size());
  }
  return std::string(trim(out));
}

/// Where the columns stand in each record; nothing for one that the file does not have.
struct columns {
  std::optional<std::size_t> org_key;
  std::optional<std::size_t> customer;
  std::optional<std::size_t> tier;
  std::optional<std::size_t> contact;
  std::size_t count = 0;
};

/// What is wrong with the header; empty where `made` is what it says.
std::string read_header(const csv_record& header, columns& made) {
  const std::array<std::pair<std::string_view, std::optional<std::size_t>*>, 4> known{
      {{"org_key", &made.org_key},
       {"customer", &made.customer},
       {"tier", &made.tier},
       {"contact", &made.contact}}};
  if (!header.problem.empty())
    return header.problem;
  made.count = header.values.size();
  for (std::size_t i = 0; i < header.values.size(); ++i) {
    const std::string name = clean(header.values[i]);
    const auto found = std::ranges::find(known, name, [](const auto& each) { return each.first; });
    if (found == known.end())
      continue;
    if (found->second->has_value())
      return fmt::format("the header names the column {} twice", name);
    *found->second = i;
  }
  if (!made.org_key)
    return "the header must name a column org_key; columns are separated by commas";
  return {};
}

}  // namespace

/// Puts a directory together, line by line.
class org_directory::builder {
 public:
  builder() : known_(0, piece_hash{&made_.texts_}, piece_equal{&made_.texts_}) {}

  void read_record(const csv_record& record, const columns& at) {
    std::string wrong = record.problem;
    if (wrong.empty() && record.values.size() != at.count)
      wrong = fmt::format("the header has {} columns, and this line {}", at.count, record.values.size());
    if (wrong.empty())
      wrong = add_entry(record, at);
    if (!wrong.empty())
      add_problem(record.line, std::move(wrong));
  }

  void add_problem(std::size_t line, std::string what) {
    if (problems_.size() < orgs_file_problems_max)
      problems_.push_back({line, std::move(what)});
    else
      ++untold_;
  }

  std::expected<org_directory, std::vector<std::string>> finish(const std::filesystem::path& file) {
    std::ranges::sort(made_.entries_, [](const entry& a, const entry& b) {
      return a.org != b.org ? a.org < b.org : a.line < b.line;
    });
    for (std::size_t i = 1; i < made_.entries_.size(); ++i) {
      const entry& before = made_.entries_[i - 1];
      if (const entry& here = made_.entries_[i]; here.org == before.org)
        add_problem(here.line, fmt::format("the org {} stands in line {} too", here.org.key(), before.line));
    }
    if (problems_.empty()) {
      made_.texts_.shrink_to_fit();
      made_.entries_.shrink_to_fit();
      return std::move(made_);
    }
    std::ranges::sort(problems_, {}, &problem::line);
    std::vector<std::string> lines;
    for (const problem& each : problems_)
      lines.push_back(fmt::format("{}:{}: {}", file.string(), each.line, each.what));
    if (untold_ > 0)
      lines.push_back(fmt::format("{}: {} more problems", file.string(), untold_));
    return std::unexpected(std::move(lines));
  }

 private:
  struct problem {
    std::size_t line = 0;
    std::string what;
  };
  // The set holds places of the text it looks into, so that each value is in memory once.
  struct piece_hash {
    using is_transparent = void;
    const std::string* texts;

    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    std::size_t operator()(piece at) const {
      return (*this)(std::string_view(*texts).substr(at.offset, at.size));
    }
  };
  struct piece_equal {
    using is_transparent = void;
    const std::string* texts;

    bool operator()(piece a, piece b) const { return a.offset == b.offset && a.size == b.size; }
    bool operator()(piece a, std::string_view b) const {
      return std::string_view(*texts).substr(a.offset, a.size) == b;
    }
    bool operator()(std::string_view a, piece b) const { return (*this)(b, a); }
  };

  /// What is wrong with the record; empty where it is added.
  std::string add_entry(const csv_record& record, const columns& at) {
    const auto org = domain::org_key::parse(clean(record.values[*at.org_key]));
    if (!org)
      return org.error().text();
    entry added{.org = *org,
                .line = static_cast<std::uint32_t>(record.line),
                .customer = {},
                .tier = {},
                .contact = {}};
    const std::array<std::tuple<std::string_view, std::optional<std::size_t>, piece*>, 3> notes{
        {{"customer", at.customer, &added.customer},
         {"tier", at.tier, &added.tier},
         {"contact", at.contact, &added.contact}}};
    for (const auto& [name, column, to] : notes) {
      const std::string value = column ? clean(record.values[*column]) : "";
      if (value.size() > org_note_bytes_max)
        return fmt::format("{} has {} bytes, and may have {}", name, value.size(), org_note_bytes_max);
      *to = keep(value);
    }
    made_.entries_.push_back(added);
    return {};
  }

  piece keep(std::string_view text) {
    if (text.empty())
      return {};
    if (const auto found = known_.find(text); found != known_.end())
      return *found;
    const piece added{.offset = static_cast<std::uint32_t>(made_.texts_.size()),
                      .size = static_cast<std::uint32_t>(text.size())};
    made_.texts_ += text;
    known_.insert(added);
    return added;
  }

  org_directory made_;
  std::unordered_set<piece, piece_hash, piece_equal> known_;
  std::vector<problem> problems_;
  std::size_t untold_ = 0;
};

std::expected<org_directory, std::vector<std::string>> org_directory::parse(
    std::string_view text, const std::filesystem::path& file) {
  const auto refused = [&](std::size_t line, std::string_view what) {
    return std::unexpected(std::vector{fmt::format("{}:{}: {}", file.string(), line, what)});
  };
  if (text.size() > orgs_file_bytes_max)
    return std::unexpected(std::vector{
        fmt::format("{}: it is larger than {} MiB", file.string(), orgs_file_bytes_max / 1024 / 1024)});
  csv_reader reader(text);
  const auto header = reader.next();
  if (!header)
    return refused(1, "there is no header line, which must name a column org_key");
  columns at;
  if (const std::string wrong = read_header(*header, at); !wrong.empty())
    return refused(header->line, wrong);
  builder made;
  while (const auto record = reader.next()) {
    if (record->line > orgs_file_lines_max)
      return refused(record->line, fmt::format("the file may have at most {} lines", orgs_file_lines_max));
    made.read_record(*record, at);
  }
  return made.finish(file);
}

std::optional<org_note> org_directory::find(const domain::org_key& org) const noexcept {
  const auto found = std::ranges::lower_bound(entries_, org, {}, &entry::org);
  if (found == entries_.end() || found->org != org)
    return std::nullopt;
  return org_note{
      .customer = text_of(found->customer), .tier = text_of(found->tier), .contact = text_of(found->contact)};
}

}  // namespace pushguard::configuration
