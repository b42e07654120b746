#include "replication/dynamo/leaderless.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/replica_harness.h"

namespace quorate {
namespace {

using peer::v1::Message;

TEST(LeaderlessTest, AnyNodeCoordinates) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  for (NodeId node = 1; node <= 3; ++node) {
    const std::string value = "from " + std::to_string(node);
    const OperationResult result = cluster.Do(node, SetOf("a", value));
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.node, node);
    cluster.Run(absl::Milliseconds(50));
    for (NodeId other = 1; other <= 3; ++other) EXPECT_EQ(cluster.Held(other, "a"), value);
  }
}

TEST(LeaderlessTest, ConcurrentWritesAreSiblingsUntilOneSettlesThem) {
  ReplicaHarness cluster(Leaderless::kName, {3, 1, 3});
  cluster.lose = [](NodeId, NodeId, const Message& message) { return message.has_replicate(); };
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "left")).status.ok());
  cluster.Run(absl::Milliseconds(5));
  ASSERT_TRUE(cluster.Do(2, SetOf("a", "right")).status.ok());
  cluster.lose = nullptr;
  const OperationResult read = cluster.Do(3, GetOf("a"));
  EXPECT_TRUE(read.disagreed);
  ASSERT_TRUE(read.record.has_value());
  EXPECT_EQ(read.record->siblings.size(), 2u);
  EXPECT_EQ(read.record->Winner()->value, "right") << "the later clock wins";
  Operation settle = SetOf("a", "settled");
  settle.context = ContextToken("a", read.record->version);
  const OperationResult write = cluster.Do(3, settle);
  EXPECT_EQ(write.replaced_siblings, 2);
  cluster.Run(absl::Seconds(1));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(cluster.Held(node, "a"), "settled");
}

TEST(LeaderlessTest, WriteWithoutContextPilesUpNothing) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(cluster.Do(1 + i % 3, SetOf("a", std::to_string(i))).status.ok());
    cluster.Run(absl::Milliseconds(5));
  }
  const OperationResult read = cluster.Do(1, GetOf("a"));
  EXPECT_EQ(ValueOf(read), "19");
  EXPECT_EQ(read.record->version.Number(), 20u);
}

TEST(LeaderlessTest, ReadRepairsWhoeverIsBehindAfterTheReply) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2},
                         [](ClusterConfig* config) { config->read_all = true; });
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return to == 3 && message.has_replicate();
  };
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.lose = [](NodeId, NodeId, const Message& message) { return message.has_compare(); };
  EXPECT_EQ(cluster.Held(3, "a"), "(none)");
  EXPECT_EQ(ValueOf(cluster.Do(2, GetOf("a"))), "1");
  cluster.Run(absl::Milliseconds(50));
  EXPECT_EQ(cluster.Held(3, "a"), "1");
  EXPECT_GE(cluster.replica(2).Status().counters.at("read_repairs"), 1u);
}

TEST(LeaderlessTest, ASingleLostWriteIsNoticedThoughTheSessionLives) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2},
                         [](ClusterConfig* c) { c->anti_entropy_interval = absl::Hours(1); });
  int lost = 0;
  cluster.lose = [&lost](NodeId, NodeId to, const Message& message) {
    return to == 3 && message.has_replicate() && ++lost == 1;
  };
  Operation write = SetOf("a", "1");
  write.timeout = absl::Hours(1);
  ASSERT_TRUE(cluster.Do(1, write).status.ok());
  cluster.Run(absl::Seconds(4));
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(cluster.Held(3, "a"), "1");
  EXPECT_EQ(cluster.replica(1).Status().counters.at("writes_in_flight"), 0u);
}

TEST(LeaderlessTest, ANodeThatMissedAWriteComparesWithItsCoordinator) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2},
                         [](ClusterConfig* c) { c->anti_entropy_interval = absl::Hours(1); });
  bool cut = true;
  cluster.lose = [&cut](NodeId, NodeId to, const Message& message) {
    return cut && to == 3 && message.has_replicate();
  };
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cut = false;
  cluster.Run(absl::Seconds(4));
  EXPECT_EQ(cluster.Held(3, "a"), "1");
}

