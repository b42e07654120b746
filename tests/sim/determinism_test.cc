// The same seed twice gives the same run, to the last event.
#include <cstdint>
#include <set>
#include <string>

#include "gtest/gtest.h"

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

INSTANTIATE_TEST_SUITE_P(All, Determinism, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace quorate::sim
