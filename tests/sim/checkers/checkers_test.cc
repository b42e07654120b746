// Each checker against histories made by hand: it says nothing where the property holds, and speaks
// where it is broken. Times do not matter to checkers, so all events happen at time zero.
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/story.h"

namespace quorate::sim {
namespace {

TEST(AcknowledgedWritesTest, HeldAndStillThere) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.FinallyAll(1);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 0u);
}

TEST(AcknowledgedWritesTest, LaterWriteStandsForEarlier) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.FinallyAll(2);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 0u);
}

TEST(AcknowledgedWritesTest, AnsweredBeforeW) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Write(1, 1);
  story.Stored(2, 1);
  story.FinallyAll(1);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(AcknowledgedWritesTest, AnsweredBeforeSynced) {
  Story story(Setting(3, 1, 2, Durability::kSynced));
  story.Stored(1, 1);
  story.Write(1, 1);
  story.FinallyAll(1);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(AcknowledgedWritesTest, LostAlthoughTooFewForgot) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.Crash(1);
  story.FinallyAll(0);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(AcknowledgedWritesTest, ExcusedWhereWForgotAtOnce) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.Crash(1);
  story.Crash(2);
  story.FinallyAll(0);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 0u);
}

TEST(AcknowledgedWritesTest, NotExcusedAsLongAsOneHoldsIt) {
  Story story(Setting(3, 2, 2));
  for (const NodeId node : {1, 2, 3}) story.Stored(node, 1);
  story.Write(1, 1);
  story.Crash(1);
  story.Crash(2);
  story.FinallyAll(0);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(AcknowledgedWritesTest, WhatAllHaveForgottenIsGone) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.Crash(1);
  story.Crash(2);
  story.FinallyAll(1);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 0u) << "node 3 may have it";
  story.Crash(3);
  Report report;
  CheckAcknowledgedWrites(story.history, &report);
  EXPECT_EQ(report.writes_gone_for_sure, 1u);
  EXPECT_EQ(report.writes_forsaken, 1u);
  EXPECT_EQ(report.promised_writes_forsaken, 1u);
  EXPECT_EQ(report.writes_lost, 0u);
  EXPECT_EQ(report.violations.size(), 1u) << "and yet it is there";
  story.FinallyAll(0);
  Report lost;
  CheckAcknowledgedWrites(story.history, &lost);
  EXPECT_EQ(lost.writes_lost, 1u);
  EXPECT_TRUE(lost.violations.empty());
}

TEST(AcknowledgedWritesTest, NotExcusedWhereOneGotItBackInBetween) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.Crash(1);
  story.Start(1);
  story.Stored(1, 1);
  story.Crash(2);
  story.FinallyAll(0);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(AcknowledgedWritesTest, SyncedNodesForgetNothing) {
  Story story(Setting(3, 1, 2, Durability::kSynced));
  const Record record = Story::RecordOf(1, "value1");
  story.history.Changed(EventKind::kDurable, kNow, 1, "key", record, record.Encode());
  story.Write(1, 1);
  story.Crash(1);
  story.FinallyAll(0);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(AcknowledgedWritesTest, FinalReadMissesIt) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  HistoryOperation read;
  read.node = 3;
  read.final_phase = true;
  read.operation.key = "key";
  const size_t index = story.history.Called(kNow, read);
  story.history.Submitted(kNow, index, false);
  story.End(index, std::nullopt, 2);
  EXPECT_EQ(Violations(CheckAcknowledgedWrites, story.history), 1u);
}

TEST(CaughtUpTest, ServesWithoutWhatItMustKnow) {
  for (const bool learns : {true, false}) {
    Story story(Setting(3, 2, 2));
    story.Stored(1, 1);
    story.Stored(2, 1);
    story.Write(1, 1);
    story.Crash(1);
    story.Start(1);
    if (learns) story.Stored(1, 1);
    story.Serve(1);
    EXPECT_EQ(Violations(CheckCaughtUp, story.history), learns ? 0u : 1u);
  }
}

TEST(CaughtUpTest, NothingIsAskedWhereNobodyHasIt) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.Crash(1);
  story.Crash(2);
  story.Start(1);
  story.Serve(1);
  EXPECT_EQ(Violations(CheckCaughtUp, story.history), 0u);
}

TEST(StaleReadsTest, OlderThanAnAnsweredWrite) {
  Story story(Setting(3, 2, 2));
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.Read(3, 1);
  EXPECT_EQ(Violations(CheckStaleReads, story.history), 0u);
  story.Read(3, 0);
  EXPECT_EQ(Violations(CheckStaleReads, story.history), 1u);
}

