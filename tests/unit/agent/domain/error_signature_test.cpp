#include "agent/domain/error_signature.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace pushguard::domain {
namespace {

TEST(ErrorMessage, LosesWhatDiffersFromOrgToOrg) {
  struct row {
    std::string_view message;
    std::string_view normalized;
  };
  for (const auto& [message, normalized] : {
           row{"contact support with error number 731858695-80805 (-151184096)",
               "contact support with error number #"},
           row{"number 731858695-80805 (151184096).", "number #."},
           row{"Org 00D3i0000000AbC is locked", "org # is locked"},
           row{"Org 00D3i0000000AbCEAQ is locked", "org # is locked"},
           row{"unauthenticated since then", "unauthenticated since then"},
           row{"Class.X: line 12, column 5", "class.x: line #, column #"},
           row{"Class.X:12:5 failed", "class.x:#:# failed"},
           row{"ORA-04021 timeout", "ora-04021 timeout"},
           row{"waited 30 seconds", "waited 30 seconds"},
           row{"  two\r\n\tlines  ", "two lines"},
           row{"line", "line"},
           row{"line of 12", "line of 12"},
           row{"12-34 (", "12-34 ("},
           row{"12-34 (5", "12-34 (5"},
           row{"", ""},
       }) {
    EXPECT_EQ(normalize_error_message(message), normalized) << message;
  }
}

TEST(ErrorMessage, IsBoundedAndValidWhateverComes) {
  const std::string bytes_without_meaning = std::string(5000, '\xe2') + "\xf0\x9f";
  EXPECT_LE(normalize_error_message(bytes_without_meaning).size(), error_signature_bytes_max);
  EXPECT_EQ(to_valid_utf8(normalize_error_message(bytes_without_meaning)),
            normalize_error_message(bytes_without_meaning));
  std::string umlauts;
  for (int i = 0; i < 400; ++i)
    umlauts += "\xc3\xbc";
  EXPECT_EQ(normalize_error_message(umlauts, 3), "\xc3\xbc");
}

TEST(ErrorSignature, HasTypeTitleAndNormalizedMessage) {
  EXPECT_EQ(error_signature(error_type::deploy_error, "Deployment Failure",
                            "Definition for js://hed.STG_CMP_Header not found"),
            "DeployError: Deployment Failure: definition for js://hed.stg_cmp_header not found");
  EXPECT_EQ(error_signature(error_type::unknown, " ", ""), "Unknown");
  EXPECT_LE(error_signature(error_type::deploy_error, std::string(500, 't'), std::string(5000, 'm')).size(),
            error_signature_bytes_max);
}

}  // namespace
}  // namespace pushguard::domain
