// FaultTimeline: what a schedule's faults do at each moment, as a pure function of time. So
// processes need no word from anybody to begin and to end a fault, and one that is started in the
// middle of a fault goes on with it.
//
//   const FaultTimeline faults(schedule, /*can_fill_disks=*/false);
//   if (faults.Cut(2, 1, at)) ...
//
// Times count from the start of the run; before it, and from the schedule's `heal` on, there are no
// faults. The meaning of each kind is the simulator's (tests/sim/fault_injector.cc).
#ifndef QUORATE_TESTS_NEMESIS_FAULT_TIMELINE_H_
#define QUORATE_TESTS_NEMESIS_FAULT_TIMELINE_H_

#include <vector>

#include "absl/time/time.h"

#include "replication/storage/version.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

// Immutable: thread-safe.
class FaultTimeline {
 public:
  // `can_fill_disks`: full disks are somebody else's to fill. Otherwise they fail.
  FaultTimeline(const sim::Schedule& schedule, bool can_fill_disks);

  // Whether what one node sends does not reach another.
  bool Cut(NodeId from, NodeId to, absl::Duration at) const;
  // How much longer it takes.
  absl::Duration Clog(NodeId from, NodeId to, absl::Duration at) const;
  int LossPerMille(absl::Duration at) const;
  int RepeatPerMille(absl::Duration at) const;

  // How much longer a sync takes.
  absl::Duration SyncDelay(NodeId node, absl::Duration at) const;
  // Whether the disk has failed under the process of `node` that began at `began`: a disk fails
  // under the process that it fails for, and is in order for the next one.
  bool DiskFailed(NodeId node, absl::Duration began, absl::Duration at) const;
  // How far ahead the wall clock is.
  absl::Duration ClockSkew(NodeId node, absl::Duration at) const;

  // Whether somebody has to fill the disk.
  bool Fills(const sim::Fault& fault) const {
    return can_fill_disks_ && fault.kind == sim::FaultKind::kFullDisk;
  }

 private:
  bool Faulty(absl::Duration at) const { return at >= absl::ZeroDuration() && at < heal_at_; }
  static bool Lasts(const sim::Fault& fault, absl::Duration at) {
    return at >= fault.at && at < fault.at + fault.length;
  }

  const bool can_fill_disks_;
  const absl::Duration heal_at_;
  const int loss_per_mille_;
  const int repeat_per_mille_;
  std::vector<sim::Fault> cuts_;
  std::vector<sim::Fault> clogs_;
  std::vector<sim::Fault> slow_disks_;
  std::vector<sim::Fault> failing_disks_;
  std::vector<sim::Fault> clock_jumps_;
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_FAULT_TIMELINE_H_
