#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace pushguard {

/// Where something stands in a file; both count from 1.
struct yaml_position {
  std::size_t line = 1;
  std::size_t column = 1;

  friend auto operator<=>(const yaml_position&, const yaml_position&) = default;
};

enum class yaml_kind : unsigned char { null, scalar, sequence, mapping };

struct yaml_entry;

/// One value of a YAML document and where it stands. Aliases are resolved: what they name is copied in,
/// with the positions of the original.
struct yaml_node {
  yaml_kind kind = yaml_kind::null;
  yaml_position position;
  std::string text;  ///< of a scalar, without quotes
  bool is_quoted = false;
  std::vector<yaml_node> items;     ///< of a sequence
  std::vector<yaml_entry> entries;  ///< of a mapping, in the order of the file; no key twice

  /// The value of `key` of a mapping; nullptr where there is none.
  [[nodiscard]] const yaml_node* find(std::string_view key) const noexcept;
};

struct yaml_entry {
  std::string key;
  yaml_position position;  ///< of the key
  yaml_node value;
};

/// Larger files are mistakes.
inline constexpr std::size_t yaml_size_max = 4 * 1024 * 1024;
/// Deeper nesting than any configuration has; keeps every recursion over the tree short.
inline constexpr std::size_t yaml_depth_max = 64;
/// Nodes and text bytes after aliases are resolved, so that a few lines cannot unfold into gigabytes.
inline constexpr std::size_t yaml_nodes_max = 200'000;
inline constexpr std::size_t yaml_text_max = 16 * 1024 * 1024;

/// Problems told of one file; a file with more is not a configuration.
inline constexpr std::size_t yaml_problems_max = 200;

/// Everything that is wrong with one file. Not thread-safe.
class yaml_problems {
 public:
  explicit yaml_problems(std::string file_name) : file_name_(std::move(file_name)) {}

  /// `message` is one sentence without a full stop, and holds no secret. Past yaml_problems_max they are
  /// only counted.
  void add(yaml_position where, std::string message);
  [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return found_.size(); }
  /// Each as `file:line:column: message`, in the order of the file.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  struct problem {
    yaml_position where;
    std::string message;
  };

  std::string file_name_;
  std::vector<problem> found_;  ///< in the order of the file
  std::size_t untold_ = 0;
};

/// Reads one document. A syntax error or a limit exceeded leaves nothing and one problem; duplicate keys are
/// problems too, and the first of them is kept, so that the rest of the file can still be checked.
/// An empty document is a null node.
[[nodiscard]] std::optional<yaml_node> parse_yaml(std::string_view text, yaml_problems& problems);

/// The same for callers with no collector: fails with errc::malformed and the first problem's line.
[[nodiscard]] result<yaml_node> parse_yaml(std::string_view text, std::string file_name);

enum class yaml_presence { optional, required };
enum class yaml_ends { included, excluded };

/// The values a key may take, from `least` to `most`.
template <class T>
struct yaml_range {
  T least;
  T most;
  yaml_ends ends = yaml_ends::included;

  [[nodiscard]] bool contains(const T& value) const {
    return ends == yaml_ends::included ? least <= value && value <= most : least < value && value < most;
  }
};

/// Reads `5%` or `0.05` as a ratio. Fails with errc::invalid; `5` is read as 500%.
[[nodiscard]] result<double> parse_share(std::string_view text);

/// A text that a list holds, and where.
struct yaml_text {
  std::string text;
  yaml_position position;
};

/// One spelling of an enumerator.
template <class Enum>
using yaml_choice = std::pair<std::string_view, Enum>;

// The readers of one value. `what` names it in problems ("active_interval"). Nothing where it is wrong.

/// A scalar that is not empty.
[[nodiscard]] std::optional<std::string> yaml_read_text(const yaml_node& node, std::string_view what,
                                                        yaml_problems& problems);
/// `true` or `false`.
[[nodiscard]] std::optional<bool> yaml_read_flag(const yaml_node& node, std::string_view what,
                                                 yaml_problems& problems);
[[nodiscard]] std::optional<std::int64_t> yaml_read_integer(const yaml_node& node, std::string_view what,
                                                            yaml_range<std::int64_t> range,
                                                            yaml_problems& problems);
[[nodiscard]] std::optional<double> yaml_read_number(const yaml_node& node, std::string_view what,
                                                     yaml_range<double> range, yaml_problems& problems);
/// As parse_share; the range is in ratios. A ratio above 1 without a percent sign is suspected to lack one.
[[nodiscard]] std::optional<double> yaml_read_share(const yaml_node& node, std::string_view what,
                                                    yaml_range<double> range, yaml_problems& problems);
/// As parse_duration.
[[nodiscard]] std::optional<duration> yaml_read_duration(const yaml_node& node, std::string_view what,
                                                         yaml_range<duration> range, yaml_problems& problems);
/// The index of the name that the scalar is.
[[nodiscard]] std::optional<std::size_t> yaml_read_name(const yaml_node& node, std::string_view what,
                                                        std::span<const std::string_view> names,
                                                        yaml_problems& problems);

