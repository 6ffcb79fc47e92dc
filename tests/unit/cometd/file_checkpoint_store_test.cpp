#include "cometd/file_checkpoint_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "base/file.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using pushguard::test::must;
using testing::HasSubstr;

class CheckpointFile : public testing::Test {
 protected:
  result<> save(checkpoint_store& to, std::vector<checkpoint> batch) {
    return pushguard::test::simulate(context_, time_, to.save(std::move(batch)));
  }
  std::vector<checkpoint> load(checkpoint_store& from) {
    return must(pushguard::test::simulate(context_, time_, from.load()));
  }

  pushguard::test::scratch_directory scratch_;
  std::filesystem::path file_ = scratch_.path() / "checkpoints.json";
  fake_time time_;
  boost::asio::io_context context_{1};
};

const checkpoint push{"/event/Push__e", "18446744073709551616", "uuid", "00D000000000001", wall_time(7ms)};
const checkpoint text{"/data/A", R"("opaque")", "", "00D000000000001", wall_time(8ms)};
const checkpoint quiet{"/u/x", "", "", "", wall_time(9ms), wall_time(5ms)};

TEST_F(CheckpointFile, KeepsWhatWasSavedToTheByte) {
  {
    const auto store = must(open_checkpoint_file(file_));
    EXPECT_TRUE(load(*store).empty());
    ASSERT_TRUE(save(*store, {push, text}));
    ASSERT_TRUE(save(*store, {quiet}));
  }
  const auto again = must(open_checkpoint_file(file_));
  EXPECT_THAT(load(*again), testing::UnorderedElementsAre(push, text, quiet));
}

TEST_F(CheckpointFile, BelongsToOneClient) {  // F45
  const auto first = must(open_checkpoint_file(file_));
  const auto second = open_checkpoint_file(file_);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(errc::conflict));
  EXPECT_THAT(second.error().text(), HasSubstr("is in use by process"));
}

TEST_F(CheckpointFile, ThatCannotBeWrittenKeepsWhatItHad) {
  const auto store = must(open_checkpoint_file(file_));
  ASSERT_TRUE(save(*store, {push}));
  std::filesystem::create_directory(file_.string() + ".new");  // in the way of the new file
  auto later = push;
  later.replay_id = "99";
  const auto refused = save(*store, {later});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(errc::storage));
  EXPECT_THAT(refused.error().text(), HasSubstr(file_.string()));
  EXPECT_EQ(load(*store), std::vector{push});
  std::filesystem::remove(file_.string() + ".new");
  ASSERT_TRUE(save(*store, {text}));
  EXPECT_THAT(load(*store), testing::UnorderedElementsAre(push, text));
}

TEST_F(CheckpointFile, ThatHoldsSomethingElseIsRefusedAndLeftAlone) {
  for (const std::string content : {"", "{}", "[1]", R"([{"channel":"/x"}])", "[", R"([{"channel":1}])"}) {
    std::ofstream(file_) << content;
    const auto opened = open_checkpoint_file(file_);
    ASSERT_FALSE(opened) << content;
    EXPECT_TRUE(opened.error().is(errc::storage));
    EXPECT_THAT(opened.error().text(), HasSubstr("does not hold checkpoints"));
    EXPECT_EQ(must(read_file(file_, 100)), content);
  }
}

}  // namespace
}  // namespace pushguard::cometd
