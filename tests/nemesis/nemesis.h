// Nemesis: one run of a schedule against real node processes, from start to verdict.
//
//   NemesisOptions options;
//   options.node_program = "tests/nemesis/nemesis_node";
//   options.folder = folder;
//   const absl::StatusOr<NemesisResult> run = RunNemesis(schedule, options);
//   if (run.ok() && !run->verdict.violations.empty()) std::cerr << Describe(*run);
//
// Phases as in the simulator: all nodes start and come to serve; clients and faults; healing, until
// all nodes hold the same; final reads and writes; checks.
#ifndef QUORATE_TESTS_NEMESIS_NEMESIS_H_
#define QUORATE_TESTS_NEMESIS_NEMESIS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "replication/storage/stored_state.h"
#include "tests/nemesis/forgotten.h"
#include "tests/nemesis/load.h"
#include "tests/nemesis/verdict.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

struct NemesisOptions {
  std::string node_program;
  std::string folder;  // exists, is empty, and is left as it is for the caller to keep or remove
  bool full_disks = false;  // SeparateMounts() has succeeded
  // Asked often: whether the run shall be given up.
  std::function<bool()> interrupted = [] { return false; };
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct NemesisResult {
  sim::Schedule schedule;
  Durability durability = Durability::kMemory;
  LoadResult load;
  std::vector<Forgotten> forgotten;
  Verdict verdict;
  // Empty where the run counts; else what there was too little of.
  std::string void_reason;

  std::map<std::string, int> faults;         // done, by name
  std::vector<std::string> left_out;         // and why
  std::map<std::string, uint64_t> counters;  // what the faults came to, of all nodes
  int restarts = 0;
  absl::Duration converged_after;  // healing
};

// What an acknowledgement means in a run: as the schedule says, or its seed.
Durability DurabilityOf(const sim::ScheduleSetting& setting);

// UNAVAILABLE where nodes cannot be started, or do not come to serve; CANCELLED where the run was
// given up. No node is left behind, whatever happens. To be called on a thread that outlives the
// run. Blocks for the schedule's time, and at most some minutes more.
absl::StatusOr<NemesisResult> RunNemesis(const sim::Schedule& schedule,
                                         const NemesisOptions& options);

// What happened, and what was violated: several lines.
std::string Describe(const NemesisResult& result);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_NEMESIS_H_
