#include "tests/style/source_rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace pushguard::style {
namespace {

using words = std::vector<std::string_view>;

bool is_source(std::string_view path) {
  return is_header(path) || is_unit(path);
}

std::string finding(std::string_view path, std::size_t line, std::string_view what) {
  return std::string(path).append(":").append(std::to_string(line)).append(": ").append(what);
}

/// Calls `see(line number from 1, line)` for each line.
template <class See>
void for_each_line(std::string_view text, const See& see) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    see(number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// A folder and those it may include besides itself.
struct room {
  std::string_view folder;
  words may_include;
};

// The first that a path is below holds. `tests` stands for test support, which only tests may use.
const std::vector<room>& rooms() {
  static const std::vector<room> all{
      {"base", {}},
      {"cometd", {"base"}},
      {"alerts", {"base"}},
      {"metrics", {"base"}},
      {"agent/domain", {"base"}},
      {"agent/tracker", {"base", "agent/domain"}},
      {"agent/policy", {"base", "agent/domain", "agent/tracker"}},
      {"agent/history", {"base", "agent/domain"}},
      {"agent", {"base", "cometd", "alerts", "metrics"}},
      {"simulator", {"base"}},
      {"program", {"base", "cometd", "alerts", "metrics", "agent", "simulator"}},
  };
  return all;
}

const room* room_of(std::string_view path) {
  const auto found = std::find_if(rooms().begin(), rooms().end(),
                                  [&](const room& each) { return is_below(path, each.folder); });
  return found == rooms().end() ? nullptr : &*found;
}

bool is_ours(std::string_view path) {
  return room_of(path) != nullptr || is_below(path, "tests");
}

bool may_include(const room& from, std::string_view path) {
  return is_below(path, from.folder) ||
         std::any_of(from.may_include.begin(), from.may_include.end(),
                     [&](std::string_view folder) { return is_below(path, folder); });
}

/// The first of `prefixes` that `path` begins with.
std::optional<std::string_view> find_prefix(std::string_view path, const words& prefixes) {
  const auto found = std::find_if(prefixes.begin(), prefixes.end(),
                                  [&](std::string_view prefix) { return path.starts_with(prefix); });
  return found == prefixes.end() ? std::nullopt : std::optional(*found);
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// Everything that `path` includes, over any number of steps through our own files.
std::set<std::string> reachable_includes(const source_tree& tree, const std::string& path) {
  std::set<std::string> seen;
  words open{path};
  while (!open.empty()) {
    const auto file = tree.find(std::string(open.back()));
    open.pop_back();
    if (file == tree.end())
      continue;
    for (const include_line& include : includes_of(file->second)) {
      const auto [at, is_new] = seen.insert(include.path);
      if (is_new)
        open.push_back(*at);
    }
  }
  return seen;
}

/// The CMakeLists.txt in the folder of `path`, or the nearest above it.
std::string nearest_list(const source_tree& tree, std::string_view path) {
  for (std::string_view folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    std::string list = std::string(folder) + "/CMakeLists.txt";
    if (tree.contains(list))
      return list;
  }
  return "CMakeLists.txt";
}

/// True where `word`, a file name, stands in `text` by itself.
bool holds_word(std::string_view text, std::string_view word) {
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./").find(c) != std::string_view::npos;
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end])))
      return true;
  }
  return false;
}

std::string joined(std::string_view first, std::string_view second) {
  return std::string(first).append(second);
}

/// True where the absolute path `folder` begins in `line`; inside a longer path it is an ordinary name.
bool names_folder(std::string_view line, std::string_view folder) {
  const std::size_t at = line.find(folder);
  if (at == std::string_view::npos)
    return false;
  const char before = at == 0 ? ' ' : line[at - 1];
  return std::isalnum(static_cast<unsigned char>(before)) == 0 && before != '.' && before != '}';
}

}  // namespace

findings check_include_directions(const source_tree& tree) {
  findings found;
  for (const auto& [path, text] : tree) {
    const room* from = room_of(path);
    if (from == nullptr || !is_source(path))
      continue;
    for (const include_line& include : includes_of(text)) {
      if (is_ours(include.path) && !may_include(*from, include.path))
        found.push_back(
            finding(path, include.line, std::string(from->folder) + " must not include " + include.path));
    }
  }
  return found;
}

