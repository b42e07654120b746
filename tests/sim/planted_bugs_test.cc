// Replicas whose rules are broken on purpose: the checks must notice within a few runs. Compiled
// with QUORATE_PLANTED_BUGS.
#include "replication/storage/planted_bugs.h"

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "gtest/gtest.h"

#include "replication/registry.h"
#include "tests/sim/runner.h"

namespace quorate::sim {
namespace {

// Most are caught within ten; the rarest needs a store of more than a page, and 132.
constexpr uint64_t kSeedsMax = 200;
constexpr uint64_t kSeedsWithoutBug = 30;

struct Planted {
  const char* name;
  Bug bug;
};

// Runs seeds, each with every strategy, until a check is violated. Returns the number of seeds that
// this took, 0 where there was no violation.
uint64_t SeedsUntilCaught(const Planted& planted, uint64_t seeds_max) {
  planted_bug = planted.bug;
  for (uint64_t seed = 1; seed <= seeds_max; ++seed) {
    for (const std::string& strategy : StrategyNames()) {
      const RunResult run = RunSeed({strategy, seed, /*full_log=*/false});
      if (run.report.violations.empty()) continue;
      std::printf("%s: caught after %llu seeds, with %s, by\n", planted.name,
                  static_cast<unsigned long long>(seed), strategy.c_str());
      std::map<std::string, int> properties;
      for (const Violation& violation : run.report.violations) ++properties[violation.property];
      for (const auto& [property, count] : properties) {
        std::printf("  %s (%d times)\n", property.c_str(), count);
      }
      return seed;
    }
  }
  return 0;
}

class PlantedBugs : public testing::TestWithParam<Planted> {
 protected:
  void TearDown() override { planted_bug = Bug::kNone; }
};

TEST_P(PlantedBugs, AreCaught) {
  EXPECT_GT(SeedsUntilCaught(GetParam(), kSeedsMax), 0u)
      << GetParam().name << " was not caught within " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    All, PlantedBugs,
    testing::Values(
        Planted{"AnswerBeforeW", Bug::kAnswerBeforeW}, Planted{"ReadBeforeR", Bug::kReadBeforeR},
        Planted{"CountReplicaTwice", Bug::kCountReplicaTwice},
        Planted{"FirstAnswerWins", Bug::kFirstAnswerWins},
        Planted{"AcknowledgeBeforeDurable", Bug::kAcknowledgeBeforeDurable},
        Planted{"ShowBeforeDurable", Bug::kShowBeforeDurable},
        Planted{"ReuseDots", Bug::kReuseDots},
        Planted{"OverwriteWithoutCompare", Bug::kOverwriteWithoutCompare},
        Planted{"RepairWithOlder", Bug::kRepairWithOlder},
        Planted{"LoseSiblings", Bug::kLoseSiblings}, Planted{"ReplaceUnseen", Bug::kReplaceUnseen},
        Planted{"SyncingAnswersAbsent", Bug::kSyncingAnswersAbsent},
        Planted{"ServeBeforeComparing", Bug::kServeBeforeComparing},
        Planted{"DropTombstones", Bug::kDropTombstones}, Planted{"SkipPages", Bug::kSkipPages},
        Planted{"LeadBeforeComparing", Bug::kLeadBeforeComparing},
        Planted{"ReuseEpoch", Bug::kReuseEpoch}, Planted{"AcceptGaps", Bug::kAcceptGaps},
        Planted{"CaughtUpBeforePulled", Bug::kCaughtUpBeforePulled},
        Planted{"KeepAdopted", Bug::kKeepAdopted}),
    [](const auto& info) { return info.param.name; });

// What is caught above is the planted bug: without it the same replicas pass.
TEST(PlantedBugs, NothingIsCaughtWithoutThem) {
  EXPECT_EQ(SeedsUntilCaught(Planted{"None", Bug::kNone}, kSeedsWithoutBug), 0u);
}

}  // namespace
}  // namespace quorate::sim
