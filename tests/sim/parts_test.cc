// The parts of the simulated world by themselves.
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "proto/peer.pb.h"
#include "replication/emulated_delays.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {
namespace {

TEST(SimRngTest, StreamsAreTheirOwn) {
  SimRng first = SimRng::Stream(7, "network");
  SimRng again = SimRng::Stream(7, "network");
  SimRng other = SimRng::Stream(7, "storage");
  SimRng next_seed = SimRng::Stream(8, "network");
  const uint64_t drawn = first.Next();
  EXPECT_EQ(drawn, again.Next());
  EXPECT_NE(drawn, other.Next());
  EXPECT_NE(drawn, next_seed.Next());
}

TEST(SimRngTest, ExponentialHasItsMean) {
  SimRng rng(1);
  absl::Duration sum;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) sum += rng.Exponential(absl::Milliseconds(10));
  EXPECT_NEAR(absl::ToDoubleMilliseconds(sum / kDraws), 10.4, 0.3);
}

TEST(SimRngTest, RangesAreInclusive) {
  SimRng rng(1);
  std::set<int> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(rng.Between(-1, 2));
  EXPECT_EQ(drawn, (std::set<int>{-1, 0, 1, 2}));
}

TEST(EventQueueTest, TimeOrdersAndTheSeedBreaksTies) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EventQueue queue{SimRng(seed)};
    std::string order;
    queue.At(absl::Seconds(2), [&order] { order += "z"; });
    for (const char* name : {"a", "b", "c"}) {
      queue.At(absl::Seconds(1), [&order, name] { order += name; });
    }
    while (queue.RunNext()) {
    }
    EXPECT_EQ(order.size(), 4u);
    EXPECT_EQ(order.back(), 'z');
    EXPECT_EQ(queue.Now(), absl::Seconds(2));
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 1u);
}

// Moments are their own: what is drawn at one does not shift what is drawn at another, and what is
// drawn twice at one differs.
TEST(MomentRngTest, DependsOnWhenAndWho) {
  const auto at = [](int64_t ms) { return absl::Milliseconds(ms); };
  MomentRng often{SimRng(7)};
  for (int i = 0; i < 100; ++i) often.WordAt(at(1), 3);
  MomentRng seldom{SimRng(7)};
  EXPECT_EQ(often.WordAt(at(2), 3), seldom.WordAt(at(2), 3));
  std::set<uint64_t> words;
  for (int ms = 3; ms < 13; ++ms) {
    for (uint64_t who = 0; who < 10; ++who) {
      for (int again = 0; again < 10; ++again) words.insert(seldom.WordAt(at(ms), who));
    }
  }
  EXPECT_EQ(words.size(), 1000u);
  MomentRng other{SimRng(8)};
  EXPECT_NE(often.WordAt(at(20), 1), other.WordAt(at(20), 1));
}

TEST(MomentRngTest, IsFair) {
  MomentRng rng{SimRng(1)};
  int heads = 0;
  for (int i = 0; i < 10000; ++i) heads += rng.At(absl::Microseconds(i), 1).Chance(30) ? 1 : 0;
  EXPECT_NEAR(heads, 3000, 200);
}

// Whatever the order of asking: the outside first, by rank.
TEST(EventQueueTest, TheOutsideComesFirstByRank) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EventQueue queue{SimRng(seed)};
    std::string order;
    queue.At(absl::Seconds(1), [&order] { order += "i"; });
    queue.OutsideAt(absl::Seconds(1), 2, [&order] { order += "c"; });
    queue.OutsideAt(absl::Seconds(1), 0, [&order] { order += "a"; });
    queue.OutsideAt(absl::Seconds(1), 2, [&order] { order += "d"; });
    queue.OutsideAt(absl::Seconds(1), 1, [&order] { order += "b"; });
    queue.OutsideAt(absl::Seconds(2), 0, [&order] { order += "z"; });
    while (queue.RunNext()) {
    }
    EXPECT_EQ(order, "abcdiz");
  }
}

TEST(EventQueueTest, RunUntilStopsAtTheDeadline) {
  EventQueue queue{SimRng(1)};
  int ran = 0;
  queue.At(absl::Seconds(1), [&ran] { ++ran; });
  queue.At(absl::Seconds(3), [&ran] { ++ran; });
  EXPECT_FALSE(queue.RunUntil([] { return false; }, absl::Seconds(2)));
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(queue.Now(), absl::Seconds(2));
  EXPECT_TRUE(queue.RunUntil([&ran] { return ran == 2; }, absl::Seconds(9)));
}