TEST(StaleReadsTest, ReadsThatBeganEarlierMayMissIt) {
  Story story(Setting(3, 2, 2));
  const size_t read = story.Begin(3, OperationKind::kGet);
  story.Stored(1, 1);
  story.Stored(2, 1);
  story.Write(1, 1);
  story.End(read, std::nullopt, 2);
  EXPECT_EQ(Violations(CheckStaleReads, story.history), 0u);
}

TEST(StaleReadsTest, NotPromisedWithoutOverlap) {
  Story story(Setting(3, 1, 1));
  story.Stored(1, 1);
  story.Write(1, 1);
  story.Read(3, 0);
  EXPECT_EQ(Violations(CheckStaleReads, story.history), 0u);
}

TEST(StaleReadsTest, ForgettingExcusesOnlyWhereRServedWithoutIt) {
  for (const bool second_forgets : {true, false}) {
    Story story(Setting(3, 2, 2));
    story.Stored(1, 1);
    story.Stored(2, 1);
    story.Write(1, 1);
    story.Crash(1);
    story.Start(1);
    if (second_forgets) story.Serve(1);
    story.Read(3, 0);
    EXPECT_EQ(Violations(CheckStaleReads, story.history), second_forgets ? 0u : 1u);
  }
}

TEST(StaleReadsTest, LocalReadsKnowWhatAllNodesHold) {
  for (const int w : {2, 3}) {
    for (const bool restarted : {false, true}) {
      Story story(Setting(3, w, 1));
      for (const NodeId node : {1, 2, 3}) story.Stored(node, 1);
      story.Write(1, 1);
      if (restarted) {
        story.Crash(3);
        story.Start(3);
        story.Serve(3);
      }
      const size_t read = story.Begin(3, OperationKind::kLocalRead);
      story.End(read, std::nullopt, 1);
      Report report;
      CheckStaleReads(story.history, &report);
      const bool promised = w == 3 && !restarted;
      EXPECT_EQ(report.violations.size(), promised ? 1u : 0u);
      EXPECT_EQ(report.stale_reads_allowed, 0u) << "of reads that ask others";
    }
  }
}

TEST(StaleReadsTest, TooFewAnswers) {
  Story story(Setting(3, 2, 2));
  const size_t read = story.Begin(3, OperationKind::kGet);
  story.End(read, std::nullopt, 1);
  EXPECT_EQ(Violations(CheckStaleReads, story.history), 1u);
}

HistorySetting LinearizableSetting(Durability durability = Durability::kMemory) {
  HistorySetting setting = Setting(3, 2, 2, durability);
  for (auto& [quorums, promise] : setting.promises)
    promise.linearizable = promise.linearizable_on_request = true;
  return setting;
}

// A get that returns what was written with a number; its order is that number.
void EndGet(Story* story, size_t get, uint64_t number) {
  OperationResult result = Answered(1, Story::Answer(number), 2);
  if (number > 0) result.order = OrderOf(*result.record);
  story->history.Ended(kNow, get, /*node_not_serving=*/false, std::move(result));
}

void EndSet(Story* story, size_t set, uint64_t number) {
  OperationResult result = Answered(1, Record{Version::Sequenced(1, number), {}}, 2);
  result.order = OrderOf(Version::Sequenced(1, number), Sibling());
  story->history.Ended(kNow, set, /*node_not_serving=*/false, std::move(result));
}

TEST(LinearizableTest, ReadsWhileAWriteIsUnderWayMaySeeItOnce) {
  for (const uint64_t second : {0, 1}) {
    Story story(LinearizableSetting());
    const size_t set = story.Begin(1, OperationKind::kSet, "value1");
    EndGet(&story, story.Begin(1, OperationKind::kGet), 1);
    EndGet(&story, story.Begin(2, OperationKind::kGet), second);
    EndSet(&story, set, 1);
    EXPECT_EQ(Violations(CheckLinearizable, story.history) > 0, second == 0);
  }
}

TEST(LinearizableTest, WhatIsNotPromisedIsCounted) {
  Story story(Setting(3, 2, 2));
  story.Begin(1, OperationKind::kSet, "value1");
  EndGet(&story, story.Begin(1, OperationKind::kGet), 1);
  EndGet(&story, story.Begin(2, OperationKind::kGet), 0);
  Report report;
  CheckLinearizable(story.history, &report);
  EXPECT_TRUE(report.violations.empty());
  EXPECT_EQ(report.inversions_allowed, 1u);
}

