#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "agent/commands/addressing.hpp"
#include "agent/commands/agent_client.hpp"
#include "agent/commands/commands.hpp"
#include "agent/commands/render.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;

int complain(const failure& why) {
  fmt::print(stderr, "pushguard: {}\n", why.text());
  return exit_failed;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// The rollouts of the agent that `wanted` names, in whatever hub they are.
result<json::array> find_rollouts(agent_client& agent, const std::optional<domain::rollout_id>& wanted) {
  auto answer = agent.get("/api/v1/rollouts");
  if (!answer) {
    return std::unexpected(answer.error());
  }
  json::array found;
  std::optional<domain::rollout_id> latest;
  for (json::value& rollout : answer->as_object()["rollouts"].as_array()) {
    const auto id = domain::rollout_id::parse(std::string_view(rollout.as_object()["id"].as_string()));
    if (!id || (wanted && id->version != wanted->version))
      continue;
    if (wanted && wanted->number != 0 && id->number != wanted->number)
      continue;
    if (wanted && wanted->number == 0) {
      if (latest && id->number < latest->number)
        continue;
      if (latest && id->number > latest->number)
        found.clear();
      latest = *id;
    }
    found.push_back(std::move(rollout));
  }
  if (wanted && found.empty()) {
    return fail(errc::not_found, fmt::format("the agent knows no rollout {}", wanted->version.text()));
  }
  return found;
}

std::string_view result_name(orgs_filter filter) {
  switch (filter) {
    case orgs_filter::all:
      return "";
    case orgs_filter::failed:
      return "failed";
    case orgs_filter::succeeded:
      return "succeeded";
    case orgs_filter::spared:
      return "spared";
    case orgs_filter::running:
      return "running";
  }
  return "";
}

std::string header_of(orgs_format format) {
  switch (format) {
    case orgs_format::table:
      return orgs_table_header();
    case orgs_format::csv:
      return orgs_csv_header();
    case orgs_format::json:
    case orgs_format::ids:
      return "";
  }
  return "";
}

std::string render_org(orgs_format format, const json::object& org) {
  switch (format) {
    case orgs_format::table:
      return render_org_row(org);
    case orgs_format::csv:
      return render_org_csv(org);
    case orgs_format::ids:
      return render_org_id(org) + "\n";
    case orgs_format::json:
      return json::serialize(org) + "\n";
  }
  return "";
}

result<> print_orgs(agent_client& agent, const json::object& rollout, const orgs_options& options) {
  const std::string base =
      fmt::format("/api/v1/rollouts/{}/{}/orgs?limit=2000&result={}",
                  percent_encode(std::string_view(rollout.at("hub").as_string())),
                  std::string_view(rollout.at("id").as_string()), result_name(options.filter));
  std::string after;
  for (;;) {
    const auto page = agent.get(after.empty() ? base : fmt::format("{}&after={}", base, after));
    if (!page) {
      return std::unexpected(page.error());
    }
    for (const json::value& org : page->as_object().at("orgs").as_array()) {
      print(render_org(options.format, org.as_object()));
    }
    const json::value& next = page->as_object().at("next");
    if (!next.is_string()) {
      return {};
    }
    after = next.as_string();
  }
}

/// Every decision about `rollout`, newest first, with the calls that were made for it.
result<json::array> decisions_of(agent_client& agent, const json::object& rollout) {
  const std::string base = fmt::format("/api/v1/decisions?limit=100&hub={}&rollout={}",
                                       percent_encode(std::string_view(rollout.at("hub").as_string())),
                                       percent_encode(std::string_view(rollout.at("id").as_string())));
  json::array found;
  std::string before;
  for (;;) {
    auto page = agent.get(before.empty() ? base : fmt::format("{}&before={}", base, before));
    if (!page) {
      return std::unexpected(page.error());
    }
    for (json::value& decision : page->as_object().at("decisions").as_array()) {
      found.push_back(std::move(decision));
    }
    const json::value& next = page->as_object().at("next");
    if (next.is_null()) {
      return found;
    }
    before = std::to_string(next.to_number<std::int64_t>());
  }
}

result<> add_decisions(agent_client& agent, json::array& rollouts) {
  for (json::value& rollout : rollouts) {
    auto decisions = decisions_of(agent, rollout.as_object());
    if (!decisions) {
      return std::unexpected(decisions.error());
    }
    rollout.as_object()["decisions"] = std::move(*decisions);
  }
  return {};
}

/// An agent of another version may answer in another shape.
template <class Ask>
int asking(const connection_options& connection, Ask ask) {
  auto agent = make_agent_client(connection);
  if (!agent) {
    return complain(agent.error());
  }
  try {
    return ask(**agent);
  } catch (const std::exception&) {
    return complain(
        {make_error_code(errc::malformed),
         fmt::format("{} did not answer as this version of Pushguard does", connection.url.origin.text())});
  }
}

}  // namespace