TEST(LeaderlessTest, AKeyThatTooManyLivesHaveWrittenSaysSo) {
  ReplicaHarness cluster(Leaderless::kName, {2, 1, 1});
  constexpr Incarnation kFirst = 1000000, kOthers = 511;
  cluster.alter = [](NodeId, NodeId, Message* message) {
    if (!message->has_replicate()) return;
    peer::v1::LogEntry* entry = message->mutable_replicate()->mutable_entries(0);
    Record record = *Record::Decode(entry->record());
    for (Incarnation i = 0; i < kOthers; ++i) record.version.Add(Dot{{1, kFirst + i}, 1});
    entry->set_record(record.Encode());
  };
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.Run(absl::Milliseconds(50));
  const OperationResult refused = cluster.Do(2, SetOf("a", "2"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status.message()), testing::HasSubstr("512 lives of nodes"));
  EXPECT_FALSE(refused.may_have_applied);
}

constexpr size_t kLongValue = size_t{1} << 19;  // a page holds one

// Watches with how many peers node 1 compares at a time, and how often with each to the end.
class Comparisons {
 public:
  // Each of four values takes half a second of the background's budget.
  Comparisons(absl::Duration interval, size_t value_bytes)
      : cluster(Leaderless::kName, {3, 2, 2}, [interval, value_bytes](ClusterConfig* config) {
          config->anti_entropy_interval = interval;
          config->background_bytes_per_second = 2 * value_bytes;
        }) {
    for (const char* key : {"a", "b", "c", "d"}) {
      const std::string value(value_bytes, 'v');
      EXPECT_TRUE(cluster.Do(1, SetOf(key, value)).status.ok());
    }
    cluster.Run(absl::Seconds(2));  // what nodes compare with each other at their start has ended
    cluster.lose = [this](NodeId from, NodeId to, const Message& message) {
      if (from == 1 && message.has_compare()) open_.insert(to);
      most_open = std::max(most_open, open_.size());
      if (to == 1 && message.has_compare_reply() && message.compare_reply().done()) {
        open_.erase(from);
        ++ended[from];
      }
      return from == 1 && lose && lose(message);
    };
  }

  ReplicaHarness cluster;
  std::function<bool(const Message& message)> lose;  // of what node 1 sends
  size_t most_open = 0;
  std::map<NodeId, int> ended;

 private:
  std::set<NodeId> open_;
};

TEST(LeaderlessTest, ComparesToBeSureWithOnePeerAtATimeAndWithAllInTurn) {
  Comparisons comparisons(absl::Milliseconds(100), kLongValue);
  comparisons.cluster.Run(absl::Seconds(30));
  EXPECT_EQ(comparisons.most_open, 1u);
  EXPECT_GE(comparisons.ended[2], 3);
  EXPECT_NEAR(comparisons.ended[2], comparisons.ended[3], 1);
}

TEST(LeaderlessTest, AComparisonThatGetsOnAfterALossIsNotTakenForStuck) {
  Comparisons comparisons(absl::Milliseconds(600), kLongValue);
  int first_pages = 0;
  comparisons.lose = [&first_pages](const Message& message) {
    return message.has_compare() && message.compare().first() && ++first_pages % 2 == 1;
  };
  comparisons.cluster.Run(absl::Seconds(30));
  EXPECT_EQ(comparisons.most_open, 1u);
  EXPECT_GE(comparisons.ended[2], 3);
}

