// Whether two measurements differ by more than chance.
//
//   const WelchResult result = WelchTest(per_second_a, per_second_b);
//   if (result.p < 0.05) ...
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_SIGNIFICANCE_H_
#define QUORATE_LOADGEN_SIGNIFICANCE_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::loadgen {

// How many independent values tell as much about the mean as these, which follow each other in
// time: fewer than there are where neighbours are alike, never more. By the initial positive
// sequence of autocorrelations (Geyer 1992).
double EffectiveSampleSize(const std::vector<double>& series);

// The probability that a variable with Student's distribution is further from 0 than `t`.
double StudentTwoSided(double t, double degrees_of_freedom);

// The |t| that is passed with probability 0.05.
double StudentCritical(double degrees_of_freedom);

// Welch's test of equal means, where each series counts as many values as it is worth.
struct WelchResult {
  double difference = 0;  // mean of b less mean of a
  double low = 0;         // its 95 % confidence interval
  double high = 0;
  double p = 1;  // that chance alone makes such a difference
};
// nullopt where one of them is worth less than two values.
std::optional<WelchResult> WelchTest(const std::vector<double>& a, const std::vector<double>& b);

// A figure and its own 95 % confidence interval.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

// The 95 % interval of b - a, from theirs, which must be independent of each other (the method of
// variance estimates recovery; Zou and Donner 2008).
Estimate DifferenceOf(const Estimate& a, const Estimate& b);

// What a 95 % interval must allow for; by itself, as if all trials were independent.
struct Spread {
  double effect = 1;             // n trials are worth n / effect independent ones
  double deviations = 1.959964;  // so many standard errors to each side
};

// A share with Wilson's interval. With DifferenceOf this is Newcombe's interval (1998) for the
// difference of two shares. nullopt where there are no trials.
std::optional<Estimate> ShareEstimate(uint64_t hits, uint64_t trials, const Spread& spread = {});

// Whether 0 lies outside the interval.
inline bool IsSignificant(const Estimate& difference) {
  return difference.low > 0 || difference.high < 0;
}

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_SIGNIFICANCE_H_