findings check_pure_folders(const source_tree& tree) {
  const words pure{"agent/domain/", "agent/tracker/", "agent/policy/"};
  const words impure{"boost/asio", "boost/beast", "boost/json", "openssl/", "prometheus/",
                     "spdlog/",    "SQLiteCpp/",  "sqlite3",    "yaml-cpp/"};
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_source(path) || !find_prefix(path, pure))
      continue;
    for (const std::string& include : reachable_includes(tree, path)) {
      if (find_prefix(include, impure))
        found.push_back(finding(path, 1, "a pure folder must not reach " + include));
    }
  }
  return found;
}

namespace {

/// The folder whose own a file is: its unit tests mirror it.
std::string_view home_of(std::string_view path) {
  constexpr std::string_view mirror = "tests/unit/";
  std::string_view folder = folder_of(path);
  if (folder.starts_with(mirror))
    folder.remove_prefix(mirror.size());
  return folder;
}

}  // namespace

findings check_heavy_includes(const source_tree& tree) {
  const words heavy{"boost/beast", "boost/asio/ssl", "openssl/", "SQLiteCpp/",
                    "sqlite3",     "CLI/",           "spdlog/",  "yaml-cpp/"};
  std::map<std::string, std::string> heavy_headers;  // ours -> what makes it so
  for (const auto& [path, text] : tree) {
    for (const include_line& include : includes_of(text)) {
      if (is_header(path) && find_prefix(include.path, heavy))
        heavy_headers.emplace(path, include.path);
    }
  }
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_source(path))
      continue;
    for (const std::string& include : reachable_includes(tree, path)) {
      const auto header = heavy_headers.find(include);
      if (header != heavy_headers.end() && folder_of(header->first) != home_of(path))
        found.push_back(finding(path, 1, "reaches " + header->second + " through " + header->first));
    }
  }
  return found;
}

findings check_include_form(const source_tree& tree) {
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_source(path))
      continue;
    for (const include_line& include : includes_of(text)) {
      const bool quoted = include.how == include_line::form::quotes;
      // What CMake makes from a template stands in the build directory, at the template's path.
      const bool exists = tree.contains(include.path) || tree.contains(include.path + ".in");
      if (quoted && !exists)
        found.push_back(finding(path, include.line, "no such path from the root: " + include.path));
      if (!quoted && exists)
        found.push_back(finding(path, include.line, "ours is included with quotes: " + include.path));
    }
  }
  return found;
}

findings check_own_header_first(const source_tree& tree) {
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_unit(path))
      continue;
    const std::string own = path.substr(0, path.size() - 4) + ".hpp";
    if (!tree.contains(own))
      continue;
    const auto includes = includes_of(text);
    if (includes.empty() || includes.front().path != own)
      found.push_back(finding(path, includes.empty() ? 1 : includes.front().line, "its own header is first"));
  }
  return found;
}

findings check_pragma_once(const source_tree& tree) {
  findings found;
  for (const auto& [path, text] : tree) {
    if (is_header(path) && !text.starts_with("#pragma once\n"))
      found.push_back(finding(path, 1, "a header begins with #pragma once"));
  }
  return found;
}

findings check_foreign_words(const source_tree& tree) {
  const words general{"cometd/", "alerts/", "metrics/"};
  const words foreign{"rollout",  "push request", "push_request",   "push job",
                      "push_job", "packagepush",  "subscriber_org", "org_key"};
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_source(path) || !find_prefix(path, general))
      continue;
    for_each_line(text, [&](std::size_t number, std::string_view line) {
      const std::string lower = to_lower(line);
      for (const std::string_view word : foreign) {
        if (lower.find(word) != std::string::npos)
          found.push_back(finding(path, number, "knows the word " + std::string(word)));
      }
    });
  }
  return found;
}

