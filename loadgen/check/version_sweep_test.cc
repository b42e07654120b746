#include "loadgen/check/version_sweep.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::ElementsAre;

CheckResult Sweep(TestHistory* history) {
  return CheckVersionSweep(history->Sorted(), Model::kLinearizable);
}

TEST(VersionSweepTest, AcceptsWhatOverlapsInAnyOrder) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 5, 15);
  history.Read(12, 2, 6, 8);
  history.Read(11, 1, 6, 9);
  const CheckResult result = Sweep(&history);
  EXPECT_EQ(result.verdict(), Verdict::kHolds);
  EXPECT_EQ(result.reads(), 2u);
  EXPECT_EQ(result.writes(), 2u);
}

TEST(VersionSweepTest, FindsAStaleReadWithItsWrites) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Read(11, 1, 35, 40);
  const CheckResult result = Sweep(&history);
  ASSERT_EQ(result.conflicts(), 1u);
  const Conflict conflict = result.Examples()[0];
  EXPECT_EQ(conflict.kind, ConflictKind::kStaleRead);
  EXPECT_EQ(conflict.severity, 5);
  EXPECT_THAT(conflict.operations, ElementsAre(0, 1, 2));
}

TEST(VersionSweepTest, AnInstantSharedByTwoOperationsMakesThemConcurrent) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Read(11, 1, 30, 40);
  EXPECT_EQ(Sweep(&history).verdict(), Verdict::kHolds);
}

TEST(VersionSweepTest, AnInversionIsNotLinearizableButRegular) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 90);
  history.Read(12, 2, 30, 40);
  history.Read(11, 1, 50, 60);
  const CheckResult result = Sweep(&history);
  EXPECT_EQ(result.Count(ConflictKind::kInversion), 1u);
  EXPECT_THAT(result.Examples()[0].operations, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(CheckVersionSweep(history.Sorted(), Model::kRegular).verdict(), Verdict::kHolds);
}

TEST(VersionSweepTest, WritesFollowRealTime) {
  TestHistory history;
  history.Write(11, 2, 0, 10);
  history.Write(12, 1, 20, 30);
  EXPECT_EQ(Sweep(&history).Count(ConflictKind::kWriteOrder), 1u);
  EXPECT_EQ(CheckVersionSweep(history.Sorted(), Model::kWriteOrder).conflicts(), 1u);
}

TEST(VersionSweepTest, WritesOfConcurrentClocksAreRegular) {
  TestHistory history;
  history.Write(11, 3, 0, 10);
  history.Read(11, 3, 12, 14);
  history.Write(12, 2, 20, 30);
  history.Read(11, 3, 40, 50);
  EXPECT_EQ(CheckVersionSweep(history.Sorted(), Model::kRegular).verdict(), Verdict::kHolds);
  history.Read(12, 2, 60, 70);
  const CheckResult regular = CheckVersionSweep(history.Sorted(), Model::kRegular);
  EXPECT_EQ(regular.conflicts(), 1u);
  EXPECT_EQ(regular.Count(ConflictKind::kStaleRead), 1u);
}

TEST(VersionSweepTest, TheOrderOfWritesIsAQuestionOfItsOwn) {
  TestHistory history;
  history.UnknownWrite(11, 0);
  history.Read(11, 2, 5, 10);
  history.Write(12, 1, 20, 30);  // below what had been read
  history.Read(11, 2, 40, 50);
  history.Read(99, 9, 40, 50);  // what nobody wrote
  history.ReadNothing(0, 60, 70);
  const CheckResult order = CheckVersionSweep(history.Sorted(), Model::kWriteOrder);
  EXPECT_EQ(order.conflicts(), 1u);
  EXPECT_EQ(order.Count(ConflictKind::kWriteOrder), 1u);
  history.history().order_is_total = false;
  EXPECT_EQ(CheckVersionSweep(history.Sorted(), Model::kWriteOrder).verdict(), Verdict::kUnknown);
}

TEST(VersionSweepTest, NobodyReadsTheFuture) {
  TestHistory history;
  history.Read(11, 1, 0, 10);
  history.Write(11, 1, 14, 30);
  const CheckResult result = Sweep(&history);
  EXPECT_EQ(result.Count(ConflictKind::kFutureRead), 1u);
  EXPECT_EQ(result.Examples()[0].severity, 4);
}

TEST(VersionSweepTest, AnUnknownWriteThatWasReadObligesLaterReads) {
  TestHistory history;
  history.UnknownWrite(11, 0);
  history.ReadNothing(0, 10, 20);
  history.Read(11, 1, 30, 40);
  EXPECT_EQ(Sweep(&history).verdict(), Verdict::kHolds);
  history.ReadNothing(0, 50, 60);
  EXPECT_EQ(Sweep(&history).Count(ConflictKind::kInversion), 1u);
}

TEST(VersionSweepTest, AValueFromBeforeTheRecordingIsAWriteBeforeAllElse) {
  TestHistory history;
  history.Write(11, 1, kBeforeAll, kBeforeAll);
  history.Read(11, 1, 0, 10);
  EXPECT_EQ(Sweep(&history).verdict(), Verdict::kHolds);
  history.ReadNothing(0, 20, 30);
  const CheckResult result = Sweep(&history);
  EXPECT_EQ(result.Count(ConflictKind::kStaleRead), 1u);
  EXPECT_EQ(result.Examples()[0].severity, kNever);
}

TEST(VersionSweepTest, DeletesAreWrites) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Delete(2, 20, 30);
  history.ReadNothing(2, 40, 50);
  EXPECT_EQ(Sweep(&history).verdict(), Verdict::kHolds);
  history.Read(11, 1, 60, 70);  // came back
  EXPECT_EQ(Sweep(&history).Count(ConflictKind::kStaleRead), 1u);
}

TEST(VersionSweepTest, CannotTellWithoutATotalOrder) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.history().order_is_total = false;
  EXPECT_EQ(Sweep(&history).verdict(), Verdict::kUnknown);
}

TEST(VersionSweepTest, CannotTellWhereAVersionIsMissing) {
  TestHistory history;
  history.Write(11, 0, 0, 10);
  EXPECT_EQ(Sweep(&history).verdict(), Verdict::kUnknown);
}

TEST(VersionSweepTest, KeysDoNotMeet) {
  TestHistory history;
  history.Write(11, 2, 0, 10).key = 1;
  history.Write(12, 1, 20, 30).key = 2;
  history.Read(12, 1, 40, 50).key = 2;
  history.ReadNothing(0, 60, 70).key = 3;
  const CheckResult result = Sweep(&history);
  EXPECT_EQ(result.verdict(), Verdict::kHolds);
  EXPECT_EQ(result.keys(), 3u);
}

}  // namespace
}  // namespace quorate::check
