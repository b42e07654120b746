// LatencyHistogram: counts durations in buckets whose width grows with the value, so that every
// quantile is exact to three significant digits from 1 ns to 60 s, in constant memory (220 KB).
// The buckets are those of HdrHistogram with 3 digits.
//
//   LatencyHistogram histogram;
//   histogram.Record(1'250'000);
//   histogram.ValueAtQuantile(0.99);   // nanoseconds
//
// Values: thread-compatible. Nothing here fails.
#ifndef QUORATE_LOADGEN_LATENCY_HISTOGRAM_H_
#define QUORATE_LOADGEN_LATENCY_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace quorate::loadgen {

class LatencyHistogram {
 public:
  // Longer durations are counted, and seen by max() and mean(), but not told apart.
  static constexpr int64_t kHighestNanos = 60'000'000'000;

  // `count` durations of lowest..highest nanoseconds, which are not told apart.
  struct Bucket {
    int64_t lowest = 0;
    int64_t highest = 0;
    uint64_t count = 0;
  };

  LatencyHistogram();

  // A negative duration counts as 0.
  void Record(int64_t nanos);
  // As `count` calls of Record(nanos).
  void RecordMany(int64_t nanos, uint64_t count);

  // As if everything recorded in `other` had been recorded here.
  void Merge(const LatencyHistogram& other);
  void Clear();

  uint64_t count() const { return count_; }
  uint64_t overflow_count() const { return overflow_count_; }

  // Exact, in nanoseconds; 0 where nothing was recorded.
  int64_t min() const { return count_ == 0 ? 0 : min_; }
  int64_t max() const { return max_; }
  double mean() const;

  // Replaces min(), max() and mean() by exact ones, which a histogram that was put together from
  // buckets does not know. False, and nothing changes, where they contradict the buckets.
  bool RestoreSummary(int64_t min, int64_t max, double mean);

  // The smallest recorded duration, to three digits, that at least the fraction `quantile` (0..1,
  // else the nearest of these) of all durations do not exceed; 0 where nothing was recorded.
  int64_t ValueAtQuantile(double quantile) const;

  // Which of `count` durations in ascending order, the first being 1, that is; 0 where there are
  // none.
  static uint64_t RankOf(double quantile, uint64_t count);
  // The bucket that holds the duration of that rank. Below 1 counts as 1, above count() as count().
  Bucket BucketAtRank(uint64_t rank) const;

  // All buckets that hold something, ascending. Durations beyond kHighestNanos are the last one,
  // with max() as both of its edges.
  std::vector<Bucket> NonEmptyBuckets() const;

  // The layout: which bucket a duration >= 0 falls into, and the edges of one. It goes on beyond
  // kHighestNanos up to the greatest int64.
  static size_t BucketOf(int64_t nanos);
  static int64_t LowestIn(size_t bucket);
  static int64_t HighestIn(size_t bucket);

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t overflow_count_ = 0;
  int64_t min_ = std::numeric_limits<int64_t>::max();
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LATENCY_HISTOGRAM_H_
