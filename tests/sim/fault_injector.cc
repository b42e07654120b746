#include "tests/sim/fault_injector.h"

#include <algorithm>
#include <utility>

namespace quorate::sim {

const char* FaultName(FaultKind kind) {
  switch (kind) {
    case FaultKind::kCrash:
      return "crash";
    case FaultKind::kShutdown:
      return "shutdown";
    case FaultKind::kNewDisk:
      return "new disk";
    case FaultKind::kPartition:
      return "partition";
    case FaultKind::kOneWay:
      return "one-way partition";
    case FaultKind::kClog:
      return "clog";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kClockJump:
      return "clock jump";
    case FaultKind::kSlowDisk:
      return "slow disk";
    case FaultKind::kDiskFailure:
      return "disk failure";
  }
  return "?";
}

void FaultInjector::Start() { ScheduleNext(); }

int FaultInjector::total() const {
  int total = 0;
  for (const auto& [kind, count] : counts_) total += count;
  return total;
}

void FaultInjector::ScheduleNext() {
  queue_->After(rng_.Exponential(plan_.gap_mean), [this] {
    if (stopped_) return;
    Inject();
    ScheduleNext();
  });
}

void FaultInjector::Inject() {
  const FaultKind kind = rng_.Pick(plan_.kinds);
  const absl::Duration length = absl::Milliseconds(5) + rng_.Exponential(plan_.length_mean);
  if (Apply(kind, length)) ++counts_[kind];
}

bool FaultInjector::Apply(FaultKind kind, absl::Duration length) {
  switch (kind) {
    case FaultKind::kCrash:
      return StopSome(SimCluster::End::kCrash, length);
    case FaultKind::kShutdown:
      return StopSome(SimCluster::End::kShutdown, length);
    case FaultKind::kNewDisk:
      return StopSome(SimCluster::End::kNewDisk, length);
    case FaultKind::kPartition:
      return Partition(/*both_ways=*/true, length);
    case FaultKind::kOneWay:
      return Partition(/*both_ways=*/false, length);
    case FaultKind::kClog:
      return Clog(length);
    case FaultKind::kPause:
      cluster_->Pause(AnyNode(), length);
      return true;
    case FaultKind::kClockJump: {
      const absl::Duration jump = rng_.Between(absl::ZeroDuration(), absl::Seconds(2));
      cluster_->SetClockSkew(AnyNode(), rng_.Chance(50) ? jump : -jump);
      return true;
    }
    case FaultKind::kSlowDisk: {
      const NodeId node = AnyNode();
      cluster_->SetSyncDelay(node, length / 4);
      Later(length, [this, node] { cluster_->SetSyncDelay(node, absl::ZeroDuration()); });
      return true;
    }
    case FaultKind::kDiskFailure:
      return FailDisk(length);
  }
  return false;
}

// After the end of the fault phase Heal has mended everything at once.
void FaultInjector::Later(absl::Duration delay, std::function<void()> mend) {
  queue_->After(delay, [this, mend = std::move(mend)] {
    if (!stopped_) mend();
  });
}

NodeId FaultInjector::AnyUp() {
  std::vector<NodeId> up;
  for (NodeId node = 1; node <= static_cast<NodeId>(cluster_->size()); ++node) {
    if (cluster_->Up(node)) up.push_back(node);
  }
  return up.empty() ? 0 : rng_.Pick(up);
}

// A quorum of one can never be spared and still see a crash: there, one at a time.
bool FaultInjector::SparesQuorum(NodeId victim) const {
  int away = 0;
  for (NodeId node = 1; node <= static_cast<NodeId>(cluster_->size()); ++node) {
    away += node == victim || !cluster_->Serving(node) || cluster_->disk(node).failing() ? 1 : 0;
  }
  return away < std::max(2, cluster_->plan().config.quorums.w);
}

bool FaultInjector::StopSome(SimCluster::End how, absl::Duration length) {
  NodeId victim = AnyUp();
  const NodeId leader = cluster_->leader();
  if (leader != 0 && cluster_->Up(leader) && rng_.Chance(30)) victim = leader;
  if (victim == 0) return false;
  if (plan_.spares_quorum) {
    if (!SparesQuorum(victim)) return false;
    StopOne(victim, how, length);
    return true;
  }
  int victims = rng_.Chance(30) ? rng_.Between(1, cluster_->size()) : 1;
  for (; victims > 0 && victim != 0; --victims) {
    StopOne(victim, how, length + rng_.Exponential(plan_.length_mean));
    victim = AnyUp();
  }
  return true;
}

void FaultInjector::StopOne(NodeId node, SimCluster::End how, absl::Duration length) {
  cluster_->Stop(node, how);
  Later(length, [this, node] {
    restarts_ += cluster_->Up(node) ? 0 : 1;
    cluster_->Start(node);
  });
}

bool FaultInjector::Partition(bool both_ways, absl::Duration length) {
  const int n = cluster_->size();
  if (n < 2) return false;
  std::set<NodeId> group;
  const int members = rng_.Between(1, n - 1);
  while (static_cast<int>(group.size()) < members) group.insert(AnyNode());
  std::vector<std::pair<NodeId, NodeId>> cuts;
  for (NodeId inside = 1; inside <= static_cast<NodeId>(n); ++inside) {
    for (NodeId outside = 1; outside <= static_cast<NodeId>(n); ++outside) {
      if (group.count(inside) == 0 || group.count(outside) > 0) continue;
      cuts.emplace_back(inside, outside);
      if (both_ways) cuts.emplace_back(outside, inside);
    }
  }
  for (const auto& [from, to] : cuts) cluster_->network().Cut(from, to);
  Later(length, [this, cuts] {
    for (const auto& [from, to] : cuts) cluster_->network().Mend(from, to);
  });
  return true;
}

bool FaultInjector::Clog(absl::Duration length) {
  if (cluster_->size() < 2) return false;
  const NodeId from = AnyNode();
  const NodeId to = 1 + (from + rng_.Below(cluster_->size() - 1)) % cluster_->size();
  cluster_->network().SetClog(from, to, length / 2);
  Later(length, [this, from, to] { cluster_->network().SetClog(from, to, absl::ZeroDuration()); });
  return true;
}

bool FaultInjector::FailDisk(absl::Duration length) {
  const NodeId node = AnyUp();
  if (node == 0 || cluster_->disk(node).failing()) return false;
  if (plan_.spares_quorum && !SparesQuorum(node)) return false;
  cluster_->disk(node).Fail();
  Later(length, [this, node] { StopOne(node, SimCluster::End::kCrash, absl::Milliseconds(1)); });
  return true;
}

}  // namespace quorate::sim
