// Real clusters under all faults for NEMESIS_LENGTH a setting: nothing that is promised is
// violated, and every kind of fault has done something. QUORATE_NEMESIS_SEED chooses another
// schedule.
#include "tests/nemesis/nemesis.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/cluster_config.h"
#include "replication/storage/stored_state.h"
#include "tests/nemesis/draw_schedule.h"
#include "tests/nemesis/run_fixture.h"
#include "tests/nemesis/series.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

// The simulator takes some seconds for each minute; the long run is compared with it.
constexpr absl::Duration kSimulateFrom = absl::Minutes(1);

struct Setting {
  const char* name;
  const char* strategy;
  Durability durability;
  WriteMode write_mode;
};

class NemesisTest : public RunFixture, public ::testing::WithParamInterface<Setting> {
 protected:
  sim::Schedule Draw() {
    DrawOptions options;
    const char* const seed = std::getenv("QUORATE_NEMESIS_SEED");
    options.seed = seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10);
    options.strategy = GetParam().strategy;
    options.durability = GetParam().durability;
    options.write_mode = GetParam().write_mode;
    EXPECT_TRUE(absl::ParseDuration(Variable("NEMESIS_LENGTH"), &options.length));
    // So that a short run has every kind that is asked for below.
    if (options.length < absl::Minutes(1)) options.gap_mean = absl::Milliseconds(900);
    std::cout << "seed " << options.seed << ", " << GetParam().name << std::endl;
    return DrawSchedule(options);
  }

  void ExpectFaults(const NemesisResult& run) {
    const bool disk = GetParam().durability != Durability::kMemory;
    for (const char* name :
         {"lost by chance", "lost to cuts", "repeated", "clogged", "overtaken"}) {
      EXPECT_GT(run.counters.at(name), 0u) << name;
    }
    // With a leader, nobody looks at a wall clock.
    EXPECT_EQ(run.counters.at("wrong wall times") > 0, run.schedule.setting.leader == 0);
    for (const char* name : {"slow syncs", "failed writes"}) {
      EXPECT_EQ(run.counters.at(name) > 0, disk) << name;
    }
    EXPECT_GT(run.restarts, 0);
    EXPECT_TRUE(run.left_out.empty()) << run.left_out[0];
  }

  // The picture of the run is drawn from this.
  static void Keep(const sim::Schedule& schedule, Durability durability,
                   const std::vector<WorldSeries>& worlds) {
    const char* const folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (folder == nullptr) return;
    std::ofstream(absl::StrCat(folder, "/", GetParam().name, ".json"))
        << SeriesAsJson(schedule, durability, worlds);
  }
};

TEST_P(NemesisTest, NothingThatIsPromisedIsViolated) {
  const sim::Schedule schedule = Draw();
  const absl::StatusOr<NemesisResult> run = Run(schedule, Variable("NEMESIS_NODE"));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE(run->verdict.violations.empty());
  EXPECT_EQ(run->void_reason, "");
  EXPECT_EQ(run->verdict.promise_ended, absl::InfiniteDuration());
  ExpectFaults(*run);
  std::vector<WorldSeries> worlds = {SeriesOf(*run)};
  if (schedule.heal_at >= kSimulateFrom) {
    const sim::RunResult simulated = sim::RunSchedule(schedule);
    EXPECT_TRUE(simulated.report.violations.empty()) << sim::DescribeFailure(simulated);
    worlds.push_back(SeriesOf(simulated));
  }
  Keep(schedule, run->durability, worlds);
}

INSTANTIATE_TEST_SUITE_P(All, NemesisTest,
                         ::testing::Values(Setting{"leader_follower", "leader_follower",
                                                   Durability::kSynced, WriteMode::kPlain},
                                           Setting{"leaderless", "leaderless", Durability::kSynced,
                                                   WriteMode::kPlain},
                                           Setting{"leaderless_linearizable", "leaderless",
                                                   Durability::kMemory, WriteMode::kLinearizable}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace quorate::nemesis
