#include "agent/salesforce/api_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pushguard::salesforce {
namespace {

struct error_case {
  int status;
  const char* code;  ///< empty: the body is a page
  api_error_kind kind;
  errc code_of_failure;
  api_outcome outcome;
};

class ErrorAnswer : public testing::TestWithParam<error_case> {};

TEST_P(ErrorAnswer, IsClassified) {
  const error_case& given = GetParam();
  const std::string body =
      *given.code == '\0' ? "<html><body>Down for maintenance</body></html>"
                          : fmt::format(R"([{{"message":"what happened","errorCode":"{}"}}])", given.code);
  const auto failed = read_api_error("querying", given.status, body);
  EXPECT_EQ(failed.kind, given.kind);
  EXPECT_TRUE(failed.cause.is(given.code_of_failure)) << failed.cause.code.message();
  EXPECT_EQ(outcome_of(failed), given.outcome);
  EXPECT_EQ(failed.http_status, given.status);
  EXPECT_EQ(failed.error_code, given.code);
  EXPECT_EQ(failed.message, *given.code == '\0' ? "" : "what happened");
}

using enum api_error_kind;
INSTANTIATE_TEST_SUITE_P(
    Of, ErrorAnswer,
    testing::Values(
        error_case{401, "INVALID_SESSION_ID", session_invalid, errc::unauthorized, api_outcome::unauthorized},
        error_case{403, "INVALID_SESSION_ID", session_invalid, errc::unauthorized, api_outcome::unauthorized},
        error_case{401, "", session_invalid, errc::unauthorized, api_outcome::unauthorized},
        error_case{403, "REQUEST_LIMIT_EXCEEDED", request_limit, errc::unavailable,
                   api_outcome::limit_exceeded},
        error_case{400, "QUERY_TIMEOUT", query_timeout, errc::timed_out, api_outcome::timed_out},
        error_case{400, "UNABLE_TO_LOCK_ROW", row_locked, errc::unavailable, api_outcome::unavailable},
        error_case{503, "SERVER_UNAVAILABLE", unavailable, errc::unavailable, api_outcome::unavailable},
        error_case{500, "UNKNOWN_EXCEPTION", unavailable, errc::unavailable, api_outcome::unavailable},
        error_case{500, "", unavailable, errc::unavailable, api_outcome::unavailable},
        error_case{503, "", unavailable, errc::unavailable, api_outcome::unavailable},
        error_case{420, "", unavailable, errc::unavailable, api_outcome::unavailable},
        error_case{429, "", unavailable, errc::unavailable, api_outcome::unavailable},
        error_case{302, "", moved, errc::unavailable, api_outcome::unavailable},
        error_case{400, "INVALID_FIELD", invalid_field, errc::rejected, api_outcome::rejected},
        error_case{400, "MALFORMED_QUERY", malformed_query, errc::rejected, api_outcome::rejected},
        error_case{400, "INVALID_TYPE", invalid_type, errc::rejected, api_outcome::rejected},
        error_case{403, "INSUFFICIENT_ACCESS", insufficient_access, errc::rejected, api_outcome::rejected},
        error_case{403, "", insufficient_access, errc::rejected, api_outcome::rejected},
        error_case{404, "NOT_FOUND", not_found, errc::not_found, api_outcome::rejected},
        error_case{404, "", not_found, errc::not_found, api_outcome::rejected},
        error_case{405, "METHOD_NOT_ALLOWED", other, errc::rejected, api_outcome::rejected},
        error_case{400, "SOMETHING_NEW", other, errc::rejected, api_outcome::rejected}),
    [](const auto& made) {
      return fmt::format("{}{}_{}", made.param.status, *made.param.code == '\0' ? "Page" : made.param.code,
                         made.index);
    });

TEST(ErrorText, NamesOperationStatusCodeAndMessage) {
  const auto failed = read_api_error("querying PackagePushJob", 400,
                                     R"([{"message":"\nNo such column 'X'","errorCode":"INVALID_FIELD"}])");
  EXPECT_EQ(failed.cause.text(),
            "querying PackagePushJob: Salesforce answered 400 INVALID_FIELD:  No such column 'X'");
  EXPECT_EQ(failed.message, "\nNo such column 'X'") << "verbatim";
}

TEST(ErrorText, StaysOneLineOfBoundedLength) {
  const std::string body = fmt::format(R"([{{"message":"{}","errorCode":"{}"}}])", std::string(100'000, 'm'),
                                       std::string(5000, 'C'));
  const auto failed = read_api_error("querying", 400, body);
  EXPECT_LT(failed.cause.text().size(), 1000U);
  EXPECT_EQ(failed.message.size(), 4096U);
}

TEST(ErrorAnswer, SurvivesEveryShape) {
  for (const char* body :
       {"", "[]", "[1]", "{}", "null", "[", "\"text\"", "[{\"message\":1,\"errorCode\":[]}]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\xFF\xFE"}) {
    const auto failed = read_api_error("querying", 400, body);
    EXPECT_EQ(failed.kind, other) << body;
    EXPECT_EQ(failed.error_code, "") << body;
  }
}

TEST(ErrorAnswer, IsReadAsALoneObjectToo) {
  EXPECT_EQ(read_api_error("x", 400, R"({"message":"m","errorCode":"INVALID_FIELD"})").kind, invalid_field);
  EXPECT_EQ(read_api_error("x", 403, R"({"error":"bad","error_description":"worse"})").message, "worse");
}

TEST(TransportFailure, CountsByWhatWentWrong) {
  const auto outcome = [](errc code) { return outcome_of(transport_failure("x", {code, "y"})); };
  EXPECT_EQ(outcome(errc::timed_out), api_outcome::timed_out);
  EXPECT_EQ(outcome(errc::unreachable), api_outcome::unavailable);
  EXPECT_EQ(outcome(errc::closed), api_outcome::unavailable);
  EXPECT_EQ(outcome(errc::untrusted), api_outcome::unavailable);
  EXPECT_EQ(outcome(errc::malformed), api_outcome::malformed);
  EXPECT_EQ(outcome(errc::too_large), api_outcome::malformed);
  EXPECT_EQ(outcome(errc::unauthorized), api_outcome::unauthorized);
  EXPECT_EQ(transport_failure("querying", {errc::closed, "gone"}).cause.text(), "querying: gone");
}

}  // namespace
}  // namespace pushguard::salesforce
