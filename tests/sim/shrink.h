// Shrinking: a schedule that violates a property, made as small as a bounded number of runs allows.
// Delta debugging over faults, clients, keys and operations; then nodes, settings and the time of
// healing. A cut stays only where the same property is still violated.
//
//   absl::StatusOr<Shrunk> small = Shrink(run.schedule, ShrinkOptions());
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_SHRINK_H_
#define QUORATE_TESTS_SIM_SHRINK_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"

#include "tests/sim/schedule.h"

namespace quorate::sim {

struct ShrinkOptions {
  int runs_max = 2000;
  // To keep violated; empty: what the schedule says, or else what its run violates first.
  std::string property;
  // Called with a line, without its end, when something has become smaller; may be empty.
  std::function<void(const std::string&)> progress;
};

struct Shrunk {
  Schedule schedule;  // with the property as `violates`
  int runs = 0;
};

// FAILED_PRECONDITION where the schedule does not violate the property, or any.
absl::StatusOr<Shrunk> Shrink(const Schedule& schedule, const ShrinkOptions& options);

// `schedule` with one node fewer: what happens to `gone` does not happen, operations at it go to
// another node, and greater numbers move down. W and R as given. `gone` is not the leader, and
// there are two nodes or more.
Schedule WithoutNode(const Schedule& schedule, NodeId gone, int w, int r);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SHRINK_H_
