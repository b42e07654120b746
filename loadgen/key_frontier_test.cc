#include "loadgen/key_frontier.h"

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

TEST(KeyFrontierTest, InsertsFollowWhatExists) {
  KeyFrontier frontier(10);
  EXPECT_EQ(frontier.born(), 10u);
  EXPECT_EQ(frontier.Take(), 10u);
  EXPECT_EQ(frontier.Take(), 11u);
  EXPECT_EQ(frontier.born(), 10u);
  frontier.OnAcknowledged(10);
  EXPECT_EQ(frontier.born(), 11u);
}

TEST(KeyFrontierTest, LaterKeyWaitsForTheOnesBefore) {
  KeyFrontier frontier(0);
  for (int i = 0; i < 3; ++i) frontier.Take();
  frontier.OnAcknowledged(2);
  frontier.OnAcknowledged(1);
  EXPECT_EQ(frontier.born(), 0u);
  frontier.OnAcknowledged(0);
  EXPECT_EQ(frontier.born(), 3u);
}

TEST(KeyFrontierTest, FailedKeyIsHandedOutAgain) {
  KeyFrontier frontier(0);
  for (int i = 0; i < 3; ++i) frontier.Take();
  frontier.OnFailed(1);
  frontier.OnAcknowledged(0);
  frontier.OnAcknowledged(2);
  EXPECT_EQ(frontier.born(), 1u);
  EXPECT_EQ(frontier.Take(), 1u);
  EXPECT_EQ(frontier.Take(), 3u);
  frontier.OnAcknowledged(1);
  EXPECT_EQ(frontier.born(), 3u);
}

TEST(KeyFrontierTest, EveryKeyIsBornInTheEndWhateverFails) {
  std::mt19937_64 random(1);
  KeyFrontier frontier(5);
  std::vector<uint64_t> under_way;
  std::set<uint64_t> acknowledged = {0, 1, 2, 3, 4};
  for (int step = 0; step < 5000; ++step) {
    if (under_way.size() < 20) under_way.push_back(frontier.Take());
    std::swap(under_way[random() % under_way.size()], under_way.back());
    const uint64_t key = under_way.back();
    under_way.pop_back();
    if (random() % 3 == 0) {
      frontier.OnFailed(key);
    } else {
      frontier.OnAcknowledged(key);
      EXPECT_TRUE(acknowledged.insert(key).second) << key;
    }
    ASSERT_LE(frontier.born(), acknowledged.size());
    ASSERT_TRUE(frontier.born() == 0 || acknowledged.count(frontier.born() - 1) == 1);
    ASSERT_EQ(acknowledged.count(frontier.born()), 0u);
  }
  EXPECT_GT(frontier.born(), 3000u);
}

TEST(KeyFrontierTest, ThereIsALimitToKeys) {
  KeyFrontier frontier(1, 3);
  EXPECT_EQ(frontier.Take(), 1u);
  EXPECT_EQ(frontier.Take(), 2u);
  EXPECT_FALSE(frontier.CanTake());
  frontier.OnFailed(1);
  ASSERT_TRUE(frontier.CanTake());
  EXPECT_EQ(frontier.Take(), 1u);
  EXPECT_FALSE(frontier.CanTake());
}

TEST(KeyFrontierDeathTest, KeysMustHaveBeenTaken) {
  KeyFrontier frontier(0);
  EXPECT_DEATH(frontier.OnAcknowledged(0), "key");
  EXPECT_DEATH(frontier.OnFailed(7), "key");
}

}  // namespace
}  // namespace quorate::loadgen
