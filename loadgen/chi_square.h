// What tests of samplers compare counts with: Pearson's chi-square statistic. Of no use outside of
// tests.
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_CHI_SQUARE_H_
#define QUORATE_LOADGEN_CHI_SQUARE_H_

#include <cstdint>
#include <vector>

namespace quorate::loadgen {

struct ChiSquare {
  double statistic = 0;
  // A sampler that draws with the expected probabilities passes this in one of 100,000 cases.
  double bound = 0;
};

// `counts` of draws against the probability of each; both are of one length, and the probabilities
// add up to 1. Classes at the end that expect fewer than 10 draws are taken together.
ChiSquare CompareCounts(const std::vector<uint64_t>& counts,
                        const std::vector<double>& probabilities);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_CHI_SQUARE_H_
