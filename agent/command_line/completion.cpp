#include "agent/command_line/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"

namespace pushguard::agent {
namespace {

/// In single quotes, for the shells that end a quote to escape one.
std::string single_quoted(std::string_view text) {
  return "'" + replace_all(std::string(text), "'", R"('\'')") + "'";
}

std::string names_of(const command_description& command) {
  std::string out;
  for (const option_description& option : command.options)
    out += (out.empty() ? "" : " ") + option.name;
  return out;
}

std::string command_names(std::span<const command_description> commands) {
  std::string out;
  for (const command_description& each : commands.subspan(1))
    out += (out.empty() ? "" : " ") + each.name;
  return out;
}

std::string bash_script(std::span<const command_description> commands) {
  std::string out = R"(# bash completion of pushguard, made by `pushguard completion bash`
_pushguard() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= words= i
  COMPREPLY=()
  # Bash splits --option=value into three words.
  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then command=${COMP_WORDS[i]}; break; fi
  done
  case $command:$previous in
)";
  for (const command_description& each : commands) {
    for (const option_description& option : each.options) {
      if (option.takes_file)
        out += fmt::format(
            "    {}:{}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$current\")); return "
            ";;\n",
            each.name, option.name);
      else if (option.takes_value)
        out += fmt::format("    {}:{}) COMPREPLY=($(compgen -W '{}' -- \"$current\")); return ;;\n",
                           each.name, option.name, fmt::join(option.values, " "));
    }
  }
  out += "  esac\n  case $command in\n";
  for (const command_description& each : commands) {
    const std::string plain =
        each.name.empty() ? command_names(commands) : fmt::format("{}", fmt::join(each.words, " "));
    out += fmt::format("    {}) words='{}'; [[ $current == -* ]] && words='{}' ;;\n",
                       each.name.empty() ? "''" : each.name, plain, names_of(each));
  }
  return out + R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _pushguard pushguard
)";
}

/// Brackets and colons mean something to _arguments and _describe.
std::string zsh_text(std::string_view text) {
  std::string out(text);
  for (const char* special : {"\\", "[", "]", ":"})
    out = replace_all(std::move(out), special, std::string("\\") + special);
  return out;
}

std::string zsh_option(const option_description& option) {
  std::string spec =
      fmt::format("{}{}[{}]", option.name, option.takes_value ? "=" : "", zsh_text(option.help));
  if (option.takes_file)
    spec += ":file:_files";
  else if (option.takes_value)
    spec += option.values.empty() ? ": :" : fmt::format(":value:({})", fmt::join(option.values, " "));
  return single_quoted(spec);
}

std::string zsh_script(std::span<const command_description> commands) {
  std::string out = R"(#compdef pushguard
# zsh completion of pushguard, made by `pushguard completion zsh`
_pushguard() {
  local -a commands
  commands=(
)";
  for (const command_description& each : commands.subspan(1))
    out += fmt::format("    {}\n", single_quoted(each.name + ":" + zsh_text(each.help)));
  out +=
      "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
      "    _describe -t commands command commands\n    return\n  fi\n"
      "  local chosen=$words[2]\n  [[ $chosen == -* ]] && chosen=\n"
      "  if [[ -n $chosen ]]; then shift words; (( CURRENT-- )); fi\n  case $chosen in\n";
  for (const command_description& each : commands) {
    out += fmt::format("    {}) _arguments", each.name.empty() ? "''" : each.name);
    for (const option_description& option : each.options)
      out += " \\\n      " + zsh_option(option);
    if (!each.words.empty())
      out += fmt::format(" \\\n      '1: :({})'", fmt::join(each.words, " "));
    out += " ;;\n";
  }
  return out + R"(  esac
}
if [[ $funcstack[1] == _pushguard ]]; then _pushguard "$@"; else compdef _pushguard pushguard; fi
)";
}

std::string fish_text(std::string_view text) {
  return "'" + replace_all(replace_all(std::string(text), "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_script(std::span<const command_description> commands) {
  std::string out =
      "# fish completion of pushguard, made by `pushguard completion fish`\ncomplete -c pushguard -f\n";
  for (const command_description& each : commands) {
    const std::string when = each.name.empty()
                                 ? "-n __fish_use_subcommand"
                                 : fmt::format("-n '__fish_seen_subcommand_from {}'", each.name);
    if (!each.name.empty())
      out += fmt::format("complete -c pushguard -n __fish_use_subcommand -a {} -d {}\n", each.name,
                         fish_text(each.help));
    if (!each.words.empty())
      out += fmt::format("complete -c pushguard {} -a '{}'\n", when, fmt::join(each.words, " "));
    for (const option_description& option : each.options) {
      out += fmt::format("complete -c pushguard {} -l {} -d {}", when, option.name.substr(2),
                         fish_text(option.help));
      if (option.takes_file)
        out += " -r -F";
      else if (option.takes_value)
        out += option.values.empty() ? " -x" : fmt::format(" -x -a '{}'", fmt::join(option.values, " "));
      out += '\n';
    }
  }
  return out;
}

}  // namespace

std::string completion_script(shell of, std::span<const command_description> commands) {
  switch (of) {
    case shell::bash:
      return bash_script(commands);
    case shell::zsh:
      return zsh_script(commands);
    case shell::fish:
      return fish_script(commands);
  }
  return "";
}

}  // namespace pushguard::agent
