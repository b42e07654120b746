#include "loadgen/percentile_interval.h"

#include <algorithm>
#include <cmath>

namespace quorate::loadgen {
namespace {

constexpr double kDeviationsOf95Percent = 1.959964;

}  // namespace

std::optional<PercentileEstimate> EstimatePercentile(const LatencyHistogram& histogram,
                                                     double quantile) {
  const uint64_t count = histogram.count();
  const double p = std::min(std::max(quantile, 0.0), 1.0);
  const uint64_t rank = LatencyHistogram::RankOf(p, count);
  if (count - rank < kSamplesAbovePercentile) return std::nullopt;

  const double n = static_cast<double>(count);
  const double reach = kDeviationsOf95Percent * std::sqrt(n * p * (1 - p));
  const double low = std::max(std::floor(n * p - reach), 1.0);
  const double high = std::min(std::ceil(n * p + reach), n);
  // An interval must not be narrower than what the buckets tell apart.
  PercentileEstimate estimate;
  estimate.value = std::min(histogram.BucketAtRank(rank).highest, histogram.max());
  estimate.low =
      std::max(histogram.BucketAtRank(static_cast<uint64_t>(low)).lowest, histogram.min());
  estimate.high =
      std::min(histogram.BucketAtRank(static_cast<uint64_t>(high)).highest, histogram.max());
  return estimate;
}

}  // namespace quorate::loadgen
