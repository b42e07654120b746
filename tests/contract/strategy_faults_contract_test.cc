// What every strategy of the registry does when nodes are away, cut off or start anew, in cases
// picked by hand; the simulator (tests/sim) covers the rest. Tests of something that a strategy
// need not promise ask for the promise first.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/operation.h"
#include "replication/registry.h"
#include "tests/contract/quiet_cluster.h"

namespace quorate {
namespace {

class StrategyFaultsContract : public testing::TestWithParam<std::string> {
 protected:
  QuietCluster cluster_{GetParam(), Quorums{3, 2, 2}};
};

// Tests of what a strategy does that keeps acknowledged writes.
class KeptWritesFaultsContract : public StrategyFaultsContract {
 protected:
  void SetUp() override {
    if (!cluster_.Promise().keeps_acknowledged_writes) {
      GTEST_SKIP() << "the strategy does not promise to keep acknowledged writes";
    }
  }
};

TEST_P(StrategyFaultsContract, WriteIsNotSentWhereTooFewAreKnownLive) {
  cluster_.StartAll();
  const NodeId coordinator = cluster_.Coordinator();
  for (const NodeId other : cluster_.Others(coordinator)) cluster_.nodes().Crash(other);
  cluster_.Wait(absl::Seconds(5));
  for (const Operation& write : {Set("key", "value"), Delete("key")}) {
    const OperationResult result = cluster_.Do(coordinator, write);
    EXPECT_FALSE(result.status.ok());
    EXPECT_FALSE(result.may_have_applied);
    EXPECT_FALSE(result.status.message().empty());
  }
  for (const NodeId other : cluster_.Others(coordinator)) cluster_.nodes().Start(other);
  ASSERT_TRUE(cluster_.WaitUntil([this] { return cluster_.AtRest(); }));
  cluster_.Wait(absl::Seconds(1));
  EXPECT_TRUE(cluster_.NothingStored());
}

TEST_P(KeptWritesFaultsContract, WriteGoesOnWhileEnoughAreLive) {
  cluster_.StartAll();
  const NodeId coordinator = cluster_.Coordinator();
  const NodeId away = cluster_.Others(coordinator).front();
  cluster_.nodes().Crash(away);
  // At once, while the others do not know yet, and later.
  for (const char* value : {"first", "second"}) {
    const OperationResult set = cluster_.Do(coordinator, Set("key", value));
    EXPECT_TRUE(set.status.ok()) << set.status;
    cluster_.Wait(absl::Seconds(5));
  }
  const OperationResult read = cluster_.Do(cluster_.Others(coordinator).back(), Get("key"));
  EXPECT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(ValueOf(read), "'second'");
}

TEST_P(KeptWritesFaultsContract, OutcomeIsUnknownWhereAcknowledgementsAreCutOff) {
  cluster_.StartAll();
  const NodeId coordinator = cluster_.Coordinator();
  for (const NodeId other : cluster_.Others(coordinator)) {
    cluster_.nodes().network().Cut(other, coordinator);
  }
  Operation set = Set("key", "value");
  set.timeout = absl::Milliseconds(300);
  const OperationResult result = cluster_.Do(coordinator, set);
  EXPECT_FALSE(result.status.ok());
  EXPECT_TRUE(result.may_have_applied);
  EXPECT_LT(result.answers, 2);
  EXPECT_EQ(result.required, 2);
  // It is never rolled back: the replicas got it, and keep it.
  for (const NodeId other : cluster_.Others(coordinator)) {
    cluster_.nodes().network().Mend(other, coordinator);
  }
  ASSERT_TRUE(cluster_.WaitUntil([this] { return cluster_.AtRest(); }));
  cluster_.Wait(absl::Seconds(1));
  for (const NodeId node : cluster_.Others(0)) {
    EXPECT_EQ(ValueOf(cluster_.Do(node, LocalRead("key"))), "'value'") << "at node " << node;
  }
}

TEST_P(StrategyFaultsContract, ReadFailsWhereTooFewCanAnswer) {
  cluster_.StartAll();
  cluster_.Isolate(1);
  for (const absl::Duration known : {absl::ZeroDuration(), absl::Seconds(5)}) {
    cluster_.Wait(known);
    Operation get = Get("key");
    get.timeout = absl::Milliseconds(300);
    const OperationResult result = cluster_.Do(1, get);
    EXPECT_FALSE(result.status.ok());
    EXPECT_FALSE(result.may_have_applied);
  }
}

TEST_P(StrategyFaultsContract, CutOffOperationsEndOnceWhenTimeIsOver) {
  cluster_.StartAll();
  cluster_.Isolate(1);
  std::vector<size_t> begun;
  for (int i = 0; i < 50; ++i) {
    for (const NodeId node : cluster_.Others(0)) {
      Operation operation = i % 2 == 0 ? Set("key", absl::StrCat("value", node, i)) : Get("key");
      operation.timeout = absl::Milliseconds(10 * (i + 1));
      begun.push_back(cluster_.Begin(node, operation));
      if (i % 5 == 0) cluster_.nodes().Cancel(begun.back());
    }
  }
  cluster_.Wait(absl::Seconds(1));
  for (const size_t index : begun) EXPECT_EQ(cluster_.At(index).results, 1);
  cluster_.Rejoin(1);
  ASSERT_TRUE(cluster_.WaitUntil([this] { return cluster_.AtRest(); }));
  for (const size_t index : begun) EXPECT_EQ(cluster_.At(index).results, 1);
}

TEST_P(KeptWritesFaultsContract, NothingIsReadFromWhoMayHaveForgotten) {
  cluster_.StartAll();
  ASSERT_TRUE(cluster_.Do(cluster_.Coordinator(), Set("key", "value")).status.ok());
  cluster_.Wait(absl::Seconds(1));
  for (const NodeId node : cluster_.Others(0)) {
    cluster_.nodes().Crash(node);
    cluster_.Isolate(node);
    cluster_.nodes().Start(node);
    cluster_.Wait(absl::Seconds(5));
    EXPECT_FALSE(cluster_.nodes().replica(node)->KnowsItsPast());
    EXPECT_NE(cluster_.nodes().replica(node)->Status().state, ReplicaState::kServing);
    EXPECT_FALSE(cluster_.nodes().replica(node)->Status().detail.empty());
    Operation one = Get("key");
    one.r = 1;
    for (const Operation& read : {LocalRead("key"), one}) {
      const OperationResult result = cluster_.Do(node, read);
      EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable) << result.status;
    }
    cluster_.Rejoin(node);
    ASSERT_TRUE(cluster_.WaitUntil([this] { return cluster_.AtRest(); }));
    EXPECT_EQ(ValueOf(cluster_.Do(node, LocalRead("key"))), "'value'") << "at node " << node;
  }
}

TEST_P(KeptWritesFaultsContract, WhoStartsEmptyCatchesUpWithEverything) {
  // Records of several pages.
  constexpr int kKeys = 40;
  const std::string filler(size_t{60} << 10, '.');
  cluster_.StartAll();
  for (int i = 0; i < kKeys; ++i) {
    const OperationResult set =
        cluster_.Do(cluster_.Coordinator(), Set(absl::StrCat("key", i), absl::StrCat(i, filler)));
    ASSERT_TRUE(set.status.ok()) << set.status;
  }
  ASSERT_TRUE(cluster_.Do(cluster_.Coordinator(), Delete("key7")).status.ok());
  cluster_.Wait(absl::Seconds(1));
  for (const NodeId node : cluster_.Others(0)) {
    cluster_.nodes().Crash(node);
    cluster_.Wait(absl::Milliseconds(100));
    cluster_.nodes().Start(node);
    ASSERT_TRUE(cluster_.WaitUntil([this] { return cluster_.AtRest(); }));
    for (int i = 0; i < kKeys; ++i) {
      const OperationResult read = cluster_.Do(node, LocalRead(absl::StrCat("key", i)));
      EXPECT_EQ(ValueOf(read), i == 7 ? "absent" : absl::StrCat("'", i, filler, "'"));
    }
  }
}

TEST_P(KeptWritesFaultsContract, WritesWhileANodeIsAwayReachIt) {
  cluster_.StartAll();
  const NodeId coordinator = cluster_.Coordinator();
  for (const NodeId away : cluster_.Others(coordinator)) {
    cluster_.Isolate(away);
    for (int i = 0; i < 20; ++i) {
      const OperationResult set =
          cluster_.Do(coordinator, Set(absl::StrCat("key", i), absl::StrCat("for ", away)));
      EXPECT_TRUE(set.status.ok()) << set.status;
    }
    cluster_.Wait(absl::Seconds(3));
    cluster_.Rejoin(away);
    ASSERT_TRUE(cluster_.WaitUntil([this] { return cluster_.AtRest(); }));
    ASSERT_TRUE(cluster_.WaitUntil([&] {
      return cluster_.nodes().disk(away).Contents() ==
             cluster_.nodes().disk(coordinator).Contents();
    }));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(ValueOf(cluster_.Do(away, LocalRead(absl::StrCat("key", i)))),
                absl::StrCat("'for ", away, "'"));
    }
  }
}

TEST_P(StrategyFaultsContract, TooManyOperationsInFlightAreRefused) {
  constexpr int kLimit = 5;
  QuietCluster cluster(GetParam(), Quorums{3, 2, 2}, Durability::kMemory,
                       [](ClusterConfig* config) { config->max_open_operations = kLimit; });
  cluster.StartAll();
  cluster.Isolate(1);
  std::vector<size_t> begun;
  for (int i = 0; i < 2 * kLimit; ++i) begun.push_back(cluster.Begin(1, Get("key")));
  cluster.Wait(absl::Seconds(10));
  int refused = 0;
  for (const size_t index : begun) {
    EXPECT_EQ(cluster.At(index).results, 1);
    const OperationResult& result = cluster.At(index).result;
    refused += result.status.code() == absl::StatusCode::kResourceExhausted ? 1 : 0;
    EXPECT_FALSE(result.may_have_applied);
  }
  if (cluster.Promise().keeps_acknowledged_writes) {
    EXPECT_EQ(refused, kLimit);
  }
}

INSTANTIATE_TEST_SUITE_P(All, StrategyFaultsContract, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(All, KeptWritesFaultsContract, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace quorate
