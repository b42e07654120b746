// What every strategy of the registry does while nothing goes wrong. Tests of something that a
// strategy need not promise ask for the promise first.
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/operation.h"
#include "replication/registry.h"
#include "tests/contract/quiet_cluster.h"
#include "tests/sim/promises.h"

namespace quorate {
namespace {

constexpr Quorums kQuorums{3, 2, 2};

class StrategyContract : public testing::TestWithParam<std::tuple<std::string, Durability>> {
 protected:
  StrategyContract() : cluster_(Strategy(), kQuorums, std::get<1>(GetParam())) {
    cluster_.StartAll();
  }

  static const std::string& Strategy() { return std::get<0>(GetParam()); }
  std::vector<NodeId> AllNodes() const { return cluster_.Others(0); }

  // Reads through every node, and from every node alone once replicas have converged.
  void ExpectEverywhere(const std::string& key, const std::string& value) {
    for (const NodeId node : AllNodes()) {
      const OperationResult read = cluster_.Do(node, Get(key));
      EXPECT_TRUE(read.status.ok()) << read.status;
      EXPECT_EQ(ValueOf(read), value) << "through node " << node;
    }
    cluster_.Wait(absl::Seconds(1));
    for (const NodeId node : AllNodes()) {
      const OperationResult read = cluster_.Do(node, LocalRead(key));
      EXPECT_TRUE(read.status.ok()) << read.status;
      EXPECT_EQ(ValueOf(read), value) << "at node " << node;
    }
  }

  void ExpectRefused(const Operation& operation, absl::StatusCode code) {
    for (const NodeId node : AllNodes()) {
      const OperationResult result = cluster_.Do(node, operation);
      EXPECT_EQ(result.status.code(), code) << "node " << node << ": " << result.status;
      EXPECT_FALSE(result.status.message().empty());
      EXPECT_FALSE(result.may_have_applied);
    }
    cluster_.Wait(absl::Seconds(1));
    EXPECT_TRUE(cluster_.NothingStored());
  }

