// What a client's session has seen, its next read returns, or later (doc/semantics.md 52): for
// every strategy.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/operation.h"
#include "replication/registry.h"
#include "replication/replica_harness.h"

namespace quorate {
namespace {

constexpr NodeId kBehind = 3;

std::string TokenOf(const OperationResult& result) {
  return ContextToken("k", SeenBySession(result));
}

Operation In(const std::string& session, Operation operation) {
  operation.session = session;
  return operation;
}

// One replica answers each read and write, and one of the three hears of no further writes.
class ClientSessionsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    cluster_ = std::make_unique<ReplicaHarness>(GetParam(), Quorums{3, 1, 1});
    ASSERT_TRUE(cluster_->Do(1, SetOf("k", "old")).status.ok());
    cluster_->Run(absl::Milliseconds(50));
    ASSERT_EQ(cluster_->Held(kBehind, "k"), "old");
    cluster_->lose = [this](NodeId, NodeId to, const peer::v1::Message& message) {
      if (to != kBehind) return false;
      const bool write = message.has_replicate() || message.has_compare_reply();
      return (write && !heals_) || (message.has_read_reply() && silent_);
    };
  }

  OperationResult Write(NodeId node, const Operation& operation) {
    OperationResult result = cluster_->Do(node, operation);
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result;
  }

  int ReadsBehind() {
    return static_cast<int>(
        cluster_->replica(kBehind).Status().counters.at("reads_behind_session"));
  }

  std::unique_ptr<ReplicaHarness> cluster_;
  bool heals_ = false;   // writes reach all again
  bool silent_ = false;  // no read of the one that is behind is answered
};

INSTANTIATE_TEST_SUITE_P(Strategies, ClientSessionsTest, testing::ValuesIn(StrategyNames()));

TEST_P(ClientSessionsTest, ReadsItsWritesOnANodeThatIsBehind) {
  const std::string token = TokenOf(Write(1, SetOf("k", "new")));
  EXPECT_EQ(ValueOf(cluster_->Do(kBehind, GetOf("k"))), "old");
  EXPECT_EQ(ReadsBehind(), 0);
  const OperationResult read = cluster_->Do(kBehind, In(token, GetOf("k")));
  EXPECT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(ValueOf(read), "new");
  EXPECT_EQ(read.required, 1);
  EXPECT_TRUE(read.disagreed);
  EXPECT_EQ(ReadsBehind(), 1);
}

TEST_P(ClientSessionsTest, ReadsDoNotGoBack) {
  Write(1, SetOf("k", "new"));
  cluster_->Run(absl::Milliseconds(10));
  const std::string token = TokenOf(cluster_->Do(2, GetOf("k")));
  EXPECT_EQ(ValueOf(cluster_->Do(kBehind, In(token, GetOf("k")))), "new");
  const std::string deleted = TokenOf(Write(1, DeleteOf("k")));
  EXPECT_EQ(ValueOf(cluster_->Do(kBehind, In(deleted, GetOf("k")))), "(tombstone)");
}

TEST_P(ClientSessionsTest, AReadThatKnowsEnoughAsksNobodyElse) {
  const std::string token = TokenOf(cluster_->Do(kBehind, GetOf("k")));
  Write(1, SetOf("k", "new"));
  silent_ = true;
  EXPECT_EQ(ValueOf(cluster_->Do(kBehind, In(token, GetOf("k")))), "old");
  EXPECT_EQ(ReadsBehind(), 0);
}

TEST_P(ClientSessionsTest, WaitsForWhoHasSeenAsMuch) {
  const std::string token = TokenOf(Write(1, SetOf("k", "new")));
  silent_ = true;
  const OperationId id = cluster_->Submit(kBehind, In(token, GetOf("k")));
  cluster_->Run(absl::Milliseconds(500));
  EXPECT_EQ(cluster_->ResultOf(id), nullptr);
  silent_ = false;
  cluster_->Run(absl::Milliseconds(200));
  ASSERT_NE(cluster_->ResultOf(id), nullptr);
  EXPECT_EQ(ValueOf(*cluster_->ResultOf(id)), "new");
}

TEST_P(ClientSessionsTest, WaitsForItsOwnStoreToo) {
  const std::string token = TokenOf(Write(1, SetOf("k", "new")));
  silent_ = true;
  const OperationId id = cluster_->Submit(kBehind, In(token, GetOf("k")));
  cluster_->Run(absl::Milliseconds(100));
  EXPECT_EQ(cluster_->ResultOf(id), nullptr);
  heals_ = true;
  Write(1, SetOf("k", "newer"));
  cluster_->Run(absl::Milliseconds(1500));
  ASSERT_NE(cluster_->ResultOf(id), nullptr);
  EXPECT_EQ(ValueOf(*cluster_->ResultOf(id)), "newer");
}

