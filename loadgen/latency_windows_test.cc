#include "loadgen/latency_windows.h"

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/design_effect.h"
#include "loadgen/distribution.h"
#include "loadgen/json_fields.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Each window with ninety durations from 1 ms, and in every `apart`th of twenty another sixty from
// `slow` ms.
LatencyWindows Windows(int64_t slow, int apart) {
  Json windows = Json::array();
  for (int i = 0; i < 20; ++i) {
    Json buckets = Json::array({Json::array({1'000'000u, 90u})});
    if (i % apart == 0)
      buckets.push_back(Json::array({static_cast<uint64_t>(slow) * 1'000'000, 60u}));
    windows.push_back({{"times", std::move(buckets)}});
  }
  absl::StatusOr<LatencyWindows> result = LatencyWindows::FromJson(windows, "times");
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

TEST(LatencyWindowsTest, CountsWhatIsNotBelow) {
  const LatencyWindows windows = Windows(50, 4);
  EXPECT_EQ(windows.count(), 20 * 90 + 5 * 60);
  EXPECT_EQ(windows.CountIn(0), 150);
  EXPECT_EQ(windows.CountIn(1), 90);
  EXPECT_THAT(windows.edges(), ElementsAre(1'000'000, 50'000'000));
  // All, and none.
  EXPECT_EQ(windows.EffectAtLeast(1'000'000)->variance, 0);
  EXPECT_EQ(windows.EffectAtLeast(50'000'001)->variance, 0);
  const double share = 300.0 / 2100;
  EXPECT_NEAR(windows.EffectAtLeast(50'000'000)->variance, 2100 * share * (1 - share), 1e-9);
  EXPECT_GT(windows.EffectAtLeast(50'000'000)->effect, 20);
  EXPECT_FALSE(LatencyWindows().EffectAtLeast(1).has_value());
  EXPECT_THAT(LatencyWindows().edges(), IsEmpty());
}

TEST(LatencyWindowsTest, SaysWhatIsDamaged) {
  const auto error = [](const char* text) {
    return LatencyWindows::FromJson(Json::parse(text), "times").status();
  };
  EXPECT_EQ(error("[{\"times\": []}]"), absl::OkStatus());
  EXPECT_EQ(error("[{}]").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(error("[{}]").message()), HasSubstr("its times is no list"));
  EXPECT_THAT(std::string(error("[{\"times\": [[3, 1], [2, 1]]}]").message()),
              HasSubstr("is not in order"));
}

TEST(PercentileReachTest, IsWideWhereThereAreBursts) {
  const LatencyWindows steady = Windows(50, 1);
  const LatencyWindows bursts = Windows(50, 4);
  PercentileReach none(steady, steady);
  EXPECT_NEAR(*none.At(60'000'000), 1.96, 0.2);
  PercentileReach both(bursts, bursts);
  EXPECT_GT(*both.At(60'000'000), 5);
  EXPECT_EQ(both.At(60'000'000), both.At(50'000'000));
  EXPECT_EQ(both.At(2'000'000), both.At(50'000'000));  // the upper edge of its bucket counts, too
  // What lies below all buckets, as rounding can make it.
  EXPECT_TRUE(both.At(10).has_value());
  // A single burst tells nothing of how often it comes.
  const LatencyWindows one = Windows(50, 20);
  PercentileReach single(one, one);
  EXPECT_TRUE(single.At(60'000'000).has_value());
  const LatencyWindows fast = Windows(2, 1);
  PercentileReach beside(one, fast);
  EXPECT_FALSE(beside.At(60'000'000).has_value());
}

TEST(PercentileReachTest, TheIntervalOfAPercentileGrowsWithIt) {
  std::vector<double> durations;
  for (int i = 0; i < 1000; ++i) durations.push_back(1e-3 + i * 1e-6);
  const Distribution distribution = Distribution::FromSeconds(durations);
  const auto at = [&distribution](std::optional<double> deviations) {
    return distribution.PercentileInterval(0.9, [deviations](int64_t) { return deviations; });
  };
  EXPECT_EQ(at(1.959964)->low, distribution.PercentileInterval(0.9)->low);
  EXPECT_EQ(at(1.959964)->high, distribution.PercentileInterval(0.9)->high);
  EXPECT_NEAR(at(5)->low, 1e-3 + 851e-6, 1e-9);   // rank 900 - 5 * 9.49
  EXPECT_NEAR(at(5)->high, 1e-3 + 947e-6, 1e-9);  // and above
  EXPECT_FALSE(at(20).has_value());
  EXPECT_FALSE(at(std::nullopt).has_value());
}

}  // namespace
}  // namespace quorate::loadgen
