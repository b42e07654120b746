#include "tests/nemesis/verdict.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/history.h"
#include "replication/cluster_config.h"
#include "replication/operation.h"
#include "replication/storage/version.h"
#include "tests/nemesis/forgotten.h"
#include "tests/nemesis/load.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr check::Nanos kSecond = 1000000000;
constexpr char kThere[] = "acknowledged writes are there";

class VerdictTest : public ::testing::Test {
 protected:
  VerdictTest() {
    setting_.strategy = "leaderless";
    setting_.n = 3;
    setting_.w = 2;
    setting_.r = 2;
    setting_.keys = 1;
    load_.history.keys = {"k0"};
  }

  check::Operation& Add(OperationKind kind, int quorum, int start, int end) {
    check::Operation operation;
    operation.session = static_cast<uint32_t>(load_.asked.size());
    operation.kind = kind == OperationKind::kSet      ? check::Kind::kWrite
                     : kind == OperationKind::kDelete ? check::Kind::kDelete
                                                      : check::Kind::kRead;
    operation.start = start * kSecond;
    operation.end = end * kSecond;
    Asked asked;
    asked.kind = kind;
    asked.quorum = quorum;
    load_.asked.push_back(asked);
    load_.clients.push_back(0);
    load_.names.push_back("c0/" + std::to_string(operation.session));
    load_.history.operations.push_back(operation);
    return load_.history.operations.back();
  }
  // The write of value and order `number`.
  check::Operation& Write(int number, int w, int start, int end) {
    check::Operation& operation = Add(OperationKind::kSet, w, start, end);
    operation.value = operation.order = static_cast<uint64_t>(number);
    operation.order_known = 1;
    return operation;
  }
  // A read that returned it; 0: nothing.
  check::Operation& Read(int number, int r, int start, int end,
                         OperationKind kind = OperationKind::kGet) {
    check::Operation& operation = Add(kind, r, start, end);
    operation.value = operation.order = static_cast<uint64_t>(number);
    operation.found = number != 0 ? 1 : 0;
    operation.order_known = 1;
    return operation;
  }

  // A write of one node, of its counter 1; or all that several nodes have written so.
  static Version Of(const std::vector<NodeId>& nodes) {
    Version version;
    for (const NodeId node : nodes) version.Add(Dot{Actor{node, 7}, 1});
    return version;
  }
  static std::string Token(const std::vector<NodeId>& nodes) {
    return ContextToken("k0", Of(nodes));
  }
  // What the operation that was added last handed back, and was told.
  Tokens& handed() { return load_.asked.back().handed; }
  void Told(const std::vector<NodeId>& nodes) {
    load_.asked.back().told = Tokens{Token(nodes), Token(nodes)};
  }

  Verdict Judge(const std::vector<Forgotten>& forgotten = {}) {
    Verdict verdict;
    check::SortByKey(&load_.history);
    JudgeHistory(setting_, load_, forgotten, &verdict);
    return verdict;
  }

  static Forgotten From(NodeId node, int from, int until) {
    return Forgotten{node, absl::Seconds(from), absl::Seconds(until)};
  }

  sim::ScheduleSetting setting_;
  LoadResult load_;
};

TEST_F(VerdictTest, AFreshReadIsRight) {
  Write(1, 2, 0, 1);
  Read(1, 2, 2, 3);
  const Verdict verdict = Judge();
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.reads_checked, 1u);
  EXPECT_EQ(verdict.writes_checked, 1u);
  EXPECT_EQ(verdict.values_checked, 1u);
}

TEST_F(VerdictTest, AStaleReadIsWrongWhereTheQuorumsMeet) {
  Write(1, 2, 0, 1);
  Write(2, 2, 2, 3);
  Read(1, 2, 4, 5);
  EXPECT_EQ(Judge().conflicts.at("no stale reads"), 1u);
}

