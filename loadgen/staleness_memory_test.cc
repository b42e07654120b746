#include "loadgen/staleness_memory.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

Order Version(uint64_t version) { return Order{0, version, 0}; }

AcknowledgedWrite Write(uint64_t version, Nanos sent, Nanos acknowledged) {
  return AcknowledgedWrite{Version(version), version, sent, acknowledged};
}

TEST(AcknowledgedWritesTest, CountsWhatIsNewerAndWasAcknowledgedInTime) {
  AcknowledgedWrites writes;
  for (uint64_t version = 1; version <= 5; ++version) {
    const Nanos at = static_cast<Nanos>(version) * 10;
    writes.Add(Write(version, at - 5, at), 8);
  }
  const AcknowledgedWrites::Newer newer = writes.NewerThan(Version(2), 50);
  EXPECT_EQ(newer.count, 2u);  // 3 and 4; 5 was acknowledged at 50, not before
  EXPECT_EQ(newer.first_acknowledged, 30);
  EXPECT_EQ(newer.first_sent, 25);
  EXPECT_FALSE(newer.some_forgotten);
  ASSERT_NE(writes.GreatestBefore(50), nullptr);
  EXPECT_EQ(writes.GreatestBefore(50)->version, 4u);
  EXPECT_EQ(writes.GreatestBefore(10), nullptr);
}

TEST(AcknowledgedWritesTest, ForgetsTheOldestAndSaysSo) {
  AcknowledgedWrites writes;
  for (uint64_t version = 1; version <= 5; ++version) {
    writes.Add(Write(version, 0, static_cast<Nanos>(version) * 10), 2);
  }
  const AcknowledgedWrites::Newer newer = writes.NewerThan(Version(1), 100);
  EXPECT_EQ(newer.count, 2u);
  EXPECT_EQ(newer.first_acknowledged, 40);
  EXPECT_TRUE(newer.some_forgotten);
  EXPECT_FALSE(writes.NewerThan(Version(3), 100).some_forgotten);
}

TEST(AcknowledgedWritesTest, TheGreatestIsNotForgottenForLaterSmallerOnes) {
  AcknowledgedWrites writes;
  writes.Add(Write(9, 0, 10), 2);
  for (uint64_t version = 1; version <= 5; ++version) writes.Add(Write(version, 0, 20), 2);
  EXPECT_EQ(writes.GreatestBefore(100)->version, 9u);
  EXPECT_EQ(writes.GreatestBefore(11)->version, 9u);
}

// Against a list of all that was added. With more steps than there is room for, it may know less,
// but never more.
TEST(ReturnedOrdersTest, AgreesWithAListOfAllReads) {
  std::mt19937_64 random(1);
  int known = 0;
  for (int round = 0; round < 2000; ++round) {
    ReturnedOrders returned;
    std::vector<std::pair<Nanos, uint64_t>> all;
    const bool roomy = round % 2 == 0;
    const uint64_t versions = roomy ? 6 : 30;
    for (int i = 0; i < 40; ++i) {
      const Nanos finished = static_cast<Nanos>(random() % 30);
      const uint64_t version = random() % (versions + 1);
      returned.Add(Version(version), finished);
      all.emplace_back(finished, version);
      const Nanos time = static_cast<Nanos>(random() % 32);
      uint64_t expected = 0;
      for (const auto& [then, seen] : all) {
        if (then < time) expected = std::max(expected, seen);
      }
      const Order found = returned.GreatestBefore(time);
      if (roomy) {
        ASSERT_EQ(found, Version(expected)) << "round " << round;
      }
      ASSERT_FALSE(Version(expected) < found);
      known += found == Version(expected);
    }
  }
  EXPECT_GT(known, 60'000);  // of 80,000
}

TEST(SessionMemoryTest, KeepsTheGreatestOfEachPair) {
  SessionMemory memory(1000);
  memory.OnRead(1, 7, Version(5));
  memory.OnRead(1, 7, Version(3));
  memory.OnWritten(1, 7, Version(4));
  EXPECT_EQ(memory.Find(1, 7).read, Version(5));
  EXPECT_EQ(memory.Find(1, 7).written, Version(4));
  EXPECT_EQ(memory.Find(2, 7).read, Order{});
  EXPECT_EQ(memory.Find(1, 8).written, Order{});
}

TEST(SessionMemoryTest, HoldsAFewThousandPairsWithoutLoss) {
  SessionMemory memory(size_t{1} << 16);
  for (uint32_t session = 0; session < 64; ++session) {
    for (size_t key = 0; key < 50; ++key) memory.OnRead(session, key, Version(session + key + 1));
  }
  EXPECT_EQ(memory.forgotten(), 0u);
  for (uint32_t session = 0; session < 64; ++session) {
    for (size_t key = 0; key < 50; ++key) {
      EXPECT_EQ(memory.Find(session, key).read, Version(session + key + 1));
    }
  }
}

TEST(SessionMemoryTest, ForgetsWhatDoesNotFit) {
  SessionMemory memory(16);
  for (size_t key = 0; key < 1000; ++key) memory.OnRead(0, key, Version(1));
  EXPECT_EQ(memory.forgotten(), 1000u - 16u);
  EXPECT_EQ(memory.Find(0, 999).read, Version(1));
}

}  // namespace
}  // namespace quorate::loadgen
