#include "loadgen/schedule.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

ScheduleOptions Even(double rate) {
  ScheduleOptions options;
  options.operations_per_second = rate;
  return options;
}

ScheduleOptions Poisson(double rate, uint64_t seed) {
  ScheduleOptions options = Even(rate);
  options.spacing = Spacing::kPoisson;
  options.seed = seed;
  return options;
}

Nanos DueOf(const ScheduleOptions& options, int index) {
  Schedule schedule(options);
  for (int i = 0; i < index; ++i) schedule.Advance();
  return schedule.due();
}

std::vector<Nanos> DuesBefore(const ScheduleOptions& options, Nanos end) {
  std::vector<Nanos> dues;
  for (Schedule schedule(options); schedule.due() < end; schedule.Advance()) {
    dues.push_back(schedule.due());
  }
  return dues;
}

TEST(ScheduleTest, EvenSpacingDoesNotDrift) {
  EXPECT_EQ(DueOf(Even(3000), 0), 0);
  EXPECT_EQ(DueOf(Even(3000), 1), 333'333);
  EXPECT_EQ(DueOf(Even(3000), 3000), kNanosPerSecond);
  EXPECT_EQ(DueOf(Even(3000), 3'000'000), 1000 * kNanosPerSecond);
  EXPECT_EQ(DueOf(Even(0.5), 3), 6 * kNanosPerSecond);
}

TEST(ScheduleTest, TheSeedFixesPoissonSpacing) {
  const std::vector<Nanos> one = DuesBefore(Poisson(1000, 7), 10 * kNanosPerSecond);
  EXPECT_EQ(one, DuesBefore(Poisson(1000, 7), 10 * kNanosPerSecond));
  EXPECT_NE(one, DuesBefore(Poisson(1000, 8), 10 * kNanosPerSecond));
}

TEST(ScheduleTest, PoissonCountsAndGapsAreThoseOfThatProcess) {
  const std::vector<Nanos> dues = DuesBefore(Poisson(1000, 1), 100 * kNanosPerSecond);
  // Mean 100,000, variance the same: five standard deviations on each side.
  EXPECT_NEAR(static_cast<double>(dues.size()), 100'000, 1'600);
  // Of exponential gaps exp(-k) are longer than k means.
  for (const int means : {1, 2, 3}) {
    int longer = 0;
    for (size_t i = 1; i < dues.size(); ++i) {
      ASSERT_GE(dues[i], dues[i - 1]);
      longer += dues[i] - dues[i - 1] > means * kNanosPerSecond / 1000 ? 1 : 0;
    }
    const double expected = std::exp(-means);
    EXPECT_NEAR(longer / 100'000.0, expected, 5 * std::sqrt(expected / 100'000) + 0.016 * expected);
  }
  // Counts of seconds vary as much as their mean.
  std::vector<double> seconds(100);
  for (const Nanos due : dues) ++seconds[static_cast<size_t>(due / kNanosPerSecond)];
  double variance = 0;
  for (const double count : seconds) variance += (count - 1000) * (count - 1000) / 100;
  EXPECT_GT(variance, 500);
  EXPECT_LT(variance, 1700);
}

TEST(ScheduleTest, ARampReachesItsRateInTime) {
  for (ScheduleOptions options : {Even(1000), Poisson(1000, 3)}) {
    options.ramp = 10 * kNanosPerSecond;
    const std::vector<Nanos> dues = DuesBefore(options, options.ramp);
    EXPECT_NEAR(static_cast<double>(dues.size()), 5000, 360);
    int first_half = 0;
    for (const Nanos due : dues) first_half += due < options.ramp / 2 ? 1 : 0;
    EXPECT_NEAR(first_half, 1250, 180);
  }
}

}  // namespace
}  // namespace quorate::loadgen
