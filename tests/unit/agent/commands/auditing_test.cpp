// `pushguard audit` on files; tests/integration has it beside a running agent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "agent/commands/commands.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct said {
  int exit_code = 0;
  std::string out;
  std::string error;
};

said run(const audit_options& options) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  said made;
  made.exit_code = audit(options);
  std::fflush(stdout);
  made.out = testing::internal::GetCapturedStdout();
  made.error = testing::internal::GetCapturedStderr();
  return made;
}

class Auditing : public testing::Test {
 protected:
  Auditing() {
    auto database = store::test::open(scratch_.database());
    store::batch changes;
    for (int n = 1; n <= 3; ++n)
      changes.audit.push_back(store::test::sample_audit(n));
    (void)test::must(database.commit(changes));
    last_hash_ = test::must(database.load()).audit.last_hash;
  }

  audit_options of_state(audit_action action) {
    audit_options options;
    options.action = action;
    options.state = scratch_.database();
    return options;
  }
  audit_options of_file(const std::string& text) {
    audit_options options;
    options.file = scratch_.path() / "trail.ndjson";
    std::ofstream(*options.file) << text;
    return options;
  }

  store::test::scratch_directory scratch_;
  std::string last_hash_;
};

TEST_F(Auditing, ExportsWhatItVerifies) {
  const said exported = run(of_state(audit_action::export_trail));
  EXPECT_EQ(exported.exit_code, 0);
  EXPECT_EQ(std::ranges::count(exported.out, '\n'), 3);
  EXPECT_THAT(exported.out, StartsWith("{\"sequence\":1,"));
  const std::string intact = fmt::format("3 entries, chain intact, last hash {}\n", last_hash_);
  for (const audit_options& options : {of_state(audit_action::verify), of_file(exported.out)}) {
    const said verified = run(options);
    EXPECT_EQ(verified.exit_code, 0) << verified.error;
    EXPECT_EQ(verified.out, intact);
  }
}

TEST_F(Auditing, NamesTheFirstBrokenEntry) {
  std::string text = run(of_state(audit_action::export_trail)).out;
  text.replace(text.find("\"n\":2"), 5, "\"n\":9");
  const said verified = run(of_file(text));
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_EQ(verified.out, "");
  EXPECT_EQ(
      verified.error,
      "pushguard: the audit trail is broken: entry 2 was altered: its hash is not that of its content\n");
  audit_options as_json = of_file(text);
  as_json.output = output_form::json;
  const said told = run(as_json);
  EXPECT_EQ(told.exit_code, 1);
  EXPECT_THAT(told.out, StartsWith(R"({"intact":false,"entries":1,"last_hash":")"));
  EXPECT_THAT(told.out,
              HasSubstr(R"("problem":"entry 2 was altered: its hash is not that of its content"})"));
}

TEST_F(Auditing, NoticesTruncationWithAnAnchor) {
  const std::string text = run(of_state(audit_action::export_trail)).out;
  const std::string cut = text.substr(0, text.rfind("{\"sequence\""));
  EXPECT_EQ(run(of_file(cut)).exit_code, 0) << "a chain that ends earlier is a chain";
  audit_options options = of_file(cut);
  options.expected_hash = last_hash_;
  const said verified = run(options);
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.error, HasSubstr("no entry has the expected hash " + last_hash_));
  options = of_file(text);
  options.expected_hash = last_hash_;
  EXPECT_EQ(run(options).exit_code, 0);
}

TEST_F(Auditing, SaysWhatItCannotRead) {
  audit_options options;
  options.file = scratch_.path() / "nothing";
  EXPECT_THAT(run(options).error, HasSubstr("No such file or directory"));
  options.file = scratch_.path();
  const said directory = run(options);
  EXPECT_EQ(directory.exit_code, 1);
  EXPECT_THAT(directory.error, StartsWith("pushguard: cannot read "));
  options = {};
  options.state = scratch_.path() / "nothing";
  EXPECT_THAT(run(options).error, StartsWith("pushguard: cannot open "));
}

TEST_F(Auditing, SaysThatNoAgentAnswers) {
  audit_options options;
  options.connection.url = test::must(parse_url("http://127.0.0.1:1"));
  const said asked = run(options);
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_THAT(asked.error, HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace pushguard::agent
