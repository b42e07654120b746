// LatencyHistogram: counts durations in buckets whose width grows with the value, so that every
// quantile is exact to three significant digits from 1 ns to 60 s, in constant memory (220 KB).
// The buckets are those of HdrHistogram with 3 digits.
//
//   LatencyHistogram histogram;
//   histogram.Record(1'250'000);
//   histogram.ValueAtQuantile(0.99);   // nanoseconds
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_LATENCY_HISTOGRAM_H_
#define QUORATE_LOADGEN_LATENCY_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::loadgen {

class LatencyHistogram {
 public:
  // Longer durations are counted, and seen by max() and mean(), but not told apart.
  static constexpr int64_t kHighestNanos = 60'000'000'000;

  LatencyHistogram();

  // A negative duration counts as 0.
  void Record(int64_t nanos);

  // As if everything recorded in `other` had been recorded here.
  void Merge(const LatencyHistogram& other);
  void Clear();

  uint64_t count() const { return count_; }
  uint64_t overflow_count() const { return overflow_count_; }

  // Exact, in nanoseconds; 0 where nothing was recorded.
  int64_t max() const { return max_; }
  double mean() const;

  // The smallest recorded duration, to three digits, that at least the fraction `quantile` (0..1,
  // else the nearest of these) of all durations do not exceed; 0 where nothing was recorded.
  int64_t ValueAtQuantile(double quantile) const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t overflow_count_ = 0;
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LATENCY_HISTOGRAM_H_
