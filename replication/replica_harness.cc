#include "replication/replica_harness.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"

#include "replication/registry.h"

namespace quorate {
namespace {

constexpr absl::Duration kSyncTime = absl::Milliseconds(1);

std::string Describe(const std::optional<Record>& record) {
  if (!record.has_value()) return "(none)";
  return absl::StrJoin(record->siblings, "|", [](std::string* out, const Sibling& sibling) {
    out->append(sibling.tombstone ? "(tombstone)" : sibling.value);
  });
}

}  // namespace

class ReplicaHarness::Node : public Env {
 public:
  Node(ReplicaHarness* harness, NodeId id, Incarnation incarnation)
      : harness_(harness), id_(id), incarnation_(incarnation) {}

  MonotonicTime Now() override { return harness_->now_; }
  absl::Time WallNow() override { return absl::FromUnixSeconds(1000000) + harness_->now_; }
  uint64_t Random() override { return ++harness_->last_random_; }
  void Send(NodeId to, peer::v1::Batch batch) override {
    harness_->Deliver(id_, to, std::move(batch));
  }
  void SetTimer(TimerId timer, MonotonicTime at) override {
    timers_[timer] = at;
    After(at, [this, timer, at](Replica* replica) {
      if (timers_[timer] == at) replica->FireTimer(timer);
    });
  }
  void ExpireAt(OperationId id, MonotonicTime at) override {
    After(at, [id](Replica* replica) { replica->Expire(id); });
  }
  void Complete(OperationId id, OperationResult result) override {
    CHECK(harness_->results_.emplace(id, std::move(result)).second) << "completed twice";
  }
  void RequestSync(SyncTicket ticket) override {
    const auto own = harness_->sync_times.find(id_);
    After(harness_->now_ + (own == harness_->sync_times.end() ? kSyncTime : own->second),
          [ticket](Replica* replica) { replica->Durable(ticket, absl::OkStatus()); });
  }
  void LearnMembers(const std::vector<peer::v1::MemberAddress>&) override {}
  const std::vector<peer::v1::MemberAddress>& Members() const override { return members_; }
  void Log(const std::string& line) override { LOG(INFO) << "node " << id_ << ": " << line; }

  Incarnation incarnation() const { return incarnation_; }

  MemoryEngine engine;
  std::unique_ptr<Replica> replica;

 private:
  void After(MonotonicTime at, std::function<void(Replica*)> action) {
    harness_->At(at, Event{id_, std::move(action), incarnation_});
  }