TEST_F(VerdictTest, AStaleReadIsAllowedWhereTheyNeedNotMeet) {
  Write(1, 2, 0, 1);
  Write(2, 2, 2, 3);
  Read(1, 1, 4, 5);
  Read(1, 1, 6, 7, OperationKind::kLocalRead);
  const Verdict verdict = Judge();
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.reads_checked, 0u);
  EXPECT_EQ(verdict.stale_reads_allowed, 1u);
}

TEST_F(VerdictTest, ALargerWObligesReadsOfASmallerR) {
  Write(1, 2, 0, 1);
  Write(2, 3, 2, 3);
  Read(1, 1, 4, 5);
  EXPECT_EQ(Judge().conflicts.count("no stale reads"), 1u);
}

TEST_F(VerdictTest, AnAcknowledgedWriteMustBeThereInTheEnd) {
  Write(1, 2, 0, 1);
  Read(0, 3, 20, 21);
  load_.asked.back().final_phase = true;
  EXPECT_EQ(Judge().conflicts.at("acknowledged writes are there"), 1u);
  // Fewer than W forgetting change nothing.
  EXPECT_EQ(Judge({From(1, 2, 5), From(2, 6, 8)}).conflicts.count("acknowledged writes are there"),
            1u);
}

TEST_F(VerdictTest, ReadsAfterHealingAloneJudgeNoStaleReads) {
  Write(1, 2, 0, 1);
  Read(1, 2, 20, 21);
  EXPECT_THAT(Judge().unjudged, ElementsAre(kThere));
  load_.asked.back().final_phase = true;
  Verdict verdict = Judge();
  EXPECT_THAT(verdict.unjudged, ElementsAre("no stale reads"));
  EXPECT_NE(verdict.TooLittle(), "");
  Read(1, 2, 2, 3);
  verdict = Judge();
  EXPECT_THAT(verdict.unjudged, IsEmpty());
  EXPECT_EQ(verdict.TooLittle(), "");
}

TEST_F(VerdictTest, ALinearizableReadThatWasAskedForMustBeJudged) {
  setting_.strategy = "leader_follower";
  Write(1, 2, 0, 1);
  Read(1, 2, 2, 3);
  load_.asked.back().linearizable = true;
  EXPECT_EQ(Judge().linearizable_reads, 1u);
  EXPECT_THAT(Judge().unjudged, ElementsAre("no stale reads", kThere));
  load_.history.operations.back().outcome = check::Outcome::kFailed;
  EXPECT_THAT(Judge().unjudged, ElementsAre("no stale reads", kThere, "linearizable"));
}

TEST_F(VerdictTest, WhatCannotBeJudgedDoesNotHold) {
  Write(1, 2, 0, 1);
  Read(1, 2, 2, 3);
  Read(1, 2, 20, 21);
  load_.asked.back().final_phase = true;
  EXPECT_EQ(Judge().TooLittle(), "");
  // Nothing says any more where the write belongs.
  for (check::Operation& operation : load_.history.operations) operation.order_known = 0;
  EXPECT_NE(Judge().TooLittle(), "");
}

TEST_F(VerdictTest, AKeyOfWhichSomethingIsUnclearIsNoReasonToDistrustTheRest) {
  load_.history.keys = {"k0", "k1", "k2"};
  for (const uint32_t key : {0, 1, 2}) {
    Write(1, 2, 0, 1).key = key;
    Read(1, 2, 2, 3).key = key;
    Read(1, 2, 20, 21).key = key;
    load_.asked.back().final_phase = true;
  }
  // Which of two deletes a read has seen whose outcome nobody knows.
  for (int i = 0; i < 2; ++i)
    Add(OperationKind::kDelete, 2, 4, 5).outcome = check::Outcome::kUnknown;
  check::Operation& read = Read(0, 2, 6, 7);
  read.order = 2;
  const Verdict verdict = Judge();
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_FALSE(verdict.unclear.empty());
  EXPECT_EQ(verdict.TooLittle(), "");
}