TEST(LeaderlessTest, AComparisonGoesOnWhereALostSessionHasInterruptedIt) {
  for (const bool starts_anew : {false, true}) {
    Comparisons comparisons(absl::Seconds(10), kLongValue);
    std::map<NodeId, std::string> asked_after;  // by peer: the last key of what was compared before
    comparisons.cluster.alter = [&](NodeId from, NodeId to, Message* message) {
      if (from == 1 && message->has_compare()) asked_after[to] = message->compare().after_key();
    };
    while (asked_after.empty() || asked_after.begin()->second != "b") {
      comparisons.cluster.Run(absl::Milliseconds(10));
    }
    const NodeId interrupted = asked_after.begin()->first;
    bool cut = true;
    comparisons.lose = [&cut](const Message&) { return cut; };
    comparisons.cluster.Run(absl::Seconds(3));
    if (starts_anew) comparisons.cluster.Restart(interrupted);
    std::optional<std::string> first_after;
    comparisons.cluster.alter = [&](NodeId from, NodeId to, Message* message) {
      if (from != 1 || to != interrupted || !message->has_compare()) return;
      if (!first_after.has_value()) first_after = message->compare().after_key();
    };
    cut = false;
    comparisons.cluster.Run(absl::Seconds(30));
    EXPECT_EQ(first_after, starts_anew ? "" : "c") << "c came before the cut";
  }
}

TEST(LeaderlessTest, AComparisonThatNeverEndsDoesNotKeepTheOthersFromTheirTurn) {
  Comparisons comparisons(absl::Seconds(30), /*value_bytes=*/100);
  NodeId first = 0;
  comparisons.cluster.alter = [&first](NodeId from, NodeId to, Message* message) {
    if (to != 1 || !message->has_compare_reply()) return;
    if (first == 0) first = from;
    peer::v1::CompareReply* reply = message->mutable_compare_reply();
    if (from != first || !reply->done()) return;
    // As where keys are added at the end all the time.
    reply->set_done(false);
    reply->set_through_key("z" + std::to_string(reply->page() + 1000000));
  };
  comparisons.cluster.Run(absl::Minutes(70));
  EXPECT_EQ(comparisons.ended[first], 0);
  EXPECT_GE(comparisons.ended[first == 2 ? 3 : 2], 1);
}

TEST(LeaderlessTest, WhatOnlySurvivorsHoldReachesEveryone) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2},
                         [](ClusterConfig* c) { c->anti_entropy_interval = absl::Hours(1); });
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return to == 3 && message.has_replicate();
  };
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.lose = nullptr;
  cluster.Restart(1);  // the coordinator forgets that node 3 has missed it
  cluster.Run(absl::Seconds(4));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(cluster.Held(node, "a"), "1") << node;
}

// A comparison here takes at least 100 ms, so it is followed by a rest of 2 s.
TEST(LeaderlessTest, MissedWritesLeaveRestsBetweenComparisons) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  bool cut = true;
  int comparisons = 0;  // of node 3 with node 1, each one page
  cluster.lose = [&](NodeId from, NodeId to, const Message& message) {
    if (from == 3 && to == 1 && message.has_compare()) ++comparisons;
    return cut && to == 3 && message.has_replicate();
  };
  cluster.latency = absl::Milliseconds(50);
  int written = 0;
  const auto write_for = [&](absl::Duration time) {
    for (const int last = written + static_cast<int>(time / absl::Milliseconds(100));
         written < last; ++written) {
      cluster.Submit(1, SetOf("key", std::to_string(written)));
      cluster.Run(absl::Milliseconds(100));
    }
  };
  write_for(absl::Seconds(12));
  EXPECT_GE(comparisons, 3) << "it rests, but does not sleep";
  EXPECT_LE(comparisons, 7);
  // A peer that has started again is compared with at once, rest or no rest.
  const int before = comparisons;
  cluster.Restart(1);
  cluster.Run(absl::Seconds(1));
  EXPECT_GT(comparisons, before);
  cut = false;
  cluster.Run(absl::Seconds(4));
  EXPECT_EQ(cluster.Held(3, "key"), std::to_string(written - 1));
}

