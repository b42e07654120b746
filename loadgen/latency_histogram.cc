#include "loadgen/latency_histogram.h"

#include <algorithm>
#include <cmath>

#include "absl/numeric/bits.h"

namespace quorate::loadgen {
namespace {

// 2,048 sub-buckets resolve 1 part in 1,024 at worst, which is three digits. Bucket b counts in
// steps of 2^b; only the upper half of its sub-buckets is its own, the lower half being finer in
// bucket b-1. Bucket 0 has both halves.
constexpr int kSubBucketBits = 11;
constexpr int kHalfBits = kSubBucketBits - 1;
constexpr int64_t kHalf = int64_t{1} << kHalfBits;

int BucketOf(int64_t nanos) {
  const uint64_t at_least_one_bucket = static_cast<uint64_t>(nanos) | (2 * kHalf - 1);
  return absl::bit_width(at_least_one_bucket) - kSubBucketBits;
}

size_t IndexOf(int64_t nanos) {
  const int bucket = BucketOf(nanos);
  const int64_t sub_bucket = nanos >> bucket;
  return static_cast<size_t>(((int64_t{bucket} + 1) << kHalfBits) + sub_bucket - kHalf);
}

// The greatest duration that is counted at `index`.
int64_t HighestAt(size_t index) {
  const int64_t position = static_cast<int64_t>(index);
  const int64_t bucket = std::max<int64_t>((position >> kHalfBits) - 1, 0);
  const int64_t sub_bucket = position < kHalf ? position : (position & (kHalf - 1)) + kHalf;
  return ((sub_bucket + 1) << bucket) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(IndexOf(kHighestNanos) + 1) {}

void LatencyHistogram::Record(int64_t nanos) {
  nanos = std::max<int64_t>(nanos, 0);
  ++count_;
  sum_ += static_cast<double>(nanos);
  max_ = std::max(max_, nanos);
  if (nanos > kHighestNanos) {
    ++overflow_count_;
  } else {
    ++counts_[IndexOf(nanos)];
  }
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  overflow_count_ += other.overflow_count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

void LatencyHistogram::Clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  overflow_count_ = 0;
  max_ = 0;
  sum_ = 0;
}

double LatencyHistogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

int64_t LatencyHistogram::ValueAtQuantile(double quantile) const {
  const double fraction = std::min(std::max(quantile, 0.0), 1.0);
  const uint64_t rank = std::max<uint64_t>(
      static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_))), 1);
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(HighestAt(i), max_);
  }
  return max_;
}

}  // namespace quorate::loadgen
