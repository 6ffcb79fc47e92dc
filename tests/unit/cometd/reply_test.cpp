#include "cometd/reply.hpp"

#include <gtest/gtest.h>

namespace pushguard::cometd {
namespace {

TEST(ClassifyError, ReadsEveryErrorOfSalesforcesTableAndOfTheField) {
  struct known {
    std::string_view error;
    reply_cause cause;
  };
  for (const auto& [error, cause] : {
           known{"403::Unknown client", reply_cause::unknown_client},
           known{"402::session_unknown", reply_cause::unknown_client},
           known{"402::Unknown client", reply_cause::unknown_client},
           known{"401:3x7ab:Unknown client", reply_cause::unknown_client},
           known{"403::Client has not completed handshake", reply_cause::unknown_client},
           known{"401::Authentication invalid", reply_cause::unauthorized},
           known{"401::Request requires authentication", reply_cause::unauthorized},
           known{"400::Client 1a has established a session, but no BAYEUX_BROWSER cookie present",
                 reply_cause::wrong_cookie},
           known{"400::Authenticated user id does not match session's user id", reply_cause::wrong_cookie},
           known{"503::Server is too busy", reply_cause::busy},
           known{"403::Organization concurrent user limit exceeded", reply_cause::limit},
           known{"403::Organization total events daily limit exceeded", reply_cause::limit},
           known{"403::Subscription limit exceeded for this topic", reply_cause::limit},
           known{"403::To protect all customers from excessive use of resources, we limit the number of "
                 "simultaneous connections per server.",
                 reply_cause::limit},
           known{"400::The replayId {17} you provided was invalid.  Please provide a valid ID, -2 to replay "
                 "all "
                 "events, or -1 to replay only new events.",
                 reply_cause::position_lost},
           known{
               "400::The replayId for channel {/topic/X} wasn't found using the provided replay ID map {{}}",
               reply_cause::position_lost},
           known{"400::The channel you requested to subscribe to {/topic/X} does not exist.",
                 reply_cause::denied},
           known{"404::Unknown channel", reply_cause::denied},
           known{"403:denied_by_security_policy:subscribe_denied", reply_cause::denied},
           known{"400::Unsupported API version. Only API versions 37.0 and later are supported.",
                 reply_cause::unsupported},
           known{"400::Invalid connection type", reply_cause::unsupported},
           known{"403::Handshake denied", reply_cause::refused},
           known{"", reply_cause::refused},
           known{"nonsense", reply_cause::refused},
           known{"401", reply_cause::unauthorized},
       })
    EXPECT_EQ(classify_error(error), cause) << error << " is " << to_string(classify_error(error));
}

TEST(ClassifyReply, ReadsTheFailureReasonBeforeTheError) {
  message busy;  // Salesforce's own sample of a busy server
  busy.error = "401::Authentication invalid";
  busy.failure_reason = "503::Server is too busy";
  EXPECT_EQ(classify_reply(busy, 200), reply_cause::busy);
  message denied;
  denied.error = "403::Handshake denied";
  denied.failure_reason = "401::Authentication invalid";
  EXPECT_EQ(classify_reply(denied, 200), reply_cause::unauthorized);
  message wordless;
  EXPECT_EQ(classify_reply(wordless, 401), reply_cause::unauthorized);
  EXPECT_EQ(classify_reply(wordless, 200), reply_cause::refused);
}

TEST(ClassifyStatus, TakesRedirectionsAndRefusedTokensApartFromTheRest) {
  EXPECT_EQ(classify_status(401), reply_cause::unauthorized);
  for (const int status : {301, 302, 307, 308})
    EXPECT_EQ(classify_status(status), reply_cause::moved) << status;
  for (const int status : {400, 403, 404, 413, 500, 502, 503, 504, 0})
    EXPECT_EQ(classify_status(status), reply_cause::lost) << status;
}

}  // namespace
}  // namespace pushguard::cometd
