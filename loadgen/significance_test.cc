#include "loadgen/significance.h"

#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

double Unit(std::mt19937_64* random) {
  return (static_cast<double>((*random)() >> 11) + 0.5) * 0x1p-53;
}

// By the method of Box and Muller.
double Normal(std::mt19937_64* random) {
  const double radius = std::sqrt(-2 * std::log(Unit(random)));
  return radius * std::cos(6.283185307179586 * Unit(random));
}

// Each value is `memory` of the one before and the rest new.
std::vector<double> Series(size_t n, double mean, double memory, std::mt19937_64* random) {
  std::vector<double> series;
  double deviation = Normal(random);
  for (size_t i = 0; i < n; ++i) {
    deviation = memory * deviation + std::sqrt(1 - memory * memory) * Normal(random);
    series.push_back(mean + deviation);
  }
  return series;
}

TEST(SignificanceTest, StudentsDistributionAsInTables) {
  EXPECT_NEAR(StudentTwoSided(12.706, 1), 0.05, 1e-5);
  EXPECT_NEAR(StudentTwoSided(2.776445, 4), 0.05, 1e-6);
  EXPECT_NEAR(StudentTwoSided(2.228139, 10), 0.05, 1e-6);
  EXPECT_NEAR(StudentTwoSided(-2.228139, 10), 0.05, 1e-6);
  EXPECT_NEAR(StudentTwoSided(2.749996, 30), 0.01, 1e-6);
  EXPECT_NEAR(StudentTwoSided(1.959966, 1e7), 0.05, 1e-5);
  EXPECT_NEAR(StudentTwoSided(0, 5), 1, 1e-12);
  EXPECT_EQ(StudentTwoSided(INFINITY, 5), 0);
}

TEST(SignificanceTest, LikeNeighboursAreWorthLess) {
  std::mt19937_64 random(1);
  EXPECT_NEAR(EffectiveSampleSize(Series(20'000, 5, 0, &random)), 20'000, 1500);
  // With a memory of 0.8, nine values make one: (1 + 0.8) / (1 - 0.8).
  EXPECT_NEAR(EffectiveSampleSize(Series(20'000, 5, 0.8, &random)), 20'000 / 9.0, 400);
  EXPECT_EQ(EffectiveSampleSize({3, 3, 3, 3}), 4);
  EXPECT_LE(EffectiveSampleSize({1, 2, 1, 2, 1, 2}), 6);
  EXPECT_EQ(EffectiveSampleSize({}), 0);
  EXPECT_EQ(EffectiveSampleSize({7}), 1);
}

TEST(SignificanceTest, WelchAsWorkedOutByHand) {
  // Means 3 and 6, variances 2.5 and 10, five values each: t = 3 / sqrt(0.5 + 2), 5.88 degrees.
  const std::vector<double> a = {5, 1, 4, 2, 3};
  const std::vector<double> b = {10, 2, 8, 4, 6};
  const std::optional<WelchResult> result = WelchTest(a, b);
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->difference, 3, 1e-12);
  EXPECT_NEAR(result->p, StudentTwoSided(3 / std::sqrt(2.5), 6.25 / (0.25 / 4 + 4.0 / 4)), 1e-12);
  EXPECT_NEAR(result->p, 0.1071, 0.001);
  EXPECT_LT(result->low, 0);
  EXPECT_GT(result->high, 6);
}

// Equal systems may be told apart in one of twenty comparisons, also where seconds resemble their
// neighbours; without counting them for less it would be one of three.
TEST(SignificanceTest, EqualSystemsAreRarelyToldApart) {
  for (const double memory : {0.0, 0.5}) {
    std::mt19937_64 random(7);
    int told_apart = 0;
    for (int i = 0; i < 2000; ++i) {
      const std::vector<double> a = Series(60, 100, memory, &random);
      const std::vector<double> b = Series(60, 100, memory, &random);
      told_apart += WelchTest(a, b)->p < 0.05;
    }
    EXPECT_LT(told_apart, 2000 * 0.11) << memory;
    EXPECT_GT(told_apart, 2000 * 0.02) << memory;
  }
}

TEST(SignificanceTest, DifferentSystemsAreToldApart) {
  std::mt19937_64 random(8);
  const std::optional<WelchResult> result =
      WelchTest(Series(60, 100, 0.3, &random), Series(60, 102, 0.3, &random));
  EXPECT_LT(result->p, 0.001);
  EXPECT_GT(result->low, 0);
}

TEST(SignificanceTest, TooLittleIsNotTested) {
  EXPECT_FALSE(WelchTest({1}, {1, 2, 3}).has_value());
  EXPECT_FALSE(WelchTest({}, {}).has_value());
  EXPECT_EQ(WelchTest({5, 5}, {5, 5})->p, 1);
  EXPECT_EQ(WelchTest({5, 5}, {6, 6})->p, 0);
}

TEST(SignificanceTest, SharesAsInNewcombesPaper) {
  // His example (a): 56/70 and 48/80 differ by 0.2, from 0.0524 to 0.3339.
  const Estimate difference = DifferenceOf(*ShareEstimate(48, 80), *ShareEstimate(56, 70));
  EXPECT_NEAR(difference.value, 0.2, 1e-12);
  EXPECT_NEAR(difference.low, 0.0524, 1e-4);
  EXPECT_NEAR(difference.high, 0.3339, 1e-4);
  EXPECT_TRUE(IsSignificant(difference));
  EXPECT_FALSE(IsSignificant(DifferenceOf(*ShareEstimate(0, 100), *ShareEstimate(1, 100))));
  EXPECT_FALSE(ShareEstimate(0, 0).has_value());
}

TEST(SignificanceTest, SharesOfBurstsAreWorthFewerTrials) {
  const Estimate plain = *ShareEstimate(20, 200);
  const Estimate bursts = *ShareEstimate(80, 800, Spread{4});
  EXPECT_EQ(bursts.value, plain.value);
  EXPECT_NEAR(bursts.low, plain.low, 1e-12);
  EXPECT_NEAR(bursts.high, plain.high, 1e-12);
  const Estimate unsure = *ShareEstimate(20, 200, Spread{1, 2.5});
  EXPECT_LT(unsure.low, plain.low);
  EXPECT_GT(unsure.high, plain.high);
  // Less than a single trial still is one of something.
  EXPECT_EQ(ShareEstimate(0, 10, Spread{1000})->low, 0);
  EXPECT_GT(ShareEstimate(0, 10, Spread{1000})->high, 0.99);
  EXPECT_EQ(ShareEstimate(10, 10, Spread{1000})->high, 1);
}

TEST(SignificanceTest, CriticalValuesAsInTables) {
  EXPECT_NEAR(StudentCritical(4), 2.776445, 1e-5);
  EXPECT_NEAR(StudentCritical(1e6), 1.959966, 1e-5);
}

}  // namespace
}  // namespace quorate::loadgen
