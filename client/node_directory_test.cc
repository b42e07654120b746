#include "client/node_directory.h"

#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr SteadyTime kNow{std::chrono::hours(1)};

NodeStatus StatusOf(const std::string& name, const std::string& leader,
                    const std::vector<std::string>& peers = {}) {
  NodeStatus status;
  status.node = name;
  status.state = "serving";
  status.leader = leader;
  for (const std::string& peer : peers) {
    PeerInfo info;
    info.node = peer;
    info.grpc_address = "host-" + peer + ":9080";
    status.peers.push_back(info);
  }
  return status;
}

std::vector<size_t> Reads(NodeDirectory* directory, size_t count, SteadyTime now = kNow) {
  std::vector<size_t> picked;
  for (size_t i = 0; i < count; ++i) {
    picked.push_back(directory->Pick(/*write=*/false, directory->size(), now));
  }
  return picked;
}

TEST(NodeDirectoryTest, NodesTakeTurns) {
  NodeDirectory directory({"a:1", "b:1", "c:1"});
  EXPECT_THAT(Reads(&directory, 3), UnorderedElementsAre(0, 1, 2));
  EXPECT_THAT(Reads(&directory, 6), UnorderedElementsAre(0, 0, 1, 1, 2, 2));
}

TEST(NodeDirectoryTest, LearnsMembersAndLeader) {
  NodeDirectory directory({"a:1"});
  EXPECT_EQ(directory.Pick(/*write=*/true, 1, kNow), 0u);
  directory.Learn(0, StatusOf("1", "3", {"2", "3"}));
  ASSERT_EQ(directory.size(), 3u);
  EXPECT_EQ(directory.address(2), "host-3:9080");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(directory.Pick(/*write=*/true, 3, kNow), 2u);
  EXPECT_EQ(directory.Pick(/*write=*/true, 2, kNow), 2u) << "the leader even where it has failed";
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 0)) << "the others have not answered";
  directory.Learn(1, StatusOf("2", "", {"1", "3"}));
  directory.Learn(2, StatusOf("3", "", {"1", "2"}));
  EXPECT_THAT(Reads(&directory, 3), UnorderedElementsAre(0, 1, 2));
  EXPECT_EQ(directory.Pick(/*write=*/true, 3, kNow), 2u);
  directory.LearnLeader("2");
  EXPECT_EQ(directory.Pick(/*write=*/true, 3, kNow), 1u);
  EXPECT_EQ(directory.size(), 3u);
}

TEST(NodeDirectoryTest, OneNodeWithTwoAddressesIsAskedOnce) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Learn(0, StatusOf("1", "", {"2"}));  // host-2:9080 is b:1
  ASSERT_EQ(directory.size(), 3u);
  directory.Learn(1, StatusOf("2", "", {"1"}));
  EXPECT_EQ(directory.size(), 3u);
  EXPECT_FALSE(directory.usable(2));
  EXPECT_THAT(Reads(&directory, 4), UnorderedElementsAre(0, 0, 1, 1));
}

TEST(NodeDirectoryTest, NodesMaySwapTheirAddresses) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Learn(0, StatusOf("1", "", {}));
  directory.Learn(1, StatusOf("2", "", {}));
  directory.Learn(0, StatusOf("2", "", {}));
  EXPECT_FALSE(directory.usable(1));
  directory.Learn(1, StatusOf("1", "", {}));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 1));
}

TEST(NodeDirectoryTest, AddressThatLeadsElsewhereNowSetsTheOtherFree) {
  NodeDirectory directory({"balancer:1"});
  directory.Learn(0, StatusOf("1", "", {"2", "3"}));
  directory.Learn(1, StatusOf("2", ""));
  directory.Learn(2, StatusOf("3", ""));
  directory.Learn(0, StatusOf("2", ""));
  EXPECT_FALSE(directory.usable(1));
  directory.Learn(0, StatusOf("3", ""));
  EXPECT_TRUE(directory.usable(1));
  EXPECT_FALSE(directory.usable(2));
}

TEST(NodeDirectoryTest, UsesTheAddressThatAnswers) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Learn(0, StatusOf("1", ""));
  directory.Learn(1, StatusOf("1", ""));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 0));
  directory.Failed(0, kNow);
  EXPECT_THAT(Reads(&directory, 2, kNow + std::chrono::hours(1)), UnorderedElementsAre(1, 1));
  directory.Answered(0);
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 0));
}