/// Reads one mapping key by key and reports everything that is wrong: missing and unknown keys, wrong values.
/// Each reading answers nothing where the key is absent or wrong, so that a default is `.value_or(…)`.
/// Call finish() last. The node and the collector must outlive it.
///
/// ```cpp
/// yaml_reader hub(node, "hub", problems);
/// made.name = hub.text("name", yaml_presence::required).value_or("");
/// made.idle = hub.time("idle_interval", {1s, 1h}).value_or(5min);
/// hub.finish();
/// ```
class yaml_reader {
 public:
  /// `what` names the mapping in problems: "hub", "failure_rate". Another kind of node is a problem, and
  /// then nothing else is complained about.
  yaml_reader(const yaml_node& node, std::string what, yaml_problems& problems);

  [[nodiscard]] std::optional<std::string> text(std::string_view key,
                                                yaml_presence presence = yaml_presence::optional);
  [[nodiscard]] std::optional<bool> flag(std::string_view key,
                                         yaml_presence presence = yaml_presence::optional);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, yaml_range<std::int64_t> range,
                                                    yaml_presence presence = yaml_presence::optional);
  [[nodiscard]] std::optional<double> number(std::string_view key, yaml_range<double> range,
                                             yaml_presence presence = yaml_presence::optional);
  [[nodiscard]] std::optional<double> share(std::string_view key, yaml_range<double> range,
                                            yaml_presence presence = yaml_presence::optional);
  [[nodiscard]] std::optional<duration> time(std::string_view key, yaml_range<duration> range,
                                             yaml_presence presence = yaml_presence::optional);
  /// One of a table of spellings.
  template <class Enum>
  [[nodiscard]] std::optional<Enum> choice(std::string_view key,
                                           std::type_identity_t<std::span<const yaml_choice<Enum>>> table,
                                           yaml_presence presence = yaml_presence::optional);
  /// A list of texts that are not empty. Nothing where the key is absent; wrong items are left out.
  [[nodiscard]] std::optional<std::vector<yaml_text>> texts(std::string_view key,
                                                            yaml_presence presence = yaml_presence::optional);
  /// A list of anything. Empty where the key is absent or no list; the nodes live as long as the document.
  /// A required list must not be empty.
  [[nodiscard]] std::span<const yaml_node> sequence(std::string_view key,
                                                    yaml_presence presence = yaml_presence::optional);
  /// A mapping inside this one. Nothing where the key is absent or no mapping.
  [[nodiscard]] std::optional<yaml_reader> mapping(std::string_view key,
                                                   yaml_presence presence = yaml_presence::optional);
  /// The value as it stands, for the caller to read.
  [[nodiscard]] const yaml_node* node(std::string_view key, yaml_presence presence = yaml_presence::optional);
  /// Every entry, for mappings whose keys are data; none of them is unknown to finish() then.
  [[nodiscard]] std::span<const yaml_entry> entries();

  /// The one of `keys` that is given. None or several are a problem, and nothing is answered.
  [[nodiscard]] std::optional<std::string_view> exactly_one_of(std::span<const std::string_view> keys);
  /// Keys that are known but not acted on: finish() says `reason` ("is not supported by this version").
  void refuse(std::span<const std::string_view> keys, std::string_view reason);

  [[nodiscard]] bool has(std::string_view key) const noexcept { return mapping_->find(key) != nullptr; }
  /// Where the value of `key` stands; the mapping's own position where it is absent.
  [[nodiscard]] yaml_position position(std::string_view key) const noexcept;
  [[nodiscard]] yaml_position position() const noexcept { return position_; }
  /// Reports a problem at the value of `key`, or at the mapping where it is absent.
  void problem(std::string_view key, std::string message) {
    problems_->add(position(key), std::move(message));
  }
  [[nodiscard]] yaml_problems& problems() noexcept { return *problems_; }

  /// Reports every key that was neither read nor refused, with the nearest known one.
  void finish();

 private:
  struct refusal {
    std::string_view key;
    std::string_view reason;
  };

  const yaml_node* mapping_;
  yaml_position position_;
  std::string what_;
  yaml_problems* problems_;
  bool is_mapping_;
  bool takes_any_key_ = false;
  std::vector<std::string> known_;
  std::vector<refusal> refused_;
};

/// The one of `candidates` that `word` was probably meant to be; empty where none is near.
[[nodiscard]] std::string_view nearest_word(std::string_view word,
                                            std::span<const std::string_view> candidates);

template <class Enum>
std::optional<Enum> yaml_reader::choice(std::string_view key,
                                        std::type_identity_t<std::span<const yaml_choice<Enum>>> table,
                                        yaml_presence presence) {
  const yaml_node* value = node(key, presence);
  if (value == nullptr)
    return std::nullopt;
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : table)
    names.push_back(name);
  const auto index = yaml_read_name(*value, key, names, *problems_);
  if (!index)
    return std::nullopt;
  return table[*index].second;
}

}  // namespace pushguard