namespace {

result<std::string> path_of(agent_client& agent, const control_options& options) {
  if (const auto* request = std::get_if<domain::request_id>(&options.target))
    return fmt::format("/api/v1/requests/{}", request->text());
  if (const auto* alert = std::get_if<alert_name>(&options.target))
    return fmt::format("/api/v1/alerts/{}", percent_encode(alert->text));
  if (const auto* rule = std::get_if<rule_name>(&options.target))
    return fmt::format("/api/v1/rules/{}/{}", percent_encode(rule->policy), percent_encode(rule->rule));
  const auto answer = agent.get("/api/v1/rollouts");
  if (!answer)
    return std::unexpected(answer.error());
  return find_rollout_path(answer->as_object().at("rollouts").as_array(),
                           std::get<domain::rollout_id>(options.target), options.hub);
}

}  // namespace

int control(const control_options& options) {
  if (!options.connection.token_file) {
    return complain({make_error_code(errc::invalid),
                     fmt::format("{} needs a token: write the one that stands after your name in the agent's "
                                 "http.api_tokens_file into a file, and name that with --token-file or "
                                 "PUSHGUARD_TOKEN_FILE",
                                 to_string(options.action))});
  }
  return asking(options.connection, [&](agent_client& agent) {
    const auto path = path_of(agent, options);
    if (!path)
      return complain(path.error());
    json::object body;
    if (!options.reason.empty())
      body.emplace("reason", options.reason);
    if (options.length)
      body.emplace("for", format_duration(*options.length));
    const auto answer = agent.post(fmt::format("{}/{}", *path, to_string(options.action)), std::move(body));
    if (!answer)
      return complain(answer.error());
    print(options.output == output_form::json ? json::serialize(*answer) + "\n" : render_action(*answer));
    return exit_done;
  });
}

int status(const status_options& options) {
  return asking(options.connection, [&](agent_client& agent) {
    if (const auto* request = std::get_if<domain::request_id>(&options.target)) {
      const auto answer = agent.get(fmt::format("/api/v1/requests/{}", request->text()));
      if (!answer) {
        return complain(answer.error());
      }
      print(options.output == output_form::json ? json::serialize(*answer) + "\n" : render_request(*answer));
      return exit_done;
    }
    std::optional<domain::rollout_id> wanted;
    if (const auto* rollout = std::get_if<domain::rollout_id>(&options.target))
      wanted = *rollout;
    auto found = find_rollouts(agent, wanted);
    if (!found) {
      return complain(found.error());
    }
    if (options.shows_decisions) {
      const auto added = add_decisions(agent, *found);
      if (!added) {
        return complain(added.error());
      }
    }
    const json::value answer = json::object{{"rollouts", std::move(*found)}};
    print(options.output == output_form::json
              ? json::serialize(answer) + "\n"
              : render_rollouts(answer, options.shows_decisions ? show_decisions::yes : show_decisions::no));
    return exit_done;
  });
}

int alerts(const alerts_options& options) {
  return asking(options.connection, [&](agent_client& agent) {
    const auto answer = agent.get("/api/v1/alerts");
    if (!answer)
      return complain(answer.error());
    print(options.output == output_form::json ? json::serialize(*answer) + "\n"
                                              : render_alerts(*answer, options.shows_all));
    return exit_done;
  });
}

int orgs(const orgs_options& options) {
  return asking(options.connection, [&](agent_client& agent) {
    const auto found = find_rollouts(agent, options.rollout);
    if (!found) {
      return complain(found.error());
    }
    print(header_of(options.format));
    for (const json::value& rollout : *found) {
      const auto printed = print_orgs(agent, rollout.as_object(), options);
      if (!printed) {
        return complain(printed.error());
      }
    }
    return exit_done;
  });
}

}  // namespace pushguard::agent
