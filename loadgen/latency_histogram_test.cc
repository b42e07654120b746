#include "loadgen/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

// Durations over many orders of magnitude, as latencies are.
std::vector<int64_t> LogUniform(int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0.0, std::log(5e10));
  std::vector<int64_t> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(static_cast<int64_t>(std::exp(exponent(random))));
  }
  return values;
}

TEST(LatencyHistogramTest, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.ValueAtQuantile(0.5), 0);
}

TEST(LatencyHistogramTest, SmallDurationsAreExact) {
  LatencyHistogram histogram;
  for (int64_t nanos = 0; nanos < 2048; ++nanos) histogram.Record(nanos);
  for (int64_t nanos = 0; nanos < 2048; ++nanos) {
    EXPECT_EQ(histogram.ValueAtQuantile(static_cast<double>(nanos + 1) / 2048), nanos);
  }
}

TEST(LatencyHistogramTest, BucketEdgesKeepThreeDigits) {
  for (int shift = 0; shift < 35; ++shift) {
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t nanos = (int64_t{1} << shift) + offset;
      LatencyHistogram histogram;
      histogram.Record(nanos);
      histogram.Record(2 * nanos + 1000);  // else the exact maximum would answer
      const int64_t seen = histogram.ValueAtQuantile(0.5);
      EXPECT_GE(seen, nanos);
      EXPECT_LE(static_cast<double>(seen - nanos), 0.001 * static_cast<double>(nanos)) << nanos;
    }
  }
}

TEST(LatencyHistogramTest, QuantilesAgreeWithSortedData) {
  std::vector<int64_t> values = LogUniform(20000, 1);
  LatencyHistogram histogram;
  for (const int64_t value : values) histogram.Record(value);
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.0001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(quantile * 20000));
    const double exact = static_cast<double>(values[std::max<size_t>(rank, 1) - 1]);
    const double seen = static_cast<double>(histogram.ValueAtQuantile(quantile));
    EXPECT_GE(seen, exact) << quantile;
    EXPECT_LE(seen, exact * 1.001) << quantile;
  }
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(LatencyHistogramTest, MeanIsThatOfTheDurations) {
  const std::vector<int64_t> values = LogUniform(5000, 2);
  LatencyHistogram histogram;
  double sum = 0;
  for (const int64_t value : values) {
    histogram.Record(value);
    sum += static_cast<double>(value);
  }
  EXPECT_NEAR(histogram.mean(), sum / 5000, sum / 5000 * 1e-9);
}

TEST(LatencyHistogramTest, MergedPartsEqualTheWhole) {
  const std::vector<int64_t> values = LogUniform(9000, 3);
  LatencyHistogram whole;
  std::vector<LatencyHistogram> parts(3);
  for (size_t i = 0; i < values.size(); ++i) {
    whole.Record(values[i]);
    parts[i % 3].Record(values[i]);
  }
  LatencyHistogram merged;
  for (const LatencyHistogram& part : parts) merged.Merge(part);
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.max(), whole.max());
  for (int percent = 0; percent <= 100; ++percent) {
    EXPECT_EQ(merged.ValueAtQuantile(percent / 100.0), whole.ValueAtQuantile(percent / 100.0));
  }
}

TEST(LatencyHistogramTest, CountsWhatIsTooLongAndKeepsTheMaximum) {
  LatencyHistogram histogram;
  histogram.Record(LatencyHistogram::kHighestNanos);
  histogram.Record(LatencyHistogram::kHighestNanos + 1);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.overflow_count(), 2u);
  EXPECT_EQ(histogram.max(), INT64_MAX);
  EXPECT_EQ(histogram.ValueAtQuantile(1.0), INT64_MAX);
}

TEST(LatencyHistogramTest, NegativeDurationsAndQuantilesOutsideTheirRangeAreHarmless) {
  LatencyHistogram histogram;
  histogram.Record(-5);
  histogram.Record(7);
  EXPECT_EQ(histogram.ValueAtQuantile(-1), 0);
  EXPECT_EQ(histogram.ValueAtQuantile(2), 7);
}

TEST(LatencyHistogramTest, ClearForgetsEverything) {
  LatencyHistogram histogram;
  histogram.Record(123456789);
  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.ValueAtQuantile(1.0), 0);
  histogram.Record(5);
  EXPECT_EQ(histogram.ValueAtQuantile(1.0), 5);
}

}  // namespace
}  // namespace quorate::loadgen
