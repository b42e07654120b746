#include "replication/quorum_reads.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/hedge_budget.h"
#include "replication/registry.h"
#include "replication/replica_harness.h"

namespace quorate {
namespace {

constexpr NodeId kCoordinator = 1;
constexpr NodeId kFrozen = 3;

// All reads are coordinated by node 1.
class QuorumReadsTest : public testing::TestWithParam<std::string> {
 protected:
  void Start(Quorums quorums, const std::function<void(ClusterConfig*)>& adjust = nullptr) {
    cluster_ = std::make_unique<ReplicaHarness>(GetParam(), quorums, adjust);
    // A round trip is shorter than the shortest wait before a hedge.
    cluster_->latency = absl::Microseconds(400);
    ASSERT_TRUE(cluster_->Do(kCoordinator, SetOf("k", "v")).status.ok());
    cluster_->Run(absl::Milliseconds(50));
    cluster_->lose = [this](NodeId from, NodeId to, const peer::v1::Message& message) {
      if (from != kCoordinator || !message.has_read()) return false;
      ++asked_[to];
      return frozen_ && to == kFrozen;
    };
  }

  OperationId Submit() {
    Operation read = GetOf("k");
    read.timeout = absl::Seconds(30);
    return cluster_->Submit(kCoordinator, read);
  }
  std::vector<OperationId> SubmitMany(int count) {
    std::vector<OperationId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(Submit());
    return ids;
  }
  // Reads one after the other.
  void Read(int times) {
    for (int i = 0; i < times; ++i) {
      const OperationResult result = cluster_->Do(kCoordinator, GetOf("k"));
      ASSERT_TRUE(result.status.ok()) << result.status;
      ASSERT_EQ(ValueOf(result), "v");
    }
  }

  // Of the reads, those that have ended, all of them well.
  int Answered(const std::vector<OperationId>& ids) const {
    int answered = 0;
    for (const OperationId id : ids) {
      const OperationResult* result = cluster_->ResultOf(id);
      if (result == nullptr) continue;
      ++answered;
      EXPECT_TRUE(result->status.ok()) << result->status;
      EXPECT_EQ(ValueOf(*result), "v");
    }
    return answered;
  }
  int Counter(const std::string& name) {
    return static_cast<int>(cluster_->replica(kCoordinator).Status().counters.at(name));
  }

