#include "tests/contract/quiet_cluster.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/registry.h"
#include "tests/sim/promises.h"
#include "tests/sim/sim_rng.h"

namespace quorate {
namespace {

constexpr uint64_t kSeed = 1;
constexpr absl::Duration kPatience = absl::Minutes(1);

sim::ClusterPlan PlanOf(const std::string& strategy, const Quorums& quorums, Durability durability,
                        const std::function<void(ClusterConfig*)>& adjust) {
  sim::ClusterPlan plan;
  plan.config.cluster = "contract";
  plan.config.strategy = strategy;
  plan.config.quorums = quorums;
  plan.config.durability = durability;
  plan.leader = StrategyHasLeader(strategy) ? 1 : 0;
  plan.network.notices_percent = 0;
  adjust(&plan.config);
  return plan;
}

sim::HistorySetting SettingOf(const std::string& strategy, const Quorums& quorums,
                              Durability durability) {
  sim::HistorySetting setting;
  setting.strategy = strategy;
  setting.quorums = quorums;
  setting.durability = durability;
  ClusterConfig config;
  config.strategy = strategy;
  config.quorums = quorums;
  setting.promises = sim::PromisesOf(config);
  return setting;
}

Operation Make(OperationKind kind, const std::string& key, const std::string& value) {
  Operation operation;
  operation.kind = kind;
  operation.key = key;
  operation.value = value;
  return operation;
}

}  // namespace

Operation Set(const std::string& key, const std::string& value) {
  return Make(OperationKind::kSet, key, value);
}
Operation Delete(const std::string& key) { return Make(OperationKind::kDelete, key, ""); }
Operation Get(const std::string& key) { return Make(OperationKind::kGet, key, ""); }
Operation LocalRead(const std::string& key) { return Make(OperationKind::kLocalRead, key, ""); }

std::string ValueOf(const OperationResult& read) {
  const Sibling* winner = read.record.has_value() ? read.record->Winner() : nullptr;
  return winner == nullptr || winner->tombstone ? "absent" : absl::StrCat("'", winner->value, "'");
}

QuietCluster::QuietCluster(const std::string& strategy, const Quorums& quorums,
                           Durability durability, const std::function<void(ClusterConfig*)>& adjust)
    : queue_(sim::SimRng::Stream(kSeed, "ties")),
      history_(SettingOf(strategy, quorums, durability)),
      cluster_(PlanOf(strategy, quorums, durability, adjust), kSeed, &queue_, &history_, &trace_) {}

void QuietCluster::StartAll() {
  for (NodeId node = 1; node <= static_cast<NodeId>(cluster_.size()); ++node) {
    cluster_.Start(node);
  }
  CHECK(WaitUntil([this] { return AtRest(); })) << "the cluster does not come to rest";
}

OperationResult QuietCluster::Do(NodeId node, Operation operation) {
  const size_t index = Begin(node, std::move(operation));
  CHECK(WaitUntil([&] { return At(index).outcome != sim::Outcome::kOpen; }))
      << history_.Describe(index);
  CHECK(At(index).outcome == sim::Outcome::kEnded) << history_.Describe(index);
  return At(index).result;
}

size_t QuietCluster::Begin(NodeId node, Operation operation) {
  sim::HistoryOperation called;
  called.operation = std::move(operation);
  return cluster_.Submit(node, std::move(called), [](size_t) {});
}

void QuietCluster::Wait(absl::Duration how_long) {
  queue_.RunUntil([] { return false; }, queue_.Now() + how_long);
}

bool QuietCluster::WaitUntil(const std::function<bool()>& done) {
  return queue_.RunUntil(done, queue_.Now() + kPatience);
}

bool QuietCluster::AtRest() const {
  for (NodeId node = 1; node <= static_cast<NodeId>(cluster_.size()); ++node) {
    if (!cluster_.AtRest(node)) return false;
  }
  return true;
}

void QuietCluster::Cut(NodeId a, NodeId b) {
  cluster_.network().Cut(a, b);
  cluster_.network().Cut(b, a);
}

void QuietCluster::Mend(NodeId a, NodeId b) {
  cluster_.network().Mend(a, b);
  cluster_.network().Mend(b, a);
}

void QuietCluster::Isolate(NodeId node) {
  for (const NodeId other : Others(node)) Cut(node, other);
}

void QuietCluster::Rejoin(NodeId node) {
  for (const NodeId other : Others(node)) Mend(node, other);
}

NodeId QuietCluster::Coordinator() const { return cluster_.leader() != 0 ? cluster_.leader() : 1; }

std::vector<NodeId> QuietCluster::Others(NodeId node) const {
  std::vector<NodeId> others;
  for (NodeId other = 1; other <= static_cast<NodeId>(cluster_.size()); ++other) {
    if (other != node) others.push_back(other);
  }
  return others;
}

bool QuietCluster::NothingStored() {
  for (NodeId node = 1; node <= static_cast<NodeId>(cluster_.size()); ++node) {
    if (!cluster_.disk(node).Contents().empty()) return false;
  }
  return true;
}

}  // namespace quorate
