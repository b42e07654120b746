#include "loadgen/reservoir.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ReservoirTest, KeepsEverythingBelowItsLimit) {
  Reservoir<std::string> reservoir(3, 1);
  EXPECT_THAT(reservoir.InOrder(), IsEmpty());
  for (const char* word : {"a", "b", "c"}) reservoir.Add(word);
  EXPECT_THAT(reservoir.InOrder(), ElementsAre("a", "b", "c"));
  EXPECT_FALSE(reservoir.cut());
  reservoir.Add("d");
  EXPECT_TRUE(reservoir.cut());
  EXPECT_EQ(reservoir.size(), 3u);
  EXPECT_EQ(reservoir.seen(), 4u);
}

TEST(ReservoirTest, LimitOfNoneKeepsNone) {
  Reservoir<int> reservoir(0, 1);
  EXPECT_FALSE(reservoir.cut());
  for (int i = 0; i < 100; ++i) reservoir.Add(i);
  EXPECT_THAT(reservoir.InOrder(), IsEmpty());
  EXPECT_TRUE(reservoir.cut());
  EXPECT_EQ(reservoir.seen(), 100u);
}

TEST(ReservoirTest, SampleKeepsTheOrderOfArrival) {
  Reservoir<int> reservoir(50, 2);
  for (int i = 0; i < 10000; ++i) reservoir.Add(i);
  const std::vector<int> sample = reservoir.InOrder();
  ASSERT_EQ(sample.size(), 50u);
  EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
  EXPECT_EQ(std::adjacent_find(sample.begin(), sample.end()), sample.end());
}

TEST(ReservoirTest, SeedDecidesWhatIsKept) {
  const auto sample = [](uint64_t seed) {
    Reservoir<int> reservoir(20, seed);
    for (int i = 0; i < 1000; ++i) reservoir.Add(i);
    return reservoir.InOrder();
  };
  EXPECT_EQ(sample(3), sample(3));
  EXPECT_NE(sample(3), sample(4));
}

// Every place of the stream, first and last ones too, is kept in limit/length of all runs.
TEST(ReservoirTest, EveryElementIsKeptEquallyOften) {
  constexpr int kLength = 50;
  constexpr int kLimit = 10;
  constexpr int kRuns = 20000;
  std::vector<int> kept(kLength);
  for (int run = 0; run < kRuns; ++run) {
    Reservoir<int> reservoir(kLimit, static_cast<uint64_t>(run));
    for (int i = 0; i < kLength; ++i) reservoir.Add(i);
    for (const int element : reservoir.InOrder()) ++kept[element];
  }
  // 4,000 each, with a standard deviation of 57.
  for (int i = 0; i < kLength; ++i) EXPECT_NEAR(kept[i], 4000, 5 * 57) << i;
}

}  // namespace
}  // namespace quorate::loadgen
