// FaultInjector: breaks a simulated cluster, one fault after another, and mends each after a while.
// The faults are drawn according to a FaultPlan, as the state of the cluster allows, or are those
// of a schedule.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_FAULT_INJECTOR_H_
#define QUORATE_TESTS_SIM_FAULT_INJECTOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/time/time.h"

#include "tests/sim/event_queue.h"
#include "tests/sim/schedule.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

// How much a plan demands of what is promised: that a write survives as long as fewer than W nodes
// have forgotten something and not caught up yet.
enum class Bounds {
  kKept,      // fewer than W nodes are down, catching up or damaged at one time; where W=1, one is
  kLoose,     // faults fall as they may, several at once among them
  kExceeded,  // again and again W nodes or more lose their data at once
};

struct FaultPlan {
  std::vector<FaultKind> kinds;  // those that happen in this run; kCrash always does
  absl::Duration gap_mean = absl::Milliseconds(400);
  absl::Duration length_mean = absl::Milliseconds(500);
  Bounds bounds = Bounds::kKept;
  // So many of the partitions are a swizzle: the nodes of the group are cut off one by one, and
  // come back in another order.
  int swizzle_percent = 0;
  // So many of the one-way partitions are a hiccup: for so short a time that no connection ends,
  // one node is not heard, and what it writes meanwhile nobody else holds. Half of those nodes
  // crash just behind the first linearizable read that they answer afterwards.
  int hiccup_percent = 0;
  // So many of the crashes are a leader's whose last writes one follower holds, which comes back
  // when the leader leads again.
  int late_follower_percent = 0;
  int two_starts_percent = 0;  // likewise: a leader starts twice, beside one follower and another
};

class FaultInjector {
 public:
  // All must outlive the injector.
  FaultInjector(const FaultPlan& plan, SimRng rng, EventQueue* queue, SimCluster* cluster)
      : plan_(plan), rng_(rng), queue_(queue), cluster_(cluster) {}

  // One of the two, once.
  void Start();
  void Replay(const std::vector<Fault>& faults);
  // To be told of each answer that a client gets: some faults wait for one. Not for a replay.
  void Answered(const HistoryOperation& operation);
  // No more faults; the caller heals the cluster.
  void Stop() { stopped_ = true; }

  // What was drawn: of a fault that stops several nodes each node is a fault of its own in
  // `faults`.
  const std::vector<Fault>& faults() const { return faults_; }
  const std::map<FaultKind, int>& counts() const { return counts_; }
  int total() const;
  int restarts() const { return restarts_; }
  // Of those that were drawn; each node's cut is a fault of its own.
  int swizzles() const { return swizzles_; }

 private:
  void ScheduleNext();
  // Drawing. These return whether such a fault could happen now.
  bool Inject(FaultKind kind, absl::Duration length);
  bool StopSome(FaultKind kind, absl::Duration length);
  void ForgetMany(absl::Duration length);
  bool Cut(FaultKind kind, absl::Duration length);
  void Swizzle(FaultKind kind, const std::set<NodeId>& group, absl::Duration length);
  // Beside the end of the leader: a follower that misses its next start.
  void CutFollower(absl::Duration length);
  void LateFollower(absl::Duration length);
  void TwoStarts(absl::Duration length);
  bool Clog(absl::Duration length);
  void Hiccup();
  bool BreakDisk(FaultKind kind, absl::Duration length);
  NodeId AnyNode() { return static_cast<NodeId>(rng_.Between(1, cluster_->size())); }
  // One that is not down; 0 where all are.
  NodeId AnyUp();
  // Whether the bounds allow for the loss of this one, too.
  bool SparesQuorum(NodeId victim) const;

  // Doing.
  void Happen(FaultKind kind, std::vector<NodeId> nodes, absl::Duration length,
              absl::Duration amount = {});
  void Apply(const Fault& fault);
  void StopOne(NodeId node, SimCluster::End how, absl::Duration length);
  void RestartOne(NodeId node, SimCluster::End how);
  void ApplyCuts(const Fault& fault);
  void ApplyToDisk(const Fault& fault);
  void Later(absl::Duration delay, std::function<void()> mend);

  // A crash that waits for an answer.
  struct Armed {
    NodeId node;
    absl::Duration length;
  };

  const FaultPlan plan_;
  SimRng rng_;
  EventQueue* const queue_;
  SimCluster* const cluster_;
  bool stopped_ = false;
  std::vector<Fault> faults_;
  std::map<FaultKind, int> counts_;
  int restarts_ = 0;
  int swizzles_ = 0;
  std::optional<Armed> armed_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_FAULT_INJECTOR_H_