TEST(LeaderlessTest, WritesOfOneDrainArriveWhateverTheirSizeAndTheirPeers) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  int messages = 0;
  cluster.lose = [&messages](NodeId from, NodeId to, const Message& message) {
    messages += from == 1 && to == 2 && message.has_replicate();
    return false;
  };
  Replica& coordinator = cluster.replica(1);
  const std::string large(400 << 10, 'x');
  for (int i = 1; i <= 5; ++i) coordinator.Submit(i, SetOf(absl::StrCat("large ", i), large));
  for (int i = 6; i <= 9; ++i) coordinator.Submit(i, SetOf(absl::StrCat("small ", i), "s"));
  coordinator.Link(3, false);
  coordinator.Submit(10, SetOf("without 3", "s"));
  coordinator.Flush();
  cluster.Run(absl::Milliseconds(20));
  EXPECT_EQ(messages, 4) << "two large ones each, the fifth with the small ones, the last alone";
  for (int i = 1; i <= 10; ++i) {
    ASSERT_NE(cluster.ResultOf(i), nullptr) << i;
    EXPECT_TRUE(cluster.ResultOf(i)->status.ok()) << i;
  }
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(cluster.Held(2, absl::StrCat("large ", i)), large);
  for (int i = 6; i <= 9; ++i) EXPECT_EQ(cluster.Held(2, absl::StrCat("small ", i)), "s");
  EXPECT_EQ(cluster.Held(2, "without 3"), "s");
}

TEST(LeaderlessTest, ARestartedNodeAnswersNothingBeforeItHasCompared) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.lose = [](NodeId, NodeId, const Message& message) { return message.has_compare_reply(); };
  cluster.Restart(3);
  cluster.Run(absl::Seconds(2));
  Operation local = GetOf("a");
  local.kind = OperationKind::kLocalRead;
  EXPECT_EQ(cluster.Do(3, local).status.code(), absl::StatusCode::kUnavailable);
  const OperationResult write = cluster.Do(3, SetOf("b", "2"));
  EXPECT_EQ(write.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(write.may_have_applied);
  Operation all = SetOf("c", "3");
  all.w = 3;
  EXPECT_TRUE(cluster.Do(1, all).status.ok()) << "it takes and acknowledges writes";
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(2));
  EXPECT_EQ(ValueOf(cluster.Do(3, local)), "1");
}

TEST(LeaderlessTest, ARestartedNodePullsEachRecordOnceThoughAllPeersHoldIt) {
  constexpr int kRecords = 50;
  ReplicaHarness cluster(Leaderless::kName, {5, 3, 3});
  for (int i = 0; i < kRecords; ++i) {
    ASSERT_TRUE(cluster.Do(1, SetOf(absl::StrCat("k", i), "v")).status.ok());
  }
  cluster.Run(absl::Seconds(1));
  cluster.Restart(3);
  cluster.Run(absl::Seconds(20));
  EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kServing);
  EXPECT_EQ(cluster.Held(3, "k7"), "v");
  EXPECT_EQ(cluster.replica(3).Status().counters.at("records_pulled"), uint64_t{kRecords});
}

TEST(LeaderlessTest, APeerThatDoesNotAnswerKeepsNobodyFromTheOthers) {
  ReplicaHarness cluster(Leaderless::kName, {5, 3, 3});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.Run(absl::Seconds(1));
  cluster.lose = [](NodeId from, NodeId, const Message& message) {
    return from == 1 && message.has_compare_reply();
  };
  cluster.Restart(3);
  cluster.Run(absl::Seconds(20));
  EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kServing);
  EXPECT_EQ(cluster.Held(3, "a"), "1");
}

TEST(LeaderlessTest, AWriteWhoseReplicasAreLostIsUnknownAtOnce) {
  ReplicaHarness cluster(Leaderless::kName, {3, 3, 1});
  cluster.lose = [](NodeId from, NodeId to, const Message& message) {
    return to == 3 || from == 3 ? !message.has_replicate() : false;
  };
  Operation write = SetOf("a", "1");
  write.timeout = absl::Seconds(30);
  const OperationId id = cluster.Submit(1, write);
  cluster.Run(absl::Seconds(3));
  ASSERT_NE(cluster.ResultOf(id), nullptr);
  EXPECT_EQ(cluster.ResultOf(id)->status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(cluster.ResultOf(id)->may_have_applied);
  EXPECT_EQ(cluster.ResultOf(id)->answers, 2);
}

TEST(LeaderlessTest, DeletesLeaveATombstoneWithAContext) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  ASSERT_TRUE(cluster.Do(2, DeleteOf("a")).status.ok());
  const OperationResult read = cluster.Do(3, GetOf("a"));
  ASSERT_TRUE(read.record.has_value());
  EXPECT_TRUE(read.record->Winner()->tombstone);
  EXPECT_EQ(read.record->version.Number(), 2u);
}