TEST(NodeDirectoryTest, FindsANodeThatHasMoved) {
  NodeDirectory directory({"a:1"});
  directory.Learn(0, StatusOf("1", "2", {"2", "3"}));
  directory.Learn(1, StatusOf("2", "2"));
  NodeStatus moved = StatusOf("1", "2", {"2", "3"});
  moved.peers[0].grpc_address = "elsewhere:9080";
  directory.Learn(0, moved);
  EXPECT_EQ(directory.size(), 3u) << "another name for an address that is good";
  directory.Failed(1, kNow);
  directory.Learn(0, moved);
  ASSERT_EQ(directory.size(), 4u);
  EXPECT_EQ(directory.address(3), "elsewhere:9080");
  EXPECT_FALSE(directory.usable(1));
  EXPECT_EQ(directory.Pick(/*write=*/true, 4, kNow), 3u) << "it leads";
  directory.Learn(0, moved);
  EXPECT_EQ(directory.size(), 4u);
}

TEST(NodeDirectoryTest, FindsANodeThatHasTakenTheAddressOfAnother) {
  NodeDirectory directory({"a:1", "b:1", "c:1"});
  directory.Learn(1, StatusOf("2", ""));
  directory.Learn(2, StatusOf("3", ""));
  NodeStatus moved = StatusOf("1", "2", {"2"});
  moved.peers[0].grpc_address = "c:1";
  directory.Failed(1, kNow);
  directory.Learn(0, moved);
  EXPECT_TRUE(directory.usable(1)) << "node 3 has said itself that it is there";
  directory.Failed(2, kNow);
  directory.Learn(0, moved);
  directory.Answered(2);
  EXPECT_FALSE(directory.usable(1));
  EXPECT_EQ(directory.Pick(/*write=*/true, 3, kNow), 2u);
}

NodeStatus StatusIn(const std::string& cluster, const std::string& name,
                    const std::vector<std::string>& peers = {}) {
  NodeStatus status = StatusOf(name, /*leader=*/name, peers);
  status.cluster = cluster;
  return status;
}

TEST(NodeDirectoryTest, NeverMixesClusters) {
  NodeDirectory directory({"a:1", "b:1", "c:1"});
  directory.Learn(1, StatusIn("blue", "1", {"2"}));
  ASSERT_EQ(directory.size(), 4u);
  EXPECT_FALSE(directory.usable(0)) << "it has not told its cluster";
  // Of the same name; who leads there and who is there does not count.
  directory.Learn(0, StatusIn("green", "1", {"2", "3"}));
  EXPECT_EQ(directory.size(), 4u);
  EXPECT_FALSE(directory.usable(0));
  EXPECT_TRUE(directory.usable(1));
  EXPECT_TRUE(directory.usable(3));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(1, 1));
  EXPECT_EQ(directory.Pick(/*write=*/true, 4, kNow), 1u);
  directory.Failed(1, kNow);
  directory.Failed(3, kNow);
  EXPECT_FALSE(directory.HasAnother(1, /*write=*/false, kNow));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(1, 3)) << "better none than another's";
  directory.Answered(1);
  directory.Learn(0, StatusIn("blue", "3"));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 1));
}

TEST(NodeDirectoryTest, SaysWhereNobodyIsLeftOfItsCluster) {
  NodeDirectory directory({"a:1"});
  directory.Learn(0, StatusIn("blue", "1"));
  directory.Learn(0, StatusIn("green", "1"));
  EXPECT_EQ(directory.Pick(/*write=*/false, 1, kNow), directory.size());
  EXPECT_EQ(directory.Pick(/*write=*/true, 1, kNow), directory.size());
  EXPECT_THAT(std::string(directory.NobodyToAsk().message()),
              AllOf(HasSubstr("'blue' is left"), HasSubstr("a:1 is of 'green'")));
  directory.Learn(0, StatusIn("blue", "1"));
  EXPECT_EQ(directory.Pick(/*write=*/false, 1, kNow), 0u);
}

TEST(NodeDirectoryTest, StatusWithoutANameTellsNothing) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Learn(0, StatusOf("", ""));
  directory.Learn(1, StatusOf("", ""));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 1));
}

