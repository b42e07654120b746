#include "node/delay_line.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr NodeId kSelf = 1;

class DelayLineTest : public ::testing::Test {
 protected:
  void Use(const std::string& spec) {
    line_ = std::make_unique<DelayLine>(kSelf, *EmulatedDelays::Parse(spec),
                                        [this] { return random_; });
  }

  // A batch arrives `at` milliseconds after the start.
  void Arrive(int at, NodeId from, bool reply, const std::string& name, bool write = false) {
    peer::v1::Batch batch;
    batch.set_from(from);
    batch.set_reply(reply);
    peer::v1::Message message;
    if (write) {
      message.mutable_replicate()->add_entries()->set_key(name);
    } else {
      message.mutable_ping();
    }
    batch.add_messages(message.SerializeAsString());
    line_->Add(absl::Milliseconds(at), batch,
               [this, name, bytes = batch.SerializeAsString()](const peer::v1::Batch& due) {
                 EXPECT_EQ(due.SerializeAsString(), bytes);
                 delivered_.push_back(name);
               });
  }

  // What is delivered by then, and when the next delivery is due (-1: never).
  int ReleaseAt(int milliseconds) {
    delivered_.clear();
    const MonotonicTime next = line_->Release(absl::Milliseconds(milliseconds));
    return next == absl::InfiniteDuration() ? -1
                                            : static_cast<int>(absl::ToInt64Milliseconds(next));
  }

  uint64_t random_ = 0;
  std::unique_ptr<DelayLine> line_;
  std::vector<std::string> delivered_;
};

TEST_F(DelayLineTest, HoldsUntilDue) {
  Use("link=20ms");
  EXPECT_EQ(ReleaseAt(0), -1);
  Arrive(0, 2, false, "a");
  Arrive(5, 3, false, "b");
  EXPECT_EQ(ReleaseAt(19), 20);
  EXPECT_THAT(delivered_, IsEmpty());
  EXPECT_EQ(ReleaseAt(20), 25);
  EXPECT_THAT(delivered_, ElementsAre("a"));
  EXPECT_EQ(ReleaseAt(100), -1);
  EXPECT_THAT(delivered_, ElementsAre("b"));
  EXPECT_EQ(ReleaseAt(200), -1);
  EXPECT_THAT(delivered_, IsEmpty());
}

TEST_F(DelayLineTest, KeepsTheOrderOfAStream) {
  Use("apply=20ms");
  Arrive(0, 2, false, "write", /*write=*/true);
  Arrive(1, 2, false, "ping");  // would be free at once
  Arrive(1, 2, true, "reply");  // comes on another stream
  Arrive(1, 3, false, "other");
  EXPECT_EQ(ReleaseAt(1), 20);
  EXPECT_THAT(delivered_, ElementsAre("reply", "other"));
  EXPECT_EQ(ReleaseAt(20), -1);
  EXPECT_THAT(delivered_, ElementsAre("write", "ping"));
}

TEST_F(DelayLineTest, ADelayIsNoLimitOfThroughput) {
  Use("link=20ms");
  for (int i = 0; i < 10; ++i) Arrive(i, 2, false, std::to_string(i));
  ReleaseAt(29);
  EXPECT_EQ(delivered_.size(), 10u);
}

TEST_F(DelayLineTest, AShortDrawDoesNotOvertakeALongOne) {
  Use("link=uniform:0s:100ms");
  random_ = ~uint64_t{0};
  Arrive(0, 2, false, "slow");
  random_ = 0;
  Arrive(1, 2, false, "fast");
  EXPECT_EQ(ReleaseAt(99), 100);
  EXPECT_THAT(delivered_, IsEmpty());
  ReleaseAt(100);
  EXPECT_THAT(delivered_, ElementsAre("slow", "fast"));
}

TEST_F(DelayLineTest, LinksHaveDelaysOfTheirOwn) {
  Use("wan3,link:1/3=7ms");
  Arrive(0, 2, false, "Oregon");
  Arrive(0, 3, false, "near");
  EXPECT_EQ(ReleaseAt(7), 35);
  EXPECT_THAT(delivered_, ElementsAre("near"));
}

TEST_F(DelayLineTest, ForgetsWhatItHoldsWhenItIsCleared) {
  Use("link=20ms");
  const auto alive = std::make_shared<int>(0);
  peer::v1::Batch batch;
  line_->Add(absl::ZeroDuration(), batch, [alive](const peer::v1::Batch&) {});
  EXPECT_EQ(alive.use_count(), 2);
  line_->Clear();
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(ReleaseAt(100), -1);
}

}  // namespace
}  // namespace quorate