TEST(LeaderlessTest, TheContextOfAWriteCoversOnlyWhatItsWriterHasSeen) {
  ReplicaHarness cluster(Leaderless::kName, {3, 3, 1});
  const OperationResult start = cluster.Do(1, SetOf("a", "start"));
  const std::string both_read = ContextToken("a", SeenBy(start));
  Operation first = SetOf("a", "first");
  first.context = both_read;
  ASSERT_TRUE(cluster.Do(1, first).status.ok());
  Operation second = SetOf("a", "second");
  second.context = both_read;
  const OperationResult beside = cluster.Do(1, second);
  Operation third = SetOf("a", "third");
  third.context = ContextToken("a", SeenBy(beside));
  ASSERT_TRUE(cluster.Do(1, third).status.ok());
  EXPECT_THAT(cluster.Held(1, "a"), testing::HasSubstr("first")) << "nobody has seen it yet";
}

// A value that its writer has not seen stays beside it; its own earlier ones do not.
TEST(LeaderlessTest, AChainOfWritesReplacesItsOwnLinks) {
  ReplicaHarness cluster(Leaderless::kName, {3, 3, 1});
  Operation write = SetOf("a", "start");
  const std::string start = ContextToken("a", SeenBy(cluster.Do(1, write)));
  write = SetOf("a", "beside");
  write.context = start;
  ASSERT_TRUE(cluster.Do(2, write).status.ok());
  std::string context = start;
  for (int i = 0; i < 3; ++i) {
    write = SetOf("a", std::to_string(i));
    write.context = context;
    const OperationResult link = cluster.Do(1, write);
    ASSERT_TRUE(link.status.ok()) << link.status;
    context = ContextToken("a", SeenBy(link));
  }
  EXPECT_THAT(cluster.Held(1, "a"), testing::AnyOf("beside|2", "2|beside"));
}

TEST(LeaderlessTest, AnAcknowledgementOfAnEarlierLifeDoesNotCount) {
  ReplicaHarness cluster(Leaderless::kName, {5, 3, 3});
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return to != 2 && message.has_replicate();
  };
  Operation write = SetOf("a", "1");
  write.timeout = absl::Seconds(30);
  const OperationId id = cluster.Submit(1, write);
  cluster.Run(absl::Milliseconds(50));
  EXPECT_EQ(cluster.Held(2, "a"), "1");
  cluster.Crash(2);
  cluster.Run(absl::Seconds(2));
  // One of the other three may still answer, but all of them are needed now; cut one off.
  EXPECT_EQ(cluster.ResultOf(id), nullptr);
  cluster.Crash(3);
  cluster.Crash(4);
  cluster.Run(absl::Seconds(2));
  ASSERT_NE(cluster.ResultOf(id), nullptr);
  EXPECT_EQ(cluster.ResultOf(id)->status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cluster.ResultOf(id)->answers, 1) << "node 2 has forgotten what it acknowledged";
}

