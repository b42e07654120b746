#include "tests/nemesis/draw_schedule.h"

#include <algorithm>
#include <set>
#include <utility>

#include "replication/registry.h"
#include "tests/sim/sim_rng.h"

namespace quorate::nemesis {
namespace {

using sim::Fault;
using sim::FaultKind;
using sim::ScheduledOperation;
using sim::SimRng;

constexpr absl::Duration kFirstFault = absl::Seconds(1);
// From the start of a process until it surely has caught up, on a busy machine.
constexpr absl::Duration kRecovery = absl::Seconds(4);
constexpr absl::Duration kShortest = absl::Milliseconds(300);
constexpr absl::Duration kLongest = absl::Seconds(4);
constexpr int kHotKeys = 3;
// One client in so many has a session; the sessions' writes go to one key in so many, since their
// order says little of the reads of these keys (verdict.h).
constexpr int kSessionsOneIn = 3;

// Kinds in turn, each once a round, so that no run goes without one by chance. What could not
// happen when it was drawn is put back.
class Deck {
 public:
  Deck(std::vector<FaultKind> kinds, SimRng rng) : kinds_(std::move(kinds)), rng_(rng) {}

  FaultKind Draw() {
    if (left_.empty()) left_ = kinds_;
    const size_t place = rng_.Below(left_.size());
    const FaultKind kind = left_[place];
    left_.erase(left_.begin() + static_cast<std::ptrdiff_t>(place));
    return kind;
  }
  void PutBack(FaultKind kind) { left_.push_back(kind); }

 private:
  const std::vector<FaultKind> kinds_;
  SimRng rng_;
  std::vector<FaultKind> left_;
};

class FaultDrawer {
 public:
  FaultDrawer(const DrawOptions& options, NodeId leader)
      : options_(options),
        leader_(leader),
        rng_(SimRng::Stream(options.seed, "nemesis faults")),
        deck_(options.kinds.empty() ? KindsFor(options.durability) : options.kinds, rng_.Fork(1)) {}

  std::vector<Fault> Draw() {
    absl::Duration at = kFirstFault;
    while (at < options_.length) {
      DrawOne(at);
      at += absl::Milliseconds(100) + rng_.Exponential(options_.gap_mean);
    }
    std::stable_sort(faults_.begin(), faults_.end(),
                     [](const Fault& a, const Fault& b) { return a.at < b.at; });
    return std::move(faults_);
  }

 private:
  struct Away {
    NodeId node = 0;
    absl::Duration until;
  };

  NodeId AnyNode() { return static_cast<NodeId>(rng_.Between(1, options_.n)); }

  // A node that may be stopped from `at` on: with it, fewer than W are away. 0: none.
  NodeId AnyToStop(absl::Duration at) {
    std::set<NodeId> away;
    for (const Away& one : away_) {
      if (one.until > at) away.insert(one.node);
    }
    if (static_cast<int>(away.size()) + 1 >= std::max(2, options_.w)) return 0;
    const NodeId node = leader_ != 0 && rng_.Chance(30) ? leader_ : AnyNode();
    return away.count(node) > 0 ? 0 : node;
  }

  // While nodes do not hear from one another, nobody catches up. That matters where whoever ends
  // has forgotten something.
  void Disturb(absl::Duration at, absl::Duration until) {
    if (options_.durability == Durability::kSynced) return;
    disturbed_until_ = std::max(disturbed_until_, until);
    for (Away& one : away_) {
      if (one.until > at) one.until = std::max(one.until, until + kRecovery);
    }
  }

  void DrawOne(absl::Duration at) {
    const FaultKind kind = deck_.Draw();
    Fault fault;
    fault.at = at;
    fault.kind = kind;
    fault.length = std::min(kShortest + rng_.Exponential(options_.length_mean), kLongest);
    switch (kind) {
      case FaultKind::kCrash:
      case FaultKind::kShutdown:
      case FaultKind::kNewDisk:
      case FaultKind::kDiskFailure:
      case FaultKind::kFullDisk:
        fault.nodes = {AnyToStop(at)};
        if (fault.nodes[0] == 0) return deck_.PutBack(kind);
        away_.push_back(
            Away{fault.nodes[0], std::max(at + fault.length, disturbed_until_) + kRecovery});
        break;
      case FaultKind::kPartition:
      case FaultKind::kOneWay:
        fault.nodes = AnyGroup();
        Disturb(at, at + fault.length);
        break;
      case FaultKind::kClog:
        fault.nodes = {AnyNode()};
        fault.nodes.push_back(1 + (fault.nodes[0] + rng_.Below(options_.n - 1)) % options_.n);
        fault.amount = rng_.Between(absl::Milliseconds(10), absl::Milliseconds(300));
        break;
      case FaultKind::kPause:
        fault.nodes = {AnyNode()};
        Disturb(at, at + fault.length);
        break;
      case FaultKind::kSlowDisk:
        fault.nodes = {AnyNode()};
        fault.amount = rng_.Between(absl::Milliseconds(20), absl::Milliseconds(200));
        break;
      case FaultKind::kClockJump:
        return DrawJump(std::move(fault));
      case FaultKind::kBitFlip:
        return;  // the simulator's alone
    }
    faults_.push_back(std::move(fault));
  }

  std::vector<NodeId> AnyGroup() {
    std::set<NodeId> group;
    const int members = rng_.Between(1, options_.n - 1);
    while (static_cast<int>(group.size()) < members) group.insert(AnyNode());
    return {group.begin(), group.end()};
  }