TEST(LinearizableTest, PromisesNothingOnceWHaveForgottenAtOneTime) {
  for (const int crashes : {1, 2}) {
    Story story(LinearizableSetting());
    EndSet(&story, story.Begin(1, OperationKind::kSet, "value1"), 1);
    for (int node = 1; node <= crashes; ++node) story.Crash(node);
    EndGet(&story, story.Begin(3, OperationKind::kGet), 0);
    EXPECT_EQ(Violations(CheckLinearizable, story.history) > 0, crashes == 1);
  }
}

TEST(LinearizableTest, CountsReadsThatFaultsCouldHaveSpoilt) {
  for (const bool final_phase : {false, true}) {
    Story story(LinearizableSetting());
    EndSet(&story, story.Begin(1, OperationKind::kSet, "value1"), 1);
    HistoryOperation get;
    get.node = 2;
    get.final_phase = final_phase;
    get.operation.key = "key";
    const size_t index = story.history.Called(kNow, std::move(get));
    story.history.Submitted(kNow, index, /*node_not_serving=*/false);
    EndGet(&story, index, 1);
    Report report;
    CheckLinearizable(story.history, &report);
    EXPECT_EQ(report.linearizable_checked, 2u);
    EXPECT_EQ(report.linearizable_reads_under_faults, final_phase ? 0u : 1u);
    EXPECT_FALSE(report.linearizable_ended_early);
    story.Crash(1);
    story.Crash(2);
    CheckLinearizable(story.history, &report);
    EXPECT_TRUE(report.linearizable_ended_early);
  }
}

// A power loss takes what was not synced yet away from everybody, and a write that was. Only the
// second is forgetting.
TEST(LinearizableTest, SyncedNodesForgetOnlyWhatTheirDiskHadSynced) {
  for (const bool loses_synced : {false, true}) {
    Story story(LinearizableSetting(Durability::kSynced));
    const Record first = Story::RecordOf(1, "value1");
    const size_t set = story.Begin(1, OperationKind::kSet, "value1");
    for (const NodeId node : {1, 2}) {
      story.Stored(node, 1);
      story.history.Changed(EventKind::kDurable, kNow, node, "key", first, first.Encode());
    }
    EndSet(&story, set, 1);
    story.Begin(1, OperationKind::kSet, "value2");
    for (const NodeId node : {1, 2}) {
      story.Stored(node, 2);
      const Record left = loses_synced ? Record() : first;
      story.history.Changed(EventKind::kForgot, kNow, node, "key", left, left.Encode());
      story.history.Happened(EventKind::kCrash, kNow, node);
    }
    EndGet(&story, story.Begin(3, OperationKind::kGet), 0);
    EXPECT_EQ(Violations(CheckLinearizable, story.history) > 0, !loses_synced);
  }
}

TEST(LinearizableTest, OnlyReadsThatAskedCountWhereTheyMustAsk) {
  for (const bool asks : {true, false}) {
    HistorySetting setting = Setting(3, 2, 2);
    for (auto& [quorums, promise] : setting.promises) promise.linearizable_on_request = true;
    Story story(setting);
    EndSet(&story, story.Begin(1, OperationKind::kSet, "value1"), 1);
    EndGet(&story, story.Begin(2, OperationKind::kGet, "", asks), 0);
    EXPECT_EQ(Violations(CheckLinearizable, story.history) > 0, asks);
  }
}

TEST(LinearizableTest, MayBeExpectedWhereItIsNotPromised) {
  for (const int r : {1, 2}) {
    HistorySetting setting = Setting(3, 2, r);
    setting.expect_linearizable = true;
    Story story(setting);
    story.Begin(1, OperationKind::kSet, "value1");
    EndGet(&story, story.Begin(1, OperationKind::kGet), 1);
    EndGet(&story, story.Begin(2, OperationKind::kGet), 0);
    EXPECT_EQ(Violations(CheckLinearizable, story.history) > 0, r == 2) << "W+R>N is the least";
  }
}

