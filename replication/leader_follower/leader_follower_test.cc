#include "replication/leader_follower/leader_follower.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/replica_harness.h"
#include "replication/storage/record.h"
#include "replication/storage/version.h"

namespace quorate {
namespace {

using peer::v1::Forward;
using peer::v1::Message;

TEST(LeaderFollowerTest, NumbersGrowByOneInOneEpoch) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
  const OperationResult first = cluster.Do(1, SetOf("a", "1"));
  const OperationResult second = cluster.Do(2, SetOf("b", "2"));  // forwarded
  ASSERT_TRUE(first.status.ok()) << first.status;
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_EQ(first.record->version.number(), 1u);
  EXPECT_EQ(second.record->version.number(), 2u);
  EXPECT_EQ(first.record->version.epoch(), second.record->version.epoch());
  EXPECT_EQ(second.node, 1u);
  cluster.Run(absl::Seconds(1));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(cluster.Held(node, "b"), "2");
}

TEST(LeaderFollowerTest, AFollowerAsksForWhatWasLost) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 3, 1});
  int lost = 0;
  cluster.lose = [&lost](NodeId, NodeId to, const Message& message) {
    return to == 3 && message.has_replicate() && ++lost == 1;
  };
  const OperationResult result = cluster.Do(1, SetOf("a", "1"));
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.answers, 3);
  EXPECT_GE(lost, 2);
  EXPECT_GE(cluster.replica(1).Status().counters.at("entries_resent"), 1u);
}

TEST(LeaderFollowerTest, AFollowerAppliesOnlyItsNextNumber) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 1, 1});
  bool lost = false;
  cluster.lose = [&lost](NodeId, NodeId to, const Message& message) {
    if (to != 3 || !message.has_replicate() || lost) return false;
    return lost = true;
  };
  cluster.Submit(1, SetOf("a", "1"));
  cluster.Submit(1, SetOf("b", "2"));
  cluster.Run(absl::Milliseconds(1));
  EXPECT_EQ(cluster.Held(3, "b"), "(none)") << "number 1 is missing, so 2 waits";
  cluster.Run(absl::Seconds(1));
  EXPECT_EQ(cluster.Held(3, "a"), "1");
  EXPECT_EQ(cluster.Held(3, "b"), "2");
}

Operation LinearizableGetOf(const std::string& key) {
  Operation operation = GetOf(key);
  operation.linearizable = true;
  return operation;
}

TEST(LinearizableReadTest, AnyNodeGetsItFromTheLeader) {
  for (const int w : {1, 2, 3}) {
    ReplicaHarness cluster(LeaderFollower::kName, {3, w, 1});
    EXPECT_EQ(ValueOf(cluster.Do(2, LinearizableGetOf("a"))), "(none)");
    ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
    for (NodeId node = 1; node <= 3; ++node) {
      const OperationResult read = cluster.Do(node, LinearizableGetOf("a"));
      ASSERT_TRUE(read.status.ok()) << read.status;
      EXPECT_EQ(ValueOf(read), "1");
      EXPECT_EQ(read.node, 1u);
      EXPECT_EQ(read.order.minor, 1u);
      EXPECT_EQ(read.required, w);
    }
    ASSERT_TRUE(cluster.Do(2, DeleteOf("a")).status.ok());
    EXPECT_EQ(ValueOf(cluster.Do(3, LinearizableGetOf("a"))), "(tombstone)");
  }
}

