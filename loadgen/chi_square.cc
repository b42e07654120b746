#include "loadgen/chi_square.h"

#include <cmath>
#include <cstddef>
#include <numeric>

namespace quorate::loadgen {
namespace {

constexpr double kFewestExpected = 10;
constexpr double kDeviationsOfBound = 4.265;  // of a normal variable, passed in 1 of 100,000 cases

// Wilson and Hilferty 1931: the cube root of chi-square per degree of freedom is almost normal.
double BoundOf(double degrees) {
  const double variance = 2 / (9 * degrees);
  return degrees * std::pow(1 - variance + kDeviationsOfBound * std::sqrt(variance), 3);
}

}  // namespace

ChiSquare CompareCounts(const std::vector<uint64_t>& counts,
                        const std::vector<double>& probabilities) {
  const double draws =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
  ChiSquare result;
  int classes = 0;
  double seen = 0;
  double expected = 0;
  double expected_later = draws;
  for (size_t i = 0; i < counts.size(); ++i) {
    seen += static_cast<double>(counts[i]);
    expected += probabilities[i] * draws;
    expected_later -= probabilities[i] * draws;
    // A class is full when it and what would be left after it both expect enough.
    const bool last = i + 1 == counts.size();
    if (!last && (expected < kFewestExpected || expected_later < kFewestExpected)) continue;
    result.statistic += (seen - expected) * (seen - expected) / expected;
    ++classes;
    seen = 0;
    expected = 0;
  }
  result.bound = BoundOf(classes > 1 ? classes - 1 : 1);
  return result;
}

}  // namespace quorate::loadgen