// Each time that it asks all again, its own store would answer anew, and keep the value until then.
TEST_P(ClientSessionsTest, AReadBehindAStalledDiskKeepsOneAnswer) {
  constexpr size_t kValueBytes = 100000;
  ReplicaHarness cluster(GetParam(), Quorums{3, 1, 1}, [](ClusterConfig* config) {
    config->durability = Durability::kSynced;
    config->max_read_bytes = 3 * kValueBytes;
  });
  cluster.sync_times[kBehind] = absl::Minutes(1);
  ASSERT_TRUE(cluster.Do(1, SetOf("k", std::string(kValueBytes, 'x'))).status.ok());
  cluster.Run(absl::Milliseconds(50));
  ASSERT_EQ(cluster.Held(kBehind, "k").size(), kValueBytes);
  // Nobody but node 1 hears of the next write, and node 1 answers no read.
  cluster.lose = [](NodeId from, NodeId, const peer::v1::Message& message) {
    const bool write = message.has_replicate() || message.has_compare_reply();
    return from == 1 && (write || message.has_read_reply());
  };
  const std::string token = TokenOf(cluster.Do(1, SetOf("k", "new")));
  Operation read = In(token, GetOf("k"));
  read.timeout = absl::Seconds(20);
  const OperationId waits = cluster.Submit(kBehind, read);
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.ResultOf(waits), nullptr);
  Operation other = GetOf("k");
  other.timeout = absl::Seconds(20);
  const OperationId waits_too = cluster.Submit(kBehind, other);
  cluster.Run(absl::Milliseconds(10));
  const OperationResult* refusal = cluster.ResultOf(waits_too);
  EXPECT_EQ(refusal, nullptr) << "there is room for its answer; but " << refusal->status;
}