TEST(LinearizableReadTest, DoesNotGoWithR) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 1});
  Operation read = LinearizableGetOf("a");
  read.r = 2;
  EXPECT_EQ(cluster.Do(1, read).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(LinearizableReadTest, NeedsWThatStillFollowTheLeader) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  int asked = 0;
  cluster.lose = [&asked](NodeId, NodeId, const Message& message) {
    asked += message.has_confirm_epoch() ? 1 : 0;
    return message.has_confirm_epoch();
  };
  const OperationResult read = cluster.Do(1, LinearizableGetOf("a"));
  EXPECT_EQ(read.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(read.status.message()), testing::HasSubstr("still follow"));
  EXPECT_GT(asked, 4) << "questions may be lost, so they are asked again";
  cluster.Run(absl::Seconds(1));
  const int before = asked;
  cluster.Run(absl::Seconds(1));
  EXPECT_EQ(asked, before) << "nobody waits any more";
  cluster.lose = nullptr;
  EXPECT_EQ(ValueOf(cluster.Do(1, LinearizableGetOf("a"))), "1");
}

TEST(LinearizableReadTest, NeedsNoWayFromTheFollowersToTheLeader) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 1});
  for (const NodeId follower : {2, 3}) {
    cluster.replica(follower).Link(1, false);
    cluster.replica(follower).Flush();
  }
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  const OperationResult read = cluster.Do(1, LinearizableGetOf("a"));
  EXPECT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(ValueOf(read), "1");
}

TEST(LinearizableReadTest, WaitsUntilWHoldWhatItReturns) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 1});
  cluster.lose = [](NodeId, NodeId, const Message& message) { return message.has_replicate(); };
  const OperationId write = cluster.Submit(1, SetOf("a", "1"));
  const OperationId read = cluster.Submit(1, LinearizableGetOf("a"));
  const OperationId plain = cluster.Submit(1, GetOf("a"));
  cluster.Run(absl::Milliseconds(50));
  ASSERT_NE(cluster.ResultOf(plain), nullptr);
  EXPECT_EQ(ValueOf(*cluster.ResultOf(plain)), "1") << "a read at R=1 shows it already";
  EXPECT_EQ(cluster.ResultOf(read), nullptr);
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(1));
  ASSERT_NE(cluster.ResultOf(write), nullptr);
  ASSERT_NE(cluster.ResultOf(read), nullptr);
  EXPECT_EQ(ValueOf(*cluster.ResultOf(read)), "1");
}

TEST(LinearizableReadTest, ReadsThatComeTogetherShareAQuestion) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  int asked = 0;
  cluster.lose = [&asked](NodeId, NodeId, const Message& message) {
    asked += message.has_confirm_epoch() ? 1 : 0;
    return false;
  };
  std::vector<OperationId> reads;
  for (int i = 0; i < 100; ++i) reads.push_back(cluster.Submit(1, LinearizableGetOf("a")));
  cluster.Run(absl::Milliseconds(50));
  for (const OperationId id : reads) {
    ASSERT_NE(cluster.ResultOf(id), nullptr);
    EXPECT_EQ(ValueOf(*cluster.ResultOf(id)), "1");
  }
  EXPECT_LE(asked, 2 * 2) << "of two followers";
}

TEST(LinearizableReadTest, IsRefusedWithoutTheLeaderAndChangesNothing) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.Run(absl::Milliseconds(50));
  const OperationId under_way = [&cluster] {
    cluster.lose = [](NodeId, NodeId, const Message& message) {
      return message.has_forward_reply();
    };
    return cluster.Submit(2, LinearizableGetOf("a"));
  }();
  cluster.Run(absl::Milliseconds(10));
  cluster.Crash(1);
  cluster.Run(absl::Seconds(3));
  ASSERT_NE(cluster.ResultOf(under_way), nullptr);
  EXPECT_FALSE(cluster.ResultOf(under_way)->status.ok());
  EXPECT_FALSE(cluster.ResultOf(under_way)->may_have_applied) << "it is a read";
  const OperationResult refused = cluster.Do(2, LinearizableGetOf("a"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.leader, 1u);
}

