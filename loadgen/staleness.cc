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
  const auto n = static_cast<double>(trials);
  return WilsonInterval(static_cast<double>(hits) / n, n, kZ);
}

Interval WilsonInterval(double share, double trials, double deviations) {
  const double z = deviations;
  const double scale = 1 + z * z / trials;
  const double centre = (share + z * z / (2 * trials)) / scale;
  const double half =
      z / scale * std::sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials));
  // Rounding must not leave a trace of what never, or always, happened.
  return Interval{share <= 0 ? 0.0 : std::max(0.0, centre - half),
                  share >= 1 ? 1.0 : std::min(1.0, centre + half)};
}

}  // namespace quorate::loadgen
