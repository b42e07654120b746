#include "loadgen/random_stream.h"

#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

TEST(RandomStreamTest, IsSplitMix64) {
  // The generator's published output for the seed 1234567.
  RandomStream random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(RandomStreamTest, UnitsFillTheirIntervalEvenly) {
  RandomStream random(1);
  std::vector<int> tenths(10);
  for (int i = 0; i < 100000; ++i) {
    const double unit = random.NextUnit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
    ++tenths[static_cast<size_t>(unit * 10)];
  }
  // Five standard deviations of a count around 10,000.
  for (const int count : tenths) EXPECT_NEAR(count, 10000, 475);
}

TEST(RandomStreamTest, NumbersStayBelowTheirBound) {
  RandomStream random(2);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(random.NextBelow(7));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 465);
  EXPECT_EQ(random.NextBelow(1), 0u);
  EXPECT_EQ(random.NextBelow(0), 0u);
}

TEST(RandomStreamTest, StreamsDifferBySeedIndexAndPurpose) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint64_t index = 0; index < 100; ++index) {
      for (const StreamPurpose purpose : {StreamPurpose::kKey, StreamPurpose::kMix}) {
        RandomStream random = StreamOf(seed, index, purpose);
        for (int i = 0; i < 3; ++i) seen.insert(random.Next());
      }
    }
  }
  EXPECT_EQ(seen.size(), 10u * 100 * 2 * 3);
  EXPECT_EQ(StreamOf(5, 6, StreamPurpose::kKey).Next(), StreamOf(5, 6, StreamPurpose::kKey).Next());
}

}  // namespace
}  // namespace quorate::loadgen