TEST(LeaderFollowerTest, AFollowerBehindTheWindowCatchesUp) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2},
                         [](ClusterConfig* config) { config->max_window_bytes = 500; });
  bool cut = true;
  cluster.lose = [&cut](NodeId, NodeId to, const Message& message) {
    return cut && to == 3 && message.has_replicate();
  };
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(cluster.Do(1, SetOf("key" + std::to_string(i), "value")).status.ok());
  }
  EXPECT_EQ(cluster.Held(3, "key0"), "(none)");
  cut = false;
  cluster.Run(absl::Seconds(2));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(cluster.Held(3, "key" + std::to_string(i)), "value") << i;
  }
  EXPECT_EQ(cluster.replica(3).Status().applied_number, 100u);
  EXPECT_GE(cluster.replica(3).Status().counters.at("records_pulled"), 90u);
}

// Doubling patience would take over 63 times the first wait.
TEST(LeaderFollowerTest, WhatIsLostIsNoReasonForPatience) {
  for (const bool request : {true, false}) {
    ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
    ASSERT_TRUE(cluster.Do(1, SetOf("k", "v")).status.ok());
    int lost = 0;
    cluster.lose = [&](NodeId from, NodeId to, const Message& message) {
      const bool of_page =
          request ? from == 3 && message.has_compare() : to == 3 && message.has_compare_reply();
      return of_page && lost < 6 && ++lost > 0;
    };
    cluster.Restart(3);
    cluster.Run(absl::Seconds(5));
    EXPECT_EQ(lost, 6);
    EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kServing);
    EXPECT_EQ(cluster.Held(3, "k"), "v");
  }
}

TEST(LeaderFollowerTest, CatchUpGoesOnAfterASessionIsLost) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
  for (int i = 0; i < 2500; ++i) cluster.Submit(1, SetOf("key" + std::to_string(i), "value"));
  cluster.Run(absl::Seconds(2));
  int pages = 0;
  cluster.lose = [&pages](NodeId from, NodeId to, const Message& message) {
    if (message.has_compare_reply() && to == 3) ++pages;
    return pages > 1 && (from == 3 || to == 3);
  };
  cluster.Restart(3);
  cluster.Run(absl::Seconds(4));
  EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kSyncing);
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(4));
  EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kServing);
  for (int i = 0; i < 2500; ++i) {
    ASSERT_EQ(cluster.Held(3, "key" + std::to_string(i)), "value") << i;
  }
}

TEST(LeaderFollowerTest, NumbersDoNotGoBackBelowWhatAFollowerBringsLater) {
  ReplicaHarness cluster(LeaderFollower::kName, {5, 3, 3});
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return to != 5 && message.has_replicate();
  };
  for (int i = 0; i < 20; ++i) cluster.Submit(1, SetOf("a", std::to_string(i)));
  cluster.Run(absl::Seconds(4));
  EXPECT_EQ(cluster.Held(5, "a"), "19");
  cluster.lose = [](NodeId from, NodeId to, const Message&) { return from == 5 || to == 5; };
  cluster.Restart(1);
  cluster.Run(absl::Seconds(3));
  const OperationResult early = cluster.Do(1, SetOf("b", "1"));
  ASSERT_TRUE(early.status.ok());
  EXPECT_LT(early.record->version.number(), 20u);
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(3));
  const OperationResult late = cluster.Do(1, SetOf("a", "new"));
  ASSERT_TRUE(late.status.ok()) << late.status;
  EXPECT_GT(late.record->version.number(), 20u);
  cluster.Run(absl::Seconds(3));
  for (NodeId node = 1; node <= 5; ++node) {
    EXPECT_EQ(cluster.Held(node, "a"), "new") << node;
    EXPECT_EQ(cluster.Held(node, "b"), "1") << node;
  }
}

