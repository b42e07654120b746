#include "loadgen/result_builder.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

// Of a run in which nothing happened.
RunResult::Cluster ClusterOf(const Options& options, const RestHealth& cluster) {
  const Workload workload{WorkloadOptions()};
  const RunStats stats;
  const RunRecorder recorder{RunRecorderOptions()};
  const std::vector<IntervalSummary> series;
  const Verdict verdict;
  const std::vector<RestHealth> health;
  const FinishedRun run{options, workload, cluster, stats, recorder, series, verdict,     0,
                        {},      "",       "",      {},    health,   health, std::nullopt};
  return BuildResult(run).run.cluster;
}

TEST(ResultBuilderTest, APromiseStandsOnlyBesideTheQuorumsThatItWasMadeFor) {
  RestHealth cluster;
  cluster.w = 3;
  cluster.r = 2;
  cluster.guarantee = "no stale reads";
  Options options;
  EXPECT_EQ(ClusterOf(options, cluster).guarantee, "no stale reads");
  options.read_target = ReadTarget::kAny;
  EXPECT_EQ(ClusterOf(options, cluster).guarantee, "no stale reads");
  options.read_target = ReadTarget::kLocal;
  EXPECT_EQ(ClusterOf(options, cluster).guarantee, "");
  options = Options();
  options.w = 1;
  EXPECT_EQ(ClusterOf(options, cluster).guarantee, "");
  EXPECT_EQ(ClusterOf(options, cluster).w, 1);
  options = Options();
  options.r = 1;
  EXPECT_EQ(ClusterOf(options, cluster).guarantee, "");
  EXPECT_EQ(ClusterOf(options, cluster).r, 1);
}

}  // namespace
}  // namespace quorate::loadgen
