#include "tests/style/source_tree.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>

namespace pushguard::style {
namespace {

namespace fs = std::filesystem;

bool is_foreign(const fs::directory_entry& entry) {
  constexpr std::array<std::string_view, 3> folders{".cache", "build", "node_modules"};
  const std::string name = entry.path().filename().string();
  // git's own is a folder, or a file that names one elsewhere.
  return name == ".git" ||
         (entry.is_directory() && std::find(folders.begin(), folders.end(), name) != folders.end());
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string_view after(std::string_view text, std::string_view blanks) {
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

std::optional<include_line> parse_include(std::string_view line) {
  line = after(line, " \t");
  if (!line.starts_with('#'))
    return std::nullopt;
  line = after(line.substr(1), " \t");
  constexpr std::string_view keyword = "include";
  if (!line.starts_with(keyword))
    return std::nullopt;
  line = after(line.substr(keyword.size()), " \t");
  if (line.empty() || (line.front() != '"' && line.front() != '<'))
    return std::nullopt;
  const bool quoted = line.front() == '"';
  const std::size_t end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos)
    return std::nullopt;
  return include_line{.line = 0,
                      .path = std::string(line.substr(1, end - 1)),
                      .how = quoted ? include_line::form::quotes : include_line::form::brackets};
}

}  // namespace

source_tree read_tree(const fs::path& root) {
  source_tree tree;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    if (is_foreign(*at)) {
      at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file() || at->is_symlink())
      continue;
    std::string text = read_file(at->path());
    if (text.find('\0') == std::string::npos)
      tree.emplace(at->path().lexically_relative(root).generic_string(), std::move(text));
  }
  return tree;
}

std::vector<include_line> includes_of(std::string_view text) {
  std::vector<include_line> found;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto include = parse_include(text.substr(0, end))) {
      include->line = number;
      found.push_back(std::move(*include));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

bool is_header(std::string_view path) noexcept {
  return path.ends_with(".hpp");
}

bool is_unit(std::string_view path) noexcept {
  return path.ends_with(".cpp");
}

std::string_view folder_of(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool is_below(std::string_view path, std::string_view folder) noexcept {
  return folder.empty() ||
         (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

}  // namespace pushguard::style
