// FaultInjector: breaks a simulated cluster according to a FaultPlan, one fault after another, and
// mends each after a while.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_FAULT_INJECTOR_H_
#define QUORATE_TESTS_SIM_FAULT_INJECTOR_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/time/time.h"

#include "tests/sim/event_queue.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

enum class FaultKind {
  kCrash,        // a process dies and starts again later
  kShutdown,     // a process ends cleanly and starts again later
  kNewDisk,      // a machine dies and is replaced later by one with an empty disk
  kPartition,    // a group of nodes and the rest cannot reach each other
  kOneWay,       // a group of nodes cannot be heard by the rest
  kClog,         // one direction of a pair becomes slow
  kPause,        // a process stands still
  kClockJump,    // a wall clock jumps
  kSlowDisk,     // a disk syncs slowly
  kDiskFailure,  // a disk fails; the process over it is restarted later
};
const char* FaultName(FaultKind kind);

struct FaultPlan {
  std::vector<FaultKind> kinds;  // those that happen in this run; kCrash always does
  absl::Duration gap_mean = absl::Milliseconds(400);
  absl::Duration length_mean = absl::Milliseconds(500);
  // A crash waits until fewer than W nodes would be down or catching up; otherwise crashes fall as
  // they may, several at once among them.
  bool spares_quorum = true;
};

class FaultInjector {
 public:
  // All must outlive the injector.
  FaultInjector(const FaultPlan& plan, SimRng rng, EventQueue* queue, SimCluster* cluster)
      : plan_(plan), rng_(rng), queue_(queue), cluster_(cluster) {}

  void Start();
  // No more faults; the caller heals the cluster.
  void Stop() { stopped_ = true; }

  const std::map<FaultKind, int>& counts() const { return counts_; }
  int total() const;
  int restarts() const { return restarts_; }

 private:
  void ScheduleNext();
  void Inject();
  // Whether the fault could be applied now.
  bool Apply(FaultKind kind, absl::Duration length);
  bool StopSome(SimCluster::End how, absl::Duration length);
  void StopOne(NodeId node, SimCluster::End how, absl::Duration length);
  bool Partition(bool both_ways, absl::Duration length);
  bool Clog(absl::Duration length);
  bool FailDisk(absl::Duration length);
  void Later(absl::Duration delay, std::function<void()> mend);
  NodeId AnyNode() { return static_cast<NodeId>(rng_.Between(1, cluster_->size())); }
  // One that is not down; 0 where all are.
  NodeId AnyUp();
  bool SparesQuorum(NodeId victim) const;

  const FaultPlan plan_;
  SimRng rng_;
  EventQueue* const queue_;
  SimCluster* const cluster_;
  bool stopped_ = false;
  std::map<FaultKind, int> counts_;
  int restarts_ = 0;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_FAULT_INJECTOR_H_