// The acknowledgement of node 2 is on its way for so long that the node has died and serves again,
// without the write, when a third replica has got it. Greetings of its new life do not get through.
TEST(LeaderlessTest, AnAcknowledgementThatArrivesLateDoesNotCountForLonger) {
  ReplicaHarness cluster(Leaderless::kName, {5, 3, 3});
  bool cut = false;
  cluster.lose = [&](NodeId from, NodeId to, const Message& message) {
    cluster.latency = absl::Milliseconds(1);
    if (message.has_replicate_ack() && from == 2) cluster.latency = absl::Milliseconds(900);
    if (message.has_replicate() && to == 3) cluster.latency = absl::Milliseconds(1800);
    if (cut && from + to == 1 + 2) return true;
    return (message.has_replicate() && to > 3) || (message.has_compare_reply() && from == 1);
  };
  Operation write = SetOf("a", "1");
  write.timeout = absl::Seconds(30);
  const OperationId id = cluster.Submit(1, write);
  cluster.Run(absl::Milliseconds(5));
  EXPECT_EQ(cluster.Held(2, "a"), "1");
  cut = true;
  cluster.Restart(2);
  cluster.Run(absl::Milliseconds(1750));
  EXPECT_TRUE(cluster.replica(2).KnowsItsPast());
  EXPECT_EQ(cluster.Held(2, "a"), "(none)");
  EXPECT_EQ(cluster.Held(3, "a"), "(none)");
  cluster.Run(absl::Milliseconds(100));
  EXPECT_EQ(cluster.Held(3, "a"), "1");
  EXPECT_EQ(cluster.ResultOf(id), nullptr) << "nodes 2, 4 and 5 answer reads and do not have it";
}

TEST(LeaderlessTest, AForgedContextHurtsNobody) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  for (NodeId node = 1; node <= 2; ++node) {
    Version forged;
    for (uint64_t i = 1; i <= Version::kMaxEntries; ++i) forged.Add(Dot{{node * 10000, i}, 1});
    Operation write = SetOf("a", "x");
    write.context = ContextToken("a", forged);
    const OperationResult refused = cluster.Do(node, write);
    EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition) << refused.status;
    EXPECT_FALSE(refused.may_have_applied);
  }
  EXPECT_TRUE(cluster.Do(1, SetOf("a", "fine")).status.ok());
  Operation foreign = SetOf("a", "x");
  foreign.context = ContextToken("a", Version::Sequenced(1, 1));
  EXPECT_EQ(cluster.Do(1, foreign).status.code(), absl::StatusCode::kInvalidArgument);
}

// A node that starts with data from a clock far ahead refuses to write over that, and no more.
class FarClockTest : public testing::TestWithParam<WriteMode> {};

INSTANTIATE_TEST_SUITE_P(WriteModes, FarClockTest,
                         testing::Values(WriteMode::kPlain, WriteMode::kLinearizable));

TEST_P(FarClockTest, IsNotSpread) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2}, [](ClusterConfig* config) {
    config->write_mode = GetParam();
    config->durability = Durability::kSynced;
    config->max_clock_skew = absl::Seconds(10);
  });
  cluster.alter = [](NodeId, NodeId, peer::v1::Message* message) {
    if (!message->has_replicate()) return;
    for (peer::v1::LogEntry& entry : *message->mutable_replicate()->mutable_entries()) {
      Record record = *Record::Decode(entry.record());
      for (Sibling& sibling : record.siblings) sibling.clock += 3'600'000'000;  // an hour
      entry.set_record(record.Encode());
    }
  };
  ASSERT_TRUE(cluster.Do(1, SetOf("k", "v")).status.ok());
  cluster.Run(absl::Milliseconds(50));
  cluster.alter = nullptr;
  ASSERT_TRUE(cluster.Do(1, SetOf("other", "v")).status.ok());
  // The others are as they were when this one has lost what it knew of clocks, but not its data.
  cluster.lose = [](NodeId, NodeId to, const peer::v1::Message& message) {
    if (!message.has_compare_reply() || to != 2) return false;
    for (const peer::v1::LogEntry& entry : message.compare_reply().records()) {
      if (entry.key() == "k") return true;
    }
    return false;
  };
  cluster.RestartWithData(2);
  cluster.Run(absl::Seconds(5));
  const OperationResult over = cluster.Do(2, SetOf("k", "new"));
  EXPECT_EQ(over.status.code(), absl::StatusCode::kUnavailable) << over.status;
  EXPECT_FALSE(over.may_have_applied);
  const OperationResult elsewhere = cluster.Do(2, SetOf("another", "v"));
  EXPECT_TRUE(elsewhere.status.ok()) << elsewhere.status;
}

