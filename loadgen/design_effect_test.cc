#include "loadgen/design_effect.h"

#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

// So many windows of 100 trials; in each `bursts` of them `size` trials hit, `apart` windows apart.
std::vector<WindowCount> Bursts(size_t windows, size_t bursts, double size, size_t apart) {
  std::vector<WindowCount> counts(windows, WindowCount{100, 0});
  for (size_t i = 0; i < bursts; ++i) counts[1 + i * apart].hits = size;
  return counts;
}

TEST(DesignEffectTest, IndependentTrialsHaveNone) {
  std::mt19937_64 random(1);
  double sum = 0;
  for (int run = 0; run < 100; ++run) {
    std::vector<WindowCount> counts(60, WindowCount{100, 0});
    for (WindowCount& count : counts) {
      for (int i = 0; i < 100; ++i) count.hits += random() % 20 == 0 ? 1 : 0;
    }
    const std::optional<DesignEffect> effect = EstimateDesignEffect(counts);
    EXPECT_GT(effect->degrees, 10);
    EXPECT_NEAR(effect->variance, 6000 * 0.05 * 0.95, 60);
    sum += effect->effect;
  }
  // Neighbours that are alike by chance make it somewhat greater.
  EXPECT_GT(sum / 100, 0.95);
  EXPECT_LT(sum / 100, 1.35);
}

TEST(DesignEffectTest, ABurstCountsAsOneHit) {
  const std::optional<DesignEffect> effect = EstimateDesignEffect(Bursts(60, 6, 20, 9));
  EXPECT_NEAR(effect->effect, 20, 3);
  EXPECT_GT(effect->degrees, 6);
  EXPECT_LT(effect->degrees, 20);
  // Over neighbouring windows it is still one.
  const std::optional<DesignEffect> longer = EstimateDesignEffect(Bursts(60, 6, 20, 1));
  EXPECT_GT(longer->effect, 60);
  EXPECT_LT(longer->degrees, effect->degrees / 2);
}

TEST(DesignEffectTest, FewWindowsAndNoHitsSayNothing) {
  EXPECT_FALSE(EstimateDesignEffect({}).has_value());
  EXPECT_FALSE(EstimateDesignEffect(Bursts(4, 1, 5, 1)).has_value());
  EXPECT_EQ(EstimateDesignEffect(Bursts(5, 0, 0, 1))->variance, 0);
  EXPECT_EQ(EstimateDesignEffect(Bursts(5, 1, 0, 1))->effect, 1);
  EXPECT_EQ(EstimateDesignEffect(std::vector<WindowCount>(6, {100, 100}))->variance, 0);
  EXPECT_EQ(EstimateDesignEffect(std::vector<WindowCount>(6, {0, 0}))->variance, 0);
  // The very same share in each window: less than chance would make of it.
  EXPECT_EQ(EstimateDesignEffect(std::vector<WindowCount>(6, {100, 5}))->effect, 0);
}

TEST(DesignEffectTest, ARunWithoutBurstsBelievesTheOtherOne) {
  const DesignEffect none = *EstimateDesignEffect(Bursts(60, 0, 0, 1));
  const DesignEffect bursts = *EstimateDesignEffect(Bursts(60, 6, 20, 9));
  const std::optional<Spread> spread = SpreadOf(none, bursts);
  ASSERT_TRUE(spread.has_value());
  EXPECT_NEAR(spread->effect, bursts.effect, 1e-9);
  EXPECT_GT(spread->deviations, 2.05);
  EXPECT_LT(spread->deviations, 2.6);
  // Two runs know more than one, but neither takes itself for steadier than it is.
  const DesignEffect smaller = *EstimateDesignEffect(Bursts(60, 6, 10, 9));
  EXPECT_NEAR(SpreadOf(bursts, smaller)->effect, bursts.effect, 1e-9);
  EXPECT_LT(SpreadOf(smaller, bursts)->effect, bursts.effect);
  EXPECT_GT(SpreadOf(smaller, bursts)->effect, smaller.effect);
  EXPECT_LT(SpreadOf(smaller, bursts)->deviations, spread->deviations);
}

TEST(DesignEffectTest, ASingleBurstIsTooLittle) {
  const DesignEffect none = *EstimateDesignEffect(Bursts(60, 0, 0, 1));
  const DesignEffect one = *EstimateDesignEffect(Bursts(60, 1, 40, 1));
  const DesignEffect long_one = *EstimateDesignEffect(Bursts(60, 4, 40, 1));
  EXPECT_FALSE(SpreadOf(none, one).has_value());
  EXPECT_FALSE(SpreadOf(one, none).has_value());
  EXPECT_FALSE(SpreadOf(none, long_one).has_value());
  EXPECT_TRUE(SpreadOf(one, one).has_value());
}

TEST(DesignEffectTest, WhatNeitherRunHasSeenCountsAsIndependent) {
  const DesignEffect none = *EstimateDesignEffect(Bursts(60, 0, 0, 1));
  EXPECT_EQ(SpreadOf(none, none)->effect, 1);
  EXPECT_NEAR(SpreadOf(none, none)->deviations, 1.96, 0.001);
  const DesignEffect even = *EstimateDesignEffect(std::vector<WindowCount>(60, {100, 5}));
  EXPECT_EQ(SpreadOf(even, even)->effect, 1);
}

}  // namespace
}  // namespace quorate::loadgen
