#include "replication/named_writes.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/registry.h"
#include "replication/replica_harness.h"

namespace quorate {
namespace {

Operation Named(const std::string& request, Operation operation) {
  operation.request = request;
  return operation;
}
Operation RepeatOf(Operation operation) {
  operation.repeat = true;
  return operation;
}

TEST(NamedWritesTest, RemembersTheNewest) {
  NamedWrites::Limits limits;
  limits.names = 2;
  NamedWrites writes(limits);
  OperationResult result;
  for (const int number : {1, 2, 3}) {
    result.answers = number;
    writes.Add(Named(absl::StrCat("request ", number), SetOf("k", "v")), result);
  }
  EXPECT_EQ(writes.Find("request 1"), nullptr);
  ASSERT_NE(writes.Find("request 2"), nullptr);
  EXPECT_EQ(writes.Find("request 3")->result.answers, 3);
  EXPECT_EQ(writes.size(), 2u);
}

TEST(NamedWritesTest, ForgetsTheOldestWhereKeysAreLong) {
  constexpr size_t kKeyBytes = 1000;
  NamedWrites::Limits limits;
  limits.bytes = 10 * kKeyBytes;
  NamedWrites writes(limits);
  for (int number = 1; number <= 20; ++number) {
    writes.Add(Named(absl::StrCat("request ", number), SetOf(std::string(kKeyBytes, 'k'), "v")),
               OperationResult());
  }
  EXPECT_LT(writes.size(), 10u);
  EXPECT_GT(writes.size(), 2u);
  EXPECT_EQ(writes.Find("request 1"), nullptr);
  EXPECT_NE(writes.Find("request 20"), nullptr);
}

TEST(NamedWritesTest, TellsARepeatFromAnotherWrite) {
  NamedWrites writes;
  writes.Add(Named("request", SetOf("k", "v")), OperationResult());
  const NamedWrite& write = *writes.Find("request");
  EXPECT_TRUE(write.CheckRepeats(SetOf("k", "v")).ok());
  for (const Operation& other : {SetOf("k", "other"), SetOf("other", "v"), DeleteOf("k")}) {
    EXPECT_EQ(write.CheckRepeats(other).code(), absl::StatusCode::kInvalidArgument);
  }
}

// For every strategy, through real replicas.
class RepeatTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    cluster_ = std::make_unique<ReplicaHarness>(GetParam(), Quorums{3, 2, 2});
    cluster_->lose = [this](NodeId, NodeId, const peer::v1::Message& message) {
      return silent_ &&
             (message.has_replicate_ack() || message.has_pong() || message.has_forward_reply());
    };
  }

  // A try whose outcome its client does not learn.
  void TryInVain(NodeId node, Operation operation) {
    silent_ = true;
    operation.timeout = absl::Milliseconds(50);
    const OperationResult result = cluster_->Do(node, operation);
    EXPECT_FALSE(result.status.ok());
    EXPECT_TRUE(result.may_have_applied);
    silent_ = false;
  }

  Version VersionHeldBy(NodeId node) {
    const absl::StatusOr<std::optional<Record>> record = cluster_->replica(node).store().Get("k");
    return record.ok() && record->has_value() ? (*record)->version : Version();
  }

  std::unique_ptr<ReplicaHarness> cluster_;
  bool silent_ = false;  // nobody learns what others hold
};

INSTANTIATE_TEST_SUITE_P(Strategies, RepeatTest, testing::ValuesIn(StrategyNames()));

TEST_P(RepeatTest, FinishesTheWriteAtTheSameNode) {
  for (const NodeId node : {1, 2}) {
    const Operation write = Named(absl::StrCat("request ", node), SetOf("k", "v"));
    TryInVain(node, write);
    const Version version = VersionHeldBy(node);
    const OperationResult repeated = cluster_->Do(node, RepeatOf(write));
    ASSERT_TRUE(repeated.status.ok()) << repeated.status;
    EXPECT_GE(repeated.answers, 2);
    EXPECT_EQ(repeated.record->version, version);
    EXPECT_EQ(VersionHeldBy(node), version);
    EXPECT_TRUE(cluster_->Do(node, RepeatOf(write)).status.ok()) << "and again";
    EXPECT_EQ(VersionHeldBy(node), version);
  }
}

TEST_P(RepeatTest, FinishesTheWriteAtAnotherNode) {
  const Operation write = Named("request", SetOf("k", "v"));
  TryInVain(2, write);
  const Version version = VersionHeldBy(1);
  cluster_->Crash(2);
  const OperationResult repeated = cluster_->Do(3, RepeatOf(write));
  ASSERT_TRUE(repeated.status.ok()) << repeated.status;
  EXPECT_EQ(VersionHeldBy(1), version);
  EXPECT_EQ(VersionHeldBy(3), version);
  EXPECT_EQ(cluster_->Held(3, "k"), "v");
}

TEST_P(RepeatTest, WritesNothingOverWhatCameMeanwhile) {
  const Operation write = Named("request", SetOf("k", "first"));
  ASSERT_TRUE(cluster_->Do(1, write).status.ok());
  ASSERT_TRUE(cluster_->Do(1, SetOf("k", "second")).status.ok());
  EXPECT_TRUE(cluster_->Do(1, RepeatOf(write)).status.ok());
  cluster_->Run(absl::Milliseconds(100));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(cluster_->Held(node, "k"), "second");
}

