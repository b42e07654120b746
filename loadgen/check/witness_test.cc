#include "loadgen/check/witness.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

TEST(WitnessTest, ShowsTheOperationsOnOneTimeLine) {
  TestHistory history;
  history.history().keys = {"apple"};
  history.history().nodes = {"n1", "n2"};
  history.Write(11, 1, 5'000'000, 6'000'000).node = 0;
  history.Write(12, 2, 7'000'000, 9'000'000).node = 0;
  Operation& read = history.Read(11, 1, 12'000'000, 13'000'000);
  read.node = 1;
  read.session = 2;
  const Conflict conflict{ConflictKind::kStaleRead, 0, 3'000'000, {0, 1, 2}};
  EXPECT_EQ(
      RenderWitness(history.Sorted(), conflict),
      "stale read on apple: a read returned less than a write that was acknowledged before it "
      "began\n"
      "  (only a clock error of 3.000 ms or more would excuse it)\n"
      "  write value 11, version 1  |====|                                            "
      "0.000 to 1.000 ms  session 1, n1  #0\n"
      "  write value 12, version 2             |===========|                          "
      "2.000 to 4.000 ms  session 1, n1  #1\n"
      "  read  value 11, version 1                                           |=====|  "
      "7.000 to 8.000 ms  session 2, n2  #2\n");
}

TEST(WitnessTest, OpenEndsAreArrows) {
  TestHistory history;
  history.Write(11, 1, kBeforeAll, kBeforeAll).session = kNoSession;
  history.UnknownWrite(12, 1'000'000);
  history.ReadNothing(0, 2'000'000, 3'000'000);
  const std::string text =
      RenderWitness(history.Sorted(), Conflict{ConflictKind::kZones, 0, kNever, {0, 1, 2}});
  EXPECT_THAT(text, testing::HasSubstr("no clock error excuses it"));
  EXPECT_THAT(text, testing::HasSubstr("<"));
  EXPECT_THAT(text, testing::HasSubstr("before to before ms  no session  #0"));
  EXPECT_THAT(text, testing::HasSubstr("====>"));
  EXPECT_THAT(text, testing::HasSubstr("0.000 to ever ms"));
}

TEST(WitnessTest, OperationsWithoutLengthAreVisible) {
  TestHistory history;
  history.Write(11, 1, 7, 7);
  const std::string text =
      RenderWitness(history.Sorted(), Conflict{ConflictKind::kWriteOrder, 0, 0, {0}});
  EXPECT_THAT(text, testing::HasSubstr("|"));
}

TEST(WitnessTest, DescribesEachKind) {
  TestHistory history;
  EXPECT_EQ(DescribeOperation(history.Write(11, 3, 0, 1)), "write value 11, version 3");
  EXPECT_EQ(DescribeOperation(history.UnknownWrite(12, 0)), "write value 12, unknown");
  EXPECT_EQ(DescribeOperation(history.Delete(4, 0, 1)), "delete version 4");
  EXPECT_EQ(DescribeOperation(history.Delete(0, 0, 1)), "delete");
  EXPECT_EQ(DescribeOperation(history.ReadNothing(4, 0, 1)), "read  nothing, version 4");
  Operation& failed = history.Read(11, 0, 0, 1);
  failed.outcome = Outcome::kFailed;
  EXPECT_EQ(DescribeOperation(failed), "read  ?, failed");
}

TEST(WitnessTest, FormatsDurations) {
  EXPECT_EQ(FormatNanos(1'500'000), "1.500 ms");
  EXPECT_EQ(FormatNanos(kNever), "ever");
}

}  // namespace
}  // namespace quorate::check
