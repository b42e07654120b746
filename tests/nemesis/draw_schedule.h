// Drawing a schedule for real processes: faults and operations, all from a seed, planned ahead.
//
//   DrawOptions options;
//   options.strategy = "leaderless";
//   options.seed = 42;
//   const sim::Schedule schedule = DrawSchedule(options);
//
// The plan keeps to the bound of the promises: with what a node needs to catch up, fewer than W
// nodes are stopped at a time. So whatever a run violates is a defect.
#ifndef QUORATE_TESTS_NEMESIS_DRAW_SCHEDULE_H_
#define QUORATE_TESTS_NEMESIS_DRAW_SCHEDULE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "replication/cluster_config.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

struct DrawOptions {
  // Behaviour.
  std::string strategy;
  uint64_t seed = 1;
  absl::Duration length = absl::Seconds(30);
  Durability durability = Durability::kSynced;
  WriteMode write_mode = WriteMode::kPlain;  // linearizable: W and R are a majority
  int n = 5;
  int w = 3;
  int r = 3;
  std::vector<sim::FaultKind> kinds;  // empty: all that this durability knows
  // How much.
  absl::Duration gap_mean = absl::Milliseconds(1500);  // from fault to fault
  absl::Duration length_mean = absl::Milliseconds(1500);
  int clients = 12;
  absl::Duration think_mean = absl::Milliseconds(40);
  int keys = 100;
};

// The kinds that mean something at this durability: not those of disks where there is none, or
// where nobody waits for it.
std::vector<sim::FaultKind> KindsFor(Durability durability);

// Deterministic.
sim::Schedule DrawSchedule(const DrawOptions& options);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_DRAW_SCHEDULE_H_