// The same where what it brings is of a higher epoch, above which the leader takes another one.
TEST(LeaderFollowerTest, NumbersDoNotGoBackInAHigherEpoch) {
  ReplicaHarness cluster(LeaderFollower::kName, {5, 3, 3});
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return to != 5 && message.has_replicate();
  };
  for (int i = 0; i < 20; ++i) cluster.Submit(1, SetOf("a", std::to_string(i)));
  cluster.Run(absl::Seconds(4));
  cluster.lose = [](NodeId from, NodeId to, const Message&) { return from == 5 || to == 5; };
  cluster.Restart(1);
  cluster.Run(absl::Seconds(3));
  cluster.lose = nullptr;
  bool altered = false;
  cluster.alter = [&altered](NodeId from, NodeId to, Message* message) {
    if (from != 5 || to != 1 || !message->has_compare_reply()) return;
    for (peer::v1::LogEntry& entry : *message->mutable_compare_reply()->mutable_records()) {
      const Record record = *Record::Decode(entry.record());
      entry.set_record(Record::Sequenced(record.version.epoch() + (uint64_t{8} << 32),
                                         record.version.number(), /*tombstone=*/false, "of 5")
                           .Encode());
      altered = true;
    }
  };
  cluster.Run(absl::Seconds(3));
  ASSERT_TRUE(altered);
  const OperationResult late = cluster.Do(1, SetOf("a", "new"));
  ASSERT_TRUE(late.status.ok()) << late.status;
  EXPECT_GT(late.record->version.number(), 20u);
}

TEST(LeaderFollowerTest, ABrokenPeerSpoilsNobodyForGood) {
  using Spoiler = std::function<void(NodeId, Message*)>;
  std::vector<Spoiler> spoilers;
  for (const uint64_t epoch :
       {Version::kMaxEpoch - 1, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} << 32}) {
    spoilers.push_back([epoch](NodeId to, Message* message) {
      if (to != 3 || !message->has_ping() || !message->ping().has_leader()) return;
      message->mutable_ping()->mutable_leader()->set_epoch(epoch);
    });
    spoilers.push_back([epoch](NodeId to, Message* message) {
      if (to == 1 && message->has_pong()) message->mutable_pong()->set_highest_epoch(epoch);
    });
  }
  for (const uint64_t number : {Version::kMaxNumber - 1, Version::kMaxNumber - 2}) {
    spoilers.push_back([number](NodeId to, Message* message) {
      if (to != 1 || !message->has_compare_reply()) return;
      peer::v1::LogEntry* entry = message->mutable_compare_reply()->add_records();
      entry->set_key("broken");
      entry->set_record(Record::Sequenced(1, number, /*tombstone=*/false, "v").Encode());
    });
  }
  for (const Spoiler& spoil : spoilers) {
    ReplicaHarness cluster(LeaderFollower::kName, {3, 3, 3});
    cluster.alter = [&spoil](NodeId, NodeId to, Message* message) { spoil(to, message); };
    cluster.Run(absl::Seconds(1));
    cluster.Restart(1);
    cluster.Run(absl::Seconds(2));
    cluster.alter = nullptr;
    cluster.Run(absl::Seconds(3));
    for (int i = 0; i < 3; ++i) {
      const OperationResult write = cluster.Do(1, SetOf("k", std::to_string(i)));
      EXPECT_TRUE(write.status.ok()) << write.status;
    }
    EXPECT_EQ(ValueOf(cluster.Do(2, GetOf("k"))), "2");
    EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kServing);
  }
}