TEST_F(VerdictTest, LocalReadsKnowOfWritesThatAllHaveAcknowledged) {
  for (const char* const strategy : {"leaderless", "leader_follower"}) {
    setting_.strategy = strategy;
    for (const int w : {2, 3}) {
      load_ = LoadResult();
      load_.history.keys = {"k0"};
      Write(1, w, 0, 1);
      Told({1});
      Read(0, 1, 2, 3, OperationKind::kLocalRead);
      Told({});
      const Verdict verdict = Judge();
      EXPECT_EQ(verdict.conflicts.count("local reads know of writes at W=N"), w == 3 ? 1u : 0u);
      EXPECT_EQ(verdict.local_reads_checked, w == 3 ? 1u : 0u);
    }
  }
}

TEST_F(VerdictTest, APartOfAValueIsNoValue) {
  const std::string text = ValueText(3, 7, 50);
  EXPECT_EQ(text.size(), 50u);
  EXPECT_NE(ValueName(text), 0u);
  EXPECT_EQ(ValueName(text), ValueName(ValueText(3, 7, 0)));
  EXPECT_EQ(ValueName(text.substr(0, 49)), 0u);
  EXPECT_EQ(ValueName(text + "."), 0u);
  EXPECT_EQ(ValueName(""), 0u);
}

TEST_F(VerdictTest, NothingIsPromisedOnceWHaveForgotten) {
  Write(1, 2, 0, 1);
  Read(0, 2, 7, 8);
  const Verdict verdict = Judge({From(1, 2, 5), From(2, 4, 8)});
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.promise_ended, absl::Seconds(4));
  // What was seen before that is judged.
  Write(2, 2, 1, 2);
  Read(0, 2, 3, 3);
  EXPECT_EQ(Judge({From(1, 2, 5), From(2, 4, 8)}).conflicts.at("no stale reads"), 1u);
}

TEST_F(VerdictTest, AWriteThatAskedForLessMayBeForgottenByFewer) {
  Write(1, 1, 0, 1);
  Read(0, 3, 7, 8);
  EXPECT_EQ(Judge().conflicts.count("no stale reads"), 1u);
  const Verdict verdict = Judge({From(1, 2, 5)});
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.writes_excused, 1u);
}

TEST_F(VerdictTest, WhatNobodyWroteIsWrongInAnyRead) {
  Write(1, 2, 0, 1);
  Read(7, 1, 2, 3, OperationKind::kLocalRead);
  EXPECT_EQ(Judge().conflicts.at("reads return what was written"), 1u);
}

TEST_F(VerdictTest, AFailedWriteIsNeverRead) {
  Write(1, 2, 0, 1).outcome = check::Outcome::kFailed;
  Read(1, 1, 2, 3);
  EXPECT_EQ(Judge().conflicts.count("reads return what was written"), 1u);
}

TEST_F(VerdictTest, AnUnknownWriteMayAppearOrNot) {
  check::Operation& write = Write(1, 2, 0, 1);
  write.outcome = check::Outcome::kUnknown;
  write.order_known = 0;
  Read(0, 2, 2, 3);
  Read(1, 2, 4, 5);
  EXPECT_THAT(Judge().violations, IsEmpty());
}

TEST_F(VerdictTest, ReadsNeverGoBackInALinearizableCluster) {
  Write(1, 2, 0, 1);
  Write(2, 2, 2, 9);
  Read(2, 2, 3, 4);
  Read(1, 2, 5, 6);
  EXPECT_THAT(Judge().violations, IsEmpty());
  setting_.write_mode = WriteMode::kLinearizable;
  const Verdict verdict = Judge();
  EXPECT_EQ(verdict.conflicts.count("linearizable"), 1u);
  EXPECT_EQ(verdict.linearizable_checked, 4u);
}

TEST_F(VerdictTest, TheReadsThatAskForItNeverGoBackWithALeader) {
  setting_.strategy = "leader_follower";
  setting_.leader = 1;
  Write(1, 2, 0, 1);
  Write(2, 2, 2, 9);
  Read(2, 2, 3, 4);
  Read(1, 2, 5, 6);
  EXPECT_THAT(Judge().violations, IsEmpty());
  load_.asked[2].linearizable = load_.asked[3].linearizable = true;
  EXPECT_EQ(Judge().conflicts.count("linearizable"), 1u);
}

