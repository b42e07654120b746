#include "tests/sim/fault_injector.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace quorate::sim {
namespace {

// The ends of faults come before what begins at the same moment.
constexpr uint64_t kMendRank = 0;
constexpr uint64_t kFaultRank = 1;

}  // namespace

int FaultInjector::total() const {
  int total = 0;
  for (const auto& [kind, count] : counts_) total += count;
  return total;
}

void FaultInjector::Start() { ScheduleNext(); }

void FaultInjector::Replay(const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    queue_->OutsideAt(fault.at, kFaultRank, [this, fault] {
      if (stopped_) return;
      Apply(fault);
      ++counts_[fault.kind];
    });
  }
}

void FaultInjector::ScheduleNext() {
  const absl::Duration gap = rng_.Exponential(plan_.gap_mean);
  queue_->OutsideAt(queue_->Now() + gap, kFaultRank, [this] {
    if (stopped_) return;
    const FaultKind kind = rng_.Pick(plan_.kinds);
    const absl::Duration length = absl::Milliseconds(5) + rng_.Exponential(plan_.length_mean);
    if (Inject(kind, length)) ++counts_[kind];
    ScheduleNext();
  });
}

bool FaultInjector::Inject(FaultKind kind, absl::Duration length) {
  switch (kind) {
    case FaultKind::kCrash:
    case FaultKind::kShutdown:
    case FaultKind::kNewDisk:
      return StopSome(kind, length);
    case FaultKind::kPartition:
    case FaultKind::kOneWay:
      return Cut(kind, length);
    case FaultKind::kClog:
      return Clog(length);
    case FaultKind::kPause:
      Happen(kind, {AnyNode()}, length);
      return true;
    case FaultKind::kClockJump: {
      const absl::Duration jump = rng_.Between(absl::ZeroDuration(), absl::Seconds(2));
      const NodeId node = AnyNode();
      Happen(kind, {node}, absl::ZeroDuration(), rng_.Chance(50) ? jump : -jump);
      return true;
    }
    case FaultKind::kSlowDisk:
      Happen(kind, {AnyNode()}, length, length / 4);
      return true;
    case FaultKind::kDiskFailure:
    case FaultKind::kFullDisk:
    case FaultKind::kBitFlip:
      return BreakDisk(kind, length);
  }
  return false;
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
  if (plan_.bounds != Bounds::kKept) return true;
  int away = 0;
  for (NodeId node = 1; node <= static_cast<NodeId>(cluster_->size()); ++node) {
    away += node == victim || !cluster_->Serving(node) || cluster_->disk(node).troubled() ? 1 : 0;
  }
  return away < std::max(2, cluster_->plan().config.quorums.w);
}

bool FaultInjector::StopSome(FaultKind kind, absl::Duration length) {
  if (plan_.bounds == Bounds::kExceeded && rng_.Chance(50)) {
    ForgetMany(length);
    return true;
  }
  if (kind == FaultKind::kCrash && plan_.late_follower_percent > 0 &&
      rng_.Chance(plan_.late_follower_percent)) {
    LateFollower(length);
    return true;
  }
  if (kind == FaultKind::kCrash && plan_.two_starts_percent > 0 &&
      rng_.Chance(plan_.two_starts_percent)) {
    TwoStarts(length);
    return true;
  }
  NodeId victim = AnyUp();
  const NodeId leader = cluster_->leader();
  if (leader != 0 && cluster_->Up(leader) && rng_.Chance(30)) victim = leader;
  if (victim == 0 || !SparesQuorum(victim)) return false;
  if (victim == leader && rng_.Chance(30)) CutFollower(length);
  if (plan_.bounds == Bounds::kKept) {
    Happen(kind, {victim}, length);
    return true;
  }
  int victims = rng_.Chance(30) ? rng_.Between(1, cluster_->size()) : 1;
  for (; victims > 0 && victim != 0; --victims) {
    Happen(kind, {victim}, length + rng_.Exponential(plan_.length_mean));
    victim = AnyUp();
  }
  return true;
}

// At one moment W nodes or more, whatever holds their data.
void FaultInjector::ForgetMany(absl::Duration length) {
  const ClusterConfig& config = cluster_->plan().config;
  const bool in_memory = config.durability == Durability::kMemory;
  const FaultKind kind = in_memory ? FaultKind::kCrash : FaultKind::kNewDisk;
  std::set<NodeId> victims;
  const int count = rng_.Between(config.quorums.w, config.quorums.n);
  while (static_cast<int>(victims.size()) < count) victims.insert(AnyNode());
  for (const NodeId node : victims) {
    Happen(kind, {node}, length + rng_.Exponential(plan_.length_mean));
  }
}

// A leader that starts again hears of what this one holds late, when it leads already.
void FaultInjector::CutFollower(absl::Duration length) {
  const auto& kinds = plan_.kinds;
  if (std::find(kinds.begin(), kinds.end(), FaultKind::kPartition) == kinds.end()) return;
  const NodeId follower = AnyNode();
  if (follower == cluster_->leader()) return;
  Happen(FaultKind::kPartition, {follower}, 2 * length);
}

