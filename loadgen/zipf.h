// ZipfSampler: draws ranks whose probability falls as a power of the rank, exactly, for any
// exponent and any number of items, at a cost that does not grow with either.
//
// Rank k of 0..n-1 has probability (k+1)^-q / (1^-q + ... + n^-q). Drawn by rejection-inversion
// (Hörmann and Derflinger 1996), which needs no sum over all ranks; more than nine of ten draws
// take one random number.
//
//   const ZipfSampler zipf(1'000'000, 0.99);
//   const uint64_t rank = zipf.Draw(&random);   // 0 is the most likely
//
// Values: thread-compatible; draws change only the stream.
#ifndef QUORATE_LOADGEN_ZIPF_H_
#define QUORATE_LOADGEN_ZIPF_H_

#include <cstdint>

#include "loadgen/random_stream.h"

namespace quorate::loadgen {

class ZipfSampler {
 public:
  // CHECK-fails unless items > 0 and exponent > 0. Ranks beyond 2^53 are not told apart.
  ZipfSampler(uint64_t items, double exponent);

  // A rank in 0..items-1.
  uint64_t Draw(RandomStream* random) const;

  // As a sampler for another number of items, > 0, with the same exponent would. Takes somewhat
  // longer than Draw.
  uint64_t DrawBelow(uint64_t items, RandomStream* random) const;

  uint64_t items() const { return items_; }

  // The probability of a rank in 0..items-1; of rank 0 it is the share of the most popular item.
  // Takes microseconds.
  double Probability(uint64_t rank) const;

 private:
  double Integral(double x) const;
  double InverseOfIntegral(double area) const;
  double Density(double x) const;
  uint64_t DrawWithin(double items, double last, RandomStream* random) const;

  uint64_t items_;
  double exponent_;
  double first_;    // where the area of the first rank begins
  double last_;     // where the area of the last one ends
  double squeeze_;  // this close below its rank, a point surely lies under the histogram
};

// 1^-q + 2^-q + ... + items^-q, to ten digits or more, without adding up more than a thousand.
double PowerSum(uint64_t items, double exponent);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_ZIPF_H_
