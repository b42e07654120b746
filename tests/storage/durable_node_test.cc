// Whole nodes over disks that lose their power: what was acknowledged at the durability "synced" is
// there when they start again.
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "node/node.h"
#include "node/node_store.h"
#include "node/test_cluster.h"
#include "replication/registry.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/storage/temp_folder.h"

namespace quorate {
namespace {

using testing::HasSubstr;

class DurableNodeTest : public testing::TestWithParam<std::string> {
 protected:
  static Cluster::Extra OnDisk(const std::string& durability = "synced") {
    return {{"data_dir", "replaced"}, {"durability", durability}};
  }

  void StartOn(Cluster* cluster, size_t i) {
    disks_.resize(std::max(disks_.size(), i + 1));
    disks_[i] = std::make_shared<FaultyFileSystem>();
    cluster->SetDataDir(i, absl::StrCat(folder_.path(), "/node-", i));
    NodeStorage storage;
    storage.rocksdb.file_system = disks_[i];
    cluster->Start(i, storage);
  }
  void LosePower(Cluster* cluster, size_t i) {
    disks_[i]->LosePower();
    cluster->Stop(i);
  }

  const TempFolder folder_;
  std::vector<std::shared_ptr<FaultyFileSystem>> disks_;
};

INSTANTIATE_TEST_SUITE_P(Strategies, DurableNodeTest, testing::ValuesIn(StrategyNames()));

TEST_P(DurableNodeTest, OneNodeComesBackWithWhatItAcknowledged) {
  Cluster cluster(GetParam(), 1, 1, 1, OnDisk());
  StartOn(&cluster, 0);
  ASSERT_TRUE(cluster.AwaitServing());
  for (int i = 0; i < 20; ++i) {
    const OperationResult set = Execute(cluster.node(0), Set(absl::StrCat("k", i), "v"));
    ASSERT_TRUE(set.status.ok()) << set.status;
  }
  LosePower(&cluster, 0);
  StartOn(&cluster, 0);
  ASSERT_TRUE(cluster.AwaitServing());
  for (int i = 0; i < 20; ++i) {
    const std::string key = absl::StrCat("k", i);
    EXPECT_EQ(ValueOf(Execute(cluster.node(0), Read(OperationKind::kLocalRead, key))), "v");
  }
}

// All lose their power at once, so nobody can help anybody.
TEST_P(DurableNodeTest, AllLoseTheirPowerAgainAndAgain) {
  constexpr size_t kNodes = 3;
  Cluster cluster(GetParam(), kNodes, 2, 2, OnDisk());
  int written = 0;
  for (int life = 0; life < 4; ++life) {
    for (size_t i = 0; i < kNodes; ++i) StartOn(&cluster, i);
    ASSERT_TRUE(cluster.AwaitServing());
    for (int i = 0; i < written; ++i) {
      // They know their past at once, and each other a little later.
      std::string value;
      ASSERT_TRUE(Eventually([&] {
        const OperationResult get =
            Execute(cluster.node(i % kNodes), Read(OperationKind::kGet, absl::StrCat("k", i)));
        value = ValueOf(get);
        return get.status.ok();
      })) << value;
      ASSERT_EQ(value, absl::StrCat("v", i)) << "life " << life;
    }
    for (int end = written + 10; written < end; ++written) {
      Operation set = Set(absl::StrCat("k", written), absl::StrCat("v", written));
      set.timeout = kPatience;
      const OperationResult result = Execute(cluster.node(written % kNodes), std::move(set));
      ASSERT_TRUE(result.status.ok()) << result.status;
    }
    // The last write is under way.
    Waiter last;
    cluster.node(0)->Start(Set("last", absl::StrCat(life)), last.callback());
    for (const std::shared_ptr<FaultyFileSystem>& disk : disks_) disk->LosePower();
    for (size_t i = 0; i < kNodes; ++i) cluster.Stop(i);
    last.Await();
  }
}

TEST_P(DurableNodeTest, CleanEndAsksNobody) {
  Cluster cluster(GetParam(), 3, 2, 2, OnDisk("os"));
  for (size_t i = 0; i < 3; ++i) StartOn(&cluster, i);
  ASSERT_TRUE(cluster.AwaitServing());
  ASSERT_TRUE(Execute(cluster.node(0), Set("k", "v")).status.ok());
  const auto holds = [&](size_t i) {
    return ValueOf(Execute(cluster.node(i), Read(OperationKind::kLocalRead, "k"))) == "v";
  };
  ASSERT_TRUE(Eventually([&] { return holds(2); }));
  const uint64_t incarnation = cluster.node(2)->Status().incarnation();
  for (size_t i = 0; i < 3; ++i) cluster.Stop(i);
  StartOn(&cluster, 2);
  // Alone, and sure of its past.
  EXPECT_TRUE(Eventually([&] { return holds(2); }));
  EXPECT_NE(cluster.node(2)->Status().incarnation(), incarnation);
}

// In its place, too: some file systems give a new folder the number of one that is gone.
TEST_P(DurableNodeTest, ACopyOfItsFolderIsNotBelieved) {
  Cluster cluster(GetParam(), 3, 2, 2, OnDisk());
  for (size_t i = 0; i < 3; ++i) StartOn(&cluster, i);
  ASSERT_TRUE(cluster.AwaitServing());
  ASSERT_TRUE(Execute(cluster.node(0), Set("k", "v")).status.ok());
  const auto read = [&] { return Execute(cluster.node(2), Read(OperationKind::kLocalRead, "k")); };
  ASSERT_TRUE(Eventually([&] { return ValueOf(read()) == "v"; }));
  for (size_t i = 0; i < 3; ++i) cluster.Stop(i);

  const std::string folder = cluster.config(2).data_dir;
  const std::string moved = folder_.path() + "/moved";
  std::filesystem::rename(folder, moved);
  cluster.SetDataDir(2, moved);
  cluster.Start(2);
  EXPECT_TRUE(Eventually([&] { return ValueOf(read()) == "v"; })) << "it was only moved";
  cluster.Stop(2);

  const auto about = [&moved] {
    struct statx told = {};
    statx(AT_FDCWD, moved.c_str(), 0, STATX_INO | STATX_BTIME, &told);
    return told;
  };
  std::filesystem::copy(moved, folder, std::filesystem::copy_options::recursive);
  const uint64_t number = about().stx_ino;
  std::filesystem::remove_all(moved);
  std::filesystem::copy(folder, moved, std::filesystem::copy_options::recursive);
  if (about().stx_ino == number && (about().stx_mask & STATX_BTIME) == 0) {
    GTEST_SKIP() << "this file system does not tell a new folder from an old one";
  }
  cluster.Start(2);
  EXPECT_EQ(read().status.code(), absl::StatusCode::kUnavailable);
}

TEST_P(DurableNodeTest, AFailingDiskFailsTheNodeAndNotTheCluster) {
  Cluster cluster(GetParam(), 3, 2, 2, OnDisk());
  for (size_t i = 0; i < 3; ++i) StartOn(&cluster, i);
  ASSERT_TRUE(cluster.AwaitServing());
  disks_[2]->Fail();
  Operation set = Set("k", "v");
  set.timeout = kPatience;
  const OperationResult result = Execute(cluster.node(0), std::move(set));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(Eventually([&] { return cluster.node(2)->Status().state() == "failed"; }));
  const OperationResult refused = Execute(cluster.node(2), Read(OperationKind::kLocalRead, "k"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable) << refused.status;
  EXPECT_EQ(ValueOf(Execute(cluster.node(1), Read(OperationKind::kGet, "k"))), "v");
}

TEST_P(DurableNodeTest, AReplacedDiskIsFilledBeforeItsNodeServes) {
  Cluster cluster(GetParam(), 3, 2, 2, OnDisk());
  for (size_t i = 0; i < 3; ++i) StartOn(&cluster, i);
  ASSERT_TRUE(cluster.AwaitServing());
  ASSERT_TRUE(Execute(cluster.node(0), Set("k", "v")).status.ok());
  cluster.Stop(2);
  cluster.SetDataDir(2, folder_.path() + "/new");
  cluster.Start(2);
  ASSERT_TRUE(cluster.AwaitServing());
  EXPECT_EQ(ValueOf(Execute(cluster.node(2), Read(OperationKind::kLocalRead, "k"))), "v");
}

TEST_P(DurableNodeTest, RefusesTheDataOfAnotherNode) {
  Cluster cluster(GetParam(), 2, 1, 1, OnDisk());
  StartOn(&cluster, 0);
  cluster.Stop(0);
  NodeConfig other = cluster.config(1);
  other.data_dir = cluster.config(0).data_dir;
  const auto node = Node::Start(other);
  EXPECT_EQ(node.status().code(), absl::StatusCode::kFailedPrecondition) << node.status();
  EXPECT_THAT(std::string(node.status().message()), HasSubstr("belong to node '1'"));
}

}  // namespace
}  // namespace quorate
