#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pushguard::style {

/// Every text file of the project by its path from the root, with `/`.
using source_tree = std::map<std::string, std::string>;

/// Reads what belongs to the project: no build directories, no downloaded packages, nothing hidden from
/// git by .gitignore, no binary files.
[[nodiscard]] source_tree read_tree(const std::filesystem::path& root);

struct include_line {
  std::size_t line = 0;  ///< from 1
  std::string path;
  enum class form { quotes, brackets } how = form::quotes;
};

/// The #include lines of a source text, in order.
[[nodiscard]] std::vector<include_line> includes_of(std::string_view text);

[[nodiscard]] bool is_header(std::string_view path) noexcept;  ///< .hpp
[[nodiscard]] bool is_unit(std::string_view path) noexcept;    ///< .cpp
/// `agent/store/sql.cpp` is in `agent/store`; a file in the root is in ``.
[[nodiscard]] std::string_view folder_of(std::string_view path) noexcept;
/// True for `agent/store/sql.cpp` in `agent/store`, in `agent` and in ``, not in `agent/st`.
[[nodiscard]] bool is_below(std::string_view path, std::string_view folder) noexcept;

}  // namespace pushguard::style