TEST(LeaderlessTest, RefusesMoreThanTheLimitOfSiblings) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2});
  Version stranger;  // a context that covers nothing of the key
  stranger.Add(Dot{{77, 1}, 1});
  Operation write = SetOf("a", "x");
  write.context = ContextToken("a", stranger);
  for (size_t i = 0; i < Leaderless::kMaxSiblings; ++i) {
    ASSERT_TRUE(cluster.Do(1, write).status.ok()) << i;
  }
  const OperationResult refused = cluster.Do(1, write);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(refused.may_have_applied);
  EXPECT_TRUE(cluster.Do(1, SetOf("a", "settled")).status.ok());
}

void Linearizable(ClusterConfig* config) { config->write_mode = WriteMode::kLinearizable; }

TEST(LinearizableTest, IsNoMatterOfOneRequest) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2}, Linearizable);
  EXPECT_TRUE(cluster.replica(1).Promise().linearizable);
  Operation write = SetOf("a", "1");
  write.w = 3;
  const OperationResult refused = cluster.Do(1, write);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(refused.may_have_applied);
  Operation read = GetOf("a");
  read.r = 1;
  EXPECT_EQ(cluster.Do(1, read).status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(cluster.Held(1, "a"), "(none)");
}

TEST(LinearizableTest, AReadThatAsksForItIsRefusedElsewhere) {
  Operation read = GetOf("a");
  read.linearizable = true;
  ReplicaHarness plain(Leaderless::kName, {3, 2, 2});
  const OperationResult refused = plain.Do(1, read);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status.message()), testing::HasSubstr("--write_mode"));
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2}, Linearizable);
  EXPECT_TRUE(cluster.Do(1, read).status.ok());
}

TEST(LinearizableTest, WritesReadsAndDeletes) {
  for (const int n : {1, 3, 5}) {
    ReplicaHarness cluster(Leaderless::kName, {n, Majority(n), Majority(n)}, Linearizable);
    EXPECT_EQ(ValueOf(cluster.Do(1, GetOf("a"))), "(none)");
    ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
    const OperationResult second = cluster.Do(n, SetOf("a", "2"));
    ASSERT_TRUE(second.status.ok()) << second.status;
    EXPECT_EQ(second.answers, Majority(n));
    const OperationResult read = cluster.Do(1, GetOf("a"));
    EXPECT_EQ(ValueOf(read), "2");
    EXPECT_EQ(read.required, Majority(n));
    ASSERT_TRUE(cluster.Do(1, DeleteOf("a")).status.ok());
    EXPECT_EQ(ValueOf(cluster.Do(n, GetOf("a"))), "(tombstone)");
  }
}

TEST(LinearizableTest, AReadMakesSureOfWhatItReturns) {
  ReplicaHarness cluster(Leaderless::kName, {5, 3, 3}, Linearizable);
  // The write reaches node 2 alone.
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return message.has_replicate() && to != 2;
  };
  const OperationResult write = cluster.Do(1, SetOf("a", "1"));
  EXPECT_TRUE(write.may_have_applied) << write.status;
  // A read that sees it cannot make sure of it, and says so.
  Operation read = GetOf("a");
  const OperationResult unsure = cluster.Do(2, read);
  EXPECT_FALSE(unsure.status.ok());
  EXPECT_FALSE(unsure.may_have_applied);
  EXPECT_THAT(std::string(unsure.status.message()), testing::HasSubstr("what the read found"));
  cluster.lose = nullptr;
  EXPECT_EQ(ValueOf(cluster.Do(2, GetOf("a"))), "1");
  int holders = 0;
  for (NodeId node = 1; node <= 5; ++node) holders += cluster.Held(node, "a") == "1" ? 1 : 0;
  EXPECT_GE(holders, 3);
  EXPECT_GE(cluster.replica(2).Status().counters.at("read_write_backs"), 1u);
}