TEST(SimDiskTest, MemoryForgetsEverything) {
  SimDisk disk(Durability::kMemory);
  SimRng rng(1);
  ASSERT_TRUE(disk.Apply({{"a", "1"}}).ok());
  ASSERT_TRUE(disk.Sync().ok());
  disk.Crash(/*power_lost=*/true, &rng);
  EXPECT_TRUE(disk.Contents().empty());
}

TEST(SimDiskTest, ProcessesDieAndDisksStay) {
  for (const Durability durability : {Durability::kOs, Durability::kSynced}) {
    SimDisk disk(durability);
    SimRng rng(1);
    const WriteBatch all{{"a", "1"}, {"b", "2"}};
    ASSERT_TRUE(disk.Apply(all).ok());
    disk.Crash(/*power_lost=*/false, &rng);
    EXPECT_EQ(disk.Contents(), all);
    ASSERT_TRUE(disk.Sync().ok());
    disk.Crash(/*power_lost=*/true, &rng);
    EXPECT_EQ(disk.Contents(), all);
    disk.Replace();
    EXPECT_TRUE(disk.Contents().empty());
  }
}

TEST(SimDiskTest, SyncedKeepsWhatWasSyncedAndAPrefixOfTheRest) {
  std::set<size_t> kept;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(Durability::kSynced);
    SimRng rng(seed);
    ASSERT_TRUE(disk.Apply({{"a", "1"}}).ok());
    ASSERT_TRUE(disk.Sync().ok());
    ASSERT_TRUE(disk.Apply({{"b", "1"}}).ok());
    ASSERT_TRUE(disk.Apply({{"c", "1"}}).ok());
    disk.Crash(/*power_lost=*/true, &rng);
    const WriteBatch contents = disk.Contents();
    ASSERT_GE(contents.size(), 1u);
    EXPECT_EQ(contents[0].first, "a");
    if (contents.size() > 1) {
      EXPECT_EQ(contents[1].first, "b");
    }
    kept.insert(contents.size());
  }
  EXPECT_EQ(kept, (std::set<size_t>{1, 2, 3}));
}

TEST(SimDiskTest, FailsUntilTheCrash) {
  SimDisk disk(Durability::kSynced);
  SimRng rng(1);
  disk.Fail();
  EXPECT_FALSE(disk.failed());
  EXPECT_FALSE(disk.Apply({{"a", "1"}, {"b", "1"}}).ok());
  EXPECT_TRUE(disk.failed());
  EXPECT_FALSE(disk.Sync().ok());
  disk.Crash(/*power_lost=*/true, &rng);
  EXPECT_TRUE(disk.Apply({{"a", "2"}}).ok());
  EXPECT_TRUE(disk.Sync().ok());
}

// What was synced and what was not, in batches of two.
void ApplyBatches(SimDisk* disk, int synced, int unsynced) {
  for (int i = 0; i < synced + unsynced; ++i) {
    if (i == synced) {
      ASSERT_TRUE(disk->Sync().ok());
    }
    const std::string key = "k" + std::to_string(10 + i);
    ASSERT_TRUE(disk->Apply({{key, "first"}, {key + "+", "second"}}).ok());
  }
}

TEST(SimDiskTest, DropsWhatWasWrittenInPart) {
  uint64_t torn = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(Durability::kSynced);
    SimRng rng(seed);
    ApplyBatches(&disk, 2, 3);
    disk.Crash(/*power_lost=*/true, &rng);
    EXPECT_EQ(disk.Contents().size() % 2, 0u);
    EXPECT_GE(disk.Contents().size(), 4u);
    EXPECT_FALSE(disk.has_lost()) << "no more is missing than a crash may take";
    torn += disk.counters().torn_batches;
  }
  EXPECT_GT(torn, 10u);
}

TEST(SimDiskTest, TellsThatItsLogWasDamaged) {
  uint64_t cut = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(Durability::kSynced);
    SimRng rng(seed);
    ApplyBatches(&disk, 4, 1);
    disk.FlipBit(&rng);
    EXPECT_FALSE(disk.damaged()) << "there is no table yet";
    const WriteBatch before = disk.Contents();
    disk.Crash(/*power_lost=*/false, &rng);
    EXPECT_EQ(disk.has_lost(), disk.Contents() != before);
    cut += disk.has_lost() ? 1 : 0;
    EXPECT_EQ(disk.counters().cut_logs, disk.has_lost() ? 1u : 0u);
    disk.NoteLoss();
    EXPECT_FALSE(disk.has_lost());
  }
  EXPECT_GT(cut, 10u);
  EXPECT_LT(cut, 40u);
}