TEST(LeaderFollowerTest, ARestartedLeaderRecoversFromItsFollowers) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
  const OperationResult before = cluster.Do(1, SetOf("a", "1"));
  cluster.Restart(1);
  const OperationResult refused = cluster.Do(1, SetOf("a", "2"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(refused.may_have_applied);
  cluster.Run(absl::Seconds(2));
  EXPECT_EQ(ValueOf(cluster.Do(1, GetOf("a"))), "1");
  const OperationResult after = cluster.Do(1, SetOf("a", "2"));
  ASSERT_TRUE(after.status.ok()) << after.status;
  EXPECT_GT(after.record->version.epoch(), before.record->version.epoch());
  EXPECT_GT(after.record->version.number(), before.record->version.number());
  cluster.Run(absl::Seconds(1));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(cluster.Held(node, "a"), "2");
}

TEST(LeaderFollowerTest, ARestartedLeaderPullsEachRecordOnceThoughAllFollowersHoldIt) {
  constexpr int kRecords = 50;
  ReplicaHarness cluster(LeaderFollower::kName, {5, 3, 3});
  for (int i = 0; i < kRecords; ++i) {
    ASSERT_TRUE(cluster.Do(1, SetOf("key" + std::to_string(i), "value")).status.ok());
  }
  cluster.Run(absl::Seconds(1));
  cluster.Restart(1);
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.replica(1).Status().state, ReplicaState::kServing);
  EXPECT_EQ(cluster.Held(1, "key7"), "value");
  EXPECT_EQ(cluster.replica(1).Status().counters.at("records_pulled"), uint64_t{kRecords});
}

TEST(LeaderFollowerTest, ARecordThatOnlyAFollowerHoldsIsTakenOver) {
  ReplicaHarness cluster(LeaderFollower::kName, {5, 3, 3});
  cluster.lose = [](NodeId, NodeId to, const Message& message) {
    return to != 5 && message.has_replicate();
  };
  Operation write = SetOf("a", "unknown");
  write.timeout = absl::Milliseconds(300);
  const OperationResult unknown = cluster.Do(1, write);
  EXPECT_EQ(unknown.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(unknown.may_have_applied);
  EXPECT_EQ(cluster.Held(5, "a"), "unknown");
  // The leader forgets it, and takes its new epoch without hearing node 5.
  cluster.lose = [](NodeId from, NodeId to, const Message&) { return from == 5 || to == 5; };
  cluster.Restart(1);
  cluster.Run(absl::Seconds(3));
  ASSERT_TRUE(cluster.Do(1, SetOf("b", "2")).status.ok());
  EXPECT_EQ(ValueOf(cluster.Do(1, GetOf("a"))), "(none)");
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(3));
  for (NodeId node = 1; node <= 5; ++node) EXPECT_EQ(cluster.Held(node, "a"), "unknown") << node;
}

TEST(LeaderFollowerTest, ALeaderWritesOnlyAfterEnoughFollowersHaveAdoptedItsEpoch) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  const uint64_t epoch = cluster.replica(1).Status().epoch;
  // Pongs that tell of a new epoch are lost.
  cluster.lose = [epoch](NodeId, NodeId to, const Message& message) {
    return to == 1 && message.has_pong() && message.pong().highest_epoch() > epoch;
  };
  cluster.Restart(1);
  cluster.Run(absl::Milliseconds(800));
  EXPECT_EQ(cluster.replica(1).Status().state, ReplicaState::kRecovering);
  EXPECT_FALSE(cluster.Do(1, SetOf("a", "2")).status.ok());
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(2));
  EXPECT_EQ(cluster.replica(1).Status().state, ReplicaState::kServing);
  EXPECT_TRUE(cluster.Do(1, SetOf("a", "2")).status.ok());
}

// In an epoch that only it and a lost follower know, a leader that starts anew, and hears the other
// follower alone, could take an epoch below that one, and its later writes would be replaced.
TEST(LeaderFollowerTest, WritesForFewerThanWNeedAnEpochThatTheNextLifeHearsOf) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 3, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "before")).status.ok());
  NodeId away = 3;
  cluster.lose = [&away](NodeId from, NodeId to, const Message&) {
    return from == away || to == away;
  };
  Operation of_two = SetOf("a", "after");
  of_two.w = 2;
  for (const NodeId cut_off : {3, 2}) {
    away = cut_off;
    cluster.Restart(1);
    cluster.Run(absl::Seconds(3));
    EXPECT_EQ(cluster.replica(1).Status().state, ReplicaState::kServing);
    const OperationResult refused = cluster.Do(1, of_two);
    EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_FALSE(refused.may_have_applied);
    EXPECT_EQ(ValueOf(cluster.Do(1, GetOf("a"))), "before");
  }
  away = 0;
  cluster.Run(absl::Seconds(3));
  // From now on that does not depend on who is there.
  away = 3;
  cluster.Run(absl::Seconds(3));
  EXPECT_TRUE(cluster.Do(1, of_two).status.ok());
  EXPECT_FALSE(cluster.Do(1, SetOf("a", "too few")).status.ok());
}

