#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/hedge_budget.h"
#include "replication/latency_quantile.h"

namespace quorate {
namespace {

constexpr int kWindow = LatencyQuantile::kWindow;
constexpr int kStride = LatencyQuantile::kStride;

TEST(LatencyQuantileTest, SaysNothingBeforeItHasEnoughSamples) {
  LatencyQuantile p95(0.95);
  for (int i = 1; i < kStride; ++i) p95.Add(absl::Milliseconds(1));
  EXPECT_EQ(p95.value(), std::nullopt);
  p95.Add(absl::Milliseconds(1));
  EXPECT_EQ(p95.value(), absl::Milliseconds(1));
}

TEST(LatencyQuantileTest, IsTheNearestRankInWhateverOrder) {
  LatencyQuantile p95(0.95);
  LatencyQuantile median(0.5);
  // 1 to 160 milliseconds; 37 and 160 have no common divisor, so each comes once.
  for (int i = 0; i < 160; ++i) {
    p95.Add(absl::Milliseconds(1 + i * 37 % 160));
    median.Add(absl::Milliseconds(1 + i * 37 % 160));
  }
  EXPECT_EQ(p95.value(), absl::Milliseconds(152));
  EXPECT_EQ(median.value(), absl::Milliseconds(80));
}

TEST(LatencyQuantileTest, ForgetsWhatIsOld) {
  LatencyQuantile p95(0.95);
  for (int i = 0; i < 10 * kWindow; ++i) p95.Add(absl::Seconds(1));
  EXPECT_EQ(p95.value(), absl::Seconds(1));
  for (int i = 0; i < kWindow - kStride; ++i) p95.Add(absl::Milliseconds(1));
  EXPECT_EQ(p95.value(), absl::Seconds(1)) << "16 of 256 are more than five in a hundred";
  for (int i = 0; i < kStride; ++i) p95.Add(absl::Milliseconds(1));
  EXPECT_EQ(p95.value(), absl::Milliseconds(1));
}

TEST(HedgeBudgetTest, HasABurstAndThenItsShareOfTheReads) {
  HedgeBudget budget;
  for (int i = 0; i < 1000; ++i) budget.Earn();
  int spent = 0;
  while (budget.Spend()) ++spent;
  EXPECT_EQ(spent, HedgeBudget::kBurst) << "what is not used is not saved";
  spent = 0;
  for (int i = 0; i < 1000; ++i) {
    budget.Earn();
    spent += budget.Spend() ? 1 : 0;
  }
  EXPECT_EQ(spent, 1000 * HedgeBudget::kPercent / 100);
}

}  // namespace
}  // namespace quorate