  QuietCluster cluster_;
};

// Tests of what a strategy does that keeps acknowledged writes.
class KeptWritesContract : public StrategyContract {
 protected:
  void SetUp() override {
    if (!cluster_.Promise().keeps_acknowledged_writes) {
      GTEST_SKIP() << "the strategy does not promise to keep acknowledged writes";
    }
  }
};

TEST_P(KeptWritesContract, SetThroughAnyNodeIsReadThroughEveryNode) {
  for (const NodeId node : AllNodes()) {
    const std::string key = absl::StrCat("key", node);
    const OperationResult set = cluster_.Do(node, Set(key, "value"));
    ASSERT_TRUE(set.status.ok()) << set.status;
    EXPECT_GE(set.answers, kQuorums.w);
    EXPECT_EQ(set.required, kQuorums.w);
    ASSERT_TRUE(set.record.has_value());
    EXPECT_FALSE(set.record->version.empty());
    ExpectEverywhere(key, "'value'");
  }
}

TEST_P(KeptWritesContract, AbsentIsAnAnswer) {
  for (const NodeId node : AllNodes()) {
    for (const Operation& read : {Get("never written"), LocalRead("never written")}) {
      const OperationResult result = cluster_.Do(node, read);
      EXPECT_TRUE(result.status.ok()) << result.status;
      EXPECT_FALSE(result.record.has_value());
    }
  }
  ExpectEverywhere("never written", "absent");
}

TEST_P(KeptWritesContract, EmptyValueIsNotAbsent) {
  ASSERT_TRUE(cluster_.Do(1, Set("key", "")).status.ok());
  ExpectEverywhere("key", "''");
}

TEST_P(KeptWritesContract, OverwriteGrowsTheVersion) {
  const OperationResult first = cluster_.Do(1, Set("key", "first"));
  ASSERT_TRUE(first.status.ok()) << first.status;
  ExpectEverywhere("key", "'first'");
  const OperationResult second = cluster_.Do(2, Set("key", "second"));
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_TRUE(second.record->version.Descends(first.record->version));
  EXPECT_GT(second.record->version.Number(), first.record->version.Number());
  ExpectEverywhere("key", "'second'");
}

TEST_P(KeptWritesContract, DeletedIsAbsentAndCanBeSetAgain) {
  ASSERT_TRUE(cluster_.Do(1, Set("key", "value")).status.ok());
  cluster_.Wait(absl::Seconds(1));
  const OperationResult deleted = cluster_.Do(2, Delete("key"));
  ASSERT_TRUE(deleted.status.ok()) << deleted.status;
  ExpectEverywhere("key", "absent");
  // What was deleted still has a version, which a later write comes after.
  const OperationResult read = cluster_.Do(3, Get("key"));
  ASSERT_TRUE(read.record.has_value());
  EXPECT_TRUE(read.record->version.Descends(deleted.record->version));
  const OperationResult again = cluster_.Do(3, Set("key", "again"));
  ASSERT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.record->version.Descends(deleted.record->version));
  ExpectEverywhere("key", "'again'");
}

TEST_P(KeptWritesContract, DeletingAnAbsentKeySucceeds) {
  EXPECT_TRUE(cluster_.Do(1, Delete("never written")).status.ok());
  ExpectEverywhere("never written", "absent");
}

TEST_P(KeptWritesContract, EachOperationMayAskForItsOwnQuorum) {
  for (int quorum = 1; quorum <= kQuorums.n; ++quorum) {
    for (const NodeId node : AllNodes()) {
      Operation set = Set("key", absl::StrCat("value", quorum, "/", node));
      set.w = quorum;
      const OperationResult written = cluster_.Do(node, set);
      ASSERT_TRUE(written.status.ok()) << written.status;
      EXPECT_EQ(written.required, quorum);
      EXPECT_GE(written.answers, quorum);
      cluster_.Wait(absl::Seconds(1));
      Operation get = Get("key");
      get.r = quorum;
      const OperationResult read = cluster_.Do(node, get);
      ASSERT_TRUE(read.status.ok()) << read.status;
      EXPECT_EQ(read.required, quorum);
      EXPECT_GE(read.answers, quorum);
      EXPECT_EQ(ValueOf(read), absl::StrCat("'", set.value, "'"));
    }
  }
}

TEST_P(StrategyContract, QuorumsOutOfRangeAreRefused) {
  for (const int quorum : {-1, 0, kQuorums.n + 1}) {
    Operation set = Set("key", "value");
    set.w = quorum;
    ExpectRefused(set, absl::StatusCode::kInvalidArgument);
    Operation deletion = Delete("key");
    deletion.w = quorum;
    ExpectRefused(deletion, absl::StatusCode::kInvalidArgument);
    Operation get = Get("key");
    get.r = quorum;
    ExpectRefused(get, absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(StrategyContract, KeysAndValuesBeyondTheLimitsAreRefused) {
  const ClusterConfig limits;
  const std::string long_key(limits.max_key_bytes + 1, 'k');
  for (const std::string& key : {std::string(), long_key}) {
    for (const Operation& operation : {Set(key, "value"), Delete(key), Get(key), LocalRead(key)}) {
      ExpectRefused(operation, absl::StatusCode::kInvalidArgument);
    }
  }
  ExpectRefused(Set("key", std::string(limits.max_value_bytes + 1, 'v')),
                absl::StatusCode::kInvalidArgument);
}

TEST_P(KeptWritesContract, KeysAndValuesAtTheLimitsAreTaken) {
  const ClusterConfig limits;
  const std::string key(limits.max_key_bytes, '\xff');
  const std::string value(limits.max_value_bytes, '\0');
  const OperationResult set = cluster_.Do(3, Set(key, value));
  ASSERT_TRUE(set.status.ok()) << set.status;
  ExpectEverywhere(key, absl::StrCat("'", value, "'"));
}

TEST_P(StrategyContract, DamagedContextIsRefused) {
  Operation set = Set("key", "value");
  set.context = "no context";
  ExpectRefused(set, absl::StatusCode::kInvalidArgument);
  set.context = ContextToken("another key", Version::Sequenced(1, 1));
  ExpectRefused(set, absl::StatusCode::kInvalidArgument);
}

TEST_P(KeptWritesContract, ContextOfAReplyIsTaken) {
  const OperationResult first = cluster_.Do(1, Set("key", "first"));
  ASSERT_TRUE(first.status.ok()) << first.status;
  Operation second = Set("key", "second");
  second.context = ContextToken("key", SeenBy(first));
  ASSERT_TRUE(cluster_.Do(2, second).status.ok());
  ExpectEverywhere("key", "'second'");
}

TEST_P(StrategyContract, NoTimeMeansNothingHappens) {
  for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(1)}) {
    Operation set = Set("key", "value");
    set.timeout = timeout;
    ExpectRefused(set, absl::StatusCode::kDeadlineExceeded);
    Operation get = Get("key");
    get.timeout = timeout;
    ExpectRefused(get, absl::StatusCode::kDeadlineExceeded);
  }
}

TEST_P(StrategyContract, EveryOperationEndsOnceWhateverItsTimeout) {
  std::vector<size_t> begun;
  for (int i = 0; i < 200; ++i) {
    Operation operation = i % 2 == 0 ? Set(absl::StrCat("key", i % 10), absl::StrCat("value", i))
                                     : Get(absl::StrCat("key", i % 10));
    operation.timeout = absl::Microseconds(1 + 20 * i);
    begun.push_back(cluster_.Begin(1 + i % kQuorums.n, operation));
  }
  cluster_.Wait(absl::Seconds(5));
  for (const size_t index : begun) EXPECT_EQ(cluster_.At(index).results, 1);
  EXPECT_TRUE(cluster_.AtRest());
}

TEST_P(StrategyContract, CancelledOperationsEndOnce) {
  std::vector<size_t> begun;
  for (int i = 0; i < 100; ++i) {
    const Operation operation = i % 2 == 0 ? Set("key", absl::StrCat("value", i)) : Get("key");
    begun.push_back(cluster_.Begin(1 + i % kQuorums.n, operation));
    cluster_.Wait(absl::Microseconds(7 * i));
    cluster_.nodes().Cancel(begun.back());
    cluster_.nodes().Cancel(begun.back());
  }
  cluster_.Wait(absl::Seconds(5));
  int cancelled = 0;
  for (const size_t index : begun) {
    EXPECT_EQ(cluster_.At(index).results, 1);
    const OperationResult& result = cluster_.At(index).result;
    if (result.status.code() != absl::StatusCode::kCancelled) continue;
    ++cancelled;
    EXPECT_EQ(result.may_have_applied, cluster_.At(index).operation.is_write());
  }
  if (cluster_.Promise().keeps_acknowledged_writes) {
    EXPECT_GT(cancelled, 0);
  }
  EXPECT_TRUE(cluster_.AtRest());
}

TEST_P(StrategyContract, ConcurrentWritesConverge) {
  if (!cluster_.Promise().converges) GTEST_SKIP() << Strategy() << " does not promise convergence";
  for (int i = 0; i < 60; ++i) {
    cluster_.Begin(1 + i % kQuorums.n, Set(absl::StrCat("key", i % 4), absl::StrCat("value", i)));
  }
  cluster_.Wait(absl::Seconds(3));
  const auto first = cluster_.nodes().disk(1).Contents();
  EXPECT_EQ(first.size(), 4u);
  for (const NodeId node : AllNodes()) {
    EXPECT_EQ(cluster_.nodes().disk(node).Contents(), first) << "node " << node;
  }
}

std::string NameOf(const testing::TestParamInfo<StrategyContract::ParamType>& info) {
  const auto& [strategy, durability] = info.param;
  return strategy + (durability == Durability::kMemory ? "_memory" : "_synced");
}

const auto kStrategies = testing::Combine(
    testing::ValuesIn(StrategyNames()), testing::Values(Durability::kMemory, Durability::kSynced));

INSTANTIATE_TEST_SUITE_P(All, StrategyContract, kStrategies, NameOf);
INSTANTIATE_TEST_SUITE_P(All, KeptWritesContract, kStrategies, NameOf);

class StrategyPromises : public testing::TestWithParam<std::string> {};

TEST_P(StrategyPromises, AreStatedForAllQuorums) {
  for (int n = 1; n <= 7; ++n) {
    ClusterConfig config;
    config.strategy = GetParam();
    config.quorums = Quorums{n, 1, 1};
    for (const auto& [quorums, promise] : sim::PromisesOf(config)) {
      const auto [w, r] = quorums;
      EXPECT_FALSE(promise.summary.empty());
      if (promise.no_stale_reads) {
        EXPECT_GT(w + r, n);
        EXPECT_TRUE(promise.keeps_acknowledged_writes);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, StrategyPromises, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace quorate