  ReplicaHarness* const harness_;
  const NodeId id_;
  const Incarnation incarnation_;
  const std::vector<peer::v1::MemberAddress> members_;
  std::map<TimerId, MonotonicTime> timers_;
};

ReplicaHarness::ReplicaHarness(const std::string& strategy, Quorums quorums,
                               const std::function<void(ClusterConfig*)>& adjust)
    : strategy_(strategy), quorums_(quorums), adjust_(adjust) {
  for (int i = 1; i <= quorums.n; ++i) Start(static_cast<NodeId>(i), MemoryEngine());
  Run(absl::Seconds(2));
  for (const auto& [id, node] : nodes_) {
    const StrategyStatus status = node->replica->Status();
    CHECK(status.state == ReplicaState::kServing) << "node " << id << ": " << status.detail;
  }
}

ReplicaHarness::~ReplicaHarness() = default;

Replica& ReplicaHarness::replica(NodeId node) { return *nodes_.at(node)->replica; }

void ReplicaHarness::At(MonotonicTime time, Event event) {
  events_.emplace(time, std::move(event));
}

void ReplicaHarness::Step() {
  const auto first = events_.begin();
  now_ = std::max(now_, first->first);
  const Event event = std::move(first->second);
  events_.erase(first);
  const auto it = nodes_.find(event.node);
  if (it == nodes_.end()) return;
  if (event.incarnation != 0 && event.incarnation != it->second->incarnation()) return;
  Replica* replica = it->second->replica.get();
  event.action(replica);
  replica->Flush();
}

void ReplicaHarness::Run(absl::Duration duration) {
  const MonotonicTime end = now_ + duration;
  while (!events_.empty() && events_.begin()->first <= end) Step();
  now_ = end;
}

void ReplicaHarness::Start(NodeId id, MemoryEngine engine) {
  auto node = absl::make_unique<Node>(this, id, ++last_incarnation_);
  node->engine = std::move(engine);
  ClusterConfig config;
  config.strategy = strategy_;
  config.self = id;
  config.leader = StrategyHasLeader(strategy_) && id == 1;
  config.quorums = quorums_;
  if (adjust_) adjust_(&config);
  NewLife life;
  life.cluster = config.cluster;
  life.node = id;
  life.strategy = strategy_;
  life.durability = config.durability;
  life.incarnation = node->incarnation();
  absl::StatusOr<StoredState> state = BeginLife(&node->engine, life);
  CHECK(state.ok()) << state.status();
  auto replica =
      Replica::Make(config, node->incarnation(), *std::move(state), &node->engine, node.get());
  CHECK(replica.ok()) << replica.status();
  node->replica = *std::move(replica);
  node->replica->Start();
  for (int peer = 1; peer <= quorums_.n; ++peer) {
    if (static_cast<NodeId>(peer) == id) continue;
    node->replica->Link(static_cast<NodeId>(peer), true);
  }
  node->replica->Flush();
  nodes_[id] = std::move(node);
}

void ReplicaHarness::Crash(NodeId node) { nodes_.erase(node); }

void ReplicaHarness::Restart(NodeId node) {
  Crash(node);
  Start(node, MemoryEngine());
}

void ReplicaHarness::RestartWithData(NodeId node) {
  MemoryEngine engine = std::move(nodes_.at(node)->engine);
  Crash(node);
  Start(node, std::move(engine));
}

void ReplicaHarness::Deliver(NodeId from, NodeId to, peer::v1::Batch batch) {
  if (lose || alter) {
    peer::v1::Batch kept = batch;
    kept.clear_messages();
    for (const std::string& bytes : batch.messages()) {
      peer::v1::Message message;
      CHECK(message.ParseFromString(bytes));
      if (alter) alter(from, to, &message);
      if (!lose || !lose(from, to, message)) kept.add_messages(message.SerializeAsString());
    }
    if (kept.messages_size() == 0) return;
    batch = std::move(kept);
  }
  At(now_ + latency, Event{to, [batch = std::move(batch)](Replica* r) { r->Receive(batch); }, 0});
}

OperationId ReplicaHarness::Submit(NodeId node, Operation operation) {
  const OperationId id = ++last_operation_;
  replica(node).Submit(id, std::move(operation));
  replica(node).Flush();
  return id;
}

const OperationResult* ReplicaHarness::ResultOf(OperationId id) const {
  const auto it = results_.find(id);
  return it == results_.end() ? nullptr : &it->second;
}

OperationResult ReplicaHarness::Do(NodeId node, Operation operation) {
  const MonotonicTime end = now_ + operation.timeout + absl::Milliseconds(100);
  const OperationId id = Submit(node, std::move(operation));
  while (ResultOf(id) == nullptr && !events_.empty() && events_.begin()->first <= end) Step();
  CHECK(ResultOf(id) != nullptr) << "the operation did not end";
  return *ResultOf(id);
}

std::string ReplicaHarness::Held(NodeId node, const std::string& key) {
  const absl::StatusOr<std::optional<Record>> record = replica(node).store().Get(key);
  CHECK(record.ok()) << record.status();
  return Describe(*record);
}

Operation GetOf(const std::string& key) {
  Operation operation;
  operation.kind = OperationKind::kGet;
  operation.key = key;
  return operation;
}

Operation SetOf(const std::string& key, const std::string& value) {
  Operation operation;
  operation.kind = OperationKind::kSet;
  operation.key = key;
  operation.value = value;
  return operation;
}

Operation DeleteOf(const std::string& key) {
  Operation operation;
  operation.kind = OperationKind::kDelete;
  operation.key = key;
  return operation;
}

std::string ValueOf(const OperationResult& result) { return Describe(result.record); }

}  // namespace quorate
