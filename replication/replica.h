// Replica: the deterministic heart of a node. It owns a store, a strategy, the sessions with its
// peers and the open operations, and turns calls into effects on an Env.
//
// The calls below take effect inside a drain, which Flush ends:
//
//   while (have_work && !replica.DrainFull()) { replica.Submit(...) or any other call }
//   replica.Flush();   // applies the drain's writes, then lets messages and replies out
//
// Reads inside a drain see its writes. Every operation handed to Submit ends in exactly one
// Env::Complete.
//
// Not thread-safe: runs on one strand.
#ifndef QUORATE_REPLICATION_REPLICA_H_
#define QUORATE_REPLICATION_REPLICA_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "replication/catch_up.h"
#include "replication/cluster_config.h"
#include "replication/env.h"
#include "replication/operation.h"
#include "replication/sessions.h"
#include "replication/storage/replica_store.h"
#include "replication/storage/stored_state.h"
#include "replication/strategy.h"

namespace quorate {

class Replica : private StrategyContext, private SessionListener {
 public:
  // A drain is full after this much.
  static constexpr int kDrainEvents = 256;
  static constexpr size_t kDrainBytes = size_t{1} << 20;

  // INVALID_ARGUMENT where the configuration or its strategy makes no sense. `incarnation` must be
  // unique among the starts of this node; `state` is what BeginLife has returned for the engine.
  // Engine and env must outlive the replica.
  static absl::StatusOr<std::unique_ptr<Replica>> Make(const ClusterConfig& config,
                                                       Incarnation incarnation, StoredState state,
                                                       StorageEngine* engine, Env* env);
  ~Replica() override = default;

  // Once, before any other call.
  void Start();

  // `id` must be new and below kFirstInternalId.
  void Submit(OperationId id, Operation operation);
  // Ends an operation with the error `why`; a write that was sent goes on, unanswered. Unknown ids
  // are ignored.
  void Cancel(OperationId id,
              const absl::Status& why = absl::CancelledError("the client has gone"));
  void Receive(const peer::v1::Batch& batch);
  // The transport has, or has lost, a way to `peer`.
  void Link(NodeId peer, bool up);
  void FireTimer(TimerId id);
  void Expire(OperationId id);
  // All that was applied before `ticket` was asked for is synced; or, on an error, never will be:
  // the replica then acknowledges nothing more.
  void Durable(SyncTicket ticket, const absl::Status& status);

  bool DrainFull() const;
  void Flush();

  static constexpr OperationId kFirstInternalId = OperationId{1} << 62;

  StrategyStatus Status() const;
  // Whether this replica's reads count as answers; see Strategy::KnowsItsPast. Cheap.
  bool KnowsItsPast() const { return strategy_->KnowsItsPast(); }
  Guarantee Promise() const { return strategy_->Promise(quorums_); }
  const Quorums& quorums() const override { return quorums_; }
  const ClusterConfig& config() const override { return config_; }
  Incarnation incarnation() const override { return incarnation_; }
  // Open sessions, and why a peer refuses one.
  std::vector<NodeId> ConnectedPeers() const override { return sessions_.Connected(); }
  std::string Refusal(NodeId peer) const { return sessions_.Refusal(peer); }
  size_t open_operations() const { return open_.size(); }

  // Whether the store has failed: nothing that it holds may be relied on to be durable.
  bool failed() const { return !failed_.ok(); }

  // What this replica holds now.
  ReplicaStore& store() override { return store_; }

 private:
  struct OpenOperation {
    bool write = false;
    bool repeat = false;
    Version session;  // what its session has seen
  };
  struct Waiting {
    SyncTicket ticket = 0;
    std::vector<std::function<void()>> then;
    size_t bytes = 0;  // that these keep
  };

  Replica(const ClusterConfig& config, Incarnation incarnation, StoredState state,
          StorageEngine* engine, Env* env);

  // First in every call that a drain may begin with.
  void BeginEvent();
  absl::Status ValidateOperation(const Operation& operation) const;
  // A write that took its session no further, since too many replicas have forgotten what it has
  // seen or the write's context left that out: the session goes on knowing it.
  static void TellSession(const OpenOperation& operation, OperationResult* result);
  void LocalRead(OperationId id, const Operation& operation);
  void NoteComplete();
  void CommitDrain();
  void RunDurable();

  // StrategyContext.
  void SetQuorums(const Quorums& quorums) override { quorums_ = quorums; }
  bool MayHaveForgotten() const override { return may_have_forgotten_; }
  CatchUp& catch_up() override { return catch_up_; }
  MonotonicTime Now() override { return env_->Now(); }
  absl::Time WallNow() override { return env_->WallNow(); }
  uint64_t Random() override { return env_->Random(); }
  bool Connected(NodeId peer) const override { return sessions_.Connected(peer); }
  uint64_t RequestMark(NodeId peer) const override { return sessions_.RequestMark(peer); }
  bool Answered(NodeId peer, uint64_t mark) const override {
    return sessions_.Answered(peer, mark);
  }
  Incarnation PeerIncarnation(NodeId peer) const override {
    return sessions_.PeerIncarnation(peer);
  }
  void Send(NodeId to, const peer::v1::Message& message) override;
  void SendToAll(const std::vector<NodeId>& peers, const peer::v1::Message& message) override;
  void SetTimer(TimerId id, absl::Duration after) override;
  OperationId OpenInternal(absl::Duration timeout) override;
  void Complete(OperationId id, OperationResult result) override;
  bool IsDurable(absl::string_view key) const override;
  void WhenDurable(std::function<void()> then, size_t held_bytes) override;
  size_t waiting_bytes() const override { return waiting_bytes_; }
  void LearnMembers(const std::vector<peer::v1::MemberAddress>& members) override {
    env_->LearnMembers(members);
  }
  const std::vector<peer::v1::MemberAddress>& Members() const override { return env_->Members(); }
  void Log(const std::string& line) override { env_->Log(line); }
  void FailStop(const absl::Status& why) override;

  // SessionListener.
  void OnSessionUp(NodeId peer) override;
  void OnSessionDown(NodeId peer) override;
  void OnSessionMessage(NodeId from, const peer::v1::Message& message) override;
  int ReplicaCount() const override { return quorums_.n; }
  void FillPing(NodeId to, peer::v1::Ping* ping) override;

  // Fixed after construction.
  const ClusterConfig config_;
  const Incarnation incarnation_;
  const bool may_have_forgotten_;
  Env* const env_;
  std::unique_ptr<Strategy> strategy_;

  Quorums quorums_;
  ReplicaStore store_;
  PeerSessions sessions_;
  CatchUp catch_up_;
  OperationId next_internal_ = kFirstInternalId;
  absl::btree_map<OperationId, OpenOperation> open_;

  // This drain.
  int drain_events_ = 0;
  size_t drain_bytes_ = 0;
  Waiting this_drain_;  // to run once what is merged now is durable
  std::vector<std::pair<OperationId, OperationResult>> results_;

  // Durability: what waits for which ticket, oldest first.
  SyncTicket last_ticket_ = 0;
  SyncTicket durable_ticket_ = 0;
  uint64_t ticketed_batches_ = 0;
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;  // of those and of this drain's
  absl::Status failed_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_REPLICA_H_
