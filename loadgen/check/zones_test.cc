#include "loadgen/check/zones.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::ElementsAre;

TEST(ZonesTest, AcceptsWhatSomeOrderExplainsWhateverTheVersions) {
  TestHistory history;
  history.Write(11, 2, 0, 10);
  history.Write(12, 1, 20, 30);
  history.Read(12, 1, 40, 50);
  EXPECT_EQ(CheckZones(history.Sorted()).verdict(), Verdict::kHolds);
}

TEST(ZonesTest, TwoForwardZonesThatOverlapConflict) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Read(12, 2, 40, 50);
  history.Read(11, 1, 37, 60);
  const CheckResult result = CheckZones(history.Sorted());
  ASSERT_EQ(result.conflicts(), 1u);
  // Value 11 is there from 10 to 37, value 12 from 30 to 40.
  EXPECT_EQ(result.Examples()[0].severity, 7);
  EXPECT_THAT(result.Examples()[0].operations, ElementsAre(0, 1, 2, 3));
}

TEST(ZonesTest, ZonesThatTouchDoNotConflict) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Read(12, 2, 40, 50);
  history.Read(11, 1, 30, 60);
  EXPECT_EQ(CheckZones(history.Sorted()).verdict(), Verdict::kHolds);
}

TEST(ZonesTest, ABackwardZoneInsideAForwardOneConflicts) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Read(11, 1, 40, 50);
  const CheckResult result = CheckZones(history.Sorted());
  ASSERT_EQ(result.conflicts(), 1u);
  EXPECT_EQ(result.Examples()[0].severity, 10);
  history.Write(13, 3, 5, 60);  // sticks out
  EXPECT_EQ(CheckZones(history.Sorted()).conflicts(), 1u);
}

TEST(ZonesTest, TheInitialStateIsAZoneFromTheBeginning) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.ReadNothing(0, 5, 20);
  EXPECT_EQ(CheckZones(history.Sorted()).verdict(), Verdict::kHolds);
  history.ReadNothing(0, 15, 20);
  const CheckResult result = CheckZones(history.Sorted());
  EXPECT_EQ(result.conflicts(), 1u);
  EXPECT_EQ(result.Examples()[0].severity, 5);
}

TEST(ZonesTest, SeesFutureAndPhantomReads) {
  TestHistory history;
  history.Read(11, 0, 0, 10);
  history.Write(11, 0, 20, 30);
  history.Read(99, 0, 40, 50);
  const CheckResult result = CheckZones(history.Sorted());
  EXPECT_EQ(result.Count(ConflictKind::kFutureRead), 1u);
  EXPECT_EQ(result.Count(ConflictKind::kPhantomRead), 1u);
}

TEST(ZonesTest, CannotTellWhichDeleteWasSeenWithoutAnOrder) {
  TestHistory history;
  history.Delete(0, 0, 10);
  history.ReadNothing(0, 20, 30).order_known = 0;
  EXPECT_EQ(CheckZones(history.Sorted()).verdict(), Verdict::kUnknown);
}

}  // namespace
}  // namespace quorate::check