TEST_P(RepeatTest, OfNothingIsOfUnknownOutcome) {
  const Operation write = Named("request", SetOf("k", "v"));
  const OperationResult early = cluster_->Do(2, RepeatOf(write));
  EXPECT_EQ(early.status.code(), absl::StatusCode::kUnavailable) << early.status;
  EXPECT_TRUE(early.may_have_applied);
  EXPECT_EQ(cluster_->Held(1, "k"), "(none)");
  // The first try arrives at last: nobody else has written meanwhile.
  ASSERT_TRUE(cluster_->Do(1, write).status.ok());
  cluster_->Run(absl::Milliseconds(100));
  const Version version = VersionHeldBy(1);
  EXPECT_TRUE(cluster_->Do(2, RepeatOf(write)).status.ok());
  cluster_->Run(absl::Milliseconds(100));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(VersionHeldBy(node), version);
}

TEST_P(RepeatTest, IsKnownByTheRecordAfterARestart) {
  const Operation write = Named("request", DeleteOf("k"));
  ASSERT_TRUE(cluster_->Do(1, write).status.ok());
  cluster_->Run(absl::Milliseconds(100));
  const Version version = VersionHeldBy(2);
  cluster_->Restart(1);
  cluster_->Run(absl::Seconds(5));
  const OperationResult repeated = cluster_->Do(1, RepeatOf(write));
  ASSERT_TRUE(repeated.status.ok()) << repeated.status;
  cluster_->Run(absl::Milliseconds(100));
  for (NodeId node = 1; node <= 3; ++node) EXPECT_EQ(VersionHeldBy(node), version);
}

TEST_P(RepeatTest, ANameIsOneWritesOnly) {
  ASSERT_TRUE(cluster_->Do(1, Named("request", SetOf("k", "v"))).status.ok());
  const OperationResult other = cluster_->Do(1, Named("request", SetOf("k", "other")));
  EXPECT_EQ(other.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(other.may_have_applied);
  EXPECT_EQ(cluster_->Held(1, "k"), "v");
}

TEST_P(RepeatTest, WhatRefusesItDoesNotSpeakOfEarlierTries) {
  Operation write = RepeatOf(Named("request", SetOf("k", "v")));
  write.w = 3;
  cluster_->Crash(3);
  cluster_->Run(absl::Seconds(5));
  for (const NodeId node : {1, 2}) {
    const OperationResult result = cluster_->Do(node, write);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(result.may_have_applied) << result.status;
  }
}

TEST_P(RepeatTest, WhatRefusesAKnownWriteSpeaksOfItThoughItIsNotCalledARepeat) {
  Operation write = Named("request", SetOf("k", "v"));
  TryInVain(1, write);
  write.w = 3;
  cluster_->Crash(3);
  cluster_->Run(absl::Seconds(5));
  const OperationResult result = cluster_->Do(1, write);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(result.may_have_applied) << result.status;
}

TEST_P(RepeatTest, AnswersAtAnotherNodeWithAllThatTheWriteReplaced) {
  ASSERT_TRUE(cluster_->Do(3, SetOf("k", "older")).status.ok());
  cluster_->Run(absl::Milliseconds(100));
  const OperationResult read = cluster_->Do(1, GetOf("k"));
  Operation write = Named("request", SetOf("k", "newer"));
  write.context = ContextToken("k", SeenBy(read));
  TryInVain(1, write);
  const OperationResult repeated = cluster_->Do(2, RepeatOf(write));
  ASSERT_TRUE(repeated.status.ok()) << repeated.status;
  EXPECT_EQ(repeated.record->version.Compare(read.record->version), VersionOrder::kAfter);
}

class LinearizableRepeatTest : public testing::Test {
 protected:
  LinearizableRepeatTest()
      : cluster_("leaderless", Quorums{3, 2, 2},
                 [](ClusterConfig* config) { config->write_mode = WriteMode::kLinearizable; }) {}

  ReplicaHarness cluster_;
};

TEST_F(LinearizableRepeatTest, MajoritiesAnswerWhateverWItAsksFor) {
  Operation write = Named("request", SetOf("k", "v"));
  ASSERT_TRUE(cluster_.Do(1, write).status.ok());
  cluster_.Crash(2);
  cluster_.Crash(3);
  write.w = 1;
  for (const Operation& again : {write, RepeatOf(write)}) {
    EXPECT_EQ(cluster_.Do(1, again).status.code(), absl::StatusCode::kFailedPrecondition);
  }
}

TEST_F(LinearizableRepeatTest, TwoTriesAtOnceAreOneWrite) {
  const Operation write = Named("request", SetOf("k", "v"));
  const OperationId first = cluster_.Submit(1, write);
  const OperationId second = cluster_.Submit(1, write);
  cluster_.Run(absl::Milliseconds(100));
  ASSERT_NE(cluster_.ResultOf(first), nullptr);
  ASSERT_NE(cluster_.ResultOf(second), nullptr);
  ASSERT_TRUE(cluster_.ResultOf(first)->status.ok()) << cluster_.ResultOf(first)->status;
  ASSERT_TRUE(cluster_.ResultOf(second)->status.ok()) << cluster_.ResultOf(second)->status;
  EXPECT_EQ(cluster_.ResultOf(first)->record->version, cluster_.ResultOf(second)->record->version);
}

TEST_P(RepeatTest, BadNamesAreRefused) {
  const Operation long_name = Named(std::string(kMaxRequestIdBytes + 1, 'x'), SetOf("k", "v"));
  EXPECT_EQ(cluster_->Do(1, long_name).status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(
      cluster_->Do(1, Named(std::string(kMaxRequestIdBytes, 'x'), SetOf("k", "v"))).status.ok());
  EXPECT_EQ(cluster_->Do(1, RepeatOf(SetOf("k", "v"))).status.code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace quorate