TEST(LeaderFollowerTest, ASlowPathIsCaughtUpOver) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2},
                         [](ClusterConfig* c) { c->peer_timeout = absl::Seconds(20); });
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.latency = absl::Milliseconds(700);
  cluster.Restart(3);
  cluster.Run(absl::Seconds(20));
  EXPECT_EQ(cluster.replica(3).Status().state, ReplicaState::kServing);
  EXPECT_EQ(cluster.Held(3, "a"), "1");
}

TEST(LeaderFollowerTest, SlowAcknowledgementsAreNoReasonToSendAgain) {
  ReplicaHarness cluster("leader_follower", {3, 3, 1});
  cluster.latency = absl::Milliseconds(200);
  const auto write_for = [&cluster](absl::Duration time) {
    for (absl::Duration passed; passed < time; passed += absl::Milliseconds(10)) {
      Operation write = SetOf("k", "v");
      write.timeout = absl::Seconds(10);
      cluster.Submit(1, write);
      cluster.Run(absl::Milliseconds(10));
    }
    return cluster.replica(1).Status().counters.at("entries_resent");
  };
  const uint64_t learned = write_for(absl::Seconds(20));
  EXPECT_EQ(write_for(absl::Seconds(20)), learned);
}

TEST(LeaderFollowerTest, AcknowledgementsOfWhatWasSentAgainTellNoTime) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 3, 1});
  cluster.latency = absl::Milliseconds(200);
  const auto write_each_second = [&cluster](int times) {
    for (int i = 0; i < times; ++i) {
      cluster.Submit(1, SetOf("a", "1"));
      cluster.Run(absl::Seconds(1));
    }
    return cluster.replica(1).Status().counters.at("entries_resent");
  };
  const uint64_t first = write_each_second(1);
  EXPECT_GT(first, 0u) << "nothing is known of the path at first";
  EXPECT_EQ(write_each_second(20), first) << "from then on patience has been learned";
}

TEST(LeaderFollowerTest, AnAbsenceIsNoReasonForPatience) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 3, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  const auto replicates_to_2 = [](NodeId, NodeId to, const peer::v1::Message& message) {
    return to == 2 && message.has_replicate();
  };
  cluster.lose = replicates_to_2;
  cluster.Submit(1, SetOf("a", "2"));
  cluster.replica(1).Link(2, false);
  cluster.replica(1).Flush();
  cluster.Run(absl::Seconds(60));
  cluster.lose = nullptr;
  cluster.replica(1).Link(2, true);
  cluster.replica(1).Flush();
  cluster.Run(absl::Seconds(2));
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "3")).status.ok());
  bool lost = false;
  cluster.lose = [&](NodeId from, NodeId to, const peer::v1::Message& message) {
    return replicates_to_2(from, to, message) && !std::exchange(lost, true);
  };
  const OperationId id = cluster.Submit(1, SetOf("a", "4"));
  cluster.Run(absl::Milliseconds(500));
  EXPECT_TRUE(lost);
  EXPECT_NE(cluster.ResultOf(id), nullptr) << "what was lost is soon sent again";
}

