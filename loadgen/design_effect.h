// How much less a share tells where its hits come in bursts than where they are independent.
//
//   const std::optional<DesignEffect> own = EstimateDesignEffect(windows_of_a);
//   const std::optional<DesignEffect> other = EstimateDesignEffect(windows_of_b);
//   if (const auto spread = SpreadOf(*own, *other)) ...   // nullopt: too little is known
//
// A stall makes the operations of a moment slow, or fail, together. Sixty windows in which six
// stalls lie hold about six independent events, however many operations each of them has hit. The
// design effect is the variance of the number of hits over the binomial one; n trials are worth
// n / effect independent ones.
//
// Sources: the variance of a ratio over clusters (Cochran, Sampling Techniques, 1977, 9.3), where
// neighbouring clusters that are alike count as fewer (EffectiveSampleSize); degrees of freedom of
// a variance from the fourth moment, and of a weighted sum of variances (Satterthwaite 1946).
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_LOADGEN_DESIGN_EFFECT_H_
#define QUORATE_LOADGEN_DESIGN_EFFECT_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "loadgen/significance.h"

namespace quorate::loadgen {

// With fewer windows nothing is said of how hits are spread over time.
inline constexpr size_t kLeastWindows = 5;

// Of the estimates of two runs together. A single burst has about two degrees of freedom, whatever
// its size, and two bursts have four.
inline constexpr double kLeastDegrees = 3.5;

// Of one window of a run; windows follow each other in time.
struct WindowCount {
  double trials = 0;
  double hits = 0;  // of these
};

struct DesignEffect {
  double effect = 1;
  double degrees = 0;  // of freedom of this estimate
  // The binomial variance of the number of hits; 0 where none or all of the trials hit, which says
  // nothing about bursts.
  double variance = 0;
};

// nullopt where there are fewer than kLeastWindows windows. REQUIRES: all are finite, and
// 0 <= hits <= trials.
std::optional<DesignEffect> EstimateDesignEffect(const std::vector<WindowCount>& windows);

// For a run whose own effect is `own`, beside a run that is thought to be alike: a run that happens
// to have seen no burst must not take itself for one that has none. nullopt where what there is of
// hits lies in so few bursts that nothing can be said (kLeastDegrees). Where neither has seen any
// hit, or both hits only, trials count as independent.
std::optional<Spread> SpreadOf(const DesignEffect& own, const DesignEffect& other);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_DESIGN_EFFECT_H_
