#include "tests/fuzz/peer_world.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "glog/logging.h"

#include "replication/env.h"
#include "replication/registry.h"
#include "replication/storage/memory_engine.h"
#include "replication/storage/stored_state.h"

namespace quorate::fuzz {
namespace {

// More than this on one way, and the oldest is lost.
constexpr size_t kMostOnWay = 64;

// Events of one call of RunHonestly.
constexpr int kMostEvents = 2000;

}  // namespace

class PeerWorld::Node : public Env {
 public:
  Node(PeerWorld* world, NodeId id, Incarnation incarnation)
      : world_(world), id_(id), incarnation_(incarnation) {}

  MonotonicTime Now() override { return world_->now_; }
  absl::Time WallNow() override { return absl::FromUnixSeconds(1000000) + world_->now_; }
  uint64_t Random() override { return ++world_->last_random_; }
  void Send(NodeId to, peer::v1::Batch batch) override {
    CHECK_EQ(batch.from(), id_);
    CHECK_EQ(batch.from_incarnation(), incarnation_);
    if (to < 1 || to > kNodes) return;  // a stranger that has greeted
    for (const std::string& bytes : batch.messages()) {
      peer::v1::Message message;
      CHECK(message.ParseFromString(bytes)) << "a replica has sent what is no message";
    }
    world_->newest_[{id_, to}] = batch;
    std::deque<peer::v1::Batch>& way = world_->ways_[{id_, to}];
    if (way.size() == kMostOnWay) way.pop_front();
    way.push_back(std::move(batch));
  }
  void SetTimer(TimerId timer, MonotonicTime at) override { timers_[timer] = at; }
  void ExpireAt(OperationId id, MonotonicTime at) override { expiries_[id] = at; }
  void Complete(OperationId id, OperationResult result) override {
    CHECK_EQ(open_.erase(id), 1u) << "an operation has ended that is not open: " << result.status;
    if (!result.record.has_value() || !result.status.ok()) return;
    CHECK(!result.record->version.empty());
  }
  void RequestSync(SyncTicket ticket) override { syncs_.push_back(ticket); }
  void LearnMembers(const std::vector<peer::v1::MemberAddress>&) override {}
  const std::vector<peer::v1::MemberAddress>& Members() const override { return members_; }
  void Log(const std::string&) override {}

  // What is due of its timers and operations.
  void RunDue() {
    for (auto it = timers_.begin(); it != timers_.end();) {
      const auto [timer, at] = *it;
      if (at > world_->now_) {
        ++it;
        continue;
      }
      timers_.erase(it);
      replica->FireTimer(timer);
      it = timers_.upper_bound(timer);
    }
    for (auto it = expiries_.begin(); it != expiries_.end();) {
      const auto [id, at] = *it;
      if (at > world_->now_) {
        ++it;
        continue;
      }
      expiries_.erase(it);
      replica->Expire(id);
      it = expiries_.upper_bound(id);
    }
    replica->Flush();
    for (const auto& [id, deadline] : open_) {
      CHECK(deadline > world_->now_) << "operation " << id << " has outlived its time";
    }
  }

  MonotonicTime NextDue() const {
    MonotonicTime next = absl::InfiniteDuration();
    for (const auto& [timer, at] : timers_) next = std::min(next, at);
    for (const auto& [id, at] : expiries_) next = std::min(next, at);
    return next;
  }

  void Check() {
    CHECK(disk_failed || !replica->failed()) << "node " << id_ << ": " << replica->Status().detail;
    if (replica->failed()) return;
    for (const char* key : kKeys) {
      const absl::StatusOr<std::optional<Record>> record = replica->store().Get(key);
      CHECK(record.ok()) << record.status();
      Version& known = versions_[key];
      const Version held = record->has_value() ? (*record)->version : Version();
      CHECK(held.Descends(known)) << "node " << id_ << " has gone back from " << known.DebugString()
                                  << " to " << held.DebugString();
      known = held;
    }
    CHECK_LE(replica->open_operations(), replica->config().max_open_operations);
  }

  std::unique_ptr<MemoryEngine> engine;
  std::unique_ptr<Replica> replica;
  bool disk_failed = false;

  std::map<OperationId, MonotonicTime> open_;  // and when their time is over
  std::deque<SyncTicket> syncs_;
  // Of this disk.
  std::map<std::string, Version> versions_;

