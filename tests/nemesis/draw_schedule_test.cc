#include "tests/nemesis/draw_schedule.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "replication/cluster_config.h"
#include "replication/registry.h"
#include "replication/storage/stored_state.h"
#include "replication/storage/version.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

using sim::Fault;
using sim::FaultKind;

DrawOptions OptionsFor(const std::string& strategy, uint64_t seed) {
  DrawOptions options;
  options.strategy = strategy;
  options.seed = seed;
  options.length = absl::Minutes(1);
  return options;
}

bool Stops(FaultKind kind) {
  return kind == FaultKind::kCrash || kind == FaultKind::kShutdown || kind == FaultKind::kNewDisk ||
         kind == FaultKind::kDiskFailure || kind == FaultKind::kFullDisk;
}

TEST(DrawScheduleTest, IsASchedule) {
  for (const std::string& strategy : StrategyNames()) {
    const sim::Schedule drawn = DrawSchedule(OptionsFor(strategy, 3));
    const absl::StatusOr<sim::Schedule> read = sim::ParseSchedule(sim::ToText(drawn));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == drawn);
    EXPECT_TRUE(DrawSchedule(OptionsFor(strategy, 3)) == drawn);
    EXPECT_FALSE(DrawSchedule(OptionsFor(strategy, 4)) == drawn);
  }
}

TEST(DrawScheduleTest, HasEveryKind) {
  for (const Durability durability : {Durability::kMemory, Durability::kOs, Durability::kSynced}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      DrawOptions options = OptionsFor("leaderless", seed);
      options.durability = durability;
      std::set<FaultKind> seen;
      for (const Fault& fault : DrawSchedule(options).faults) seen.insert(fault.kind);
      const std::vector<FaultKind> known = KindsFor(durability);
      EXPECT_EQ(seen, std::set<FaultKind>(known.begin(), known.end())) << seed;
    }
  }
}

TEST(DrawScheduleTest, StopsFewerThanWAtATime) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const sim::Schedule schedule = DrawSchedule(OptionsFor("leader_follower", seed));
    int stops = 0;
    for (const Fault& last : schedule.faults) {
      if (!Stops(last.kind)) continue;
      ++stops;
      int away = 0;
      for (const Fault& one : schedule.faults) {
        // With a second to catch up.
        away +=
            Stops(one.kind) && one.at <= last.at && last.at < one.at + one.length + absl::Seconds(1)
                ? 1
                : 0;
      }
      EXPECT_LT(away, schedule.setting.w) << seed;
    }
    EXPECT_GE(stops, 3) << seed;
  }
}

// Whether others do not hear of a node, so that it cannot catch up.
bool Disturbs(FaultKind kind) {
  return kind == FaultKind::kPartition || kind == FaultKind::kOneWay || kind == FaultKind::kPause;
}

// When a node that is stopped by `stop` has been up and undisturbed for two seconds.
absl::Duration CaughtUpAfter(const sim::Schedule& schedule, const Fault& stop) {
  absl::Duration since = stop.at + stop.length;
  for (const Fault& fault : schedule.faults) {
    if (!Disturbs(fault.kind) || fault.at >= since + absl::Seconds(2)) continue;
    since = std::max(since, fault.at + fault.length);
  }
  return since + absl::Seconds(2);
}

TEST(DrawScheduleTest, InMemoryWhoeverHasForgottenIsAwayUntilItCouldCatchUp) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    DrawOptions options = OptionsFor("leaderless", seed);
    options.durability = Durability::kMemory;
    const sim::Schedule schedule = DrawSchedule(options);
    int stops = 0;
    for (const Fault& last : schedule.faults) {
      if (!Stops(last.kind)) continue;
      ++stops;
      std::set<NodeId> forgetful;
      for (const Fault& one : schedule.faults) {
        if (!Stops(one.kind) || one.at > last.at) continue;
        if (last.at < CaughtUpAfter(schedule, one)) forgetful.insert(one.nodes[0]);
      }
      EXPECT_LT(static_cast<int>(forgetful.size()), schedule.setting.w) << seed;
    }
    EXPECT_GE(stops, 3) << seed;
  }
}

TEST(DrawScheduleTest, AsksForNoLessThanWAndChoosesNoQuorumsInALinearizableCluster) {
  const sim::Schedule plain = DrawSchedule(OptionsFor("leaderless", 1));
  bool overrides = false;
  for (const sim::ScheduledOperation& operation : plain.operations) {
    if (operation.w.has_value()) {
      EXPECT_GE(*operation.w, plain.setting.w);
    }
    overrides = overrides || operation.r.has_value();
  }
  EXPECT_TRUE(overrides);
  DrawOptions options = OptionsFor("leaderless", 1);
  options.write_mode = WriteMode::kLinearizable;
  for (const sim::ScheduledOperation& operation : DrawSchedule(options).operations) {
    EXPECT_FALSE(operation.w.has_value() || operation.r.has_value());
  }
}

TEST(DrawScheduleTest, SomeClientsHaveSessionsAndSomeKeysNoWritesOfThese) {
  for (const std::string& strategy : StrategyNames()) {
    int reads = 0;
    int writes = 0;
    int linearizable = 0;
    std::set<int> keys_without;
    std::set<int> keys_with;
    for (const sim::ScheduledOperation& operation :
         DrawSchedule(OptionsFor(strategy, 1)).operations) {
      const bool set = operation.kind == OperationKind::kSet;
      reads += operation.with_session && operation.kind == OperationKind::kGet ? 1 : 0;
      writes += operation.with_session && set ? 1 : 0;
      if (set) keys_without.insert(operation.key);
      if (set && operation.with_session) keys_with.insert(operation.key);
      linearizable += operation.with_session && operation.linearizable ? 1 : 0;
      EXPECT_FALSE(operation.with_session && operation.kind == OperationKind::kLocalRead);
    }
    for (const int key : keys_with) keys_without.erase(key);
    EXPECT_GT(reads, 100);
    EXPECT_GT(writes, 50);
    EXPECT_EQ(linearizable > 0, StrategyHasLeader(strategy));
    EXPECT_GT(keys_without.size(), 50u);
  }
}

}  // namespace
}  // namespace quorate::nemesis
