#include "tests/nemesis/process_faults.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace quorate::nemesis {

using sim::Fault;
using sim::FaultKind;

namespace {

// A node ends within its own shutdown timeout of five seconds, and a little.
constexpr absl::Duration kEndsWithin = absl::Seconds(10);

bool NeedsDisk(FaultKind kind) {
  return kind == FaultKind::kSlowDisk || kind == FaultKind::kDiskFailure ||
         kind == FaultKind::kFullDisk;
}

}  // namespace

ProcessFaults::ProcessFaults(const sim::Schedule& schedule, Durability durability,
                             const FaultTimeline& timeline, NodeProcesses* cluster)
    : schedule_(schedule), durability_(durability), timeline_(timeline), cluster_(cluster) {
  for (const Fault& fault : schedule_.faults) events_.emplace(fault.at, Event{What::kFault, fault});
  for (NodeId node = 1; node <= cluster_->size(); ++node) nodes_[node].serves = true;
}

absl::Status ProcessFaults::Advance(absl::Duration at) {
  for (auto& [id, node] : nodes_) WatchEnds(id, at);
  while (!events_.empty() && events_.begin()->first <= at) {
    const Event event = events_.begin()->second;
    events_.erase(events_.begin());
    const absl::Status done = Do(event, at);
    if (!done.ok()) return done;
  }
  for (auto& [id, node] : nodes_) {
    if (node.resume_at > at) continue;
    node.resume_at = absl::InfiniteDuration();
    cluster_->Resume(id);
  }
  return absl::OkStatus();
}

void ProcessFaults::WatchEnds(NodeId id, absl::Duration at) {
  Node& node = nodes_[id];
  if (node.down && !node.ending) return;
  if (!cluster_->Up(id)) return OnEnded(id, at);
  if (node.ending && at >= node.kill_at) {
    defects_.push_back(absl::StrCat("node ", id, " did not end within ",
                                    absl::FormatDuration(kEndsWithin), " of being asked to"));
    KillNode(id, at);
  }
}

// By itself, or as it was asked to.
void ProcessFaults::OnEnded(NodeId id, absl::Duration at) {
  Node& node = nodes_[id];
  const bool asked = node.ending;
  const bool well = cluster_->EndedWell(id);
  if (!asked || !(well || node.disk_failed)) {
    defects_.push_back(absl::StrCat("node ", id, " ended ", asked ? "badly" : "by itself", ": ",
                                    cluster_->HowItEnded(id), "\n", cluster_->LogTail(id)));
  }
  node.ending = false;
  Down(id, at, durability_ == Durability::kMemory || (durability_ == Durability::kOs && !well));
}

absl::Status ProcessFaults::Do(const Event& event, absl::Duration at) {
  switch (event.what) {
    case What::kFault:
      return DoFault(event.fault, at);
    case What::kStart:
      // It takes as long as the process takes to end.
      if (nodes_[event.node].ending) {
        events_.emplace(at + absl::Milliseconds(20), event);
        return absl::OkStatus();
      }
      return StartNode(event.node);
    case What::kDiskMended:
      return MendDisk(event, at);
  }
  return absl::OkStatus();
}

void ProcessFaults::LeaveOut(const Fault& fault, const std::string& why) {
  left_out_.push_back(absl::StrCat(sim::ToText(fault), ": ", why));
}

absl::Status ProcessFaults::DoFault(const Fault& fault, absl::Duration at) {
  if (NeedsDisk(fault.kind) && durability_ == Durability::kMemory) {
    LeaveOut(fault, "data in memory have no disk");
    return absl::OkStatus();
  }
  if (fault.kind == FaultKind::kSlowDisk && durability_ == Durability::kOs) {
    LeaveOut(fault, "at this durability nobody waits for a sync");
    return absl::OkStatus();
  }
  if (fault.kind == FaultKind::kBitFlip) {
    LeaveOut(fault, "only the simulator knows which bits a store needs");
    return absl::OkStatus();
  }
  const NodeId id = fault.nodes[0];
  Node& node = nodes_[id];
  switch (fault.kind) {
    case FaultKind::kCrash:
    case FaultKind::kShutdown:
    case FaultKind::kNewDisk:
      Stop(fault, at);
      break;
    case FaultKind::kFullDisk:
      return FailDisk(fault, at);
    case FaultKind::kDiskFailure:
      if (node.down) {
        LeaveOut(fault, "a disk fails by what its process does to it, and there is none");
        return absl::OkStatus();
      }
      return FailDisk(fault, at);
    case FaultKind::kPause:
      // One that is ending is as good as gone, and has only so much time for it.
      if (node.down || node.ending) break;
      node.resume_at = std::max(node.resume_at == absl::InfiniteDuration() ? at : node.resume_at,
                                at + fault.length);
      cluster_->Pause(id);
      break;
    default:
      break;  // the nodes do it by themselves (FaultTimeline)
  }
  ++done_[sim::FaultName(fault.kind)];
  return absl::OkStatus();
}

