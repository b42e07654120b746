#include "loadgen/check/sessions.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::ElementsAre;

TEST(SessionsTest, AReadReturnsNoLessThanTheSessionWrote) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30).session = 2;
  history.Read(11, 1, 40, 50);  // session 1 wrote 11 itself
  EXPECT_EQ(CheckSessions(history.Sorted()).read_your_writes.verdict(), Verdict::kHolds);
  history.Read(11, 1, 43, 50).session = 2;
  const SessionResults results = CheckSessions(history.Sorted());
  ASSERT_EQ(results.read_your_writes.conflicts(), 1u);
  EXPECT_THAT(results.read_your_writes.Examples()[0].operations, ElementsAre(0, 1, 3));
  EXPECT_EQ(results.read_your_writes.Examples()[0].severity, 13);
  EXPECT_EQ(results.monotonic_reads.verdict(), Verdict::kHolds);
  EXPECT_EQ(results.monotonic_writes.verdict(), Verdict::kHolds);
  EXPECT_EQ(results.writes_follow_reads.verdict(), Verdict::kHolds);
}

TEST(SessionsTest, ReadsOfASessionDoNotGoBack) {
  TestHistory history;
  history.Write(11, 1, 0, 10).session = 9;
  history.Write(12, 2, 20, 30).session = 9;
  history.Read(12, 2, 40, 50).session = 1;
  history.Read(11, 1, 60, 70).session = 2;
  EXPECT_EQ(CheckSessions(history.Sorted()).monotonic_reads.verdict(), Verdict::kHolds);
  history.Read(11, 1, 60, 70).session = 1;
  EXPECT_EQ(CheckSessions(history.Sorted()).monotonic_reads.conflicts(), 1u);
}

TEST(SessionsTest, WritesOfASessionGetGreaterVersions) {
  TestHistory history;
  history.Write(11, 2, 0, 10);
  history.Write(12, 1, 20, 30);
  const SessionResults results = CheckSessions(history.Sorted());
  EXPECT_EQ(results.monotonic_writes.conflicts(), 1u);
  EXPECT_EQ(results.writes_follow_reads.conflicts(), 0u);
}

TEST(SessionsTest, AWriteGetsAGreaterVersionThanWhatItsSessionHadRead) {
  TestHistory history;
  history.Write(11, 2, 0, 10).session = 9;
  history.Read(11, 2, 20, 30);
  history.Write(12, 1, 40, 50);
  const SessionResults results = CheckSessions(history.Sorted());
  EXPECT_EQ(results.writes_follow_reads.conflicts(), 1u);
  EXPECT_EQ(results.monotonic_writes.conflicts(), 0u);
}

TEST(SessionsTest, WhatIsStillInFlightObligesNobody) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 50);
  history.Read(11, 1, 30, 40);
  EXPECT_EQ(CheckSessions(history.Sorted()).read_your_writes.verdict(), Verdict::kHolds);
}

TEST(SessionsTest, AnotherKeyIsAnotherMatter) {
  TestHistory history;
  history.Write(11, 5, 0, 10).key = 1;
  history.ReadNothing(0, 20, 30).key = 2;
  EXPECT_EQ(CheckSessions(history.Sorted()).read_your_writes.verdict(), Verdict::kHolds);
}

TEST(SessionsTest, EqualVersionsSayNothingWhereTheOrderIsNotTotal) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 1, 20, 30);
  history.history().order_is_total = false;
  SessionResults results = CheckSessions(history.Sorted());
  EXPECT_EQ(results.monotonic_writes.verdict(), Verdict::kUnknown);
  EXPECT_EQ(results.read_your_writes.verdict(), Verdict::kHolds);
  history.ReadNothing(0, 40, 50);
  results = CheckSessions(history.Sorted());
  EXPECT_EQ(results.read_your_writes.verdict(), Verdict::kViolated);
}

}  // namespace
}  // namespace quorate::check