TEST(LinearizableTest, WritesThatAskedForLessMayBeLost) {
  for (const int w : {1, 2}) {
    HistorySetting setting = Setting(3, 2, 2);
    for (auto& [quorums, promise] : setting.promises) promise.linearizable_on_request = true;
    Story story(setting);
    HistoryOperation operation;
    operation.node = 1;
    operation.operation = Operation();
    operation.operation.kind = OperationKind::kSet;
    operation.operation.key = "key";
    operation.operation.value = "value1";
    operation.operation.w = w;
    const size_t set = story.history.Called(kNow, std::move(operation));
    story.history.Submitted(kNow, set, /*node_not_serving=*/false);
    EndSet(&story, set, 1);
    EndGet(&story, story.Begin(2, OperationKind::kGet, "", /*linearizable=*/true), 0);
    EXPECT_EQ(Violations(CheckLinearizable, story.history) > 0, w == 2);
  }
}

TEST(LinearizableTest, RequestsMustNotChooseTheirQuorums) {
  for (const bool promised : {false, true}) {
    HistorySetting setting = LinearizableSetting();
    for (auto& [quorums, promise] : setting.promises) promise.linearizable = promised;
    Story story(setting);
    HistoryOperation operation;
    operation.node = 1;
    operation.operation.kind = OperationKind::kGet;
    operation.operation.key = "key";
    operation.operation.r = 2;
    const size_t get = story.history.Called(kNow, std::move(operation));
    story.history.Submitted(kNow, get, /*node_not_serving=*/false);
    EndGet(&story, get, 0);
    EXPECT_EQ(Violations(CheckLinearizable, story.history), promised ? 1u : 0u);
  }
}

TEST(LinearizableTest, WritesThatGaveNoAnswerMayTakeEffectLater) {
  Story story(LinearizableSetting());
  const size_t set = story.Begin(1, OperationKind::kSet, "value1");
  OperationResult unknown;
  unknown.status = absl::DeadlineExceededError("late");
  unknown.may_have_applied = true;
  story.history.Ended(kNow, set, /*node_not_serving=*/false, unknown);
  EndGet(&story, story.Begin(2, OperationKind::kGet), 0);
  EndGet(&story, story.Begin(2, OperationKind::kGet), 1);
  EXPECT_EQ(Violations(CheckLinearizable, story.history), 0u);
  EndGet(&story, story.Begin(2, OperationKind::kGet), 0);
  EXPECT_GT(Violations(CheckLinearizable, story.history), 0u);
}

TEST(ShownIsDurableTest, ReadShowsWhatIsNotSynced) {
  for (const OperationKind kind : {OperationKind::kGet, OperationKind::kLocalRead}) {
    Story story(Setting(2, 1, 1, Durability::kSynced));
    story.Stored(1, 1);
    const size_t early = story.Begin(1, kind);
    story.End(early, Story::Answer(1), 1);
    EXPECT_EQ(Violations(CheckShownIsDurable, story.history), 1u);
    const Record record = Story::RecordOf(1, "value1");
    story.history.Changed(EventKind::kDurable, kNow, 2, "key", record, record.Encode());
    const size_t late = story.Begin(1, kind);
    story.End(late, Story::Answer(1), 1);
    // Another node's disk is enough for a read by quorum, not for a local read.
    EXPECT_EQ(Violations(CheckShownIsDurable, story.history),
              kind == OperationKind::kGet ? 1u : 2u);
  }
}

TEST(ShownIsDurableTest, DiskIsLostBehindItsAnswer) {
  for (const bool before_the_read : {true, false}) {
    Story story(Setting(2, 1, 1, Durability::kSynced));
    const Record record = Story::RecordOf(1, "value1");
    story.Stored(2, 1);
    story.history.Changed(EventKind::kDurable, kNow, 2, "key", record, record.Encode());
    const auto lose = [&story] {
      story.history.Changed(EventKind::kForgot, kNow, 2, "key", Record(), "");
    };
    if (before_the_read) lose();
    const size_t read = story.Begin(1, OperationKind::kGet);
    if (!before_the_read) lose();
    story.End(read, Story::Answer(1), 1);
    EXPECT_EQ(Violations(CheckShownIsDurable, story.history), before_the_read ? 1u : 0u);
  }
}

TEST(VersionOrderTest, StoreGoesBack) {
  Story story(Setting(1, 1, 1));
  story.Stored(1, 1);
  story.Stored(1, 2);
  EXPECT_EQ(Violations(CheckVersionOrder, story.history), 0u);
  story.Stored(1, 1);
  EXPECT_EQ(Violations(CheckVersionOrder, story.history), 1u);
}

