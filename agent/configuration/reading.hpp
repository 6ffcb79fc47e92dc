#pragma once

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "agent/configuration/environment.hpp"
#include "base/proxy.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "base/yaml.hpp"

/// What the sections of the file share. Used inside this folder only.
namespace pushguard::configuration {

/// Keys of the documented language that this version does not act on are refused with this, so that nobody
/// believes in them.
inline constexpr std::string_view unsupported = "is not supported by this version";

/// Where a file is read. What it refers to must outlive it.
struct reading {
  yaml_problems& problems;
  std::filesystem::path directory;  ///< where relative paths start
  const environment& variables;

  [[nodiscard]] std::filesystem::path resolve(const std::string& path) const {
    return (directory / path).lexically_normal();
  }
};

/// Names given so far, which must differ: `what` is "hub", "receiver", …
class unique_names {
 public:
  explicit unique_names(std::string_view what) : what_(what) {}

  /// The text of `name`, required: 1 to 64 letters, digits, `_`, `.` and `-`, since names stand in metric
  /// labels and URL paths. Empty where it is missing, wrong or given before.
  [[nodiscard]] std::string read(yaml_reader& from);
  [[nodiscard]] bool contains(const std::string& name) const { return names_.contains(name); }

 private:
  std::string_view what_;
  std::set<std::string> names_;
};

/// The value of `key`, or the content of the file that `file_key` names, exactly one of which must be given.
/// `${NAME}` alone stands for an environment variable; one line end after a file's content is dropped.
/// Problems repeat neither the value nor the path, which may be the secret under the wrong key.
[[nodiscard]] secret read_secret(yaml_reader& from, std::string_view key, std::string_view file_key,
                                 const reading& context);

/// The content of the file that `file_key` names, without one line end after it; required. Empty, and a
/// problem as above, where it cannot be read.
[[nodiscard]] secret read_secret_file(yaml_reader& from, std::string_view file_key, const reading& context);

/// The value of `key`, for what may hold a secret but needs no file: `${NAME}` alone stands for an
/// environment variable. Nothing where the key is absent or wrong; problems do not repeat the value.
[[nodiscard]] std::optional<secret> read_secret_text(yaml_reader& from, std::string_view key,
                                                     const reading& context);

/// What `proxy` says: an address of one, or `none`. Nothing where the key is absent; a wrong one is a problem
/// and none.
[[nodiscard]] std::optional<proxy_rules> read_proxy_key(yaml_reader& from, const reading& context);

/// An absolute http or https URL.
[[nodiscard]] std::optional<url> read_url(const yaml_node& node, std::string_view what,
                                          yaml_problems& problems);

/// The items of a list, of which there may be at most `most`; more are a problem and left out.
[[nodiscard]] std::span<const yaml_node> bounded_sequence(yaml_reader& from, std::string_view key,
                                                          std::size_t most,
                                                          yaml_presence presence = yaml_presence::optional);

/// The items of a list that must be names of a table; wrong ones are problems and left out.
template <class Enum, class Range, class Name>
std::vector<Enum> read_names(yaml_reader& from, std::string_view key, const Range& all, Name name_of,
                             yaml_presence presence = yaml_presence::optional) {
  std::vector<Enum> made;
  std::vector<std::string_view> names;
  for (const Enum value : all)
    names.push_back(name_of(value));
  for (const yaml_node& item : from.sequence(key, presence)) {
    const auto index = yaml_read_name(item, fmt::format("an item of {}", key), names, from.problems());
    if (index)
      made.push_back(all[*index]);
  }
  return made;
}

/// Record ids of one kind; wrong ones are problems and left out.
template <class Id>
std::vector<Id> read_ids(yaml_reader& from, std::string_view key) {
  std::vector<Id> made;
  for (const yaml_text& item : from.texts(key).value_or(std::vector<yaml_text>{})) {
    if (const auto id = Id::parse(item.text))
      made.push_back(*id);
    else
      from.problems().add(item.position, id.error().text());
  }
  return made;
}

}  // namespace pushguard::configuration
