// Strategy: how replicas keep each other up to date. A strategy reacts to client operations, peer
// messages, timers and expiries, and acts only through its StrategyContext. It is deterministic:
// the same calls in the same order give the same effects.
//
// To add one: a folder with the strategy, its test and its BUILD file, and an entry in registry.cc
// (CONTRIBUTING.md walks through it).
//
// Not thread-safe: runs on the replica's strand, like everything in this folder.
#ifndef QUORATE_REPLICATION_STRATEGY_H_
#define QUORATE_REPLICATION_STRATEGY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/cluster_config.h"
#include "replication/env.h"
#include "replication/operation.h"
#include "replication/storage/replica_store.h"

namespace quorate {

class CatchUp;

// What a strategy promises under given quorums. The simulator attacks exactly this.
struct Guarantee {
  // An acknowledged write is read, or a later one, as long as fewer than W of those that had
  // acknowledged it forgot it before they had caught up.
  bool keeps_acknowledged_writes = false;
  // Replicas hold the same once messages get through again.
  bool converges = false;
  // A read that starts after a write was acknowledged returns it or a later one (W+R>N).
  bool no_stale_reads = false;
  // Each key is an atomic register: reads and writes take effect at one moment between call and
  // answer, as long as fewer than W nodes have forgotten something and not caught up yet.
  bool linearizable = false;
  // The same for all writes at W and those reads that ask for it (Operation::linearizable).
  bool linearizable_on_request = false;
  // An operation with a session's token (Operation::session) knows all that the session has seen: a
  // read returns it or what came later, or fails.
  bool sessions = false;
  std::string summary;  // one line for people
};

enum class ReplicaState {
  kWaiting,     // leader-follower: no leader has called yet
  kRecovering,  // leader-follower: a leader that takes a new epoch
  kSyncing,     // may have forgotten acknowledged writes: its reads are no answers
  kServing,
  kFailed,  // its store has failed: it acknowledges and answers nothing
};

// What a replica tells about itself; for people and tools.
struct StrategyStatus {
  ReplicaState state = ReplicaState::kServing;
  std::string role;    // leader, follower or replica
  std::string detail;  // why it is not serving; empty otherwise
  NodeId leader = 0;
  uint64_t epoch = 0;
  uint64_t applied_number = 0;
  std::map<std::string, uint64_t> counters;
};

// The services of the replica that a strategy runs in. Everything that leaves the replica leaves at
// the end of the drain, after the drain's writes have been applied.
class StrategyContext {
 public:
  virtual ~StrategyContext() = default;

  virtual const ClusterConfig& config() const = 0;
  virtual const Quorums& quorums() const = 0;
  virtual void SetQuorums(const Quorums& quorums) = 0;  // valid ones
  virtual Incarnation incarnation() const = 0;
  // The store may lack writes that this node acknowledged in an earlier life.
  virtual bool MayHaveForgotten() const = 0;
  virtual ReplicaStore& store() = 0;
  virtual CatchUp& catch_up() = 0;

  virtual MonotonicTime Now() = 0;
  virtual absl::Time WallNow() = 0;
  virtual uint64_t Random() = 0;

  // Peers with an open session from this node, in id order.
  virtual std::vector<NodeId> ConnectedPeers() const = 0;
  virtual bool Connected(NodeId peer) const = 0;
  virtual Incarnation PeerIncarnation(NodeId peer) const = 0;  // 0 where not connected

  // See PeerSessions.
  virtual uint64_t RequestMark(NodeId peer) const = 0;
  virtual bool Answered(NodeId peer, uint64_t mark) const = 0;

  // Requests go out on this node's session to the peer, replies on the peer's session to this node;
  // without such a session the message is dropped.
  virtual void Send(NodeId to, const peer::v1::Message& message) = 0;
  // The same message to several peers, encoded once.
  virtual void SendToAll(const std::vector<NodeId>& peers, const peer::v1::Message& message) = 0;

  // A strategy's timers are numbered from 0.
  virtual void SetTimer(TimerId id, absl::Duration after) = 0;

  // An operation of the strategy's own: only OnExpire(id) is called for it.
  virtual OperationId OpenInternal(absl::Duration timeout) = 0;

  // Ends a client's operation; once for each OnSubmit.
  virtual void Complete(OperationId id, OperationResult result) = 0;

  // Whether what the store holds of `key` has the configured durability now: it may be shown at
  // once.
  virtual bool IsDurable(absl::string_view key) const = 0;
  // Runs `then`, which keeps `held_bytes` of values, once everything merged so far has the
  // configured durability: at the end of this drain at the earliest. Dropped when the replica
  // fails.
  virtual void WhenDurable(std::function<void()> then, size_t held_bytes = 0) = 0;
  // Bytes that what waits for it keeps.
  virtual size_t waiting_bytes() const = 0;

  virtual void LearnMembers(const std::vector<peer::v1::MemberAddress>& members) = 0;
  virtual const std::vector<peer::v1::MemberAddress>& Members() const = 0;  // see Env
  virtual void Log(const std::string& line) = 0;

  // The store has failed: the replica acknowledges nothing more.
  virtual void FailStop(const absl::Status& why) = 0;
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  virtual Guarantee Promise(const Quorums& quorums) const = 0;
  virtual StrategyStatus Status() const = 0;

  // False while the store may lack writes that this node acknowledged: its reads are then no
  // answers for anybody, and "absent" least of all. Cheap.
  virtual bool KnowsItsPast() const = 0;

  virtual void Start() = 0;

  // A valid get, set or delete (the replica answers local reads itself).
  virtual void OnSubmit(OperationId id, const Operation& operation) = 0;
  // The operation's time is over: it must be completed now if it has not been.
  virtual void OnExpire(OperationId id) = 0;
  // The client is gone: reads end, sent writes finish. The replica has completed the operation.
  virtual void OnCancel(OperationId id) = 0;

  virtual void OnPeerUp(NodeId peer) = 0;
  virtual void OnPeerDown(NodeId peer) = 0;
  // Messages may be lost and reordered; none arrives twice, and none of an earlier session.
  virtual void OnMessage(NodeId from, const peer::v1::Message& message) = 0;
  virtual void OnTimer(TimerId id) = 0;

  // What heartbeats carry.
  virtual void FillPing(NodeId to, peer::v1::Ping* ping) = 0;
  virtual void OnPing(NodeId from, const peer::v1::Ping& ping) = 0;
  virtual void FillPong(NodeId to, peer::v1::Pong* pong) = 0;
  virtual void OnPong(NodeId from, const peer::v1::Pong& pong) = 0;

  // Catch-up (catch_up.h). A peer asks for its first page; a page arrived; a pull is complete.
  virtual void FillCompareStart(NodeId to, peer::v1::CompareReply* reply) = 0;
  virtual void OnPullStarted(NodeId from, const peer::v1::CompareReply& first_page) = 0;
  virtual void OnPulledRecord(NodeId from, absl::string_view key, const Record& record) = 0;
  virtual void OnPullDone(NodeId from, bool source_was_syncing) = 0;

  // Before the drain's writes are applied: the place to send what the drain has gathered.
  virtual void OnDrainEnd() = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STRATEGY_H_