TEST(VersionOrderTest, ConcurrentVersionIsNoStepForward) {
  Story story(Setting(2, 1, 1));
  Record first;
  Record second;
  first.Put(Version(), Sibling{Dot{{1, 7}, 1}, 1, false, "a"});
  second.Put(Version(), Sibling{Dot{{2, 7}, 1}, 1, false, "b"});
  story.Stored(1, "key", first);
  story.Stored(1, "key", second);
  EXPECT_EQ(Violations(CheckVersionOrder, story.history), 1u);
}

TEST(VersionOrderTest, SameVersionOtherBytes) {
  Story story(Setting(1, 1, 1));
  story.Stored(1, "key", Story::RecordOf(1, "a"));
  story.Stored(1, "key", Story::RecordOf(1, "b"));
  EXPECT_EQ(Violations(CheckVersionOrder, story.history), 1u);
}

TEST(VersionOrderTest, NewLifeMayKnowLess) {
  Story story(Setting(1, 1, 1));
  story.Stored(1, 2);
  story.Crash(1);
  story.Start(1);
  story.Stored(1, 1);
  EXPECT_EQ(Violations(CheckVersionOrder, story.history), 0u);
}

TEST(VersionOrderTest, LocalReadsGoBack) {
  Story story(Setting(1, 1, 1));
  for (const uint64_t number : {2, 1}) {
    const size_t read = story.Begin(1, OperationKind::kLocalRead);
    story.End(read, Story::Answer(number), 1);
  }
  EXPECT_EQ(Violations(CheckVersionOrder, story.history), 1u);
}

TEST(WriteOrderTest, AnEarlierWriteRanksAboveALaterOne) {
  Story story(Setting(3, 3, 1));
  story.Stored(1, 5);
  story.Stored(2, 5);
  story.Write(1, 5);
  story.Write(1, 6);
  EXPECT_EQ(Violations(CheckWriteOrder, story.history), 0u);
  story.Write(1, 4);
  EXPECT_EQ(Violations(CheckWriteOrder, story.history), 1u) << "two nodes hold number 5";
}

TEST(WriteOrderTest, WhatNobodyHoldsReplacesNothing) {
  Story story(Setting(3, 3, 1));
  story.Stored(1, 5);
  story.Write(1, 5);
  story.Crash(1);
  story.Write(2, 4);
  EXPECT_EQ(Violations(CheckWriteOrder, story.history), 0u);
}

TEST(WriteOrderTest, PromisesNothingOnceWHaveForgottenAtOneTime) {
  Story story(Setting(3, 2, 2));
  for (const NodeId node : {1, 2, 3}) story.Stored(node, 5);
  story.Write(1, 5);
  story.Crash(1);
  story.Crash(2);
  story.Write(1, 4);
  EXPECT_EQ(Violations(CheckWriteOrder, story.history), 0u);
}

TEST(WriteOrderTest, WritesAtTheSameTimeRankEitherWay) {
  Story story(Setting(3, 3, 1));
  story.Stored(1, 5);
  const size_t earlier = story.Begin(1, OperationKind::kSet, "value4");
  story.Write(1, 5);
  story.End(earlier, Story::RecordOf(4, "value4"), 3);
  EXPECT_EQ(Violations(CheckWriteOrder, story.history), 0u);
}

TEST(UniqueWritesTest, OneNameTwoWrites) {
  Story story(Setting(2, 1, 1));
  story.Begin(1, OperationKind::kSet, "a");
  story.Begin(1, OperationKind::kSet, "b");
  story.Stored(1, "key", Story::RecordOf(1, "a"));
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 0u);
  story.Stored(2, "key", Story::RecordOf(1, "b"));
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 1u);
}

TEST(UniqueWritesTest, SameDotOfDifferentKeysIsFine) {
  Story story(Setting(2, 1, 1));
  story.Begin(1, OperationKind::kSet, "a");
  Record record;
  record.Put(Version(), Sibling{Dot{{1, 7}, 1}, 1, false, "a"});
  story.Stored(1, "key", record);
  story.Stored(2, "key", record);
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 0u);
}

TEST(UniqueWritesTest, NobodyWroteIt) {
  Story story(Setting(1, 1, 1));
  story.Stored(1, "key", Story::RecordOf(1, "phantom"));
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 1u);
}

