// The same seed twice gives the same run, to the last event.
#include <cstdint>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/emulated_delays.h"
#include "replication/registry.h"
#include "tests/sim/runner.h"

namespace quorate::sim {
namespace {

constexpr uint64_t kFirstSeed = 500001;
constexpr uint64_t kSeeds = 50;

class Determinism : public testing::TestWithParam<std::string> {};

TEST_P(Determinism, SameSeedSameTrace) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    const RunResult first = RunSeed({GetParam(), seed, /*full_log=*/false});
    const RunResult second = RunSeed({GetParam(), seed, /*full_log=*/false});
    EXPECT_EQ(first.trace_hash, second.trace_hash) << RerunCommand(first);
    EXPECT_EQ(first.history->events().size(), second.history->events().size());
    hashes.insert(first.trace_hash);
  }
  // The hash is about the run, not a constant.
  EXPECT_EQ(hashes.size(), kSeeds);
}

// Emulated delays change what happens, and are as reproducible.
TEST_P(Determinism, SameSeedSameTraceWithEmulatedDelays) {
  const EmulatedDelays delays =
      *EmulatedDelays::Parse("wan3,apply=exponential:2ms,read=uniform:0s:3ms");
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + 5; ++seed) {
    const RunResult first = RunSeed({GetParam(), seed, /*full_log=*/false, delays});
    const RunResult second = RunSeed({GetParam(), seed, /*full_log=*/false, delays});
    EXPECT_EQ(first.trace_hash, second.trace_hash) << RerunCommand(first);
    EXPECT_NE(first.trace_hash, RunSeed({GetParam(), seed, /*full_log=*/false}).trace_hash);
    EXPECT_THAT(first.report.violations, testing::IsEmpty()) << DescribeFailure(first);
    EXPECT_THAT(RerunCommand(first), testing::HasSubstr("--emulate=wan3,apply"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Determinism, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace quorate::sim
