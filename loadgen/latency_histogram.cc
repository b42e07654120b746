#include "loadgen/latency_histogram.h"

#include <algorithm>
#include <cmath>

#include "absl/numeric/bits.h"

namespace quorate::loadgen {
namespace {

// 2,048 sub-buckets resolve 1 part in 1,024 at worst, which is three digits. Range r counts in
// steps of 2^r; only the upper half of its sub-buckets is its own, the lower half being finer in
// range r-1. Range 0 has both halves.
constexpr int kSubBucketBits = 11;
constexpr int kHalfBits = kSubBucketBits - 1;
constexpr size_t kHalf = size_t{1} << kHalfBits;

int RangeOf(int64_t nanos) {
  const uint64_t at_least_one_range = static_cast<uint64_t>(nanos) | (2 * kHalf - 1);
  return absl::bit_width(at_least_one_range) - kSubBucketBits;
}

size_t RangeOfBucket(size_t bucket) { return bucket < kHalf ? 0 : (bucket >> kHalfBits) - 1; }

}  // namespace

size_t LatencyHistogram::BucketOf(int64_t nanos) {
  const int range = RangeOf(nanos);
  const size_t sub_bucket = static_cast<size_t>(nanos >> range);
  return (static_cast<size_t>(range) << kHalfBits) + sub_bucket;
}

int64_t LatencyHistogram::LowestIn(size_t bucket) {
  const size_t range = RangeOfBucket(bucket);
  return static_cast<int64_t>((bucket - (range << kHalfBits)) << range);
}

int64_t LatencyHistogram::HighestIn(size_t bucket) {
  const size_t range = RangeOfBucket(bucket);
  return LowestIn(bucket) + static_cast<int64_t>((uint64_t{1} << range) - 1);
}

LatencyHistogram::LatencyHistogram() : counts_(BucketOf(kHighestNanos) + 1) {}

void LatencyHistogram::Record(int64_t nanos) { RecordMany(nanos, 1); }

void LatencyHistogram::RecordMany(int64_t nanos, uint64_t count) {
  if (count == 0) return;
  nanos = std::max<int64_t>(nanos, 0);
  count_ += count;
  sum_ += static_cast<double>(nanos) * static_cast<double>(count);
  min_ = std::min(min_, nanos);
  max_ = std::max(max_, nanos);
  if (nanos > kHighestNanos) {
    overflow_count_ += count;
  } else {
    counts_[BucketOf(nanos)] += count;
  }
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  overflow_count_ += other.overflow_count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

void LatencyHistogram::Clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  overflow_count_ = 0;
  min_ = std::numeric_limits<int64_t>::max();
  max_ = 0;
  sum_ = 0;
}

double LatencyHistogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

bool LatencyHistogram::RestoreSummary(int64_t min, int64_t max, double mean) {
  if (count_ == 0) return min == 0 && max == 0 && mean == 0;
  const double low = static_cast<double>(min);
  const double high = static_cast<double>(max);
  // Not a number fails both. A mean is a rounded quotient, which may pass an edge by its last bit.
  if (!(mean >= low * (1 - 1e-9)) || !(mean <= high * (1 + 1e-9))) return false;
  const Bucket first = BucketAtRank(1);
  // Durations that were too long have no edges that are known.
  const bool first_fits = first.lowest > kHighestNanos
                              ? min > kHighestNanos
                              : min >= first.lowest && min <= first.highest;
  const Bucket last = BucketAtRank(count_);
  const bool last_fits =
      last.lowest > kHighestNanos ? max > kHighestNanos : max >= last.lowest && max <= last.highest;
  if (!first_fits || !last_fits || min > max) return false;
  min_ = min;
  max_ = max;
  sum_ = mean * static_cast<double>(count_);
  return true;
}

uint64_t LatencyHistogram::RankOf(double quantile, uint64_t count) {
  if (count == 0) return 0;
  const double fraction = std::min(std::max(quantile, 0.0), 1.0);
  // The product of a rounded fraction may pass a whole number by its last bits, and must not count
  // one duration more for that.
  const double exact = fraction * static_cast<double>(count);
  const double rank = std::ceil(exact - exact * 0x1p-51);
  return std::min(std::max<uint64_t>(static_cast<uint64_t>(rank), 1), count);
}

LatencyHistogram::Bucket LatencyHistogram::BucketAtRank(uint64_t rank) const {
  rank = std::min(std::max<uint64_t>(rank, 1), count_);
  if (rank > count_ - overflow_count_) return {max_, max_, overflow_count_};
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return {LowestIn(i), HighestIn(i), counts_[i]};
  }
  return {};
}

int64_t LatencyHistogram::ValueAtQuantile(double quantile) const {
  if (count_ == 0) return 0;
  return std::min(BucketAtRank(RankOf(quantile, count_)).highest, max_);
}

std::vector<LatencyHistogram::Bucket> LatencyHistogram::NonEmptyBuckets() const {
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) {
      buckets.push_back({LowestIn(i), std::min(HighestIn(i), kHighestNanos), counts_[i]});
    }
  }
  if (overflow_count_ > 0) buckets.push_back({max_, max_, overflow_count_});
  return buckets;
}

}  // namespace quorate::loadgen