TEST(SimDiskTest, RefusesToReadWhatIsDamaged) {
  SimDisk disk(Durability::kOs);
  SimRng rng(1);
  ApplyBatches(&disk, 3, 0);
  disk.Crash(/*power_lost=*/false, &rng);
  disk.FlipBit(&rng);
  ASSERT_TRUE(disk.damaged());
  const auto readable = [&disk](const std::string& key) { return disk.Get(key).ok(); };
  WriteBatch damaged;
  for (const auto& entry : disk.Contents()) {
    if (!readable(entry.first)) damaged.push_back(entry);
  }
  ASSERT_EQ(damaged.size(), 1u) << "and all is there for whoever asks the simulation";
  EXPECT_EQ(disk.Scan(std::nullopt, ScanLimits()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(disk.failed());
  disk.Crash(/*power_lost=*/true, &rng);
  EXPECT_FALSE(disk.failed());
  EXPECT_FALSE(readable(damaged[0].first)) << "a new process meets it again";
  disk.Crash(/*power_lost=*/true, &rng);
  ASSERT_TRUE(disk.Apply({{damaged[0].first, "new"}}).ok());
  EXPECT_TRUE(readable(damaged[0].first));
  EXPECT_FALSE(disk.damaged());
}

TEST(SimDiskTest, MovesAFullLogIntoItsTables) {
  SimDisk disk(Durability::kSynced, /*log_batches=*/2);
  SimRng rng(1);
  ApplyBatches(&disk, 0, 5);
  disk.Crash(/*power_lost=*/true, &rng);
  EXPECT_GE(disk.Contents().size(), 8u);
}

TEST(SimDiskTest, RefusesWritesWhileItIsFull) {
  SimDisk disk(Durability::kSynced);
  SimRng rng(1);
  ASSERT_TRUE(disk.Apply({{"a", "1"}}).ok());
  disk.FillUp();
  EXPECT_TRUE(disk.Sync().ok()) << "what is there can be synced";
  EXPECT_EQ(disk.Apply({{"b", "1"}}).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(disk.failed());
  disk.MakeRoom();
  EXPECT_FALSE(disk.Apply({{"b", "1"}}).ok()) << "the engine must be opened again";
  EXPECT_FALSE(disk.Sync().ok());
  disk.Crash(/*power_lost=*/true, &rng);
  EXPECT_EQ(disk.Contents(), (WriteBatch{{"a", "1"}}));
  EXPECT_TRUE(disk.Apply({{"b", "1"}}).ok());
}

TEST(SimDiskTest, ASyncThatFailsMayHaveLostWhatItWasToSync) {
  std::set<size_t> kept;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(Durability::kSynced);
    SimRng rng(seed);
    ApplyBatches(&disk, 1, 1);
    disk.Fail();
    EXPECT_FALSE(disk.Sync().ok());
    disk.Crash(/*power_lost=*/false, &rng);
    EXPECT_TRUE(disk.has_lost()) << "whether it has or not";
    kept.insert(disk.Contents().size());
  }
  EXPECT_EQ(kept, (std::set<size_t>{2, 4}));
}

// Counts what arrives.
class Ends : public NetworkUser {
 public:
  bool Up(NodeId node) const override { return down.count(node) == 0; }
  void Deliver(NodeId to, std::shared_ptr<const peer::v1::Batch> batch) override {
    arrived.emplace_back(to, batch->sequence());
  }
  void DeliverLink(NodeId node, NodeId peer, bool up) override {
    links[{node, peer}].push_back(up);
  }

  std::set<NodeId> down;
  std::vector<std::pair<NodeId, uint64_t>> arrived;
  std::map<std::pair<NodeId, NodeId>, std::vector<bool>> links;
};

std::shared_ptr<const peer::v1::Batch> Numbered(uint64_t sequence) {
  auto batch = std::make_shared<peer::v1::Batch>();
  batch->set_sequence(sequence);
  return batch;
}

void RunAll(EventQueue* queue) {
  queue->RunUntil([] { return false; }, queue->Now() + absl::Seconds(10));
}

class SimNetworkTest : public testing::Test {
 protected:
  SimNetwork Make(const NetworkPlan& plan) {
    return SimNetwork(plan, 2, SimRng(1), &queue_, &ends_);
  }

  EventQueue queue_{SimRng(2)};
  Ends ends_;
};

TEST_F(SimNetworkTest, DeliversInOrderOnlyWhereItKeepsOrder) {
  for (const bool keeps : {true, false}) {
    ends_.arrived.clear();
    NetworkPlan plan;
    plan.keeps_order = keeps;
    SimNetwork network = Make(plan);
    for (uint64_t i = 1; i <= 50; ++i) network.Send(1, 2, Numbered(i));
    RunAll(&queue_);
    ASSERT_EQ(ends_.arrived.size(), 50u);
    EXPECT_EQ(std::is_sorted(ends_.arrived.begin(), ends_.arrived.end()), keeps);
  }
}

TEST_F(SimNetworkTest, EmulatesDelaysOnTopOfItsOwn) {
  NetworkPlan plan;
  plan.emulated = *EmulatedDelays::Parse("link=100ms");
  SimNetwork network = Make(plan);
  const auto arrived = [this] { return !ends_.arrived.empty(); };
  network.Send(1, 2, Numbered(1));
  EXPECT_FALSE(queue_.RunUntil(arrived, queue_.Now() + absl::Milliseconds(100)));
  EXPECT_TRUE(queue_.RunUntil(arrived, queue_.Now() + absl::Milliseconds(100)));
}

TEST_F(SimNetworkTest, LosesAndRepeats) {
  NetworkPlan plan;
  plan.loss_per_mille = 100;
  plan.repeat_per_mille = 200;
  SimNetwork network = Make(plan);
  for (uint64_t i = 1; i <= 1000; ++i) network.Send(1, 2, Numbered(i));
  RunAll(&queue_);
  EXPECT_GT(network.counters().lost, 50u);
  EXPECT_GT(network.counters().repeated, 100u);
  EXPECT_EQ(ends_.arrived.size(), 1000 + network.counters().repeated - network.counters().lost);
}

TEST_F(SimNetworkTest, CutsOneDirectionUntilMended) {
  SimNetwork network = Make(NetworkPlan());
  network.Cut(1, 2);
  network.Send(1, 2, Numbered(1));
  network.Send(2, 1, Numbered(2));
  RunAll(&queue_);
  EXPECT_EQ(ends_.arrived, (std::vector<std::pair<NodeId, uint64_t>>{{1, 2}}));
  network.Mend(1, 2);
  network.Send(1, 2, Numbered(3));
  RunAll(&queue_);
  EXPECT_EQ(ends_.arrived.back(), (std::pair<NodeId, uint64_t>{2, 3}));
}

TEST_F(SimNetworkTest, ClogsAddUpUntilEachIsOver) {
  SimNetwork network = Make(NetworkPlan());
  const auto takes_long = [this, &network] {
    ends_.arrived.clear();
    network.Send(1, 2, Numbered(1));
    const bool soon =
        queue_.RunUntil([this] { return !ends_.arrived.empty(); }, queue_.Now() + absl::Seconds(1));
    RunAll(&queue_);
    return !soon;
  };
  network.Clog(1, 2, absl::Seconds(2));
  network.Clog(1, 2, absl::Seconds(5));
  network.Unclog(1, 2, absl::Seconds(2));
  EXPECT_TRUE(takes_long());
  network.Unclog(1, 2, absl::Seconds(5));
  EXPECT_FALSE(takes_long());
}

TEST_F(SimNetworkTest, DialsUntilThePeerIsThere) {
  NetworkPlan plan;
  plan.notices_percent = 100;
  SimNetwork network = Make(plan);
  ends_.down = {2};
  network.OnStart(1);
  RunAll(&queue_);
  EXPECT_TRUE(ends_.links.empty());
  ends_.down.clear();
  network.OnStart(2);
  RunAll(&queue_);
  EXPECT_EQ((ends_.links[{1, 2}]), std::vector<bool>{true});
  ends_.down = {2};
  network.OnCrash(2);
  RunAll(&queue_);
  EXPECT_EQ((ends_.links[{1, 2}]), (std::vector<bool>{true, false}));
}

}  // namespace
}  // namespace quorate::sim
