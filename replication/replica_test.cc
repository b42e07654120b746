#include "replication/replica.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/replica_harness.h"

namespace quorate {
namespace {

class ReplicaTest : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Strategies, ReplicaTest, testing::Values("leader_follower", "leaderless"));

void Synced(ClusterConfig* config) { config->durability = Durability::kSynced; }

TEST(ReplicaMakeTest, RefusesWhatMakesNoSense) {
  MemoryEngine engine;
  ClusterConfig config;
  config.self = 1;
  config.quorums = {3, 2, 2};
  config.strategy = "voting";
  const auto replica = Replica::Make(config, 1, StoredState(), &engine, nullptr);
  EXPECT_EQ(replica.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(replica.status().message()), testing::HasSubstr("leaderless"));
}

TEST_P(ReplicaTest, InputOutOfRangeIsRefusedWithoutEffect) {
  ReplicaHarness cluster(GetParam(), {3, 2, 2}, [](ClusterConfig* config) {
    config->max_key_bytes = 4;
    config->max_value_bytes = 4;
  });
  std::vector<Operation> wrong = {SetOf("", "v"), SetOf("12345", "v"), SetOf("k", "12345")};
  wrong.push_back(SetOf("k", "v"));
  wrong.back().w = 4;
  wrong.push_back(SetOf("k", "v"));
  wrong.back().w = 0;
  wrong.push_back(GetOf("k"));
  wrong.back().r = -1;
  wrong.push_back(SetOf("k", "v"));
  wrong.back().context = "nonsense";
  for (const Operation& operation : wrong) {
    const OperationResult result = cluster.Do(1, operation);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument) << result.status;
    EXPECT_FALSE(result.may_have_applied);
  }
  EXPECT_EQ(cluster.Held(1, "k"), "(none)");
  EXPECT_TRUE(cluster.Do(1, SetOf("1234", "1234")).status.ok());
}

TEST_P(ReplicaTest, TooManyOpenOperationsAreRefusedEarly) {
  ReplicaHarness cluster(GetParam(), {3, 3, 3},
                         [](ClusterConfig* config) { config->max_open_operations = 5; });
  cluster.lose = [](NodeId, NodeId, const peer::v1::Message& message) {
    return message.has_replicate();
  };
  std::vector<OperationId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(cluster.Submit(1, SetOf("k", "v")));
  ASSERT_NE(cluster.ResultOf(ids.back()), nullptr);
  EXPECT_EQ(cluster.ResultOf(ids.back())->status.code(), absl::StatusCode::kResourceExhausted);
  cluster.lose = nullptr;
  cluster.Run(absl::Seconds(5));
  for (const OperationId id : ids) EXPECT_NE(cluster.ResultOf(id), nullptr);
  EXPECT_TRUE(cluster.Do(1, SetOf("k", "v")).status.ok());
}

