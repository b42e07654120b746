#include "replication/quorum.h"

#include "gtest/gtest.h"

namespace quorate {
namespace {

struct Case {
  int replicas;
  int required;
  const char* answers;  // + accept, - reject, of nodes 1, 2, 3, ...
  QuorumState expected;
};

TEST(QuorumTrackerTest, Table) {
  const Case cases[] = {
      {5, 3, "", QuorumState::kPending},         {5, 3, "++", QuorumState::kPending},
      {5, 3, "+++", QuorumState::kMet},          {5, 3, "++--", QuorumState::kPending},
      {5, 3, "++---", QuorumState::kImpossible}, {5, 3, "---", QuorumState::kImpossible},
      {5, 5, "-", QuorumState::kImpossible},     {5, 1, "----+", QuorumState::kMet},
      {5, 1, "-----", QuorumState::kImpossible}, {1, 1, "+", QuorumState::kMet},
      {3, 2, "++-", QuorumState::kMet},          {3, 2, "-+", QuorumState::kPending},
  };
  for (const Case& c : cases) {
    QuorumTracker tracker(c.replicas, c.required);
    NodeId node = 0;
    for (const char* answer = c.answers; *answer != '\0'; ++answer) {
      ++node;
      EXPECT_TRUE(*answer == '+' ? tracker.Accept(node) : tracker.Reject(node));
    }
    EXPECT_EQ(tracker.state(), c.expected) << c.replicas << "/" << c.required << c.answers;
  }
}

TEST(QuorumTrackerTest, AReplicaCountsOnce) {
  QuorumTracker tracker(5, 2);
  EXPECT_TRUE(tracker.Accept(7));
  EXPECT_FALSE(tracker.Accept(7));
  EXPECT_FALSE(tracker.Reject(7));
  EXPECT_EQ(tracker.accepted(), 1);
  EXPECT_EQ(tracker.state(), QuorumState::kPending);
}

TEST(QuorumTrackerTest, AnAcceptanceCanBeWithdrawn) {
  QuorumTracker tracker(3, 2);
  tracker.Accept(1);
  tracker.Accept(2);
  tracker.Withdraw(2);
  EXPECT_EQ(tracker.state(), QuorumState::kPending);
  EXPECT_TRUE(tracker.Accept(2));
  EXPECT_EQ(tracker.state(), QuorumState::kMet);
}

TEST(OthersToHearTest, MeetEverySetOfWHolders) {
  for (int n = 1; n <= 9; ++n) {
    for (int w = 1; w <= n; ++w) {
      const int others = OthersToHear(n, w);
      EXPECT_LE(others, n - 1);
      // W holders, this node perhaps among them: the rest of them cannot all be outside.
      if (w > 1) {
        EXPECT_GT(others + (w - 1), n - 1);
      }
    }
    EXPECT_EQ(OthersToHear(n, 1), n - 1);
  }
}

}  // namespace
}  // namespace quorate