TEST_P(ClientSessionsTest, FailsAtItsDeadlineSoonerThanToGoBack) {
  const std::string token = TokenOf(Write(1, SetOf("k", "new")));
  silent_ = true;
  const OperationResult read = cluster_->Do(kBehind, In(token, GetOf("k")));
  EXPECT_EQ(read.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(read.status.message(), testing::HasSubstr("session"));
  EXPECT_FALSE(read.may_have_applied);
}

TEST_P(ClientSessionsTest, AWriteGoesOnFromWhatTheClusterHasForgotten) {
  heals_ = true;
  const std::string token = TokenOf(Write(1, SetOf("k", "new")));
  for (NodeId node = 1; node <= 3; ++node) cluster_->Crash(node);
  for (NodeId node = 1; node <= 3; ++node) cluster_->Restart(node);
  cluster_->Run(absl::Seconds(10));
  EXPECT_EQ(cluster_->Do(1, In(token, GetOf("k"))).status.code(),
            absl::StatusCode::kDeadlineExceeded);
  const OperationResult written = Write(1, In(token, SetOf("k", "newer")));
  EXPECT_TRUE(SeenBySession(written).Descends(*ParseContextToken("k", token)));
  EXPECT_EQ(ValueOf(cluster_->Do(1, In(TokenOf(written), GetOf("k")))), "newer");
}

TEST_P(ClientSessionsTest, EndsWithItsClient) {
  const std::string token = TokenOf(Write(1, SetOf("k", "new")));
  silent_ = true;
  const OperationId id = cluster_->Submit(kBehind, In(token, GetOf("k")));
  cluster_->Run(absl::Milliseconds(100));
  cluster_->replica(kBehind).Cancel(id);
  cluster_->replica(kBehind).Flush();
  ASSERT_NE(cluster_->ResultOf(id), nullptr);
  EXPECT_EQ(cluster_->ResultOf(id)->status.code(), absl::StatusCode::kCancelled);
  cluster_->Run(absl::Seconds(2));
}

TEST_P(ClientSessionsTest, RefusesATokenThatIsNone) {
  const bool sequenced = cluster_->Do(1, GetOf("k")).record->version.sequenced();
  Version foreign = Version::Sequenced(1, 1);
  if (sequenced) {
    foreign = Version();
    foreign.Add(Dot{{1, 1}, 1});
  }
  for (const std::string& token :
       {std::string("damaged"), ContextToken("other key", Version::Sequenced(1, 1)),
        ContextToken("k", foreign)}) {
    for (const Operation& operation : {GetOf("k"), SetOf("k", "v")}) {
      const OperationResult refusal = cluster_->Do(1, In(token, operation));
      EXPECT_EQ(refusal.status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(refusal.status.message()), testing::HasSubstr("session"));
    }
  }
  Operation local = GetOf("k");
  local.kind = OperationKind::kLocalRead;
  const std::string token = TokenOf(cluster_->Do(1, GetOf("k")));
  EXPECT_EQ(cluster_->Do(1, In(token, local)).status.code(), absl::StatusCode::kInvalidArgument);
}

// A linearizable read returns what W replicas hold, which a write at a smaller W need not be.
TEST(LeaderFollowerSessionsTest, ALinearizableReadDoesNotGoBackEither) {
  ReplicaHarness cluster("leader_follower", Quorums{3, 2, 1});
  ASSERT_TRUE(cluster.Do(1, SetOf("k", "old")).status.ok());
  cluster.Run(absl::Milliseconds(50));
  cluster.lose = [](NodeId, NodeId, const peer::v1::Message& message) {
    return message.has_replicate() || message.has_compare_reply();
  };
  Operation write = SetOf("k", "new");
  write.w = 1;
  const std::string token = TokenOf(cluster.Do(1, write));
  cluster.Crash(1);
  cluster.lose = nullptr;
  cluster.Restart(1);
  cluster.Run(absl::Seconds(10));
  Operation read = GetOf("k");
  read.linearizable = true;
  for (const NodeId node : {1, 2}) {
    ASSERT_EQ(ValueOf(cluster.Do(node, read)), "old");
    const OperationResult refusal = cluster.Do(node, In(token, read));
    EXPECT_EQ(refusal.status.code(), absl::StatusCode::kUnavailable) << "node " << node;
    EXPECT_THAT(std::string(refusal.status.message()), testing::HasSubstr("session"));
  }
  // What the session does next, it sees again.
  const OperationResult written = cluster.Do(2, In(token, SetOf("k", "newer")));
  ASSERT_TRUE(written.status.ok()) << written.status;
  for (const NodeId node : {1, 2}) {
    EXPECT_EQ(ValueOf(cluster.Do(node, In(TokenOf(written), read))), "newer");
  }
}

class LeaderlessSessionsTest : public testing::Test {
 protected:
  LeaderlessSessionsTest() {
    cluster_.lose = [this](NodeId, NodeId, const peer::v1::Message& message) {
      return cut_ && (message.has_replicate() || message.has_compare_reply());
    };
  }

  std::string HeldByAllInTheEnd() {
    cut_ = false;
    cluster_.Run(absl::Seconds(30));
    EXPECT_EQ(cluster_.Held(1, "k"), cluster_.Held(3, "k"));
    return cluster_.Held(1, "k");
  }

  bool cut_ = true;  // what a node writes stays with it
  ReplicaHarness cluster_{"leaderless", Quorums{3, 1, 1}};
};

TEST_F(LeaderlessSessionsTest, WritesComeOneAfterTheOther) {
  const std::string token = TokenOf(cluster_.Do(1, SetOf("k", "one")));
  EXPECT_TRUE(cluster_.Do(3, In(token, SetOf("k", "two"))).status.ok());
  EXPECT_EQ(HeldByAllInTheEnd(), "two");
}

TEST_F(LeaderlessSessionsTest, WithoutASessionTheyStandSideBySide) {
  cluster_.Do(1, SetOf("k", "one"));
  cluster_.Do(3, SetOf("k", "two"));
  EXPECT_EQ(HeldByAllInTheEnd(), "one|two");
}

TEST_F(LeaderlessSessionsTest, AWriteWithAContextReplacesThatAlone) {
  const std::string one = TokenOf(cluster_.Do(1, SetOf("k", "one")));
  const OperationResult elsewhere = cluster_.Do(3, SetOf("k", "other"));
  Operation write = In(one, SetOf("k", "two"));
  write.context = TokenOf(elsewhere);
  const OperationResult written = cluster_.Do(3, write);
  // The session goes on knowing its first write, which still stands.
  EXPECT_EQ(ValueOf(cluster_.Do(1, In(TokenOf(written), GetOf("k")))), "one|two");
  EXPECT_EQ(HeldByAllInTheEnd(), "one|two");
}

TEST_F(LeaderlessSessionsTest, AWriteBesideOthersIsSeenAgain) {
  const std::string context = TokenOf(cluster_.Do(1, SetOf("k", "first")));
  Operation write = SetOf("k", "left");
  write.context = context;
  cluster_.Do(1, write);
  write.value = "right";
  const OperationResult right = cluster_.Do(1, write);
  ASSERT_TRUE(right.record.has_value());
  EXPECT_FALSE(SeenBy(right) == right.record->version);
  const OperationResult read = cluster_.Do(3, In(TokenOf(right), GetOf("k")));
  EXPECT_EQ(ValueOf(read), "left|right");
}

}  // namespace
}  // namespace quorate