  // The clock is set right again after a while. Mostly the jump stays below what coordinators bear.
  void DrawJump(Fault fault) {
    const absl::Duration most = rng_.Chance(70) ? absl::Milliseconds(400) : absl::Seconds(2);
    fault.nodes = {AnyNode()};
    fault.amount = rng_.Between(absl::Milliseconds(50), most);
    if (rng_.Chance(50)) fault.amount = -fault.amount;
    Fault back = fault;
    back.at += std::exchange(fault.length, absl::ZeroDuration());
    back.amount = back.length = absl::ZeroDuration();
    faults_.push_back(std::move(fault));
    if (back.at < options_.length) faults_.push_back(std::move(back));
  }

  const DrawOptions options_;
  const NodeId leader_;
  SimRng rng_;
  Deck deck_;
  std::vector<Away> away_;
  absl::Duration disturbed_until_;
  std::vector<Fault> faults_;
};

ScheduledOperation DrawOperation(const DrawOptions& options, bool has_leader, SimRng* rng) {
  ScheduledOperation operation;
  operation.node = static_cast<NodeId>(rng->Between(1, options.n));
  operation.key = static_cast<int>(rng->Below(rng->Chance(30) ? kHotKeys : options.keys));
  const int roll = rng->Between(0, 99);
  if (roll < 45) {
    operation.kind = OperationKind::kGet;
    operation.linearizable = has_leader && rng->Chance(30);
  } else if (roll < 50) {
    operation.kind = OperationKind::kLocalRead;
  } else if (roll < 55) {
    operation.kind = OperationKind::kDelete;
  } else {
    operation.kind = OperationKind::kSet;
    operation.value_bytes = static_cast<size_t>(rng->Between(16, 200));
  }
  const bool plain = options.write_mode == WriteMode::kPlain;
  if (plain && operation.kind == OperationKind::kGet && !operation.linearizable &&
      rng->Chance(10)) {
    operation.r = rng->Between(1, options.n);
  } else if (plain && operation.kind == OperationKind::kSet && rng->Chance(5)) {
    operation.w = rng->Between(options.w, options.n);
  }
  operation.timeout = rng->Chance(50) ? absl::Seconds(1) : absl::Seconds(2);
  if (rng->Chance(1)) operation.cancel_after = rng->Exponential(absl::Milliseconds(5));
  return operation;
}

// Whether it hands back what its session has seen. Takes no draw: all else does not depend on it.
void HandBack(int client, ScheduledOperation* operation) {
  if (client % kSessionsOneIn != 0) return;
  switch (operation->kind) {
    case OperationKind::kGet:
      operation->with_session = true;
      break;
    case OperationKind::kSet:
    case OperationKind::kDelete:
      operation->with_session = operation->key % kSessionsOneIn == 0;
      break;
    case OperationKind::kLocalRead:
      break;  // no part of a session
  }
}

std::vector<ScheduledOperation> DrawOperations(const DrawOptions& options, bool has_leader) {
  std::vector<ScheduledOperation> operations;
  for (int client = 0; client < options.clients; ++client) {
    SimRng rng = SimRng::Stream(options.seed, "nemesis clients").Fork(client);
    absl::Duration at;
    for (int number = 1;; ++number) {
      at += absl::Microseconds(1) + rng.Exponential(options.think_mean);
      if (at >= options.length) break;
      ScheduledOperation operation = DrawOperation(options, has_leader, &rng);
      operation.at = at;
      operation.client = client;
      operation.number = number;
      HandBack(client, &operation);
      operations.push_back(std::move(operation));
    }
  }
  std::stable_sort(
      operations.begin(), operations.end(),
      [](const ScheduledOperation& a, const ScheduledOperation& b) { return a.at < b.at; });
  return operations;
}

}  // namespace

std::vector<FaultKind> KindsFor(Durability durability) {
  std::vector<FaultKind> kinds = {FaultKind::kCrash,     FaultKind::kShutdown, FaultKind::kNewDisk,
                                  FaultKind::kPartition, FaultKind::kOneWay,   FaultKind::kClog,
                                  FaultKind::kPause,     FaultKind::kClockJump};
  if (durability != Durability::kMemory) {
    kinds.insert(kinds.end(), {FaultKind::kDiskFailure, FaultKind::kFullDisk});
  }
  if (durability == Durability::kSynced) kinds.push_back(FaultKind::kSlowDisk);
  return kinds;
}

sim::Schedule DrawSchedule(const DrawOptions& options) {
  sim::Schedule schedule;
  sim::ScheduleSetting& setting = schedule.setting;
  SimRng rng = SimRng::Stream(options.seed, "nemesis setting");
  setting.strategy = options.strategy;
  setting.seed = options.seed;
  setting.write_mode = options.write_mode;
  setting.durability = options.durability;
  setting.n = options.n;
  const bool plain = options.write_mode == WriteMode::kPlain;
  setting.w = plain ? options.w : Majority(options.n);
  setting.r = plain ? options.r : Majority(options.n);
  const bool has_leader = StrategyHasLeader(options.strategy);
  if (has_leader) setting.leader = static_cast<NodeId>(rng.Between(1, options.n));
  setting.loss_per_mille = rng.Between(2, 15);
  setting.repeat_per_mille = rng.Between(2, 15);
  setting.keys = options.keys;
  schedule.heal_at = options.length;
  DrawOptions bounded = options;
  bounded.w = setting.w;
  schedule.faults = FaultDrawer(bounded, setting.leader).Draw();
  schedule.operations = DrawOperations(bounded, has_leader);
  return schedule;
}

}  // namespace quorate::nemesis
