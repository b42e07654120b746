#include "replication/dynamo/hybrid_clock.h"

#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(HybridClockTest, FollowsTheWallAndNeverRepeats) {
  HybridClock clock;
  EXPECT_EQ(clock.Tick(absl::FromUnixMicros(1000)), 1000u);
  EXPECT_EQ(clock.Tick(absl::FromUnixMicros(1000)), 1001u);
  EXPECT_EQ(clock.Tick(absl::FromUnixMicros(500)), 1002u);
  EXPECT_EQ(clock.Tick(absl::FromUnixMicros(9000)), 9000u);
}

TEST(HybridClockTest, StaysAboveWhatItHasSeen) {
  HybridClock clock;
  clock.Observe(5000);
  clock.Observe(20);
  EXPECT_EQ(clock.Ahead(absl::FromUnixMicros(1000)), absl::Microseconds(4000));
  EXPECT_EQ(clock.Tick(absl::FromUnixMicros(1000)), 5001u);
}

TEST(HybridClockTest, TakesAClockBeforeItsEpochForZero) {
  HybridClock clock;
  EXPECT_EQ(clock.Tick(absl::FromUnixMicros(-5)), 1u);
}

}  // namespace
}  // namespace quorate
