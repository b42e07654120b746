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
  EXPECT_EQ(histogram.min(), 0);
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

TEST(LatencyHistogramTest, MeanOfTheBucketsIsThatOfTheDurations) {
  LatencyHistogram histogram;
  for (const int64_t value : LogUniform(5000, 4)) histogram.Record(value);
  double sum = 0;
  for (const LatencyHistogram::Bucket& bucket : histogram.NonEmptyBuckets()) {
    sum += (static_cast<double>(bucket.lowest) + static_cast<double>(bucket.highest)) / 2 *
           static_cast<double>(bucket.count);
  }
  EXPECT_NEAR(sum / 5000, histogram.mean(), histogram.mean() * 1e-3);
}

void ExpectSame(const LatencyHistogram& a, const LatencyHistogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.overflow_count(), b.overflow_count());
  EXPECT_EQ(a.min(), b.min());
  EXPECT_EQ(a.max(), b.max());
  EXPECT_NEAR(a.mean(), b.mean(), b.mean() * 1e-12);  // sums of doubles depend on their order
  const std::vector<LatencyHistogram::Bucket> of_a = a.NonEmptyBuckets();
  const std::vector<LatencyHistogram::Bucket> of_b = b.NonEmptyBuckets();
  ASSERT_EQ(of_a.size(), of_b.size());
  for (size_t i = 0; i < of_a.size(); ++i) {
    EXPECT_EQ(of_a[i].lowest, of_b[i].lowest);
    EXPECT_EQ(of_a[i].highest, of_b[i].highest);
    EXPECT_EQ(of_a[i].count, of_b[i].count);
  }
}

TEST(LatencyHistogramTest, RandomSplitsMergeIntoTheWhole) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<int64_t> values = LogUniform(2000, 100 + round);
    values.push_back(LatencyHistogram::kHighestNanos + 1 + round);
    LatencyHistogram whole;
    std::vector<LatencyHistogram> parts(1 + random() % 8);
    for (const int64_t value : values) {
      whole.Record(value);
      parts[random() % parts.size()].Record(value);
    }
    std::shuffle(parts.begin(), parts.end(), random);
    LatencyHistogram merged;
    for (const LatencyHistogram& part : parts) merged.Merge(part);
    ExpectSame(merged, whole);
  }
}

TEST(LatencyHistogramTest, MergingNothingChangesNothing) {
  LatencyHistogram histogram;
  histogram.Record(77);
  histogram.Merge(LatencyHistogram());
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.min(), 77);
}

TEST(LatencyHistogramTest, ManyAtOnceAreAsManyCalls) {
  LatencyHistogram at_once;
  LatencyHistogram singly;
  for (const int64_t nanos : {int64_t{5}, int64_t{123456}, LatencyHistogram::kHighestNanos + 9}) {
    at_once.RecordMany(nanos, 7);
    for (int i = 0; i < 7; ++i) singly.Record(nanos);
  }
  at_once.RecordMany(1, 0);
  ExpectSame(at_once, singly);
}

TEST(LatencyHistogramTest, BucketsTileAllDurationsWithoutGap) {
  EXPECT_EQ(LatencyHistogram::LowestIn(0), 0);
  const size_t last = LatencyHistogram::BucketOf(INT64_MAX);
  for (size_t bucket = 0; bucket <= last; ++bucket) {
    const int64_t lowest = LatencyHistogram::LowestIn(bucket);
    const int64_t highest = LatencyHistogram::HighestIn(bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(lowest), bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(highest), bucket);
    ASSERT_LE(static_cast<double>(highest - lowest), 0.001 * static_cast<double>(lowest));
    if (bucket < last) {
      ASSERT_EQ(LatencyHistogram::LowestIn(bucket + 1), highest + 1);
    }
  }
  EXPECT_EQ(LatencyHistogram::HighestIn(last), INT64_MAX);
}

