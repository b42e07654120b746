#include "loadgen/chi_square.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

TEST(ChiSquareTest, IsTheSumOfSquaredErrors) {
  const ChiSquare result = CompareCounts({30, 70}, {0.5, 0.5});
  EXPECT_DOUBLE_EQ(result.statistic, 2 * 20.0 * 20.0 / 50);
}

TEST(ChiSquareTest, BoundsAreThoseOfTables) {
  // The exact ones are 37.33 at 8 degrees of freedom and 159.02 at 90; the approximation errs
  // upwards, by 2 % at most here.
  EXPECT_NEAR(CompareCounts(std::vector<uint64_t>(9, 100), std::vector<double>(9, 1 / 9.0)).bound,
              37.33, 0.9);
  EXPECT_NEAR(
      CompareCounts(std::vector<uint64_t>(91, 100), std::vector<double>(91, 1 / 91.0)).bound,
      159.02, 0.5);
}

TEST(ChiSquareTest, RareClassesAreTakenTogether) {
  // Expected are 980, 10 and ten times 1: twelve degrees would make one of the last look awful.
  std::vector<uint64_t> counts = {980, 10};
  std::vector<double> probabilities = {0.98, 0.01};
  for (int i = 0; i < 10; ++i) {
    counts.push_back(i == 0 ? 10 : 0);
    probabilities.push_back(0.001);
  }
  EXPECT_NEAR(CompareCounts(counts, probabilities).statistic, 0, 1e-9);
}

TEST(ChiSquareTest, HoldsForFairAndFailsForLoadedDice) {
  int passed = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream random(seed);
    std::vector<uint64_t> counts(6);
    for (int i = 0; i < 6000; ++i) ++counts[random.NextBelow(6)];
    const ChiSquare result = CompareCounts(counts, std::vector<double>(6, 1 / 6.0));
    passed += result.statistic <= result.bound ? 1 : 0;
  }
  EXPECT_EQ(passed, 200);
  RandomStream random(1);
  std::vector<uint64_t> counts(6);
  for (int i = 0; i < 6000; ++i) ++counts[random.NextBelow(13) * 6 / 13];
  const ChiSquare result = CompareCounts(counts, std::vector<double>(6, 1 / 6.0));
  EXPECT_GT(result.statistic, result.bound);
}

}  // namespace
}  // namespace quorate::loadgen
