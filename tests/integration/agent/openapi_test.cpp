// docs/openapi.yaml against the sources: what is routed and which codes there are. Whether answers are as it
// says is tests/interop/openapi_test.cpp's matter.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "base/yaml.hpp"
#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using testing::IsEmpty;

const std::filesystem::path source = PUSHGUARD_SOURCE_DIR;

std::string read(const std::filesystem::path& path) {
  return read_file(source / path, 1024UZ * 1024).value();
}

yaml_node document() {
  auto parsed = parse_yaml(read("docs/openapi.yaml"), "docs/openapi.yaml");
  return std::move(parsed.value());
}

/// `GET /metrics` and so on.
std::set<std::string> documented_routes() {
  std::set<std::string> out;
  const yaml_node root = document();
  for (const yaml_entry& path : root.find("paths")->entries) {
    for (const auto& [key, method] :
         {std::pair("get", "GET"), std::pair("post", "POST"), std::pair("put", "PUT"),
          std::pair("patch", "PATCH"), std::pair("delete", "DELETE")}) {
      if (path.value.find(key) != nullptr)
        out.insert(fmt::format("{} {}", method, path.key));
    }
  }
  return out;
}

std::set<std::string> difference(const std::set<std::string>& from, const std::set<std::string>& less) {
  std::set<std::string> out;
  std::ranges::set_difference(from, less, std::inserter(out, out.end()));
  return out;
}

TEST(OpenApi, HasEveryRouteOfTheAgentAndNoOther) {
  test::simulated_agent world(test::make_lifelike_rollout(0.0));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.model().rollouts().empty(); }));
  const std::vector<std::string> served = world.routes();
  const std::set<std::string> routes(served.begin(), served.end());
  EXPECT_EQ(routes.size(), served.size()) << "a route is there twice";
  const std::set<std::string> documented = documented_routes();
  EXPECT_THAT(difference(routes, documented), IsEmpty()) << "is not documented";
  EXPECT_THAT(difference(documented, routes), IsEmpty()) << "is not served";
}

/// The codes in `code: { enum: [a, b] }` and `code: { type: string, const: a }` of the errors' schemas.
std::set<std::string> documented_codes() {
  std::set<std::string> out;
  const yaml_node root = document();
  for (const yaml_entry& schema : root.find("components")->find("schemas")->entries) {
    const yaml_node* at = &schema.value;
    for (const char* step : {"properties", "error", "properties", "code"})
      at = at == nullptr ? nullptr : at->find(step);
    if (at == nullptr)
      continue;
    if (const yaml_node* all = at->find("enum")) {
      for (const yaml_node& code : all->items)
        out.insert(code.text);
    }
    if (const yaml_node* one = at->find("const"))
      out.insert(one->text);
  }
  return out;
}

/// Where the agent's answers are made: the codes that stand there as `error_reply(404, "not_found"`, as
/// `{413, "body_too_large"` of the server, and as `{"code", "configuration_invalid"}`.
std::set<std::string> codes_in_sources() {
  const std::regex code(R"re((?:error_reply\(|\{)\s*[1-5]\d\d,\s*"([a-z_]+)"|\{"code",\s*"([a-z_]+)"\})re");
  std::set<std::string> out;
  for (const char* folder : {"agent", "base"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source / folder)) {
      if (entry.path().extension() != ".cpp")
        continue;
      const std::string text = read(std::filesystem::relative(entry.path(), source));
      for (std::sregex_iterator at(text.begin(), text.end(), code); at != std::sregex_iterator(); ++at)
        out.insert((*at)[1].matched ? (*at)[1] : (*at)[2]);
    }
  }
  return out;
}

TEST(OpenApi, HasEveryErrorCodeOfTheSourcesAndNoOther) {
  const std::set<std::string> documented = documented_codes();
  EXPECT_GE(documented.size(), 15U);
  EXPECT_EQ(documented, codes_in_sources());
}

}  // namespace
}  // namespace pushguard
