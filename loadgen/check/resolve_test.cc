#include "loadgen/check/resolve.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::ElementsAre;

KeyOperations OnlyKey(TestHistory* history) { return SplitByKey(history->Sorted()).at(0); }

std::vector<ConflictKind> KindsOf(const Resolved& resolved) {
  std::vector<ConflictKind> kinds;
  for (const Conflict& anomaly : resolved.anomalies) kinds.push_back(anomaly.kind);
  return kinds;
}

TEST(ResolveTest, ReadsPointToTheirWrites) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.Write(12, 2, 2, 3);
  history.Read(11, 1, 4, 5);
  history.Read(12, 2, 6, 7);
  history.ReadNothing(0, 8, 9);
  const KeyOperations key = OnlyKey(&history);
  const Resolved by_order = ResolveByOrder(key, true);
  EXPECT_THAT(by_order.source, ElementsAre(0, 1, 0, 1, kInitial));
  EXPECT_THAT(by_order.version, ElementsAre(1, 2, 1, 2, 0));
  EXPECT_EQ(by_order.reads, 3u);
  EXPECT_EQ(by_order.writes, 2u);
  EXPECT_THAT(ResolveByValue(key).source, ElementsAre(0, 1, 0, 1, kInitial));
}

TEST(ResolveTest, OrdersNeedNotBeDense) {
  TestHistory history;
  history.Write(11, 1'000'000, 0, 1);
  history.Write(12, 5'000'000'000, 2, 3);
  history.Write(13, 70, 4, 5);
  history.Read(12, 5'000'000'000, 6, 7);
  const Resolved resolved = ResolveByOrder(OnlyKey(&history), true);
  EXPECT_THAT(resolved.source, ElementsAre(0, 1, 2, 1));
  EXPECT_TRUE(resolved.anomalies.empty());
}

TEST(ResolveTest, WhatDoesNotCountIsLeftOut) {
  TestHistory history;
  history.UnknownWrite(11, 0);  // nobody reads it
  history.UnknownWrite(12, 1);  // read below
  history.Write(13, 0, 2, 3).outcome = Outcome::kFailed;
  history.Read(12, 9, 4, 5);
  history.Read(12, 9, 6, 7).outcome = Outcome::kFailed;
  history.Read(12, 9, 8, 9).outcome = Outcome::kUnknown;
  const KeyOperations key = OnlyKey(&history);
  const Resolved by_order = ResolveByOrder(key, true);
  EXPECT_THAT(by_order.source, ElementsAre(kLeftOut, 1, kLeftOut, 1, kLeftOut, kLeftOut));
  EXPECT_THAT(by_order.version, ElementsAre(kNoVersion, 9, kNoVersion, 9, kNoVersion, kNoVersion));
  EXPECT_EQ(by_order.unclear, 0u);
  EXPECT_THAT(ResolveByValue(key).source,
              ElementsAre(kLeftOut, 1, kLeftOut, 1, kLeftOut, kLeftOut));
}

TEST(ResolveTest, AReadOfAFailedWriteIsAPhantomAndNamesIt) {
  TestHistory history;
  history.Write(11, 0, 0, 1).outcome = Outcome::kFailed;
  history.Read(11, 5, 2, 3);
  history.Read(99, 6, 4, 5);
  const Resolved resolved = ResolveByOrder(OnlyKey(&history), true);
  EXPECT_THAT(resolved.source, ElementsAre(kLeftOut, kNobody, kNobody));
  EXPECT_THAT(KindsOf(resolved),
              ElementsAre(ConflictKind::kPhantomRead, ConflictKind::kPhantomRead));
  EXPECT_THAT(resolved.anomalies[0].operations, ElementsAre(0, 1));
  EXPECT_THAT(resolved.anomalies[1].operations, ElementsAre(2));
}

TEST(ResolveTest, AVersionHasOneValue) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.Write(12, 2, 2, 3);
  history.Read(12, 1, 4, 5);     // the version of another write
  history.ReadNothing(2, 6, 7);  // a tombstone where a value was written
  EXPECT_THAT(KindsOf(ResolveByOrder(OnlyKey(&history), true)),
              ElementsAre(ConflictKind::kWrongValue, ConflictKind::kWrongValue));
}

TEST(ResolveTest, AnUnreadableValueIsNobodys) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.Delete(2, 2, 3);
  history.Read(0, 1, 4, 5);
  history.Read(0, 2, 6, 7);
  const KeyOperations key = OnlyKey(&history);
  EXPECT_THAT(KindsOf(ResolveByOrder(key, true)),
              ElementsAre(ConflictKind::kWrongValue, ConflictKind::kWrongValue));
  EXPECT_THAT(KindsOf(ResolveByValue(key)),
              ElementsAre(ConflictKind::kPhantomRead, ConflictKind::kPhantomRead));
}

