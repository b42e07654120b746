#include "loadgen/staleness.h"

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

Order At(uint64_t version) { return {0, version, 0}; }

TEST(StalenessTest, NothingIsStaleBeforeAnyAcknowledgement) {
  const StalenessTracker tracker(2);
  EXPECT_FALSE(StalenessTracker::IsStale(tracker.AtReadStart(0), At(0)));
  EXPECT_FALSE(StalenessTracker::IsStale(tracker.AtReadStart(0), At(7)));
}

TEST(StalenessTest, OlderVersionAfterAnAcknowledgementIsStale) {
  StalenessTracker tracker(2);
  tracker.OnWriteAcknowledged(0, At(5));
  const Order floor = tracker.AtReadStart(0);
  EXPECT_TRUE(StalenessTracker::IsStale(floor, At(4)));
  EXPECT_TRUE(StalenessTracker::IsStale(floor, At(0)));  // absent
  EXPECT_FALSE(StalenessTracker::IsStale(floor, At(5)));
  EXPECT_FALSE(StalenessTracker::IsStale(floor, At(6)));
}

TEST(StalenessTest, ConcurrentWritesOfOneVersionHaveAnOrderStill) {
  StalenessTracker tracker(1);
  tracker.OnWriteAcknowledged(0, Order{7, 5, 2});
  EXPECT_TRUE(StalenessTracker::IsStale(tracker.AtReadStart(0), Order{7, 5, 1}));
}

TEST(StalenessTest, AcknowledgementDuringTheReadObligesItToNothing) {
  StalenessTracker tracker(1);
  tracker.OnWriteAcknowledged(0, At(5));
  const Order floor = tracker.AtReadStart(0);
  tracker.OnWriteAcknowledged(0, At(6));
  EXPECT_FALSE(StalenessTracker::IsStale(floor, At(5)));
  EXPECT_TRUE(StalenessTracker::IsStale(tracker.AtReadStart(0), At(5)));
}

TEST(StalenessTest, LateAnswerOfAnOlderWriteLowersNothing) {
  StalenessTracker tracker(1);
  tracker.OnWriteAcknowledged(0, At(9));
  tracker.OnWriteAcknowledged(0, At(8));
  EXPECT_EQ(tracker.AtReadStart(0), At(9));
}

TEST(StalenessTest, KeysAreIndependent) {
  StalenessTracker tracker(2);
  tracker.OnWriteAcknowledged(1, At(9));
  EXPECT_EQ(tracker.AtReadStart(0), Order());
}

TEST(WilsonIntervalTest, MatchesKnownValues) {
  // Reference values: the same formula, computed by another program.
  const Interval none = WilsonInterval(0, 100);
  EXPECT_DOUBLE_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.03699, 1e-5);
  const Interval half = WilsonInterval(50, 100);
  EXPECT_NEAR(half.low, 0.40383, 1e-5);
  EXPECT_NEAR(half.high, 0.59617, 1e-5);
  const Interval all = WilsonInterval(10, 10);
  EXPECT_NEAR(all.low, 0.72247, 1e-5);
  EXPECT_DOUBLE_EQ(all.high, 1);
}

TEST(WilsonIntervalTest, NoTrialsSayNothing) {
  EXPECT_DOUBLE_EQ(WilsonInterval(0, 0).low, 0);
  EXPECT_DOUBLE_EQ(WilsonInterval(0, 0).high, 1);
}

}  // namespace
}  // namespace quorate::loadgen
