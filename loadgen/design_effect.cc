#include "loadgen/design_effect.h"

#include <algorithm>
#include <cmath>

namespace quorate::loadgen {
namespace {

constexpr double kMany = 1e6;  // degrees of freedom, beyond which Student's t is normal

double Square(double value) { return value * value; }

}  // namespace

std::optional<DesignEffect> EstimateDesignEffect(const std::vector<WindowCount>& windows) {
  const double size = static_cast<double>(windows.size());
  if (windows.size() < kLeastWindows) return std::nullopt;
  double trials = 0;
  double hits = 0;
  for (const WindowCount& window : windows) {
    trials += window.trials;
    hits += window.hits;
  }
  DesignEffect result;
  if (!(hits > 0) || !(hits < trials)) return result;
  const double share = hits / trials;
  std::vector<double> residuals;
  double squares = 0;
  double fourths = 0;
  for (const WindowCount& window : windows) {
    residuals.push_back(window.hits - share * window.trials);
    squares += Square(residuals.back());
    fourths += Square(Square(residuals.back()));
  }
  result.variance = trials * share * (1 - share);
  // How many windows make an independent one.
  const double time = size / EffectiveSampleSize(residuals);
  result.effect = time * squares * size / (size - 1) / result.variance;
  // Of the sum of squares; that of a normal sample would have as many as there are windows.
  const double noise = fourths - Square(squares) / size;
  const double degrees = noise > 0 ? 2 * Square(squares) / noise : kMany;
  result.degrees = std::min(degrees, size) / time;
  return result;
}

std::optional<Spread> SpreadOf(const DesignEffect& own, const DesignEffect& other) {
  const double variance = own.variance + other.variance;
  if (!(variance > 0)) return Spread();
  const double own_part = own.effect * own.variance;
  const double other_part = other.effect * other.variance;
  const double pooled = (own_part + other_part) / variance;
  double noise = 0;
  if (own.variance > 0) noise += Square(own_part) / own.degrees;
  if (other.variance > 0) noise += Square(other_part) / other.degrees;
  const double degrees = noise > 0 ? Square(own_part + other_part) / noise : kMany;
  if (degrees < kLeastDegrees) return std::nullopt;
  const double mine = own.variance > 0 ? own.effect : 1;
  return Spread{std::max({1.0, pooled, mine}), StudentCritical(std::min(degrees, kMany))};
}

}  // namespace quorate::loadgen
