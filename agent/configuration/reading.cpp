#include "agent/configuration/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace pushguard::configuration {
namespace {

constexpr std::size_t name_size_max = 64;           // a metric label that people read
constexpr std::size_t secret_size_max = 64 * 1024;  // a certificate chain has less

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_size_max && std::ranges::all_of(text, [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
  });
}

bool is_variable_name(std::string_view text) {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

/// What `value` stands for. The failure's text does not hold it.
result<secret> expand(const std::string& value, const environment& variables) {
  const auto opening = value.find("${");
  if (opening == std::string::npos)
    return secret(value);
  const std::string name = value.size() > 3 ? value.substr(2, value.size() - 3) : "";
  if (opening != 0 || !value.ends_with('}') || !is_variable_name(name))
    return fail(errc::invalid, "an environment variable must stand alone, as ${NAME}");
  auto found = variables(name);
  if (!found || found->empty())
    return fail(errc::invalid, fmt::format("the environment variable {} is not set", name));
  return secret(std::move(*found));
}

result<std::string> content_of(const std::filesystem::path& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec))
    return fail(errc::invalid, "it is a directory");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(errc::invalid, std::generic_category().message(errno == 0 ? EIO : errno));
  std::string content(secret_size_max + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad())
    return fail(errc::invalid, "reading it failed");
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > secret_size_max)
    return fail(errc::invalid, fmt::format("it is larger than {} KiB", secret_size_max / 1024));
  if (content.ends_with('\n'))
    content.pop_back();
  if (content.ends_with('\r'))
    content.pop_back();
  if (content.empty())
    return fail(errc::invalid, "it is empty");
  return content;
}

}  // namespace

std::string unique_names::read(yaml_reader& from) {
  const auto name = from.text("name", yaml_presence::required);
  if (!name)
    return {};
  if (!is_name(*name)) {
    from.problem("name", fmt::format("name must be 1 to {} letters, digits, '_', '.' or '-'", name_size_max));
    return {};
  }
  if (!names_.insert(*name).second) {
    from.problem("name", fmt::format("another {} is named '{}' too", what_, *name));
    return {};
  }
  return *name;
}

secret read_secret(yaml_reader& from, std::string_view key, std::string_view file_key,
                   const reading& context) {
  const auto given = from.exactly_one_of(std::array{key, file_key});
  const auto text = given ? from.text(*given) : std::nullopt;
  if (!text)
    return {};
  if (*given == key) {
    auto value = expand(*text, context.variables);
    if (value)
      return std::move(*value);
    from.problem(key, fmt::format("{}: {}", key, value.error().text()));
    return {};
  }
  return read_secret_file(from, file_key, context);
}

secret read_secret_file(yaml_reader& from, std::string_view file_key, const reading& context) {
  const auto text = from.text(file_key, yaml_presence::required);
  if (!text)
    return {};
  auto content = content_of(context.resolve(*text));
  if (content)
    return secret(std::move(*content));
  from.problem(file_key, fmt::format("{}: the file cannot be used: {} (relative paths start at '{}')",
                                     file_key, content.error().text(), context.directory.string()));
  return {};
}

std::optional<secret> read_secret_text(yaml_reader& from, std::string_view key, const reading& context) {
  const auto text = from.text(key);
  if (!text)
    return std::nullopt;
  auto value = expand(*text, context.variables);
  if (value)
    return std::move(*value);
  from.problem(key, fmt::format("{}: {}", key, value.error().text()));
  return std::nullopt;
}

std::optional<url> read_url(const yaml_node& node, std::string_view what, yaml_problems& problems) {
  const auto text = yaml_read_text(node, what, problems);
  if (!text)
    return std::nullopt;
  auto parsed = parse_url(*text);
  if (parsed)
    return std::move(*parsed);
  problems.add(node.position, fmt::format("{}: {}", what, parsed.error().text()));
  return std::nullopt;
}

std::span<const yaml_node> bounded_sequence(yaml_reader& from, std::string_view key, std::size_t most,
                                            yaml_presence presence) {
  const auto items = from.sequence(key, presence);
  if (items.size() <= most)
    return items;
  from.problems().add(items[most].position, fmt::format("{} may have at most {} items", key, most));
  return items.first(most);
}

std::optional<proxy_rules> read_proxy_key(yaml_reader& from, const reading& context) {
  if (!from.has("proxy"))
    return std::nullopt;
  const auto text = read_secret_text(from, "proxy", context);
  if (!text || text->reveal() == "none")
    return proxy_rules{};
  auto parsed = parse_proxy(text->reveal());
  if (parsed)
    return proxy_rules{.via = std::move(*parsed)};
  from.problem("proxy", "proxy: " + parsed.error().text());
  return proxy_rules{};
}

}  // namespace pushguard::configuration