TEST(LatencyHistogramTest, NonEmptyBucketsHoldEveryDurationOnce) {
  LatencyHistogram histogram;
  EXPECT_TRUE(histogram.NonEmptyBuckets().empty());
  histogram.RecordMany(3, 2);
  histogram.Record(1'000'000);
  histogram.Record(90'000'000'000);
  const std::vector<LatencyHistogram::Bucket> buckets = histogram.NonEmptyBuckets();
  ASSERT_EQ(buckets.size(), 3u);
  EXPECT_EQ(buckets[0].lowest, 3);
  EXPECT_EQ(buckets[0].highest, 3);
  EXPECT_EQ(buckets[0].count, 2u);
  EXPECT_LE(buckets[1].lowest, 1'000'000);
  EXPECT_GE(buckets[1].highest, 1'000'000);
  EXPECT_EQ(buckets[2].lowest, 90'000'000'000);
  EXPECT_EQ(buckets[2].highest, 90'000'000'000);
}

TEST(LatencyHistogramTest, RanksAreThoseOfSortedData) {
  EXPECT_EQ(LatencyHistogram::RankOf(0.5, 0), 0u);
  EXPECT_EQ(LatencyHistogram::RankOf(0, 10), 1u);
  EXPECT_EQ(LatencyHistogram::RankOf(1, 10), 10u);
  EXPECT_EQ(LatencyHistogram::RankOf(0.5, 11), 6u);
  // Exact shares of whole numbers: one duration more would be a rounding error.
  for (uint64_t count = 10000; count <= 1'000'000'000'000; count *= 10) {
    EXPECT_EQ(LatencyHistogram::RankOf(0.9, count), count / 10 * 9);
    EXPECT_EQ(LatencyHistogram::RankOf(0.95, count), count / 100 * 95);
    EXPECT_EQ(LatencyHistogram::RankOf(0.999, count), count / 1000 * 999);
    EXPECT_EQ(LatencyHistogram::RankOf(0.9999, count), count / 10000 * 9999);
  }
  LatencyHistogram histogram;
  for (const int64_t nanos : {10, 20, 30}) histogram.Record(nanos);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.BucketAtRank(0).highest, 10);
  EXPECT_EQ(histogram.BucketAtRank(2).highest, 20);
  EXPECT_EQ(histogram.BucketAtRank(3).highest, 30);
  EXPECT_EQ(histogram.BucketAtRank(99).highest, INT64_MAX);
}

TEST(LatencyHistogramTest, SummaryIsRestoredWhereItFitsTheBuckets) {
  const std::vector<int64_t> values = LogUniform(1000, 5);
  LatencyHistogram original;
  LatencyHistogram copy;
  for (const int64_t value : values) original.Record(value);
  for (const LatencyHistogram::Bucket& bucket : original.NonEmptyBuckets()) {
    copy.RecordMany(bucket.lowest, bucket.count);
  }
  EXPECT_FALSE(copy.RestoreSummary(original.min() * 2, original.max(), original.mean()));
  EXPECT_FALSE(copy.RestoreSummary(original.min(), original.max() * 2, original.mean()));
  EXPECT_FALSE(copy.RestoreSummary(original.min(), original.max(), std::nan("")));
  EXPECT_FALSE(copy.RestoreSummary(0, 0, 0));
  ASSERT_TRUE(copy.RestoreSummary(original.min(), original.max(), original.mean()));
  ExpectSame(copy, original);

  LatencyHistogram empty;
  EXPECT_TRUE(empty.RestoreSummary(0, 0, 0));
  EXPECT_FALSE(empty.RestoreSummary(1, 1, 1));
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
  EXPECT_EQ(histogram.min(), LatencyHistogram::kHighestNanos);
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
  EXPECT_EQ(histogram.min(), 0);
  histogram.Record(5);
  EXPECT_EQ(histogram.ValueAtQuantile(1.0), 5);
}

}  // namespace
}  // namespace quorate::loadgen
