#include "loadgen/zipf.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"

#include "loadgen/chi_square.h"
#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

// Added up term by term, unlike PowerSum.
std::vector<double> ExactProbabilities(uint64_t items, double exponent) {
  std::vector<double> probabilities;
  for (uint64_t k = 1; k <= items; ++k) {
    probabilities.push_back(std::pow(static_cast<double>(k), -exponent));
  }
  const double sum = std::accumulate(probabilities.rbegin(), probabilities.rend(), 0.0);
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

constexpr int kDrawsPerItem = 500;
constexpr int kDrawsMin = 200000;

int DrawsFor(uint64_t items) {
  return std::max(static_cast<int>(items) * kDrawsPerItem, kDrawsMin);
}

std::vector<uint64_t> DrawCounts(const ZipfSampler& zipf, uint64_t items, uint64_t seed) {
  RandomStream random(seed);
  std::vector<uint64_t> counts(items);
  const int draws = DrawsFor(items);
  for (int i = 0; i < draws; ++i) ++counts.at(zipf.Draw(&random));
  return counts;
}

TEST(ZipfTest, RanksHaveTheirExactProbabilities) {
  for (const uint64_t items : {10, 50, 1000}) {
    for (const double exponent : {0.1, 0.5, 0.99, 1.0, 1.00000001, 1.5, 3.0}) {
      const ChiSquare result = CompareCounts(DrawCounts(ZipfSampler(items, exponent), items, 1),
                                             ExactProbabilities(items, exponent));
      EXPECT_LE(result.statistic, result.bound) << items << " items, exponent " << exponent;
    }
  }
}

TEST(ZipfTest, TwoItemsAndOneAreNoExceptions) {
  for (const double exponent : {0.5, 1.0, 2.0}) {
    const ChiSquare result =
        CompareCounts(DrawCounts(ZipfSampler(2, exponent), 2, 2), ExactProbabilities(2, exponent));
    EXPECT_LE(result.statistic, result.bound) << exponent;
    EXPECT_EQ(DrawCounts(ZipfSampler(1, exponent), 1, 2)[0], static_cast<uint64_t>(kDrawsMin));
  }
}

// The bound above means something: samplers that are a little wrong break it.

TEST(ZipfTest, SlightlyOtherExponentIsSeen) {
  for (const uint64_t items : {10, 50, 1000}) {
    const ChiSquare result = CompareCounts(DrawCounts(ZipfSampler(items, 0.96), items, 3),
                                           ExactProbabilities(items, 0.99));
    EXPECT_GT(result.statistic, result.bound) << items;
  }
}

// Some tools draw from very many ranks and hash these onto the keys they have, so that the most
// popular key's share is that of the very many, plus whatever else is hashed onto it.
TEST(ZipfTest, HashingManyRanksOntoFewKeysIsSeen) {
  const ZipfSampler many(10'000'000'000, 0.99);
  for (const uint64_t items : {10, 50, 1000}) {
    RandomStream random(4);
    std::vector<uint64_t> counts(items);
    const int draws = DrawsFor(items);
    for (int i = 0; i < draws; ++i) ++counts[MixBits(many.Draw(&random)) % items];
    std::sort(counts.rbegin(), counts.rend());  // whichever key each rank became
    const ChiSquare result = CompareCounts(counts, ExactProbabilities(items, 0.99));
    EXPECT_GT(result.statistic, 100 * result.bound) << items;
  }
}

TEST(ZipfTest, DrawBelowIsASamplerOfThatManyItems) {
  const ZipfSampler zipf(1'000'000, 0.8);
  RandomStream random(5);
  std::vector<uint64_t> counts(50);
  for (int i = 0; i < kDrawsMin; ++i) ++counts.at(zipf.DrawBelow(50, &random));
  const ChiSquare result = CompareCounts(counts, ExactProbabilities(50, 0.8));
  EXPECT_LE(result.statistic, result.bound);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(zipf.DrawBelow(1, &random), 0u);
}

TEST(ZipfTest, ProbabilityIsThatOfTheFullSum) {
  for (const uint64_t items : {1, 2, 10, 1000, 1001, 200000}) {
    for (const double exponent : {0.1, 0.99, 1.0, 1.5, 5.0}) {
      const std::vector<double> exact = ExactProbabilities(items, exponent);
      const ZipfSampler zipf(items, exponent);
      for (const uint64_t rank : {uint64_t{0}, items / 2, items - 1}) {
        EXPECT_NEAR(zipf.Probability(rank), exact[rank], exact[rank] * 1e-9)
            << items << " items, exponent " << exponent << ", rank " << rank;
      }
    }
  }
  // Known: the sum over all whole numbers of their inverse squares is pi^2 / 6.
  EXPECT_NEAR(PowerSum(1'000'000'000'000'000, 2), std::acos(-1) * std::acos(-1) / 6, 1e-11);
}

// A billion items: no table, no sum. The first ranks are checked one by one, the rest as one class.
TEST(ZipfTest, BillionItemsAreDrawnExactly) {
  constexpr uint64_t kItems = 1'000'000'000;
  const ZipfSampler zipf(kItems, 0.99);
  RandomStream random(6);
  std::vector<uint64_t> counts(101);
  for (int i = 0; i < 300000; ++i) {
    const uint64_t rank = zipf.Draw(&random);
    ASSERT_LT(rank, kItems);
    ++counts[std::min<uint64_t>(rank, 100)];
  }
  std::vector<double> probabilities;
  for (uint64_t rank = 0; rank < 100; ++rank) probabilities.push_back(zipf.Probability(rank));
  probabilities.push_back(1 - std::accumulate(probabilities.begin(), probabilities.end(), 0.0));
  const ChiSquare result = CompareCounts(counts, probabilities);
  EXPECT_LE(result.statistic, result.bound);
}

TEST(ZipfTest, ExtremesStayInRange) {
  for (const double exponent : {1e-9, 20.0, 100.0, 1000.0}) {
    for (const uint64_t items : {uint64_t{1}, uint64_t{3}, uint64_t{1} << 53}) {
      const ZipfSampler zipf(items, exponent);
      RandomStream random(7);
      for (int i = 0; i < 1000; ++i) ASSERT_LT(zipf.Draw(&random), items);
    }
  }
  // 2^-100 of the draws are not the first.
  RandomStream random(8);
  const ZipfSampler steep(1000, 100);
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(steep.Draw(&random), 0u);
}

TEST(ZipfDeathTest, NeedsItemsAndAnExponent) {
  EXPECT_DEATH(ZipfSampler(0, 1), "items");
  EXPECT_DEATH(ZipfSampler(1, 0), "exponent");
  EXPECT_DEATH(ZipfSampler(1, std::numeric_limits<double>::quiet_NaN()), "exponent");
}

}  // namespace
}  // namespace quorate::loadgen