void FaultInjector::LateFollower(absl::Duration length) {
  const NodeId leader = cluster_->leader();
  const NodeId follower = 1 + (leader + rng_.Below(cluster_->size() - 1)) % cluster_->size();
  const absl::Duration alone = rng_.Between(absl::Milliseconds(20), absl::Milliseconds(100));
  Happen(FaultKind::kPartition, {leader, follower}, alone);
  const absl::Duration away = length + rng_.Between(absl::Milliseconds(300), absl::Seconds(1));
  queue_->OutsideAt(queue_->Now() + alone, kFaultRank, [this, leader, follower, length, away] {
    if (stopped_) return;
    Happen(FaultKind::kCrash, {leader}, length);
    Happen(FaultKind::kPartition, {follower}, away);
  });
}

// What it chooses at its second start must rank above what it chose at the first, of which only the
// follower knows that is out of reach by then.
void FaultInjector::TwoStarts(absl::Duration length) {
  const NodeId leader = cluster_->leader();
  const NodeId first = 1 + (leader + rng_.Below(cluster_->size() - 1)) % cluster_->size();
  NodeId second = first;
  while (second == first || second == leader) second = AnyNode();
  const absl::Duration life = length + rng_.Between(absl::Milliseconds(300), absl::Seconds(1));
  const auto start_without = [this, leader, length, life](NodeId follower) {
    Happen(FaultKind::kCrash, {leader}, length);
    Happen(FaultKind::kPartition, {follower}, life);
  };
  start_without(first);
  queue_->OutsideAt(queue_->Now() + life, kFaultRank, [this, start_without, second] {
    if (!stopped_) start_without(second);
  });
}

bool FaultInjector::Cut(FaultKind kind, absl::Duration length) {
  const int n = cluster_->size();
  if (n < 2) return false;
  if (kind == FaultKind::kOneWay && plan_.hiccup_percent > 0 && rng_.Chance(plan_.hiccup_percent)) {
    Hiccup();
    return true;
  }
  std::set<NodeId> group;
  const int members = rng_.Between(1, n - 1);
  while (static_cast<int>(group.size()) < members) group.insert(AnyNode());
  if (plan_.swizzle_percent > 0 && members > 1 && rng_.Chance(plan_.swizzle_percent)) {
    Swizzle(kind, group, length);
  } else {
    Happen(kind, {group.begin(), group.end()}, length);
  }
  return true;
}

void FaultInjector::Swizzle(FaultKind kind, const std::set<NodeId>& group, absl::Duration length) {
  ++swizzles_;
  std::vector<NodeId> left(group.begin(), group.end());
  // In whole nanoseconds, as a schedule's text has them.
  const absl::Duration step =
      absl::Trunc(length / (2 * static_cast<int>(group.size())), absl::Nanoseconds(1));
  absl::Duration mended = step * static_cast<int>(group.size());
  // The order in which they are mended is drawn, that in which they are cut off is that of names.
  while (!left.empty()) {
    const auto next = left.begin() + static_cast<std::ptrdiff_t>(rng_.Below(left.size()));
    const NodeId node = *next;
    left.erase(next);
    mended += step;
    const absl::Duration cut = step * std::distance(group.begin(), group.find(node));
    queue_->OutsideAt(queue_->Now() + cut, kFaultRank, [this, kind, node, lasts = mended - cut] {
      if (!stopped_) Happen(kind, {node}, lasts);
    });
  }
}

bool FaultInjector::Clog(absl::Duration length) {
  if (cluster_->size() < 2) return false;
  const NodeId from = AnyNode();
  const NodeId to = 1 + (from + rng_.Below(cluster_->size() - 1)) % cluster_->size();
  Happen(FaultKind::kClog, {from, to}, length, length / 2);
  return true;
}

void FaultInjector::Hiccup() {
  const NodeId leader = cluster_->leader();
  const NodeId node = leader != 0 && rng_.Chance(50) ? leader : AnyNode();
  const absl::Duration length = rng_.Between(absl::Milliseconds(20), absl::Milliseconds(150));
  Happen(FaultKind::kOneWay, {node}, length);
  if (!rng_.Chance(50)) return;
  queue_->OutsideAt(queue_->Now() + length, kFaultRank, [this, node, length] {
    armed_ = Armed{node, length};
  });
}

void FaultInjector::Answered(const HistoryOperation& operation) {
  if (!armed_.has_value() || !operation.ok()) return;
  if (!operation.operation.linearizable) return;
  if (operation.node != armed_->node && armed_->node != cluster_->leader()) return;
  // Later than the answer in any order of what happens at one moment.
  queue_->OutsideAt(queue_->Now() + absl::Microseconds(1), kFaultRank, [this, armed = *armed_] {
    if (stopped_ || !cluster_->Up(armed.node) || !SparesQuorum(armed.node)) return;
    Happen(FaultKind::kCrash, {armed.node}, armed.length);
    ++counts_[FaultKind::kCrash];
  });
  armed_.reset();
}

