#include "base/yaml.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "base/text.hpp"

namespace pushguard {
namespace {

// What ends the reading of a document; caught in parse_yaml.
struct refused_document {
  yaml_position where;
  std::string message;
};

yaml_position position_of(const YAML::Mark& mark) {
  if (mark.is_null())
    return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

/// A value as problems show it: on one line and short.
std::string shown(std::string_view text) {
  constexpr std::size_t bytes_max = 40;
  std::string out = to_valid_utf8(cut_at_character(text, bytes_max));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  if (text.size() > bytes_max)
    out += "…";
  return out;
}

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/// A key that nobody knows, up to the first character that keys do not have: `client_secret:hunter2`, with
/// the blank forgotten, is one key to YAML, and must not be repeated.
std::string shown_key(std::string_view key) {
  const auto end = std::ranges::find_if_not(key, is_key_character);
  const auto known = key.substr(0, static_cast<std::size_t>(end - key.begin()));
  return known.size() == key.size() ? shown(key) : shown(known) + "…";
}

// Builds the tree from yaml-cpp's events, because its own nodes resolve duplicate keys silently.
class tree_builder final : public YAML::EventHandler {
 public:
  explicit tree_builder(yaml_problems& problems) : problems_(&problems) {}

  [[nodiscard]] yaml_node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    yaml_node node;
    node.position = position_of(mark);
    complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw refused_document{position_of(mark), "this alias stands inside what it names"};
    charge(found->second, position_of(mark));
    attach(yaml_node(found->second));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    yaml_node node;
    node.kind = yaml_kind::scalar;
    node.position = position_of(mark);
    node.text = value;
    node.is_quoted = tag == "!";
    complete(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, yaml_kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, yaml_kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or mapping that is not complete yet.
  struct frame {
    yaml_node node;
    YAML::anchor_t anchor = 0;
    std::optional<yaml_entry> entry;  ///< of a mapping: its key was read, its value was not
  };

  // Plain scalars have the tag `?`, quoted ones `!`. Another tag would silently change what the text means.
  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw refused_document{position_of(mark),
                             "YAML tags are not supported; quote a text that begins with '!'"};
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, yaml_kind kind) {
    check_tag(mark, tag);
    if (stack_.size() >= yaml_depth_max)
      throw refused_document{position_of(mark), fmt::format("nested deeper than {} levels", yaml_depth_max)};
    frame opened;
    opened.node.kind = kind;
    opened.node.position = position_of(mark);
    opened.anchor = anchor;
    stack_.push_back(std::move(opened));
  }

  void close() {
    frame closed = std::move(stack_.back());
    stack_.pop_back();
    complete(std::move(closed.node), closed.anchor);
  }

  void complete(yaml_node node, YAML::anchor_t anchor) {
    charge_one(node, node.position);
    if (anchor != 0) {
      charge(node, node.position);
      anchors_[anchor] = node;
    }
    attach(std::move(node));
  }

  void attach(yaml_node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    frame& parent = stack_.back();
    if (parent.node.kind == yaml_kind::sequence)
      parent.node.items.push_back(std::move(node));
    else if (!parent.entry)
      attach_key(parent, std::move(node));
    else
      attach_value(parent, std::move(node));
  }

  static void attach_key(frame& parent, yaml_node key) {
    if (key.kind != yaml_kind::scalar)
      throw refused_document{key.position, "a key must be text"};
    parent.entry.emplace();
    parent.entry->key = std::move(key.text);
    parent.entry->position = key.position;
  }

  void attach_value(frame& parent, yaml_node value) {
    yaml_entry entry = std::move(*parent.entry);
    parent.entry.reset();
    if (value.kind == yaml_kind::null)
      value.position = entry.position;  // yaml-cpp puts it at whatever comes next
    entry.value = std::move(value);
    if (!key_is_new(parent.node, entry)) {
      problems_->add(entry.position, fmt::format("duplicate key '{}'", shown_key(entry.key)));
      return;
    }
    parent.node.entries.push_back(std::move(entry));
  }

  // Linear for the few keys that mappings have; a set of its own for the ones that are data.
  bool key_is_new(const yaml_node& mapping, const yaml_entry& entry) {
    constexpr std::size_t searched_max = 32;
    if (mapping.entries.size() < searched_max)
      return mapping.find(entry.key) == nullptr;
    auto& keys = large_mappings_[stack_.size()];
    if (keys.start != mapping.position || mapping.entries.size() == searched_max) {
      keys = {mapping.position, {}};
      for (const yaml_entry& earlier : mapping.entries)
        keys.names.emplace(earlier.key, 0);
    }
    return keys.names.emplace(entry.key, 0).second;
  }

  void charge_one(const yaml_node& node, yaml_position where) {
    ++nodes_;
    text_ += node.text.size();
    for (const yaml_entry& entry : node.entries)
      text_ += entry.key.size();
    if (nodes_ > yaml_nodes_max || text_ > yaml_text_max)
      throw refused_document{where, "the document is too large once its aliases are resolved"};
  }

  void charge(const yaml_node& node, yaml_position where) {
    charge_one(node, where);
    for (const yaml_node& item : node.items)
      charge(item, where);
    for (const yaml_entry& entry : node.entries)
      charge(entry.value, where);
  }

  struct key_set {
    yaml_position start;
    std::map<std::string, int, std::less<>> names;
  };

  yaml_problems* problems_;
  yaml_node root_;
  std::vector<frame> stack_;
  std::map<YAML::anchor_t, yaml_node> anchors_;
  std::map<std::size_t, key_set> large_mappings_;  ///< by depth
  std::size_t nodes_ = 0;
  std::size_t text_ = 0;
};

std::string_view kind_name(yaml_kind kind) {
  switch (kind) {
    case yaml_kind::null:
      return "empty";
    case yaml_kind::scalar:
      return "text";
    case yaml_kind::sequence:
      return "a list";
    case yaml_kind::mapping:
      return "a mapping";
  }
  return "";
}

void add_wrong(const yaml_node& node, std::string_view what, std::string_view expected,
               yaml_problems& problems) {
  const std::string found = node.kind == yaml_kind::scalar ? fmt::format("'{}'", shown(node.text))
                                                           : std::string(kind_name(node.kind));
  problems.add(node.position, fmt::format("{} must be {}, not {}", what, expected, found));
}

/// Where a list or a mapping belongs, the text that stands there may be a secret one level too high.
void add_wrong_kind(const yaml_node& node, std::string_view what, yaml_kind expected,
                    yaml_problems& problems) {
  problems.add(node.position,
               fmt::format("{} must be {}, not {}", what, kind_name(expected), kind_name(node.kind)));
}

template <class T, class Show>
std::string range_text(const yaml_range<T>& range, Show show) {
  if (range.ends == yaml_ends::excluded)
    return fmt::format("above {} and below {}", show(range.least), show(range.most));
  return fmt::format("from {} to {}", show(range.least), show(range.most));
}

template <class T, class Show>
std::optional<T> in_range(T value, const yaml_node& node, std::string_view what, const yaml_range<T>& range,
                          Show show, yaml_problems& problems) {
  if (range.contains(value))
    return value;
  add_wrong(node, what, range_text(range, show), problems);
  return std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<double> parse_finite(std::string_view text) {
  const auto value = parse_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::string percent_text(double ratio) {
  return fmt::format("{:g}%", ratio * 100);
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::string_view syntax_message(const std::string& message) {
  // "the referenced anchor is not defined: NAME": an unquoted secret may begin with `*`.
  return std::string_view(message).substr(0, message.find(':'));
}

}  // namespace

const yaml_node* yaml_node::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(entries, key, &yaml_entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

void yaml_problems::add(yaml_position where, std::string message) {
  if (found_.size() >= yaml_problems_max) {
    ++untold_;
    return;
  }
  const auto place = std::ranges::upper_bound(found_, where, {}, &problem::where);
  found_.insert(place, {where, std::move(message)});
}

std::vector<std::string> yaml_problems::lines() const {
  std::vector<std::string> out;
  for (const problem& found : found_)
    out.push_back(
        fmt::format("{}:{}:{}: {}", file_name_, found.where.line, found.where.column, found.message));
  if (untold_ > 0)
    out.push_back(fmt::format("{}: and {} more problems", file_name_, untold_));
  return out;
}

std::optional<yaml_node> parse_yaml(std::string_view text, yaml_problems& problems) {
  if (text.size() > yaml_size_max) {
    problems.add({}, fmt::format("the file is larger than {} MiB", yaml_size_max / (1024 * 1024)));
    return std::nullopt;
  }
  tree_builder builder(problems);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder))
      return yaml_node{};
    yaml_node root = builder.take();
    tree_builder second(problems);
    if (parser.HandleNextDocument(second)) {
      problems.add(second.take().position, "only one document may stand in the file");
      return std::nullopt;
    }
    return root;
  } catch (const refused_document& refused) {
    problems.add(refused.where, refused.message);
  } catch (const YAML::Exception& error) {
    problems.add(position_of(error.mark), std::string(syntax_message(error.msg)));
  }
  return std::nullopt;
}

result<yaml_node> parse_yaml(std::string_view text, std::string file_name) {
  yaml_problems problems(std::move(file_name));
  auto root = parse_yaml(text, problems);
  if (!problems.empty())
    return fail(errc::malformed, problems.lines().front());
  return std::move(*root);
}

std::optional<std::string> yaml_read_text(const yaml_node& node, std::string_view what,
                                          yaml_problems& problems) {
  if (node.kind == yaml_kind::scalar && !node.text.empty())
    return node.text;
  if (node.kind == yaml_kind::scalar)
    problems.add(node.position, fmt::format("{} must not be empty", what));
  else
    add_wrong(node, what, "text", problems);
  return std::nullopt;
}

std::optional<bool> yaml_read_flag(const yaml_node& node, std::string_view what, yaml_problems& problems) {
  if (node.kind == yaml_kind::scalar && (node.text == "true" || node.text == "false"))
    return node.text == "true";
  add_wrong(node, what, "true or false", problems);
  return std::nullopt;
}

std::optional<std::int64_t> yaml_read_integer(const yaml_node& node, std::string_view what,
                                              yaml_range<std::int64_t> range, yaml_problems& problems) {
  const auto value = parse_number<std::int64_t>(node.text);
  if (!value) {
    add_wrong(node, what, "a whole number", problems);
    return std::nullopt;
  }
  return in_range(*value, node, what, range, [](std::int64_t end) { return end; }, problems);
}

std::optional<double> yaml_read_number(const yaml_node& node, std::string_view what, yaml_range<double> range,
                                       yaml_problems& problems) {
  const auto value = parse_finite(node.text);
  if (!value) {
    add_wrong(node, what, "a number", problems);
    return std::nullopt;
  }
  return in_range(*value, node, what, range, [](double end) { return fmt::format("{:g}", end); }, problems);
}

result<double> parse_share(std::string_view text) {
  const bool is_percentage = text.ends_with('%');
  const auto value = parse_finite(text.substr(0, text.size() - (is_percentage ? 1 : 0)));
  if (!value)
    return fail(errc::invalid, fmt::format("'{}' is not a share; write it like 5% or 0.05", shown(text)));
  return is_percentage ? *value / 100 : *value;
}

std::optional<double> yaml_read_share(const yaml_node& node, std::string_view what, yaml_range<double> range,
                                      yaml_problems& problems) {
  const auto value = parse_share(node.text);
  if (!value) {
    add_wrong(node, what, "a share like 5% or 0.05", problems);
    return std::nullopt;
  }
  if (*value > 1 && !node.text.ends_with('%')) {
    problems.add(node.position,
                 fmt::format("{}: {} without a percent sign is a ratio; write {}% for a percentage", what,
                             *value, *value));
    return std::nullopt;
  }
  return in_range(*value, node, what, range, percent_text, problems);
}

std::optional<duration> yaml_read_duration(const yaml_node& node, std::string_view what,
                                           yaml_range<duration> range, yaml_problems& problems) {
  const auto value = parse_duration(node.text);
  if (node.kind != yaml_kind::scalar || !value) {
    add_wrong(node, what, "a duration like 30s, 5m, 4h or 7d", problems);
    return std::nullopt;
  }
  return in_range(*value, node, what, range, format_duration, problems);
}

std::optional<std::size_t> yaml_read_name(const yaml_node& node, std::string_view what,
                                          std::span<const std::string_view> names, yaml_problems& problems) {
  if (node.kind == yaml_kind::scalar) {
    if (const auto found = std::ranges::find(names, node.text); found != names.end())
      return static_cast<std::size_t>(found - names.begin());
  }
  add_wrong(node, what, fmt::format("{}", fmt::join(names, " or ")), problems);
  return std::nullopt;
}

yaml_reader::yaml_reader(const yaml_node& node, std::string what, yaml_problems& problems)
    : mapping_(&node),
      position_(node.position),
      what_(std::move(what)),
      problems_(&problems),
      is_mapping_(node.kind == yaml_kind::mapping) {
  if (!is_mapping_)
    add_wrong_kind(node, what_, yaml_kind::mapping, problems);
}

const yaml_node* yaml_reader::node(std::string_view key, yaml_presence presence) {
  known_.emplace_back(key);
  const yaml_node* value = mapping_->find(key);
  if (value == nullptr && presence == yaml_presence::required && is_mapping_)
    problems_->add(position_, fmt::format("missing key '{}' in {}", key, what_));
  return value;
}

std::optional<std::string> yaml_reader::text(std::string_view key, yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  return value == nullptr ? std::nullopt : yaml_read_text(*value, key, *problems_);
}

std::optional<bool> yaml_reader::flag(std::string_view key, yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  return value == nullptr ? std::nullopt : yaml_read_flag(*value, key, *problems_);
}

std::optional<std::int64_t> yaml_reader::integer(std::string_view key, yaml_range<std::int64_t> range,
                                                 yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  return value == nullptr ? std::nullopt : yaml_read_integer(*value, key, range, *problems_);
}

std::optional<double> yaml_reader::number(std::string_view key, yaml_range<double> range,
                                          yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  return value == nullptr ? std::nullopt : yaml_read_number(*value, key, range, *problems_);
}

std::optional<double> yaml_reader::share(std::string_view key, yaml_range<double> range,
                                         yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  return value == nullptr ? std::nullopt : yaml_read_share(*value, key, range, *problems_);
}

std::optional<duration> yaml_reader::time(std::string_view key, yaml_range<duration> range,
                                          yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  return value == nullptr ? std::nullopt : yaml_read_duration(*value, key, range, *problems_);
}

std::span<const yaml_node> yaml_reader::sequence(std::string_view key, yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  if (value == nullptr)
    return {};
  if (value->kind != yaml_kind::sequence)
    add_wrong_kind(*value, key, yaml_kind::sequence, *problems_);
  else if (value->items.empty() && presence == yaml_presence::required)
    problems_->add(value->position, fmt::format("{} must not be empty", key));
  return value->items;
}

std::optional<std::vector<yaml_text>> yaml_reader::texts(std::string_view key, yaml_presence presence) {
  if (!has(key)) {
    (void)node(key, presence);
    return std::nullopt;
  }
  std::vector<yaml_text> out;
  for (const yaml_node& item : sequence(key, presence)) {
    if (auto read = yaml_read_text(item, fmt::format("an item of {}", key), *problems_))
      out.push_back({std::move(*read), item.position});
  }
  return out;
}

std::optional<yaml_reader> yaml_reader::mapping(std::string_view key, yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  if (value == nullptr)
    return std::nullopt;
  yaml_reader inside(*value, std::string(key), *problems_);
  if (!inside.is_mapping_)
    return std::nullopt;
  return inside;
}

std::span<const yaml_entry> yaml_reader::entries() {
  takes_any_key_ = true;
  return mapping_->entries;
}

std::optional<std::string_view> yaml_reader::exactly_one_of(std::span<const std::string_view> keys) {
  std::optional<std::string_view> only;
  yaml_position where = position_;
  std::size_t given = 0;
  for (const std::string_view key : keys) {
    known_.emplace_back(key);
    if (!has(key))
      continue;
    if (++given == 1)
      only = key;
  }
  if (given == 1 || !is_mapping_)
    return only;
  std::size_t seen = 0;
  for (const yaml_entry& entry : mapping_->entries) {
    if (std::ranges::find(keys, entry.key) != keys.end() && ++seen == 2)
      where = entry.position;
  }
  problems_->add(where, fmt::format("{} must have exactly one of {}", what_, fmt::join(keys, ", ")));
  return std::nullopt;
}

void yaml_reader::refuse(std::span<const std::string_view> keys, std::string_view reason) {
  for (const std::string_view key : keys)
    refused_.push_back({key, reason});
}

yaml_position yaml_reader::position(std::string_view key) const noexcept {
  const yaml_node* value = mapping_->find(key);
  return value == nullptr ? position_ : value->position;
}

void yaml_reader::finish() {
  if (takes_any_key_ || !is_mapping_)
    return;
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const yaml_entry& entry : mapping_->entries) {
    if (std::ranges::find(known, entry.key) != known.end())
      continue;
    if (const auto found = std::ranges::find(refused_, entry.key, &refusal::key); found != refused_.end()) {
      problems_->add(entry.position, fmt::format("'{}' {}", entry.key, found->reason));
      continue;
    }
    const std::string key = shown_key(entry.key);
    const std::string_view meant = nearest_word(entry.key, known);
    const std::string hint = meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant);
    problems_->add(entry.position, fmt::format("unknown key '{}' in {}{}", key, what_, hint));
  }
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t length_max = 40;  // longer words are no slips of the finger
  if (word.size() > length_max)
    return {};
  const std::size_t limit = word.size() <= 3 ? 1 : 2;
  std::string_view nearest;
  std::size_t least = limit + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(to_lower_ascii(word), to_lower_ascii(candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace pushguard
