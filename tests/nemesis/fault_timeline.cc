#include "tests/nemesis/fault_timeline.h"

#include <algorithm>

namespace quorate::nemesis {

using sim::Fault;
using sim::FaultKind;

FaultTimeline::FaultTimeline(const sim::Schedule& schedule, bool can_fill_disks)
    : can_fill_disks_(can_fill_disks),
      heal_at_(schedule.heal_at),
      loss_per_mille_(schedule.setting.loss_per_mille),
      repeat_per_mille_(schedule.setting.repeat_per_mille) {
  for (const Fault& fault : schedule.faults) {
    switch (fault.kind) {
      case FaultKind::kPartition:
      case FaultKind::kOneWay:
        cuts_.push_back(fault);
        break;
      case FaultKind::kClog:
        clogs_.push_back(fault);
        break;
      case FaultKind::kSlowDisk:
        slow_disks_.push_back(fault);
        break;
      case FaultKind::kDiskFailure:
      case FaultKind::kFullDisk:
        if (!Fills(fault)) failing_disks_.push_back(fault);
        break;
      case FaultKind::kClockJump:
        clock_jumps_.push_back(fault);
        break;
      default:
        break;  // done to the process, by whoever has it
    }
  }
}

bool FaultTimeline::Cut(NodeId from, NodeId to, absl::Duration at) const {
  if (!Faulty(at)) return false;
  return std::any_of(cuts_.begin(), cuts_.end(), [from, to, at](const Fault& cut) {
    const auto inside = [&cut](NodeId node) {
      return std::find(cut.nodes.begin(), cut.nodes.end(), node) != cut.nodes.end();
    };
    if (!Lasts(cut, at) || inside(from) == inside(to)) return false;
    return cut.kind == FaultKind::kPartition || inside(from);
  });
}

absl::Duration FaultTimeline::Clog(NodeId from, NodeId to, absl::Duration at) const {
  absl::Duration extra;
  if (!Faulty(at)) return extra;
  for (const Fault& clog : clogs_) {
    const bool this_way = clog.nodes[0] == from && clog.nodes[1] == to;
    if (this_way && Lasts(clog, at)) extra = std::max(extra, clog.amount);
  }
  return extra;
}

int FaultTimeline::LossPerMille(absl::Duration at) const {
  return Faulty(at) ? loss_per_mille_ : 0;
}

int FaultTimeline::RepeatPerMille(absl::Duration at) const {
  return Faulty(at) ? repeat_per_mille_ : 0;
}

absl::Duration FaultTimeline::SyncDelay(NodeId node, absl::Duration at) const {
  absl::Duration extra;
  if (!Faulty(at)) return extra;
  for (const Fault& slow : slow_disks_) {
    if (slow.nodes[0] == node && Lasts(slow, at)) extra = std::max(extra, slow.amount);
  }
  return extra;
}

bool FaultTimeline::DiskFailed(NodeId node, absl::Duration began, absl::Duration at) const {
  if (!Faulty(at)) return false;
  return std::any_of(failing_disks_.begin(), failing_disks_.end(),
                     [node, began, at](const Fault& failure) {
                       return failure.nodes[0] == node && began < failure.at && at >= failure.at;
                     });
}

absl::Duration FaultTimeline::ClockSkew(NodeId node, absl::Duration at) const {
  absl::Duration skew;
  if (!Faulty(at)) return skew;
  for (const Fault& jump : clock_jumps_) {
    if (jump.nodes[0] == node && jump.at <= at) skew = jump.amount;
  }
  return skew;
}

}  // namespace quorate::nemesis