TEST(LeaderFollowerTest, WritesAreRefusedWhileTheFollowersAreTooFarBehind) {
  constexpr int kLimit = 10;
  ReplicaHarness cluster("leader_follower", {3, 2, 1},
                         [](ClusterConfig* config) { config->max_open_operations = kLimit; });
  cluster.lose = [](NodeId, NodeId, const peer::v1::Message& message) {
    return message.has_replicate();
  };
  for (int i = 0; i < kLimit; ++i) {
    EXPECT_EQ(cluster.Do(1, SetOf("k", "v")).status.code(), absl::StatusCode::kDeadlineExceeded);
  }
  const OperationResult refused = cluster.Do(1, SetOf("k", "v"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(refused.may_have_applied);
  Operation alone = SetOf("k", "last");
  alone.w = 1;
  EXPECT_TRUE(cluster.Do(1, alone).status.ok()) << "it waits for no follower";
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(cluster.Do(1, SetOf("k", "v")).status.ok());
}

TEST(LeaderFollowerTest, WritesWithoutEnoughReplicasAreRefusedBeforehand) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 3, 1});
  cluster.Crash(3);
  cluster.Run(absl::Seconds(3));
  const OperationResult result = cluster.Do(1, SetOf("a", "1"));
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(result.may_have_applied);
  EXPECT_EQ(cluster.Held(1, "a"), "(none)");
}

TEST(LeaderFollowerTest, AFollowerMayRefuseAndNameTheLeader) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2},
                         [](ClusterConfig* config) { config->forward_writes = false; });
  const OperationResult result = cluster.Do(2, SetOf("a", "1"));
  EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(result.leader, 1u);
  EXPECT_THAT(std::string(result.status.message()), testing::HasSubstr("leader, node 1"));
}

TEST(LeaderFollowerTest, ALostLeaderMakesForwardedWritesUnknown) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
  cluster.lose = [](NodeId, NodeId, const Message& message) {
    return message.has_replicate() || message.has_forward_reply();
  };
  Operation write = SetOf("a", "1");
  write.timeout = absl::Seconds(30);
  const OperationId id = cluster.Submit(2, write);
  cluster.Run(absl::Milliseconds(50));
  cluster.Crash(1);
  cluster.Run(absl::Seconds(3));
  ASSERT_NE(cluster.ResultOf(id), nullptr);
  EXPECT_EQ(cluster.ResultOf(id)->status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(cluster.ResultOf(id)->may_have_applied);
}

TEST(LeaderFollowerTest, ForwardedWritesThatNoFollowerMaySendAreRefused) {
  const std::vector<std::function<void(Forward*)>> spoilers = {
      [](Forward* forward) { forward->set_request(std::string(kMaxRequestIdBytes + 1, 'x')); },
      [](Forward* forward) { forward->set_w(4); }};
  for (const auto& spoil : spoilers) {
    ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
    cluster.alter = [&spoil](NodeId, NodeId, Message* message) {
      if (message->has_forward()) spoil(message->mutable_forward());
    };
    const OperationResult result = cluster.Do(2, SetOf("k", "v"));
    EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument) << result.status;
    EXPECT_FALSE(result.may_have_applied);
    EXPECT_EQ(cluster.Held(1, "k"), "(none)");
  }
}

TEST(LeaderFollowerTest, ASyncingFollowerIsNoAnswer) {
  ReplicaHarness cluster(LeaderFollower::kName, {3, 2, 2});
  ASSERT_TRUE(cluster.Do(1, SetOf("a", "1")).status.ok());
  cluster.lose = [](NodeId, NodeId, const Message& message) { return message.has_compare_reply(); };
  cluster.Restart(3);
  cluster.Run(absl::Seconds(2));
  Operation local = GetOf("a");
  local.kind = OperationKind::kLocalRead;
  EXPECT_EQ(cluster.Do(3, local).status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cluster.Do(3, GetOf("a")).status.code(), absl::StatusCode::kUnavailable);
  Operation all = GetOf("a");
  all.r = 3;
  EXPECT_FALSE(cluster.Do(1, all).status.ok()) << "two replicas can answer, three are needed";
  EXPECT_EQ(ValueOf(cluster.Do(1, GetOf("a"))), "1");
}

}  // namespace
}  // namespace quorate