TEST_F(VerdictTest, WritesAreInOrderWithALeader) {
  Write(2, 2, 0, 1);
  Write(1, 2, 2, 3);
  Read(2, 2, 4, 5);
  EXPECT_THAT(Judge().violations, IsEmpty());
  setting_.strategy = "leader_follower";
  setting_.leader = 1;
  EXPECT_EQ(Judge().conflicts.at("writes are in order"), 1u);
}

constexpr char kKnow[] = "reads know of acknowledged writes";

TEST_F(VerdictTest, AWriteMayRankBelowWhatItReplacesWhereItSaysSo) {
  Write(5, 2, 0, 1);
  Told({1});
  Write(3, 2, 2, 3);
  Told({1, 2});
  handed().context = Token({1});
  Read(3, 2, 4, 5);
  Told({1, 2});
  const Verdict verdict = Judge();
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.reads_checked, 1u);
  EXPECT_THAT(verdict.unjudged, ElementsAre(kThere));
}

TEST_F(VerdictTest, ReadsKnowOfAcknowledgedWritesWhateverTheClocksSay) {
  Write(5, 2, 0, 1);
  Told({1});
  Write(3, 2, 2, 3);
  Told({1, 2});
  handed().context = Token({1});
  Read(5, 2, 4, 5);
  Told({1});
  const Verdict verdict = Judge();
  EXPECT_EQ(verdict.conflicts.at(kKnow), 1u);
  EXPECT_EQ(verdict.conflicts.count("no stale reads"), 0u);
  // Not once too many have forgotten, nor at a smaller R.
  EXPECT_THAT(Judge({From(1, 3, 9), From(2, 4, 9)}).violations, IsEmpty());
  load_.asked.back().quorum = 1;
  EXPECT_THAT(Judge().violations, IsEmpty());
  EXPECT_EQ(Judge().TooLittle(), "no promise to judge");
}

TEST_F(VerdictTest, AReadThatFindsNothingKnowsNothing) {
  Write(5, 2, 0, 1);
  Told({1});
  handed().context = Token({});
  Read(0, 2, 2, 3);
  EXPECT_EQ(Judge().conflicts.at(kKnow), 1u);
}

TEST_F(VerdictTest, AWriteWithAnOldContextStandsBesideNewerOnes) {
  Write(5, 2, 0, 1);
  Told({1});
  Write(4, 2, 2, 3);
  handed().context = Token({});
  load_.asked.back().told = Tokens{Token({}), Token({1, 2})};
  Read(5, 2, 4, 5);
  Told({1, 2});
  EXPECT_THAT(Judge().violations, IsEmpty());
}

TEST_F(VerdictTest, WhatASessionHasSeenIsNoPartOfAWriteThatSaysWhatItReplaces) {
  Write(5, 2, 0, 1);
  handed() = Tokens{Token({1}), Token({3})};
  load_.asked.back().told = Tokens{Token({1}), Token({1, 2, 3})};
  Read(5, 2, 4, 5);
  Told({1, 2});
  EXPECT_THAT(Judge().violations, IsEmpty());
  load_.asked.back().told = Tokens();
  EXPECT_EQ(Judge().conflicts.count(kKnow), 1u);
}

TEST_F(VerdictTest, TheOrderCountsUntilAWriteSaysWhatItReplaces) {
  Write(1, 2, 0, 1);
  Write(2, 2, 2, 3);
  Read(1, 2, 4, 5);
  Write(3, 2, 6, 7);
  handed().context = Token({1});
  EXPECT_EQ(Judge().conflicts.at("no stale reads"), 1u);
  load_.history.operations[3].start = 5 * kSecond;
  EXPECT_THAT(Judge().violations, IsEmpty());
  // One that certainly was not done has replaced nothing.
  load_.history.operations[3].outcome = check::Outcome::kFailed;
  EXPECT_EQ(Judge().conflicts.at("no stale reads"), 1u);
}