void ProcessFaults::Stop(const Fault& fault, absl::Duration at) {
  const NodeId id = fault.nodes[0];
  Node& node = nodes_[id];
  events_.emplace(at + fault.length, Event{What::kStart, fault, id});
  if (fault.kind == FaultKind::kShutdown) {
    if (node.down || node.ending) return;
    node.ending = true;
    node.kill_at = at + kEndsWithin;
    node.serves = false;
    node.resume_at = absl::InfiniteDuration();
    cluster_->Resume(id);
    cluster_->Terminate(id);
    return;
  }
  KillNode(id, at);
  if (fault.kind != FaultKind::kNewDisk) return;
  cluster_->Wipe(id);
  MakeRoom(id);  // the new one has it
  Down(id, at, /*forgets=*/true);
}

absl::Status ProcessFaults::FailDisk(const Fault& fault, absl::Duration at) {
  const NodeId id = fault.nodes[0];
  Node& node = nodes_[id];
  if (fault.kind == FaultKind::kFullDisk) node.disk_full = true;
  if (!node.down) node.disk_failed = true;
  events_.emplace(at + fault.length, Event{What::kDiskMended, fault, id});
  ++done_[sim::FaultName(fault.kind)];
  return timeline_.Fills(fault) ? cluster_->FillDisk(id) : absl::OkStatus();
}

// Whoever has had to do with the disk is started anew; and once there is room, whoever is down, as
// in the simulator.
absl::Status ProcessFaults::MendDisk(const Event& event, absl::Duration at) {
  const NodeId id = event.node;
  const bool full = event.fault.kind == FaultKind::kFullDisk;
  if (full) MakeRoom(id);
  // Otherwise a new process has mended it, or will.
  const bool told = nodes_[id].disk_failed && !nodes_[id].down;
  if (told) KillNode(id, at);
  return told || full ? StartNode(id) : absl::OkStatus();
}

void ProcessFaults::MakeRoom(NodeId id) {
  nodes_[id].disk_full = false;
  cluster_->EmptyDisk(id);
}

absl::Status ProcessFaults::StartNode(NodeId id) {
  Node& node = nodes_[id];
  // On a full disk no process can begin; it is started once there is room.
  if (!node.down || node.disk_full) return absl::OkStatus();
  node = Node();
  ++restarts_;
  return cluster_->Start(id);
}

void ProcessFaults::KillNode(NodeId id, absl::Duration at) {
  if (nodes_[id].down && !nodes_[id].ending) return;
  cluster_->Kill(id);
  Down(id, at, durability_ != Durability::kSynced);
}

void ProcessFaults::Down(NodeId id, absl::Duration at, bool forgets) {
  Node& node = nodes_[id];
  node.down = true;
  node.ending = false;
  node.serves = false;
  node.resume_at = absl::InfiniteDuration();
  const bool open = std::any_of(forgotten_.begin(), forgotten_.end(), [id](const Forgotten& one) {
    return one.node == id && one.until == absl::InfiniteDuration();
  });
  if (forgets && !open) forgotten_.push_back(Forgotten{id, at});
}

void ProcessFaults::OnServing(NodeId id, int life, absl::Duration at) {
  Node& node = nodes_[id];
  if (node.down || node.ending || life != cluster_->life(id)) return;
  node.serves = true;
  for (Forgotten& one : forgotten_) {
    if (one.node == id && one.until == absl::InfiniteDuration()) one.until = at;
  }
}

absl::Status ProcessFaults::Heal(absl::Duration at) {
  events_.clear();
  for (auto& [id, node] : nodes_) {
    if (node.resume_at != absl::InfiniteDuration()) cluster_->Resume(id);
    node.resume_at = absl::InfiniteDuration();
    MakeRoom(id);
    if (node.ending || node.disk_failed) KillNode(id, at);
    const absl::Status started = StartNode(id);
    if (!started.ok()) return started;
  }
  return absl::OkStatus();
}

}  // namespace quorate::nemesis