TEST(UniqueWritesTest, WhatWasRefusedMustNotBeThere) {
  for (const bool may_have_applied : {true, false}) {
    for (const OperationKind kind : {OperationKind::kSet, OperationKind::kDelete}) {
      Story story(Setting(1, 1, 1));
      const bool deletes = kind == OperationKind::kDelete;
      const size_t write = story.Begin(1, kind, deletes ? "" : "a");
      OperationResult failed;
      failed.status = absl::UnavailableError("too few replicas");
      failed.may_have_applied = may_have_applied;
      story.history.Ended(kNow, write, /*node_not_serving=*/false, failed);
      EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 0u);
      story.Stored(1, "key", Record::Sequenced(1, 1, deletes, deletes ? "" : "a"));
      EXPECT_EQ(Violations(CheckUniqueWrites, story.history), may_have_applied ? 0u : 1u);
    }
  }
}

TEST(UniqueWritesTest, ANodeThatIsDownSpeaksOfItsOwnTryAlone) {
  for (const bool repeated : {true, false}) {
    Story story(Setting(2, 1, 1));
    const size_t write = story.Begin(1, OperationKind::kSet, "a");
    if (repeated) {
      story.history.ConnectionLost(kNow, write);
      story.history.Repeated(write, 2);
    }
    story.history.Refused(kNow, write);
    story.Stored(1, "key", Story::RecordOf(1, "a"));
    EXPECT_EQ(Violations(CheckUniqueWrites, story.history), repeated ? 0u : 1u);
  }
}

TEST(UniqueWritesTest, AnsweredWithAnothersVersion) {
  Story story(Setting(1, 1, 1));
  story.Stored(1, 1);
  story.Write(1, 1);
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 0u);
  const size_t other = story.Begin(1, OperationKind::kSet, "other");
  story.End(other, Record{Version::Sequenced(1, 1), {}}, 1);
  // Its version names value1, and has been given before.
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 2u);
}

TEST(UniqueWritesTest, ANameOfAClientStandsForOneWrite) {
  Story story(Setting(3, 1, 1));
  story.Write(1, 1);
  Record record = Story::RecordOf(1, "value1");
  record.siblings.front().request = "request";
  story.Stored(1, "key", record);
  story.Stored(2, "key", record);
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 0u);
  story.Write(2, 2);
  record = Story::RecordOf(2, "value2");
  record.siblings.front().request = "request";
  story.Stored(2, "key", record);
  EXPECT_EQ(Violations(CheckUniqueWrites, story.history), 1u);
}

// Two concurrent writes through nodes 1 and 2; in the end the record covers both.
Record Concurrent(bool keep_first) {
  Record record;
  record.Put(Version(), Sibling{Dot{{1, 7}, 1}, 1, false, "first"});
  Record other;
  other.Put(Version(), Sibling{Dot{{2, 7}, 1}, 2, false, "second"});
  record.Merge(other);
  if (!keep_first) record.siblings.erase(record.siblings.begin());
  return record;
}

TEST(SupersededWritesTest, ConcurrentValueVanishes) {
  for (const bool kept : {true, false}) {
    Story story(Setting(2, 1, 1));
    Record first;
    first.Put(Version(), Sibling{Dot{{1, 7}, 1}, 1, false, "first"});
    Record second;
    second.Put(Version(), Sibling{Dot{{2, 7}, 1}, 2, false, "second"});
    const size_t one = story.Begin(1, OperationKind::kSet, "first");
    story.Stored(1, "key", first);
    story.End(one, Record{first.version, {}}, 1);
    const size_t two = story.Begin(2, OperationKind::kSet, "second");
    story.Stored(2, "key", second);
    story.End(two, Record{second.version, {}}, 1);
    story.history.SetFinalContents(1, {{"key", Concurrent(kept).Encode()}});
    EXPECT_EQ(Violations(CheckSupersededWrites, story.history), kept ? 0u : 1u);
  }
}

// A write at `node`, its `counter`-th of the key, over `record`: stored there and answered.
void Apply(Story* story, NodeId node, uint64_t counter, bool tombstone, const Version& context,
           Record* record) {
  HistoryOperation operation;
  operation.node = node;
  operation.operation.kind = tombstone ? OperationKind::kDelete : OperationKind::kSet;
  operation.operation.key = "key";
  if (!tombstone) operation.operation.value = absl::StrCat("value", counter, " of ", node);
  operation.context = context;
  if (!context.empty()) operation.operation.context = ContextToken("key", context);
  const Sibling write{Dot{{node, 7}, counter}, counter, tombstone, operation.operation.value};
  record->Put(context.empty() ? record->version : context, write);
  OperationResult result = Answered(node, Record{record->version, {}}, 1);
  result.order = OrderOf(Version(), write);
  const size_t index = story->history.Called(kNow, std::move(operation));
  story->history.Submitted(kNow, index, /*node_not_serving=*/false);
  story->Stored(node, "key", *record);
  story->history.Ended(kNow, index, /*node_not_serving=*/false, std::move(result));
}

