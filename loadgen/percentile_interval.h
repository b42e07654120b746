// How far a percentile of a sample can be trusted.
//
// The 95 % interval is that of the order statistics: of n durations, the share below the true
// percentile is binomial, so the true one lies between the durations of ranks
// n*p - 1.96*sqrt(n*p*(1-p)) and n*p + 1.96*sqrt(n*p*(1-p)), whatever the distribution. It takes
// the durations for independent. A queue makes neighbours alike, so the truth is rather wider.
//
//   const std::optional<PercentileEstimate> p99 = EstimatePercentile(histogram, 0.99);
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_LOADGEN_PERCENTILE_INTERVAL_H_
#define QUORATE_LOADGEN_PERCENTILE_INTERVAL_H_

#include <cstdint>
#include <optional>

#include "loadgen/latency_histogram.h"

namespace quorate::loadgen {

// With fewer durations above it than these, a percentile says more about chance than about the
// system, and is not told.
inline constexpr uint64_t kSamplesAbovePercentile = 10;

// All in nanoseconds, to three digits.
struct PercentileEstimate {
  int64_t value = 0;
  int64_t low = 0;  // low <= value <= high
  int64_t high = 0;
};

// `quantile` is in 0..1, else the nearest of these counts. Nothing where fewer than
// kSamplesAbovePercentile durations rank above it.
std::optional<PercentileEstimate> EstimatePercentile(const LatencyHistogram& histogram,
                                                     double quantile);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_PERCENTILE_INTERVAL_H_
