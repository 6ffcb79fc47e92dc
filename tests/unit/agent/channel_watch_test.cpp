#include "agent/channel_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using state = channel_watch::state;

const std::string first = "/event/A__e";
const std::string second = "/event/B__e";

instant at(duration since) {
  return {wall_time{1000h} + since, steady_time{} + since};
}

class ChannelWatch : public testing::Test {
 protected:
  channel_watch::sight look(duration when, std::size_t index = 0) {
    return watch.look(at(when).steady).at(index);
  }

  channel_watch watch{std::vector{first, second}, at(0s)};
};

TEST_F(ChannelWatch, MissesAChannelThatWasNeverLive) {
  EXPECT_EQ(look(5min - 1ms).is, state::away);
  EXPECT_EQ(look(5min).is, state::missing);
  EXPECT_EQ(look(5min).since, at(0s).wall);
  EXPECT_EQ(look(5min).channel, first);
}

TEST_F(ChannelWatch, CountsFromTheLastTimeItWasLive) {
  watch.note(first, true, "", at(1min));
  EXPECT_EQ(look(1h).is, state::live);
  EXPECT_EQ(look(1h, 1).is, state::missing) << "each channel by itself";
  watch.note(first, false, "403::gone", at(2h));
  watch.note(first, false, "403::still gone", at(2h + 4min));
  EXPECT_EQ(look(2h + 4min).is, state::away);
  EXPECT_EQ(look(2h + 5min).is, state::missing);
  EXPECT_EQ(look(2h + 5min).since, at(2h).wall);
  EXPECT_EQ(look(2h + 5min).reason, "403::still gone");
  watch.note(first, true, "", at(2h + 6min));
  watch.note(first, false, "", at(2h + 6min));
  EXPECT_EQ(look(2h + 7min).is, state::away) << "a moment of life is a break";
}

TEST_F(ChannelWatch, TellsTheSessionsTroubleWhereTheChannelHasNone) {
  watch.note_trouble("handshake: 503");
  EXPECT_EQ(look(5min).reason, "handshake: 503");
  watch.note(first, false, "403::denied", at(1min));
  EXPECT_EQ(look(5min).reason, "403::denied");
  EXPECT_EQ(look(5min, 1).reason, "handshake: 503");
}

TEST_F(ChannelWatch, IgnoresWhatIsNotConfigured) {
  watch.note("/event/C__e", false, "", at(0s));
  EXPECT_EQ(watch.look(at(0s).steady).size(), 2U);
}

}  // namespace
}  // namespace pushguard::agent
