// How faults are drawn, over a cluster of which no node runs.
#include "tests/sim/fault_injector.h"

#include <cstdint>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "tests/sim/event_queue.h"
#include "tests/sim/history.h"
#include "tests/sim/schedule.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_rng.h"
#include "tests/sim/trace.h"

namespace quorate::sim {
namespace {

constexpr int kNodes = 5;

ClusterPlan FiveNodes() {
  ClusterPlan plan;
  plan.config.strategy = "leaderless";
  plan.config.quorums = Quorums{kNodes, 3, 3};
  return plan;
}

// The faults of a minute.
std::vector<Fault> Draw(const FaultPlan& plan, uint64_t seed, int* swizzles) {
  EventQueue queue{SimRng(seed)};
  History history{HistorySetting()};
  Trace trace;
  SimCluster cluster(FiveNodes(), seed, &queue, &history, &trace);
  FaultInjector injector(plan, SimRng(seed), &queue, &cluster);
  injector.Start();
  queue.RunUntil([] { return false; }, absl::Minutes(1));
  *swizzles += injector.swizzles();
  return injector.faults();
}

TEST(FaultInjectorTest, SwizzlesCutOneByOneAndMendInAnotherOrder) {
  FaultPlan plan;
  plan.kinds = {FaultKind::kPartition};
  plan.swizzle_percent = 100;
  plan.gap_mean = absl::Seconds(5);
  int swizzles = 0;
  int crossed = 0;
  int in_order = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const std::vector<Fault> faults = Draw(plan, seed, &swizzles);
    for (size_t i = 0; i + 1 < faults.size(); ++i) {
      const Fault& first = faults[i];
      const Fault& next = faults[i + 1];
      EXPECT_EQ(first.nodes.size(), 1u);
      if (next.at <= first.at || next.at >= first.at + first.length) continue;
      ++(next.at + next.length < first.at + first.length ? crossed : in_order);
    }
  }
  EXPECT_GT(swizzles, 10);
  EXPECT_GT(crossed, 10);
  EXPECT_GT(in_order, 10);
}

TEST(FaultInjectorTest, WithoutThemAGroupIsCutOffAtOnce) {
  FaultPlan plan;
  plan.kinds = {FaultKind::kPartition};
  std::set<size_t> sizes;
  int swizzles = 0;
  for (const Fault& fault : Draw(plan, 1, &swizzles)) sizes.insert(fault.nodes.size());
  EXPECT_EQ(swizzles, 0);
  EXPECT_EQ(sizes, (std::set<size_t>{1, 2, 3, 4}));
}

}  // namespace
}  // namespace quorate::sim
