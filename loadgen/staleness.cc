#include "loadgen/staleness.h"

#include <algorithm>
#include <cmath>

namespace quorate::loadgen {

void StalenessTracker::OnWriteAcknowledged(size_t key, const Order& order) {
  acknowledged_[key] = std::max(acknowledged_[key], order);
}

Interval WilsonInterval(uint64_t hits, uint64_t trials) {
  if (trials == 0) return Interval{};
  constexpr double kZ = 1.959964;  // 97.5 % of a normal distribution lie below
  const double n = static_cast<double>(trials);
  const double p = static_cast<double>(hits) / n;
  const double scale = 1 + kZ * kZ / n;
  const double centre = (p + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  // Rounding must not leave a trace of what never, or always, happened.
  return Interval{hits == 0 ? 0.0 : std::max(0.0, centre - half),
                  hits == trials ? 1.0 : std::min(1.0, centre + half)};
}

}  // namespace quorate::loadgen