  std::unique_ptr<ReplicaHarness> cluster_;
  std::map<NodeId, int> asked_;
  bool frozen_ = false;  // no read reaches kFrozen, which answers everything else
};

INSTANTIATE_TEST_SUITE_P(Strategies, QuorumReadsTest, testing::ValuesIn(StrategyNames()));

TEST_P(QuorumReadsTest, AsksAsManyAsItNeedsInTurn) {
  Start({5, 3, 3});
  Read(100);
  for (NodeId peer = 2; peer <= 5; ++peer) EXPECT_EQ(asked_[peer], 50) << "node " << peer;
  EXPECT_EQ(Counter("reads_hedged"), 0);
}

TEST_P(QuorumReadsTest, AsksAllWhereItIsToldTo) {
  Start({5, 3, 3}, [](ClusterConfig* config) { config->read_all = true; });
  frozen_ = true;
  Read(10);
  for (NodeId peer = 2; peer <= 5; ++peer) EXPECT_EQ(asked_[peer], 10) << "node " << peer;
  cluster_->Run(absl::Seconds(3));
  EXPECT_EQ(Counter("reads_hedged"), 0);
}

TEST_P(QuorumReadsTest, HedgesAfterWhatIsUsualAndAvoidsTheFrozenPeer) {
  Start({3, 2, 2});
  cluster_->latency = absl::Milliseconds(3);
  Read(static_cast<int>(LatencyQuantile::kStride));  // each takes 6 ms
  cluster_->latency = absl::Milliseconds(1);
  frozen_ = true;
  const std::vector<OperationId> both = SubmitMany(2);  // one asks node 2, the other one node 3
  cluster_->Run(absl::Milliseconds(7));
  EXPECT_EQ(Answered(both), 1) << "the hedge leaves after 6 ms and takes 2";
  cluster_->Run(absl::Milliseconds(1));
  EXPECT_EQ(Answered(both), 2);
  EXPECT_EQ(Counter("reads_hedged"), 1);
  const int asked = asked_[kFrozen];
  for (int i = 0; i < 50; ++i) {
    const OperationId id = Submit();
    cluster_->Run(absl::Milliseconds(2));
    ASSERT_NE(cluster_->ResultOf(id), nullptr) << i;
  }
  EXPECT_EQ(asked_[kFrozen], asked);
  EXPECT_EQ(Counter("reads_hedged"), 1);
}

TEST_P(QuorumReadsTest, HedgesAgainWhereTheHedgeIsSilentToo) {
  Start({5, 3, 2});
  Read(static_cast<int>(LatencyQuantile::kStride));
  cluster_->lose = [this](NodeId, NodeId to, const peer::v1::Message& message) {
    return message.has_read() && ++asked_[to] > 0 && to != 5;
  };
  const std::vector<OperationId> ids = SubmitMany(1);
  cluster_->Run(absl::Milliseconds(4));
  EXPECT_EQ(Answered(ids), 1) << "three hedges, a millisecond apart, reach node 5 at last";
  EXPECT_LE(Counter("reads_hedged"), 3);
}

TEST_P(QuorumReadsTest, ReplacesASyncingPeerAtOnce) {
  Start({3, 2, 2});
  cluster_->lose = [this](NodeId from, NodeId to, const peer::v1::Message& message) {
    if (from == kCoordinator && message.has_read()) ++asked_[to];
    return message.has_compare_reply();
  };
  cluster_->Restart(kFrozen);
  cluster_->Run(absl::Seconds(2));
  asked_.clear();
  const std::vector<OperationId> both = SubmitMany(2);
  cluster_->Run(absl::Milliseconds(2));
  EXPECT_EQ(Answered(both), 2) << "two round trips, no wait";
  EXPECT_EQ(asked_[kFrozen], 1);
  Read(20);
  EXPECT_EQ(asked_[kFrozen], 1) << "who has refused is asked last";
  EXPECT_EQ(Counter("reads_hedged"), 0);
}

TEST_P(QuorumReadsTest, ReplacesALostPeerAtOnce) {
  Start({3, 2, 2});
  frozen_ = true;
  const std::vector<OperationId> both = SubmitMany(2);
  cluster_->Run(absl::Milliseconds(5));
  EXPECT_EQ(Answered(both), 1);
  cluster_->replica(kCoordinator).Link(kFrozen, false);
  cluster_->replica(kCoordinator).Flush();
  cluster_->Run(absl::Milliseconds(1));
  EXPECT_EQ(Answered(both), 2);
  EXPECT_EQ(Counter("reads_hedged"), 0);
}

TEST_P(QuorumReadsTest, AsksAgainWhereNobodyElseIsLeft) {
  for (const bool all : {false, true}) {
    Start({3, 3, 3}, [all](ClusterConfig* config) { config->read_all = all; });
    int lost = 0;
    cluster_->lose = [&lost](NodeId from, NodeId, const peer::v1::Message& message) {
      return (from == kCoordinator && message.has_read() && lost++ == 0) ||
             (message.has_read_reply() && lost++ == 1);
    };
    const std::vector<OperationId> ids = SubmitMany(1);
    cluster_->Run(absl::Milliseconds(990));
    EXPECT_EQ(Answered(ids), 0);
    cluster_->Run(absl::Milliseconds(20));
    EXPECT_EQ(Answered(ids), 1) << "after the peer timeout both are asked again";
    EXPECT_EQ(Counter("reads_hedged"), 0);
  }
}

TEST_P(QuorumReadsTest, APeerThatComesLateMayStillAnswer) {
  Start({3, 2, 2});
  cluster_->replica(kCoordinator).Link(kFrozen, false);
  cluster_->replica(kCoordinator).Flush();
  bool away = true;
  cluster_->lose = [&away](NodeId, NodeId to, const peer::v1::Message& message) {
    return message.has_read() && (away || to != kFrozen);
  };
  const std::vector<OperationId> ids = SubmitMany(1);
  cluster_->Run(absl::Milliseconds(100));
  away = false;
  cluster_->replica(kCoordinator).Link(kFrozen, true);
  cluster_->replica(kCoordinator).Flush();
  cluster_->Run(absl::Milliseconds(1000));
  EXPECT_EQ(Answered(ids), 1);
}

TEST_P(QuorumReadsTest, TooFewThatCanAnswerEndARead) {
  Start({3, 2, 2});
  cluster_->lose = [](NodeId, NodeId, const peer::v1::Message& message) {
    return message.has_read();
  };
  const OperationId id = Submit();
  for (NodeId peer = 2; peer <= 3; ++peer) {
    ASSERT_EQ(cluster_->ResultOf(id), nullptr);
    cluster_->replica(kCoordinator).Link(peer, false);
    cluster_->replica(kCoordinator).Flush();
  }
  ASSERT_NE(cluster_->ResultOf(id), nullptr);
  EXPECT_EQ(cluster_->ResultOf(id)->status.code(), absl::StatusCode::kUnavailable);
}

TEST_P(QuorumReadsTest, TheBudgetStopsHedges) {
  Start({3, 2, 2});
  frozen_ = true;
  const std::vector<OperationId> ids = SubmitMany(100);
  EXPECT_EQ(asked_[kFrozen], 50);
  cluster_->Run(absl::Milliseconds(900));
  EXPECT_EQ(Counter("reads_hedged"), HedgeBudget::kBurst);
  EXPECT_GT(Counter("hedges_denied"), 0);
  EXPECT_EQ(Answered(ids), 50 + HedgeBudget::kBurst);
  cluster_->Run(absl::Milliseconds(200));
  EXPECT_EQ(Answered(ids), 100) << "after the peer timeout the question counts as lost";
  EXPECT_EQ(Counter("reads_hedged"), HedgeBudget::kBurst);
}

TEST_P(QuorumReadsTest, HedgesAreAShareOfTheReads) {
  Start({3, 2, 2});
  // Of every third read the first question is lost.
  std::set<uint64_t> begun;
  cluster_->lose = [&begun](NodeId, NodeId, const peer::v1::Message& message) {
    return message.has_read() && begun.insert(message.read().operation()).second &&
           begun.size() % 3 == 0;
  };
  constexpr int kReads = 1000;
  std::vector<OperationId> ids;
  for (int i = 0; i < kReads; ++i) {
    ids.push_back(Submit());
    cluster_->Run(absl::Milliseconds(2));
  }
  cluster_->Run(absl::Seconds(5));
  EXPECT_EQ(Answered(ids), kReads);
  const int share = kReads * HedgeBudget::kPercent / 100;
  EXPECT_LE(Counter("reads_hedged"), share + HedgeBudget::kBurst);
  EXPECT_GE(Counter("reads_hedged"), share);
}

TEST_P(QuorumReadsTest, AnsweredReadsMakeRoomForOthers) {
  Start({3, 2, 2}, [](ClusterConfig* config) {
    config->read_all = true;
    config->max_read_bytes = 1000;
  });
  ASSERT_TRUE(cluster_->Do(kCoordinator, SetOf("k", std::string(300, 'v'))).status.ok());
  cluster_->Run(absl::Milliseconds(50));
  frozen_ = true;  // so that each read goes on waiting for it
  for (int i = 0; i < 20; ++i) {
    const OperationResult read = cluster_->Do(kCoordinator, GetOf("k"));
    EXPECT_TRUE(read.status.ok()) << i << ": " << read.status;
  }
}

TEST_P(QuorumReadsTest, WhatHasEndedCountsAgainstNobody) {
  Start({3, 2, 2});
  for (const bool cancelled : {true, false}) {
    frozen_ = true;
    std::vector<OperationId> ids;
    for (int i = 0; i < 20; ++i) {
      Operation read = GetOf("k");
      read.timeout = absl::Milliseconds(50);  // shorter than the wait before the first hedge
      ids.push_back(cluster_->Submit(kCoordinator, read));
    }
    if (cancelled) {
      cluster_->Run(absl::Milliseconds(1));
      EXPECT_EQ(Answered(ids), 10);
      for (const OperationId id : ids) cluster_->replica(kCoordinator).Cancel(id);
      cluster_->replica(kCoordinator).Flush();
    } else {
      cluster_->Run(absl::Milliseconds(60));
    }
    for (const OperationId id : ids) EXPECT_NE(cluster_->ResultOf(id), nullptr);
    frozen_ = false;
    asked_.clear();
    if (cancelled) Read(4);  // few enough to leave the first wait as it is
    if (!cancelled) Read(20);
    EXPECT_EQ(asked_[2], asked_[kFrozen]);
  }
  EXPECT_EQ(Counter("reads_hedged"), 0);
}

}  // namespace
}  // namespace quorate
