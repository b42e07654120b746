// SimPlan: all that a seed decides before a simulation begins. With the strategy's name, the seed
// alone determines everything.
#ifndef QUORATE_TESTS_SIM_SIM_PLAN_H_
#define QUORATE_TESTS_SIM_SIM_PLAN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "replication/cluster_config.h"
#include "replication/emulated_delays.h"
#include "tests/sim/fault_injector.h"
#include "tests/sim/schedule.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/workload.h"

namespace quorate::sim {

struct SimPlan {
  std::string strategy;
  uint64_t seed = 0;
  std::string scenario;  // where the seed has not drawn the plan: its name
  ClusterPlan cluster;
  WorkloadPlan workload;
  FaultPlan faults;
  absl::Duration fault_phase_min;  // the fault phase lasts at least this long

  // Makes the cluster linearizable, or plain. REQUIRES: the strategy knows the mode.
  void SetWriteMode(WriteMode mode);

  // The faults that come take more than is promised to survive.
  void ExceedBounds() { faults.bounds = Bounds::kExceeded; }

  // Adds delays to all links and stores; links then keep their order, as TCP does.
  void Emulate(const EmulatedDelays& delays);

  // What a schedule says of the plan, and a plan with what a schedule says.
  ScheduleSetting Setting() const;
  void Adopt(const ScheduleSetting& setting);

  std::string DebugString() const;
};

SimPlan DrawPlan(absl::string_view strategy, uint64_t seed);

// The plan of one cluster that stays the same from version to version, to compare speeds: five
// nodes in memory at W=R=3, eight clients, messages that take 0.05 to 2 ms, and a crash or a
// partition every two seconds, for at least a minute. The seed decides what happens when.
inline constexpr char kSteadyScenario[] = "steady";
SimPlan SteadyPlan(absl::string_view strategy, uint64_t seed);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_PLAN_H_