TEST(NodeDirectoryTest, LeavesNodesAloneThatHaveFailed) {
  NodeDirectory directory({"a:1", "b:1", "c:1"});
  directory.Failed(1, kNow);
  EXPECT_THAT(Reads(&directory, 4), UnorderedElementsAre(0, 0, 2, 2));
  EXPECT_THAT(Reads(&directory, 3, kNow + std::chrono::milliseconds(101)),
              UnorderedElementsAre(0, 1, 2));
  // Longer each time; many failures at once are one.
  const SteadyTime later = kNow + std::chrono::milliseconds(101);
  for (int i = 0; i < 50; ++i) directory.Failed(1, later);
  EXPECT_THAT(Reads(&directory, 4, later + std::chrono::milliseconds(199)),
              UnorderedElementsAre(0, 0, 2, 2));
  EXPECT_THAT(Reads(&directory, 3, later + std::chrono::milliseconds(201)),
              UnorderedElementsAre(0, 1, 2));
  directory.Failed(0, later);
  directory.Answered(0);
  directory.Answered(1);
  EXPECT_THAT(Reads(&directory, 3, later), UnorderedElementsAre(0, 1, 2));
}

TEST(NodeDirectoryTest, AsksWhomItCanWhereAllHaveFailed) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Failed(0, kNow);
  directory.Failed(1, kNow);
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 1));
  EXPECT_EQ(directory.Pick(/*write=*/false, 0, kNow), 1u) << "not the one that failed last";
  NodeDirectory single({"a:1"});
  EXPECT_EQ(single.Pick(/*write=*/false, 0, kNow), 0u);
}

TEST(NodeDirectoryTest, KnowsWhetherThereIsAnotherNode) {
  const bool read = false;
  const bool write = true;
  EXPECT_FALSE(NodeDirectory({"a:1"}).HasAnother(0, read, kNow));
  NodeDirectory directory({"a:1", "b:1"});
  EXPECT_TRUE(directory.HasAnother(0, read, kNow));
  directory.Failed(1, kNow);
  EXPECT_FALSE(directory.HasAnother(0, read, kNow));
  EXPECT_TRUE(directory.HasAnother(1, read, kNow));
  EXPECT_TRUE(directory.HasAnother(0, read, directory.avoided_until(1)));
  EXPECT_FALSE(directory.HasAnother(0, write, directory.avoided_until(1)));
  directory.Answered(1);
  EXPECT_TRUE(directory.HasAnother(0, write, kNow));
  directory.Learn(0, StatusOf("1", ""));
  directory.Learn(1, StatusOf("1", ""));
  EXPECT_FALSE(directory.HasAnother(0, read, kNow)) << "it is the same one";
}

TEST(NodeDirectoryTest, WritesWaitForASignOfLife) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Failed(0, kNow);
  const SteadyTime later = kNow + std::chrono::hours(1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(directory.Pick(/*write=*/true, 2, later), 1u);
  EXPECT_THAT(Reads(&directory, 2, later), UnorderedElementsAre(0, 1));
  directory.Failed(1, later);
  const size_t first = directory.Pick(/*write=*/true, 2, later);
  EXPECT_NE(directory.Pick(/*write=*/true, 2, later), first) << "none is better than the other";
  directory.Answered(0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(directory.Pick(/*write=*/true, 2, later), 0u);
}

TEST(NodeDirectoryTest, PrefersNodesThatServe) {
  NodeDirectory directory({"a:1", "b:1"});
  NodeStatus syncing = StatusOf("1", "");
  syncing.state = "syncing";
  directory.Learn(0, syncing);
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(1, 1));
  directory.Learn(0, StatusOf("1", ""));
  EXPECT_THAT(Reads(&directory, 2), UnorderedElementsAre(0, 1));
}

TEST(NodeDirectoryTest, LeaderThatHasFailedIsPassedOver) {
  NodeDirectory directory({"a:1", "b:1"});
  directory.Learn(0, StatusOf("1", "1"));
  directory.Failed(0, kNow);
  EXPECT_EQ(directory.Pick(/*write=*/true, 2, kNow), 1u);
  EXPECT_EQ(directory.Pick(/*write=*/true, 2, kNow + std::chrono::seconds(1)), 1u);
  directory.Answered(0);
  EXPECT_EQ(directory.Pick(/*write=*/true, 2, kNow), 0u);
}

}  // namespace
}  // namespace quorate