TEST_P(ReplicaTest, ACancelledReadEndsAndACancelledWriteGoesOn) {
  ReplicaHarness cluster(GetParam(), {3, 3, 3});
  const OperationId write = cluster.Submit(1, SetOf("k", "v"));
  cluster.replica(1).Cancel(write);
  cluster.replica(1).Cancel(write);
  cluster.replica(1).Flush();
  ASSERT_NE(cluster.ResultOf(write), nullptr);
  EXPECT_EQ(cluster.ResultOf(write)->status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(cluster.ResultOf(write)->may_have_applied);
  cluster.Run(absl::Seconds(1));
  EXPECT_EQ(cluster.Held(3, "k"), "v");
  const OperationId read = cluster.Submit(1, GetOf("k"));
  cluster.replica(1).Cancel(read);
  cluster.replica(1).Flush();
  ASSERT_NE(cluster.ResultOf(read), nullptr);
  EXPECT_FALSE(cluster.ResultOf(read)->may_have_applied);
  cluster.Run(absl::Seconds(5));
}

TEST_P(ReplicaTest, ADrainIsFullAfterItsBound) {
  ReplicaHarness cluster(GetParam(), {1, 1, 1});
  Replica& replica = cluster.replica(1);
  EXPECT_FALSE(replica.DrainFull());
  for (int i = 0; i < Replica::kDrainEvents; ++i) {
    EXPECT_FALSE(replica.DrainFull());
    replica.Submit(1000 + i, GetOf("k"));
  }
  EXPECT_TRUE(replica.DrainFull());
  replica.Flush();
  EXPECT_FALSE(replica.DrainFull());
  replica.Submit(5000, SetOf("k", std::string(Replica::kDrainBytes, 'x')));
  EXPECT_TRUE(replica.DrainFull());
  replica.Flush();
}

TEST_P(ReplicaTest, ADrainIsFullOfLargeAnswersToo) {
  ReplicaHarness cluster(GetParam(), {1, 1, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("k", std::string(Replica::kDrainBytes, 'x'))).status.ok());
  Replica& replica = cluster.replica(1);
  EXPECT_FALSE(replica.DrainFull());
  replica.Submit(1000, GetOf("k"));
  EXPECT_TRUE(replica.DrainFull());
  replica.Flush();
  ASSERT_NE(cluster.ResultOf(1000), nullptr);
}

TEST_P(ReplicaTest, ReadsThatHoldTooMuchAreRefused) {
  ReplicaHarness cluster(GetParam(), {3, 3, 3},
                         [](ClusterConfig* config) { config->max_read_bytes = 1000; });
  ASSERT_TRUE(cluster.Do(1, SetOf("k", std::string(1500, 'x'))).status.ok());
  const OperationId first = cluster.Submit(1, GetOf("k"));
  const OperationId second = cluster.Submit(1, GetOf("k"));
  cluster.Run(absl::Seconds(1));
  ASSERT_NE(cluster.ResultOf(first), nullptr);
  EXPECT_TRUE(cluster.ResultOf(first)->status.ok());
  ASSERT_NE(cluster.ResultOf(second), nullptr);
  EXPECT_EQ(cluster.ResultOf(second)->status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(cluster.Do(1, GetOf("k")).status.ok()) << "what has ended holds nothing";
}

// What a node holds of its own reads keeps it from none of the others'.
TEST_P(ReplicaTest, NodesThatReadMuchStillAnswerEachOther) {
  ReplicaHarness cluster(GetParam(), {3, 3, 2},
                         [](ClusterConfig* config) { config->max_read_bytes = 1000; });
  ASSERT_TRUE(cluster.Do(1, SetOf("k", std::string(1500, 'x'))).status.ok());
  std::vector<OperationId> reads;
  for (const NodeId node : {1, 2, 3}) reads.push_back(cluster.Submit(node, GetOf("k")));
  cluster.Run(absl::Seconds(1));
  for (const OperationId read : reads) {
    ASSERT_NE(cluster.ResultOf(read), nullptr);
    EXPECT_TRUE(cluster.ResultOf(read)->status.ok()) << cluster.ResultOf(read)->status;
  }
}

// How long a node that starts empty takes to get 3 MB from others.
absl::Duration TimeToCatchUp(const std::string& strategy, size_t bytes_per_second) {
  ReplicaHarness cluster(strategy, {3, 2, 2}, [&](ClusterConfig* config) {
    config->catch_up_bytes_per_second = bytes_per_second;
  });
  for (int i = 10; i < 40; ++i) {
    const std::string key = "k" + std::to_string(i);
    EXPECT_TRUE(cluster.Do(1, SetOf(key, std::string(100000, 'v'))).status.ok());
  }
  cluster.Restart(3);
  absl::Duration waited;
  const absl::Duration step = absl::Milliseconds(100);
  for (; waited < absl::Minutes(1) && cluster.Held(3, "k39").size() < 100000; waited += step) {
    cluster.Run(step);
  }
  EXPECT_EQ(cluster.Held(3, "k10").size(), 100000u);
  EXPECT_EQ(cluster.Held(3, "k39").size(), 100000u);
  return waited;
}

TEST_P(ReplicaTest, CatchUpKeepsToItsBudget) {
  const absl::Duration unpaced = TimeToCatchUp(GetParam(), 0);
  const absl::Duration paced = TimeToCatchUp(GetParam(), 1000000);
  EXPECT_LT(unpaced, absl::Seconds(3));
  // Two pages of three, of about 1 MB each, are followed by a rest.
  EXPECT_GE(paced, unpaced + absl::Milliseconds(1800));
  EXPECT_LT(paced, unpaced + absl::Seconds(4));
}

TEST_P(ReplicaTest, BytesOfCatchUpAreCounted) {
  ReplicaHarness cluster(GetParam(), {3, 2, 2});
  EXPECT_TRUE(cluster.Do(1, SetOf("k", std::string(100000, 'v'))).status.ok());
  cluster.Run(absl::Seconds(1));
  const uint64_t before = cluster.replica(1).Status().counters.at("catch_up_bytes_sent");
  cluster.Restart(3);
  cluster.Run(absl::Seconds(5));
  ASSERT_EQ(cluster.Held(3, "k").size(), 100000u);
  const uint64_t served = cluster.replica(1).Status().counters.at("catch_up_bytes_sent") - before;
  const uint64_t pulled = cluster.replica(3).Status().counters.at("catch_up_bytes_received");
  EXPECT_GE(served, 100000u);
  EXPECT_LT(served, 110000u) << "the record goes out once, and versions are small";
  // From each node that it has compared with.
  EXPECT_GE(pulled, served);
  EXPECT_LT(pulled, 2 * 110000u);
}

TEST_P(ReplicaTest, ReadsInsideADrainSeeItsWrites) {
  ReplicaHarness cluster(GetParam(), {1, 1, 1});
  cluster.replica(1).Submit(1000, SetOf("k", "v"));
  cluster.replica(1).Submit(1001, GetOf("k"));
  EXPECT_EQ(cluster.ResultOf(1000), nullptr) << "nothing leaves before the drain is applied";
  cluster.replica(1).Flush();
  ASSERT_NE(cluster.ResultOf(1001), nullptr);
  EXPECT_EQ(ValueOf(*cluster.ResultOf(1001)), "v");
}

TEST_P(ReplicaTest, SyncedRepliesWaitForTheDisk) {
  ReplicaHarness cluster(GetParam(), {1, 1, 1}, Synced);
  const OperationId write = cluster.Submit(1, SetOf("k", "v"));
  const OperationId read = cluster.Submit(1, GetOf("k"));
  EXPECT_EQ(cluster.Held(1, "k"), "v");
  EXPECT_EQ(cluster.ResultOf(write), nullptr);
  EXPECT_EQ(cluster.ResultOf(read), nullptr) << "what may be forgotten must not be shown";
  cluster.Run(absl::Milliseconds(2));  // the harness syncs after one millisecond
  ASSERT_NE(cluster.ResultOf(write), nullptr);
  ASSERT_NE(cluster.ResultOf(read), nullptr);
  EXPECT_EQ(ValueOf(*cluster.ResultOf(read)), "v");
}

TEST_P(ReplicaTest, AFailedDiskAcknowledgesNothingMore) {
  ReplicaHarness cluster(GetParam(), {1, 1, 1}, Synced);
  const OperationId write = cluster.Submit(1, SetOf("k", "v"));
  cluster.replica(1).Durable(1, absl::DataLossError("fsync failed"));
  cluster.replica(1).Flush();
  ASSERT_NE(cluster.ResultOf(write), nullptr);
  EXPECT_EQ(cluster.ResultOf(write)->status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(cluster.ResultOf(write)->may_have_applied);
  const OperationResult later = cluster.Do(1, SetOf("k", "w"));
  EXPECT_THAT(std::string(later.status.message()), testing::HasSubstr("fsync failed"));
  EXPECT_FALSE(later.may_have_applied);
}

TEST_P(ReplicaTest, QuorumsMayBeSetForOneOperation) {
  ReplicaHarness cluster(GetParam(), {3, 3, 1});
  cluster.Crash(3);
  cluster.Run(absl::Seconds(3));
  EXPECT_FALSE(cluster.Do(1, SetOf("k", "v")).status.ok());
  Operation two = SetOf("k", "v");
  two.w = 2;
  const OperationResult result = cluster.Do(1, two);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.required, 2);
}

}  // namespace
}  // namespace quorate
