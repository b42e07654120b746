// Runner: one simulation from start to verdict.
//
//   const RunResult run = RunSeed({"leaderless", 42});
//   if (!run.report.violations.empty()) std::cerr << DescribeFailure(run);
//   const RunResult again = RunSchedule(run.schedule);   // the same, event by event
//
// Phases: all nodes start and come to serve; clients and faults until enough has happened; healing,
// until the cluster is at rest; final reads and writes; checks.
#ifndef QUORATE_TESTS_SIM_RUNNER_H_
#define QUORATE_TESTS_SIM_RUNNER_H_

#include <cstddef>
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
#include "tests/sim/message_log.h"
#include "tests/sim/schedule.h"
#include "tests/sim/sim_plan.h"

namespace quorate::sim {

// What must have happened for a seed to count.
constexpr int kOperationsNeeded = 500;
constexpr int kKeysNeeded = 20;
constexpr int kFaultsNeeded = 5;
constexpr int kRestartsNeeded = 1;

// Clients go on until that has happened, or until the history has grown by about so much: a cluster
// that refuses nearly everything, quickly, would else fill the memory.
constexpr size_t kHistoryBytesMax = size_t{512} << 20;

struct RunOptions {
  std::string strategy;
  uint64_t seed = 0;
  bool full_log = false;
  EmulatedDelays emulated = {};  // on top of what the seed decides
  // Instead of what the seed decides.
  std::optional<WriteMode> write_mode = {};
  bool expect_linearizable = false;  // see HistorySetting
  bool exceed_bounds = false;        // SimPlan::ExceedBounds
  bool steady = false;               // SteadyPlan
  // The run stops here, without verdict.
  MonotonicTime until = absl::InfiniteDuration();
  MessageLog* messages = nullptr;  // takes in every message; may be null
};

struct RunResult {
  SimPlan plan;
  Schedule schedule;  // all that was done from outside
  // When all nodes had come to serve, and faults and clients began; and when they ended.
  MonotonicTime begun_at;
  MonotonicTime healed_at;
  bool whole = true;  // false: it stopped at RunOptions::until, and nothing was checked
  // Empty where the seed counts; else what there was too little of. A schedule's run counts.
  std::string void_reason;
  Report report;
  uint64_t trace_hash = 0;
  std::shared_ptr<const History> history;

  int completed = 0;
  int restarts = 0;
  std::map<FaultKind, int> faults;
  NetworkCounters network;
  int swizzles = 0;
  std::map<std::string, uint64_t> observed;  // SimCluster::Observed
  MonotonicTime virtual_time;

  bool valid() const { return void_reason.empty(); }
};

// Deterministic: the same options give the same result, trace hash included.
RunResult RunSeed(const RunOptions& options);

// A run whose faults and operations are those of the schedule, which also has the strategy, the
// seed and the emulated delays. What a run has recorded gives the same trace hash.
RunResult RunSchedule(const Schedule& schedule, const RunOptions& options = {});

// The first violations with the operations involved, and the commands that repeat the run and that
// make it small.
std::string DescribeFailure(const RunResult& run);
std::string DescribeViolations(const RunResult& run);
std::string RerunCommand(const RunResult& run);
// The program that repeats it.
const char* SimTarget(const RunResult& run);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_RUNNER_H_
