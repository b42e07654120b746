#include "loadgen/bijection.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "loadgen/chi_square.h"

namespace quorate::loadgen {
namespace {

TEST(BijectionTest, ReachesEveryNumberOnce) {
  std::vector<uint64_t> sizes = {1023, 1024, 1025, 50000};
  for (uint64_t size = 1; size <= 70; ++size) sizes.push_back(size);
  for (const uint64_t size : sizes) {
    for (uint64_t key = 0; key < 5; ++key) {
      const Bijection bijection(size, key);
      std::vector<bool> reached(size);
      for (uint64_t number = 0; number < size; ++number) {
        const uint64_t mapped = bijection.Map(number);
        ASSERT_LT(mapped, size);
        ASSERT_FALSE(reached[mapped]) << "size " << size << ", key " << key;
        reached[mapped] = true;
      }
    }
  }
}

TEST(BijectionTest, LargeSizesStayInRange) {
  for (const uint64_t size : {uint64_t{1} << 63, (uint64_t{1} << 62) + 1, uint64_t{1} << 40}) {
    const Bijection bijection(size, 3);
    for (uint64_t number = 0; number < 1000; ++number) {
      ASSERT_LT(bijection.Map(number), size);
      ASSERT_LT(bijection.Map(size - 1 - number), size);
    }
  }
}

TEST(BijectionTest, KeyChoosesTheShuffle) {
  const Bijection one(1000, 1);
  const Bijection same(1000, 1);
  const Bijection other(1000, 2);
  int moved = 0;
  for (uint64_t number = 0; number < 1000; ++number) {
    EXPECT_EQ(one.Map(number), same.Map(number));
    moved += one.Map(number) != other.Map(number) ? 1 : 0;
  }
  EXPECT_GT(moved, 990);
}

// Over many keys, each number goes everywhere, and neighbours go their own ways.
TEST(BijectionTest, EveryPlaceIsEquallyLikely) {
  for (const uint64_t size : {5, 8, 10, 17, 100, 300}) {
    for (const uint64_t number : {uint64_t{0}, size - 1}) {
      std::vector<uint64_t> places(size);
      std::vector<uint64_t> distances(size - 1);
      for (uint64_t key = 0; key < 15000; ++key) {
        const Bijection bijection(size, key);
        const uint64_t place = bijection.Map(number);
        ++places[place];
        const uint64_t neighbour = bijection.Map((number + 1) % size);
        ++distances[(neighbour + size - place) % size - 1];
      }
      const double share = 1 / static_cast<double>(size);
      const ChiSquare of_places = CompareCounts(places, std::vector<double>(size, share));
      EXPECT_LE(of_places.statistic, of_places.bound) << size << " " << number;
      const double step = 1 / static_cast<double>(size - 1);
      const ChiSquare of_steps = CompareCounts(distances, std::vector<double>(size - 1, step));
      EXPECT_LE(of_steps.statistic, of_steps.bound) << size << " " << number;
    }
  }
}

TEST(BijectionDeathTest, NeedsASizeInRange) {
  EXPECT_DEATH(Bijection(0, 1), "size");
  EXPECT_DEATH(Bijection((uint64_t{1} << 63) + 1, 1), "size");
}

}  // namespace
}  // namespace quorate::loadgen