TEST(SupersededWritesTest, ConcurrentDeleteVanishes) {
  for (const bool kept : {true, false}) {
    Story story(Setting(2, 1, 1));
    Record record;
    Record other;
    Apply(&story, 1, 1, /*tombstone=*/true, Version(), &record);
    Apply(&story, 2, 1, /*tombstone=*/false, Version(), &other);
    record.Merge(other);
    ASSERT_TRUE(record.siblings[0].tombstone);
    if (!kept) record.siblings.erase(record.siblings.begin());
    story.history.SetFinalContents(1, {{"key", record.Encode()}});
    EXPECT_EQ(Violations(CheckSupersededWrites, story.history), kept ? 0u : 1u);
  }
}

TEST(SupersededWritesTest, WriteReplacesMoreThanItsContext) {
  for (const bool tombstone : {true, false}) {
    for (const bool kept : {true, false}) {
      Story story(Setting(2, 1, 1));
      Record record;
      Record other;
      Apply(&story, 1, 1, /*tombstone=*/false, Version(), &record);
      Apply(&story, 2, 1, /*tombstone=*/false, Version(), &other);
      const Version seen = record.version;
      record.Merge(other);
      if (!kept) record.siblings.pop_back();
      Apply(&story, 1, 2, tombstone, seen, &record);
      story.history.SetFinalContents(1, {{"key", record.Encode()}});
      EXPECT_EQ(Violations(CheckSupersededWrites, story.history), kept ? 0u : 1u);
    }
  }
}

// A store shows only what a whole drain's writes and messages have become.
TEST(SupersededWritesTest, WhatWasMergedInTheSameDrainIsNotWhatAWriteKnew) {
  for (const bool sends : {true, false}) {
    Story story(Setting(2, 1, 1));
    Record other;
    Apply(&story, 2, 1, /*tombstone=*/false, Version(), &other);
    Record own;
    own.Put(Version(), Sibling{Dot{{1, 7}, 1}, 1, false, "own"});
    Record merged = own;
    merged.Merge(other);
    merged.siblings.pop_back();
    story.Begin(1, OperationKind::kSet, "own");
    story.Stored(1, "key", merged);
    if (sends) story.history.Saw(1, "key", own);
    story.history.SetFinalContents(1, {{"key", merged.Encode()}});
    EXPECT_EQ(Violations(CheckSupersededWrites, story.history), sends ? 1u : 0u);
  }
}

TEST(SupersededWritesTest, AReadShowsWhatItHasSeen) {
  for (const bool kept : {true, false}) {
    Story story(Setting(2, 1, 1));
    Record record;
    Record other;
    Apply(&story, 1, 1, /*tombstone=*/false, Version(), &record);
    Apply(&story, 2, 1, /*tombstone=*/false, Version(), &other);
    record.Merge(other);
    Record shown = record;
    if (!kept) shown.siblings.pop_back();
    story.End(story.Begin(1, OperationKind::kGet), shown, 1);
    EXPECT_EQ(Violations(CheckSupersededWrites, story.history), kept ? 0u : 1u);
    // What a read has seen to be replaced, it need not show.
    Apply(&story, 1, 2, /*tombstone=*/false, Version(), &record);
    story.End(story.Begin(2, OperationKind::kGet), record, 1);
    EXPECT_EQ(Violations(CheckSupersededWrites, story.history), kept ? 0u : 1u);
  }
}

TEST(SupersededWritesTest, ReplacedByOneWhoKnew) {
  Story story(Setting(2, 1, 1));
  Record record;
  record.Put(Version(), Sibling{Dot{{1, 7}, 1}, 1, false, "first"});
  const size_t one = story.Begin(1, OperationKind::kSet, "first");
  story.Stored(1, "key", record);
  story.End(one, Record{record.version, {}}, 1);
  const size_t two = story.Begin(1, OperationKind::kSet, "second");
  record.Put(record.version, Sibling{Dot{{1, 7}, 2}, 2, false, "second"});
  story.Stored(1, "key", record);
  story.End(two, Record{record.version, {}}, 1);
  story.history.SetFinalContents(1, {{"key", record.Encode()}});
  EXPECT_EQ(Violations(CheckSupersededWrites, story.history), 0u);
}