TEST(ResolveTest, TwoWritesShareNoVersion) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.Write(12, 1, 2, 3);
  const KeyOperations key = OnlyKey(&history);
  const Resolved resolved = ResolveByOrder(key, true);
  EXPECT_THAT(KindsOf(resolved), ElementsAre(ConflictKind::kSharedVersion));
  EXPECT_THAT(resolved.anomalies[0].operations, ElementsAre(0, 1));
  EXPECT_TRUE(ResolveByOrder(key, false).anomalies.empty());
}

TEST(ResolveTest, TwoUnknownWritesShareNoVersionEither) {
  TestHistory history;
  history.UnknownWrite(11, 0);
  history.UnknownWrite(12, 1);
  history.Read(11, 5, 2, 3);
  history.Read(12, 5, 4, 5);
  EXPECT_THAT(KindsOf(ResolveByOrder(OnlyKey(&history), true)),
              ElementsAre(ConflictKind::kSharedVersion));
}

TEST(ResolveTest, AWriteHasOneVersion) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.UnknownWrite(12, 2);
  history.Read(11, 4, 3, 4);
  history.Read(12, 5, 5, 6);
  history.Read(12, 6, 7, 8);
  const Resolved resolved = ResolveByOrder(OnlyKey(&history), true);
  EXPECT_THAT(KindsOf(resolved),
              ElementsAre(ConflictKind::kTwoVersions, ConflictKind::kTwoVersions));
  EXPECT_THAT(resolved.anomalies[0].operations, ElementsAre(0, 2));
  EXPECT_THAT(resolved.anomalies[1].operations, ElementsAre(1, 4));
}

TEST(ResolveTest, DeletesAreToldApartByTheirOrder) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.Delete(2, 2, 3);
  history.Delete(3, 4, 5);
  history.ReadNothing(2, 6, 7);
  history.ReadNothing(3, 8, 9);
  history.ReadNothing(0, 10, 11);
  history.ReadNothing(0, 12, 13).order_known = 0;  // any of the three
  const KeyOperations key = OnlyKey(&history);
  for (const Resolved& resolved : {ResolveByOrder(key, true), ResolveByValue(key)}) {
    EXPECT_THAT(resolved.source, ElementsAre(0, 1, 2, 1, 2, kInitial, kUnclear));
    EXPECT_EQ(resolved.unclear, 1u);
    EXPECT_TRUE(resolved.anomalies.empty());
  }
}

TEST(ResolveTest, ADeleteOfUnknownOutcomeIsFoundWhereItIsTheOnlyOne) {
  TestHistory history;
  Operation& only = history.Delete(0, 0, kNever);
  only.outcome = Outcome::kUnknown;
  history.ReadNothing(4, 6, 7);
  for (const Resolved& resolved :
       {ResolveByOrder(OnlyKey(&history), true), ResolveByValue(OnlyKey(&history))}) {
    EXPECT_THAT(resolved.source, ElementsAre(0, 0));
  }
}

TEST(ResolveTest, ValuesFindTheWriteWhereAReadHasNoOrder) {
  TestHistory history;
  history.Write(11, 4, 0, 1);
  history.Read(11, 0, 2, 3);
  history.UnknownWrite(12, 4);
  history.Read(12, 0, 5, 6);
  const Resolved resolved = ResolveByOrder(OnlyKey(&history), true);
  EXPECT_THAT(resolved.source, ElementsAre(0, 0, 2, 2));
  EXPECT_THAT(resolved.version, ElementsAre(4, 4, kNoVersion, kNoVersion));
  EXPECT_EQ(resolved.unclear, 2u);
}

TEST(ResolveTest, AValueThatWasWrittenTwiceIsUnclear) {
  TestHistory history;
  history.Write(11, 1, 0, 1);
  history.Write(11, 2, 2, 3);
  history.Read(11, 2, 4, 5);
  const KeyOperations key = OnlyKey(&history);
  EXPECT_EQ(ResolveByValue(key).source[2], kUnclear);
  EXPECT_EQ(ResolveByOrder(key, true).source[2], 1u);
}

}  // namespace
}  // namespace quorate::check