findings check_blanks(const source_tree& tree) {
  const words endings{".hpp", ".cpp", ".cmake", "CMakeLists.txt", ".md", ".yaml", ".yml", ".js"};
  findings found;
  for (const auto& [path, text] : tree) {
    const bool is_written = std::any_of(endings.begin(), endings.end(),
                                        [&](std::string_view ending) { return path.ends_with(ending); });
    if (!is_written || is_below(path, "tests/data"))
      continue;
    for_each_line(text, [&](std::size_t number, std::string_view line) {
      if (line.find('\t') != std::string_view::npos)
        found.push_back(finding(path, number, "a tab"));
      if (line.ends_with(' ') || line.ends_with('\r'))
        found.push_back(finding(path, number, "a blank at the end"));
    });
    if (!text.empty() && !text.ends_with('\n'))
      found.push_back(finding(path, 1, "the last line has no end"));
  }
  return found;
}

findings check_length(const source_tree& tree) {
  findings found;
  for (const auto& [path, text] : tree) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const std::size_t lines_max = path.starts_with("tests/") ? test_lines_max : source_lines_max;
    if (is_source(path) && lines > lines_max)
      found.push_back(finding(path, lines, "longer than " + std::to_string(lines_max) + " lines"));
  }
  return found;
}

findings check_mirroring(const source_tree& tree) {
  constexpr std::string_view unit_tests = "tests/unit/";
  findings found;
  for (const auto& [path, text] : tree) {
    if (!path.starts_with(unit_tests) || !path.ends_with("_test.cpp"))
      continue;
    const std::string_view subject = folder_of(std::string_view(path).substr(unit_tests.size()));
    const auto includes = reachable_includes(tree, path);
    const auto is_of_subject = [&](const std::string& include) {
      return folder_of(include) == subject && tree.contains(include);
    };
    if (subject.empty() || std::none_of(includes.begin(), includes.end(), is_of_subject))
      found.push_back(finding(path, 1, "reaches no header of the folder that it mirrors"));
  }
  return found;
}

findings check_listing(const source_tree& tree) {
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_unit(path))
      continue;
    const std::string list = nearest_list(tree, path);
    const std::string_view folder = folder_of(list);
    const std::string name = folder.empty() ? path : path.substr(folder.size() + 1);
    if (!tree.contains(list) || !holds_word(tree.at(list), name))
      found.push_back(finding(path, 1, "is in no CMakeLists.txt"));
  }
  return found;
}

findings check_sleeps(const source_tree& tree) {
  const words sleeps{"this_thread::sleep", "usleep(", "nanosleep("};
  // Waits for a process to end, which nothing announces.
  constexpr std::string_view waits_for_processes = "tests/support/child_process.cpp";
  findings found;
  for (const auto& [path, text] : tree) {
    if (!is_source(path) || !is_below(path, "tests") || is_below(path, "tests/style") ||
        path == waits_for_processes)
      continue;
    for_each_line(text, [&](std::size_t number, std::string_view line) {
      for (const std::string_view sleep : sleeps) {
        if (line.find(sleep) != std::string_view::npos)
          found.push_back(finding(path, number, "a test sleeps"));
      }
    });
  }
  return found;
}

findings check_machine_traces(const source_tree& tree) {
  // In two parts, so that this file is clean itself.
  const std::vector<std::string> hosts{joined("registry.", "npmjs"),     joined("registry.", "yarnpkg"),
                                       joined("pypi.", "org"),           joined("files.", "pythonhosted"),
                                       joined("arti", "factory"),        joined("deb.", "debian.org"),
                                       joined("security.", "debian.org")};
  const std::vector<std::string> folders{joined("/ro", "ot/"), joined("/wo", "rk/")};
  findings found;
  for (const auto& [path, text] : tree) {
    for_each_line(text, [&](std::size_t number, std::string_view line) {
      for (const std::string& host : hosts) {
        if (line.find(host) != std::string_view::npos)
          found.push_back(finding(path, number, "names a package registry: " + host));
      }
      for (const std::string& folder : folders) {
        if (names_folder(line, folder))
          found.push_back(finding(path, number, "names a folder of one machine: " + folder));
      }
    });
  }
  return found;
}

}  // namespace pushguard::style
