#include "loadgen/significance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "loadgen/staleness.h"

namespace quorate::loadgen {
namespace {

double Mean(const std::vector<double>& series) {
  return std::accumulate(series.begin(), series.end(), 0.0) / static_cast<double>(series.size());
}

// The continued fraction of the incomplete beta function, by the method of Lentz.
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    const double factor = d * c;
    fraction *= factor;
    if (std::abs(factor - 1) < 1e-15) break;
  }
  return fraction;
}

// The regularized incomplete beta function.
double IncompleteBeta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  // The fraction converges fast on this side of the mean only.
  if (x < (a + 1) / (a + b + 2)) return front * BetaFraction(a, b, x) / a;
  return 1 - front * BetaFraction(b, a, 1 - x) / b;
}

}  // namespace

double EffectiveSampleSize(const std::vector<double>& series) {
  const size_t n = series.size();
  if (n < 2) return static_cast<double>(n);
  const double mean = Mean(series);
  const auto covariance = [&series, mean, n](size_t lag) {
    double sum = 0;
    for (size_t i = 0; i + lag < n; ++i) sum += (series[i] - mean) * (series[i + lag] - mean);
    return sum / static_cast<double>(n);
  };
  const double variance = covariance(0);
  if (!(variance > 0)) return static_cast<double>(n);
  double time = -1;  // how many values make one independent one
  for (size_t lag = 0; lag + 1 < n; lag += 2) {
    const double pair = (covariance(lag) + covariance(lag + 1)) / variance;
    if (!(pair > 0)) break;
    time += 2 * pair;
  }
  return static_cast<double>(n) / std::max(time, 1.0);
}

double StudentTwoSided(double t, double degrees_of_freedom) {
  if (std::isinf(t)) return 0;
  return IncompleteBeta(degrees_of_freedom / 2, 0.5,
                        degrees_of_freedom / (degrees_of_freedom + t * t));
}

double StudentCritical(double degrees_of_freedom) {
  double low = 0;
  double high = 1;
  while (StudentTwoSided(high, degrees_of_freedom) > 0.05 && high < 1e6) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (StudentTwoSided(middle, degrees_of_freedom) > 0.05 ? low : high) = middle;
  }
  return high;
}

std::optional<WelchResult> WelchTest(const std::vector<double>& a, const std::vector<double>& b) {
  struct Side {
    double size, mean, error;  // error: the square of the standard error of the mean
  };
  const auto side = [](const std::vector<double>& series) {
    Side result{EffectiveSampleSize(series), 0, 0};
    if (result.size < 2) return result;
    result.mean = Mean(series);
    double squares = 0;
    for (const double value : series) {
      squares += (value - result.mean) * (value - result.mean);
    }
    result.error = squares / static_cast<double>(series.size() - 1) / result.size;
    return result;
  };
  const Side first = side(a);
  const Side second = side(b);
  if (first.size < 2 || second.size < 2) return std::nullopt;
  WelchResult result;
  result.difference = second.mean - first.mean;
  const double error = first.error + second.error;
  if (!(error > 0)) {
    result.low = result.high = result.difference;
    result.p = result.difference == 0 ? 1 : 0;
    return result;
  }
  const double degrees = error * error /
                         (first.error * first.error / (first.size - 1) +
                          second.error * second.error / (second.size - 1));
  const double half = StudentCritical(degrees) * std::sqrt(error);
  result.low = result.difference - half;
  result.high = result.difference + half;
  result.p = StudentTwoSided(result.difference / std::sqrt(error), degrees);
  return result;
}

Estimate DifferenceOf(const Estimate& a, const Estimate& b) {
  const double difference = b.value - a.value;
  return Estimate{difference, difference - std::hypot(b.value - b.low, a.high - a.value),
                  difference + std::hypot(b.high - b.value, a.value - a.low)};
}

std::optional<Estimate> ShareEstimate(uint64_t hits, uint64_t trials, const Spread& spread) {
  if (trials == 0) return std::nullopt;
  const auto share = static_cast<double>(hits) / static_cast<double>(trials);
  const Interval interval =
      WilsonInterval(share, static_cast<double>(trials) / spread.effect, spread.deviations);
  return Estimate{share, interval.low, interval.high};
}

}  // namespace quorate::loadgen
