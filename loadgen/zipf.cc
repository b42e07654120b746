#include "loadgen/zipf.h"

#include <algorithm>
#include <cmath>

#include "glog/logging.h"

namespace quorate::loadgen {
namespace {

// (e^t - 1) / t and ln(1 + t) / t, with their limits at 0, so that an exponent of 1 is no exception
// and one close to it loses no digits.
double ExpRatio(double t) { return std::abs(t) < 1e-8 ? 1 + t / 2 : std::expm1(t) / t; }
double LogRatio(double t) { return std::abs(t) < 1e-8 ? 1 - t / 2 : std::log1p(t) / t; }

// The integral of x^-q from 1 to x.
double PowerIntegral(double x, double exponent) {
  const double log = std::log(x);
  return log * ExpRatio((1 - exponent) * log);
}

}  // namespace

ZipfSampler::ZipfSampler(uint64_t items, double exponent) : items_(items), exponent_(exponent) {
  CHECK_GT(items, 0u);
  CHECK_GT(exponent, 0);
  first_ = Integral(1.5) - 1;
  last_ = Integral(static_cast<double>(items) + 0.5);
  squeeze_ = 2 - InverseOfIntegral(Integral(2.5) - Density(2));
}

double ZipfSampler::Integral(double x) const { return PowerIntegral(x, exponent_); }

double ZipfSampler::InverseOfIntegral(double area) const {
  // Below -1 only by rounding, where the density falls so fast that no second rank is ever drawn.
  const double t = std::max(area * (1 - exponent_), -1.0);
  return std::exp(area * LogRatio(t));
}

double ZipfSampler::Density(double x) const { return std::pow(x, -exponent_); }

// A point is drawn evenly from the area under x^-q, with the first rank's part cut to its height
// of 1. It belongs to the whole number that it is nearest to, and is kept where it also lies under
// the histogram of ranks.
uint64_t ZipfSampler::DrawWithin(double items, double last, RandomStream* random) const {
  while (true) {
    const double area = last + random->NextUnit() * (first_ - last);
    const double x = InverseOfIntegral(area);
    const double rank = std::min(std::max(std::floor(x + 0.5), 1.0), items);
    if (rank - x <= squeeze_ || area >= Integral(rank + 0.5) - Density(rank)) {
      return static_cast<uint64_t>(rank) - 1;
    }
  }
}

uint64_t ZipfSampler::Draw(RandomStream* random) const {
  return DrawWithin(static_cast<double>(items_), last_, random);
}

uint64_t ZipfSampler::DrawBelow(uint64_t items, RandomStream* random) const {
  CHECK_GT(items, 0u);
  const double number = static_cast<double>(items);
  return DrawWithin(number, Integral(number + 0.5), random);
}

double ZipfSampler::Probability(uint64_t rank) const {
  return Density(static_cast<double>(rank) + 1) / PowerSum(items_, exponent_);
}

double PowerSum(uint64_t items, double exponent) {
  // Small terms first, which loses fewer digits.
  constexpr uint64_t kAddedUp = 1000;
  const uint64_t added_up = std::min(items, kAddedUp);
  double sum = 0;
  for (uint64_t k = added_up; k > 0; --k) sum += std::pow(static_cast<double>(k), -exponent);
  if (items == added_up) return sum;
  // The rest by the formula of Euler and Maclaurin.
  const double a = static_cast<double>(added_up);
  const double b = static_cast<double>(items);
  const double rest = PowerIntegral(b, exponent) - PowerIntegral(a, exponent);
  const double ends = (std::pow(b, -exponent) - std::pow(a, -exponent)) / 2;
  const double slopes = exponent / 12 * (std::pow(a, -exponent - 1) - std::pow(b, -exponent - 1));
  return sum + rest + ends + slopes;
}

}  // namespace quorate::loadgen
