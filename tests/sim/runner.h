// Runner: one simulation from start to verdict.
//
//   const RunResult run = RunSeed({"leaderless", 42});
//   if (!run.report.violations.empty()) std::cerr << DescribeFailure(run);
//
// Phases: all nodes start and come to serve; clients and faults until enough has happened; healing,
// until the cluster is at rest; final reads and writes; checks.
#ifndef QUORATE_TESTS_SIM_RUNNER_H_
#define QUORATE_TESTS_SIM_RUNNER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

#include "replication/cluster_config.h"
#include "replication/emulated_delays.h"
#include "tests/sim/checkers/checker.h"
#include "tests/sim/sim_plan.h"

namespace quorate::sim {

// What must have happened for a seed to count.
constexpr int kOperationsNeeded = 500;
constexpr int kKeysNeeded = 20;
constexpr int kFaultsNeeded = 5;
constexpr int kRestartsNeeded = 1;

struct RunOptions {
  std::string strategy;
  uint64_t seed = 0;
  bool full_log = false;
  EmulatedDelays emulated = {};  // on top of what the seed decides
  // Instead of what the seed decides.
  std::optional<WriteMode> write_mode = {};
};

struct RunResult {
  SimPlan plan;
  // Empty where the seed counts; else what there was too little of.
  std::string void_reason;
  Report report;
  uint64_t trace_hash = 0;
  std::shared_ptr<const History> history;

  int completed = 0;
  int restarts = 0;
  std::map<FaultKind, int> faults;
  NetworkCounters network;
  uint64_t reads_hedged = 0;  // in the last lives of the nodes
  MonotonicTime virtual_time;

  bool valid() const { return void_reason.empty(); }
};

// Deterministic: the same options give the same result, trace hash included.
RunResult RunSeed(const RunOptions& options);

// The first violations with the operations involved, and the command that repeats the run.
std::string DescribeFailure(const RunResult& run);
std::string RerunCommand(const RunResult& run);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_RUNNER_H_