TEST_F(VerdictTest, TheOrderOfAKeyCountsWhateverWritesOfOthersSay) {
  load_.history.keys = {"k0", "k1"};
  Write(9, 2, 0, 1);
  handed().context = Token({1});
  Write(1, 2, 0, 1).key = 1;
  Write(2, 2, 2, 3).key = 1;
  Read(1, 2, 4, 5).key = 1;
  EXPECT_EQ(Judge().conflicts.at("no stale reads"), 1u);
}

constexpr char kSessions[] = "sessions do not go back";

TEST_F(VerdictTest, ASessionKnowsWhatItHasSeenOrMore) {
  Write(1, 1, 0, 1);
  Told({1});
  Read(1, 1, 2, 3);
  handed().session = Token({1});
  Told({1, 2});
  Write(2, 1, 4, 5);
  handed().session = Token({1, 2});
  load_.asked.back().told = Tokens{Token({3}), Token({1, 2, 3})};
  const Verdict verdict = Judge();
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.sessions_checked, 2u);
  EXPECT_THAT(verdict.unjudged, ElementsAre("no stale reads", kThere));
}

TEST_F(VerdictTest, SessionsDoNotGoBackAtAnyQuorumsWhoeverHasForgotten) {
  Write(1, 1, 0, 1);
  Told({1});
  Write(2, 1, 2, 3);
  Told({1, 2});
  Read(1, 1, 7, 8);
  Told({1});
  // Others' reads may be old.
  EXPECT_THAT(Judge().violations, IsEmpty());
  EXPECT_EQ(Judge().sessions_checked, 0u);
  handed().session = Token({1, 2});
  EXPECT_EQ(Judge().conflicts.at(kSessions), 1u);
  EXPECT_EQ(Judge({From(1, 4, 9), From(2, 4, 9)}).conflicts.at(kSessions), 1u);
  // A read that failed has returned nothing that could be too old.
  load_.history.operations.back().outcome = check::Outcome::kFailed;
  EXPECT_THAT(Judge().violations, IsEmpty());
}

TEST_F(VerdictTest, NorDoTheirWrites) {
  setting_.strategy = "leader_follower";
  setting_.leader = 1;
  Write(1, 2, 0, 1);
  handed().session = ContextToken("k0", Version::Sequenced(1, 4));
  const auto told = [this](uint64_t number) {
    const std::string token = ContextToken("k0", Version::Sequenced(1, number));
    load_.asked.back().told = Tokens{token, token};
  };
  told(5);
  EXPECT_THAT(Judge().violations, IsEmpty());
  told(3);
  EXPECT_EQ(Judge().conflicts.at(kSessions), 1u);
}

TEST_F(VerdictTest, RepliesMustSayWhatWasAskedFor) {
  load_.bad_replies.push_back(BadReply{"c1/2", "asked for 2, was answered with 1 of 1"});
  EXPECT_EQ(Judge().conflicts.at("answers keep to what was asked for"), 1u);
}

TEST(EndOfPromiseTest, IsWhenWNodesHadForgottenAtOneTime) {
  const auto from = [](NodeId node, int from, int until) {
    return Forgotten{node, absl::Seconds(from), absl::Seconds(until)};
  };
  EXPECT_EQ(EndOfPromise({}, 1), absl::InfiniteDuration());
  EXPECT_EQ(EndOfPromise({from(1, 3, 5)}, 1), absl::Seconds(3));
  EXPECT_EQ(EndOfPromise({from(1, 3, 5), from(2, 5, 6)}, 2), absl::InfiniteDuration());
  EXPECT_EQ(EndOfPromise({from(1, 3, 5), from(2, 4, 6), from(1, 7, 8)}, 2), absl::Seconds(4));
  EXPECT_EQ(EndOfPromise({from(1, 3, 9), from(1, 4, 6)}, 2), absl::InfiniteDuration());
}

}  // namespace
}  // namespace quorate::nemesis
