#pragma once

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <map>
#include <set>
#include <string>

#include "tests/interop/recording_server.hpp"

namespace pushguard::test {

/// A webhook that holds what it was told against what the outbox promises: each notification at least once,
/// in the order of its alert, and with the same id and body whenever it comes again.
class hook_memory {
 public:
  [[nodiscard]] std::string url() const { return server_.url() + "/hook"; }

  /// What was broken, a line each; empty where nothing was.
  [[nodiscard]] std::string broken_promises() const {
    std::string out;
    std::map<std::string, std::string> bodies;  // by webhook-id
    std::map<std::string, std::string> newest;  // webhook-id by alert
    std::map<std::string, std::string> last;    // webhook-id by alert
    for (const http_request& each : server_.seen()) {
      const std::string id(each.headers.find("webhook-id").value_or(""));
      const boost::json::value body = boost::json::parse(each.body);
      const std::string alert(body.at("data").at("id").as_string());
      const auto [known, is_new] = bodies.emplace(id, each.body);
      if (known->second != each.body)
        out += fmt::format("{} came with two bodies\n", id);
      if (is_new && !newest.contains(alert) && body.at("type") != "alert.fired")
        out += fmt::format("{} does not begin with its firing but with {}\n", alert,
                           std::string_view(body.at("type").as_string()));
      // Ids are numbers of one length.
      if (is_new && newest.contains(alert) && id < newest[alert])
        out += fmt::format("{} was first told of {} after {}\n", alert, id, newest[alert]);
      newest[alert] = std::max(newest[alert], id);
      last[alert] = id;
    }
    for (const auto& [alert, id] : last) {
      if (id != newest[alert])
        out += fmt::format("{} was told {} last, which is not the newest\n", alert, id);
    }
    return out;
  }

  /// The dedup keys under which alerts of that name were told.
  [[nodiscard]] std::set<std::string> keys_of(std::string_view name) const {
    std::set<std::string> keys;
    for (const boost::json::value& each : told(name))
      keys.emplace(each.at("id").as_string());
    return keys;
  }
  /// An annotation of what was told last of an alert of that name; empty where nothing was.
  [[nodiscard]] std::string last_annotation(std::string_view name, std::string_view annotation) const {
    const auto all = told(name);
    if (all.empty())
      return {};
    const boost::json::value* found = all.back().at("annotations").as_object().if_contains(annotation);
    return found == nullptr ? "" : std::string(found->as_string());
  }

 private:
  [[nodiscard]] std::vector<boost::json::value> told(std::string_view name) const {
    std::vector<boost::json::value> out;
    for (const http_request& each : server_.seen()) {
      boost::json::value data = boost::json::parse(each.body).at("data");
      if (data.at("name") == boost::json::string_view(name))
        out.push_back(std::move(data));
    }
    return out;
  }

  recording_server server_;
};

}  // namespace pushguard::test