bool FaultInjector::BreakDisk(FaultKind kind, absl::Duration length) {
  const NodeId node = AnyUp();
  if (node == 0 || cluster_->disk(node).troubled() || !SparesQuorum(node)) return false;
  // What is in memory alone knows neither room nor decay.
  const bool in_memory = cluster_->plan().config.durability == Durability::kMemory;
  if (kind != FaultKind::kDiskFailure && in_memory) return false;
  Happen(kind, {node}, length);
  return true;
}

void FaultInjector::Happen(FaultKind kind, std::vector<NodeId> nodes, absl::Duration length,
                           absl::Duration amount) {
  faults_.push_back({queue_->Now(), kind, std::move(nodes), length, amount});
  Apply(faults_.back());
}

void FaultInjector::Apply(const Fault& fault) {
  const NodeId node = fault.nodes[0];
  switch (fault.kind) {
    case FaultKind::kCrash:
      return StopOne(node, SimCluster::End::kCrash, fault.length);
    case FaultKind::kShutdown:
      return StopOne(node, SimCluster::End::kShutdown, fault.length);
    case FaultKind::kNewDisk:
      return StopOne(node, SimCluster::End::kNewDisk, fault.length);
    case FaultKind::kPartition:
    case FaultKind::kOneWay:
      return ApplyCuts(fault);
    case FaultKind::kClog:
      cluster_->network().Clog(node, fault.nodes[1], fault.amount);
      return Later(fault.length, [this, node, to = fault.nodes[1], by = fault.amount] {
        cluster_->network().Unclog(node, to, by);
      });
    case FaultKind::kPause:
      return cluster_->Pause(node, fault.length);
    case FaultKind::kClockJump:
      return cluster_->SetClockSkew(node, fault.amount);
    case FaultKind::kSlowDisk:
      cluster_->AddSyncDelay(node, fault.amount);
      return Later(fault.length,
                   [this, node, by = fault.amount] { cluster_->AddSyncDelay(node, -by); });
    case FaultKind::kDiskFailure:
    case FaultKind::kFullDisk:
    case FaultKind::kBitFlip:
      return ApplyToDisk(fault);
  }
}

void FaultInjector::ApplyToDisk(const Fault& fault) {
  const NodeId node = fault.nodes[0];
  SimDisk& disk = cluster_->disk(node);
  if (fault.kind == FaultKind::kDiskFailure) {
    if (!cluster_->Up(node)) return;  // a disk fails by what its process does to it
    disk.Fail();
    return Later(fault.length, [this, node] { RestartOne(node, SimCluster::End::kCrash); });
  }
  if (fault.kind == FaultKind::kFullDisk) {
    disk.FillUp();
    return Later(fault.length, [this, node, &disk] {
      disk.MakeRoom();
      if (disk.failed() || !cluster_->Up(node)) RestartOne(node, SimCluster::End::kCrash);
    });
  }
  cluster_->FlipBit(node);
  Later(fault.length, [this, node, &disk] {
    if (disk.failed()) RestartOne(node, SimCluster::End::kCrash);
  });
  // A new process meets the same damage again: whoever is in charge gives up on the disk.
  Later(2 * fault.length, [this, node, &disk] {
    if (disk.damaged()) RestartOne(node, SimCluster::End::kNewDisk);
  });
}

void FaultInjector::RestartOne(NodeId node, SimCluster::End how) {
  StopOne(node, how, absl::Milliseconds(1));
}

// After the end of the fault phase Heal has mended everything at once.
void FaultInjector::Later(absl::Duration delay, std::function<void()> mend) {
  queue_->OutsideAt(queue_->Now() + delay, kMendRank, [this, mend = std::move(mend)] {
    if (!stopped_) mend();
  });
}

void FaultInjector::StopOne(NodeId node, SimCluster::End how, absl::Duration length) {
  cluster_->Stop(node, how);
  Later(length, [this, node] {
    if (cluster_->Up(node)) return;
    cluster_->Start(node);
    restarts_ += cluster_->Up(node) ? 1 : 0;
  });
}

void FaultInjector::ApplyCuts(const Fault& fault) {
  const std::set<NodeId> group(fault.nodes.begin(), fault.nodes.end());
  std::vector<std::pair<NodeId, NodeId>> cuts;
  for (const NodeId inside : group) {
    for (NodeId outside = 1; outside <= static_cast<NodeId>(cluster_->size()); ++outside) {
      if (group.count(outside) > 0) continue;
      cuts.emplace_back(inside, outside);
      if (fault.kind == FaultKind::kPartition) cuts.emplace_back(outside, inside);
    }
  }
  for (const auto& [from, to] : cuts) cluster_->network().Cut(from, to);
  Later(fault.length, [this, cuts] {
    for (const auto& [from, to] : cuts) cluster_->network().Mend(from, to);
  });
}

}  // namespace quorate::sim