TEST(LinearizableTest, AWriteComesAfterWhatItFindsAndReplacesIt) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2}, Linearizable);
  const OperationResult first = cluster.Do(1, SetOf("a", "1"));
  ASSERT_TRUE(first.status.ok());
  // Two coordinators at once: both find "1", neither finds the other.
  const OperationId left = cluster.Submit(2, SetOf("a", "left"));
  const OperationId right = cluster.Submit(3, SetOf("a", "right"));
  cluster.Run(absl::Milliseconds(20));
  ASSERT_TRUE(cluster.ResultOf(left) != nullptr && cluster.ResultOf(right) != nullptr);
  EXPECT_TRUE(first.order < cluster.ResultOf(left)->order);
  const bool right_wins = cluster.ResultOf(left)->order < cluster.ResultOf(right)->order;
  const OperationResult read = cluster.Do(1, GetOf("a"));
  EXPECT_EQ(ValueOf(read), right_wins ? "right" : "left");
  EXPECT_EQ(read.record->siblings.size(), 1u) << "a register has one value";
  Operation last = SetOf("a", "last");
  last.context = ContextToken("a", first.record->version);  // says nothing here
  ASSERT_TRUE(cluster.Do(2, last).status.ok());
  cluster.Run(absl::Milliseconds(20));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(cluster.Held(node, "a"), "last");
}

TEST(LinearizableTest, AReplicaThatIsLostAfterItsAnswerHoldsNothingForSure) {
  ReplicaHarness cluster(Leaderless::kName, {5, 3, 3}, [](ClusterConfig* config) {
    Linearizable(config);
    config->read_all = true;
  });
  // Nodes 1 and 2 have the value, 3 to 5 do not, and 3 to 5 keep silent until 2 is gone.
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return message.has_replicate() && to != 2;
  };
  EXPECT_TRUE(cluster.Do(1, SetOf("a", "1")).may_have_applied);
  cluster.lose = [](NodeId from, NodeId, const Message& message) {
    return (message.has_read_reply() && from != 2) || message.has_compare();
  };
  Operation read = GetOf("a");
  read.timeout = absl::Seconds(20);
  const OperationId id = cluster.Submit(1, read);
  cluster.Run(absl::Milliseconds(10));
  cluster.Crash(2);
  cluster.Run(absl::Seconds(2));
  ASSERT_EQ(cluster.ResultOf(id), nullptr);
  cluster.lose = [](NodeId, NodeId, const Message& message) { return message.has_compare(); };
  cluster.Run(absl::Seconds(4));
  ASSERT_NE(cluster.ResultOf(id), nullptr);
  ASSERT_TRUE(cluster.ResultOf(id)->status.ok()) << cluster.ResultOf(id)->status;
  EXPECT_EQ(ValueOf(*cluster.ResultOf(id)), "1");
  int holders = 0;
  for (const NodeId node : {1, 3, 4, 5}) holders += cluster.Held(node, "a") == "1" ? 1 : 0;
  EXPECT_GE(holders, 3) << "without the lost one";
}

TEST(LinearizableTest, ANodeThatMayHaveForgottenCountsForNothing) {
  ReplicaHarness cluster(Leaderless::kName, {3, 2, 2}, Linearizable);
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.Run(absl::Seconds(1));
  cluster.lose = [](NodeId from, NodeId to, const Message& message) {
    return message.has_compare() || from == 3 || to == 3;
  };
  cluster.Restart(2);
  cluster.Run(absl::Seconds(3));  // node 2 is back, and syncing; node 3 cannot be reached
  const OperationResult write = cluster.Do(1, SetOf("a", "2"));
  EXPECT_FALSE(write.status.ok()) << "node 1 and one that may have forgotten are no majority";
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(6));
  ASSERT_TRUE(cluster.Do(2, SetOf("a", "3")).status.ok());
}

}  // namespace
}  // namespace quorate
