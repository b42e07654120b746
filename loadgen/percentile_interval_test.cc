#include "loadgen/percentile_interval.h"

#include <cmath>
#include <cstdint>

#include "gtest/gtest.h"

#include "loadgen/latency_histogram.h"
#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

TEST(PercentileIntervalTest, SaysNothingWhereTooFewLieAbove) {
  LatencyHistogram histogram;
  EXPECT_FALSE(EstimatePercentile(histogram, 0.5).has_value());
  for (int i = 0; i < 999; ++i) histogram.Record(i);
  EXPECT_TRUE(EstimatePercentile(histogram, 0.5).has_value());
  EXPECT_FALSE(EstimatePercentile(histogram, 0.99).has_value());
  histogram.Record(999);
  EXPECT_TRUE(EstimatePercentile(histogram, 0.99).has_value());
  EXPECT_FALSE(EstimatePercentile(histogram, 0.999).has_value());
  EXPECT_FALSE(EstimatePercentile(histogram, 1).has_value());
}

TEST(PercentileIntervalTest, EachPercentileNeedsTenTimesAsManyAsTheOneBefore) {
  uint64_t needed = 100;
  for (const double quantile : {0.9, 0.99, 0.999, 0.9999}) {
    LatencyHistogram histogram;
    histogram.RecordMany(1000, needed - 1);
    EXPECT_FALSE(EstimatePercentile(histogram, quantile).has_value()) << quantile;
    histogram.Record(1000);
    EXPECT_TRUE(EstimatePercentile(histogram, quantile).has_value()) << quantile;
    needed *= 10;
  }
}

TEST(PercentileIntervalTest, RanksAreThoseOfTheBinomial) {
  // 1..1000: a value is its own rank, and below 2,048 ns buckets are exact.
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.Record(i);
  const std::optional<PercentileEstimate> median = EstimatePercentile(histogram, 0.5);
  ASSERT_TRUE(median.has_value());
  EXPECT_EQ(median->value, 500);
  EXPECT_EQ(median->low, 469);   // 500 - 1.96 * 15.81 = 469.01
  EXPECT_EQ(median->high, 531);  // 500 + 1.96 * 15.81 = 530.99
  const std::optional<PercentileEstimate> p95 = EstimatePercentile(histogram, 0.95);
  ASSERT_TRUE(p95.has_value());
  EXPECT_EQ(p95->value, 950);
  EXPECT_EQ(p95->low, 936);   // 950 - 1.96 * 6.892 = 936.49
  EXPECT_EQ(p95->high, 964);  // 950 + 1.96 * 6.892 = 963.51
}

TEST(PercentileIntervalTest, EdgesOfTheQuantilesStayInRange) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Record(i);
  const std::optional<PercentileEstimate> lowest = EstimatePercentile(histogram, -1);
  ASSERT_TRUE(lowest.has_value());
  EXPECT_EQ(lowest->low, 1);
  EXPECT_EQ(lowest->value, 1);
  EXPECT_FALSE(EstimatePercentile(histogram, 2).has_value());
}

TEST(PercentileIntervalTest, EqualDurationsLeaveNoRoom) {
  LatencyHistogram histogram;
  histogram.RecordMany(1'234'567, 5000);
  const std::optional<PercentileEstimate> median = EstimatePercentile(histogram, 0.5);
  ASSERT_TRUE(median.has_value());
  EXPECT_EQ(median->low, 1'234'567);
  EXPECT_EQ(median->value, 1'234'567);
  EXPECT_EQ(median->high, 1'234'567);
}

// Of 1,000 samples from a distribution whose percentiles are known, about 950 intervals must hold
// the true one: not far fewer, as too narrow ones would, and not nearly all, as too wide ones.
TEST(PercentileIntervalTest, HoldsTheTruthInNineteenOfTwentySamples) {
  for (const double quantile : {0.5, 0.9, 0.99}) {
    const auto truth = static_cast<int64_t>(-1e6 * std::log(1 - quantile));
    RandomStream random(7);
    int held = 0;
    LatencyHistogram histogram;
    for (int sample = 0; sample < 1000; ++sample) {
      histogram.Clear();
      for (int i = 0; i < 2000; ++i) {
        histogram.Record(static_cast<int64_t>(-1e6 * std::log(1 - random.NextUnit())));
      }
      const std::optional<PercentileEstimate> estimate = EstimatePercentile(histogram, quantile);
      ASSERT_TRUE(estimate.has_value());
      EXPECT_LE(estimate->low, estimate->value);
      EXPECT_LE(estimate->value, estimate->high);
      held += estimate->low <= truth && truth <= estimate->high ? 1 : 0;
    }
    EXPECT_GE(held, 930) << quantile;
    EXPECT_LE(held, 985) << quantile;
  }
}

}  // namespace
}  // namespace quorate::loadgen