TEST(EndsOnceTest, NeverTwiceOrStray) {
  Story story(Setting(1, 1, 1));
  story.Read(1, 0);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 0u);
  const size_t open = story.Begin(1, OperationKind::kGet);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 1u);
  story.End(open, std::nullopt, 1);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 0u);
  story.End(open, std::nullopt, 1);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 1u);
  story.history.StrayResult(1);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 2u);
}

TEST(EndsOnceTest, EndsInTime) {
  Story story(Setting(1, 1, 1));
  const size_t read = story.Begin(1, OperationKind::kGet);
  story.history.Overdue(read);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 1u);
  story.End(read, std::nullopt, 1);
  EXPECT_EQ(Violations(CheckEndsOnce, story.history), 1u);
}

TEST(ServingTest, AnswerOfOneWhoMayHaveForgotten) {
  for (const bool serves_at_end : {true, false}) {
    Story story(Setting(1, 1, 1));
    HistoryOperation operation;
    operation.node = 1;
    operation.operation.key = "key";
    const size_t index = story.history.Called(kNow, operation);
    story.history.Submitted(kNow, index, /*node_not_serving=*/true);
    story.End(index, std::nullopt, 1, /*not_serving=*/!serves_at_end);
    EXPECT_EQ(Violations(CheckServing, story.history), serves_at_end ? 0u : 1u);
  }
}

TEST(ConvergenceTest, NodesDiffer) {
  Story story(Setting(2, 1, 1));
  story.FinallyAll(1);
  EXPECT_EQ(Violations(CheckConvergence, story.history), 0u);
  story.history.SetFinalContents(2, {});
  EXPECT_EQ(Violations(CheckConvergence, story.history), 1u);
}

TEST(LivenessTest, FinalOperationFailsOrClusterStalls) {
  Story story(Setting(1, 1, 1));
  HistoryOperation operation;
  operation.node = 1;
  operation.final_phase = true;
  operation.operation.key = "key";
  const size_t index = story.history.Called(kNow, operation);
  story.history.Submitted(kNow, index, false);
  OperationResult result;
  result.status = absl::UnavailableError("no");
  story.history.Ended(kNow, index, false, result);
  EXPECT_EQ(Violations(CheckLiveness, story.history), 1u);
  story.history.Stalled("by hand");
  EXPECT_EQ(Violations(CheckLiveness, story.history), 2u);
}

TEST(RecoveredTest, OnlyWhatWasStored) {
  Story story(Setting(3, 2, 2));
  const Record record = Story::RecordOf(1, "value1");
  story.Stored(1, 1);
  story.history.Changed(EventKind::kRecovered, kNow, 1, "key", record, record.Encode());
  EXPECT_EQ(Violations(CheckRecovered, story.history), 0u);
  // Half of it; and what another node has stored.
  story.history.Changed(EventKind::kRecovered, kNow, 1, "key", Record(),
                        record.Encode().substr(0, 5));
  EXPECT_EQ(Violations(CheckRecovered, story.history), 1u);
  story.history.Changed(EventKind::kRecovered, kNow, 2, "key", record, record.Encode());
  EXPECT_EQ(Violations(CheckRecovered, story.history), 2u);
  story.history.SetFinalContents(1, {{"key", record.Encode()}});
  EXPECT_EQ(Violations(CheckRecovered, story.history), 2u);
  // What cannot be read is no record, and nothing else falls over it.
  story.history.SetFinalContents(1, {{"key", "damaged"}});
  EXPECT_EQ(Violations(CheckRecovered, story.history), 3u);
  EXPECT_TRUE(DecodeFinalContents(story.history).at(1).empty());
}

TEST(CheckAllTest, WithoutPromisesOnlyWhatAlwaysHolds) {
  HistorySetting setting = Setting(3, 2, 2);
  for (auto& [quorums, promise] : setting.promises) promise = Guarantee();
  Story story(setting);
  story.Write(1, 1);
  story.Read(1, 0);
  for (const NodeId node : {1, 2, 3}) story.Stored(node, 1);
  story.FinallyAll(1);
  EXPECT_TRUE(CheckAll(story.history).violations.empty());
  story.Begin(1, OperationKind::kGet);
  EXPECT_EQ(CheckAll(story.history).violations.size(), 1u);
}

}  // namespace
}  // namespace quorate::sim