 private:
  PeerWorld* const world_;
  const NodeId id_;
  const Incarnation incarnation_;
  const std::vector<peer::v1::MemberAddress> members_;
  std::map<TimerId, MonotonicTime> timers_;
  std::map<OperationId, MonotonicTime> expiries_;
};

PeerWorld::PeerWorld(const ClusterConfig& settings) : settings_(settings) {
  for (NodeId id = 1; id <= kNodes; ++id) {
    Restart(id, /*forget=*/true);
    if (settings_.durability == Durability::kMemory) continue;
    StoredState earlier = At(id).replica->store().state();
    earlier.set_complete(true);
    const absl::Status ended = EndLife(At(id).engine.get(), std::move(earlier));
    CHECK(ended.ok()) << ended;
    Restart(id, /*forget=*/false);
  }
}

PeerWorld::~PeerWorld() = default;

NewLife PeerWorld::NextLife(NodeId id) {
  NewLife life;
  life.cluster = settings_.cluster;
  life.node = id;
  life.strategy = settings_.strategy;
  life.durability = settings_.durability;
  life.boot = "boot";
  life.incarnation = ++last_incarnation_;
  return life;
}

void PeerWorld::Start(NodeId id) {
  Node& node = At(id);
  ClusterConfig config = settings_;
  config.self = id;
  config.leader = StrategyHasLeader(config.strategy) && id == 1;
  const NewLife life = NextLife(id);
  absl::StatusOr<StoredState> state = BeginLife(node.engine.get(), life);
  CHECK(state.ok()) << state.status();
  auto replica =
      Replica::Make(config, life.incarnation, *std::move(state), node.engine.get(), &node);
  CHECK(replica.ok()) << replica.status();
  node.replica = *std::move(replica);
  node.replica->Start();
  for (NodeId peer = 1; peer <= kNodes; ++peer) {
    if (peer != id) node.replica->Link(peer, true);
  }
  node.replica->Flush();
}

void PeerWorld::Restart(NodeId id, bool forget) {
  std::unique_ptr<Node> old = std::move(nodes_[id - 1]);
  nodes_[id - 1] = absl::make_unique<Node>(this, id, last_incarnation_ + 1);
  Node& node = At(id);
  if (forget || settings_.durability == Durability::kMemory) {
    node.engine = absl::make_unique<MemoryEngine>();
  } else {
    node.engine = std::move(old->engine);
    node.versions_ = std::move(old->versions_);
  }
  old.reset();
  Start(id);
}

std::deque<peer::v1::Batch>& PeerWorld::Way(NodeId from, NodeId to) { return ways_[{from, to}]; }

peer::v1::Batch PeerWorld::NextLike(NodeId from, NodeId to) {
  peer::v1::Batch& newest = newest_[{from, to}];
  newest.set_sequence(newest.sequence() + 1);
  peer::v1::Batch batch = newest;
  batch.clear_messages();
  return batch;
}

void PeerWorld::Receive(NodeId node, const peer::v1::Batch& batch) {
  At(node).replica->Receive(batch);
  At(node).replica->Flush();
}

void PeerWorld::Submit(NodeId id, Operation operation) {
  Node& node = At(id);
  const OperationId operation_id = 1000 + operations_.size();
  operations_.push_back(operation_id);
  node.open_.emplace(operation_id, now_ + operation.timeout);
  node.replica->Submit(operation_id, std::move(operation));
  node.replica->Flush();
}

void PeerWorld::CancelOldest(NodeId id) {
  Node& node = At(id);
  if (node.open_.empty()) return;
  node.replica->Cancel(node.open_.begin()->first);
  node.replica->Flush();
}

void PeerWorld::Link(NodeId node, NodeId peer, bool up) {
  At(node).replica->Link(peer, up);
  At(node).replica->Flush();
}

void PeerWorld::Sync(NodeId id, bool works) {
  Node& node = At(id);
  if (node.syncs_.empty()) return;
  const SyncTicket ticket = node.syncs_.front();
  node.syncs_.pop_front();
  node.disk_failed = node.disk_failed || !works;
  node.replica->Durable(ticket, works ? absl::OkStatus() : absl::DataLossError("the disk fails"));
  node.replica->Flush();
}

MonotonicTime PeerWorld::NextDue() const {
  MonotonicTime next = absl::InfiniteDuration();
  for (const auto& node : nodes_) next = std::min(next, node->NextDue());
  return next;
}

void PeerWorld::RunDue() {
  for (const auto& node : nodes_) node->RunDue();
}

void PeerWorld::Advance(absl::Duration duration) {
  now_ += duration;
  RunDue();
}

bool PeerWorld::DeliverAll() {
  bool any = false;
  for (NodeId id = 1; id <= kNodes; ++id) {
    while (!At(id).syncs_.empty()) Sync(id, /*works=*/true);
    for (NodeId from = 1; from <= kNodes; ++from) {
      std::deque<peer::v1::Batch> batches = std::exchange(Way(from, id), {});
      for (const peer::v1::Batch& batch : batches) {
        any = true;
        Receive(id, batch);
      }
    }
  }
  return any;
}

void PeerWorld::RunHonestly(absl::Duration duration) {
  const MonotonicTime end = now_ + duration;
  for (int event = 0; event < kMostEvents && now_ < end; ++event) {
    if (DeliverAll()) continue;
    now_ = std::max(now_, std::min(end, NextDue()));
    RunDue();
  }
}

void PeerWorld::FindEachOther() {
  const bool forgot = settings_.durability == Durability::kMemory;
  // What was said before a node's start counts no more after this time (doc/semantics.md 57).
  const absl::Duration comparing = settings_.peer_timeout + 4 * settings_.heartbeat_interval;
  RunHonestly(forgot ? comparing : settings_.heartbeat_interval);
}

void PeerWorld::Check() {
  for (const auto& node : nodes_) node->Check();
}

void PeerWorld::CheckEnd() {
  Advance(kLongestTimeout);
  for (const auto& node : nodes_) {
    CHECK(node->open_.empty()) << "an operation has outlived its time";
    CHECK_EQ(node->replica->open_operations(), 0u);
  }
  Check();
}

uint64_t PeerWorld::EpochOf(NodeId node) const { return At(node).replica->Status().epoch; }

Incarnation PeerWorld::IncarnationOf(NodeId node) const { return At(node).replica->incarnation(); }

}  // namespace quorate::fuzz
